//! Settings of path integral control.

use crate::check;
use mbrl_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Settings of [`Mppi`](super::Mppi). The default is that of mbrl-lib on HalfCheetah.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MppiConfig {
    /// Plans drawn in a round: 350.
    pub population: usize,
    /// Rounds: 5.
    pub iterations: usize,
    /// How plans are drawn and weighed.
    pub update: MppiUpdate,
}

/// The two published forms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MppiUpdate {
    /// All plans count, by their score, and the deviation stays as it is.
    PathIntegral(PathIntegral),
    /// The best plans count, by their score, and the deviation is refitted to them.
    Elites(EliteUpdate),
}

/// PDDM's update (Nagabandi et al. 2019), as mbrl-lib has it.
///
/// Noise is truncated at two deviations and smoothed over time; plans are clipped to the bounds; their mean, weighted by
/// exp(*γ* (score − best score)), is executed. mbrl-lib makes deviations that respect *σ* and the bounds, and then does not
/// use them: its noise has deviation 1 whatever *σ* is. Here it has *σ*, and is not narrowed near a bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PathIntegral {
    /// What scores are multiplied by, *γ*: 0.9. It is in units of one over the score.
    pub gamma: f64,
    /// The deviation of the noise before it is smoothed, in units of half the distance between the bounds, *σ*: 1.
    pub sigma: f64,
    /// The share of an action that is new, *β*: 0.9. The rest is the action of the step before; 1 does not smooth.
    pub beta: f64,
}

/// TD-MPC2's update (Hansen et al. 2024).
///
/// Noise is white and plans are clipped to the bounds. Mean and deviation become those of the elites, weighted by
/// exp(temperature · (score − best score)). The plans that TD-MPC2 draws from its policy besides, and the noise that it adds
/// to the executed action while it learns, are its agent's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EliteUpdate {
    /// So many plans count: 64.
    pub elites: usize,
    /// What scores are multiplied by: 0.5. It is in units of one over the score: higher is greedier.
    pub temperature: f64,
    /// Deviations are kept from falling below this, in units of half the distance between the bounds: 0.05.
    pub min_std: f64,
    /// A search begins with this deviation, and none is larger: 2.
    pub max_std: f64,
    /// What is executed.
    pub executed: Executed,
}

/// What is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executed {
    /// The mean.
    Mean,
    /// An elite of the last round, drawn by its weight.
    Elite,
}

impl Default for MppiConfig {
    fn default() -> Self {
        MppiConfig {
            population: 350,
            iterations: 5,
            update: MppiUpdate::PathIntegral(PathIntegral::default()),
        }
    }
}

impl Default for PathIntegral {
    fn default() -> Self {
        PathIntegral { gamma: 0.9, sigma: 1.0, beta: 0.9 }
    }
}

impl Default for EliteUpdate {
    fn default() -> Self {
        EliteUpdate { elites: 64, temperature: 0.5, min_std: 0.05, max_std: 2.0, executed: Executed::Elite }
    }
}

impl MppiConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        check::count("population", self.population)?;
        check::count("iterations", self.iterations)?;
        match self.update {
            MppiUpdate::PathIntegral(update) => {
                check::positive("gamma", update.gamma)?;
                check::deviation("sigma", update.sigma)?;
                if update.beta > 0.0 && update.beta <= 1.0 {
                    return Ok(());
                }
                let beta = update.beta;
                Err(Error::invalid(format_args!("beta is {beta}: give a number above 0 and up to 1")))
            }
            MppiUpdate::Elites(update) => {
                check::elites(update.elites, self.population, "population")?;
                check::positive("temperature", update.temperature)?;
                check::not_negative("min_std", update.min_std)?;
                check::deviation("max_std", update.max_std)?;
                if update.min_std <= update.max_std {
                    return Ok(());
                }
                let EliteUpdate { min_std, max_std, .. } = update;
                Err(Error::invalid(format_args!("min_std is {min_std}: give at most max_std, {max_std}")))
            }
        }
    }
}
