//! Against quadrature, scipy's and our own, and what happens at the edges.

use super::*;
use crate::divergence::inequalities as bound;
use proptest::prelude::*;
use std::f64::consts::TAU;

fn gaussian(mean: &[f64], variance: &[f64]) -> Gaussian {
    Gaussian::new(mean.to_vec(), variance.to_vec()).unwrap()
}

fn on_line(mean: f64, variance: f64) -> Gaussian {
    gaussian(&[mean], &[variance])
}

/// By scipy: `reference/divergence.py`.
#[test]
fn scipy_integrates_to_the_same() {
    const SCIPY: &[[&[f64]; 2]] = &include!("../../../reference/divergence-line.in");
    for [case, expected] in SCIPY {
        let (p, q) = (on_line(case[0], case[1]), on_line(case[2], case[3]));
        let [low, high] = p.jensen_shannon_bounds(&q).unwrap();
        assert!(low <= expected[3] * (1.0 + 1e-9) && expected[3] <= high * (1.0 + 1e-9), "{case:?}");
        let got = [
            (p.total_variation(&q).unwrap(), expected[0]),
            (p.kl(&q).unwrap(), expected[1]),
            (p.hellinger(&q).unwrap().powi(2), expected[2]),
            (p.w1(&q).unwrap(), expected[4]),
        ];
        for (got, expected) in got {
            assert!((got / expected - 1.0).abs() < 1e-9, "{got} for {expected}: {case:?}");
        }
    }
}

#[test]
fn equal_gaussians_are_at_distance_0_and_far_ones_at_the_other_end() {
    let p = gaussian(&[1.0, -2.0, 0.3], &[0.1, 7.0, 3.0]);
    for distance in [Gaussian::kl, Gaussian::hellinger, Gaussian::total_variation, Gaussian::w1, Gaussian::w2]
    {
        assert_eq!(distance(&p, &p.clone()).unwrap().to_bits(), 0);
    }
    for bounds in [Gaussian::total_variation_bounds, Gaussian::jensen_shannon_bounds, Gaussian::w1_bounds] {
        assert_eq!(bounds(&p, &p.clone()).unwrap().map(f64::to_bits), [0, 0]);
    }
    for q in [gaussian(&[1e9, -2.0, 0.3], &[0.1, 7.0, 3.0]), gaussian(&[1e9, -2.0, 0.3], &[9.0, 8.0, 3.0])] {
        assert_eq!(p.hellinger(&q).unwrap().to_bits(), 1f64.to_bits());
        assert_eq!(p.total_variation_bounds(&q).unwrap().map(f64::to_bits), [1f64.to_bits(); 2]);
        assert!(p.jensen_shannon_bounds(&q).unwrap().iter().all(|js| (js - LN_2).abs() < 1e-15));
    }
}

/// To first order in the difference, TV = φ(0) δ for means, and 2 φ(1) δ for deviations, where the next order is δ² of it;
/// W₁ = δ √(2/π) for deviations.
#[test]
fn small_distances_keep_their_digits() {
    let (density_0, density_1) = (0.3989422804014327, 0.24197072451914337);
    for shift in [1e-7, 1e-12] {
        let tv = on_line(0.0, 1.0).total_variation(&on_line(shift, 1.0)).unwrap();
        assert!((tv / (density_0 * shift) - 1.0).abs() < 1e-9, "{tv}");
    }
    // A variance of 3, as the roots of 1 + 2⁻³³ and the like have no digits to lose.
    let (p, q, deviation) = (on_line(0.0, 3.0), on_line(0.0, 3.0 + 3.0 * 2f64.powi(-33)), 2f64.powi(-34));
    let near = |got: Result<f64>, first_order: f64| (got.unwrap() / first_order - 1.0).abs() < 1e-9;
    assert!(near(p.total_variation(&q), 2.0 * density_1 * deviation));
    assert!(near(p.w1(&q), 3f64.sqrt() * 0.7978845608028654 * deviation));
    assert!(near(p.w2(&q), 3f64.sqrt() * deviation));
    // KL = δ² and H² = δ²/4 in deviations.
    assert!(near(p.kl(&q), deviation.powi(2)) && near(p.hellinger(&q), 0.5 * deviation));
    // Variances that all but agree are no step away from ones that do.
    let (near, there) = (on_line(1.0, 1.0 + 1e-13), on_line(1.0, 1.0));
    assert!((p.total_variation(&near).unwrap() - p.total_variation(&there).unwrap()).abs() < 1e-12);
}

/// Without a shift, the densities cross at ± z deviations of the narrow one, z² = ln(σ_q²/σ_p²)/(1 − σ_p²/σ_q²).
#[test]
fn a_needle_keeps_its_digits() {
    let tv = on_line(0.0, 1.0).total_variation(&on_line(0.0, 1e-18)).unwrap();
    let z = 1e18f64.ln().sqrt() * FRAC_1_SQRT_2;
    assert!((1.0 - tv - (libm::erfc(z) + libm::erf(1e-9 * z))).abs() < 1e-15, "{tv}");
}

