//! Wasserstein-1: the least work of moving one distribution onto another.

mod transport;

pub use transport::{Transport, transport};

use crate::check;
use mbrl_core::{Error, Result};

/// W₁ of two weighted sets of points on a line: the area between their distribution functions. Weights sum to one.
///
/// ```
/// use mbrl_bounds::divergence::wasserstein;
///
/// assert_eq!(wasserstein::line(&[0.0, 1.0], &[0.5, 0.5], &[3.0], &[1.0])?, 2.5);
/// assert_eq!(wasserstein::samples(&[0.0, 1.0], &[1.0, 3.0])?, 1.5);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn line(p_points: &[f64], p_weights: &[f64], q_points: &[f64], q_weights: &[f64]) -> Result<f64> {
    check::distribution("p", p_weights)?;
    check::distribution("q", q_weights)?;
    let p = sorted("p", p_points, p_weights)?;
    let q = sorted("q", q_points, q_weights)?;
    // Each side has a sum of its own, so that equal sides have equal sums to the bit, and the distance 0.
    let (mut below_p, mut below_q) = (0.0, 0.0);
    area(&p, &q, |side, (_, weight)| {
        match side {
            Side::P => below_p += weight,
            Side::Q => below_q += weight,
        }
        below_p - below_q
    })
}

/// W₁ of two samples on a line, every draw of each weighing the same; the numbers of draws may differ.
pub fn samples(xs: &[f64], ys: &[f64]) -> Result<f64> {
    let p = sorted("xs", xs, xs)?;
    let q = sorted("ys", ys, ys)?;
    let (mut below_p, mut below_q) = (0u64, 0u64);
    let (n, m) = (xs.len() as f64, ys.len() as f64);
    area(&p, &q, |side, _| {
        match side {
            Side::P => below_p += 1,
            Side::Q => below_q += 1,
        }
        below_p as f64 / n - below_q as f64 / m
    })
}

enum Side {
    P,
    Q,
}

/// The area under |`gap`|, a step function that is told of every point from left to right.
fn area(p: &[(f64, f64)], q: &[(f64, f64)], mut gap: impl FnMut(Side, (f64, f64)) -> f64) -> Result<f64> {
    let (mut p, mut q) = (p.iter().peekable(), q.iter().peekable());
    let (mut height, mut last, mut area) = (0.0f64, None, 0.0);
    loop {
        let from_p = match (p.peek(), q.peek()) {
            (Some(x), Some(y)) => x.0 <= y.0,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return check::finite("W1", area),
        };
        let (side, point) = if from_p { (Side::P, p.next()) } else { (Side::Q, q.next()) };
        let Some(&point) = point else { continue };
        if let Some(last) = last.replace(point.0) {
            // Where no point lies between, the width is 0.
            area += height.abs() * (point.0 - last);
        }
        height = gap(side, point);
    }
}

/// The points with their weights, from left to right; equal points keep their order.
fn sorted(name: &str, points: &[f64], weights: &[f64]) -> Result<Vec<(f64, f64)>> {
    if points.len() != weights.len() {
        let (points, weights) = (points.len(), weights.len());
        return Err(Error::invalid(format_args!(
            "{name} has {points} points and {weights} weights: give one weight for each point"
        )));
    }
    if points.is_empty() {
        return Err(Error::invalid(format_args!("{name} has no points: give one at least")));
    }
    if let Some(i) = points.iter().position(|x| !x.is_finite()) {
        return Err(Error::non_finite(format_args!("{name}: point {i} is {}", points[i])));
    }
    let mut all: Vec<(f64, f64)> = points.iter().copied().zip(weights.iter().copied()).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(all)
}

#[cfg(test)]
mod tests;
