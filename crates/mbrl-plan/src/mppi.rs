//! Model-predictive path integral control: the mean of plans, weighted by their scores.

mod config;
#[cfg(test)]
mod tests;

pub use config::{EliteUpdate, Executed, MppiConfig, MppiUpdate, PathIntegral};

use crate::bounds::{Bounds, check_length, check_room};
use crate::population::Population;
use crate::truncated::truncated_normal;
use crate::{ActionOptimizer, Found, Score, WarmStart};
use mbrl_core::{Error, Key, NoiseBuf, NoiseSpec, Result, RowsMut, Space};

/// Model-predictive path integral control, in one of its two published forms: see [`MppiUpdate`].
///
/// The next search starts from the mean, whatever is executed.
#[derive(Clone, Debug)]
pub struct Mppi {
    config: MppiConfig,
    bounds: Bounds,
    center: Vec<f32>,
    /// The action done last, of a path integral: the noise of the first step is smoothed with it.
    done: Vec<f32>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    weights: Vec<f64>,
    population: Population,
    noise: NoiseBuf,
}

impl Mppi {
    /// A search of plans of `horizon` actions from the box `act`.
    pub fn new(config: MppiConfig, act: &Space, horizon: usize) -> Result<Self> {
        config.validate()?;
        let bounds = Bounds::new(act, horizon)?;
        let width = bounds.width();
        check_room("a population", config.population, width)?;
        let done = match config.update {
            MppiUpdate::PathIntegral(_) => bounds.middle[..bounds.act].to_vec(),
            MppiUpdate::Elites(_) => Vec::new(),
        };
        Ok(Mppi {
            config,
            center: bounds.middle.clone(),
            done,
            mean: vec![0.0; width],
            deviation: vec![0.0; width],
            weights: Vec::with_capacity(config.population),
            population: Population::new(config.population, width),
            noise: NoiseBuf::default(),
            bounds,
        })
    }

    fn draw(&mut self, key: Key) {
        match self.config.update {
            MppiUpdate::PathIntegral(update) => self.draw_smoothed(update, key),
            MppiUpdate::Elites(_) => self.draw_white(key),
        }
    }

    /// a_t = β (μ_t + σ z_t) + (1 − β) a_{t−1}, from the action done last on.
    fn draw_smoothed(&mut self, update: PathIntegral, key: Key) {
        let Bounds { act, ref low, ref high, ref half, .. } = self.bounds;
        let (width, plans) = (self.bounds.width(), self.config.population);
        self.noise.fill(NoiseSpec { uniforms: width, ..NoiseSpec::default() }, plans, key);
        let uniforms = self.noise.view().uniforms;
        let mut table = self.population.round(plans);
        let new = update.beta as f32;
        for (plan, uniforms) in table.as_mut_slice().chunks_exact_mut(width).zip(uniforms.iter()) {
            for i in 0..width {
                let before = if i < act { self.done[i] } else { plan[i - act] };
                let z = (update.sigma * half[i]) as f32 * truncated_normal(uniforms[i]);
                plan[i] = new * (self.mean[i] as f32 + z) + (1.0 - new) * before;
            }
            // Only then, so that smoothing does not stick to a bound.
            for (x, (low, high)) in plan.iter_mut().zip(low.iter().zip(high)) {
                *x = x.clamp(*low, *high);
            }
        }
    }

    fn draw_white(&mut self, key: Key) {
        let (width, plans) = (self.bounds.width(), self.config.population);
        self.noise.fill(NoiseSpec { normals: width, ..NoiseSpec::default() }, plans, key);
        let normals = self.noise.view().normals;
        let mut table = self.population.round(plans);
        for (plan, normals) in table.as_mut_slice().chunks_exact_mut(width).zip(normals.iter()) {
            for (i, (x, z)) in plan.iter_mut().zip(normals).enumerate() {
                *x = (self.mean[i] as f32 + self.deviation[i] as f32 * z)
                    .clamp(self.bounds.low[i], self.bounds.high[i]);
            }
        }
    }

