//! Optima that are known: found within the evaluations of each preset, under many keys.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{Key, RowBuf, Space};
use mbrl_plan::{CemConfig, Covariance, PLANNERS, PerPlan, PlannerConfig};

const KEYS: u64 = 40;

/// What `score` says of the plan found by each key's first search, the worst first.
fn found(config: PlannerConfig, act: &Space, horizon: usize, score: impl Fn(&[f32]) -> f64) -> Vec<f64> {
    let mut planner = config.build(act, horizon).unwrap();
    let mut plan = RowBuf::zeros(horizon, act.dim());
    let search = |seed| {
        planner.reset();
        let key = Key::root(seed).child("optima");
        let found = planner.optimize(&mut PerPlan(&score), key, plan.view_mut()).unwrap();
        assert!(found.evaluations <= config.evaluations());
        score(plan.as_slice())
    };
    let mut worth: Vec<f64> = (0..KEYS).map(search).collect();
    worth.sort_by(f64::total_cmp);
    worth
}

fn preset(planner: &str, preset: &str) -> PlannerConfig {
    PlannerConfig::preset(planner, preset).unwrap()
}

/// The square of the mean distance of a number from its best, times 10: path integrals weigh by differences of scores.
fn bowl(plan: &[f32]) -> f64 {
    let best = |i: usize| if i.is_multiple_of(2) { 0.5 } else { 1.5 };
    let square = |(i, x): (usize, &f32)| (f64::from(*x) - best(i)).powi(2);
    -10.0 * plan.iter().enumerate().map(square).sum::<f64>() / plan.len() as f64
}

/// Five steps of two numbers; the table is checked to have every planner of real actions.
#[test]
fn every_planner_finds_the_bottom_of_a_bowl() {
    let act = Space::bounded(&[-1.0, 0.0], &[1.0, 2.0]).unwrap();
    // Evaluations, and the mean distance that the worst of 40 keys may have.
    let expected = [
        ("random-shooting", "handful-of-trials", 2000, 0.35),
        ("cem", "handful-of-trials", 2000, 0.06),
        ("cem", "mbrl-lib", 1750, 0.06),
        ("cem-full", "default", 2000, 0.18),
        ("icem", "mbrl-lib", 667, 0.07),
        ("icem", "fast", 191, 0.2),
        ("mppi", "mbrl-lib", 1750, 0.09),
        ("mppi", "tdmpc2", 3072, 0.08),
    ];
    let real = PLANNERS.iter().filter(|entry| entry.name != "categorical-cem");
    assert_eq!(real.map(|entry| entry.presets.len()).sum::<usize>(), expected.len());
    for (planner, name, evaluations, distance) in expected {
        let config = preset(planner, name);
        let worst = (-found(config, &act, 5, bowl)[0] / 10.0).sqrt();
        assert!(worst < distance, "{planner} {name}: {worst}");
        assert_eq!(config.evaluations(), evaluations, "{planner} {name}");
    }
}

/// A hill 1 high around −0.5 and one of 2 around 0.5, as far from where a search begins.
fn two_hills(plan: &[f32]) -> f64 {
    let hill = |at: f64| (-plan.iter().map(|x| ((f64::from(*x) - at) / 0.4).powi(2)).sum::<f64>()).exp();
    10.0 * (hill(-0.5) + 2.0 * hill(0.5))
}

/// Rastrigin's function with its best at 0.3: one hill among six in each direction.
fn rastrigin(plan: &[f32]) -> f64 {
    let ripple = |x: f64| x * x + 0.1 * (1.0 - (std::f64::consts::TAU * 3.0 * x).cos());
    -10.0 * plan.iter().map(|x| ripple(f64::from(*x) - 0.3)).sum::<f64>()
}

