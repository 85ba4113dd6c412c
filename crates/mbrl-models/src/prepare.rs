//! Data made ready for a network: fetched, partly held out, normalised, and refused where it cannot be learnt.

use crate::Normalizer;
use crate::design::{Design, Learnt};
use crate::ensemble::{Holdout, Targets};
use mbrl_core::{Error, FitData, Key, Result};
use rand::seq::SliceRandom;

/// What a fit works with, beside the networks.
pub(crate) struct Prepared {
    pub(crate) train: Design,
    pub(crate) holdout: Design,
    pub(crate) input: Normalizer,
    pub(crate) target: Normalizer,
}

/// Targets as small or as large as this are beyond what a network on raw targets can learn: its outputs begin near 1, and
/// the log-variance is bounded.
const LEARNABLE: std::ops::Range<f64> = 1e-4..1e4;

/// Fetches the rows, holds some out where none are, and normalises.
pub(crate) fn prepare(
    learnt: Learnt,
    data: FitData<'_>,
    holdout: Holdout,
    targets: Targets,
    key: Key,
) -> Result<Prepared> {
    let (train, holdout) = held_out(holdout, data, key.child("holdout"));
    if train.is_empty() {
        return Err(Error::invalid(format_args!(
            "no row to train on of {} ({} held out): collect more, or hold out less",
            data.train.len() + data.holdout.len(),
            holdout.len()
        )));
    }
    let mut train = learnt.design(data.data, &train)?;
    let mut holdout = learnt.design(data.data, &holdout)?;
    let input = Normalizer::of(&train.input, learnt.input());
    let found = Normalizer::of(&train.target, learnt.target());
    let target = match targets {
        Targets::Normalized => found,
        Targets::Raw => {
            for (column, (mean, deviation)) in found.mean.iter().zip(&found.deviation).enumerate() {
                let scale = deviation.max(mean.abs());
                // A target that never changes from zero is learnt by learning nothing.
                let constant = mean.abs() < LEARNABLE.start && (deviation - 1.0).abs() < f64::EPSILON;
                let scale = if (deviation - 1.0).abs() < f64::EPSILON { mean.abs() } else { scale };
                if !constant && !LEARNABLE.contains(&scale) {
                    return Err(Error::invalid(format_args!(
                        "target {column} ({}) has scale {scale:.3e}, which no network learns as it is: set targets to \
                         normalized, or change its unit",
                        learnt.target_name(column)
                    )));
                }
            }
            Normalizer::identity(learnt.target())
        }
    };
    train.normalize(&input, &target);
    holdout.normalize(&input, &target);
    Ok(Prepared { train, holdout, input, target })
}

/// The rows to train on, and those held out: the caller's, or a share of the training rows.
fn held_out(holdout: Holdout, data: FitData<'_>, key: Key) -> (Vec<u32>, Vec<u32>) {
    if !data.holdout.is_empty() {
        return (data.train.to_vec(), data.holdout.to_vec());
    }
    let mut rows = data.train.to_vec();
    rows.shuffle(&mut key.rng());
    let out = ((rows.len() as f64 * holdout.share) as usize).min(holdout.cap);
    let train = rows.split_off(out);
    (train, rows)
}
