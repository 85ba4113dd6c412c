//! The cross-entropy method: draw plans, refit the distribution to the best of them, repeat.

mod diagonal;
mod full;
#[cfg(test)]
mod tests;

use crate::bounds::{Bounds, check_length, check_room};
use crate::population::{Population, blend};
use crate::{ActionOptimizer, Found, Score, WarmStart, check};
use diagonal::Diagonal;
use full::Full;
use mbrl_core::{Key, NoiseBuf, NoiseSpec, Result, RowsMut, Space};
use serde::{Deserialize, Serialize};

/// Settings of [`Cem`]. The default is that of handful-of-trials, the code of PETS (Chua et al. 2018).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CemConfig {
    /// Plans drawn in a round: 400.
    pub population: usize,
    /// The distribution is refitted to so many of them: 40.
    pub elites: usize,
    /// Rounds: 5.
    pub iterations: usize,
    /// How much of the old mean and of the old spread is kept in a refit, *α*: 0.1.
    pub momentum: f64,
    /// The search is over when the largest variance is below this, in units of half the distance between the bounds,
    /// squared: 0.001. With bounds −1 and 1 that is the variance itself. 0 never ends it early.
    pub epsilon: f64,
    /// How plans are drawn.
    pub sampling: Sampling,
    /// What is refitted.
    pub covariance: Covariance,
    /// What is returned.
    pub returned: Returned,
}

/// How a plan is drawn from the distribution, and kept inside the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// From a normal distribution cut off at two deviations, which are first made at most half the distance to the nearer
    /// bound, so that nothing drawn is outside. It begins with deviations of a quarter of the distance between the bounds;
    /// momentum is that of the variance.
    Truncated,
    /// From a normal distribution, and clipped to the bounds. It begins with deviations of half the distance between the
    /// bounds; momentum is that of the deviation. This is mbrl-lib's `clipped_normal`, which begins with 1 whatever the
    /// bounds are, and divides by one less than the elites.
    Clipped,
}

/// What the distribution knows of plans beyond their mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Covariance {
    /// A variance for each number of a plan.
    Diagonal,
    /// The covariance of all numbers of a plan with each other.
    ///
    /// It costs the square of `horizon · act` for each plan drawn and the cube a round, so it is for short plans. Elites
    /// may well be fewer than the numbers of a plan, and their covariance is then singular: it is mixed with its own
    /// diagonal. Momentum is that of the covariance. Where sampling is [`Sampling::Truncated`], deviations are constrained
    /// as without correlations, and what leaves the box still (a sum of truncated numbers may) is clipped.
    Full {
        /// The share of its diagonal in the elites' covariance, from 0 to 1: off the diagonal, 1 less this is kept.
        shrinkage: f64,
    },
}

/// What a search returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returned {
    /// The mean of the distribution after the last refit (of a categorical one: the most likely choices).
    ///
    /// It averages over the errors of a learnt model, which the best plan seen exploits.
    Mean,
    /// The best plan seen.
    Best,
}

impl Default for CemConfig {
    fn default() -> Self {
        CemConfig {
            population: 400,
            elites: 40,
            iterations: 5,
            momentum: 0.1,
            epsilon: 1e-3,
            sampling: Sampling::Truncated,
            covariance: Covariance::Diagonal,
            returned: Returned::Mean,
        }
    }
}

impl CemConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        check::count("population", self.population)?;
        check::elites(self.elites, self.population, "population")?;
        check::count("iterations", self.iterations)?;
        check::momentum(self.momentum)?;
        check::not_negative("epsilon", self.epsilon)?;
        match self.covariance {
            Covariance::Diagonal => Ok(()),
            Covariance::Full { shrinkage } => check::share("covariance.full.shrinkage", shrinkage),
        }
    }
}

/// The cross-entropy method with a normal distribution over whole plans (Rubinstein 1999; as in PETS, Chua et al. 2018).
///
/// A search starts from the middle of the bounds or, after [`shift`](ActionOptimizer::shift), from what is left of the last
/// mean; its variance always starts anew. The mean is also where the next search starts from if the best plan is returned.
///
/// ```
/// use mbrl_core::{Key, RowBuf, Space};
/// use mbrl_plan::{ActionOptimizer, Cem, CemConfig, PerPlan};
///
/// let mut cem = Cem::new(CemConfig::default(), &Space::symmetric(1, 1.0)?, 3)?;
/// let mut plan = RowBuf::zeros(3, 1);
/// let mut score = PerPlan(|plan: &[f32]| -plan.iter().map(|a| f64::from(a - 0.3).powi(2)).sum::<f64>());
/// let found = cem.optimize(&mut score, Key::root(0), plan.view_mut())?;
/// assert!(plan.as_slice().iter().all(|a| (a - 0.3).abs() < 0.05));
/// assert!(found.evaluations <= 5 * 400);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cem {
    config: CemConfig,
    bounds: Bounds,
    center: Vec<f32>,
    mean: Vec<f64>,
    elite_mean: Vec<f64>,
    spread: Spread,
    population: Population,
    noise: NoiseBuf,
}

