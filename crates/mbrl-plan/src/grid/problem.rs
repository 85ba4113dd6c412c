//! A world on a grid, to be solved.

use super::successors::Successors;
use super::sweep::{Padded, sweep};
use super::world::World;
use super::{ActionGrid, Grid, GridPlan, MOST_VALUES};
use crate::tabular::{check_discount, check_discount_below_one, iterate};
use mbrl_core::{Error, Key, Physics, Result, Task};
use std::fmt;
use std::sync::Arc;

/// A world on a grid, with the successors of all moves: to be solved for any horizon and discount.
///
/// A move that ends its episode has no future. A point where an episode would be over has the value of going on from it,
/// which reaches no other point but by interpolation across the border.
///
/// ```
/// use mbrl_core::{Noise, NoiseSpec, Physics, Result, Rows, RowsMut, Space, Task};
/// use mbrl_plan::{ActionGrid, Axis, Grid, GridProblem, Lookahead};
/// use std::sync::Arc;
///
/// /// A place on a line that is moved by what is done.
/// struct Line;
///
/// impl Physics for Line {
///     fn noise_spec(&self) -> NoiseSpec {
///         NoiseSpec::default()
///     }
///     fn successors(&self, obs: Rows<'_>, act: Rows<'_>, _: Noise<'_>, mut next_obs: RowsMut<'_>) -> Result<()> {
///         for i in 0..obs.len() {
///             next_obs.row_mut(i)[0] = obs.row(i)[0] + act.row(i)[0];
///         }
///         Ok(())
///     }
/// }
///
/// let grid = Grid::plain(vec![Axis::clamped(-4.0, 4.0, 9)?])?;
/// let actions = ActionGrid::uniform(&Space::symmetric(1, 1.0)?, 3)?;
/// let task = Task::unknown().rewarding(|_, _, next_obs| -next_obs[0].abs()).terminating(|_, _, _| false);
/// let problem = GridProblem::new(grid, actions, Arc::new(Line), &task)?;
///
/// let plan = problem.finite(10, 1.0)?;
/// assert_eq!(plan.value(0, &[3.0])?, -3.0);
/// let (mut act, mut lookahead) = ([0.0], Lookahead::default());
/// plan.act(0, &[3.0], &mut act, &mut lookahead)?;
/// assert_eq!(act, [-1.0]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub struct GridProblem {
    world: Arc<World>,
    successors: Successors,
}

impl GridProblem {
    /// Works out the successors of all moves in a world without chance, whose reward and termination the task must know.
    pub fn new(grid: Grid, actions: ActionGrid, physics: Arc<dyn Physics>, task: &Task) -> Result<Self> {
        GridProblem::build(World::new(grid, actions, physics, task)?, None)
    }

    /// The same in a world with chance, which is taken to be one of `draws` equally likely ones: the same ones at each
    /// point, by each action and at each step. What is optimal is so on average over these.
    pub fn with_draws(
        grid: Grid,
        actions: ActionGrid,
        physics: Arc<dyn Physics>,
        task: &Task,
        draws: usize,
        key: Key,
    ) -> Result<Self> {
        GridProblem::build(World::new(grid, actions, physics, task)?, Some((draws, key)))
    }

    fn build(mut world: World, draws: Option<(usize, Key)>) -> Result<Self> {
        world.draw(draws)?;
        let successors = Successors::new(&world)?;
        Ok(GridProblem { world: Arc::new(world), successors })
    }

    /// The best plan for `steps` steps, by backward induction from a value of 0 at the horizon.
    pub fn finite(&self, steps: usize, discount: f64) -> Result<GridPlan> {
        check_discount(discount)?;
        let points = self.world.grid.points();
        let size = steps.checked_add(1).and_then(|rows| rows.checked_mul(points));
        let Some(size @ ..=MOST_VALUES) = size else {
            return Err(Error::invalid(format_args!(
                "{steps} steps of {points} points: a plan holds at most {MOST_VALUES} values, so use fewer"
            )));
        };
        let mut rows = vec![0.0f32; size];
        let (mut later, mut now) = (Padded::new(&self.world.grid), vec![0.0; points]);
        for row in rows.chunks_exact_mut(points).rev().skip(1) {
            sweep(&self.world.grid, &self.successors, discount, &later, &mut now);
            later.set(&self.world.grid, &now);
            row.iter_mut().zip(&now).for_each(|(rounded, value)| *rounded = *value as f32);
        }
        GridPlan::new(Arc::clone(&self.world), discount, Some(steps), rows)
    }

    /// The best plan for ever. Values at the points are within `tolerance` of the grid's own fixed point, and then rounded
    /// to `f32`.
    pub fn discounted(&self, discount: f64, tolerance: f64) -> Result<GridPlan> {
        check_discount_below_one(discount, "plan to a horizon with `GridProblem::finite`, or discount")?;
        let grid = &self.world.grid;
        let mut later = Padded::new(grid);
        let (mut values, mut now) = (vec![0.0; grid.points()], vec![0.0; grid.points()]);
        let rest = iterate(discount, tolerance, self.successors.may_end, || {
            sweep(grid, &self.successors, discount, &later, &mut now);
            std::mem::swap(&mut values, &mut now);
            later.set(grid, &values);
            let rises = values.iter().zip(&now).map(|(value, before)| value - before);
            rises
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), rise| (low.min(rise), high.max(rise)))
        })?;
        let row = values.iter().map(|value| (value + rest) as f32).collect();
        GridPlan::new(Arc::clone(&self.world), discount, None, row)
    }
}

impl fmt::Debug for GridProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [actions, draws, _] = self.successors.shape;
        f.debug_struct("GridProblem")
            .field("grid", &self.world.grid)
            .field("actions", &actions)
            .field("draws", &draws)
            .finish_non_exhaustive()
    }
}