    /// Moves the mean, and the deviation where it is refitted, to those of the weighted plans.
    fn refit(&mut self) {
        let Some((_, best)) = self.population.elites().next() else {
            // A round without a single score says nothing about where to look.
            return;
        };
        match self.config.update {
            MppiUpdate::PathIntegral(update) => {
                // A score that was not finite is −∞ here, and weighs nothing.
                let scored = self.population.scored();
                weigh(scored.map(|(_, score)| update.gamma * (score - best)), &mut self.weights);
                average(self.population.scored(), &self.weights, &mut self.mean);
            }
            MppiUpdate::Elites(update) => {
                let elites = self.population.elites();
                weigh(elites.map(|(_, score)| update.temperature * (score - best)), &mut self.weights);
                average(self.population.elites(), &self.weights, &mut self.mean);
                self.deviation.fill(0.0);
                for ((plan, _), weight) in self.population.elites().zip(&self.weights) {
                    for ((d, mean), x) in self.deviation.iter_mut().zip(&self.mean).zip(plan) {
                        *d += weight * (f64::from(*x) - mean).powi(2);
                    }
                }
                for (d, half) in self.deviation.iter_mut().zip(&self.bounds.half) {
                    *d = d.sqrt().clamp(update.min_std * half, update.max_std * half);
                }
            }
        }
    }

    /// Writes the plan that is to be executed.
    fn execute(&self, key: Key, plan: &mut [f32]) {
        if let MppiUpdate::Elites(EliteUpdate { executed: Executed::Elite, .. }) = self.config.update {
            let u = f64::from(key.uniform());
            let mut below = 0.0;
            let drawn = self.population.elites().zip(&self.weights).find(|(_, weight)| {
                below += **weight;
                u < below
            });
            // Rounding may leave the sum of all weights below `u`: then it is the best.
            if let Some((elite, _)) =
                drawn.map(|(elite, _)| elite).or_else(|| self.population.elites().next())
            {
                plan.copy_from_slice(elite);
                return;
            }
        }
        plan.copy_from_slice(&self.center);
    }
}

/// Weights in proportion to exp of `exponents`, the largest of which is 0.
fn weigh(exponents: impl Iterator<Item = f64>, weights: &mut Vec<f64>) {
    weights.clear();
    weights.extend(exponents.map(f64::exp));
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
}

fn average<'a>(plans: impl Iterator<Item = (&'a [f32], f64)>, weights: &[f64], mean: &mut [f64]) {
    mean.fill(0.0);
    for ((plan, _), weight) in plans.zip(weights) {
        mean.iter_mut().zip(plan).for_each(|(mean, x)| *mean += weight * f64::from(*x));
    }
}

impl ActionOptimizer for Mppi {
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
        let elites = match self.config.update {
            MppiUpdate::PathIntegral(_) => 1,
            MppiUpdate::Elites(update) => {
                let half = self.bounds.half.iter();
                self.deviation.iter_mut().zip(half).for_each(|(d, half)| *d = update.max_std * half);
                update.elites
            }
        };
        self.population.begin();
        for i in 0..self.config.iterations as u64 {
            self.draw(candidates.at(i));
            self.population.evaluate(score, scores.at(i), elites)?;
            self.refit();
        }
        let found = self.population.finish()?;
        self.bounds.round(&self.mean, &mut self.center);
        self.execute(key.child("draw"), plan.as_mut_slice());
        Ok(found)
    }

    fn shift(&mut self, steps: usize) {
        if !self.done.is_empty() && steps > 0 {
            let act = self.bounds.act;
            let last = (steps.min(self.bounds.horizon) - 1) * act;
            self.done.copy_from_slice(&self.center[last..last + act]);
        }
        self.bounds.shift(&mut self.center, steps);
    }

    fn reset(&mut self) {
        self.center.copy_from_slice(&self.bounds.middle);
        let len = self.done.len();
        self.done.copy_from_slice(&self.bounds.middle[..len]);
    }

    fn warm_start(&self) -> WarmStart {
        WarmStart { center: self.center.clone(), kept: self.done.clone() }
    }

    fn resume(&mut self, from: &WarmStart) -> Result<()> {
        self.bounds.check_center(&from.center)?;
        check_length("kept", from.kept.len(), self.done.len())?;
        let bounds = self.bounds.low.iter().zip(&self.bounds.high);
        if let Some((done, _)) =
            from.kept.iter().zip(bounds).find(|(x, (low, high))| !(*low..=*high).contains(x))
        {
            return Err(Error::invalid(format_args!(
                "the warm start's action done last holds {done}, outside the bounds: it is of another action space, so \
                 reset instead"
            )));
        }
        self.center.copy_from_slice(&from.center);
        self.done.copy_from_slice(&from.kept);
        Ok(())
    }
}
