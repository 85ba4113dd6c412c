//! MOPO: model-based offline policy optimisation (Yu et al. 2020).
//!
//! What it is beside MBPO: nothing is done in the world. An ensemble is fitted once, to a dataset; from its states short
//! rollouts of the policy are imagined, and what they earn is lowered by λ times how unsure the model is of the move; soft
//! actor-critic learns from these and a few recorded transitions, whose rewards are as they were.
//!
//! What the presets are, and where they depart from what they are named after:
//! - `fast` is ours, for two cores: networks of 3×64 and 2×64, 2,000 rollouts of 20 steps every 250 updates.
//! - `no-penalty` is `fast` without the penalty, which is MBPO on a dataset: the ablation.
//! - `pessimistic-critics` is `no-penalty` with the smallest of ten critics: an answer to states that rollouts end in and none
//!   begins in (Sims et al. 2024), whose values nothing corrects.
//! - `paper`: the penalty is the largest Frobenius norm of a covariance, and the reward is the mean. What the paper leaves open
//!   is as in the code; its spectral normalisation was withdrawn by the authors.
//! - `official-code` (tianheyu927/mopo): the largest norm of the *deviations* of any network, the reward's among them, and a
//!   reward that is drawn; λ and the length of rollouts by dataset, as its configuration for D4RL v0 has them. Targets are
//!   normalised here, where that code learns them in their own units.
//! - `offlinerl-kit`: as its `run_mopo.py` has it, with λ and lengths for D4RL v2; the actor's rate falls along half a cosine,
//!   an update at a time, where there it falls an epoch at a time. The temperature is not kept below 1, as it is there, and
//!   targets are normalised.
//!
//! The tables serve every version of a dataset, and `paper` takes those of the code, whose λ were found for other norms.

mod agent;
mod config;
mod published;

pub use agent::MopoAgent;
pub use config::{ImaginedConfig, MopoConfig, Pessimism};

use crate::mbpo::Mbpo;
use crate::{Agent, Known, Method, Preset, SacConfig, Setup, Spaces, TargetEntropy, Temperature};
use mbrl_core::{Error, Key, Result};
use mbrl_models::{EnsembleConfig, Holdout, Rewards, Stop, Targets, Uncertainty};
use mbrl_nn::{AdamConfig, LogStd};

/// The method.
pub(crate) struct Mopo;

impl Method for Mopo {
    const NAME: &'static str = "mopo";
    const SUMMARY: &'static str = "learn from a dataset, in a model that pays for what it is unsure of";
    const SOURCE: &'static str = "Yu et al. 2020";
    const SPACES: Spaces = Spaces::Continuous;
    const OFFLINE: bool = true;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "fast", summary: "ours, for two cores: small networks" },
        Preset { name: "no-penalty", summary: "fast without the penalty: MBPO on a dataset" },
        Preset { name: "pessimistic-critics", summary: "no-penalty with the smallest of ten critics" },
        Preset {
            name: "paper",
            summary: "the norm of covariances, the mean of rewards: 7 networks of 4×200",
        },
        Preset { name: "official-code", summary: "tianheyu927/mopo, λ and lengths by D4RL v0 dataset" },
        Preset {
            name: "offlinerl-kit",
            summary: "OfflineRL-Kit's run_mopo, λ and lengths by D4RL v2 dataset",
        },
    ];
    type Config = MopoConfig;

    fn preset(name: &str) -> Result<MopoConfig> {
        let penalty =
            |lambda, measure: Uncertainty| Pessimism::Penalty { lambda, uncertainty: measure.published() };
        let code = official_code(penalty(1.0, Uncertainty::MaxStdNorm));
        let fast = || -> Result<MopoConfig> { fast(penalty(1.0, Uncertainty::MaxStdNorm)) };
        match name {
            "fast" => fast(),
            "no-penalty" => Ok(MopoConfig { pessimism: Pessimism::None, ..fast()? }),
            "pessimistic-critics" => {
                let fast = fast()?;
                Ok(MopoConfig {
                    pessimism: Pessimism::None,
                    sac: SacConfig { critics: 10, ..fast.sac },
                    ..fast
                })
            }
            "paper" => Ok(MopoConfig {
                model: EnsembleConfig { rewards: Rewards::Mean, ..code.model },
                pessimism: penalty(1.0, Uncertainty::MaxCovarianceNorm),
                ..code
            }),
            "official-code" => Ok(code),
            "offlinerl-kit" => {
                let adam = |lr| AdamConfig { lr, ..AdamConfig::default() };
                let temperature =
                    Temperature::Learnt { initial: 1.0, target: TargetEntropy::Dims, adam: adam(1e-4) };
                // Its patience of 5 stops after the fifth such epoch, not past it.
                let stop = Stop { patience: 4, ..code.model.stop };
                Ok(MopoConfig {
                    model: EnsembleConfig { stop, ..code.model },
                    sac: SacConfig {
                        actor: adam(1e-4),
                        critic: adam(3e-4),
                        temperature,
                        log_std: LogStd::Clamped { low: -5.0, high: 2.0 },
                        ..SacConfig::default()
                    },
                    anneal: Some(3_000_000),
                    ..code
                })
            }
            _ => Err(Error::invalid(format_args!("mopo has no preset `{name}`"))),
        }
    }

    fn suited(preset: &str, dataset: &str, mut config: MopoConfig) -> MopoConfig {
        if let Some((weight, length)) = published::settings(preset, dataset) {
            config.rollouts.length = length;
            if let Pessimism::Penalty { lambda, .. } = &mut config.pessimism {
                *lambda = weight;
            }
        }
        config
    }

    fn quick(config: MopoConfig) -> MopoConfig {
        config.quick()
    }

    fn validate(config: &MopoConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: MopoConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(MopoAgent::new("mopo", config, setup, key)?))
    }
}

/// The model and the learner of MBPO's `fast`.
pub(crate) fn fast(pessimism: Pessimism) -> Result<MopoConfig> {
    let mbpo = Mbpo::preset("fast")?;
    Ok(MopoConfig {
        model: EnsembleConfig { stop: Stop { max_epochs: Some(100), ..mbpo.model.stop }, ..mbpo.model },
        reward: Known::Learnt,
        termination: Known::Given,
        pessimism,
        sac: mbpo.sac,
        rollouts: ImaginedConfig { starts: 2_000, length: 20, every: 250, retain: 1_250 },
        real_share: 0.05,
        anneal: None,
        patience: None,
    })
}

fn official_code(pessimism: Pessimism) -> MopoConfig {
    let adam = AdamConfig { lr: 3e-4, ..AdamConfig::default() };
    // The same for every task, however many numbers an action has.
    let temperature = Temperature::Learnt { initial: 1.0, target: TargetEntropy::Nats(-3.0), adam };
    MopoConfig {
        model: EnsembleConfig {
            holdout: Holdout { share: 0.2, cap: 1_000 },
            targets: Targets::Normalized,
            ..EnsembleConfig::default()
        },
        reward: Known::Learnt,
        termination: Known::Given,
        pessimism,
        sac: SacConfig { temperature, ..SacConfig::default() },
        rollouts: ImaginedConfig { starts: 50_000, length: 5, every: 1_000, retain: 5_000 },
        real_share: 0.05,
        anneal: None,
        patience: None,
    }
}
