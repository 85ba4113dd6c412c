//! Gaussians whose columns depend on each other.

use super::svd::{Svd, product};
use super::{Gaussian, all_finite, same};
use crate::check;
use mbrl_core::{Error, Result};

/// A Gaussian with a full covariance.
///
/// KL, H, TV and the Jensen-Shannon divergence do not change if both sides are moved by the same invertible map, and one
/// exists that makes the columns of both independent: so they are those of two [`Gaussian`]s.
///
/// ```
/// use mbrl_bounds::divergence::gaussian::FullGaussian;
///
/// let p = FullGaussian::new(vec![0.0, 0.0], vec![2.0, 1.0, 1.0, 2.0])?;
/// let q = FullGaussian::new(vec![1.0, 1.0], vec![2.0, 1.0, 1.0, 2.0])?;
/// assert!((p.kl(&q)? - 1.0 / 3.0).abs() < 1e-12);
/// assert!((p.w2(&q)? - 2f64.sqrt()).abs() < 1e-12);
/// let error = FullGaussian::new(vec![0.0, 0.0], vec![1.0, 2.0, 2.0, 1.0]).unwrap_err();
/// assert!(error.to_string().contains("not positive definite"));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FullGaussian {
    mean: Vec<f64>,
    covariance: Vec<f64>,
    /// The columns of the lower triangular L with L Lᵀ = the covariance.
    factor: Vec<Vec<f64>>,
}