#[test]
fn numbers_of_any_size_are_numbers() {
    let sizes = [1e-300, 1e-8, 1.0, 1e8, 1e300];
    for (p, q) in sizes.iter().flat_map(|a| sizes.iter().map(move |b| (*a, *b))) {
        for shift in [0.0, 1e-200, 1.0, 1e150] {
            let (p, q) = (on_line(0.0, p), on_line(shift, q));
            let (tv, h) = (p.total_variation(&q).unwrap(), p.hellinger(&q).unwrap());
            assert!((0.0..=1.0).contains(&tv) && (0.0..=1.0).contains(&h), "{p:?} {q:?}: {tv} {h}");
            // A square below 1e-308 is 0.
            let low_and_high = h * h <= tv * (1.0 + 1e-9) && tv <= h * 2f64.sqrt() * (1.0 + 1e-9) + 1e-150;
            assert!(low_and_high, "{p:?} {q:?}: {tv} {h}");
            assert!(p.w1(&q).unwrap() <= p.w2(&q).unwrap() * (1.0 + 1e-9), "{p:?} {q:?}");
            // What is too large to write down is said to be so.
            assert!(p.kl(&q).map_or_else(|e| e.is_non_finite(), |kl| kl >= 0.0), "{p:?} {q:?}");
        }
    }
}

