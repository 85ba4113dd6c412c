//! A tabular world that is sampled, against what its tables say.

use super::*;
use crate::ModelledMdp;
use mbrl_core::TabularMdp;
use mbrl_plan::{TabularPolicy, finite_occupancy};

/// The first outcome at which the probabilities reach `u`.
fn drawn(probabilities: &[f64], u: f64) -> usize {
    let mut sum = 0.0;
    let reached = probabilities.iter().position(|p| {
        sum += p;
        u < sum
    });
    reached.unwrap_or(probabilities.len() - 1)
}

#[test]
fn the_worst_step_of_a_sampled_world_is_that_of_its_tables() {
    const STEPS: usize = 6;
    const EPISODES: usize = 3000;
    // A walk to the right, of which the model knows less the further it gets, and that turns back at the end.
    let row = |state: usize, right: f64| {
        let mut row = [0.0; 4];
        row[(state + 1) % 4] = right;
        row[state] += 1.0 - right;
        row
    };
    let truth: Vec<f64> = (0..4).flat_map(|s| row(s, 0.75)).collect();
    let model: Vec<f64> = [0.75, 0.7, 0.5, 0.1].iter().enumerate().flat_map(|(s, p)| row(s, *p)).collect();
    let truth = TabularMdp::new(1, truth, vec![0.0; 16], vec![1.0, 0.0, 0.0, 0.0], vec![false; 4]).unwrap();
    let worlds = ModelledMdp::new(&truth, model).unwrap();
    let (mut errors, mut steps) = (Vec::new(), Vec::new());
    for episode in 0..EPISODES {
        let mut state = 0;
        for (t, u) in uniforms(STEPS, Key::root(9).at(episode as u64)).into_iter().enumerate() {
            errors.push(worlds.total_variation(state, 0));
            steps.push(t as u32);
            state = drawn(truth.transition(state, 0), u);
        }
    }
    let policy = TabularPolicy::uniform(&truth);
    let visits = finite_occupancy(&truth, |_| &policy, STEPS).unwrap();
    let exact: Vec<f64> = (0..STEPS)
        .map(|t| (0..4).map(|s| visits.pairs(t, s)[0] * worlds.total_variation(s, 0)).sum())
        .collect();
    let bounded = |rows: &[f64], confidence| Estimate::bounded(rows, [0.0, 1.0], confidence);
    let found = by_step(&errors, &steps, 1, SURE, bounded).unwrap();
    assert_eq!((found.bins.len(), found.bins[2].steps.clone()), (STEPS, 2..=2));
    for (t, bin) in found.bins.iter().enumerate() {
        assert!(bin.error.low <= exact[t] && exact[t] <= bin.error.high, "{bin:?} {}", exact[t]);
        assert!((1.0 - bin.error.confidence - 1e-7 / STEPS as f64).abs() < 1e-15 && bin.error.n == EPISODES);
    }
    let largest = exact.iter().copied().fold(0.0, f64::max);
    assert!(found.largest.low <= largest && largest <= found.largest.high, "{found:?} {largest}");
    let worst = *found.worst.start() as usize;
    assert!((exact[worst] - largest).abs() < 2.0 * hoeffding(EPISODES), "{found:?} {exact:?}");
    let ends = |f: fn(&Estimate) -> f64| found.bins.iter().map(|bin| f(&bin.error)).fold(0.0, f64::max);
    assert_eq!(found.largest.high.to_bits(), ends(|e| e.high).to_bits());
    assert_eq!(found.largest.low.to_bits(), ends(|e| e.low).to_bits());
    assert_eq!(found.largest.value.to_bits(), ends(|e| e.value).to_bits());
    assert_eq!((found.largest.confidence.to_bits(), found.largest.n), (SURE.to_bits(), EPISODES));
    // All steps in one bin are the plain mean, which is less.
    let plain = by_step(&errors, &steps, STEPS as u32, SURE, bounded).unwrap();
    assert_eq!(plain.worst, 0..=5);
    assert_eq!(plain.largest, bounded(&errors, plain.largest.confidence).unwrap());
    assert!(plain.largest.value < found.largest.value);
}

#[test]
fn steps_that_nobody_took_are_no_bins() {
    let normal = by_step(&[0.1, 0.2, 0.6, 0.8], &[7, 5, 900, u32::MAX], 895, 0.9, Estimate::normal);
    // One row of the last step has no interval.
    let error = normal.unwrap_err().to_string();
    assert!(error.contains("steps 895 to 1789 (take wider bins?): 1 rows have no interval"), "{error}");
    let found = by_step(&[0.1, 0.2, 0.6, 0.8], &[7, 5, 900, 1000], 895, 0.9, Estimate::normal).unwrap();
    let steps: Vec<_> = found.bins.iter().map(|bin| bin.steps.clone()).collect();
    assert_eq!((steps, found.worst), (vec![0..=894, 895..=1789], 895..=1789));
    let found = by_step(&[0.1, 0.2], &[u32::MAX; 2], 2, 0.9, Estimate::normal).unwrap();
    assert_eq!(found.worst, u32::MAX - 1..=u32::MAX);
    for (errors, steps, width, confidence, says) in [
        (&[0.1][..], &[][..], 1, 0.9, "1 errors of 0 steps"),
        (&[0.1], &[0], 0, 0.9, "bins of 0 steps"),
        (&[], &[], 1, 0.9, "no errors are given"),
        (&[0.1, 0.2], &[0, 0], 1, 1.5, "confidence is 1.5"),
        (&[0.1, f64::NAN], &[3, 3], 1, 0.9, "steps 3 to 3 (take wider bins?): row 1 is NaN"),
    ] {
        let error = by_step(errors, steps, width, confidence, Estimate::normal).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
