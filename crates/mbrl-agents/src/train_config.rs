//! How long to train, and how often to look up from it.

use mbrl_core::{Error, Key, Result};
use serde::{Deserialize, Serialize};

/// What a [`Trainer`](crate::Trainer) is told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// What all randomness of the run grows from.
    pub seed: u64,
    /// Steps in the real environment.
    pub steps: u64,
    /// How it is evaluated.
    pub eval: EvalConfig,
    /// When it is saved.
    pub checkpoint: CheckpointConfig,
}

/// How a run is evaluated: before the first step, after the last, and so often between.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvalConfig {
    /// Steps in the real environment from one evaluation to the next.
    pub every: u64,
    /// Episodes in each evaluation, from the same start states each time.
    pub episodes: u64,
    /// Training stops once an evaluation's mean return is at least this.
    pub target: Option<f64>,
}

/// When a run is saved: so often, at its end, and when it is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Steps in the real environment from one checkpoint to the next.
    pub every: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig { seed: 0, steps: 10_000, eval: EvalConfig::default(), checkpoint: Default::default() }
    }
}

impl Default for EvalConfig {
    fn default() -> Self {
        EvalConfig { every: 1_000, episodes: 10, target: None }
    }
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        CheckpointConfig { every: 1_000 }
    }
}

impl TrainConfig {
    /// Refuses what trains nothing or can never be reached.
    pub fn validate(&self) -> Result<()> {
        let refuse = |what: &str| Err(Error::invalid(what));
        if self.steps == 0 {
            return refuse("0 steps train nothing: give steps at least 1");
        }
        if self.eval.every == 0 {
            return refuse("eval.every is 0: give at least 1 step from one evaluation to the next");
        }
        if self.eval.episodes == 0 {
            return refuse("eval.episodes is 0: give at least 1");
        }
        if self.eval.target.is_some_and(|target| !target.is_finite()) {
            return refuse("eval.target is not finite: give a return, or null");
        }
        if self.checkpoint.every == 0 {
            return refuse("checkpoint.every is 0: give at least 1 step from one checkpoint to the next");
        }
        Ok(())
    }

    /// What all randomness of the run grows from.
    pub fn key(&self) -> Key {
        Key::root(self.seed)
    }

    /// The key that the agent is built with.
    pub fn agent_key(&self) -> Key {
        self.key().child("agent")
    }
}
