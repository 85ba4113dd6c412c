//! Both updates by numpy, what smoothing does, and numbers that may not move.

use super::*;
use crate::PerPlan;
use crate::population::reference;
use mbrl_core::{RowBuf, Rows};

fn space() -> Space {
    Space::bounded(&[-1.0, -1.0], &[1.0, 3.0]).unwrap()
}

fn elites() -> MppiConfig {
    let update = EliteUpdate { elites: 5, min_std: 0.3, ..EliteUpdate::default() };
    MppiConfig { population: 12, iterations: 1, update: MppiUpdate::Elites(update) }
}

fn refitted(config: MppiConfig) -> Mppi {
    let mut mppi = Mppi::new(MppiConfig { population: 12, ..config }, &space(), 2).unwrap();
    reference::real(&mut mppi.population);
    mppi.refit();
    mppi
}

#[test]
fn both_updates_are_numpys() {
    reference::assert_is("path_integral", &refitted(MppiConfig::default()).mean);
    let mppi = refitted(elites());
    reference::assert_is("weights", &mppi.weights);
    reference::assert_is("weighted_mean", &mppi.mean);
    reference::assert_is("weighted_deviation", &mppi.deviation);
}

/// The elites are drawn in proportion to their weights: of 20 000 draws, each count is within 5.5 of its deviations, which
/// one of five misses with probability below 2e-7.
#[test]
fn the_executed_elite_is_drawn_by_weight() {
    const N: usize = 20_000;
    let mppi = refitted(elites());
    let elites: Vec<Vec<f32>> = mppi.population.elites().map(|(plan, _)| plan.to_vec()).collect();
    let mut counts = vec![0; elites.len()];
    let mut plan = vec![0.0; 4];
    for key in (0..N as u64).map(|i| Key::root(1).at(i)) {
        mppi.execute(key, &mut plan);
        counts[elites.iter().position(|elite| *elite == plan).unwrap()] += 1;
    }
    for (count, weight) in counts.into_iter().zip(&mppi.weights) {
        let deviation = (N as f64 * weight * (1.0 - weight)).sqrt();
        assert!((f64::from(count) - N as f64 * weight).abs() < 5.5 * deviation, "{count} of weight {weight}");
    }
}

#[test]
fn the_mean_is_executed_where_it_should_be() {
    let MppiUpdate::Elites(update) = elites().update else { unreachable!() };
    let update = MppiUpdate::Elites(EliteUpdate { executed: Executed::Mean, ..update });
    let mut plan = RowBuf::zeros(2, 2);
    let mut mppi = Mppi::new(MppiConfig { update, ..elites() }, &space(), 2).unwrap();
    mppi.optimize(&mut PerPlan(|plan: &[f32]| f64::from(plan[0])), Key::root(0), plan.view_mut()).unwrap();
    assert_eq!(plan.as_slice(), mppi.warm_start().center);
}

/// The plans of a search of one round, unweighted.
fn drawn(mppi: &mut Mppi) -> Vec<Vec<f32>> {
    let mut seen = Vec::new();
    let mut score = |plans: Rows<'_>, _: Key, scores: &mut [f64]| {
        seen = plans.iter().map(<[f32]>::to_vec).collect();
        scores.fill(0.0);
        Ok(())
    };
    mppi.optimize(&mut score, Key::root(0), RowBuf::zeros(3, 1).view_mut()).unwrap();
    seen
}

fn path(update: PathIntegral) -> Mppi {
    let config = MppiConfig { population: 20_000, iterations: 1, update: MppiUpdate::PathIntegral(update) };
    Mppi::new(config, &Space::symmetric(1, 10.0).unwrap(), 3).unwrap()
}

/// mbrl-lib's deviation is 1 whatever σ is.
#[test]
fn noise_has_the_deviation_that_was_asked_for_and_is_smoothed() {
    for sigma in [0.05, 0.2] {
        let plans = drawn(&mut path(PathIntegral { sigma, beta: 0.8, ..PathIntegral::default() }));
        let moment = |i: usize, j: usize| {
            plans.iter().map(|plan| f64::from(plan[i] * plan[j])).sum::<f64>() / plans.len() as f64
        };
        // A normal number truncated at two deviations has variance 1 − 4 φ(2) / (2 Φ(2) − 1).
        let one = 0.773_741_3 * (0.8 * 10.0 * sigma).powi(2);
        for (seen, expected) in [(moment(0, 0), one), (moment(1, 1), 1.04 * one), (moment(0, 1), 0.2 * one)] {
            // Of 20 000 such products the mean has a deviation below 0.01: this is six of them.
            assert!((seen - expected).abs() < 0.06 * one, "{seen} for {expected}");
        }
    }
}

#[test]
fn smoothing_begins_at_the_action_done_last() {
    let update = PathIntegral { sigma: 1e-6, beta: 0.5, ..PathIntegral::default() };
    let mut mppi = path(update);
    mppi.resume(&WarmStart { center: vec![1.0, 2.0, 3.0], kept: vec![0.0] }).unwrap();
    mppi.shift(2);
    assert_eq!(mppi.warm_start(), WarmStart { center: vec![3.0, 0.0, 0.0], kept: vec![2.0] });
    let plan = &drawn(&mut mppi)[0];
    for (x, expected) in plan.iter().zip([2.5, 1.25, 0.625]) {
        assert!((x - expected).abs() < 1e-4, "{plan:?}");
    }
    mppi.shift(0);
    assert!((mppi.warm_start().kept[0] - 2.0).abs() < 1e-6, "nothing was done");
    mppi.reset();
    assert_eq!(mppi.warm_start(), WarmStart { center: vec![0.0; 3], kept: vec![0.0] });
}

/// Moving any of these is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    let found = |config: MppiConfig| {
        let mut plan = RowBuf::zeros(2, 2);
        let mut mppi = Mppi::new(config, &space(), 2).unwrap();
        let mut score = PerPlan(|plan: &[f32]| -plan.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>());
        mppi.optimize(&mut score, Key::root(0).child("mppi"), plan.view_mut()).unwrap();
        plan.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(
        found(MppiConfig { population: 50, iterations: 2, ..MppiConfig::default() }),
        [3180909954, 3164258576, 1033214965, 3176904507]
    );
    assert_eq!(
        found(MppiConfig { population: 50, iterations: 2, ..elites() }),
        [3193159668, 1052836008, 3201147544, 1041961298]
    );
}
