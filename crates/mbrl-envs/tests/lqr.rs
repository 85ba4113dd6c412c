//! The exact optimum of the LQR, held against definitions that share no code with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{Env, Key};
use mbrl_envs::{Chance, Lqr, Sim, Stage, System};

// The problem as the header of its file states it.
const A: [[f64; 2]; 2] = [[1.0, 0.1], [0.0, 1.0]];
const B: [f64; 2] = [0.005, 0.1];
const Q: [f64; 2] = [1.0, 0.1];
const R: f64 = 0.1;
const SIGMA: [f64; 2] = [0.005, 0.02];
const MAX_FORCE: f64 = 8.0;
const HORIZON: u32 = 50;

/// The expected discounted cost of following u = −Kₜ x from uniform starts: the second moments of the state, carried
/// forward.
fn cost_of(gains: &[[f64; 2]], discount: f64) -> f64 {
    let (mut xx, mut xy, mut yy) = (1.0 / 3.0, 0.0, 1.0 / 3.0);
    let (mut total, mut weight) = (0.0, 1.0);
    for k in gains {
        let uu = k[0] * k[0] * xx + 2.0 * k[0] * k[1] * xy + k[1] * k[1] * yy;
        total += weight * (Q[0] * xx + Q[1] * yy + R * uu);
        weight *= discount;
        let c = |i: usize, j: usize| A[i][j] - B[i] * k[j];
        let moment = |i: usize, j: usize| {
            c(i, 0) * c(j, 0) * xx + (c(i, 0) * c(j, 1) + c(i, 1) * c(j, 0)) * xy + c(i, 1) * c(j, 1) * yy
        };
        (xx, xy, yy) = (moment(0, 0) + SIGMA[0] * SIGMA[0], moment(0, 1), moment(1, 1) + SIGMA[1] * SIGMA[1]);
    }
    total
}

fn gains(stages: &[Stage]) -> Vec<[f64; 2]> {
    stages.iter().map(|stage| stage.gain).collect()
}

#[test]
fn the_value_is_the_cost_of_the_gains_and_no_other_gains_are_better() {
    for discount in [1.0, 0.9] {
        let riccati = Lqr.riccati(HORIZON, discount).unwrap();
        let best = gains(&riccati.stages);
        assert_eq!(best.len(), HORIZON as usize);
        let value = Lqr.expected_start_value(&riccati.stages[0]);
        let cost = cost_of(&best, discount);
        assert!((value + cost).abs() < 1e-12 * cost, "{value} for {cost}");
        for t in 0..best.len() - 1 {
            for (i, by) in [(0, 0.01), (0, -0.01), (1, 0.01), (1, -0.01)] {
                let mut other = best.clone();
                other[t][i] += by;
                assert!(cost_of(&other, discount) > cost, "gain {i} of step {t} is better {by} off");
            }
        }
    }
    let exact = -cost_of(&gains(&Lqr.riccati(HORIZON, 1.0).unwrap().stages), 1.0);
    assert!((Lqr.optimal_return().unwrap() - exact).abs() < 1e-12);
}

/// Bellman's equation at single states, its minimum found by ternary search.
#[test]
fn each_stage_solves_the_equation_of_bellman() {
    let discount = 0.95;
    let stages = Lqr.riccati(HORIZON, discount).unwrap().stages;
    for pair in stages.windows(2) {
        for x in [[1.0, 0.0], [0.0, 1.0], [-0.7, 0.4], [0.3, 0.9]] {
            let of = |u: f64| {
                let next: [f64; 2] = std::array::from_fn(|i| A[i][0] * x[0] + A[i][1] * x[1] + B[i] * u);
                // The noise adds its variances times the curvature, whatever the state.
                let p = &pair[1].cost;
                let noise = p[0][0] * SIGMA[0] * SIGMA[0] + p[1][1] * SIGMA[1] * SIGMA[1];
                let now = Q[0] * x[0] * x[0] + Q[1] * x[1] * x[1] + R * u * u;
                -now + discount * (pair[1].value(next) - noise)
            };
            let (mut low, mut high) = (-20.0, 20.0);
            for _ in 0..100 {
                let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                if of(a) < of(b) { low = a } else { high = b }
            }
            assert!((pair[0].act(x) - low).abs() < 1e-6, "{} for {low}", pair[0].act(x));
            assert!((pair[0].value(x) - of(low)).abs() < 1e-12, "{} for {}", pair[0].value(x), of(low));
        }
    }
}

#[test]
fn without_an_end_the_recursion_stands_still() {
    for discount in [0.0, 0.5, 0.99] {
        let still = Lqr.stationary(discount).unwrap();
        let long = Lqr.riccati(20_000, discount).unwrap().stages[0];
        for x in [[1.0, 0.0], [0.5, -2.0]] {
            assert!((still.value(x) - long.value(x)).abs() < 1e-10 * (1.0 + long.value(x).abs()));
            assert!((still.act(x) - long.act(x)).abs() < 1e-10);
        }
    }
    for discount in [1.0, -0.1, f64::NAN] {
        assert!(Lqr.stationary(discount).unwrap_err().is_invalid());
    }
    assert!(Lqr.riccati(0, 1.0).unwrap_err().is_invalid());
    assert!(Lqr.riccati(5, 1.1).unwrap_err().is_invalid());
}

