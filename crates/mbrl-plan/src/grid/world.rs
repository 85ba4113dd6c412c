//! What a move on a grid leads to and earns: the true physics, and nothing of the grid's error.

use super::{ActionGrid, Grid};
use mbrl_core::{
    Context, End, Error, Key, Moves, Noise, NoiseBuf, NoiseSpec, Physics, Result, RewardFn, RowBuf, Rows,
    Task, TerminationFn,
};

use std::sync::Arc;

/// A grid in its world.
pub(super) struct World {
    pub(super) grid: Grid,
    pub(super) actions: ActionGrid,
    physics: Arc<dyn Physics>,
    reward: Arc<dyn RewardFn>,
    termination: Arc<dyn TerminationFn>,
    /// The chances that are averaged over, a row each; one row, where there is no chance.
    chances: NoiseBuf,
}

/// What some moves led to.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) next_obs: RowBuf,
    pub(super) reward: Vec<f32>,
    pub(super) end: Vec<End>,
    normals: RowBuf,
    uniforms: RowBuf,
}

impl World {
    pub(super) fn new(
        grid: Grid,
        actions: ActionGrid,
        physics: Arc<dyn Physics>,
        task: &Task,
    ) -> Result<Self> {
        let missing = |part: &str, mend: &str| {
            Error::invalid(format_args!("the task does not know its {part}: say it with `Task::{mend}`"))
        };
        Ok(World {
            grid,
            actions,
            physics,
            reward: task.reward.clone().ok_or_else(|| missing("reward", "rewarding"))?,
            termination: task.termination.clone().ok_or_else(|| missing("termination", "terminating"))?,
            chances: NoiseBuf::default(),
        })
    }

    /// Draws the chances to average over: `None` of a world that must have none.
    pub(super) fn draw(&mut self, draws: Option<(usize, Key)>) -> Result<()> {
        let spec = self.physics.noise_spec();
        match draws {
            None if spec != NoiseSpec::default() => Err(Error::invalid(format_args!(
                "this world draws {spec:?} a step: say over how many draws to average, with `GridProblem::with_draws`"
            ))),
            None => {
                self.chances.fill(spec, 1, Key::root(0));
                Ok(())
            }
            Some((0, _)) => Err(Error::invalid("an average over 0 draws: give at least 1")),
            Some((draws, key)) => {
                self.chances.fill(spec, draws, key);
                Ok(())
            }
        }
    }

    /// How many chances there are.
    pub(super) fn draws(&self) -> usize {
        self.chances.view().normals.len()
    }

    /// Works out what these moves lead to by chance `draw`, the same in every row.
    pub(super) fn moves(&self, obs: Rows<'_>, act: Rows<'_>, draw: usize, out: &mut Outcome) -> Result<()> {
        let rows = obs.len();
        let chances = self.chances.view();
        let repeat = |chance: Rows<'_>, table: &mut RowBuf| {
            table.reshape(rows, chance.dim());
            (0..rows).for_each(|row| table.row_mut(row).copy_from_slice(chance.row(draw)));
        };
        repeat(chances.normals, &mut out.normals);
        repeat(chances.uniforms, &mut out.uniforms);
        out.next_obs.reshape(rows, self.grid.obs_dim());
        out.reward.resize(rows, 0.0);
        out.end.resize(rows, End::Running);
        let noise = Noise { normals: out.normals.view(), uniforms: out.uniforms.view() };
        self.physics.successors(obs, act, noise, out.next_obs.view_mut()).context("physics of the grid")?;
        let at = |row: usize| format!("from {:?} by {:?}", obs.row(row), act.row(row));
        if let Some((row, column)) = out.next_obs.view().find_non_finite() {
            let (at, found) = (at(row), out.next_obs.row(row)[column]);
            return Err(Error::non_finite(format_args!(
                "{at}, the physics leads to {found} in column {column}"
            )));
        }
        let moves = Moves { obs, act, next_obs: out.next_obs.view() };
        self.reward.reward(moves, &mut out.reward).context("reward on the grid")?;
        self.termination.end(moves, &mut out.end).context("termination on the grid")?;
        if let Some(row) = out.reward.iter().position(|reward| !reward.is_finite()) {
            let (at, reward) = (at(row), out.reward[row]);
            return Err(Error::non_finite(format_args!("{at}, the reward is {reward}")));
        }
        Ok(())
    }
}
