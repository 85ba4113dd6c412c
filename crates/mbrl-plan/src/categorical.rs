//! The cross-entropy method for discrete actions.

#[cfg(test)]
mod tests;

use crate::bounds::{check_length, check_plan, check_plannable, check_room};
use crate::cem::Returned;
use crate::population::Population;
use crate::{ActionOptimizer, Found, Score, WarmStart, check};
use mbrl_core::{Error, Key, NoiseBuf, NoiseSpec, Result, RowsMut, Space};
use serde::{Deserialize, Serialize};

/// Settings of [`CategoricalCem`]. They are this project's: there is no published set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CategoricalCemConfig {
    /// Plans drawn in a round: 400.
    pub population: usize,
    /// The distribution is refitted to so many of them: 40.
    pub elites: usize,
    /// Rounds: 5.
    pub iterations: usize,
    /// How much of the old probabilities is kept in a refit, *α*: 0.1.
    pub momentum: f64,
    /// The share of the uniform distribution in each refit, so that no choice becomes impossible: 0.05.
    pub floor: f64,
    /// The share of the uniform distribution that a search begins with where it goes on from an earlier one: 0.5. It is what
    /// a fresh variance is to real actions: without it a search could not leave what the last one settled on.
    pub refresh: f64,
    /// What is returned: the best plan, or as the mean the most likely choice at each step.
    pub returned: Returned,
}

impl Default for CategoricalCemConfig {
    fn default() -> Self {
        CategoricalCemConfig {
            population: 400,
            elites: 40,
            iterations: 5,
            momentum: 0.1,
            floor: 0.05,
            refresh: 0.5,
            returned: Returned::Mean,
        }
    }
}

impl CategoricalCemConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        check::count("population", self.population)?;
        check::elites(self.elites, self.population, "population")?;
        check::count("iterations", self.iterations)?;
        check::momentum(self.momentum)?;
        check::share("floor", self.floor)?;
        check::share("refresh", self.refresh)
    }
}

/// The cross-entropy method with a distribution of its own over the choices of each step.
///
/// Probabilities move towards the elites' frequencies. The centre of its warm start are the probabilities,
/// `[horizon, choices]`, and behind a shifted plan all choices are equally likely.
#[derive(Clone, Debug)]
pub struct CategoricalCem {
    config: CategoricalCemConfig,
    choices: usize,
    horizon: usize,
    center: Vec<f32>,
    probabilities: Vec<f64>,
    frequencies: Vec<f64>,
    /// For each step, the sum of the probabilities up to each choice.
    sums: Vec<f64>,
    population: Population,
    noise: NoiseBuf,
}

impl CategoricalCem {
    /// A search of plans of `horizon` choices from the discrete space `act`.
    pub fn new(config: CategoricalCemConfig, act: &Space, horizon: usize) -> Result<Self> {
        config.validate()?;
        let Some(choices) = act.choices() else {
            return Err(Error::invalid(
                "this planner wants discrete actions, and these are real: take `cem`, `icem` or `mppi`",
            ));
        };
        check_plannable(act, horizon)?;
        check_room("a distribution", horizon, choices as usize)?;
        check_room("a population", config.population, horizon)?;
        let cells = horizon * choices as usize;
        Ok(CategoricalCem {
            config,
            choices: choices as usize,
            horizon,
            center: vec![1.0 / choices as f32; cells],
            probabilities: vec![0.0; cells],
            frequencies: vec![0.0; cells],
            sums: vec![0.0; cells],
            population: Population::new(config.population, horizon),
            noise: NoiseBuf::default(),
        })
    }

