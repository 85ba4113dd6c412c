//! What is believed of a finite world before any data.

use super::RewardBelief;
use mbrl_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

/// The prior of a [`TabularPosterior`](crate::TabularPosterior).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TabularConfig {
    /// The Dirichlet concentration of each successor of a move: 1 is uniform over all distributions, 1 / states expects
    /// few successors.
    pub concentration: f64,
    /// What is believed of the mean reward of each move.
    pub reward: RewardBelief,
}

impl Default for TabularConfig {
    /// Dirichlet(1, …, 1), and the normal-gamma prior of one pseudo observation of Osband, Russo & Van Roy 2013.
    fn default() -> Self {
        TabularConfig {
            concentration: 1.0,
            reward: RewardBelief::NormalGamma { mean: 0.0, count: 1.0, shape: 1.0, rate: 1.0 },
        }
    }
}

impl TabularConfig {
    /// Refuses a prior that is no distribution.
    pub fn validate(&self) -> Result<()> {
        check_positive("concentration", self.concentration)?;
        self.reward.validate().context("reward")
    }
}

/// Refuses what is not positive, or so far from 1 that arithmetic with it means nothing.
pub(crate) fn check_positive(name: &str, value: f64) -> Result<()> {
    if (1e-100..=1e100).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is {value}: expected a number from 1e-100 to 1e100")))
}
