//! What is best to do in a world on a grid, and what it is worth, at any observation.

use super::world::{Outcome, World};
use mbrl_core::{Error, Result, RowBuf};
use std::fmt;
use std::sync::Arc;

/// The values of a grid, and the way to act on them: look one step ahead through the true physics.
#[derive(Clone)]
pub struct GridPlan {
    world: Arc<World>,
    discount: f64,
    /// The horizon; none of a plan for ever.
    steps: Option<usize>,
    /// `[steps + 1, points]`, the last row zero; `[1, points]` of a plan for ever.
    rows: Vec<f32>,
}

/// What [`GridPlan::act`] works in: it keeps its memory.
#[derive(Clone, Debug, Default)]
pub struct Lookahead {
    obs: RowBuf,
    act: RowBuf,
    worths: Vec<f64>,
    outcome: Outcome,
}

/// A search between two actions tries this many evenly spaced ones a round, both included, and goes on between the
/// neighbours of the best.
const SECTION: usize = 17;
const ROUNDS: usize = 4;

impl GridPlan {
    pub(super) fn new(
        world: Arc<World>,
        discount: f64,
        steps: Option<usize>,
        rows: Vec<f32>,
    ) -> Result<Self> {
        if rows.iter().any(|value| !value.is_finite()) {
            return Err(Error::non_finite("values on the grid overflow: use fewer steps or smaller rewards"));
        }
        Ok(GridPlan { world, discount, steps, rows })
    }

    /// For how many steps this plans; none, where it is for ever.
    pub fn steps(&self) -> Option<usize> {
        self.steps
    }

    /// What it is worth to be at `obs` at step `t`, counted from 0: nothing at the horizon. Every step is alike to a plan
    /// for ever.
    ///
    /// Off the grid it is worth what the nearest place on it is worth.
    pub fn value(&self, t: usize, obs: &[f32]) -> Result<f64> {
        self.check(obs)?;
        if self.steps.is_some_and(|steps| t > steps) {
            return Err(self.past_horizon(t));
        }
        self.world.grid.interpolate(self.row(t), obs)
    }

    /// Writes what is best to do at `obs` at step `t`, counted from 0, and returns what it is worth.
    ///
    /// Each action of the list is judged by one step of the true physics and the values of the grid behind it. Where
    /// there is one column of actions from a box, the best is then searched for between its neighbours in the list.
    ///
    /// What acting so earns in the true world was reached and so bounds the optimum from below; the optimum is near where
    /// a finer grid earns no more.
    pub fn act(&self, t: usize, obs: &[f32], act: &mut [f32], lookahead: &mut Lookahead) -> Result<f64> {
        self.check(obs)?;
        if self.steps.is_some_and(|steps| t >= steps) {
            return Err(self.past_horizon(t));
        }
        let list = self.world.actions.rows();
        if act.len() != list.dim() {
            let (dim, len) = (list.dim(), act.len());
            return Err(Error::invalid(format_args!("room for {len} numbers of an action that has {dim}")));
        }
        let later = self.row(t.saturating_add(1));
        lookahead.act.reshape(list.len(), list.dim());
        lookahead.act.view_mut().copy_from(list);
        let (mut best, mut worth) = self.judge(obs, later, lookahead)?;
        act.copy_from_slice(list.row(best));
        let Some(mut between) = self.world.actions.around(best) else { return Ok(worth) };
        for _ in 0..ROUNDS {
            let [low, high] = between;
            let at = |i: usize| low + (high - low) * (i as f32 / (SECTION - 1) as f32);
            lookahead.act.reshape(SECTION, 1);
            (0..SECTION).for_each(|i| lookahead.act.row_mut(i)[0] = at(i).clamp(low, high));
            let found = self.judge(obs, later, lookahead)?;
            // The middle was tried before and is kept where nothing is better.
            if found.1 > worth {
                worth = found.1;
                act[0] = lookahead.act.row(found.0)[0];
            }
            best = found.0;
            between = [at(best.saturating_sub(1)), at((best + 1).min(SECTION - 1)).min(high)];
        }
        Ok(worth)
    }

    /// The best of the actions in `lookahead`, and what it is worth.
    fn judge(&self, obs: &[f32], later: &[f32], lookahead: &mut Lookahead) -> Result<(usize, f64)> {
        let Lookahead { obs: table, act, worths, outcome } = lookahead;
        table.reshape(act.len(), obs.len());
        (0..act.len()).for_each(|row| table.row_mut(row).copy_from_slice(obs));
        worths.clear();
        worths.resize(act.len(), 0.0);
        for draw in 0..self.world.draws() {
            self.world.moves(table.view(), act.view(), draw, outcome)?;
            for (row, worth) in worths.iter_mut().enumerate() {
                *worth += f64::from(outcome.reward[row]);
                if outcome.end[row].bootstraps() {
                    *worth +=
                        self.discount * self.world.grid.interpolate(later, outcome.next_obs.row(row))?;
                }
            }
        }
        let mut best = (0, f64::NEG_INFINITY);
        for (row, worth) in worths.iter().enumerate() {
            if *worth > best.1 {
                best = (row, *worth);
            }
        }
        Ok((best.0, best.1 / self.world.draws() as f64))
    }

    fn row(&self, t: usize) -> &[f32] {
        let points = self.world.grid.points();
        let t = if self.steps.is_some() { t } else { 0 };
        &self.rows[t * points..(t + 1) * points]
    }

    fn check(&self, obs: &[f32]) -> Result<()> {
        let dim = self.world.grid.obs_dim();
        if obs.len() != dim {
            return Err(Error::invalid(format_args!(
                "an observation of {} numbers on a grid of {dim}",
                obs.len()
            )));
        }
        match obs.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(i) => Err(Error::non_finite(format_args!("obs[{i}] is {}: give finite numbers", obs[i]))),
        }
    }

    #[cold]
    fn past_horizon(&self, t: usize) -> Error {
        let steps = self.steps.unwrap_or(usize::MAX);
        Error::invalid(format_args!(
            "step {t} of a plan for {steps} steps: plan for more, or ask for an earlier one"
        ))
    }
}

impl fmt::Debug for GridPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GridPlan")
            .field("grid", &self.world.grid)
            .field("discount", &self.discount)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}
