//! The error of a model as a distance, for worlds that are known by what happened alone.

use super::predicted::{Draws, Predicted};
use super::{Deviations, Estimate};
use mbrl_core::{Result, Rows};

/// The Wasserstein distance W1, of each row, between what happened and what the model predicted, in deviations.
///
/// All of a point s' goes the same way: W1 is E ‖(x − s') / deviation‖₂ over the model's x, here by draws, as many of each
/// member. It needs no blur and is exact for members without variance. In a world with chance its mean is an upper bound on
/// W1, and not 0 for the true model.
pub fn w1_errors(
    next: Rows<'_>,
    predicted: &Predicted<'_>,
    deviations: &Deviations,
    draws: Draws,
) -> Result<Vec<f64>> {
    predicted.check_beside("next observations", next)?;
    deviations.check_for(predicted.dim())?;
    draws.for_each_row(next.len(), next.dim(), |row, z| {
        let (mut sum, mut count) = (0.0, 0.0);
        for (mean, variance) in predicted.of(row) {
            for z in z.iter() {
                let model = mean.iter().zip(variance).zip(z);
                let columns = model.zip(next.row(row).iter().zip(deviations.as_slice()));
                let square: f64 = columns
                    .map(|(((mean, variance), z), (next, deviation))| {
                        let off = f64::from(*mean) - f64::from(*next);
                        ((off + f64::from(*variance).sqrt() * f64::from(*z)) / deviation).powi(2)
                    })
                    .sum();
                sum += square.sqrt();
                count += 1.0;
            }
        }
        sum / count
    })
}

/// The mean of [`w1_errors`] over many independent rows, in the normal interval.
pub fn eps_m_w1(
    next: Rows<'_>,
    predicted: &Predicted<'_>,
    deviations: &Deviations,
    draws: Draws,
    confidence: f64,
) -> Result<Estimate> {
    Estimate::normal(&w1_errors(next, predicted, deviations, draws)?, confidence)
}
