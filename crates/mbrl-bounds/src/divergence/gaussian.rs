//! Distances between Gaussians: closed forms where there are any, and bounds from both sides elsewhere.

mod full;
mod line;
mod svd;

pub use full::FullGaussian;

use super::{excess::excess, inequalities, same};
use crate::check;
use mbrl_core::{Error, Result};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2};

/// A Gaussian whose columns are independent.
///
/// ```
/// use mbrl_bounds::divergence::gaussian::Gaussian;
///
/// let p = Gaussian::new(vec![0.0, 0.0], vec![1.0, 4.0])?;
/// let q = Gaussian::new(vec![3.0, 4.0], vec![1.0, 4.0])?;
/// assert_eq!(p.kl(&q)?, 6.5);
/// assert_eq!(p.w2(&q)?, 5.0);
/// assert!((p.total_variation(&q)? - 0.9286).abs() < 1e-4);
/// // A learnt variance differs in every column: then there are bounds.
/// let r = Gaussian::new(vec![3.0, 4.0], vec![1.5, 3.0])?;
/// let [low, high] = p.total_variation_bounds(&r)?;
/// assert!(low > 0.8 && high < 0.98);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// What two Gaussians differ in; columns in which they agree change no distance but by adding nothing.
struct Difference {
    /// The columns that differ in mean or variance.
    columns: Vec<usize>,
    /// How many differ in variance.
    variances: usize,
}

impl Gaussian {
    /// The Gaussian with this mean and these variances, one for each column.
    ///
    /// A variance of 0 is a point, which has no density: add a small variance first, as a convolution with a narrow normal
    /// would, and to the other side too.
    pub fn new(mean: Vec<f64>, variance: Vec<f64>) -> Result<Self> {
        if mean.len() != variance.len() || mean.is_empty() {
            let (means, variances) = (mean.len(), variance.len());
            return Err(Error::invalid(format_args!(
                "a Gaussian of {means} means and {variances} variances: give one of each for every column"
            )));
        }
        all_finite("mean", &mean)?;
        if let Some(i) = variance.iter().position(|v| !(*v > 0.0 && v.is_finite())) {
            let v = variance[i];
            return Err(Error::invalid(format_args!(
                "variance {i} is {v}: expected a finite number above 0 (add the variance of a narrow normal to both sides)"
            )));
        }
        Ok(Gaussian { mean, variance })
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The variance of each column.
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// KL(p ‖ q) = ½ Σ [σ_p²/σ_q² − 1 − ln(σ_p²/σ_q²) + Δ²/σ_q²], where this is p.
    pub fn kl(&self, q: &Gaussian) -> Result<f64> {
        self.check(q)?;
        check::finite("kl", self.raw_kl(q))
    }

    /// The Hellinger distance H = √(1 − BC), where −ln BC = Σ [Δ²/(4 (σ_p² + σ_q²)) + ½ ln((σ_p² + σ_q²)/(2 σ_p σ_q))].
    pub fn hellinger(&self, q: &Gaussian) -> Result<f64> {
        self.check(q)?;
        Ok(self.hellinger_squared(q).sqrt())
    }

    /// TV where it has a closed form: for variances that are equal, 2Φ(Δ/2) − 1 with Mahalanobis' distance Δ, and where
    /// no more than one column differs, the difference of the two distribution functions between the crossings of the
    /// densities. Elsewhere an error: there are [bounds](Gaussian::total_variation_bounds).
    pub fn total_variation(&self, q: &Gaussian) -> Result<f64> {
        let difference = self.check(q)?;
        let exact = self.exact_total_variation(q, &difference);
        exact.ok_or_else(|| difference.no_closed_form("total variation"))
    }

    /// What TV lies between, as `[low, high]`: twice the same where it has a closed form.
    ///
    /// Low is the largest of H² and of the TV of single columns, as to forget columns brings nothing further apart. High is
    /// the least of H √(2 − H²), Pinsker's and Bretagnolle and Huber's bounds by the smaller KL, and 1 − Π (1 − TV) over
    /// columns, which is how often a draw from p and one from q differ if each column is coupled as well as can be.
    pub fn total_variation_bounds(&self, q: &Gaussian) -> Result<[f64; 2]> {
        let difference = self.check(q)?;
        if let Some(exact) = self.exact_total_variation(q, &difference) {
            return Ok([exact, exact]);
        }
        let columns =
            || difference.columns.iter().map(|&i| line::total_variation(self.column(i), q.column(i)));
        let [low, high] = inequalities::total_variation_from_hellinger(self.hellinger_squared(q).sqrt())?;
        let coupled = -columns().map(|v| (-v).ln_1p()).sum::<f64>().exp_m1();
        let by_kl = inequalities::total_variation_from_kl(self.raw_kl(q).min(q.raw_kl(self)))?;
        let high = high.min(coupled).min(by_kl);
        Ok([columns().fold(low, f64::max).min(high), high])
    }

    /// What the Jensen-Shannon divergence lies between, as `[low, high]`: the tightest of what TV, H and the two KL say.
    pub fn jensen_shannon_bounds(&self, q: &Gaussian) -> Result<[f64; 2]> {
        let [least, most] = self.total_variation_bounds(q)?;
        let [low, high] = inequalities::jensen_shannon_from_hellinger(self.hellinger_squared(q).sqrt())?;
        let low = low.max(inequalities::jensen_shannon_from_total_variation(least)?[0]);
        let by_kl = inequalities::jensen_shannon_from_kl(self.raw_kl(q), q.raw_kl(self))?;
        let high = high.min(by_kl).min(most * LN_2);
        Ok([low.min(high), high])
    }

    /// W₁ for Euclidean distances where it has a closed form: |Δmean| for variances that are equal, and where no more than
    /// one column differs, E|Δμ + Δσ Z| with a standard normal Z. Elsewhere an error: there are
    /// [bounds](Gaussian::w1_bounds).
    pub fn w1(&self, q: &Gaussian) -> Result<f64> {
        let difference = self.check(q)?;
        let exact = self.exact_w1(q, &difference).ok_or_else(|| difference.no_closed_form("W1"))?;
        check::finite("W1", exact)
    }

    /// What W₁ for Euclidean distances lies between, as `[low, high]`: twice the same where it has a closed form.
    ///
    /// Low is the larger of |Δmean| and the W₁ of any column; high the smaller of W₂ and the sum of the W₁ of the columns.
    pub fn w1_bounds(&self, q: &Gaussian) -> Result<[f64; 2]> {
        let difference = self.check(q)?;
        if let Some(exact) = self.exact_w1(q, &difference) {
            let exact = check::finite("W1", exact)?;
            return Ok([exact, exact]);
        }
        let columns = || difference.columns.iter().map(|&i| line::w1(self.column(i), q.column(i)));
        let high = check::finite("W2", self.raw_w2(q))?.min(columns().sum());
        Ok([columns().fold(self.between_means(q), f64::max).min(high), high])
    }

    /// W₂ = √(Σ Δ² + Σ (σ_p − σ_q)²), for Euclidean distances.
    pub fn w2(&self, q: &Gaussian) -> Result<f64> {
        self.check(q)?;
        check::finite("W2", self.raw_w2(q))
    }

    fn check(&self, q: &Gaussian) -> Result<Difference> {
        same("columns", self.mean.len(), q.mean.len())?;
        let differs = |a: f64, b: f64| (a - b).abs() > 0.0;
        let variance = |i: &usize| differs(self.variance[*i], q.variance[*i]);
        let columns: Vec<usize> =
            (0..self.mean.len()).filter(|i| differs(self.mean[*i], q.mean[*i]) || variance(i)).collect();
        let variances = columns.iter().filter(|i| variance(i)).count();
        Ok(Difference { columns, variances })
    }

    /// The mean and the variance of a column.
    fn column(&self, i: usize) -> [f64; 2] {
        [self.mean[i], self.variance[i]]
    }

    fn pairs(&self, q: &Gaussian) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
        (0..self.mean.len()).map(move |i| (self.column(i), q.column(i)))
    }

