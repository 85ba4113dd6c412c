//! A policy's head: a normal distribution pressed into the bounds of the actions by the hyperbolic tangent.
//!
//! A network with this head has `2·dim` outputs: means, then logarithms of deviations. An action is
//! `center + scale·tanh(u)` with `u = mean + deviation·noise`. Its log-probability is computed from `u`, not from the
//! action, as `log N(u) − Σ log(1 − tanh²u)` with `log(1 − tanh²u) = 2·(log 2 − |u| − log(1 + e^(−2|u|)))`: an action that
//! has reached its bound in `f32` still has its own.

mod part;

use crate::gaussian::{LANES, lanes};
use crate::math::{exp, ln_1p_unit, tanh};
use crate::vectorized::vectorized;
use mbrl_core::{BoxSpace, Error, Result};
use part::{BLOCK, Part, Tiles};
use serde::{Deserialize, Serialize};
use std::f32::consts::LN_2;

/// The tanh-Gaussian head of SAC, for actions from a bounded box.
///
/// Every function takes as many rows as it is given: `y` is `[rows, 2·dim]`, noise and actions are `[rows, dim]`,
/// log-probabilities are `[rows]`. Members are rows like any other.
///
/// ```
/// use mbrl_core::BoxSpace;
/// use mbrl_nn::{ActionUnits, LogStd, SquashedHead};
///
/// let space = BoxSpace::new(vec![-2.0], vec![2.0])?;
/// let head = SquashedHead::new(&space, LogStd::default(), ActionUnits::default())?;
/// let (mut action, mut log_prob) = ([0.0], [0.0]);
/// head.sample(&[0.0, -1.0], &[0.5], &mut action, Some(&mut log_prob));
/// assert!((action[0] - 2.0 * (0.5 * f32::exp(-1.0)).tanh()).abs() < 1e-6);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SquashedHead {
    pub(crate) space: BoxSpace,
    pub(crate) scale: Vec<f32>,
    pub(crate) center: Vec<f32>,
    pub(crate) log_std: LogStd,
    /// What is taken from a row's log-probability for the units that it is in.
    pub(crate) log_volume: f32,
    tiles: Tiles,
}

/// How the logarithm of a deviation is kept within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LogStd {
    /// Cut off at the bounds, beyond which its gradient is zero: softlearning and Stable-Baselines3, from −20 to 2.
    Clamped {
        /// The lower bound.
        low: f32,
        /// The upper bound.
        high: f32,
    },
    /// `low + ½·(high − low)·(1 + tanh(raw))`, which always has a gradient: CleanRL, from −5 to 2.
    Soft {
        /// The lower bound.
        low: f32,
        /// The upper bound.
        high: f32,
    },
}

/// The units in which a log-probability measures actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionUnits {
    /// Those of the tangent, from −1 to 1, whatever the bounds: what published code does, and what SAC's usual target
    /// entropy of −dim means.
    #[default]
    Tanh,
    /// Those of the environment: Σ log(scale) is taken off, so that the density integrates to one between the bounds.
    Environment,
}

impl Default for LogStd {
    fn default() -> Self {
        LogStd::Clamped { low: -20.0, high: 2.0 }
    }
}

impl LogStd {
    fn bounds(&self) -> (f32, f32) {
        match *self {
            LogStd::Clamped { low, high } | LogStd::Soft { low, high } => (low, high),
        }
    }

    /// The logarithms of the deviations, and their slopes.
    #[inline(always)]
    fn bounded(self, raw: [f32; LANES]) -> ([f32; LANES], [f32; LANES]) {
        let (mut log_std, mut slope) = ([0.0; LANES], [0.0; LANES]);
        match self {
            LogStd::Clamped { low, high } => {
                for i in 0..LANES {
                    log_std[i] = within(raw[i], low, high);
                    slope[i] = if raw[i] < low || raw[i] > high { 0.0 } else { 1.0 };
                }
            }
            LogStd::Soft { low, high } => {
                let half = 0.5 * (high - low);
                for i in 0..LANES {
                    log_std[i] = low + half * (1.0 + tanh(raw[i]));
                    slope[i] = half * tanh_slope(raw[i]);
                }
            }
        }
        (log_std, slope)
    }
}

