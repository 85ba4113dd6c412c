//! Against closed forms, and against every sample there could be.

use super::*;
use crate::divergence::gaussian::Gaussian;
use mbrl_core::{Key, NoiseBuf, NoiseSpec};

/// ln p and ln q at draws from p, two Gaussians of a plane.
fn draws_of(n: usize, p: &Gaussian, q: &Gaussian, key: Key) -> [Vec<f64>; 2] {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 2, uniforms: 0 }, n, key);
    let log = |of: &Gaussian, row: usize| -> f64 {
        (0..2)
            .map(|i| {
                let x = p.mean()[i] + p.variance()[i].sqrt() * f64::from(noise.view().normals.row(row)[i]);
                -0.5 * ((x - of.mean()[i]).powi(2) / of.variance()[i] + of.variance()[i].ln())
            })
            .sum()
    };
    [p, q].map(|of| (0..n).map(|row| log(of, row)).collect())
}

/// Each of twelve intervals misses once in 1e8 (the guaranteed ones more rarely): in all, 1.2e-7. That they are narrow
/// enough to tell the measures apart is asserted too.
#[test]
fn intervals_cover_the_closed_forms() {
    let p = Gaussian::new(vec![0.0, 1.0], vec![1.0, 4.0]).unwrap();
    let confidence = 1.0 - 1e-8;
    for (i, (mean, variance)) in [
        ([0.5, 1.0], [1.0, 4.0]),
        ([1.0, 0.0], [1.0, 4.0]),
        ([0.0, 1.0], [2.0, 4.0]),
        ([2.0, 1.0], [1.0, 4.0]),
    ]
    .into_iter()
    .enumerate()
    {
        let q = Gaussian::new(mean.to_vec(), variance.to_vec()).unwrap();
        let [log_p, log_q] = draws_of(40_000, &p, &q, Key::root(5).at(i as u64));
        for (estimate, truth) in [
            (total_variation(&log_p, &log_q, confidence), p.total_variation(&q)),
            (hellinger_squared(&log_p, &log_q, confidence), p.hellinger(&q).map(|h| h * h)),
            (kl(&log_p, &log_q, confidence), p.kl(&q)),
        ] {
            let (estimate, truth) = (estimate.unwrap(), truth.unwrap());
            assert!(estimate.low <= truth && truth <= estimate.high, "{estimate:?} for {truth}");
            assert!(estimate.high - estimate.low < 0.12, "{estimate:?}");
        }
    }
}

/// Draws that came exactly as often as they should: the estimate is then the distance itself. The third outcome is p's
/// alone, the fourth q's.
#[test]
fn of_draws_in_proportion_the_estimate_is_exact() {
    let (p, q) = ([0.5, 0.3, 0.2, 0.0], [0.2, 0.4, 0.0, 0.4]);
    let draws = |of: [f64; 4]| {
        let times = |i: usize| std::iter::repeat_n(i, (10.0 * of[i]).round() as usize);
        (0..4).flat_map(times).collect::<Vec<_>>().repeat(50)
    };
    let logs = |draws: &[usize], of: [f64; 4]| draws.iter().map(|&i| f64::ln(of[i])).collect::<Vec<_>>();
    let (from_p, from_q) = (draws(p), draws(q));
    let of_p = [logs(&from_p, p), logs(&from_p, q)];
    let of_q = [logs(&from_q, p), logs(&from_q, q)];
    let js = jensen_shannon([&of_p[0], &of_p[1]], [&of_q[0], &of_q[1]], 0.95).unwrap();
    let exact = crate::divergence::discrete::jensen_shannon(&p, &q).unwrap();
    assert!((js.value - exact).abs() < 1e-12 && js.low < exact && exact < js.high, "{js:?} for {exact}");
    assert!(js.n == 1000 && js.high - js.low < 0.05, "{js:?}");
    let ipm = ipm_sup_norm(&of_p[0], &of_p[1], 0.95).unwrap();
    assert!((ipm.value - 1.0).abs() < 1e-12 && ipm.low < 1.0 && 1.0 < ipm.high && ipm.high < 1.3, "{ipm:?}");
    let error = jensen_shannon([&of_p[0], &of_p[1]], [&of_q[0], &of_p[1][..3]], 0.95).unwrap_err();
    assert!(error.to_string().contains("draws from q"), "{error}");
}

/// The weight of every possible count of n draws among three outcomes, whose L1 distance is beyond the radius.
fn beyond(p: [f64; 3], n: u64, radius: f64) -> f64 {
    let ln_factorial = |k: u64| libm::lgamma(k as f64 + 1.0);
    let mut weight = 0.0;
    for a in 0..=n {
        for b in 0..=n - a {
            let counts = [a, b, n - a - b];
            let shares = frequencies(&counts).unwrap();
            if 2.0 * divergence::total_variation(&shares, &p) >= radius {
                let log: f64 = counts.iter().zip(p).map(|(k, p)| *k as f64 * p.ln() - ln_factorial(*k)).sum();
                weight += (ln_factorial(n) + log).exp();
            }
        }
    }
    weight
}