impl FullGaussian {
    /// The Gaussian with this mean and this covariance, `[columns, columns]`, which must be symmetric and positive
    /// definite.
    pub fn new(mean: Vec<f64>, covariance: Vec<f64>) -> Result<Self> {
        let n = mean.len();
        if n == 0 || n.checked_mul(n) != Some(covariance.len()) {
            let given = covariance.len();
            return Err(Error::invalid(format_args!(
                "a Gaussian of {n} means and {given} covariances: give one covariance for each pair of columns"
            )));
        }
        all_finite("mean", &mean)?;
        all_finite("covariance", &covariance)?;
        for i in 0..n {
            for j in 0..i {
                let (below, above) = (covariance[i * n + j], covariance[j * n + i]);
                let scale = (covariance[i * n + i].abs() * covariance[j * n + j].abs()).sqrt();
                if (below - above).abs() > SLACK * scale {
                    return Err(Error::invalid(format_args!(
                        "covariance {i} {j} is {below} and {j} {i} is {above}: expected the same"
                    )));
                }
            }
        }
        let factor = cholesky(&covariance, n)?;
        Ok(FullGaussian { mean, covariance, factor })
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance, `[columns, columns]`.
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// KL(p ‖ q) = ½ [tr(Σ_q⁻¹ Σ_p) − n + Δᵀ Σ_q⁻¹ Δ + ln(det Σ_q / det Σ_p)], where this is p.
    pub fn kl(&self, q: &FullGaussian) -> Result<f64> {
        let (p, q) = self.independent(q)?;
        p.kl(&q)
    }

    /// The Hellinger distance H = √(1 − BC), where −ln BC = ⅛ Δᵀ Σ⁻¹ Δ + ½ ln(det Σ / √(det Σ_p det Σ_q)) with
    /// Σ = (Σ_p + Σ_q)/2.
    pub fn hellinger(&self, q: &FullGaussian) -> Result<f64> {
        let (p, q) = self.independent(q)?;
        p.hellinger(&q)
    }

    /// What TV lies between, as `[low, high]`: twice the same where it has a closed form, as for covariances that are
    /// equal.
    pub fn total_variation_bounds(&self, q: &FullGaussian) -> Result<[f64; 2]> {
        let (p, q) = self.independent(q)?;
        p.total_variation_bounds(&q)
    }

    /// What the Jensen-Shannon divergence lies between, as `[low, high]`.
    pub fn jensen_shannon_bounds(&self, q: &FullGaussian) -> Result<[f64; 2]> {
        let (p, q) = self.independent(q)?;
        p.jensen_shannon_bounds(&q)
    }

    /// What W₁ for Euclidean distances lies between, as `[low, high]`: |Δmean| and W₂.
    pub fn w1_bounds(&self, q: &FullGaussian) -> Result<[f64; 2]> {
        let high = self.w2(q)?;
        let means = self.shift(q).into_iter().fold(0.0, f64::hypot);
        Ok([means.min(high), high])
    }

    /// W₂ = √(Δᵀ Δ + tr(Σ_p + Σ_q − 2 (Σ_p^½ Σ_q Σ_p^½)^½)), for Euclidean distances.
    ///
    /// The trace is the least |L_p R − L_q|² over rotations R, for any roots L of the covariances. That R comes from the
    /// singular vectors of L_pᵀ L_q (the problem of Procrustes), and nothing cancels where both are nearly the same.
    pub fn w2(&self, q: &FullGaussian) -> Result<f64> {
        same("columns", self.mean.len(), q.mean.len())?;
        let n = self.mean.len();
        let overlap =
            q.factor.iter().map(|of_q| self.factor.iter().map(|of_p| product(of_p, of_q)).collect());
        let Svd { w, v } = Svd::new(overlap.collect());
        let sizes: Vec<f64> = w.iter().map(|column| product(column, column).sqrt()).collect();
        // L_p U − L_q V has the size of L_p R − L_q, with R = U Vᵀ.
        let apart = (0..n).flat_map(|k| (0..n).map(move |row| (k, row))).map(|(k, row)| {
            let p: f64 = (0..n).map(|j| self.factor[j][row] * (w[k][j] / sizes[k])).sum();
            let q: f64 = (0..n).map(|j| q.factor[j][row] * v[k][j]).sum();
            p - q
        });
        check::finite("W2", apart.chain(self.shift(q)).fold(0.0, f64::hypot))
    }

    /// Both in coordinates in which p has unit variances and the columns of each are independent.
    fn independent(&self, q: &FullGaussian) -> Result<(Gaussian, Gaussian)> {
        same("columns", self.mean.len(), q.mean.len())?;
        let n = self.mean.len();
        let whitened = q.factor.iter().map(|column| self.solve(column)).collect();
        let Svd { w, .. } = Svd::new(whitened);
        let shift = self.solve(&self.shift(q));
        let variance: Vec<f64> = w.iter().map(|column| product(column, column)).collect();
        let mean = w.iter().zip(&variance).map(|(column, v)| product(column, &shift) / v.sqrt()).collect();
        Ok((Gaussian::new(vec![0.0; n], vec![1.0; n])?, Gaussian::new(mean, variance)?))
    }

    /// From the mean of this to that of q.
    fn shift(&self, q: &FullGaussian) -> Vec<f64> {
        q.mean.iter().zip(&self.mean).map(|(q, p)| q - p).collect()
    }

    /// L⁻¹ x.
    fn solve(&self, x: &[f64]) -> Vec<f64> {
        let mut rest = x.to_vec();
        for (j, column) in self.factor.iter().enumerate() {
            rest[j] /= column[j];
            let solved = rest[j];
            for (rest, l) in rest[j + 1..].iter_mut().zip(&column[j + 1..]) {
                *rest -= l * solved;
            }
        }
        rest
    }
}

/// How far the two halves of a covariance may be apart, as a share of the deviations.
const SLACK: f64 = 1e-9;

/// The columns of the lower triangular L with L Lᵀ = the covariance, of which the lower half is read.
fn cholesky(covariance: &[f64], n: usize) -> Result<Vec<Vec<f64>>> {
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(n);
    for j in 0..n {
        let mut column: Vec<f64> = (0..n).map(|i| if i < j { 0.0 } else { covariance[i * n + j] }).collect();
        for before in &columns {
            for i in j..n {
                column[i] -= before[i] * before[j];
            }
        }
        let pivot = column[j];
        // What rounding leaves of a pivot that is 0 in truth.
        if pivot.is_nan() || pivot <= f64::EPSILON * n as f64 * covariance[j * n + j].abs() {
            return Err(Error::invalid(format_args!(
                "the covariance is not positive definite: column {j} has no variance left once those before it are \
                 known (add the variance of a narrow normal to both sides)"
            )));
        }
        column[j..].iter_mut().for_each(|x| *x /= pivot.sqrt());
        columns.push(column);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests;
