//! The agent that does what the data did.

use super::BcConfig;
use crate::offline::Data;
use crate::sac::Cloning;
use crate::{Actor, Agent, PolicyActor, SacPolicy, Setup, keep};
use mbrl_core::{Error, Key, Recorder, Result, Transition, TransitionBatch};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{Read, Write};

/// Behaviour cloning. Its metric is `bc/error`: by how much the recorded actions were missed, the mean square of actions from
/// −1 to 1, over the updates since the last record.
pub struct BcAgent {
    config: BcConfig,
    data: Data,
    cloning: Cloning,
    kept: Kept,
    drawn: TransitionBatch,
}

/// What it remembers besides data and network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    updates: u64,
    error: f64,
}

impl BcAgent {
    /// An agent that has learnt nothing.
    pub fn new(config: BcConfig, setup: &Setup, key: Key) -> Result<Self> {
        Ok(BcAgent {
            data: Data::new("bc", setup)?,
            cloning: Cloning::new(&config.policy, &setup.spec, key.child("policy"))?,
            kept: Kept::default(),
            drawn: TransitionBatch::new(setup.spec.dims()),
            config,
        })
    }
}

impl Agent for BcAgent {
    fn act(&mut self, _: &[f32], _: Key, _: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        Err(Error::unsupported("it learns from data alone: nobody asks it to explore"))
    }

    fn observe(&mut self, _: Transition<'_>) -> Result<()> {
        Err(Error::unsupported("it learns from data alone"))
    }

    fn learn(&mut self, _: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let data = self.data.rows()?;
        data.sample(self.config.policy.batch, key.child("batch"), &mut self.drawn)?;
        let error = recorder.span("update", |_| self.cloning.update(&self.drawn))?;
        self.kept.updates += 1;
        self.kept.error += error;
        if self.kept.updates.is_multiple_of(self.config.record_every) {
            recorder.scalar("bc/error", self.kept.error / self.config.record_every as f64);
            self.kept.error = 0.0;
        }
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Ok(Box::new(PolicyActor::new(self.cloning.policy())))
    }

    fn network(&self) -> Option<Cow<'_, SacPolicy>> {
        Some(Cow::Borrowed(self.cloning.policy()))
    }

    /// Its deviations have learnt nothing.
    fn explorer(&self) -> Option<Cow<'_, SacPolicy>> {
        None
    }

    fn is_offline(&self) -> bool {
        true
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        self.data.save(out)?;
        self.cloning.save(out)?;
        keep::write(&self.kept, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        self.data.check(from)?;
        self.cloning.load(from)?;
        self.kept = keep::read(from)?;
        Ok(())
    }
}

impl std::fmt::Debug for BcAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BcAgent").field("config", &self.config).finish_non_exhaustive()
    }
}
