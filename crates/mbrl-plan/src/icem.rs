//! The improved cross-entropy method: noise that is correlated over time, and elites that are tried again.

#[cfg(test)]
mod tests;

use crate::bounds::{Bounds, check_room};
use crate::cem::Returned;
use crate::colored::Colored;
use crate::population::{Population, blend};
use crate::{ActionOptimizer, Found, Score, WarmStart, check};
use mbrl_core::{Error, Key, NoiseBuf, NoiseSpec, Result, RowBuf, RowsMut, Space};
use serde::{Deserialize, Serialize};

/// Settings of [`Icem`]. The default is that of mbrl-lib on its cart-pole, but that the best plan is returned, as in the paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IcemConfig {
    /// Plans drawn in the first round, *N*: 200.
    pub population: usize,
    /// The distribution is refitted to so many of them, *K*: 20. At most half the population.
    pub elites: usize,
    /// Rounds: 5.
    pub iterations: usize,
    /// How much of the old mean and of the old deviation is kept in a refit, *α*: 0.1. (mbrl-lib's is of the variance.)
    pub momentum: f64,
    /// Each round draws fewer plans by this factor, *γ*: 1.3. But not fewer than twice the elites.
    pub decay: f64,
    /// The power of the noise falls with its frequency to this power, *β*: 2. 0 is white noise.
    pub exponent: f64,
    /// The share of the elites that are tried again in the next round and, shifted, in the next search, *ξ*: 0.3, rounded up.
    pub keep: f64,
    /// The deviation that a search begins with, in units of half the distance between the bounds: 0.5.
    pub deviation: f64,
    /// What is returned.
    pub returned: Returned,
}

impl Default for IcemConfig {
    fn default() -> Self {
        IcemConfig {
            population: 200,
            elites: 20,
            iterations: 5,
            momentum: 0.1,
            decay: 1.3,
            exponent: 2.0,
            keep: 0.3,
            deviation: 0.5,
            returned: Returned::Best,
        }
    }
}

impl IcemConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        check::count("population", self.population)?;
        check::elites(self.elites, self.population / 2, "half the population")?;
        check::count("iterations", self.iterations)?;
        check::momentum(self.momentum)?;
        if !(1.0..f64::INFINITY).contains(&self.decay) {
            let decay = self.decay;
            return Err(Error::invalid(format_args!("decay is {decay}: give a finite number from 1 on")));
        }
        check::not_negative("exponent", self.exponent)?;
        check::share("keep", self.keep)?;
        check::deviation("deviation", self.deviation)
    }

    /// How many plans are drawn in a round, counted from 0; those tried again come on top.
    pub(crate) fn drawn(&self, round: usize) -> usize {
        let decayed = self.population as f64 / self.decay.powi(round.min(1 << 20) as i32);
        (decayed.ceil() as usize).max(self.elites.saturating_mul(2))
    }

    /// How many plans a search scores at most: the drawn, those tried again, and the mean.
    pub(crate) fn evaluations(&self) -> usize {
        // Rounds are added one by one only as long as the population shrinks.
        let shrinks = |i: &usize| self.decay > 1.0 && self.drawn(*i) > self.elites.saturating_mul(2);
        let shrinking = (0..self.iterations).take_while(shrinks).count();
        let drawn = (0..shrinking).fold(0usize, |sum, i| sum.saturating_add(self.drawn(i)));
        let rest = (self.iterations - shrinking).saturating_mul(self.drawn(shrinking));
        drawn
            .saturating_add(rest)
            .saturating_add(self.iterations.saturating_mul(self.kept()))
            .saturating_add(1)
    }

    /// How many plans are tried again.
    pub(crate) fn kept(&self) -> usize {
        // Less than rounding: 0.3 of 20 is 6 and not 7.
        (self.keep * self.elites as f64 - 1e-9).ceil().max(0.0) as usize
    }
}

/// The improved cross-entropy method (Pinneri et al. 2020).
///
/// Plans are drawn with coloured noise of variance one at each step, and clipped to the bounds. Elites that are tried again are
/// scored again, with the chance of the new round, so that none keeps the luck that it was chosen by; the best of them are tried
/// (mbrl-lib draws which). The mean is one more plan of the last round. The paper's `N` and `K` are [`population`](IcemConfig::population) and
/// [`elites`](IcemConfig::elites).
///
/// The elites kept for the next search are shifted with the mean; their last steps, which are then at the middle, are drawn
/// anew. [`reset`](ActionOptimizer::reset) forgets them: elites of one episode say nothing about the next.
#[derive(Clone, Debug)]
pub struct Icem {
    config: IcemConfig,
    bounds: Bounds,
    colored: Colored,
    center: Vec<f32>,
    /// Elites of the last search, the best first.
    kept: RowBuf,
    /// Elites of the last round, the best first.
    carried: RowBuf,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    elite_mean: Vec<f64>,
    elite_deviation: Vec<f64>,
    population: Population,
    noise: NoiseBuf,
    series: Vec<f32>,
}