impl SquashedHead {
    /// A head whose actions are from `space`, which must be bounded.
    pub fn new(space: &BoxSpace, log_std: LogStd, units: ActionUnits) -> Result<Self> {
        if !space.is_bounded() || space.low().is_empty() {
            return Err(Error::invalid(
                "a tanh policy for actions without bounds, or without numbers: give a bounded box",
            ));
        }
        let (low, high) = log_std.bounds();
        let fit = -80.0..=80.0;
        if !(fit.contains(&low) && fit.contains(&high) && low < high) {
            return Err(Error::invalid(format_args!(
                "log-deviations from {low} to {high}: choose a lower and an upper bound within -80 and 80"
            )));
        }
        let halves = |sign: f64| {
            let bounds = space.low().iter().zip(space.high());
            bounds.map(|(low, high)| (0.5 * (f64::from(*high) + sign * f64::from(*low))) as f32).collect()
        };
        let (scale, center): (Vec<f32>, Vec<f32>) = (halves(-1.0), halves(1.0));
        let log_volume = match units {
            ActionUnits::Tanh => 0.0,
            ActionUnits::Environment => scale.iter().map(|scale| f64::from(*scale).ln()).sum::<f64>() as f32,
        };
        let tiles = Tiles::of([space.low(), space.high(), &scale, &center]);
        Ok(SquashedHead { space: space.clone(), scale, center, log_std, log_volume, tiles })
    }

    /// How many numbers an action has.
    pub fn dim(&self) -> usize {
        self.space.low().len()
    }

    /// Refuses a network whose outputs this head cannot read.
    pub fn check(&self, net: &crate::Mlp) -> Result<()> {
        let dim = self.dim();
        if net.output() != 2 * dim {
            return Err(Error::invalid(format_args!(
                "a tanh policy over {dim} numbers needs a network with {} outputs, this one has {}",
                2 * dim,
                net.output()
            )));
        }
        Ok(())
    }

    /// Turns outputs and standard normal noise to actions, and to their log-probabilities where those are wanted.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn sample(&self, y: &[f32], noise: &[f32], action: &mut [f32], log_prob: Option<&mut [f32]>) {
        let rows = self.rows(y, &[noise.len(), action.len()]);
        let log_prob = log_prob.unwrap_or_default();
        assert!(log_prob.is_empty() || log_prob.len() == rows, "a log-probability a row");
        sample(self, y, noise, action, log_prob);
    }

    /// The actions without noise, `center + scale·tanh(mean)`.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn mean(&self, y: &[f32], action: &mut [f32]) {
        self.rows(y, &[action.len()]);
        mean(self, y, action);
    }

    /// The normal distributions before the tangent: their means and deviations, `[rows, dim]` each.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn normals(&self, y: &[f32], mean: &mut [f32], deviation: &mut [f32]) {
        let (dim, rows) = (self.dim(), self.rows(y, &[mean.len(), deviation.len()]));
        for (i, y) in y.chunks_exact(2 * dim).enumerate().take(rows) {
            mean[i * dim..][..dim].copy_from_slice(&y[..dim]);
            let deviation = &mut deviation[i * dim..][..dim];
            for (deviation, raw) in deviation.chunks_mut(LANES).zip(y[dim..].chunks(LANES)) {
                let (log_std, _) = self.log_std.bounded(lanes(raw));
                deviation.iter_mut().zip(log_std).for_each(|(deviation, log)| *deviation = exp(log));
            }
        }
    }

    /// The way back through [`sample`](SquashedHead::sample) with the same `y` and `noise`, from the gradients of the
    /// actions and of the log-probabilities to that of the outputs, written to `dy`.
    ///
    /// Nothing needs to be kept but these two: the rest is computed again, which is little beside the network's work.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn backward(&self, y: &[f32], noise: &[f32], d_action: &[f32], d_log_prob: &[f32], dy: &mut [f32]) {
        let rows = self.rows(y, &[noise.len(), d_action.len(), dy.len() / 2]);
        assert!(d_log_prob.len() == rows && dy.len() == y.len(), "gradients of as many rows");
        backward(self, y, noise, d_action, d_log_prob, dy);
    }

    /// The log-probabilities of actions from elsewhere, for behaviour cloning.
    ///
    /// What the tangent made of `u` is undone after its argument was moved to within ±0.999999 (|u| at most 7.25), so
    /// actions at or beyond their bounds, of which a replay buffer is full, count as those.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn log_prob(&self, y: &[f32], action: &[f32], log_prob: &mut [f32]) {
        let rows = self.rows(y, &[action.len()]);
        assert!(log_prob.len() == rows, "a log-probability a row");
        score(self, y, action, log_prob);
    }

    /// The way back through [`log_prob`](SquashedHead::log_prob), written to `dy`.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn log_prob_backward(&self, y: &[f32], action: &[f32], d_log_prob: &[f32], dy: &mut [f32]) {
        let rows = self.rows(y, &[action.len()]);
        assert!(d_log_prob.len() == rows && dy.len() == y.len(), "gradients of as many rows");
        score_backward(self, y, action, d_log_prob, dy);
    }

    /// The number of rows, once all lengths are found to fit.
    fn rows(&self, y: &[f32], others: &[usize]) -> usize {
        let rows = y.len() / (2 * self.dim());
        let fits = y.len() == 2 * rows * self.dim() && others.iter().all(|len| *len == rows * self.dim());
        assert!(fits, "{} outputs for {others:?} numbers of actions of {}", y.len(), self.dim());
        rows
    }
}

