//! How a Bayesian network is built and trained.

use crate::ensemble::TerminationConfig;
use mbrl_core::{Error, Result};
use mbrl_nn::{Activation, AdamConfig, Divergence, Init, Prior};
use serde::{Deserialize, Serialize};

/// A Bayesian network and its training.
///
/// The default is what tells chance from ignorance on a noisy line (`tests/uncertainty.rs`). There a posterior of independent
/// weights pays for every weight that it need not know: at a learning rate of 1e-3 it is not done after 300 epochs and takes
/// ignorance for noise (deviations 10 to 30 % too large), and with the bounded slopes of SiLU or tanh in more than one layer
/// its members agree away from the data. Shallow networks of ReLUs do best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BayesConfig {
    /// Networks drawn for imagination: 5.
    pub members: usize,
    /// Widths of hidden layers: one of 64.
    pub hidden: Vec<usize>,
    /// What they end in: ReLU.
    pub activation: Activation,
    /// How the means of the weights begin.
    pub init: Init,
    /// Where ρ begins: the deviation of a weight is softplus(ρ). −4.
    pub rho: f32,
    /// What is known of the noise in targets.
    pub noise: TargetNoise,
    /// What is believed of a weight before any data: that it is normal, with deviation 1.
    pub prior: Prior,
    /// How the divergence from the prior is told.
    pub divergence: Divergence,
    /// How much of it each minibatch carries.
    pub weights: MinibatchWeights,
    /// The optimizer: Adam, 5e-3.
    pub adam: AdamConfig,
    /// Rows in a step: 128.
    pub batch: usize,
    /// Passes over the data in a fit: 300.
    pub epochs: usize,
    /// The networks that learn when episodes end, where that is not known.
    pub termination: TerminationConfig,
}

/// What is known of the noise in targets, whose columns are brought to mean zero and deviation one before they are learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TargetNoise {
    /// Nothing: the network predicts a variance beside each mean, within bounds that are learnt too.
    #[default]
    Learnt,
    /// It is the same everywhere.
    Known {
        /// Its deviation, as a share of the target's own.
        deviation: f32,
    },
}

/// The share of the divergence that belongs to minibatch i of M.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinibatchWeights {
    /// 1 / M (Graves 2011).
    #[default]
    Uniform,
    /// 2^(M−i) / (2^M − 1): the prior rules the first minibatches and the data the later ones.
    Geometric,
}

impl MinibatchWeights {
    /// The weight of minibatch `i`, counted from 0, of `batches`.
    pub fn of(self, i: usize, batches: usize) -> f64 {
        match self {
            MinibatchWeights::Uniform => 1.0 / batches as f64,
            // 2^(M−i) / (2^M − 1) with i from 1, scaled so that nothing overflows.
            MinibatchWeights::Geometric => 0.5f64.powf((i + 1) as f64) / (1.0 - 0.5f64.powf(batches as f64)),
        }
    }
}

impl Default for BayesConfig {
    fn default() -> Self {
        BayesConfig {
            members: 5,
            hidden: vec![64],
            activation: Activation::Relu,
            init: Init::TruncatedNormal,
            rho: -4.0,
            noise: TargetNoise::Learnt,
            prior: Prior::Gaussian { deviation: 1.0 },
            divergence: Divergence::ClosedForm,
            weights: MinibatchWeights::Uniform,
            adam: AdamConfig { lr: 5e-3, ..AdamConfig::default() },
            batch: 128,
            epochs: 300,
            termination: TerminationConfig::default(),
        }
    }
}

impl BayesConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("members", self.members), ("batch", self.batch), ("epochs", self.epochs)] {
            if value == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: give at least 1")));
            }
        }
        if self.members > usize::from(u16::MAX) {
            return Err(Error::invalid(format_args!("members is {}: give at most 65535", self.members)));
        }
        if !(-30.0..30.0).contains(&self.rho) {
            return Err(Error::invalid(format_args!(
                "rho is {}: give a number between -30 and 30",
                self.rho
            )));
        }
        if let TargetNoise::Known { deviation } = self.noise
            && !(deviation > 0.0 && deviation.is_finite())
        {
            return Err(Error::invalid(format_args!(
                "noise.deviation is {deviation}: give a positive number"
            )));
        }
        self.prior.validate().map_err(|error| error.wrap("prior"))?;
        if self.divergence == Divergence::ClosedForm && matches!(self.prior, Prior::Mixture { .. }) {
            return Err(Error::invalid(
                "a mixture prior has no divergence in closed form: set divergence to monte_carlo",
            ));
        }
        self.adam.validate().map_err(|error| error.wrap("adam"))?;
        self.termination.adam.validate().map_err(|error| error.wrap("termination.adam"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_minibatches_sum_to_one() {
        for weights in [MinibatchWeights::Uniform, MinibatchWeights::Geometric] {
            for batches in [1, 2, 10, 5000] {
                let sum: f64 = (0..batches).map(|i| weights.of(i, batches)).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{weights:?} of {batches}");
            }
        }
        assert!((MinibatchWeights::Geometric.of(0, 2) - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        BayesConfig::default().validate().unwrap();
        let mixture = Prior::Mixture { share: 0.5, wide: 1.0, narrow: 0.01 };
        for (name, config) in [
            ("epochs", BayesConfig { epochs: 0, ..BayesConfig::default() }),
            ("rho", BayesConfig { rho: f32::NAN, ..BayesConfig::default() }),
            ("noise", BayesConfig { noise: TargetNoise::Known { deviation: 0.0 }, ..BayesConfig::default() }),
            ("prior", BayesConfig { prior: Prior::Gaussian { deviation: 0.0 }, ..BayesConfig::default() }),
            ("monte_carlo", BayesConfig { prior: mixture, ..BayesConfig::default() }),
        ] {
            assert!(config.validate().unwrap_err().to_string().contains(name), "{name}");
        }
        let config =
            BayesConfig { prior: mixture, divergence: Divergence::MonteCarlo, ..BayesConfig::default() };
        config.validate().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<BayesConfig>(&json).unwrap(), config);
    }
}
