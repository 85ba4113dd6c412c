//! How MBPO learns.

use super::{Schedule, TheoryConfig};
use crate::{Known, SacConfig, quick};
use mbrl_core::{Context, Error, Result};
use mbrl_models::EnsembleConfig;
use serde::{Deserialize, Serialize};

/// MBPO's settings. The default is that of the official code on most tasks, with the hopper's rollouts.
///
/// A file has to say all of them: what is left out of one that began as another preset would be the hopper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MbpoConfig {
    /// What is believed of the world.
    pub model: EnsembleConfig,
    /// Whether the reward is what the task says it is: it is learnt.
    pub reward: Known,
    /// Whether the termination is what the task says it is: it is given.
    pub termination: Known,
    /// How the policy learns.
    pub sac: SacConfig,
    /// So many steps are done at random before anything is learnt: 5,000.
    pub initial_steps: u64,
    /// After how many steps the model is fitted again, and imagined with: 250.
    pub model_every: u64,
    /// What is imagined.
    pub rollouts: RolloutConfig,
    /// The share of real transitions in a batch, rounded down to whole rows: 0.05.
    pub real_share: f64,
    /// Updates of the policy in every step, *G*: 20.
    pub updates_per_step: u64,
    /// How many real transitions are kept: 1,000,000.
    pub capacity: usize,
    /// What is estimated of the theorems' symbols as the run goes; it changes nothing that is learnt.
    pub theory: TheoryConfig,
}

/// What is imagined whenever the model has been fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutConfig {
    /// Rollouts, each from a state drawn uniformly from those seen: 100,000, which is *M* = 400 for each of 250 steps.
    pub starts: usize,
    /// How long they are, by epoch: *k*.
    pub length: Schedule,
    /// Steps in the world that make an epoch: 1,000.
    pub epoch: u64,
    /// For how many steps in the world what was imagined is kept: 1,000.
    pub retain: u64,
}

impl Default for MbpoConfig {
    fn default() -> Self {
        MbpoConfig {
            model: EnsembleConfig::default(),
            reward: Known::Learnt,
            termination: Known::Given,
            sac: SacConfig::default(),
            initial_steps: 5_000,
            model_every: 250,
            rollouts: RolloutConfig {
                starts: 100_000,
                length: Schedule { from: 20, to: 150, first: 1, last: 15 },
                epoch: 1_000,
                retain: 1_000,
            },
            real_share: 0.05,
            updates_per_step: 20,
            capacity: 1_000_000,
            theory: TheoryConfig::default(),
        }
    }
}

impl MbpoConfig {
    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        self.model.validate().context("model")?;
        self.sac.validate().context("sac")?;
        self.rollouts.validate().context("rollouts")?;
        self.theory.validate().context("theory")?;
        for (name, number) in [
            ("initial_steps", self.initial_steps),
            ("model_every", self.model_every),
            ("capacity", self.capacity as u64),
        ] {
            if number == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: give at least 1")));
            }
        }
        if !(0.0..=1.0).contains(&self.real_share) {
            return Err(Error::invalid(format_args!("real_share is {}: expected 0 to 1", self.real_share)));
        }
        Ok(())
    }

    /// The same cut down, so that all of it has happened within a hundred steps.
    pub(crate) fn quick(mut self) -> Self {
        self.model = quick::ensemble(self.model);
        self.sac = self.sac.quick();
        self.initial_steps = self.initial_steps.min(20);
        self.model_every = 30;
        self.rollouts = RolloutConfig {
            starts: self.rollouts.starts.min(64),
            length: Schedule { from: 0, to: 2, first: 1, last: 3 },
            epoch: 40,
            retain: 60,
        };
        self.updates_per_step = self.updates_per_step.min(1);
        self.capacity = self.capacity.min(1_000);
        self
    }
}

impl RolloutConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        for (name, number) in [("starts", self.starts as u64), ("epoch", self.epoch), ("retain", self.retain)]
        {
            if number == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: give at least 1")));
            }
        }
        self.length.validate().context("length")
    }

    /// How many imagined transitions are kept when rollouts are so long and made so often.
    pub(crate) fn capacity(&self, length: usize, every: u64) -> Result<usize> {
        let times = usize::try_from(self.retain.div_ceil(every)).unwrap_or(usize::MAX);
        let rows = self.starts.checked_mul(length).and_then(|rows| rows.checked_mul(times));
        rows.filter(|rows| *rows <= u32::MAX as usize).ok_or_else(|| {
            Error::invalid(format_args!(
                "{} rollouts of {length} steps kept {times} times are more transitions than can be numbered: keep fewer",
                self.starts
            ))
        })
    }
}