#[test]
fn what_is_no_gaussian_is_refused() {
    for (mean, variance, says) in [
        (
            &[0.0][..],
            &[1.0, 2.0][..],
            "a Gaussian of 1 means and 2 variances: give one of each for every column",
        ),
        (&[], &[], "a Gaussian of 0 means"),
        (&[0.0, f64::NAN], &[1.0, 1.0], "mean 1 is NaN: expected a finite number"),
        (
            &[0.0],
            &[0.0],
            "variance 0 is 0: expected a finite number above 0 (add the variance of a narrow normal",
        ),
        (&[0.0], &[-1.0], "variance 0 is -1"),
        (&[0.0], &[f64::NAN], "variance 0 is NaN"),
        (&[0.0], &[f64::INFINITY], "variance 0 is inf"),
    ] {
        let error = Gaussian::new(mean.to_vec(), variance.to_vec()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let error = on_line(0.0, 1.0).kl(&gaussian(&[0.0; 2], &[1.0; 2])).unwrap_err().to_string();
    assert!(error.contains("p has 1 columns, q has 2: give as many of both"), "{error}");
    let (p, q) = (gaussian(&[0.0; 3], &[1.0; 3]), gaussian(&[0.0, 1.0, 0.0], &[1.0, 2.0, 2.0]));
    for closed in [Gaussian::total_variation, Gaussian::w1] {
        let error = closed(&p, &q).unwrap_err();
        assert_eq!(error.kind(), mbrl_core::ErrorKind::Unsupported);
        assert!(error.to_string().contains("that differ in 2 columns, 2 of them in variance"), "{error}");
    }
}

/// ∬ f over a grid that reaches 9 deviations out, of `POINTS` points a side. Smooth functions converge faster than any
/// power of the step, and those with kinks by its square.
fn over_the_plane(p: &Gaussian, q: &Gaussian, f: impl Fn(f64, f64) -> f64) -> f64 {
    const POINTS: usize = 240;
    let axis = |i: usize| {
        let end = |side: f64| {
            let of = |g: &Gaussian| g.mean()[i] + side * 9.0 * g.variance()[i].sqrt();
            if side < 0.0 { of(p).min(of(q)) } else { of(p).max(of(q)) }
        };
        let (low, step) = (end(-1.0), (end(1.0) - end(-1.0)) / (POINTS - 1) as f64);
        let density = |g: &Gaussian, x: f64| {
            (-0.5 * (x - g.mean()[i]).powi(2) / g.variance()[i]).exp() / (TAU * g.variance()[i]).sqrt()
        };
        let at = |k: usize| low + step * k as f64;
        let rows: Vec<[f64; 2]> = (0..POINTS).map(|k| [density(p, at(k)), density(q, at(k))]).collect();
        (rows, step)
    };
    let ((xs, dx), (ys, dy)) = (axis(0), axis(1));
    let sum: f64 = xs.iter().flat_map(|x| ys.iter().map(|y| f(x[0] * y[0], x[1] * y[1]))).sum();
    sum * dx * dy
}

fn column() -> impl Strategy<Value = [f64; 4]> {
    (-2.0f64..2.0, 0.5f64..2.0, prop_oneof![Just(0.0), -2.0f64..2.0], prop_oneof![Just(1.0), 0.5f64..2.0])
        .prop_map(|(mean, std, shift, ratio)| [mean, std.powi(2), mean + shift, (std * ratio).powi(2)])
}

fn plane([x, y]: [[f64; 4]; 2]) -> (Gaussian, Gaussian) {
    (gaussian(&[x[0], y[0]], &[x[1], y[1]]), gaussian(&[x[2], y[2]], &[x[3], y[3]]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn bounds_bracket_what_the_plane_integrates_to(columns in [column(), column()]) {
        let (p, q) = plane(columns);
        let tv = over_the_plane(&p, &q, |p, q| 0.5 * (p - q).abs());
        let js = over_the_plane(&p, &q, |p, q| 0.5 * (excess(p, 0.5 * (p + q)) + excess(q, 0.5 * (p + q))));
        let h2 = over_the_plane(&p, &q, |p, q| 0.5 * (p.sqrt() - q.sqrt()).powi(2));
        let kl = over_the_plane(&p, &q, excess);
        prop_assert!((p.hellinger(&q).unwrap().powi(2) - h2).abs() < 1e-9);
        prop_assert!((p.kl(&q).unwrap() - kl).abs() < 1e-9);
        for ([low, high], value, error) in [
            (p.total_variation_bounds(&q).unwrap(), tv, 2e-3),
            (p.jensen_shannon_bounds(&q).unwrap(), js, 1e-9),
        ] {
            prop_assert!(low <= value + error && value <= high + error, "{} {} {}", low, value, high);
            prop_assert!(low <= high);
        }
        if let Ok(exact) = p.total_variation(&q) {
            prop_assert!((exact - tv).abs() < 2e-3);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// On a line TV is known, so every bound can be seen to hold.
    #[test]
    fn inequalities_hold_on_a_line(
        shift in prop_oneof![Just(0.0), -5.0f64..5.0, -1e-4f64..1e-4],
        ratio in prop_oneof![Just(1.0), 0.05f64..20.0, 0.9999f64..1.0001],
    ) {
        let (p, q) = (on_line(0.5, 1.44), on_line(0.5 + shift, 1.44 * ratio));
        let (tv, h) = (p.total_variation(&q).unwrap(), p.hellinger(&q).unwrap());
        let [forth, back] = [p.kl(&q).unwrap(), q.kl(&p).unwrap()];
        let up = 1.0 + 1e-9;
        let [low, high] = bound::total_variation_from_hellinger(h).unwrap();
        prop_assert!(low <= tv * up && tv <= high * up, "{} {} {}", low, tv, high);
        prop_assert!(tv <= bound::total_variation_from_kl(forth.min(back)).unwrap() * up);
        prop_assert!(bound::least_kl(tv).unwrap() <= forth.min(back) * up);
        prop_assert!((tv - q.total_variation(&p).unwrap()).abs() <= 1e-12 * tv);
        let [w1, w2] = [p.w1(&q).unwrap(), p.w2(&q).unwrap()];
        prop_assert!(shift.abs() <= w1 * up + 1e-15 && w1 <= w2 * up);
        prop_assert_eq!(w1.to_bits(), q.w1(&p).unwrap().to_bits());
        // A column in which both agree changes nothing.
        let more = |g: &Gaussian| gaussian(&[7.0, g.mean()[0]], &[3.0, g.variance()[0]]);
        prop_assert_eq!(tv.to_bits(), more(&p).total_variation(&more(&q)).unwrap().to_bits());
        prop_assert_eq!(w1.to_bits(), more(&p).w1(&more(&q)).unwrap().to_bits());
    }

    /// A projection brings nothing further apart, and no coupling costs less than W₁.
    #[test]
    fn w1_bounds_lie_between_projections_and_couplings(columns in [column(), column()], angle in 0.0f64..7.0) {
        let (p, q) = plane(columns);
        let [low, high] = p.w1_bounds(&q).unwrap();
        let u = [angle.cos(), angle.sin()];
        let seen = |g: &Gaussian| {
            let mean = u[0] * g.mean()[0] + u[1] * g.mean()[1];
            on_line(mean, u[0].powi(2) * g.variance()[0] + u[1].powi(2) * g.variance()[1])
        };
        let up = 1.0 + 1e-9;
        prop_assert!(seen(&p).w1(&seen(&q)).unwrap() <= high * up + 1e-12);
        prop_assert!(low <= high && high <= p.w2(&q).unwrap() * up);
        // Both are driven by the same two normals, here the nodes of a fine rule.
        let nodes = || (0..81).map(|i| f64::from(i - 40) * 0.2).map(|z| (z, 0.2 * (-0.5 * z * z).exp() / TAU.sqrt()));
        let moved = |i: usize, z: f64| {
            q.mean()[i] - p.mean()[i] + z * (q.variance()[i].sqrt() - p.variance()[i].sqrt())
        };
        let coupled: f64 = nodes()
            .flat_map(|(x, weight)| nodes().map(move |(y, other)| (x, y, weight * other)))
            .map(|(x, y, weight)| weight * moved(0, x).hypot(moved(1, y)))
            .sum();
        prop_assert!(low <= coupled + 1e-2, "{} {}", low, coupled);
    }
}
