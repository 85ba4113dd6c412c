//! Against scipy's linear programs, the line, and total variation; and the certificate of every answer.

use super::*;
use crate::arbitrary::{distributions, normalized};
use crate::divergence::{discrete, wasserstein};
use proptest::prelude::*;

/// Asserts that the plan is one, that the prices are allowed, and that both come to the same.
fn certified(p: &[f64], q: &[f64], cost: &[f64]) -> Transport {
    let best = transport(p, q, cost).unwrap();
    let scale = cost.iter().fold(1.0, |size: f64, c| size.max(c.abs()));
    assert!(best.plan.iter().all(|mass| *mass >= 0.0), "{best:?}");
    let n = q.len();
    for (i, p) in p.iter().enumerate() {
        let sum: f64 = best.plan[i * n..(i + 1) * n].iter().sum();
        assert!((sum - p).abs() < 1e-12, "row {i}: {sum} for {p}: {best:?}");
    }
    for (j, q) in q.iter().enumerate() {
        let sum: f64 = best.plan.iter().skip(j).step_by(n).sum();
        assert!((sum - q).abs() < 1e-12, "column {j}: {sum} for {q}: {best:?}");
    }
    let [f, g] = &best.potentials;
    for (at, cost) in cost.iter().enumerate() {
        assert!(f[at / n] + g[at % n] <= cost + 1e-15 * 4.0 * scale, "{at}: {best:?}");
    }
    assert!((best.cost - best.dual).abs() < 1e-12 * scale, "{best:?}");
    best
}

/// By scipy: `reference/divergence.py`.
#[test]
fn scipy_says_the_same() {
    const SCIPY: &[[&[f64]; 4]] = &include!("../../../../reference/divergence-transport.in");
    for [p, q, cost, expected] in SCIPY {
        let best = certified(p, q, cost);
        assert!((best.cost - expected[0]).abs() < 1e-9, "{} for {expected:?}: {p:?} {q:?}", best.cost);
    }
}

/// The assignment of 60 to 60 with many ways that cost the same.
#[test]
fn ties_end() {
    let n = 60;
    let even = vec![1.0 / n as f64; n];
    let cost: Vec<f64> = (0..n * n).map(|at| ((7 * (at / n) + 11 * (at % n)) % 5) as f64).collect();
    let best = certified(&even, &even, &cost);
    // Every row has a column that costs nothing, and the columns go round.
    assert!(best.cost.abs() < 1e-12, "{}", best.cost);
    let uneven = normalized(&(0..n).map(|i| 1.0 + (i % 7) as f64 / 3.0).collect::<Vec<_>>(), n);
    certified(&uneven, &even, &cost);
}

#[test]
fn what_cannot_be_transported_is_refused() {
    for (refused, says) in [
        (
            transport(&[1.0], &[0.5, 0.5], &[0.0; 3]),
            "3 costs for 1 outcomes of p and 2 of q: give one for each",
        ),
        (transport(&[1.0], &[0.5, 0.5], &[0.0, f64::NAN]), "the cost from outcome 0 to 1 is NaN"),
        (transport(&[1.0], &[0.5, 0.6], &[0.0; 2]), "q: the probabilities sum to 1.1"),
        (transport(&[1.0], &[0.5, 0.5], &[-1e308, 1e308]), "the range of the costs comes to inf"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn any_costs_are_certified(
        rows in prop::collection::vec(prop_oneof![1 => Just(0.0), 2 => 0.01f64..1.0], 1..9),
        columns in prop::collection::vec(prop_oneof![1 => Just(0.0), 2 => 0.01f64..1.0], 1..9),
        smooth in prop::collection::vec(-5.0f64..5.0, 64),
        whole in prop::bool::ANY,
    ) {
        let (p, q) = (normalized(&rows, rows.len()), normalized(&columns, columns.len()));
        let cost: Vec<f64> = smooth[..p.len() * q.len()].iter().map(|c| if whole { c.round() } else { *c }).collect();
        let there = certified(&p, &q, &cost);
        let turned: Vec<f64> =
            (0..cost.len()).map(|at| cost[(at % p.len()) * q.len() + at / p.len()]).collect();
        prop_assert!((certified(&q, &p, &turned).cost - there.cost).abs() < 1e-12);
        // Nothing is cheaper than to take what one gets.
        let blind: f64 = (0..cost.len()).map(|at| p[at / q.len()] * q[at % q.len()] * cost[at]).sum();
        prop_assert!(there.cost <= blind + 1e-12);
    }

    /// The distance on a line, and the total variation where all outcomes are equally far.
    #[test]
    fn metrics_give_metrics(rows in distributions(3), points in prop::collection::vec(-3.0f64..3.0, 6)) {
        let n = rows[0].len();
        let points = &points[..n];
        let apart: Vec<f64> = (0..n * n).map(|at| (points[at / n] - points[at % n]).abs()).collect();
        let unequal: Vec<f64> = (0..n * n).map(|at| if at / n == at % n { 0.0 } else { 1.0 }).collect();
        let w1 = |p: &[f64], q: &[f64]| certified(p, q, &apart).cost;
        let [a, b, c] = [(0, 1), (1, 2), (0, 2)].map(|(i, j)| w1(&rows[i], &rows[j]));
        prop_assert!(c <= a + b + 1e-12);
        prop_assert!((a - w1(&rows[1], &rows[0])).abs() < 1e-12);
        prop_assert!(w1(&rows[0], &rows[0]) < 1e-14);
        let on_line = wasserstein::line(points, &rows[0], points, &rows[1]).unwrap();
        prop_assert!((a - on_line).abs() < 1e-12, "{} {}", a, on_line);
        let tv = discrete::total_variation(&rows[0], &rows[1]).unwrap();
        prop_assert!((certified(&rows[0], &rows[1], &unequal).cost - tv).abs() < 1e-12);
    }
}