/// Three steps of one number.
#[test]
fn hills_are_told_apart() {
    let act = Space::symmetric(1, 1.0).unwrap();
    // In how many of 40 searches the higher of two hills is climbed at least, and how far below its top Rastrigin's function
    // may be found in the median: the next hill is 1.1 lower, which drawing blindly and averaging do not always tell.
    let expected = [
        ("random-shooting", "handful-of-trials", 40, 1.3),
        ("cem", "handful-of-trials", 40, 0.005),
        ("cem", "mbrl-lib", 40, 0.005),
        ("cem-full", "default", 40, 0.005),
        ("icem", "mbrl-lib", 38, 0.03),
        ("icem", "fast", 34, 0.4),
        ("mppi", "mbrl-lib", 37, 1.4),
        ("mppi", "tdmpc2", 40, 0.25),
    ];
    for (planner, name, climbed, below) in expected {
        let config = preset(planner, name);
        let high = found(config, &act, 3, two_hills).into_iter().filter(|score| *score > 12.0).count();
        assert!(high >= climbed, "{planner} {name}: the higher of two hills in {high} searches");
        let median = -found(config, &act, 3, rastrigin)[KEYS as usize / 2];
        assert!(median < below, "{planner} {name}: {median} below the top");
    }
}

#[test]
fn choices_are_found_exactly() {
    let act = Space::discrete(5).unwrap();
    let score = |plan: &[f32]| {
        -plan.iter().enumerate().map(|(i, x)| f64::from(x - (i % 5) as f32).abs()).sum::<f64>()
    };
    // 5^10 plans in 2000 evaluations, and 5^5 in 240; and no search by chance finds the first.
    let worst = |planner, name, horizon| -found(preset(planner, name), &act, horizon, score)[0];
    assert!(worst("categorical-cem", "default", 10) < 0.5);
    assert!(worst("categorical-cem", "fast", 5) < 1.5);
    assert!(worst("random-shooting", "handful-of-trials", 10) > 2.5);
}

/// A valley a hundred times as long as it is wide, in no direction of the axes: a quadratic of condition 10⁴.
fn valley(plan: &[f32]) -> f64 {
    let n = plan.len();
    // A reflection turns the axes; its normal has no zero.
    let normal: Vec<f64> = (0..n).map(|i| 1.0 + i as f64 / n as f64).collect();
    let square: f64 = normal.iter().map(|v| v * v).sum();
    let x: Vec<f64> = plan.iter().enumerate().map(|(i, x)| f64::from(*x) - 0.4 + 0.1 * i as f64).collect();
    let along = 2.0 * normal.iter().zip(&x).map(|(v, x)| v * x).sum::<f64>() / square;
    let turned = x.iter().zip(&normal).map(|(x, v)| x - along * v);
    -turned.enumerate().map(|(i, y)| 1e4f64.powf(i as f64 / (n - 1) as f64) * y * y).sum::<f64>()
}

/// Four steps of two numbers, with the same evaluations, by the median of 40 keys.
#[test]
fn correlations_help_in_a_narrow_valley() {
    let act = Space::symmetric(2, 1.0).unwrap();
    let median = |covariance, iterations| {
        let config = CemConfig { covariance, iterations, epsilon: 0.0, ..CemConfig::default() };
        -found(PlannerConfig::Cem(config), &act, 4, valley)[KEYS as usize / 2]
    };
    let full = |shrinkage| Covariance::Full { shrinkage };
    // In 2000 evaluations, and in 8000.
    let (diagonal, shrunk) = (median(Covariance::Diagonal, 5), median(full(0.1), 5));
    assert!(2.0 * shrunk < diagonal, "{shrunk} for {diagonal}");
    let (diagonal, shrunk) = (median(Covariance::Diagonal, 20), median(full(0.1), 20));
    assert!(8.0 * shrunk < diagonal, "{shrunk} for {diagonal}");
    // Without a correlation left, it is the same search but for the order of its sums.
    let diagonal_only = median(full(1.0), 20);
    assert!((diagonal_only / diagonal - 1.0).abs() < 1e-3, "{diagonal_only} for {diagonal}");
}
