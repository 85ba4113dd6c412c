//! A policy as an actor.

use crate::Actor;
use mbrl_core::{Key, Mode, Noise, NoiseBuf, Policy, Result, Rows, RowsMut, Scratch};
use std::fmt;

/// Acts by the first member of a policy, which remembers nothing between steps.
pub struct PolicyActor<'a> {
    policy: &'a dyn Policy,
    mode: Mode,
    row: SingleRow,
}

impl<'a> PolicyActor<'a> {
    /// Acts by the means of `policy`.
    pub fn new(policy: &'a dyn Policy) -> Self {
        PolicyActor { policy, mode: Mode::Mean, row: SingleRow::default() }
    }

    /// Acts by draws from `policy`.
    pub fn sampling(policy: &'a dyn Policy) -> Self {
        PolicyActor { mode: Mode::Sample, ..PolicyActor::new(policy) }
    }
}

impl Actor for PolicyActor<'_> {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32]) -> Result<()> {
        self.row.act(self.policy, self.mode, obs, key, act)
    }
}

impl fmt::Debug for PolicyActor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyActor").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// What it takes to ask a batched policy for a single action: memory that is kept from call to call.
#[derive(Debug, Default)]
pub struct SingleRow {
    noise: NoiseBuf,
    scratch: Scratch,
}

impl SingleRow {
    /// Writes what the first member of `policy` does where `obs` was observed, `[obs]` to `[act]`.
    pub fn act(
        &mut self,
        policy: &dyn Policy,
        mode: Mode,
        obs: &[f32],
        key: Key,
        act: &mut [f32],
    ) -> Result<()> {
        self.act_as(policy, 0, mode, obs, key, act)
    }

    /// The same by another member.
    pub fn act_as(
        &mut self,
        policy: &dyn Policy,
        member: u16,
        mode: Mode,
        obs: &[f32],
        key: Key,
        act: &mut [f32],
    ) -> Result<()> {
        let noise = match mode {
            Mode::Sample => {
                self.noise.fill(policy.noise_spec(), 1, key);
                self.noise.view()
            }
            Mode::Mean => Noise::none(1),
        };
        policy.act(Rows::single(obs), &[member], noise, mode, RowsMut::single(act), &mut self.scratch)
    }
}