    fn draw(&mut self, key: Key) {
        let choices = self.choices;
        for (sums, probabilities) in
            self.sums.chunks_exact_mut(choices).zip(self.probabilities.chunks_exact(choices))
        {
            let mut sum = 0.0;
            for (out, p) in sums.iter_mut().zip(probabilities) {
                sum += p;
                *out = sum;
            }
        }
        let spec = NoiseSpec { uniforms: self.horizon, ..NoiseSpec::default() };
        self.noise.fill(spec, self.config.population, key);
        let mut plans = self.population.round(self.config.population);
        let uniforms = self.noise.view().uniforms;
        for (plan, uniforms) in plans.as_mut_slice().chunks_exact_mut(self.horizon).zip(uniforms.iter()) {
            for ((x, u), sums) in plan.iter_mut().zip(uniforms).zip(self.sums.chunks_exact(choices)) {
                // As the sum of all need not be exactly one, it is what is drawn below.
                let below = f64::from(*u) * sums[choices - 1];
                *x = sums.partition_point(|sum| *sum <= below).min(choices - 1) as f32;
            }
        }
    }

    fn refit(&mut self) {
        let elites = self.population.elites();
        let share = 1.0 / elites.len() as f64;
        self.frequencies.fill(0.0);
        for (plan, _) in elites {
            for (choice, row) in plan.iter().zip(self.frequencies.chunks_exact_mut(self.choices)) {
                row[*choice as usize] += share;
            }
        }
        let (old, floor) = (self.config.momentum, self.config.floor);
        for (p, frequency) in self.probabilities.iter_mut().zip(&self.frequencies) {
            *p = (1.0 - floor) * (old * *p + (1.0 - old) * frequency) + floor / self.choices as f64;
        }
    }

    fn most_likely(&self, plan: &mut [f32]) {
        for (x, row) in plan.iter_mut().zip(self.probabilities.chunks_exact(self.choices)) {
            let mut best = 0;
            for (i, p) in row.iter().enumerate() {
                best = if *p > row[best] { i } else { best };
            }
            *x = best as f32;
        }
    }
}

impl ActionOptimizer for CategoricalCem {
    fn horizon(&self) -> usize {
        self.horizon
    }

    fn act_dim(&self) -> usize {
        1
    }

    fn optimize(&mut self, score: &mut dyn Score, key: Key, mut plan: RowsMut<'_>) -> Result<Found> {
        check_plan(&plan, self.horizon, 1)?;
        let (candidates, scores) = (key.child("candidates").below(), key.child("score").below());
        let (refresh, choices) = (self.config.refresh, self.choices as f64);
        for (p, center) in self.probabilities.iter_mut().zip(&self.center) {
            *p = (1.0 - refresh) * f64::from(*center) + refresh / choices;
        }
        self.population.begin();
        for i in 0..self.config.iterations as u64 {
            self.draw(candidates.at(i));
            self.population.evaluate(score, scores.at(i), self.config.elites)?;
            // A round without a single score says nothing about where to look.
            if self.population.elites().len() > 0 {
                self.refit();
            }
        }
        let found = self.population.finish()?;
        self.center.iter_mut().zip(&self.probabilities).for_each(|(center, p)| *center = *p as f32);
        match self.config.returned {
            Returned::Mean => self.most_likely(plan.as_mut_slice()),
            Returned::Best => plan.as_mut_slice().copy_from_slice(self.population.best()),
        }
        Ok(found)
    }

    fn shift(&mut self, steps: usize) {
        let dropped = steps.min(self.horizon) * self.choices;
        self.center.copy_within(dropped.., 0);
        let rest = self.center.len() - dropped;
        self.center[rest..].fill(1.0 / self.choices as f32);
    }

    fn reset(&mut self) {
        self.center.fill(1.0 / self.choices as f32);
    }

    fn warm_start(&self) -> WarmStart {
        WarmStart { center: self.center.clone(), kept: Vec::new() }
    }

    fn resume(&mut self, from: &WarmStart) -> Result<()> {
        check_length("kept", from.kept.len(), 0)?;
        check_length("center", from.center.len(), self.center.len())?;
        for (t, row) in from.center.chunks_exact(self.choices).enumerate() {
            let sum: f64 = row.iter().map(|p| f64::from(*p)).sum();
            if !row.iter().all(|p| *p >= 0.0) || (sum - 1.0).abs() > 1e-3 {
                return Err(Error::invalid(format_args!(
                    "step {t} of the warm start's center are no probabilities: it is of another planner, horizon or action \
                     space, so reset instead"
                )));
            }
        }
        self.center.copy_from_slice(&from.center);
        Ok(())
    }
}
