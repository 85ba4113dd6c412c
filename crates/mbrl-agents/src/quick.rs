//! An ensemble cut down, for the settings of [`Method::quick`](crate::Method::quick).

use mbrl_models::{EnsembleConfig, Stop};

/// The same ensemble with small networks, fitted in a few passes.
pub(crate) fn ensemble(config: EnsembleConfig) -> EnsembleConfig {
    EnsembleConfig {
        hidden: vec![16; 2],
        decay: config.decay.first().copied().into_iter().collect(),
        stop: Stop { max_epochs: Some(2), ..config.stop },
        ..config
    }
}
