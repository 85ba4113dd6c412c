//! Distances between distributions of finitely many outcomes.

use super::{excess::excess, same};
use crate::check;
use mbrl_core::Result;
use std::f64::consts::LN_2;

/// TV: half the sum of absolute differences, the most by which the two disagree on an event. From 0 to 1.
///
/// ```
/// use mbrl_bounds::divergence::discrete::{kl, total_variation};
///
/// let (p, q) = ([0.5, 0.5, 0.0], [0.25, 0.5, 0.25]);
/// assert_eq!(total_variation(&p, &q)?, 0.25);
/// assert_eq!(kl(&p, &q)?, 0.5 * 2f64.ln());
/// assert_eq!(kl(&q, &p)?, f64::INFINITY);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn total_variation(p: &[f64], q: &[f64]) -> Result<f64> {
    checked(p, q)?;
    Ok(half_l1(p, q).min(1.0))
}

/// KL(p ‖ q) = Σ p ln(p/q), in nats. Infinite where p has an outcome that q rules out.
pub fn kl(p: &[f64], q: &[f64]) -> Result<f64> {
    checked(p, q)?;
    Ok(p.iter().zip(q).map(|(p, q)| excess(*p, *q)).sum())
}

/// The Jensen-Shannon divergence ½ KL(p ‖ m) + ½ KL(q ‖ m) from the middle m = (p + q)/2, in nats. From 0 to ln 2; its
/// root is a metric.
pub fn jensen_shannon(p: &[f64], q: &[f64]) -> Result<f64> {
    checked(p, q)?;
    let of_pair = |p: f64, q: f64| {
        if p <= 0.0 || q <= 0.0 {
            return (p + q) * LN_2;
        }
        let middle = 0.5 * (p + q);
        excess(p, middle) + excess(q, middle)
    };
    Ok((0.5 * p.iter().zip(q).map(|(p, q)| of_pair(*p, *q)).sum::<f64>()).min(LN_2))
}

/// The Hellinger distance H = √(1 − Σ √(p q)), which is √½ times the Euclidean distance of the roots. From 0 to 1.
pub fn hellinger(p: &[f64], q: &[f64]) -> Result<f64> {
    checked(p, q)?;
    // The distance of the roots, as 1 − Σ √(p q) has no digits left where the two nearly agree.
    let squares = p.iter().zip(q).map(|(p, q)| {
        let roots = p.sqrt() + q.sqrt();
        if roots > 0.0 { ((p - q) / roots).powi(2) } else { 0.0 }
    });
    Ok((0.5 * squares.sum::<f64>()).sqrt().min(1.0))
}

/// The integral probability metric of all functions of size at most one: sup over ‖f‖∞ ≤ 1 of Σ f (p − q), which is
/// 2 TV. From 0 to 2.
pub fn ipm_sup_norm(p: &[f64], q: &[f64]) -> Result<f64> {
    Ok(2.0 * total_variation(p, q)?)
}

/// −Σ p ln p, in nats. From 0 to the logarithm of the number of outcomes.
pub fn entropy(p: &[f64]) -> Result<f64> {
    check::distribution("p", p)?;
    let sum: f64 = p.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum();
    Ok((0.0 - sum).clamp(0.0, (p.len() as f64).ln()))
}

/// Half the sum of absolute differences of rows that are known to be distributions.
pub(crate) fn half_l1(p: &[f64], q: &[f64]) -> f64 {
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

fn checked(p: &[f64], q: &[f64]) -> Result<()> {
    check::distribution("p", p)?;
    check::distribution("q", q)?;
    same("outcomes", p.len(), q.len())
}

#[cfg(test)]
mod tests;
