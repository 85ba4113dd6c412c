//! One refit by numpy, draws by their probabilities, and numbers that may not move.

use super::*;
use crate::PerPlan;
use crate::population::reference;
use mbrl_core::{RowBuf, Rows};

fn planner(config: CategoricalCemConfig, choices: u32, horizon: usize) -> CategoricalCem {
    CategoricalCem::new(config, &Space::discrete(choices).unwrap(), horizon).unwrap()
}

#[test]
fn a_refit_is_numpys() {
    let config = CategoricalCemConfig { population: 12, elites: 5, ..CategoricalCemConfig::default() };
    let mut cem = planner(config, 3, 4);
    cem.probabilities.fill(1.0 / 3.0);
    reference::round(&mut cem.population, |p, i| ((p * p + p * i + i) % 3) as i32, 1.0);
    cem.refit();
    reference::assert_is("probabilities", &cem.probabilities);
}

/// Each count is within 5.5 of its deviations, which one of eight misses with probability below 4e-7.
#[test]
fn choices_are_drawn_by_their_probabilities() {
    const N: usize = 100_000;
    let config = CategoricalCemConfig {
        population: N,
        elites: 1,
        iterations: 1,
        refresh: 0.0,
        ..CategoricalCemConfig::default()
    };
    let mut cem = planner(config, 4, 2);
    let center = vec![0.1, 0.2, 0.0, 0.7, 0.0, 0.5, 0.5, 0.0];
    cem.resume(&WarmStart { center: center.clone(), kept: vec![] }).unwrap();
    let mut counts = [0; 8];
    let mut score = |plans: Rows<'_>, _: Key, scores: &mut [f64]| {
        for plan in plans.iter() {
            counts[plan[0] as usize] += 1;
            counts[4 + plan[1] as usize] += 1;
        }
        scores.fill(0.0);
        Ok(())
    };
    cem.optimize(&mut score, Key::root(0), RowBuf::zeros(2, 1).view_mut()).unwrap();
    for (count, p) in counts.into_iter().zip(center.into_iter().map(f64::from)) {
        let deviation = (N as f64 * p * (1.0 - p)).sqrt();
        assert!((f64::from(count) - N as f64 * p).abs() <= 5.5 * deviation, "{count} of {p}");
    }
}

#[test]
fn a_shift_leaves_the_end_open_and_a_floor_keeps_every_choice_possible() {
    let mut cem = planner(CategoricalCemConfig::default(), 2, 3);
    let mut score = PerPlan(|plan: &[f32]| f64::from(plan.iter().sum::<f32>()));
    let mut plan = RowBuf::zeros(3, 1);
    cem.optimize(&mut score, Key::root(0), plan.view_mut()).unwrap();
    assert_eq!(plan.as_slice(), [1.0; 3]);
    let before = cem.warm_start().center;
    assert!(before.iter().all(|p| (0.025..=0.975).contains(p)), "{before:?}");
    cem.shift(2);
    assert_eq!(cem.warm_start().center, [before[4], before[5], 0.5, 0.5, 0.5, 0.5]);
    cem.shift(usize::MAX);
    assert_eq!(cem.warm_start().center, [0.5; 6]);
}

/// After the last search settled on the wrong choices, the next one finds the right ones.
#[test]
fn a_search_can_leave_what_the_last_one_settled_on() {
    for seed in 0..20 {
        let mut cem = planner(CategoricalCemConfig::default(), 5, 8);
        let mut plan = RowBuf::zeros(8, 1);
        for target in [0.0, 3.0] {
            let mut score =
                PerPlan(|plan: &[f32]| -f64::from(plan.iter().map(|x| (x - target).abs()).sum::<f32>()));
            cem.optimize(&mut score, Key::root(seed), plan.view_mut()).unwrap();
            assert_eq!(plan.as_slice(), [target; 8], "seed {seed}");
        }
    }
}

/// Moving any of these is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    let config = CategoricalCemConfig {
        population: 30,
        elites: 5,
        iterations: 2,
        returned: Returned::Best,
        ..CategoricalCemConfig::default()
    };
    let mut cem = planner(config, 5, 6);
    let mut plan = RowBuf::zeros(6, 1);
    let mut score = PerPlan(|plan: &[f32]| {
        -plan.iter().enumerate().map(|(i, x)| f64::from(x - i as f32).abs()).sum::<f64>()
    });
    cem.optimize(&mut score, Key::root(0).child("categorical"), plan.view_mut()).unwrap();
    assert_eq!(plan.as_slice(), [0.0, 1.0, 1.0, 3.0, 4.0, 4.0]);
}
