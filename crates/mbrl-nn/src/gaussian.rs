//! A head that predicts a normal distribution: means, and log-variances within learnt bounds.
//!
//! A network with this head has `2·dim` outputs: means, then log-variances, which pass
//! `lv = max − softplus(max − lv)` and `lv = min + softplus(lv − min)` with learnt vectors `max` and `min`. Without bounds
//! the variance of PETS' networks blows up, or dies, away from the data.

#[cfg(feature = "candle")]
use crate::math::softplus_and_slope;
use crate::math::{exp, ln};
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
        assert!(dim > 0 && mean.len().is_multiple_of(dim), "means of whole rows");
        assert!(y.len() == 2 * mean.len() && mean.len() == variance.len(), "outputs, means and variances");
        assert!(bounds.len() == 2 * dim, "an upper and a lower bound of each number");
        moments(dim, y, bounds, mean, variance);
    }

    /// The loss of one member's outputs `[rows, 2·dim]` against `target` `[rows, dim]`, with its gradient: written to `dy`,
    /// and added to `dbounds`.
    ///
    /// Each number's part of the gradient, though not of the loss, is weighed by its variance to the power `beta`, which
    /// counts as a constant there (Seitzer et al. 2022). Where `beta` is 0 this is the gradient of the loss, and numbers that
    /// were once taken for noise are hardly learnt any more; where it is 1 the means are learnt as by least squares.
    ///
    /// # Panics
    ///
    /// Where the lengths do not fit.
    pub fn loss(
        &self,
        y: &[f32],
        target: &[f32],
        bounds: &[f32],
        beta: f32,
        dy: &mut [f32],
        dbounds: &mut [f32],
    ) -> GaussianLoss {
        let dim = self.dim;
        assert!(dim > 0 && target.len().is_multiple_of(dim), "targets of whole rows");
        assert!(y.len() == 2 * target.len() && dy.len() == y.len(), "outputs, targets and gradients");
        assert!(bounds.len() == 2 * dim && dbounds.len() == 2 * dim, "two bounds of each number");
        let (loss, squares) = loss(dim, y, target, bounds, beta, dy, dbounds);
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

pub(crate) const LANES: usize = 16;
/// Vectors whose terms are summed in single precision before they are in double.
const RUN: usize = 64;

type Lanes = [f32; LANES];

/// A variance whose logarithm is within its bounds.
struct Variance {
    value: f32,
    precision: f32,
    /// The slope of the upper clamp.
    upper: f32,
    /// The slope of the lower clamp.
    lower: f32,
}

/// The exponential of what [`clamp`] makes of a raw log-variance: e^min + 1 / (e^−max + e^−raw), which needs one exponential
/// where the two softplus need five.
#[inline(always)]
fn variance(raw: f32, least: f32, over_most: f32) -> Variance {
    let e = exp(-raw);
    let below = 1.0 / (over_most + e);
    // Nothing to what is finite; but an infinity must not look like a bound.
    let value = least + below + raw * 0.0;
    let precision = 1.0 / value;
    Variance { value, precision, upper: e * below, lower: below * precision }
}

/// A vector's worth of numbers: sixteen columns of one row, or the last few columns of several.
struct Pack {
    /// The first column.
    from: usize,
    /// How many columns.
    wide: usize,
    /// How many rows.
    rows: usize,
}

impl Pack {
    /// The packs that cover a row.
    fn of(dim: usize) -> impl Iterator<Item = Pack> {
        (0..dim).step_by(LANES).map(move |from| {
            let wide = LANES.min(dim - from);
            Pack { from, wide, rows: LANES / wide }
        })
    }

    /// The numbers of up to so many rows, `stride` apart; zeros behind them.
    #[inline(always)]
    fn load(&self, x: &[f32], stride: usize) -> Lanes {
        if self.wide == LANES {
            return lanes(&x[self.from..]);
        }
        let mut out = [0.0; LANES];
        for (row, out) in x.chunks(stride).zip(out.chunks_exact_mut(self.wide)) {
            for i in 0..self.wide {
                out[i] = row[self.from + i];
            }
        }
        out
    }

    /// The same the other way.
    #[inline(always)]
    fn store(&self, values: &Lanes, x: &mut [f32], stride: usize) {
        if self.wide == LANES {
            x[self.from..self.from + LANES].copy_from_slice(values);
            return;
        }
        for (row, values) in x.chunks_mut(stride).zip(values.chunks_exact(self.wide)) {
            for i in 0..self.wide {
                row[self.from + i] = values[i];
            }
        }
    }

    /// A function of what every row has in these columns; ones where no row is.
    fn every(&self, x: &[f32], f: fn(f32) -> f32) -> Lanes {
        let mut out = [1.0; LANES];
        for lane in 0..self.rows * self.wide {
            out[lane] = f(x[self.from + lane % self.wide]);
        }
        out
    }
}

/// Sums over rows, by lane.
#[derive(Default)]
struct Sums {
    loss: Lanes,
    square: Lanes,
    max: Lanes,
    min: Lanes,
}

impl Sums {
    /// Adds what is in a vector; returns the gradients of its means and of its raw log-variances.
    #[inline(always)]
    fn add(&mut self, given: [Lanes; 3], ends: [Lanes; 2], scale: f32, beta: f32) -> [Lanes; 2] {
        // Plain likelihood is not made to pay for an exponential.
        if beta > 0.0 {
            self.add_weighed::<true>(given, ends, scale, beta)
        } else {
            self.add_weighed::<false>(given, ends, scale, beta)
        }
    }

    #[inline(always)]
    fn add_weighed<const WEIGHED: bool>(
        &mut self,
        [mu, raw, target]: [Lanes; 3],
        [least, over_most]: [Lanes; 2],
        scale: f32,
        beta: f32,
    ) -> [Lanes; 2] {
        let (mut dmu, mut draw) = ([0.0; LANES], [0.0; LANES]);
        for i in 0..LANES {
            let Variance { value, precision, upper, lower } = variance(raw[i], least[i], over_most[i]);
            let error = mu[i] - target[i];
            let weighted = error * precision;
            let log_variance = ln(value);
            let scale = if WEIGHED { scale * exp(beta * log_variance) } else { scale };
            let dlv = scale * (1.0 - error * weighted);
            dmu[i] = 2.0 * scale * weighted;
            draw[i] = dlv * lower * upper;
            self.max[i] += dlv * lower * (1.0 - upper);
            self.min[i] += dlv * (1.0 - lower);
            self.loss[i] += error * weighted + log_variance;
            self.square[i] += error * error;
        }
        [dmu, draw]
    }
}

vectorized! {
    fn moments(dim: usize, y: &[f32], bounds: &[f32], mean: &mut [f32], spread: &mut [f32]) -> () {
        let (max, min) = bounds.split_at(dim);
        for (y, mean) in y.chunks_exact(2 * dim).zip(mean.chunks_exact_mut(dim)) {
            mean.copy_from_slice(&y[..dim]);
        }
        for pack in Pack::of(dim) {
            let (least, over_most) = (pack.every(min, f32::exp), pack.every(max, |max| (-max).exp()));
            for (y, out) in y.chunks(2 * dim * pack.rows).zip(spread.chunks_mut(dim * pack.rows)) {
                let raw = pack.load(&y[dim..], 2 * dim);
                let mut values = [0.0; LANES];
                for i in 0..LANES {
                    values[i] = variance(raw[i], least[i], over_most[i]).value;
                }
                pack.store(&values, out, dim);
            }
        }
    }

    /// The sums over all rows and numbers of the loss and of the squared errors.
    fn loss(
        dim: usize,
        y: &[f32],
        target: &[f32],
        bounds: &[f32],
        beta: f32,
        dy: &mut [f32],
        dbounds: &mut [f32],
    ) -> (f64, f64) {
        let (max, min) = bounds.split_at(dim);
        let (dmax, dmin) = dbounds.split_at_mut(dim);
        let scale = 1.0 / target.len() as f32;
        let (mut loss, mut squares) = (0.0, 0.0);
        for pack in Pack::of(dim) {
            let Pack { from, wide, rows } = pack;
            let ends = [pack.every(min, f32::exp), pack.every(max, |max| (-max).exp())];
            let run = RUN * rows * dim;
            for ((y, dy), target) in y.chunks(2 * run).zip(dy.chunks_mut(2 * run)).zip(target.chunks(run)) {
                let mut sums = Sums::default();
                let packs = y.chunks(2 * rows * dim).zip(dy.chunks_mut(2 * rows * dim));
                for ((y, dy), target) in packs.zip(target.chunks(rows * dim)) {
                    let (mu, raw) = (pack.load(y, 2 * dim), pack.load(&y[dim..], 2 * dim));
                    let given = [mu, raw, pack.load(target, dim)];
                    let [dmu, draw] = if target.len() == rows * dim {
                        sums.add(given, ends, scale, beta)
                    } else {
                        // Not all lanes hold a number: what the others come to is not summed.
                        let mut own = Sums::default();
                        let gradients = own.add(given, ends, scale, beta);
                        for lane in 0..target.len() / dim * wide {
                            sums.loss[lane] += own.loss[lane];
                            sums.square[lane] += own.square[lane];
                            sums.max[lane] += own.max[lane];
                            sums.min[lane] += own.min[lane];
                        }
                        gradients
                    };
                    pack.store(&dmu, dy, 2 * dim);
                    pack.store(&draw, &mut dy[dim..], 2 * dim);
                }
                for lane in 0..rows * wide {
                    loss += f64::from(sums.loss[lane]);
                    squares += f64::from(sums.square[lane]);
                    dmax[from + lane % wide] += sums.max[lane];
                    dmin[from + lane % wide] += sums.min[lane];
                }
            }
        }
        (loss, squares)
    }
}

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
#[cfg(feature = "candle")]
#[inline(always)]
pub(crate) fn clamp(raw: f32, max: f32, min: f32) -> (f32, f32, f32) {
    let (over, upper) = softplus_and_slope(max - raw);
    let (under, lower) = softplus_and_slope(max - over - min);
    // Nothing to what is finite; but an infinity must not look like a bound.
    (min + under + raw * 0.0, upper, lower)
}
