//! A policy's head: a normal distribution pressed into the bounds of the actions by the hyperbolic tangent.
//!
//! A network with this head has `2·dim` outputs: means, then logarithms of deviations. An action is
//! `center + scale·tanh(u)` with `u = mean + deviation·noise`. Its log-probability is computed from `u`, not from the
//! action, as `log N(u) − Σ log(1 − tanh²u)` with `log(1 − tanh²u) = 2·(log 2 − |u| − log(1 + e^(−2|u|)))`: an action that
//! has reached its bound in `f32` still has its own.

use crate::gaussian::{LANES, lanes};
use crate::math::{exp, ln_1p_unit, tanh};
use crate::vectorized::vectorized;
use mbrl_core::{BoxSpace, Error, Result};
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
        if !space.is_bounded() {
            return Err(Error::invalid("a tanh policy for actions without bounds: give a bounded box"));
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
        Ok(SquashedHead { space: space.clone(), scale, center, log_std, log_volume })
    }

    /// How many numbers an action has.
    pub fn dim(&self) -> usize {
        self.scale.len()
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
        let rows = y.len() / (2 * self.dim()).max(1);
        let fits = y.len() == 2 * rows * self.dim() && others.iter().all(|len| *len == rows * self.dim());
        assert!(fits, "{} outputs for {others:?} numbers of actions of {}", y.len(), self.dim());
        rows
    }

    /// The numbers of a row from `from` on, sixteen at most: means, and log-deviations with their slopes.
    #[inline(always)]
    fn read(&self, y: &[f32], from: usize) -> Read {
        let dim = self.dim();
        let to = dim.min(from + LANES);
        let (log_std, slope) = self.log_std.bounded(lanes(&y[dim + from..dim + to]));
        Read { to, mean: lanes(&y[from..to]), log_std, slope }
    }

    /// From pre-tanh samples to actions. Rounding may carry them past a bound: they are brought back.
    #[inline(always)]
    fn squash(&self, u: [f32; LANES], from: usize, to: usize, action: &mut [f32]) {
        let (low, high) = (lanes(&self.space.low()[from..to]), lanes(&self.space.high()[from..to]));
        let (scale, center) = (lanes(&self.scale[from..to]), lanes(&self.center[from..to]));
        let mut out = [0.0; LANES];
        for i in 0..LANES {
            let a = center[i] + scale[i] * tanh(u[i]);
            out[i] = if a < low[i] { low[i] } else { a };
            out[i] = if a > high[i] { high[i] } else { out[i] };
        }
        action[from..to].copy_from_slice(&out[..to - from]);
    }

    /// From actions to pre-tanh samples.
    #[inline(always)]
    fn unsquash(&self, action: &[f32], from: usize, to: usize) -> [f32; LANES] {
        let (scale, center) = (lanes(&self.scale[from..to]), lanes(&self.center[from..to]));
        let (action, mut u) = (lanes(&action[from..to]), [0.0; LANES]);
        // Behind the end this divides zero by zero, and nobody looks.
        for i in 0..LANES {
            u[i] = atanh(within((action[i] - center[i]) / scale[i], -EDGE, EDGE));
        }
        u
    }
}

struct Read {
    to: usize,
    mean: [f32; LANES],
    log_std: [f32; LANES],
    slope: [f32; LANES],
}

