//! ε_m where the world is known to be a Gaussian: linear systems with normal noise, and the like.

use super::Estimate;
use super::predicted::{Draws, Predicted, TvByDraws, check_shape};
use mbrl_core::{Error, Result, Rows};

/// A Gaussian of independent columns for each row.
#[derive(Clone, Copy, Debug)]
pub struct GaussianRows<'a> {
    mean: Rows<'a>,
    std: Rows<'a>,
}

impl<'a> GaussianRows<'a> {
    /// These means and standard deviations, `[rows, columns]` each; the deviations are above 0.
    pub fn new(mean: Rows<'a>, std: Rows<'a>) -> Result<Self> {
        let shape = [mean.len(), mean.dim()];
        check_shape("means", mean, shape)?;
        check_shape("deviations", std, shape)?;
        if let Some(i) = std.as_slice().iter().position(|std| *std <= 0.0) {
            let (row, column, bad) = (i / std.dim(), i % std.dim(), std.as_slice()[i]);
            return Err(Error::invalid(format_args!(
                "deviations: row {row}, column {column} is {bad}: expected above 0"
            )));
        }
        Ok(GaussianRows { mean, std })
    }

    /// The means.
    pub fn mean(&self) -> Rows<'a> {
        self.mean
    }

    /// The standard deviations.
    pub fn std(&self) -> Rows<'a> {
        self.std
    }
}

/// The total variation, of each row, between the true law of the successor and what the model predicts.
///
/// Each is the mean of (1 − q(x)/p(x))₊ over draws of x from the truth, and lies in 0 to 1. A member whose variance is 0 in
/// some column has no density there, so it is refused.
pub fn gaussian_errors(
    truth: &GaussianRows<'_>,
    predicted: &Predicted<'_>,
    draws: Draws,
) -> Result<Vec<f64>> {
    predicted.check_beside("the true means", truth.mean)?;
    for row in 0..predicted.rows() {
        let flat = |(_, variance): (&[f32], &[f32])| variance.iter().position(|v| *v <= 0.0);
        if let Some(column) = predicted.of(row).find_map(flat) {
            return Err(Error::invalid(format_args!(
                "a member predicts for row {row}, column {column} a variance of 0, which has no density: smooth both sides"
            )));
        }
    }
    let mut tv = TvByDraws::default();
    draws.for_each_row(truth.mean.len(), truth.mean.dim(), |row, z| {
        tv.clear();
        for (mean, variance) in predicted.of(row) {
            let true_columns = truth.mean.row(row).iter().zip(truth.std.row(row));
            for ((mean, variance), (true_mean, std)) in mean.iter().zip(variance).zip(true_columns) {
                let std = f64::from(*std);
                tv.push((f64::from(*true_mean) - f64::from(*mean)) / std, f64::from(*variance) / (std * std));
            }
        }
        tv.mean(z)
    })
}

/// ε_m: the mean of [`gaussian_errors`] over independent rows, in an interval that is guaranteed.
pub fn eps_m_gaussian(
    truth: &GaussianRows<'_>,
    predicted: &Predicted<'_>,
    draws: Draws,
    confidence: f64,
) -> Result<Estimate> {
    Estimate::bounded(&gaussian_errors(truth, predicted, draws)?, [0.0, 1.0], confidence)
}
