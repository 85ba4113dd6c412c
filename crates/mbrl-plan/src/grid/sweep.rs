//! One sweep over a grid: the value of each point one step earlier.

use super::successors::Successors;
use super::{CHUNK, Grid};

/// Values of a padded grid, and room behind them that is zero: there lead the moves that end the episode.
#[derive(Clone, Debug)]
pub(super) struct Padded {
    values: Vec<f64>,
}

impl Padded {
    pub(super) fn new(grid: &Grid) -> Self {
        Padded { values: vec![0.0; grid.sources().len() + grid.strides().iter().sum::<usize>() + 1] }
    }

    /// Writes the values of the points, `[points]`.
    pub(super) fn set(&mut self, grid: &Grid, values: &[f64]) {
        self.values
            .iter_mut()
            .zip(grid.sources())
            .for_each(|(padded, point)| *padded = values[*point as usize]);
    }
}

/// Writes max_a (r + γ V(s')) of each point, V being `later`: `[points]`.
pub(super) fn sweep(grid: &Grid, successors: &Successors, discount: f64, later: &Padded, now: &mut [f64]) {
    // Branch once on the number of axes, so that the corners of a cell are unrolled.
    match *grid.strides() {
        [a] => sweep_in([a], successors, discount, later, now),
        [a, b] => sweep_in([a, b], successors, discount, later, now),
        [a, b, c] => sweep_in([a, b, c], successors, discount, later, now),
        [a, b, c, d] => sweep_in([a, b, c, d], successors, discount, later, now),
        _ => unreachable!("a grid has one to four axes"),
    }
}

fn sweep_in<const D: usize>(
    strides: [usize; D],
    successors: &Successors,
    discount: f64,
    later: &Padded,
    now: &mut [f64],
) {
    let [actions, draws, _] = successors.shape;
    let scale = discount / draws as f64;
    let parts = successors.parts.as_chunks::<D>().0;
    let run = |(chunk, now): (usize, &mut [f64])| {
        for (i, now) in now.iter_mut().enumerate() {
            let pairs = (chunk * CHUNK + i) * actions..(chunk * CHUNK + i + 1) * actions;
            let moves = pairs.start * draws..pairs.end * draws;
            let cells = successors.cells[moves.clone()].chunks_exact(draws);
            let parts = parts[moves].chunks_exact(draws);
            let worth =
                successors.rewards[pairs].iter().zip(cells.zip(parts)).map(|(reward, (cells, parts))| {
                    let values = cells.iter().zip(parts);
                    let sum: f64 = values
                        .map(|(cell, part)| interpolate(&later.values, *cell as usize, strides, part))
                        .sum();
                    f64::from(*reward) + scale * sum
                });
            *now = worth.fold(f64::NEG_INFINITY, f64::max);
        }
    };
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        now.par_chunks_mut(CHUNK).enumerate().for_each(run);
    }
    #[cfg(not(feature = "rayon"))]
    now.chunks_mut(CHUNK).enumerate().for_each(run);
}

/// The value in a cell, linear along each axis. Exact at the points, whatever stands at the others.
#[inline]
fn interpolate<const D: usize>(values: &[f64], cell: usize, strides: [usize; D], part: &[f32; D]) -> f64 {
    let mut corners = [0.0; 16];
    for (i, corner) in corners[..1 << D].iter_mut().enumerate() {
        let offset: usize = (0..D).map(|axis| (i >> axis & 1) * strides[axis]).sum();
        *corner = values[cell + offset];
    }
    for axis in (0..D).rev() {
        let part = f64::from(part[axis]);
        for i in 0..1 << axis {
            corners[i] = (1.0 - part) * corners[i] + part * corners[i + (1 << axis)];
        }
    }
    corners[0]
}
