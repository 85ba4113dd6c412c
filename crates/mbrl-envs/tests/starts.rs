//! Episodes start where the sources say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{Env, Key};
use mbrl_envs::{
    AcrobotSwingup, Cartpole, CartpoleSwingup, Lqr, MountainCar, Pendulum, PendulumSparse, PointMass,
    Reacher, Sim, System,
};
use std::f64::consts::PI;

const STARTS: u64 = 2000;

fn starts<S: System>(system: S) -> Vec<Vec<f64>> {
    let mut env = Sim::new(system);
    let mut obs = vec![0.0; env.spec().obs.dim()];
    let start = |i| {
        env.reset(Key::root(31).at(i), &mut obs).unwrap();
        env.state().unwrap().to_vec()
    };
    (0..STARTS).map(start).collect()
}

/// Each number of the first state is uniform between its bounds: never outside, in the outermost fortieth at either end
/// (missed with probability 1e-22), and with the right mean to six standard errors (2e-9).
fn uniform<S: System>(system: S, bounds: &[(f64, f64)]) {
    let starts = starts(system);
    for (i, (low, high)) in bounds.iter().enumerate() {
        let column = starts.iter().map(|state| state[i]);
        let (least, most) =
            column.clone().fold((f64::MAX, f64::MIN), |(least, most), x| (least.min(x), most.max(x)));
        assert!(*low <= least && most <= *high, "{i}: {least} to {most}");
        let width = high - low;
        assert!(least <= low + width / 40.0 && most >= high - width / 40.0, "{i}: {least} to {most}");
        let (mean, n) = (column.sum::<f64>() / STARTS as f64, STARTS as f64);
        let error = width / f64::sqrt(12.0 * n);
        assert!((mean - 0.5 * (low + high)).abs() <= 6.0 * error, "{i}: mean {mean}");
    }
}

#[test]
fn uniform_starts_are_uniform_between_their_bounds() {
    uniform(Pendulum, &[(-PI, PI), (-1.0, 1.0)]);
    uniform(PendulumSparse, &[(PI - 0.1, PI + 0.1), (-0.1, 0.1)]);
    uniform(Cartpole, &[(-0.05, 0.05); 4]);
    uniform(AcrobotSwingup::default(), &[(-PI, PI), (-PI, PI), (0.0, 0.0), (0.0, 0.0)]);
    uniform(MountainCar, &[(-0.6, -0.4), (0.0, 0.0)]);
    uniform(PointMass, &[(-1.0, 1.0), (-1.0, 1.0), (0.0, 0.0), (0.0, 0.0)]);
    uniform(Lqr, &[(-1.0, 1.0); 2]);
}

#[test]
fn the_cart_pole_to_be_swung_up_hangs_almost_still() {
    let starts = starts(CartpoleSwingup::default());
    for (i, mean) in [0.0, PI, 0.0, 0.0].into_iter().enumerate() {
        let n = STARTS as f64;
        let deviations = starts.iter().map(|state| (state[i] - mean) / 0.01);
        let first = deviations.clone().sum::<f64>() / n;
        let second = deviations.map(|d| d * d).sum::<f64>() / n;
        // Six standard errors of the mean and of the second moment, whose variance is 2: 4e-9 in all.
        assert!(
            first.abs() < 6.0 / n.sqrt() && (second - 1.0).abs() < 6.0 * (2.0 / n).sqrt(),
            "{i}: {first} {second}"
        );
    }
}

#[test]
fn targets_of_the_reacher_fill_the_annulus() {
    let starts = starts(Reacher::default());
    // The square of the radius is uniform where the target is uniform over the area.
    let squares: Vec<f64> = starts.iter().map(|state| state[4] * state[4] + state[5] * state[5]).collect();
    let (low, high) = (0.2 * 0.2, 0.9 * 0.9);
    assert!(squares.iter().all(|r2| (low - 1e-12..=high + 1e-12).contains(r2)));
    let n = STARTS as f64;
    let mean = squares.iter().sum::<f64>() / n;
    assert!((mean - 0.5 * (low + high)).abs() < 6.0 * (high - low) / f64::sqrt(12.0 * n), "{mean}");
    assert!(starts.iter().all(|state| state[2..4].iter().all(|w| w.abs() <= 0.0)));
}