vectorized! {
    fn sample(head: &SquashedHead, y: &[f32], noise: &[f32], action: &mut [f32], log_prob: &mut [f32]) -> () {
        let dim = head.dim();
        let rows = y.chunks_exact(2 * dim).zip(noise.chunks_exact(dim)).zip(action.chunks_exact_mut(dim));
        for (row, ((y, noise), action)) in rows.enumerate() {
            let mut sum = -head.log_volume;
            for from in (0..dim).step_by(LANES) {
                let Read { to, mean, log_std, .. } = head.read(y, from);
                let (noise, mut u, mut density) = (lanes(&noise[from..to]), [0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    u[i] = mean[i] + exp(log_std[i]) * noise[i];
                    density[i] = -0.5 * noise[i] * noise[i] - log_std[i] - HALF_LN_TAU - log_tanh_slope(u[i]);
                }
                head.squash(u, from, to, action);
                sum += density[..to - from].iter().sum::<f32>();
            }
            if let Some(log_prob) = log_prob.get_mut(row) {
                *log_prob = sum;
            }
        }
    }

    fn mean(head: &SquashedHead, y: &[f32], action: &mut [f32]) -> () {
        let dim = head.dim();
        for (y, action) in y.chunks_exact(2 * dim).zip(action.chunks_exact_mut(dim)) {
            for from in (0..dim).step_by(LANES) {
                let to = dim.min(from + LANES);
                head.squash(lanes(&y[from..to]), from, to, action);
            }
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
        let dim = head.dim();
        let rows = y.chunks_exact(2 * dim).zip(noise.chunks_exact(dim)).zip(d_action.chunks_exact(dim));
        for (((y, noise), d_action), (d_log_prob, dy)) in
            rows.zip(d_log_prob.iter().zip(dy.chunks_exact_mut(2 * dim)))
        {
            for from in (0..dim).step_by(LANES) {
                let Read { to, mean, log_std, slope } = head.read(y, from);
                let (noise, d_action) = (lanes(&noise[from..to]), lanes(&d_action[from..to]));
                let scale = lanes(&head.scale[from..to]);
                let (mut dmean, mut draw) = ([0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    let moved = exp(log_std[i]) * noise[i];
                    let u = mean[i] + moved;
                    // The log-probability falls by log(1 − tanh²u), whose slope is −2·tanh(u).
                    dmean[i] = d_action[i] * scale[i] * tanh_slope(u) + d_log_prob * 2.0 * tanh(u);
                    draw[i] = (dmean[i] * moved - d_log_prob) * slope[i];
                }
                dy[from..to].copy_from_slice(&dmean[..to - from]);
                dy[dim + from..dim + to].copy_from_slice(&draw[..to - from]);
            }
        }
    }

    fn score(head: &SquashedHead, y: &[f32], action: &[f32], log_prob: &mut [f32]) -> () {
        let dim = head.dim();
        let rows = y.chunks_exact(2 * dim).zip(action.chunks_exact(dim));
        for ((y, action), log_prob) in rows.zip(log_prob) {
            *log_prob = -head.log_volume;
            for from in (0..dim).step_by(LANES) {
                let Read { to, mean, log_std, .. } = head.read(y, from);
                let (u, mut density) = (head.unsquash(action, from, to), [0.0; LANES]);
                for i in 0..LANES {
                    let z = (u[i] - mean[i]) * exp(-log_std[i]);
                    density[i] = -0.5 * z * z - log_std[i] - HALF_LN_TAU - log_tanh_slope(u[i]);
                }
                *log_prob += density[..to - from].iter().sum::<f32>();
            }
        }
    }

    fn score_backward(
        head: &SquashedHead,
        y: &[f32],
        action: &[f32],
        d_log_prob: &[f32],
        dy: &mut [f32],
    ) -> () {
        let dim = head.dim();
        let rows = y.chunks_exact(2 * dim).zip(action.chunks_exact(dim));
        for ((y, action), (d_log_prob, dy)) in rows.zip(d_log_prob.iter().zip(dy.chunks_exact_mut(2 * dim))) {
            for from in (0..dim).step_by(LANES) {
                let Read { to, mean, log_std, slope } = head.read(y, from);
                let (u, mut dmean, mut draw) = (head.unsquash(action, from, to), [0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    let over = exp(-log_std[i]);
                    let z = (u[i] - mean[i]) * over;
                    dmean[i] = d_log_prob * z * over;
                    draw[i] = d_log_prob * (z * z - 1.0) * slope[i];
                }
                dy[from..to].copy_from_slice(&dmean[..to - from]);
                dy[dim + from..dim + to].copy_from_slice(&draw[..to - from]);
            }
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