#[test]
fn the_radius_holds_for_every_sample_there_could_be() {
    for p in [[0.2, 0.3, 0.5], [0.01, 0.01, 0.98], [1.0 / 3.0; 3]] {
        for n in [1, 5, 40] {
            assert!((beyond(p, n, 0.0) - 1.0).abs() < 1e-9);
            for delta in [0.5, 0.1, 0.01] {
                let radius = l1_radius(3, n, delta).unwrap();
                assert!(radius >= 2.0 || beyond(p, n, radius) <= delta, "{p:?} {n} {delta}: {radius}");
            }
        }
    }
}

/// By hand: 2³ − 2 = 6 events, so √(2 ln(6/0.1)/50); two outcomes have 2 events.
#[test]
fn the_radius_is_the_published_one() {
    assert!((l1_radius(3, 50, 0.1).unwrap() - (2.0 * 60f64.ln() / 50.0).sqrt()).abs() < 1e-14);
    assert!((l1_radius(2, 50, 0.1).unwrap() - (2.0 * 20f64.ln() / 50.0).sqrt()).abs() < 1e-14);
    assert_eq!(l1_radius(1, 50, 0.1).unwrap().to_bits(), 0);
    assert_eq!(l1_radius(3, 1, 0.1).unwrap().to_bits(), 2f64.to_bits());
    // 2^5000 cannot be written down.
    assert!((l1_radius(5000, 1_000_000, 0.1).unwrap() - 0.0832829).abs() < 1e-4);
    for (refused, says) in [
        (l1_radius(0, 1, 0.1), "outcomes is 0: expected 1 or more"),
        (l1_radius(3, 0, 0.1), "n is 0: expected 1 or more"),
        (l1_radius(3, 1, 0.0), "delta is 0: expected a finite number above 0"),
        (l1_radius(3, 1, 1.5), "delta is 1.5: expected 0 to 1"),
    ] {
        assert!(refused.unwrap_err().to_string().contains(says));
    }
}

#[test]
fn counts_have_the_distance_of_their_frequencies() {
    let distance = total_variation_of_counts(&[30, 60, 10], &[100, 50, 50], 0.9).unwrap();
    assert!((distance.value - 0.35).abs() < 1e-15);
    assert_eq!((distance.n, distance.coverage), (300, Coverage::Guaranteed));
    // Half of each radius, at 0.05 a side.
    let half = 0.5 * ((2.0 * 120f64.ln() / 100.0).sqrt() + (2.0 * 120f64.ln() / 200.0).sqrt());
    assert!(
        (distance.low - (0.35 - half).max(0.0)).abs() < 1e-14
            && (distance.high - (0.35 + half)).abs() < 1e-14
    );
    for (refused, says) in [
        (total_variation_of_counts(&[1, 2], &[1], 0.9), "p has 2 outcomes, q has 1"),
        (total_variation_of_counts(&[1, 2], &[0, 0], 0.9), "q: no draws were counted"),
        (total_variation_of_counts(&[1, 2], &[1, 0], 1.0), "delta is 0"),
        (total_variation_of_counts(&[1, 2], &[1, 0], 2.0), "confidence is 2"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_density_of_0_is_told_apart_from_no_number() {
    let (zero, sound) = ([f64::NEG_INFINITY; 2], [0.0; 2]);
    assert_eq!(total_variation(&sound, &zero, 0.9).unwrap().value.to_bits(), 1f64.to_bits());
    assert_eq!(hellinger_squared(&sound, &zero, 0.9).unwrap().value.to_bits(), 1f64.to_bits());
    for (refused, says) in [
        (
            kl(&sound, &zero, 0.9),
            "q rules out draw 0 from p, so the kl is infinite: estimate the total variation",
        ),
        (kl(&zero, &sound, 0.9), "the log-density of p at draw 0 is -inf: expected a finite number"),
        (total_variation(&sound, &[0.0, f64::INFINITY], 0.9), "the log-density of q at draw 1 is inf"),
        (total_variation(&sound, &[0.0, f64::NAN], 0.9), "the log-density of q at draw 1 is NaN"),
        (total_variation(&sound, &[0.0], 0.9), "p has 2 log-densities, q has 1: give as many of both"),
        (kl(&sound[..1], &sound[..1], 0.9), "1 rows have no interval"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    for estimate in [total_variation, hellinger_squared, kl] {
        assert_eq!(estimate(&sound, &sound, 0.9).unwrap().value.to_bits(), 0);
    }
}
