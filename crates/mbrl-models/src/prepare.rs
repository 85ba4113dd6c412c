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

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::{Dims, End, Origin, Transition, TransitionBatch};

    fn counted(rows: usize) -> TransitionBatch {
        let mut data = TransitionBatch::new(Dims { obs: 1, act: 1 });
        for i in 0..rows {
            let (obs, next_obs) = ([i as f32], [i as f32 + (i % 3) as f32]);
            let (end, origin) = (End::Running, Origin::World);
            data.push(Transition { obs: &obs, act: &[0.0], next_obs: &next_obs, reward: 0.0, end, origin });
        }
        data
    }

    /// As `int(n · 0.2)`, but 5000 at most, from a permutation.
    #[test]
    fn a_fifth_is_held_out_but_not_more_than_the_cap() {
        let holdout = Holdout { share: 0.2, cap: 5000 };
        for (rows, expected) in [(1, 0), (4, 0), (5, 1), (9, 1), (10, 2), (25_000, 5000), (40_000, 5000)] {
            let data = counted(rows);
            let all: Vec<u32> = (0..rows as u32).collect();
            let asked = FitData { data: &data, train: &all, holdout: &[] };
            let (train, out) = held_out(holdout, asked, Key::root(0));
            assert_eq!(out.len(), expected, "of {rows}");
            let mut both = [train, out].concat();
            assert!(rows < 100 || both != all, "they are not drawn");
            both.sort_unstable();
            assert_eq!(both, all);
            assert_eq!(held_out(holdout, FitData { holdout: &[0], ..asked }, Key::root(0)), (all, vec![0]));
        }
    }

    #[test]
    fn inputs_are_normalised_by_the_rows_to_train_on() {
        let data = counted(100);
        let learnt = Learnt { dims: Dims { obs: 1, act: 1 }, reward: false };
        let (train, holdout): (Vec<u32>, Vec<u32>) = ((0..50).collect(), (50..100).collect());
        let asked = FitData { data: &data, train: &train, holdout: &holdout };
        let share = Holdout { share: 0.2, cap: 5000 };
        let prepared = prepare(learnt, asked, share, Targets::Raw, Key::root(0)).unwrap();
        assert_eq!((prepared.train.rows, prepared.holdout.rows), (50, 50));
        assert!((prepared.input.mean[0] - 24.5).abs() < 1e-12);
        assert!((prepared.input.deviation[0] - ((50.0f64 * 50.0 - 1.0) / 12.0).sqrt()).abs() < 1e-9);
        // The action never changes.
        assert!((prepared.input.deviation[1] - 1.0).abs() < 1e-15);
        assert!(prepared.target.is_identity());
        assert_eq!(prepared.train.target[..4], [0.0, 1.0, 2.0, 0.0]);
        assert!(
            (f64::from(prepared.holdout.input[0]) - (50.0 - 24.5) / prepared.input.deviation[0]).abs() < 1e-6
        );
    }
}
