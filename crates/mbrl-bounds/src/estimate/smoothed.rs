//! ε_m where the world is known by what happened alone.

use super::predicted::{Draws, Predicted, TvByDraws};
use super::{Estimate, Smoothing};
use mbrl_core::{Result, Rows};

/// The total variation, of each row, between what happened and what the model predicted, both blurred by N(0, σ₀²).
///
/// A point and a density are 1 apart, however near: where a world leaves nothing to chance, plain ε_m says nothing about a
/// model. So the row's next observation s' is taken for N(s', σ₀²), and the model for the mixture over its members of
/// N(μᵢ, σᵢ² + σ₀²). That is exact for a world without chance; the blur is a part of the answer and to be named with it, as
/// a wider one finds less. In a world with chance its mean is an *upper* bound on the total variation between the blurred
/// world and the blurred model: total variation is convex, and the world is the mean of its outcomes.
///
/// Each error is the mean of (1 − q(x)/p(x))₊ over draws of x, and lies in 0 to 1.
pub fn smoothed_errors(
    next: Rows<'_>,
    predicted: &Predicted<'_>,
    smoothing: &Smoothing,
    draws: Draws,
) -> Result<Vec<f64>> {
    predicted.check_beside("next observations", next)?;
    smoothing.check_for(predicted.dim())?;
    let mut tv = TvByDraws::default();
    draws.for_each_row(next.len(), next.dim(), |row, z| {
        tv.clear();
        for (mean, variance) in predicted.of(row) {
            let columns = mean.iter().zip(variance).zip(next.row(row)).zip(smoothing.width());
            for (((mean, variance), next), width) in columns {
                let above = (f64::from(*next) - f64::from(*mean)) / width;
                tv.push(above, 1.0 + f64::from(*variance) / (width * width));
            }
        }
        tv.mean(z)
    })
}

/// ε_m after smoothing: the mean of [`smoothed_errors`] over independent rows, in an interval that is guaranteed.
///
/// ```
/// use mbrl_bounds::estimate::{Deviations, Draws, Predicted, Smoothing, eps_m_smoothed};
/// use mbrl_core::{Key, MomentsMut, Rows};
///
/// // 200 rows of one column, which one member predicts a little too high.
/// let next: Vec<f32> = (0..200).map(|i| (i as f32).sin()).collect();
/// let mut mean: Vec<f32> = next.iter().map(|x| x + 0.05).collect();
/// let mut variance = vec![1e-6; 200];
/// let moments = MomentsMut::new(&mut mean, &mut variance, 200, 1);
/// let predicted = Predicted::new(moments.view(), &[0], 1)?;
/// let next = Rows::new(&next, 1)?;
/// let draws = Draws { per_row: 8, key: Key::root(0).child("draws") };
/// // Where the outcome is blurred by a tenth of a deviation, the model is off by 0.05 / 0.0707: TV is 2Φ(0.354) − 1.
/// let smoothing = Smoothing::new(&Deviations::of(next)?, 0.1)?;
/// let eps_m = eps_m_smoothed(next, &predicted, &smoothing, draws, 0.95)?;
/// assert!((eps_m.value - 0.276).abs() < 0.03 && eps_m.low < 0.276 && 0.276 < eps_m.high);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn eps_m_smoothed(
    next: Rows<'_>,
    predicted: &Predicted<'_>,
    smoothing: &Smoothing,
    draws: Draws,
    confidence: f64,
) -> Result<Estimate> {
    Estimate::bounded(&smoothed_errors(next, predicted, smoothing, draws)?, [0.0, 1.0], confidence)
}
