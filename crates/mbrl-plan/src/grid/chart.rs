//! A grid, and how its coordinates and observations belong to each other.

use super::{Axis, MOST_VALUES};
use mbrl_core::{Error, Result};
use std::fmt;
use std::sync::Arc;

/// As many directions as a grid may have: more have more points than a computer.
pub(super) const MOST_AXES: usize = 4;

type Observe = dyn Fn(&[f64], &mut [f32]) + Send + Sync;
type Locate = dyn Fn(&[f32], &mut [f64]) + Send + Sync;

/// A grid of a few coordinates that an observation determines.
///
/// ```
/// use mbrl_plan::{Axis, Grid};
/// use std::f64::consts::PI;
///
/// // A pendulum is observed as (cos θ, sin θ, ω), and its state is (θ, ω).
/// let grid = Grid::new(
///     vec![Axis::periodic(-PI, PI, 101)?, Axis::clamped(-8.0, 8.0, 81)?],
///     3,
///     |at, obs| obs.copy_from_slice(&[at[0].cos() as f32, at[0].sin() as f32, at[1] as f32]),
///     |obs, at| at.copy_from_slice(&[f64::from(obs[1]).atan2(f64::from(obs[0])), f64::from(obs[2])]),
/// )?;
/// assert_eq!(grid.points(), 101 * 81);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Grid {
    axes: Vec<Axis>,
    obs_dim: usize,
    observe: Arc<Observe>,
    locate: Arc<Locate>,
    /// How far apart neighbours are in a padded table, `[axes]`.
    strides: Vec<usize>,
    /// Of each entry of a padded table the point whose value it is: each periodic axis has its first point once more
    /// behind the last, so that the neighbours of a cell are always equally far apart.
    sources: Vec<u32>,
}

/// How far the two closures may lead from a point, in spacings: a multiple of what rounding to `f32` does.
const SLIP: f64 = 0.01;

impl Grid {
    /// The grid of these axes over observations of `obs_dim` numbers: `observe` writes what is observed at coordinates,
    /// `locate` writes the coordinates of what was observed.
    pub fn new(
        axes: Vec<Axis>,
        obs_dim: usize,
        observe: impl Fn(&[f64], &mut [f32]) + Send + Sync + 'static,
        locate: impl Fn(&[f32], &mut [f64]) + Send + Sync + 'static,
    ) -> Result<Self> {
        if axes.is_empty() || axes.len() > MOST_AXES {
            let given = axes.len();
            return Err(Error::invalid(format_args!("a grid of {given} axes: expected 1 to {MOST_AXES}")));
        }
        let entries = axes.iter().try_fold(1usize, |all, axis| all.checked_mul(axis.padded()));
        let Some(entries @ ..=MOST_VALUES) = entries else {
            return Err(Error::invalid(format_args!(
                "a grid of more than {MOST_VALUES} points: give the axes fewer"
            )));
        };
        let mut strides = vec![1; axes.len()];
        for i in (1..axes.len()).rev() {
            strides[i - 1] = strides[i] * axes[i].padded();
        }
        let source = |entry: usize| {
            let on = axes.iter().zip(&strides).map(|(axis, stride)| (axis, entry / stride % axis.padded()));
            on.fold(0, |point, (axis, i)| point * axis.points() + i % axis.points()) as u32
        };
        let sources = (0..entries).map(source).collect();
        let grid =
            Grid { axes, obs_dim, observe: Arc::new(observe), locate: Arc::new(locate), strides, sources };
        grid.check_chart()?;
        Ok(grid)
    }

    /// The grid of these axes where the observation is the coordinates.
    pub fn plain(axes: Vec<Axis>) -> Result<Self> {
        let dim = axes.len();
        Grid::new(
            axes,
            dim,
            |at, obs| obs.iter_mut().zip(at).for_each(|(obs, at)| *obs = *at as f32),
            |obs, at| at.iter_mut().zip(obs).for_each(|(at, obs)| *at = f64::from(*obs)),
        )
    }

    /// The number of points.
    pub fn points(&self) -> usize {
        self.axes.iter().map(Axis::points).product()
    }

    /// Refuses closures that do not undo each other: whoever plans with them plans for another world.
    fn check_chart(&self) -> Result<()> {
        let (mut obs, mut back) = (vec![0.0; self.obs_dim], [0.0; MOST_AXES]);
        for point in 0..self.points() {
            let at = self.coordinates(point);
            let at = &at[..self.axes.len()];
            self.observe_at(point, &mut obs);
            let back = &mut back[..self.axes.len()];
            (self.locate)(&obs, back);
            for (i, axis) in self.axes.iter().enumerate() {
                // A NaN is not near anything.
                let near = axis.distance(at[i], back[i]) <= SLIP * axis.spacing();
                if !near {
                    return Err(Error::invalid(format_args!(
                        "the point {at:?} is observed as {obs:?}, which is located at {back:?}: let the two functions of \
                         the grid undo each other"
                    )));
                }
            }
        }
        Ok(())
    }

    /// The coordinates of a point, the unused ones 0.
    fn coordinates(&self, mut point: usize) -> [f64; MOST_AXES] {
        let mut at = [0.0; MOST_AXES];
        for (at, axis) in at.iter_mut().zip(&self.axes).rev() {
            *at = axis.coordinate(point % axis.points());
            point /= axis.points();
        }
        at
    }

    /// Writes what is observed at a point.
    pub(super) fn observe_at(&self, point: usize, obs: &mut [f32]) {
        (self.observe)(&self.coordinates(point)[..self.axes.len()], obs);
    }

    /// Where in a padded table the cell is that an observation is in, and how far along each axis of it.
    pub(super) fn cell(&self, obs: &[f32]) -> Result<(usize, [f32; MOST_AXES])> {
        let (mut at, mut part) = ([0.0; MOST_AXES], [0.0; MOST_AXES]);
        let at = &mut at[..self.axes.len()];
        (self.locate)(obs, at);
        if at.iter().any(|x| !x.is_finite()) {
            return Err(Error::non_finite(format_args!(
                "the observation {obs:?} is located at {at:?} on the grid"
            )));
        }
        let mut cell = 0;
        for (i, (axis, x)) in self.axes.iter().zip(at).enumerate() {
            let (first, rest) = axis.locate(*x);
            cell += first * self.strides[i];
            part[i] = rest;
        }
        Ok((cell, part))
    }

    /// What `row`, `[points]`, is at an observation: interpolated as the sweeps do.
    pub(super) fn interpolate(&self, row: &[f32], obs: &[f32]) -> Result<f64> {
        let (cell, parts) = self.cell(obs)?;
        let mut sum = 0.0;
        for corner in 0..1usize << self.axes.len() {
            let (mut entry, mut weight) = (cell, 1.0);
            for (axis, stride) in self.strides.iter().enumerate() {
                let (part, far) = (f64::from(parts[axis]), corner >> axis & 1);
                entry += far * stride;
                weight *= if far == 1 { part } else { 1.0 - part };
            }
            sum += weight * f64::from(row[self.sources[entry] as usize]);
        }
        Ok(sum)
    }

    pub(super) fn dim(&self) -> usize {
        self.axes.len()
    }

    pub(super) fn obs_dim(&self) -> usize {
        self.obs_dim
    }

    pub(super) fn strides(&self) -> &[usize] {
        &self.strides
    }

    pub(super) fn sources(&self) -> &[u32] {
        &self.sources
    }
}

impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("axes", &self.axes)
            .field("obs_dim", &self.obs_dim)
            .finish_non_exhaustive()
    }
}
