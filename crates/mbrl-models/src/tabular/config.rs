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

/// What is wrong with a posterior that is not quite Bayes': how often it counts its data, and what else it believes in.
///
/// ```
/// use mbrl_core::{Key, Space, Spec};
/// use mbrl_models::{Distortion, TabularConfig, TabularPosterior};
///
/// # fn main() -> mbrl_core::Result<()> {
/// let spec = Spec::new(Space::discrete(2)?, Space::discrete(1)?);
/// let posterior = TabularPosterior::new(&spec, vec![1.0, 0.0], vec![false; 2], TabularConfig::default())?;
/// // Who counts all data once, and adds nothing, draws what Bayes would.
/// let none = Distortion::NONE;
/// assert_eq!(posterior.draw_distorted(none, Key::root(1))?, posterior.draw(Key::root(1))?);
/// let idle = Distortion { stays: 2.0, ..none };
/// assert_eq!(posterior.mean_distorted(idle)?.transition(0, 0), [0.75, 0.25]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distortion {
    /// The power of the likelihood: each observation counts as so many. 1 is Bayes' rule, less is more cautious, more is
    /// overconfident.
    pub power: f64,
    /// Pseudo-observations of every move that it led nowhere, which no data were ever seen for.
    pub stays: f64,
}

impl Distortion {
    /// Bayes' rule.
    pub const NONE: Distortion = Distortion { power: 1.0, stays: 0.0 };

    /// Refuses what makes no distribution of a prior.
    pub fn validate(&self) -> Result<()> {
        for (name, number) in [("power", self.power), ("stays", self.stays)] {
            if !(0.0..=1e100).contains(&number) {
                return Err(Error::invalid(format_args!(
                    "{name} is {number}: expected a number from 0 to 1e100"
                )));
            }
        }
        Ok(())
    }
}

/// Refuses what is not positive, or so far from 1 that arithmetic with it means nothing.
pub(crate) fn check_positive(name: &str, value: f64) -> Result<()> {
    if (1e-100..=1e100).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} is {value}: expected a number from 1e-100 to 1e100")))
}