/// The largest force that the optimal controller of an episode, or that of an endless one, can ask for.
///
/// It is linear in what chance brings: the start, within 1, and the noise, within 6.66 standard deviations. So its
/// largest value is the sum of the sizes of its coefficients times those bounds.
fn largest_force(gains: &[[f64; 2]]) -> f64 {
    // Columns: what the state owes to each thing that chance brought so far, at its bound.
    let mut columns = vec![[1.0, 0.0], [0.0, 1.0]];
    let mut largest: f64 = 0.0;
    for k in gains {
        largest = largest.max(columns.iter().map(|c| (k[0] * c[0] + k[1] * c[1]).abs()).sum());
        let closed = |c: &[f64; 2]| {
            let u = -(k[0] * c[0] + k[1] * c[1]);
            std::array::from_fn(|i| A[i][0] * c[0] + A[i][1] * c[1] + B[i] * u)
        };
        columns = columns.iter().map(closed).collect();
        columns.extend([[6.66 * SIGMA[0], 0.0], [0.0, 6.66 * SIGMA[1]]]);
    }
    largest
}

#[test]
fn an_optimal_controller_never_meets_the_bound_of_its_action() {
    for discount in [1.0, 0.99, 0.9] {
        let finite = largest_force(&gains(&Lqr.riccati(HORIZON, discount).unwrap().stages));
        assert!(finite < 0.999 * MAX_FORCE, "{finite}");
    }
    for discount in [0.99, 0.999] {
        let endless = largest_force(&[Lqr.stationary(discount).unwrap().gain; 2000]);
        assert!(endless < 0.999 * MAX_FORCE, "{endless}");
    }
    assert!(Lqr.spec().act.contains(&[8.0]) && !Lqr.spec().act.contains(&[8.001]));
}

#[test]
fn a_step_is_the_one_that_is_stated() {
    let step =
        |x: &[f64; 2], u: f32, normals: &[f32]| Lqr.advance(x, &[u], Chance { normals, uniforms: &[] });
    for (ours, exact) in [
        (step(&[0.0, 0.0], 0.0, &[1.0, 0.0]), [SIGMA[0], 0.0]),
        (step(&[0.0, 0.0], 0.0, &[0.0, -2.0]), [0.0, -2.0 * SIGMA[1]]),
        (step(&[0.0, 0.0], 3.0, &[0.0, 0.0]), [3.0 * B[0], 3.0 * B[1]]),
        (step(&[0.0, 0.0], -99.0, &[0.0, 0.0]), [-MAX_FORCE * B[0], -MAX_FORCE * B[1]]),
        (step(&[2.0, 3.0], 0.0, &[0.0, 0.0]), [2.0 + 0.1 * 3.0, 3.0]),
    ] {
        assert!(ours.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-15), "{ours:?} for {exact:?}");
    }
}

#[test]
fn a_reward_is_the_one_that_is_stated() {
    // Of the state before the step and the clipped force: 4 + 0.1 · 9 + 0.1 · u².
    for (u, cost) in [(0.0, 4.9), (3.0, 5.8), (-99.0, 4.9 + 0.1 * 64.0)] {
        let reward = Lqr.reward(&[2.0, -3.0], &[u], &[100.0, 100.0]);
        assert!((reward + cost).abs() < 1e-12, "{reward} for {cost}");
    }
}

/// Five standard errors around the exact return: a false alarm has probability 6e-7.
#[test]
fn the_simulated_return_is_the_exact_one() {
    const EPISODES: u64 = 4000;
    let stages = Lqr.riccati(HORIZON, 1.0).unwrap().stages;
    let (mut env, mut obs) = (Sim::new(Lqr), [0.0; 2]);
    let (mut sum, mut squares) = (0.0, 0.0);
    for episode in 0..EPISODES {
        let key = Key::root(21).at(episode);
        env.reset(key.child("reset"), &mut obs).unwrap();
        let mut earned = 0.0;
        for (t, stage) in stages.iter().enumerate() {
            let act = stage.act(obs.map(f64::from)) as f32;
            earned += f64::from(env.step(&[act], key.at(t as u64), &mut obs).unwrap().reward);
        }
        sum += earned;
        squares += earned * earned;
    }
    let n = EPISODES as f64;
    let mean = sum / n;
    let error = ((squares / n - mean * mean) / n).sqrt();
    let exact = Lqr.optimal_return().unwrap();
    assert!((mean - exact).abs() < 5.0 * error, "{mean} ± {error} for {exact}");
}
