//! ε_m as the theorems have it: the largest over steps of a mean error, not the mean over all steps.

use super::Estimate;
use mbrl_core::{Error, Result};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The mean errors of the steps of an episode, with intervals that hold all at once.
#[derive(Clone, Debug, PartialEq)]
pub struct StepErrors {
    /// The largest of the means, between the largest of the lower and the largest of the upper ends. Its value is high
    /// rather than low, as a largest one is; its interval is not concerned by that.
    pub largest: Estimate,
    /// The steps that it was found at.
    pub worst: RangeInclusive<u32>,
    /// The steps of which there are rows, in order.
    pub bins: Vec<StepBin>,
}

/// Some steps in succession.
#[derive(Clone, Debug, PartialEq)]
pub struct StepBin {
    /// The first and the last of them.
    pub steps: RangeInclusive<u32>,
    /// Their mean error. Of b bins each interval has a confidence of 1 − (1 − confidence) / b, so that by Bonferroni's
    /// inequality all of them cover what they should as often as was asked for.
    pub error: Estimate,
}

/// The mean errors of each `width` steps, of rows that were made at the steps of `steps`.
///
/// A width of 1 is that of the theorems. A wider one takes means over its steps too, which may hide a step that is worse
/// than its neighbours.
///
/// ```
/// use mbrl_bounds::estimate::{Estimate, by_step};
///
/// // 100 episodes of three steps, of which the last is predicted worst.
/// let steps: Vec<u32> = (0..300).map(|i| i % 3).collect();
/// let errors: Vec<f64> = steps.iter().map(|step| 0.1 * f64::from(*step)).collect();
/// let eps_m = by_step(&errors, &steps, 1, 0.95, |rows, c| Estimate::bounded(rows, [0.0, 1.0], c))?;
/// assert_eq!(eps_m.worst, 2..=2);
/// assert!((eps_m.largest.value - 0.2).abs() < 1e-12);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn by_step(
    errors: &[f64],
    steps: &[u32],
    width: u32,
    confidence: f64,
    interval: impl Fn(&[f64], f64) -> Result<Estimate>,
) -> Result<StepErrors> {
    if errors.len() != steps.len() {
        let (errors, steps) = (errors.len(), steps.len());
        return Err(Error::invalid(format_args!("{errors} errors of {steps} steps: give a step for each")));
    }
    if width == 0 {
        return Err(Error::invalid("bins of 0 steps: take 1 at least"));
    }
    crate::check::unit("confidence", confidence)?;
    let mut by_bin = BTreeMap::<u32, Vec<f64>>::new();
    for (error, step) in errors.iter().zip(steps) {
        by_bin.entry(step / width).or_default().push(*error);
    }
    let each = 1.0 - (1.0 - confidence) / by_bin.len() as f64;
    let mut bins = Vec::with_capacity(by_bin.len());
    for (bin, rows) in by_bin {
        let first = bin * width;
        let steps = first..=first.saturating_add(width - 1);
        let error = interval(&rows, each).map_err(|error| {
            error.wrap(format_args!("steps {} to {} (take wider bins?)", steps.start(), steps.end()))
        })?;
        bins.push(StepBin { steps, error });
    }
    let mut found: Option<&StepBin> = None;
    for bin in &bins {
        found = found.filter(|worst| worst.error.value >= bin.error.value).or(Some(bin));
    }
    let Some(worst) = found else {
        return Err(Error::invalid("no errors are given: give two at least of each step"));
    };
    let end =
        |f: fn(&Estimate) -> f64| bins.iter().map(|bin| f(&bin.error)).fold(f64::NEG_INFINITY, f64::max);
    let largest = Estimate { low: end(|e| e.low), high: end(|e| e.high), confidence, ..worst.error };
    Ok(StepErrors { largest, worst: worst.steps.clone(), bins })
}
