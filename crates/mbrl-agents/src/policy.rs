//! A policy that a run has left, to act with.

use crate::{RunDir, SacPolicy, SingleRow};
use mbrl_core::{Error, Key, Mode, Policy as _, Result, Spec};
use std::path::Path;

/// What a run has learnt to do, for plain numbers: no trainer, no environment, no data. `examples/act.rs` is a program that
/// acts with one.
#[derive(Debug)]
pub struct Policy {
    policy: SacPolicy,
    row: SingleRow,
}

impl Policy {
    /// The policy of the newest checkpoint of a run.
    pub fn load(run_dir: impl AsRef<Path>) -> Result<Self> {
        let run = RunDir::open(run_dir)?;
        let Some(policy) = run.read_policy()? else {
            let (place, algo) = (run.path().display(), run.config()?.algo);
            return Err(Error::invalid(format_args!(
                "{place} holds no policy: a run of {algo} has one from its first checkpoint on if {algo} acts by a \
                 network: train it further, or act with `load_agent`"
            )));
        };
        Ok(Policy { policy, row: SingleRow::default() })
    }

    /// What it was trained in.
    pub fn spec(&self) -> &Spec {
        self.policy.spec()
    }

    /// Writes what it does where `obs` was observed, `[obs]` to `[act]`: the mean of its distribution, so always the same.
    pub fn act(&mut self, obs: &[f32], act: &mut [f32]) -> Result<()> {
        let dims = self.spec().dims();
        if (obs.len(), act.len()) != (dims.obs, dims.act) {
            return Err(Error::invalid(format_args!(
                "{} numbers observed and {} to do: this policy takes {} and {}",
                obs.len(),
                act.len(),
                dims.obs,
                dims.act
            )));
        }
        self.row.act(&self.policy, Mode::Mean, obs, Key::root(0), act)
    }
}
