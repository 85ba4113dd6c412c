//! A head that predicts a normal distribution: means, and log-variances within learnt bounds.
//!
//! A network with this head has `2·dim` outputs: means, then log-variances, which pass
//! `lv = max − softplus(max − lv)` and `lv = min + softplus(lv − min)` with learnt vectors `max` and `min`. Without bounds
//! the variance of PETS' networks blows up, or dies, away from the data.

use crate::math::{exp, softplus_and_slope};
use crate::vectorized::vectorized;
use mbrl_core::{Error, Result};

/// A Gaussian head over `dim` numbers. Its bounds are one small vector, the `max` of each number and then the `min`, which
/// members share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GaussianHead {
    /// How many numbers are predicted.
    pub dim: usize,
}

/// The log-likelihood part of a model's loss for one member, and how it may fall.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GaussianLoss {
    /// The mean over rows and numbers of (μ − y)²·e^(−lv) + lv.
    pub loss: f64,
    /// The mean of (μ − y)².
    pub mse: f64,
}

impl GaussianHead {
    /// Bounds as MBPO begins: log-variances between −10 and ½.
    pub fn bounds(&self) -> Vec<f32> {
        [vec![0.5; self.dim], vec![-10.0; self.dim]].concat()
    }

    /// Turns outputs `[rows, 2·dim]` to means and variances, each `[rows, dim]`.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn moments(&self, y: &[f32], bounds: &[f32], mean: &mut [f32], variance: &mut [f32]) {
        let dim = self.dim;
        assert!(bounds.len() == 2 * dim && y.len() == 2 * mean.len() && mean.len() == variance.len());
        moments(dim, y, bounds, mean, variance);
    }

    /// The loss of one member's outputs `[rows, 2·dim]` against `target` `[rows, dim]`, with its gradient: written to `dy`,
    /// and added to `dbounds`.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn loss(
        &self,
        y: &[f32],
        target: &[f32],
        bounds: &[f32],
        dy: &mut [f32],
        dbounds: &mut [f32],
    ) -> GaussianLoss {
        let dim = self.dim;
        assert!(y.len() == 2 * target.len() && dy.len() == y.len());
        assert!(bounds.len() == 2 * dim && dbounds.len() == 2 * dim);
        let (loss, squares) = loss(dim, y, target, bounds, dy, dbounds);
        let count = target.len() as f64;
        GaussianLoss { loss: loss / count, mse: squares / count }
    }

    /// Refuses a network whose outputs this head cannot read.
    pub fn check(&self, net: &crate::Mlp) -> Result<()> {
        if net.output() != 2 * self.dim {
            return Err(Error::invalid(format_args!(
                "a Gaussian head over {} numbers needs a network with {} outputs, this one has {}",
                self.dim,
                2 * self.dim,
                net.output()
            )));
        }
        Ok(())
    }
}

vectorized! {
    fn moments(dim: usize, y: &[f32], bounds: &[f32], mean: &mut [f32], variance: &mut [f32]) -> () {
        let (max, min) = bounds.split_at(dim);
        let rows = y.chunks_exact(2 * dim).zip(mean.chunks_exact_mut(dim));
        for ((y, mean), variance) in rows.zip(variance.chunks_exact_mut(dim)) {
            let (mu, lv) = y.split_at(dim);
            mean.copy_from_slice(mu);
            let parts = lv.chunks(LANES).zip(max.chunks(LANES)).zip(min.chunks(LANES));
            for (((lv, max), min), out) in parts.zip(variance.chunks_mut(LANES)) {
                let (lv, max, min) = (lanes(lv), lanes(max), lanes(min));
                let mut values = [0.0; LANES];
                for i in 0..LANES {
                    values[i] = exp(clamp(lv[i], max[i], min[i]).0);
                }
                out.copy_from_slice(&values[..out.len()]);
            }
        }
    }

    /// The sums over all rows and numbers of the loss and of the squared errors.
    fn loss(
        dim: usize,
        y: &[f32],
        target: &[f32],
        bounds: &[f32],
        dy: &mut [f32],
        dbounds: &mut [f32],
    ) -> (f64, f64) {
        let (max, min) = bounds.split_at(dim);
        let (dmax, dmin) = dbounds.split_at_mut(dim);
        let scale = 1.0 / target.len() as f32;
        let (mut loss, mut squares) = (0.0f64, 0.0f64);
        // Sixteen columns at a time, down all rows: what is summed stays in registers, and everything is done on arrays
        // by value, which become vectors.
        for from in (0..dim).step_by(LANES) {
            let wide = LANES.min(dim - from);
            let columns = from..from + wide;
            let (max, min) = (lanes(&max[columns.clone()]), lanes(&min[columns.clone()]));
            let (mut up, mut low) = ([0.0; LANES], [0.0; LANES]);
            let rows = y.chunks_exact(2 * dim).zip(dy.chunks_exact_mut(2 * dim));
            for ((y, dy), target) in rows.zip(target.chunks_exact(dim)) {
                let (mu, raw) = (lanes(&y[columns.clone()]), lanes(&y[dim + from..dim + from + wide]));
                let target = lanes(&target[columns.clone()]);
                let (mut dmu, mut draw) = ([0.0; LANES], [0.0; LANES]);
                let (mut term, mut square) = ([0.0; LANES], [0.0; LANES]);
                for i in 0..LANES {
                    let (lv, upper, lower) = clamp(raw[i], max[i], min[i]);
                    let error = mu[i] - target[i];
                    let weighted = error * exp(-lv);
                    let dlv = scale * (1.0 - error * weighted);
                    dmu[i] = 2.0 * scale * weighted;
                    draw[i] = dlv * lower * upper;
                    up[i] += dlv * lower * (1.0 - upper);
                    low[i] += dlv * (1.0 - lower);
                    term[i] = error * weighted + lv;
                    square[i] = error * error;
                }
                dy[columns.clone()].copy_from_slice(&dmu[..wide]);
                dy[dim + from..dim + from + wide].copy_from_slice(&draw[..wide]);
                loss += f64::from(term[..wide].iter().sum::<f32>());
                squares += f64::from(square[..wide].iter().sum::<f32>());
            }
            dmax[columns.clone()].iter_mut().zip(up).for_each(|(sum, up)| *sum += up);
            dmin[columns].iter_mut().zip(low).for_each(|(sum, low)| *sum += low);
        }
        (loss, squares)
    }
}

pub(crate) const LANES: usize = 16;

/// Up to sixteen numbers, and zeros behind them.
#[inline(always)]
pub(crate) fn lanes(x: &[f32]) -> [f32; LANES] {
    if let Some(x) = x.first_chunk() {
        return *x;
    }
    let mut out = [0.0; LANES];
    out.iter_mut().zip(x).for_each(|(out, x)| *out = *x);
    out
}

/// The log-variance within its bounds, and the slopes of the upper and the lower clamp.
#[inline(always)]
pub(crate) fn clamp(raw: f32, max: f32, min: f32) -> (f32, f32, f32) {
    let (over, upper) = softplus_and_slope(max - raw);
    let (under, lower) = softplus_and_slope(max - over - min);
    // Nothing to what is finite; but an infinity must not look like a bound.
    (min + under + raw * 0.0, upper, lower)
}
