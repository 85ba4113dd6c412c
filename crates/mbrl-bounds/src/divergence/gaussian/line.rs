//! Two Gaussians on a line, each as `[mean, variance]`.

use super::gap;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, TAU};

/// TV: what the narrow one p has more than the wide one q between the two points at which the densities cross.
///
/// With the distance of the means δ and all else in units of the wide σ, s = σ_p/σ_q ≤ 1, b = 1 − s², l = −ln s² and d =
/// √(δ² + b l), the crossings are at (−sδ ± d)/b from the mean of p in units of σ_p, and at (−δ ± s d)/b from that of q
/// in units of σ_q, if q lies to the right. Both ends together TV = [Φ(z) − Φ(y)] at the right, and [Φ(y) − Φ(z)] at the
/// left. All four differences that would cancel are divided out, so that TV keeps its digits where it is small.
pub(super) fn total_variation(p: [f64; 2], q: [f64; 2]) -> f64 {
    let (narrow, wide) = if p[1] <= q[1] { (p, q) } else { (q, p) };
    let sigma = wide[1].sqrt();
    let shift = ((p[0] - q[0]) / sigma).abs();
    // Half of the shift is on each side: what lies beyond 500 deviations is no number.
    if shift > 1e3 {
        return 1.0;
    }
    let s = narrow[1].sqrt() / sigma;
    let b = (wide[1] - narrow[1]) / wide[1];
    let l = if b < 0.5 { -(-b).ln_1p() } else { wide[1].ln() - narrow[1].ln() };
    if b <= 0.0 {
        return libm::erf(0.5 * FRAC_1_SQRT_2 * shift);
    }
    let d = (shift * shift + b * l).sqrt();
    let right = (shift * shift + l) / (s * shift + d);
    let right = between((d + shift) / (1.0 + s), right, (l * s * s - shift * shift) / (shift + s * d));
    let left = between(b * l / ((d + shift) * (1.0 + s)), -(shift + s * d) / b, -(s * shift + d) / b);
    (right + left).min(1.0)
}

/// W₁ = E|Δμ + Δσ Z|: on a line, equal quantiles are moved onto each other.
pub(super) fn w1(p: [f64; 2], q: [f64; 2]) -> f64 {
    let (shift, spread) = ((p[0] - q[0]).abs(), gap(p[1], q[1]).abs());
    if spread <= 0.0 {
        return shift;
    }
    let z = shift / spread;
    spread * (FRAC_2_PI.sqrt() * (-0.5 * z * z).exp()) + shift * libm::erf(FRAC_1_SQRT_2 * z)
}

/// Φ(`high`) − Φ(`low`), where `width` is `high` − `low` to all its digits.
fn between(width: f64, high: f64, low: f64) -> f64 {
    if width > 0.1 {
        return 0.5 * (libm::erf(FRAC_1_SQRT_2 * high) - libm::erf(FRAC_1_SQRT_2 * low));
    }
    // The two values would cancel, the density between them does not: Gauss and Legendre's rule of five points.
    let (middle, half) = (0.5 * (low + high), 0.5 * width);
    let around = |node: f64| {
        let z = middle + half * node;
        (-0.5 * z * z).exp()
    };
    let sum = 0.568_888_888_888_888_9 * around(0.0)
        + 0.478_628_670_499_366_47 * (around(0.538_469_310_105_683_1) + around(-0.538_469_310_105_683_1))
        + 0.236_926_885_056_189_08 * (around(0.906_179_845_938_664) + around(-0.906_179_845_938_664));
    half * sum / TAU.sqrt()
}
