//! What is believed of linear dynamics before any data.

use crate::tabular::config::check_positive;
use mbrl_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The prior of a [`LinearPosterior`](crate::LinearPosterior), and what it predicts from what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearConfig {
    /// What is predicted of the next observation.
    pub target: LinearTarget,
    /// What it is predicted from.
    pub features: LinearFeatures,
    /// How many weight matrices are drawn: the members of the model.
    pub members: usize,
    /// λ₀: each weight is believed to be normal around 0 with variance (noise variance) / λ₀. A weight w that is there
    /// costs λ₀w² in the sum of squares that the noise is judged by, so λ₀ should be small.
    pub prior_precision: f64,
    /// What is believed of the noise.
    pub noise: NoisePrior,
}

/// What is predicted of the next observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinearTarget {
    /// Its difference to the present one: without data, nothing changes.
    #[default]
    Delta,
    /// Itself.
    Next,
}

/// What the next observation is predicted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinearFeatures {
    /// Observation, action and a constant.
    #[default]
    Linear,
    /// These and all products of two numbers of observation and action.
    Quadratic,
}

/// What is believed of the noise of each output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NoisePrior {
    /// Its variance is unknown, inverse-gamma distributed, for each output on its own.
    InverseGamma {
        /// a₀: half as many observations as the belief is worth.
        shape: f64,
        /// b₀, in squared units of the output: the variance is believed to be near `scale / shape`.
        scale: f64,
    },
    /// Its variance is known.
    Known {
        /// The variance of each output: the observation's, and the reward's behind them where that is learnt.
        variance: Vec<f64>,
    },
}

impl Default for LinearConfig {
    /// A broad prior for worlds whose numbers are near 1 (weights of size 1 where the noise has size 0.01), and seven members, as many as ensembles have (Chua et al. 2018
    /// have five, Janner et al. 2019 seven).
    fn default() -> Self {
        LinearConfig {
            target: LinearTarget::Delta,
            features: LinearFeatures::Linear,
            members: 7,
            prior_precision: 1e-4,
            noise: NoisePrior::InverseGamma { shape: 1.0, scale: 1e-4 },
        }
    }
}

impl LinearConfig {
    /// Refuses a prior that is no distribution, and a number of members that cannot be numbered.
    pub fn validate(&self) -> Result<()> {
        if !(1..=usize::from(u16::MAX)).contains(&self.members) {
            return Err(Error::invalid(format_args!(
                "members is {}: expected 1 to {}",
                self.members,
                u16::MAX
            )));
        }
        check_positive("prior_precision", self.prior_precision)?;
        match &self.noise {
            NoisePrior::InverseGamma { shape, scale } => {
                check_positive("noise shape", *shape)?;
                check_positive("noise scale", *scale)
            }
            NoisePrior::Known { variance } => {
                variance.iter().try_for_each(|variance| check_positive("noise variance", *variance))
            }
        }
    }
}

impl LinearFeatures {
    /// How many features there are, the constant among them, of so many numbers.
    pub(super) fn count(self, numbers: usize) -> Option<usize> {
        match self {
            LinearFeatures::Linear => numbers.checked_add(1),
            LinearFeatures::Quadratic => {
                let products = numbers.checked_add(1)?.checked_mul(numbers)? / 2;
                products.checked_add(numbers)?.checked_add(1)
            }
        }
    }

    /// Writes the features of a row, in the order in which they are documented.
    pub(super) fn write(self, obs: &[f32], act: &[f32], out: &mut [f64]) {
        let numbers = obs.len() + act.len();
        for (out, x) in out.iter_mut().zip(obs.iter().chain(act)) {
            *out = f64::from(*x);
        }
        let mut at = numbers;
        if self == LinearFeatures::Quadratic {
            for i in 0..numbers {
                for j in i..numbers {
                    out[at] = out[i] * out[j];
                    at += 1;
                }
            }
        }
        out[at] = 1.0;
    }
}
