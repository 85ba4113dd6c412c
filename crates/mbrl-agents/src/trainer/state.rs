//! What a checkpoint holds of the trainer itself.

use crate::recorder::Pending;
use crate::store::Lengths;
use crate::{Evaluation, RunConfig, leaves};
use mbrl_core::{Dims, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Steps done in the real environment.
    pub(crate) env_steps: u64,
    /// Episodes that are over.
    pub(crate) episodes: u64,
    /// The number of steps at which the agent was evaluated last.
    pub(crate) evaluated_at: Option<u64>,
    /// Whether a callback, or the agent, said that the run has reached what it was for.
    pub(crate) finished_early: bool,
    pub(crate) last: Option<Evaluation>,
    pub(crate) best: Option<Evaluation>,
}

/// The episode that is running. Its memory is kept from one to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Episode {
    pub(crate) is_running: bool,
    pub(crate) obs: Vec<f32>,
    pub(crate) next_obs: Vec<f32>,
    pub(crate) act: Vec<f32>,
    pub(crate) total: f64,
    pub(crate) length: u64,
    /// Steps done in the real environment when it began.
    pub(crate) start: u64,
    /// What was done since, one action after the other.
    pub(crate) actions: Vec<f32>,
}

impl Episode {
    pub(crate) fn new(dims: Dims) -> Self {
        let (obs, act) = (vec![0.0; dims.obs], vec![0.0; dims.act]);
        Episode { next_obs: obs.clone(), obs, act, ..Episode::default() }
    }

    /// Begins an episode whose first observation is already in `obs`.
    pub(crate) fn begin(&mut self, start: u64) {
        self.actions.clear();
        (self.is_running, self.total, self.length, self.start) = (true, 0.0, 0, start);
    }
}

/// All of a run but environment and agent. Numbers whose bits count are stored as bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    /// The [whole](whole) configuration of the run.
    pub(crate) config: Value,
    pub(crate) dims: [usize; 2],
    pub(crate) progress: Progress,
    pub(crate) episode: Option<SavedEpisode>,
    pub(crate) lengths: Lengths,
    pub(crate) pending: SavedPending,
}

/// A configuration with every setting of its algorithm written out, so that one left to its default is the same as one given.
pub(crate) fn whole(config: &RunConfig) -> Result<Value> {
    let agent = config.algorithm()?.complete(&config.agent)?;
    serde_json::to_value(RunConfig { agent, ..config.clone() }).map_err(Error::backend)
}

/// A setting in which two configurations differ.
pub(super) struct Difference {
    pub(super) path: String,
    pub(super) left: String,
    pub(super) right: String,
}

/// More steps, or fewer, are the same training for longer; a dataset may have moved, and is known again by what is in it.
const FREE: [&str; 2] = ["steps", "data"];

/// The first setting in which two configurations differ that has to be the same.
pub(super) fn difference(left: &Value, right: &Value) -> Option<Difference> {
    let (left, right): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (leaves(left).into_iter().collect(), leaves(right).into_iter().collect());
    let show = |value: Option<&&Value>| value.map_or("not there".to_owned(), |value| value.to_string());
    let path = left
        .keys()
        .chain(right.keys())
        .find(|path| !FREE.contains(&path.as_str()) && left.get(*path) != right.get(*path))?;
    Some(Difference { path: path.clone(), left: show(left.get(path)), right: show(right.get(path)) })
}

impl Saved {
    /// Refuses to be gone on with under another configuration, as [`whole`] gives it.
    pub(crate) fn check_config(&self, now: &Value) -> Result<()> {
        match difference(now, &self.config) {
            None => Ok(()),
            Some(Difference { path, left, right }) => Err(Error::invalid(format_args!(
                "{path} is {left} in config.json, and was {right} when this was saved: put it back, or begin anew in \
                 another folder"
            ))),
        }
    }

    /// Refuses an environment of another kind, and an end that is past already.
    pub(super) fn check_goes_on(&self, steps: u64, dims: Dims) -> Result<()> {
        let [obs, act] = self.dims;
        if self.dims != [dims.obs, dims.act] {
            return Err(Error::invalid(format_args!(
                "the environment observes {} numbers and takes {}, and when this was saved it was {obs} and {act}: \
                 begin anew in another folder",
                dims.obs, dims.act
            )));
        }
        let done = self.progress.env_steps;
        if steps < done {
            return Err(Error::invalid(format_args!(
                "steps is {steps}, and {done} are done: give at least as many"
            )));
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedEpisode {
    obs: Vec<u32>,
    total: u64,
    length: u64,
    start: u64,
    actions: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedPending {
    env_steps: u64,
    scalars: Vec<(String, u64)>,
    wall: Duration,
}

impl Episode {
    pub(crate) fn to_saved(&self) -> Option<SavedEpisode> {
        let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect();
        self.is_running.then(|| SavedEpisode {
            obs: bits(&self.obs),
            total: self.total.to_bits(),
            length: self.length,
            start: self.start,
            actions: bits(&self.actions),
        })
    }

    pub(crate) fn restore(&mut self, saved: &SavedEpisode) {
        let numbers = |bits: &[u32]| bits.iter().map(|bits| f32::from_bits(*bits)).collect();
        self.is_running = true;
        self.obs = numbers(&saved.obs);
        self.actions = numbers(&saved.actions);
        (self.total, self.length, self.start) = (f64::from_bits(saved.total), saved.length, saved.start);
    }
}

impl From<Pending> for SavedPending {
    fn from(pending: Pending) -> Self {
        let scalars = pending.scalars.into_iter().map(|(name, value)| (name, value.to_bits())).collect();
        SavedPending { env_steps: pending.env_steps, scalars, wall: pending.wall }
    }
}

impl From<SavedPending> for Pending {
    fn from(saved: SavedPending) -> Self {
        let scalars = saved.scalars.into_iter().map(|(name, bits)| (name, f64::from_bits(bits))).collect();
        Pending { env_steps: saved.env_steps, scalars, wall: saved.wall }
    }
}
