//! Rows of actions in blocks that fill vectors.

use super::{EDGE, atanh, within};
use crate::gaussian::{LANES, lanes};
use crate::math::tanh;
use std::ops::Range;

/// Numbers that are worked on together: an action is seldom as wide as a vector, and several rows of them fill some.
pub(super) const BLOCK: usize = 4 * LANES;

/// As many rows as fit; a wider one is taken in parts.
fn rows_together(dim: usize) -> usize {
    (BLOCK / dim).max(1)
}

/// What is known of the numbers of an action, repeated for as many rows as are worked on together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tiles {
    low: Vec<f32>,
    high: Vec<f32>,
    scale: Vec<f32>,
    center: Vec<f32>,
}

impl Tiles {
    /// From the lower and upper bounds, the scales and the centers.
    pub(super) fn of(rows: [&[f32]; 4]) -> Self {
        let [low, high, scale, center] = rows.map(|row| row.repeat(rows_together(row.len())));
        Tiles { low, high, scale, center }
    }

    /// From pre-tanh samples to actions. Rounding may carry them past a bound: they are brought back.
    #[inline(always)]
    pub(super) fn squash(&self, u: [f32; LANES], part: &Part, k: usize, action: &mut [f32]) {
        let at = part.from + k;
        let (low, high) = (lanes(&self.low[at..]), lanes(&self.high[at..]));
        let (scale, center) = (lanes(&self.scale[at..]), lanes(&self.center[at..]));
        let mut out = [0.0; LANES];
        for i in 0..LANES {
            let a = center[i] + scale[i] * tanh(u[i]);
            out[i] = if a < low[i] { low[i] } else { a };
            out[i] = if a > high[i] { high[i] } else { out[i] };
        }
        let action = &mut action[part.flat(k)];
        action.copy_from_slice(&out[..action.len()]);
    }

    /// How far an action moves with its tangent.
    #[inline(always)]
    pub(super) fn scale(&self, part: &Part, k: usize) -> [f32; LANES] {
        lanes(&self.scale[part.from + k..])
    }

    /// From actions to pre-tanh samples.
    #[inline(always)]
    pub(super) fn unsquash(&self, action: &[f32], part: &Part, k: usize) -> [f32; LANES] {
        let (scale, center) = (lanes(&self.scale[part.from + k..]), lanes(&self.center[part.from + k..]));
        let (action, mut u) = (lanes(&action[part.flat(k)]), [0.0; LANES]);
        // Behind the end this may divide zero by zero, and nobody looks.
        for i in 0..LANES {
            u[i] = atanh(within((action[i] - center[i]) / scale[i], -EDGE, EDGE));
        }
        u
    }
}

/// Whole rows, or columns of one row.
pub(super) struct Part {
    dim: usize,
    row: usize,
    rows: usize,
    from: usize,
    wide: usize,
}

impl Part {
    /// The first part of `rows` rows, or the one behind another.
    #[inline(always)]
    pub(super) fn next(before: Option<Part>, dim: usize, rows: usize) -> Option<Part> {
        let (row, from) = match before {
            None => (0, 0),
            Some(part) if part.from + part.wide < dim => (part.row, part.from + part.wide),
            Some(part) => (part.row + part.rows, 0),
        };
        let (left, wide) = (rows - row, BLOCK.min(dim - from));
        (left > 0).then(|| Part { dim, row, rows: rows_together(dim).min(left), from, wide })
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.rows * self.wide
    }

    /// Where sixteen numbers, or what is left, from the `k`th on lie in `[rows, dim]`.
    #[inline(always)]
    pub(super) fn flat(&self, k: usize) -> Range<usize> {
        let start = self.row * self.dim + self.from;
        start + k..start + (k + LANES).min(self.len())
    }

    /// The means of outputs `[rows, 2·dim]`, or as `half` 1 the raw log-deviations.
    #[inline(always)]
    pub(super) fn gather(&self, y: &[f32], half: usize) -> [f32; BLOCK] {
        let mut out = [0.0; BLOCK];
        let from = (2 * self.row + half) * self.dim + self.from;
        for r in 0..self.rows {
            out[r * self.wide..][..self.wide].copy_from_slice(&y[from + 2 * r * self.dim..][..self.wide]);
        }
        out
    }

    /// Where [`gather`](Part::gather) reads.
    #[inline(always)]
    pub(super) fn scatter(&self, values: &[f32; BLOCK], half: usize, dy: &mut [f32]) {
        let from = (2 * self.row + half) * self.dim + self.from;
        for r in 0..self.rows {
            dy[from + 2 * r * self.dim..][..self.wide].copy_from_slice(&values[r * self.wide..][..self.wide]);
        }
    }

    /// The number of its row, for each number.
    #[inline(always)]
    pub(super) fn spread(&self, of_rows: &[f32]) -> [f32; BLOCK] {
        let mut out = [0.0; BLOCK];
        for r in 0..self.rows {
            out[r * self.wide..][..self.wide].fill(of_rows[self.row + r]);
        }
        out
    }

    /// Adds numbers to that of their row.
    #[inline(always)]
    pub(super) fn sum(&self, values: &[f32; BLOCK], of_rows: &mut [f32]) {
        for r in 0..self.rows {
            of_rows[self.row + r] += values[r * self.wide..][..self.wide].iter().sum::<f32>();
        }
    }
}
