//! What one distance between two distributions says about another, whatever the distributions are.

use super::excess::excess;
use crate::check;
use mbrl_core::{Error, Result};
use std::f64::consts::LN_2;

/// TV ≤ the smaller of [`pinsker`] and [`bretagnolle_huber`], for a KL of either direction. The first is below 1 up to a KL
/// of 2 and the better one up to 1.59; the second is below 1 always.
///
/// ```
/// use mbrl_bounds::divergence::inequalities::{least_kl, total_variation_from_kl};
///
/// assert_eq!(total_variation_from_kl(0.02)?, 0.1);
/// assert_eq!(total_variation_from_kl(f64::INFINITY)?, 1.0);
/// assert!(total_variation_from_kl(50.0)? <= 1.0);
/// // The other way round: who is a tenth apart has a KL of at least that.
/// assert!((least_kl(0.1)? - 0.020045).abs() < 1e-6);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn total_variation_from_kl(kl: f64) -> Result<f64> {
    Ok(pinsker(kl)?.min(bretagnolle_huber(kl)?))
}

/// Pinsker: TV ≤ √(KL/2), and 1 where that is more.
pub fn pinsker(kl: f64) -> Result<f64> {
    Ok((0.5 * divergence("kl", kl)?).sqrt().min(1.0))
}

/// Bretagnolle and Huber: TV ≤ √(1 − e^(−KL)).
pub fn bretagnolle_huber(kl: f64) -> Result<f64> {
    Ok((-(-divergence("kl", kl)?).exp_m1()).sqrt())
}

/// The least KL(p ‖ q) that any two distributions of this total variation have: no bound that knows TV alone is better.
///
/// To merge the outcomes on which p is the likelier, and the others, leaves TV and does not increase KL. So the least is
/// that of a coin, min over b of KL((b + TV, 1 − b − TV) ‖ (b, 1 − b)), which is convex in b (Vajda 1970).
pub fn least_kl(total_variation: f64) -> Result<f64> {
    let v = check::unit("total variation", total_variation)?;
    if v >= 1.0 {
        return Ok(f64::INFINITY);
    }
    if v < SMALL {
        return Ok(v * v * (2.0 + v * v * (4.0 / 9.0)));
    }
    let slope = |b: f64| (v / b).ln_1p() + (v / (1.0 - b - v)).ln_1p() - v / (b * (1.0 - b));
    let (mut low, mut high) = (0.0, 1.0 - v);
    // The divergence is flat at its minimum, so that half of the digits of b are enough for all of its own.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (b, rest) = (0.5 * (low + high), 1.0 - 0.5 * (low + high));
    Ok(excess(b + v, b) + excess(rest - v, rest))
}

/// H² ≤ TV ≤ H √(2 − H²), from H = √(1 − BC): as `[low, high]`.
///
/// ½ Σ (√p − √q)² ≤ ½ Σ |p − q|, as |√p − √q| ≤ √p + √q. And ½ Σ |√p − √q| (√p + √q) is, by Cauchy and Schwarz, at most
/// √(1 − BC) √(1 + BC).
pub fn total_variation_from_hellinger(hellinger: f64) -> Result<[f64; 2]> {
    let h = check::unit("hellinger", hellinger)?;
    Ok([h * h, (h * (2.0 - h * h).sqrt()).min(1.0)])
}

/// ½ \[(1 + TV) ln(1 + TV) + (1 − TV) ln(1 − TV)\] ≤ JS ≤ TV ln 2, as `[low, high]`. The lower one is at least TV²/2;
/// both are attained.
///
/// JS is the information about a fair coin in a draw from p at heads and from q at tails. What is left unknown is the
/// mean of h(error), where h is the entropy of a coin, and the least error has mean (1 − TV)/2. As h is concave, that
/// mean is at most h((1 − TV)/2), and at least the mean of the chord 2 ln 2 · error.
pub fn jensen_shannon_from_total_variation(total_variation: f64) -> Result<[f64; 2]> {
    let v = check::unit("total variation", total_variation)?;
    let low = if v < SMALL {
        v * v * (0.5 + v * v / 12.0)
    } else {
        // (1 ± v) ln(1 ± v) ∓ v are excesses over 1, in which ∓ v cancels.
        0.5 * (excess(1.0 + v, 1.0) + excess(1.0 - v, 1.0))
    };
    Ok([low, v * LN_2])
}

/// H² ln 2 ≤ JS ≤ H², as `[low, high]`.
///
/// With u = |p − q| / (p + q), each outcome adds (p + q)/4 times N = (1 + u) ln(1 + u) + (1 − u) ln(1 − u) to JS, and as
/// much of D = 2 − 2√(1 − u²) to H². Both start at 0, and N′/D′ = t / sinh t with u = tanh t, which falls: so N/D falls
/// too, from 1 at u = 0 to ln 2 at u = 1.
pub fn jensen_shannon_from_hellinger(hellinger: f64) -> Result<[f64; 2]> {
    let h = check::unit("hellinger", hellinger)?;
    Ok([h * h * LN_2, (h * h).min(LN_2)])
}

/// JS ≤ (KL(p ‖ q) + KL(q ‖ p)) / 8, and ln 2 where that is more. It is attained in the limit of p and q that agree.
///
/// As in [`jensen_shannon_from_hellinger`], an outcome adds (p + q)/4 times N to JS, and (p + q)/4 times u artanh u to
/// the right side. Both start at 0; N′ = 2t with u = tanh t, and the other derivative is t + sinh t cosh t ≥ 2t.
pub fn jensen_shannon_from_kl(forth: f64, back: f64) -> Result<f64> {
    let both = divergence("kl(p, q)", forth)? + divergence("kl(q, p)", back)?;
    Ok((0.125 * both).min(LN_2))
}

/// A total variation so small that 1 + TV loses digits of it, and that two terms of a series leave 1e-13 of the whole.
const SMALL: f64 = 1e-3;

/// A number of at least 0, which may be infinite.
fn divergence(name: &str, value: f64) -> Result<f64> {
    if value.is_nan() || value < 0.0 {
        return Err(Error::invalid(format_args!("{name} is {value}: expected at least 0")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