vectorized! {
    fn sample(head: &SquashedHead, y: &[f32], noise: &[f32], action: &mut [f32], log_prob: &mut [f32]) -> () {
        let (dim, rows) = (head.dim(), y.len() / (2 * head.dim()));
        log_prob.fill(-head.log_volume);
        let mut next = Part::next(None, dim, rows);
        while let Some(part) = next {
            let (mean, raw, mut density) = (part.gather(y, 0), part.gather(y, 1), [0.0; BLOCK]);
            for k in (0..part.len()).step_by(LANES) {
                let (mean, noise) = (lanes(&mean[k..]), lanes(&noise[part.flat(k)]));
                let (log_std, _) = head.log_std.bounded(lanes(&raw[k..]));
                let (mut u, mut terms) = ([0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    u[i] = mean[i] + exp(log_std[i]) * noise[i];
                    terms[i] = -0.5 * noise[i] * noise[i] - log_std[i] - HALF_LN_TAU - log_tanh_slope(u[i]);
                }
                head.tiles.squash(u, &part, k, action);
                density[k..k + LANES].copy_from_slice(&terms);
            }
            if !log_prob.is_empty() {
                part.sum(&density, log_prob);
            }
            next = Part::next(Some(part), dim, rows);
        }
    }

    fn mean(head: &SquashedHead, y: &[f32], action: &mut [f32]) -> () {
        let (dim, rows) = (head.dim(), y.len() / (2 * head.dim()));
        let mut next = Part::next(None, dim, rows);
        while let Some(part) = next {
            let mean = part.gather(y, 0);
            for k in (0..part.len()).step_by(LANES) {
                head.tiles.squash(lanes(&mean[k..]), &part, k, action);
            }
            next = Part::next(Some(part), dim, rows);
        }
    }

    fn backward(
        head: &SquashedHead,
        y: &[f32],
        noise: &[f32],
        d_action: &[f32],
        d_log_prob: &[f32],
        dy: &mut [f32],
    ) -> () {
        let (dim, rows) = (head.dim(), y.len() / (2 * head.dim()));
        let mut next = Part::next(None, dim, rows);
        while let Some(part) = next {
            let (mean, raw, weight) = (part.gather(y, 0), part.gather(y, 1), part.spread(d_log_prob));
            let (mut d_mean, mut d_raw) = ([0.0; BLOCK], [0.0; BLOCK]);
            for k in (0..part.len()).step_by(LANES) {
                let (mean, weight) = (lanes(&mean[k..]), lanes(&weight[k..]));
                let (noise, d_action) = (lanes(&noise[part.flat(k)]), lanes(&d_action[part.flat(k)]));
                let (log_std, slope) = head.log_std.bounded(lanes(&raw[k..]));
                let scale = head.tiles.scale(&part, k);
                let (mut du, mut draw) = ([0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    let moved = exp(log_std[i]) * noise[i];
                    let u = mean[i] + moved;
                    // The log-probability falls by log(1 − tanh²u), whose slope is −2·tanh(u).
                    du[i] = d_action[i] * scale[i] * tanh_slope(u) + weight[i] * 2.0 * tanh(u);
                    draw[i] = (du[i] * moved - weight[i]) * slope[i];
                }
                d_mean[k..k + LANES].copy_from_slice(&du);
                d_raw[k..k + LANES].copy_from_slice(&draw);
            }
            part.scatter(&d_mean, 0, dy);
            part.scatter(&d_raw, 1, dy);
            next = Part::next(Some(part), dim, rows);
        }
    }

    fn score(head: &SquashedHead, y: &[f32], action: &[f32], log_prob: &mut [f32]) -> () {
        let (dim, rows) = (head.dim(), y.len() / (2 * head.dim()));
        log_prob.fill(-head.log_volume);
        let mut next = Part::next(None, dim, rows);
        while let Some(part) = next {
            let (mean, raw, mut density) = (part.gather(y, 0), part.gather(y, 1), [0.0; BLOCK]);
            for k in (0..part.len()).step_by(LANES) {
                let (mean, u) = (lanes(&mean[k..]), head.tiles.unsquash(action, &part, k));
                let (log_std, _) = head.log_std.bounded(lanes(&raw[k..]));
                let mut terms = [0.0; LANES];
                for i in 0..LANES {
                    let z = (u[i] - mean[i]) * exp(-log_std[i]);
                    terms[i] = -0.5 * z * z - log_std[i] - HALF_LN_TAU - log_tanh_slope(u[i]);
                }
                density[k..k + LANES].copy_from_slice(&terms);
            }
            part.sum(&density, log_prob);
            next = Part::next(Some(part), dim, rows);
        }
    }

    fn score_backward(
        head: &SquashedHead,
        y: &[f32],
        action: &[f32],
        d_log_prob: &[f32],
        dy: &mut [f32],
    ) -> () {
        let (dim, rows) = (head.dim(), y.len() / (2 * head.dim()));
        let mut next = Part::next(None, dim, rows);
        while let Some(part) = next {
            let (mean, raw, weight) = (part.gather(y, 0), part.gather(y, 1), part.spread(d_log_prob));
            let (mut d_mean, mut d_raw) = ([0.0; BLOCK], [0.0; BLOCK]);
            for k in (0..part.len()).step_by(LANES) {
                let (mean, weight) = (lanes(&mean[k..]), lanes(&weight[k..]));
                let u = head.tiles.unsquash(action, &part, k);
                let (log_std, slope) = head.log_std.bounded(lanes(&raw[k..]));
                let (mut dmean, mut draw) = ([0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    let over = exp(-log_std[i]);
                    let z = (u[i] - mean[i]) * over;
                    dmean[i] = weight[i] * z * over;
                    draw[i] = weight[i] * (z * z - 1.0) * slope[i];
                }
                d_mean[k..k + LANES].copy_from_slice(&dmean);
                d_raw[k..k + LANES].copy_from_slice(&draw);
            }
            part.scatter(&d_mean, 0, dy);
            part.scatter(&d_raw, 1, dy);
            next = Part::next(Some(part), dim, rows);
        }
    }
}

/// ½·ln 2π.
pub(crate) const HALF_LN_TAU: f32 = 0.918_938_5;
/// How far the tangent is undone. Here one unit in the last place of an action is already worth 0.03 of `u`.
pub(crate) const EDGE: f32 = 0.999_999;

/// Moves a number to within bounds. What is not finite comes out as not a number: it must reach whoever checks.
#[inline(always)]
fn within(x: f32, low: f32, high: f32) -> f32 {
    let cut = if x > high { high } else { x };
    (if cut < low { low } else { cut }) + x * 0.0
}

/// 1 − tanh²u, without the cancellation.
#[inline(always)]
fn tanh_slope(u: f32) -> f32 {
    let e = exp(-2.0 * u.abs());
    4.0 * e / ((1.0 + e) * (1.0 + e))
}

/// log(1 − tanh²u).
#[inline(always)]
fn log_tanh_slope(u: f32) -> f32 {
    2.0 * (LN_2 - u.abs() - ln_1p_unit(exp(-2.0 * u.abs())))
}

/// The inverse of the hyperbolic tangent between ±[`EDGE`], to 3e-7 of itself.
#[inline(always)]
fn atanh(t: f32) -> f32 {
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    let s = t.abs();
    // Up to a third the series is that of t itself. Beyond, ½·ln w with w = (1 + t) / (1 − t) = m·2^e and m from
    // [√½, √2), where ½·ln m is the series of (m − 1) / (m + 1).
    let w = (1.0 + s) / (1.0 - s);
    let shifted = w.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let m = f32::from_bits((shifted & 0x007f_ffff) + SQRT_HALF_BITS);
    let far = s > 1.0 / 3.0;
    let e = if far { ((shifted as i32) >> 23) as f32 } else { 0.0 };
    let r = if far { (m - 1.0) / (m + 1.0) } else { s };
    let z = r * r;
    let mut p = 1.0 / 15.0;
    p = p * z + 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    (r + r * z * p + 0.5 * LN_2 * e).copysign(t)
}