    fn raw_kl(&self, q: &Gaussian) -> f64 {
        let column = |[mean, variance]: [f64; 2], [q_mean, q_variance]: [f64; 2]| {
            let spread = excess(q_variance, variance) / q_variance;
            0.5 * (spread + ((mean - q_mean) / q_variance.sqrt()).powi(2))
        };
        self.pairs(q).map(|(p, q)| column(p, q)).sum()
    }

    fn hellinger_squared(&self, q: &Gaussian) -> f64 {
        let column = |[mean, variance]: [f64; 2], [q_mean, q_variance]: [f64; 2]| {
            let (sigma, q_sigma) = (variance.sqrt(), q_variance.sqrt());
            // (σ_p² + σ_q²) / (2 σ_p σ_q) − 1, without the 1 that would swallow it.
            let spread = (0.5 * gap(variance, q_variance) / sigma) * (gap(variance, q_variance) / q_sigma);
            (0.5 * (mean - q_mean) / sigma.hypot(q_sigma)).powi(2) + 0.5 * spread.ln_1p()
        };
        -(-self.pairs(q).map(|(p, q)| column(p, q)).sum::<f64>()).exp_m1()
    }

    fn between_means(&self, q: &Gaussian) -> f64 {
        self.pairs(q).fold(0.0, |sum: f64, (p, q)| sum.hypot(p[0] - q[0]))
    }

    fn raw_w2(&self, q: &Gaussian) -> f64 {
        self.pairs(q).fold(self.between_means(q), |sum, (p, q)| sum.hypot(gap(p[1], q[1])))
    }

    fn exact_total_variation(&self, q: &Gaussian, difference: &Difference) -> Option<f64> {
        match (difference.columns.as_slice(), difference.variances) {
            ([], _) => Some(0.0),
            (&[i], _) => Some(line::total_variation(self.column(i), q.column(i))),
            (_, 0) => {
                let mahalanobis = self
                    .pairs(q)
                    .fold(0.0, |sum: f64, ([p, variance], [q, _])| sum.hypot((p - q) / variance.sqrt()));
                Some(libm::erf(0.5 * FRAC_1_SQRT_2 * mahalanobis))
            }
            _ => None,
        }
    }

    fn exact_w1(&self, q: &Gaussian, difference: &Difference) -> Option<f64> {
        match (difference.columns.as_slice(), difference.variances) {
            (&[i], _) => Some(line::w1(self.column(i), q.column(i))),
            (_, 0) => Some(self.between_means(q)),
            _ => None,
        }
    }
}

impl Difference {
    fn no_closed_form(&self, what: &str) -> Error {
        let (variances, columns) = (self.variances, self.columns.len());
        Error::unsupported(format_args!(
            "the {what} of Gaussians that differ in {columns} columns, {variances} of them in variance, has no closed \
             form: ask for its bounds"
        ))
    }
}

fn all_finite(name: &str, values: &[f64]) -> Result<()> {
    if let Some(i) = values.iter().position(|x| !x.is_finite()) {
        return Err(Error::non_finite(format_args!("{name} {i} is {}: expected a finite number", values[i])));
    }
    Ok(())
}

/// σ_p − σ_q of two variances that may nearly agree.
fn gap(variance: f64, q_variance: f64) -> f64 {
    (variance - q_variance) / (variance.sqrt() + q_variance.sqrt())
}

#[cfg(test)]
mod tests;
