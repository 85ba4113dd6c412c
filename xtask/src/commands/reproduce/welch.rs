//! Welch's interval of the difference of two means.

use mbrl_agents::{mean, sample_std};
use std::f64::consts::FRAC_PI_2;

/// The interval that covers the true mean of `a` less that of `b` in 95 of 100 cases, where both are normal and their
/// deviations may differ (Welch 1947). `None` where one of them has fewer than two numbers, or neither varies.
pub(super) fn welch95(a: &[f64], b: &[f64]) -> Option<[f64; 2]> {
    // The square of the mean's error, and the degrees of freedom that it was estimated with.
    let error = |numbers: &[f64]| {
        let n = numbers.len() as f64;
        Some((sample_std(numbers)?.powi(2) / n, n - 1.0))
    };
    let ((error_a, degrees_a), (error_b, degrees_b)) = (error(a)?, error(b)?);
    let square = error_a + error_b;
    if square <= 0.0 {
        return None;
    }
    let degrees = square.powi(2) / (error_a.powi(2) / degrees_a + error_b.powi(2) / degrees_b);
    let (difference, half) = (mean(a) - mean(b), student_975(degrees) * square.sqrt());
    Some([difference - half, difference + half])
}

/// The 97.5 % quantile of Student's distribution with `degrees` of at least 1, which need not be whole.
///
/// With t = √ν·tan θ the distribution of θ is cos^(ν−1) θ up to a factor, so that both tails are one smooth integral from θ
/// to π/2, and its quotient with the whole one needs no gamma function.
fn student_975(degrees: f64) -> f64 {
    let area = |from: f64| simpson(|theta| theta.cos().max(0.0).powf(degrees - 1.0), from, FRAC_PI_2);
    let (whole, mut low, mut high) = (area(0.0), 0.0, FRAC_PI_2);
    // As many halvings as an f64 has bits.
    for _ in 0..53 {
        let middle = 0.5 * (low + high);
        if area(middle) > 0.05 * whole {
            low = middle;
        } else {
            high = middle;
        }
    }
    degrees.sqrt() * low.tan()
}

/// The integral of a smooth function by Simpson's rule.
fn simpson(f: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    const PARTS: usize = 2_000;
    let step = (to - from) / PARTS as f64;
    let weight = |i: usize| match i {
        0 | PARTS => 1.0,
        _ if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=PARTS).map(|i| weight(i) * f(from + step * i as f64)).sum::<f64>() * step / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of scipy 1.17.1: `welch.py`.
    #[test]
    fn quantiles_are_those_of_scipy() {
        for (degrees, quantile) in [
            (1.0, 12.706204736174694),
            (2.5, 3.5746548420036817),
            (4.75, 2.611813092373966),
            (7.0, 2.364624251592784),
            (11.3, 2.1938768963391624),
            (14.0, 2.144786687917804),
            (200.5, 1.971866290304378),
        ] {
            let off: f64 = student_975(degrees) / quantile - 1.0;
            // With few degrees the integrand is steep where it ends.
            let most = if degrees < 4.0 { 2e-4 } else { 1e-8 };
            assert!(off.abs() < most, "{degrees}: off by {off}");
        }
    }

    /// Numbers of scipy 1.17.1: `welch.py`.
    #[test]
    fn intervals_are_those_of_scipy() {
        let cases: [(&[f64], &[f64], [f64; 2]); 2] = [
            (&[3.0, 4.0, 5.5, 8.0], &[1.0, 1.5, 1.25], [0.45023413909746646, 7.299765860902534]),
            (
                &[-150.0, -148.5, -163.0, -120.0, -190.0],
                &[-149.0, -151.0, -150.5, -152.0, -147.0, -148.0],
                [-36.20185258923764, 26.7685192559043],
            ),
        ];
        for (a, b, interval) in cases {
            let found = welch95(a, b).unwrap();
            for (found, known) in found.iter().zip(interval) {
                assert!((found - known).abs() < 2e-3, "{found}, {known}");
            }
            let [low, high] = welch95(b, a).unwrap();
            assert!((low + found[1]).abs() < 1e-12 && (high + found[0]).abs() < 1e-12);
        }
        assert_eq!(welch95(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(welch95(&[1.0, 1.0], &[2.0, 2.0]), None);
    }
}
