//! Adam as one pass over flat parameters.

use crate::mlp::Mlp;
use crate::vectorized::vectorized;
use mbrl_core::{Error, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Adam's settings. The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// The step size.
    pub lr: f32,
    /// How much of the mean of gradients is kept.
    pub beta1: f32,
    /// How much of the mean of their squares is kept.
    pub beta2: f32,
    /// What keeps a step finite where gradients vanish.
    pub eps: f32,
    /// Whether decay is part of the gradient or applied beside it.
    pub decay: DecayMode,
}

/// How decay enters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayMode {
    /// As the gradient of ½·decay·Σw²: Adam with a penalty, as MBPO's models are trained.
    #[default]
    Penalty,
    /// As a shrinking of the weights by lr·decay a step: AdamW.
    Decoupled,
}

/// The decay of some of a member's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Decay {
    /// Which: they are sorted and do not overlap.
    pub range: Range<usize>,
    /// By how much.
    pub rate: f32,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: DecayMode::Penalty }
    }
}

impl AdamConfig {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        let unit = 0.0..1.0;
        let checks = [
            ("lr", self.lr, self.lr > 0.0 && self.lr.is_finite(), "a positive number"),
            ("beta1", self.beta1, unit.contains(&self.beta1), "a number from [0, 1)"),
            ("beta2", self.beta2, unit.contains(&self.beta2), "a number from [0, 1)"),
            ("eps", self.eps, self.eps > 0.0 && self.eps.is_finite(), "a positive number"),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, want)) => {
                Err(Error::invalid(format_args!("{name} is {value}: give {want}")))
            }
            None => Ok(()),
        }
    }
}

/// Adam's memory of a flat vector of parameters; all of it is in the open, to be saved and loaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adam {
    /// The running mean of gradients, `[members, params]`.
    pub mean: Vec<f32>,
    /// The running mean of their squares.
    pub square: Vec<f32>,
    /// Steps taken.
    pub steps: u64,
}

/// The decay of each layer's weight, biases and norms left alone, where `rates` holds one rate a layer.
pub fn decay_by_layer(net: &Mlp, rates: &[f32]) -> Result<Vec<Decay>> {
    if rates.len() != net.layers().len() {
        return Err(Error::invalid(format_args!(
            "{} rates of decay for {} layers: give one a layer",
            rates.len(),
            net.layers().len()
        )));
    }
    let decay = |(layer, rate): (&crate::Layer, &f32)| Decay { range: layer.weight.clone(), rate: *rate };
    Ok(net.layers().iter().zip(rates).map(decay).collect())
}

impl Adam {
    /// No memory yet, of `len` parameters.
    pub fn new(len: usize) -> Self {
        Adam { mean: vec![0.0; len], square: vec![0.0; len], steps: 0 }
    }

    /// Takes a step: `theta` and `gradient` are `[members, params]`, and `decay` says which parameters of each member
    /// shrink.
    pub fn step(
        &mut self,
        config: &AdamConfig,
        theta: &mut [f32],
        gradient: &[f32],
        params: usize,
        decay: &[Decay],
    ) -> Result<()> {
        let len = theta.len();
        if gradient.len() != len || self.mean.len() != len || self.square.len() != len {
            return Err(Error::invalid(format_args!(
                "{len} parameters, {} gradients, {} means and {} squares: give as many of each",
                gradient.len(),
                self.mean.len(),
                self.square.len()
            )));
        }
        if params == 0 || !len.is_multiple_of(params) {
            return Err(Error::invalid(format_args!("{len} parameters are no members of {params} each")));
        }
        let mut end = 0;
        for Decay { range, .. } in decay {
            if range.start < end || range.end < range.start || range.end > params {
                return Err(Error::invalid(format_args!(
                    "decay of parameters {range:?} of {params}: give ranges that are sorted and do not overlap"
                )));
            }
            end = range.end;
        }
        let pace = self.advance(config);
        let parts = theta
            .par_chunks_mut(params)
            .zip(gradient.par_chunks(params))
            .zip(self.mean.par_chunks_mut(params))
            .zip(self.square.par_chunks_mut(params));
        if len >= 1 << 15 && rayon::current_num_threads() > 1 {
            parts.for_each(|(((theta, gradient), mean), square)| {
                pace.step(theta, gradient, mean, square, decay);
            });
        } else {
            let parts = theta
                .chunks_mut(params)
                .zip(gradient.chunks(params))
                .zip(self.mean.chunks_mut(params))
                .zip(self.square.chunks_mut(params));
            for (((theta, gradient), mean), square) in parts {
                pace.step(theta, gradient, mean, square, decay);
            }
        }
        Ok(())
    }

    /// Counts a step, and says how long it is for every parameter: for those who step member by member.
    pub fn advance(&mut self, config: &AdamConfig) -> Pace {
        self.steps += 1;
        let left = |beta: f32| 1.0 - f64::from(beta).powf(self.steps as f64);
        Pace {
            config: *config,
            lr: (f64::from(config.lr) / left(config.beta1)) as f32,
            root: (1.0 / left(config.beta2).sqrt()) as f32,
        }
    }
}

/// One step of Adam with the corrections of its moment: the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    config: AdamConfig,
    /// lr / (1 − β₁ᵗ)
    lr: f32,
    /// 1 / √(1 − β₂ᵗ)
    root: f32,
}

