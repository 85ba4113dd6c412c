//! The agent: acts by its actor, keeps what it sees, updates so many times a step.

use super::{Discount, SacBatch, SacConfig, SacLearner, SacLosses, SacPolicy};
use crate::{Actor, Agent, PolicyActor, Setup, SingleRow};
use mbrl_buffer::{NStepBatch, ReplayBuffer};
use mbrl_core::{Context, Error, Key, Mode, Recorder, Result, Spec, Transition, UniformPolicy};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{Read, Write};

/// Soft actor-critic that learns from the world alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SacAgentConfig {
    /// How it learns.
    pub sac: SacConfig,
    /// So many steps are done at random before it learns.
    pub initial_steps: u64,
    /// Updates in every step after these.
    pub updates_per_step: u64,
    /// Over how many steps a reward is summed before the critics are asked.
    pub n_step: usize,
    /// How many transitions are kept.
    pub capacity: usize,
}

/// That of softlearning.
impl Default for SacAgentConfig {
    fn default() -> Self {
        SacAgentConfig {
            sac: SacConfig::default(),
            initial_steps: 1_000,
            updates_per_step: 1,
            n_step: 1,
            capacity: 1_000_000,
        }
    }
}

impl SacAgentConfig {
    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        self.sac.validate().context("sac")?;
        for (name, number) in [("n_step", self.n_step), ("capacity", self.capacity)] {
            if number == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: give at least 1")));
            }
        }
        if self.initial_steps == 0 {
            return Err(Error::invalid(
                "initial_steps is 0: there is nothing to learn from yet: give at least 1",
            ));
        }
        Ok(())
    }

    /// The same cut down, so that all of it has happened within a hundred steps.
    pub(crate) fn quick(mut self) -> Self {
        self.sac = self.sac.quick();
        self.initial_steps = self.initial_steps.min(20);
        self.capacity = self.capacity.min(1_000);
        self
    }
}

/// Acts by its actor, keeps what it sees, updates so many times a step.
///
/// Its metrics, at the end of an episode: `sac/critic_loss`, `sac/value`, `sac/entropy` and `sac/temperature`, in the mean
/// over the updates since the last one.
pub struct SacAgent {
    config: SacAgentConfig,
    discount: f32,
    random: UniformPolicy,
    learner: SacLearner,
    buffer: ReplayBuffer,
    kept: Kept,
    /// Whether the step observed last ended its episode.
    over: bool,
    row: SingleRow,
    drawn: NStepBatch,
    batch: SacBatch,
}

/// What it remembers besides data and networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    steps: u64,
    tally: SacTally,
}

/// Losses since they were last recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SacTally {
    updates: u64,
    critic: f64,
    value: f64,
    entropy: f64,
    temperature: f64,
}

impl SacTally {
    pub(crate) fn add(&mut self, losses: SacLosses) {
        self.updates += 1;
        self.critic += losses.critic;
        self.value += losses.value;
        self.entropy += losses.entropy;
        self.temperature += losses.temperature;
    }

    /// Records the means, and begins anew.
    pub(crate) fn record(&mut self, recorder: &mut dyn Recorder) {
        let tally = std::mem::take(self);
        if tally.updates == 0 {
            return;
        }
        for (name, sum) in [
            ("sac/critic_loss", tally.critic),
            ("sac/value", tally.value),
            ("sac/entropy", tally.entropy),
            ("sac/temperature", tally.temperature),
        ] {
            recorder.scalar(name, sum / tally.updates as f64);
        }
    }
}

impl SacAgent {
    /// An agent that has seen nothing.
    pub fn new(config: SacAgentConfig, setup: &Setup, key: Key) -> Result<Self> {
        config.validate()?;
        let spec: &Spec = &setup.spec;
        Ok(SacAgent {
            discount: spec.discount,
            random: UniformPolicy::new(spec)?,
            learner: SacLearner::new(config.sac.clone(), spec, 1, key.child("policy"))?,
            buffer: ReplayBuffer::new(spec.dims(), config.capacity)?,
            kept: Kept::default(),
            over: false,
            row: SingleRow::default(),
            drawn: NStepBatch::new(spec.dims()),
            batch: SacBatch::default(),
            config,
        })
    }

    /// What learns.
    pub fn learner(&self) -> &SacLearner {
        &self.learner
    }

    /// What it has seen.
    pub fn buffer(&self) -> &ReplayBuffer {
        &self.buffer
    }

    fn update(&mut self, key: Key) -> Result<()> {
        let SacAgentConfig { n_step, sac, .. } = &self.config;
        let rows = sac.batch;
        self.buffer.sample_n_step(rows, *n_step, self.discount, key.child("batch"), &mut self.drawn)?;
        self.batch.reshape(1, rows, self.buffer.dims());
        let discount = Discount::Each(&self.drawn.discount);
        self.batch.put(0, &self.drawn.rows, discount, self.learner.space())?;
        self.kept.tally.add(self.learner.update(&self.batch, key)?);
        Ok(())
    }
}

impl Agent for SacAgent {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        if self.kept.steps < self.config.initial_steps {
            return self.row.act(&self.random, Mode::Sample, obs, key, act);
        }
        self.row.act(self.learner.policy(), Mode::Sample, obs, key, act)
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.buffer.push(transition)?;
        self.kept.steps += 1;
        self.over = transition.end.is_end();
        Ok(())
    }

    fn learn(&mut self, _: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        if self.kept.steps >= self.config.initial_steps {
            let keys = key.child("update").below();
            recorder.enter("update");
            let done = (0..self.config.updates_per_step).try_for_each(|i| self.update(keys.at(i)));
            recorder.leave();
            done?;
        }
        if std::mem::take(&mut self.over) {
            self.kept.tally.record(recorder);
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.buffer.cut_episodes();
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Ok(Box::new(PolicyActor::new(self.learner.policy())))
    }

    fn network(&self) -> Option<Cow<'_, SacPolicy>> {
        Some(Cow::Borrowed(self.learner.policy()))
    }

    fn replay(&self) -> Option<&ReplayBuffer> {
        Some(&self.buffer)
    }

    fn save(&self, mut out: &mut dyn Write) -> Result<()> {
        self.buffer.write_to(&mut out)?;
        self.learner.save(out)?;
        crate::keep::write(&self.kept, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let buffer = crate::keep::buffer(&self.buffer, from)?;
        self.learner.load(from)?;
        self.kept = crate::keep::read(from)?;
        self.buffer = buffer;
        Ok(())
    }
}

impl std::fmt::Debug for SacAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SacAgent").field("config", &self.config).finish_non_exhaustive()
    }
}
