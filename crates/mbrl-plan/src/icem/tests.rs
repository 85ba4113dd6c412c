//! How many plans a round has, what is tried again and when it is forgotten, and numbers that may not move.

use super::*;
use crate::PerPlan;
use crate::population::reference;
use mbrl_core::Rows;

fn space() -> Space {
    Space::bounded(&[-1.0, -1.0], &[1.0, 3.0]).unwrap()
}

fn small() -> IcemConfig {
    IcemConfig { population: 30, elites: 6, iterations: 3, keep: 0.5, ..IcemConfig::default() }
}

fn hill(plan: &[f32]) -> f64 {
    -plan.iter().enumerate().map(|(i, x)| f64::from(x - 0.1 * i as f32).powi(2)).sum::<f64>()
}

/// The plans of every round of a search.
fn rounds(icem: &mut Icem, key: Key) -> Vec<Vec<Vec<f32>>> {
    let mut seen = Vec::new();
    let mut score = |plans: Rows<'_>, _: Key, scores: &mut [f64]| {
        seen.push(plans.iter().map(<[f32]>::to_vec).collect::<Vec<_>>());
        scores.iter_mut().zip(plans.iter()).for_each(|(score, plan)| *score = hill(plan));
        Ok(())
    };
    let mut plan = RowBuf::zeros(icem.horizon(), icem.act_dim());
    let found = icem.optimize(&mut score, key, plan.view_mut()).unwrap();
    assert_eq!(found.evaluations, seen.iter().map(Vec::len).sum::<usize>());
    assert_eq!(found.iterations, seen.len());
    seen
}

fn best_first(mut plans: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    plans.sort_by(|a, b| hill(b).total_cmp(&hill(a)));
    plans
}

#[test]
fn a_refit_is_numpys() {
    let config = IcemConfig { population: 12, elites: 5, ..IcemConfig::default() };
    let mut icem = Icem::new(config, &space(), 2).unwrap();
    icem.mean.copy_from_slice(&[0.0, 1.0, 0.0, 1.0]);
    icem.deviation.copy_from_slice(&[0.5, 1.0, 0.5, 1.0]);
    reference::real(&mut icem.population);
    icem.refit();
    reference::assert_is("mean", &icem.mean);
    reference::assert_is("deviation", &icem.deviation);
}

#[test]
fn populations_decay_to_twice_the_elites() {
    let config = IcemConfig::default();
    let drawn: Vec<usize> = (0..8).map(|i| config.drawn(i)).collect();
    // ⌈200 / 1.3^i⌉, but at least 40.
    assert_eq!(drawn, [200, 154, 119, 92, 71, 54, 42, 40]);
    assert_eq!(config.kept(), 6);
    assert_eq!(config.evaluations(), 200 + 154 + 119 + 92 + 71 + 5 * 6 + 1);
    let constant = IcemConfig { decay: 1.0, keep: 0.0, ..config };
    assert_eq!(constant.evaluations(), 1001);
    assert_eq!(IcemConfig { iterations: 100, ..config }.evaluations(), 732 + 93 * 40 + 600 + 1);
}

#[test]
fn elites_are_tried_again_and_the_mean_once() {
    let mut icem = Icem::new(small(), &space(), 3).unwrap();
    let first = rounds(&mut icem, Key::root(0));
    // ⌈30 / 1.3^i⌉ drawn, three of six elites again, and in the last round the mean.
    assert_eq!(first.iter().map(Vec::len).collect::<Vec<_>>(), [30, 24 + 3, 18 + 3 + 1]);
    assert_eq!(first[1][24..], best_first(first[0].clone())[..3]);
    assert_eq!(first[2][18..21], best_first(first[1].clone())[..3]);
    let kept = best_first(first[2].clone())[..3].concat();
    assert_eq!(icem.warm_start().kept, kept);
    // Without a shift they are tried again as they are.
    let second = rounds(&mut icem.clone(), Key::root(1));
    assert_eq!(second[0].len(), 33);
    assert_eq!(second[0][30..].concat(), kept);
}

#[test]
fn shifted_elites_end_in_actions_drawn_anew() {
    let mut icem = Icem::new(small(), &space(), 3).unwrap();
    rounds(&mut icem, Key::root(0));
    let kept = icem.warm_start().kept;
    icem.shift(1);
    let again = rounds(&mut icem, Key::root(1));
    for (plan, old) in again[0][30..].iter().zip(kept.chunks_exact(6)) {
        assert_eq!(plan[..4], old[2..]);
        assert!(plan[4].to_bits() != 0.0f32.to_bits() && plan[5].to_bits() != 1.0f32.to_bits(), "{plan:?}");
    }
    let tails: Vec<&[f32]> = again[0][30..].iter().map(|plan| &plan[4..]).collect();
    assert!(tails[0] != tails[1] && tails[1] != tails[2]);
}

/// mbrl-lib's issue 186: elites of one episode were tried in the next.
#[test]
fn a_reset_forgets_elites() {
    let mut icem = Icem::new(small(), &space(), 3).unwrap();
    let fresh = rounds(&mut icem.clone(), Key::root(7));
    rounds(&mut icem, Key::root(0));
    icem.shift(1);
    icem.reset();
    assert_eq!(rounds(&mut icem, Key::root(7)), fresh);
}

#[test]
fn a_mistake_leaves_the_warm_start_alone() {
    let mut icem = Icem::new(small(), &space(), 3).unwrap();
    rounds(&mut icem, Key::root(0));
    let before = icem.warm_start();
    let mut nothing = PerPlan(|_: &[f32]| f64::NAN);
    let mut plan = RowBuf::zeros(3, 2);
    assert!(icem.optimize(&mut nothing, Key::root(1), plan.view_mut()).unwrap_err().is_non_finite());
    assert_eq!(icem.warm_start(), before);
}

#[test]
fn the_noise_has_its_color() {
    let correlation = |exponent: f64| {
        let config = IcemConfig { population: 20_000, exponent, deviation: 0.1, iterations: 1, ..small() };
        let mut icem = Icem::new(config, &Space::symmetric(2, 1.0).unwrap(), 10).unwrap();
        let plans = rounds(&mut icem, Key::root(0)).swap_remove(0);
        // Neighbours in time of the same dimension, over the variance that was asked for.
        plans.iter().map(|plan| f64::from(plan[8] * plan[10])).sum::<f64>() / plans.len() as f64 / 0.01
    };
    // The deviation of each is below 0.01; 0.394 and 0.659 are the package's (`reference/colored.in`).
    for (exponent, expected) in [(0.0, 0.0), (1.0, 0.394_384), (2.0, 0.659_274)] {
        let seen = correlation(exponent);
        assert!((seen - expected).abs() < 0.06, "β {exponent}: {seen}");
    }
}

/// Moving any of these is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    let mut icem = Icem::new(small(), &space(), 2).unwrap();
    let mut plan = RowBuf::zeros(2, 2);
    for t in 0..2 {
        icem.optimize(&mut PerPlan(hill), Key::root(0).child("icem").at(t), plan.view_mut()).unwrap();
        icem.shift(1);
    }
    assert_eq!(
        plan.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        [3180052526, 1037655132, 3182581396, 1047961712]
    );
}