impl Pace {
    /// Steps the parameters of one member.
    ///
    /// # Panics
    ///
    /// Where the slices are not of equal length, or a decay reaches past them.
    pub fn step(
        &self,
        theta: &mut [f32],
        gradient: &[f32],
        mean: &mut [f32],
        square: &mut [f32],
        decay: &[Decay],
    ) {
        let mut at = 0;
        for Decay { range, rate } in decay {
            self.run(theta, gradient, mean, square, at..range.start, 0.0);
            self.run(theta, gradient, mean, square, range.clone(), *rate);
            at = range.end;
        }
        self.run(theta, gradient, mean, square, at..theta.len(), 0.0);
    }

    fn run(
        &self,
        theta: &mut [f32],
        gradient: &[f32],
        mean: &mut [f32],
        square: &mut [f32],
        range: Range<usize>,
        rate: f32,
    ) {
        let Pace { config: AdamConfig { lr, beta1, beta2, eps, decay }, lr: step, root } = *self;
        let (pull, shrink) = match decay {
            DecayMode::Penalty => (rate, 0.0),
            DecayMode::Decoupled => (0.0, lr * rate),
        };
        let (theta, gradient) = (&mut theta[range.clone()], &gradient[range.clone()]);
        let (mean, square) = (&mut mean[range.clone()], &mut square[range]);
        let rates = Rates { beta1, beta2, eps, step, root, pull, shrink };
        update(rates, theta, gradient, mean, square);
    }
}

#[derive(Clone, Copy)]
struct Rates {
    beta1: f32,
    beta2: f32,
    eps: f32,
    step: f32,
    root: f32,
    /// What decay adds to the gradient, of the parameter.
    pull: f32,
    /// What decay takes off the parameter beside its step. Not what it leaves: that is near one, where digits are lost.
    shrink: f32,
}

vectorized! {
    fn update(rates: Rates, theta: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) -> () {
        let Rates { beta1, beta2, eps, step, root, pull, shrink } = rates;
        for (((theta, g), m), v) in theta.iter_mut().zip(gradient).zip(mean).zip(square) {
            let g = g + pull * *theta;
            *m += (1.0 - beta1) * (g - *m);
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            *theta -= shrink * *theta + step * *m / (v.sqrt() * root + eps);
        }
    }

    fn approach(target: &mut [f32], theta: &[f32], tau: f32) -> () {
        target.iter_mut().zip(theta).for_each(|(target, theta)| *target += tau * (theta - *target));
    }

    fn scale_by(x: &mut [f32], factor: f32) -> () {
        x.iter_mut().for_each(|x| *x *= factor);
    }

    /// Σx², sixteen sums side by side in double precision.
    fn square_sum(x: &[f32]) -> f64 {
        let mut lanes = [0.0f64; 16];
        for chunk in x.chunks(16) {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane += f64::from(*x) * f64::from(*x);
            }
        }
        lanes.iter().sum()
    }
}

/// target ← target + τ·(theta − target).
pub fn polyak(target: &mut [f32], theta: &[f32], tau: f32) -> Result<()> {
    if target.len() != theta.len() {
        return Err(Error::invalid(format_args!(
            "{} target parameters for {}: they must be as many",
            target.len(),
            theta.len()
        )));
    }
    approach(target, theta, tau);
    Ok(())
}

/// Scales a gradient down to the norm `max`, where it is longer; returns the norm that it had.
///
/// # Panics
///
/// Where `max` is not positive.
pub fn clip_norm(gradient: &mut [f32], max: f32) -> f64 {
    assert!(max > 0.0, "a norm of {max}: give a positive number");
    let norm = square_sum(gradient).sqrt();
    if norm > f64::from(max) {
        scale_by(gradient, (f64::from(max) / norm) as f32);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_no_step_is_counted() {
        let mut adam = Adam::new(6);
        let (config, mut theta) = (AdamConfig::default(), [1.0; 6]);
        let decay = |ranges: &[Range<usize>]| -> Vec<Decay> {
            ranges.iter().map(|range| Decay { range: range.clone(), rate: 0.1 }).collect()
        };
        let mut refused = |gradient: &[f32], params: usize, ranges: &[Range<usize>], why: &str| {
            let error = adam.step(&config, &mut theta, gradient, params, &decay(ranges)).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains(why), "{error}");
        };
        refused(&[1.0; 5], 3, &[], "5 gradients");
        refused(&[1.0; 6], 0, &[], "0 each");
        refused(&[1.0; 6], 4, &[], "4 each");
        refused(&[1.0; 6], 3, &[1..3, 0..1], "sorted");
        refused(&[1.0; 6], 3, &[0..2, 1..3], "overlap");
        refused(&[1.0; 6], 3, &[0..1, 2..4], "2..4");
        assert_eq!(adam, Adam::new(6));
        adam.step(&config, &mut theta, &[1.0; 6], 3, &decay(&[0..1, 2..3])).unwrap();
        assert_eq!(adam.steps, 1);
    }

    #[test]
    #[should_panic(expected = "a norm of -1")]
    fn a_norm_that_would_turn_the_gradient_round_is_refused() {
        clip_norm(&mut [3.0, 4.0], -1.0);
    }
}