#[derive(Clone, Debug)]
enum Spread {
    Diagonal(Diagonal),
    Full(Full),
}

impl Cem {
    /// A search of plans of `horizon` actions from the box `act`.
    pub fn new(config: CemConfig, act: &Space, horizon: usize) -> Result<Self> {
        config.validate()?;
        let bounds = Bounds::new(act, horizon)?;
        let width = bounds.width();
        check_room("a population", config.population, width)?;
        let spread = match config.covariance {
            Covariance::Diagonal => Spread::Diagonal(Diagonal::new(config.sampling, width)),
            Covariance::Full { shrinkage } => {
                check_room("a covariance", width, width)?;
                Spread::Full(Full::new(config.sampling, shrinkage, width))
            }
        };
        Ok(Cem {
            config,
            center: bounds.middle.clone(),
            mean: vec![0.0; width],
            elite_mean: vec![0.0; width],
            spread,
            population: Population::new(config.population, width),
            noise: NoiseBuf::default(),
            bounds,
        })
    }

    /// Draws the plans of a round into the population.
    fn draw(&mut self, key: Key) {
        let width = self.bounds.width();
        let spec = match self.config.sampling {
            Sampling::Truncated => NoiseSpec { uniforms: width, ..NoiseSpec::default() },
            Sampling::Clipped => NoiseSpec { normals: width, ..NoiseSpec::default() },
        };
        self.noise.fill(spec, self.config.population, key);
        let plans = self.population.round(self.config.population);
        match &mut self.spread {
            Spread::Diagonal(spread) => spread.draw(&self.bounds, &self.mean, self.noise.view(), plans),
            Spread::Full(spread) => spread.draw(&self.bounds, &self.mean, self.noise.view(), plans),
        }
    }

    /// Moves the distribution towards the elites of the round.
    fn refit(&mut self) {
        let momentum = self.config.momentum;
        match &mut self.spread {
            Spread::Diagonal(spread) => spread.refit(&self.population, momentum, &mut self.elite_mean),
            Spread::Full(spread) => spread.refit(&self.population, momentum, &mut self.elite_mean),
        }
        blend(&mut self.mean, &self.elite_mean, momentum);
    }

    /// The largest variance, in units of half the distance between the bounds, squared.
    fn largest_variance(&self) -> f64 {
        let relative = |(i, half): (usize, &f64)| match &self.spread {
            Spread::Diagonal(spread) => spread.variance(i) / (half * half),
            Spread::Full(spread) => spread.variance(i) / (half * half),
        };
        self.bounds.half.iter().enumerate().map(relative).fold(0.0, f64::max)
    }
}

impl ActionOptimizer for Cem {
    fn horizon(&self) -> usize {
        self.bounds.horizon
    }

    fn act_dim(&self) -> usize {
        self.bounds.act
    }

    fn optimize(&mut self, score: &mut dyn Score, key: Key, mut plan: RowsMut<'_>) -> Result<Found> {
        self.bounds.check_plan(&plan)?;
        let (candidates, scores) = (key.child("candidates").below(), key.child("score").below());
        self.mean.iter_mut().zip(&self.center).for_each(|(mean, center)| *mean = f64::from(*center));
        match &mut self.spread {
            Spread::Diagonal(spread) => spread.start(&self.bounds),
            Spread::Full(spread) => spread.start(&self.bounds),
        }
        self.population.begin();
        for i in 0..self.config.iterations as u64 {
            self.draw(candidates.at(i));
            self.population.evaluate(score, scores.at(i), self.config.elites)?;
            // A round without a single score says nothing about where to look.
            if self.population.elites().len() > 0 {
                self.refit();
            }
            if self.largest_variance() < self.config.epsilon {
                break;
            }
        }
        let found = self.population.finish()?;
        self.bounds.round(&self.mean, &mut self.center);
        plan.as_mut_slice().copy_from_slice(match self.config.returned {
            Returned::Mean => &self.center,
            Returned::Best => self.population.best(),
        });
        Ok(found)
    }

    fn shift(&mut self, steps: usize) {
        self.bounds.shift(&mut self.center, steps);
    }

    fn reset(&mut self) {
        self.center.copy_from_slice(&self.bounds.middle);
    }

    fn warm_start(&self) -> WarmStart {
        WarmStart { center: self.center.clone(), kept: Vec::new() }
    }

    fn resume(&mut self, from: &WarmStart) -> Result<()> {
        check_length("kept", from.kept.len(), 0)?;
        self.bounds.check_center(&from.center)?;
        self.center.copy_from_slice(&from.center);
        Ok(())
    }
}
