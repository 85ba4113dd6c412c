//! Weight matrices drawn from a posterior, as a model of as many members.

use super::LinearTarget;
use super::config::LinearFeatures;
use crate::question;
use mbrl_core::{
    Context, Dims, DynamicsModel, End, Lent, Mode, ModelInput, ModelOutput, MomentsMut, Moves, NoiseSpec,
    Result, Rows, Scratch, ScratchSpec, Spread, Task,
};

/// Linear-Gaussian dynamics: each member is a weight matrix and the noise of each output.
///
/// A reward that the task knows is taken from it; else it is the last output. A termination that the task does not know
/// never comes: episodes end in imagination where whoever imagines cuts them.
#[derive(Clone, Debug)]
pub struct LinearModel {
    pub(super) dims: Dims,
    pub(super) target: LinearTarget,
    pub(super) features: LinearFeatures,
    /// Features, the constant among them.
    pub(super) inputs: usize,
    /// The observation's numbers, and the reward where it is learnt.
    pub(super) outputs: usize,
    /// `[members, outputs, inputs]`
    pub(super) weights: Vec<f64>,
    /// Standard deviations of the noise, `[members, outputs]`.
    pub(super) deviations: Vec<f64>,
    pub(super) task: Task,
}

impl LinearModel {
    /// The weights of a member, `[outputs, features]`; the last feature is the constant.
    ///
    /// # Panics
    ///
    /// Where there is no such member.
    pub fn weights(&self, member: usize) -> &[f64] {
        let len = self.outputs * self.inputs;
        &self.weights[member * len..(member + 1) * len]
    }

    /// The standard deviations of a member's noise, `[outputs]`.
    ///
    /// # Panics
    ///
    /// Where there is no such member.
    pub fn deviations(&self, member: usize) -> &[f64] {
        &self.deviations[member * self.outputs..(member + 1) * self.outputs]
    }

    /// The mean of an output in units of the world: a difference is added to what it is the difference to.
    #[inline]
    pub(super) fn mean(&self, weights: &[f64], features: &[f64], obs: &[f32], output: usize) -> f64 {
        let of_output = &weights[output * self.inputs..][..self.inputs];
        let sum: f64 = of_output.iter().zip(features).map(|(w, x)| w * x).sum();
        match obs.get(output) {
            Some(x) if self.target == LinearTarget::Delta => f64::from(*x) + sum,
            _ => sum,
        }
    }

    fn scratch(&self) -> ScratchSpec {
        ScratchSpec { doubles: self.inputs, ..ScratchSpec::default() }
    }
}

impl DynamicsModel for LinearModel {
    fn state_dim(&self) -> usize {
        self.dims.obs
    }

    fn act_dim(&self) -> usize {
        self.dims.act
    }

    fn members(&self) -> usize {
        self.deviations.len() / self.outputs
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: self.outputs, uniforms: 0 }
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        question::check(self, &input, &out)?;
        let Lent { doubles: features, .. } = scratch.lend(self.scratch());
        for row in 0..input.state.len() {
            let (obs, member) = (input.state.row(row), usize::from(input.member[row]));
            self.features.write(obs, input.act.row(row), features);
            let (weights, deviations) = (self.weights(member), self.deviations(member));
            let value = |output: usize| {
                let mean = self.mean(weights, features, obs, output);
                match input.mode {
                    Mode::Mean => mean as f32,
                    Mode::Sample => {
                        let normal = f64::from(input.noise.normals.row(row)[output]);
                        (mean + deviations[output] * normal) as f32
                    }
                }
            };
            let next = out.next_state.row_mut(row).iter_mut().chain(std::iter::once(&mut out.reward[row]));
            next.zip(0..self.outputs).for_each(|(out, output)| *out = value(output));
        }
        question::check_finite("successor", out.next_state.view(), input.member)?;
        let moves = Moves { obs: input.state, act: input.act, next_obs: out.next_state.view() };
        if let Some(reward) = &self.task.reward {
            reward.reward(moves, out.reward).context("known reward of imagined moves")?;
        }
        match &self.task.termination {
            Some(termination) => {
                termination.end(moves, out.end).context("known termination of imagined moves")?;
            }
            None => out.end.fill(End::Running),
        }
        question::check_rewards(out.reward, input.member)
    }
}

impl Spread for LinearModel {
    fn moment_dim(&self) -> usize {
        self.outputs
    }

    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        mut out: MomentsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        question::check_moments(self, state, act, &out)?;
        let Lent { doubles: features, .. } = scratch.lend(self.scratch());
        for (member, (mean, variance)) in out.members_mut().enumerate() {
            let (weights, deviations) = (self.weights(member), self.deviations(member));
            let rows = mean.chunks_exact_mut(self.outputs).zip(variance.chunks_exact_mut(self.outputs));
            for (row, (mean, variance)) in rows.enumerate() {
                let obs = state.row(row);
                self.features.write(obs, act.row(row), features);
                for output in 0..self.outputs {
                    mean[output] = self.mean(weights, features, obs, output) as f32;
                    variance[output] = (deviations[output] * deviations[output]) as f32;
                }
            }
            let mean = Rows::new(mean, self.outputs)?;
            if let Some((row, column)) = mean.find_non_finite() {
                let number = mean.row(row)[column];
                return Err(mbrl_core::Error::non_finite(format_args!(
                    "member {member}, row {row}: mean[{column}] is {number}"
                )));
            }
        }
        Ok(())
    }
}