impl Icem {
    /// A search of plans of `horizon` actions from the box `act`.
    pub fn new(config: IcemConfig, act: &Space, horizon: usize) -> Result<Self> {
        config.validate()?;
        let bounds = Bounds::new(act, horizon)?;
        let (width, kept) = (bounds.width(), config.kept());
        check_room("the waves of the noise", horizon, horizon)?;
        let most = config.population.saturating_add(kept + 1);
        check_room("a population", most, width)?;
        let room = || {
            let mut rows = RowBuf::zeros(kept, width);
            rows.clear();
            rows
        };
        Ok(Icem {
            config,
            colored: Colored::new(config.exponent, horizon),
            center: bounds.middle.clone(),
            kept: room(),
            carried: room(),
            mean: vec![0.0; width],
            deviation: vec![0.0; width],
            elite_mean: vec![0.0; width],
            elite_deviation: vec![0.0; width],
            population: Population::new(most, width),
            noise: NoiseBuf::default(),
            series: vec![0.0; horizon],
            bounds,
        })
    }

    /// Takes over the elites of the last search, with steps that no search has filled drawn anew.
    fn carry_over(&mut self, key: Key) {
        let (width, act) = (self.bounds.width(), self.bounds.act);
        self.carried.clear();
        self.kept.view().iter().for_each(|plan| self.carried.push(plan));
        if self.carried.is_empty() {
            return;
        }
        self.noise.fill(NoiseSpec { normals: width, ..NoiseSpec::default() }, self.carried.len(), key);
        let normals = self.noise.view().normals;
        for (plan, normals) in self.carried.as_mut_slice().chunks_exact_mut(width).zip(normals.iter()) {
            let same = |i: &usize| plan[*i].to_bits() == self.bounds.middle[*i].to_bits();
            let open = (0..width).rev().take_while(same).count() / act * act;
            for i in width - open..width {
                let x = self.mean[i] + self.deviation[i] * f64::from(normals[i]);
                plan[i] = (x as f32).clamp(self.bounds.low[i], self.bounds.high[i]);
            }
        }
    }

    /// Draws the plans of a round, with those that are tried again behind them.
    fn draw(&mut self, round: usize, key: Key) {
        let (width, drawn) = (self.bounds.width(), self.config.drawn(round));
        let last = usize::from(round + 1 == self.config.iterations);
        self.noise.fill(NoiseSpec { normals: width, ..NoiseSpec::default() }, drawn, key);
        let mut plans = self.population.round(drawn + self.carried.len() + last);
        for (i, normals) in self.noise.view().normals.iter().enumerate() {
            let plan = plans.row_mut(i);
            self.colored.color(normals, &mut self.series, plan);
            for (i, x) in plan.iter_mut().enumerate() {
                *x = (self.mean[i] as f32 + self.deviation[i] as f32 * *x)
                    .clamp(self.bounds.low[i], self.bounds.high[i]);
            }
        }
        for (i, kept) in self.carried.view().iter().enumerate() {
            plans.row_mut(drawn + i).copy_from_slice(kept);
        }
        if last == 1 {
            self.bounds.round(&self.mean, plans.row_mut(drawn + self.carried.len()));
        }
    }

    /// Moves the distribution towards the elites of the round, and remembers those that are tried again.
    fn refit(&mut self) {
        self.population.moments(&mut self.elite_mean, &mut self.elite_deviation);
        self.elite_deviation.iter_mut().for_each(|d| *d = d.sqrt());
        blend(&mut self.mean, &self.elite_mean, self.config.momentum);
        blend(&mut self.deviation, &self.elite_deviation, self.config.momentum);
        self.carried.clear();
        let elites = self.population.elites().take(self.config.kept());
        elites.for_each(|(plan, _)| self.carried.push(plan));
    }
}

impl ActionOptimizer for Icem {
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
        let half = self.bounds.half.iter();
        self.deviation.iter_mut().zip(half).for_each(|(d, half)| *d = self.config.deviation * half);
        self.carry_over(key.child("tail"));
        self.population.begin();
        for i in 0..self.config.iterations {
            self.draw(i, candidates.at(i as u64));
            self.population.evaluate(score, scores.at(i as u64), self.config.elites)?;
            // A round without a single score says nothing about where to look.
            if self.population.elites().len() > 0 {
                self.refit();
            }
        }
        let found = self.population.finish()?;
        self.bounds.round(&self.mean, &mut self.center);
        std::mem::swap(&mut self.kept, &mut self.carried);
        plan.as_mut_slice().copy_from_slice(match self.config.returned {
            Returned::Mean => &self.center,
            Returned::Best => self.population.best(),
        });
        Ok(found)
    }

    fn shift(&mut self, steps: usize) {
        self.bounds.shift(&mut self.center, steps);
        for plan in self.kept.as_mut_slice().chunks_exact_mut(self.bounds.width()) {
            self.bounds.shift(plan, steps);
        }
    }

    fn reset(&mut self) {
        self.center.copy_from_slice(&self.bounds.middle);
        self.kept.clear();
    }

    fn warm_start(&self) -> WarmStart {
        WarmStart { center: self.center.clone(), kept: self.kept.as_slice().to_vec() }
    }

    fn resume(&mut self, from: &WarmStart) -> Result<()> {
        self.bounds.check_center(&from.center)?;
        self.bounds.check_warm("kept", &from.kept)?;
        let (plans, most) = (from.kept.len() / self.bounds.width(), self.config.kept());
        if plans > most {
            return Err(Error::invalid(format_args!(
                "the warm start keeps {plans} plans, and this planner at most {most}: it is of another, so reset instead"
            )));
        }
        self.center.copy_from_slice(&from.center);
        self.kept.clear();
        from.kept.chunks_exact(self.bounds.width()).for_each(|plan| self.kept.push(plan));
        Ok(())
    }
}
