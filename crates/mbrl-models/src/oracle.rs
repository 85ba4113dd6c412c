//! The world itself as a model: exact dynamics, where a simulator can be asked.
//!
//! In the place of a learned model it says what the rest of an algorithm is worth, and it is what a planner is given when
//! nothing has to be learnt.

#[cfg(test)]
mod tests;

use crate::{question, stored};
use mbrl_core::{
    Belief, Context, Dims, DynamicsModel, Error, Fit, FitData, Key, Lent, Mode, ModelInput, ModelOutput,
    MomentsMut, Moves, Noise, NoiseSpec, Physics, Recorder, Result, RewardFn, Rows, RowsMut, Scratch,
    ScratchSpec, Spec, Spread, Task, TerminationFn,
};
use std::io::{Read, Write};
use std::sync::Arc;

/// The exact dynamics, reward and termination of a world, as a model of one member that has nothing to learn.
///
/// In [`Mode::Mean`] normal numbers are 0 and uniform ones ½: the centre of what chance may do. That is the mean of a
/// world that adds its noise, and of one that chooses a successor by a uniform number it is the median; where the likeliest
/// is wanted of a finite world, ask a [`TabularModel`](crate::TabularModel) of its tables.
#[derive(Clone)]
pub struct Oracle {
    physics: Arc<dyn Physics>,
    reward: Arc<dyn RewardFn>,
    termination: Arc<dyn TerminationFn>,
    dims: Dims,
}

const FORMAT: stored::Format =
    stored::Format { tag: *b"mbrlorac", version: 1, what: "saved oracle (nothing)" };

impl Oracle {
    /// The world of these dynamics, whose reward and termination the task must both know.
    pub fn new(spec: &Spec, task: &Task, physics: Arc<dyn Physics>) -> Result<Self> {
        spec.validate()?;
        let missing = |part: &str, mend: &str| {
            Error::invalid(format_args!(
                "the task does not know its {part}, and an oracle cannot learn it: say it with `Task::{mend}`"
            ))
        };
        Ok(Oracle {
            physics,
            reward: task.reward.clone().ok_or_else(|| missing("reward", "rewarding"))?,
            termination: task.termination.clone().ok_or_else(|| missing("termination", "terminating"))?,
            dims: spec.dims(),
        })
    }

    /// Writes the successors with noise at its centre.
    fn centre(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        next_state: RowsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let (rows, NoiseSpec { normals, uniforms }) = (state.len(), self.physics.noise_spec());
        let spec = ScratchSpec { floats: rows * (normals + uniforms), ..ScratchSpec::default() };
        let Lent { floats, .. } = scratch.lend(spec);
        let (zeros, halves) = floats.split_at_mut(rows * normals);
        zeros.fill(0.0);
        halves.fill(0.5);
        let table = |numbers, dim| if dim == 0 { Ok(Rows::blank(rows)) } else { Rows::new(numbers, dim) };
        let noise = Noise { normals: table(zeros, normals)?, uniforms: table(halves, uniforms)? };
        self.physics.successors(state, act, noise, next_state)
    }
}

impl DynamicsModel for Oracle {
    fn state_dim(&self) -> usize {
        self.dims.obs
    }

    fn act_dim(&self) -> usize {
        self.dims.act
    }

    fn members(&self) -> usize {
        1
    }

    fn noise_spec(&self) -> NoiseSpec {
        self.physics.noise_spec()
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        question::check(self, &input, &out)?;
        let next_state = out.next_state.reborrow();
        match input.mode {
            Mode::Sample => self.physics.successors(input.state, input.act, input.noise, next_state),
            Mode::Mean => self.centre(input.state, input.act, next_state, scratch),
        }
        .context("member 0")?;
        // Before reward and termination see it, so that the error is about the successor.
        question::check_finite("successor", out.next_state.view(), input.member)?;
        let moves = Moves { obs: input.state, act: input.act, next_obs: out.next_state.view() };
        self.reward.reward(moves, out.reward).context("member 0")?;
        self.termination.end(moves, out.end).context("member 0")?;
        question::check_rewards(out.reward, input.member)
    }
}

/// A world without chance is certain of its successor; one with chance knows no moments in general.
impl Spread for Oracle {
    fn moment_dim(&self) -> usize {
        self.dims.obs
    }

    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        mut out: MomentsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        if self.physics.noise_spec() != NoiseSpec::default() {
            return Err(Error::unsupported(format_args!(
                "this world draws {:?} a step and its physics does not tell the moments: learn a model that does",
                self.physics.noise_spec()
            )));
        }
        question::check_moments(self, state, act, &out)?;
        for (mean, variance) in out.members_mut() {
            self.centre(state, act, RowsMut::new(mean, self.dims.obs)?, scratch).context("member 0")?;
            variance.fill(0.0);
        }
        Ok(())
    }
}

/// There is nothing to learn and nothing to keep.
impl Belief for Oracle {
    fn fit(&mut self, _: FitData<'_>, _: Key, _: &mut dyn Recorder) -> Result<Fit> {
        Ok(Fit { elites: vec![0], ..Fit::default() })
    }

    fn redraw(&mut self, _: Key) -> Result<()> {
        Ok(())
    }

    fn model(&self) -> &dyn DynamicsModel {
        self
    }

    fn spread(&self) -> Option<&dyn Spread> {
        (self.physics.noise_spec() == NoiseSpec::default()).then_some(self)
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        FORMAT.write(out, &[])
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        FORMAT.read(from, 0).map(drop)
    }
}

impl std::fmt::Debug for Oracle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oracle").field("dims", &self.dims).finish_non_exhaustive()
    }
}
