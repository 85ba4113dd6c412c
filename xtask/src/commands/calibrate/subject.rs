//! Whose penalties are judged, and by what.

use super::Args;
use crate::commands::train::setup;
use crate::out;
use mbrl_agents::{Agent, Amount, RunConfig, RunDir, SacPolicy, Trained, collect, load_agent};
use mbrl_buffer::{Recording, Split};
use mbrl_core::{
    Belief, Context, Dataset, Error, FitData, Key, NullRecorder, Result, Space, Spec, Spread, Task,
    TransitionBatch,
};
use mbrl_envs::Entry;
use mbrl_models::{Ensemble, EnsembleConfig, Oracle};
use serde::Serialize;
use std::borrow::Cow;
use std::path::Path;

/// A model, what it has not been fitted to, and what is known of its world.
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) spec: Spec,
    pub(super) env: Option<String>,
    /// The true dynamics, or why there are none.
    pub(super) oracle: Result<Oracle, String>,
    /// Whole episodes one after the other, which the model has not been fitted to.
    pub(super) held: TransitionBatch,
    /// What else is to be told.
    pub(super) notes: Vec<String>,
    pub(super) mind: Mind,
}

/// Where the model comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Kind {
    Run { algo: String, preset: String, env_steps: u64 },
    Data { preset: String, fitted: usize, epochs: usize },
}

/// Who believes something of the world.
pub(super) enum Mind {
    Learnt(Trained),
    Fitted(Box<dyn Belief>, Vec<u16>),
}

/// What imagines.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) spread: &'a dyn Spread,
    /// The members to imagine with.
    pub(super) members: &'a [u16],
}

/// How long an episode is where the task sets no time limit.
const UNLIMITED: u64 = 1_000;
/// The share of a dataset's rows that is held out, by whole episodes.
const HELD_OUT: f64 = 0.2;
const EPOCHS: u32 = 100;

impl Subject {
    pub(super) fn open(args: &Args, key: Key) -> Result<Self> {
        match args.dataset() {
            None => Subject::of_run(args, key),
            Some(_) => Subject::of_data(args, key),
        }
    }

    fn of_run(args: &Args, key: Key) -> Result<Self> {
        for (flag, given) in [
            ("env", args.env.is_some()),
            ("preset", args.preset.is_some()),
            ("epochs", args.epochs.is_some()),
            ("time-limit", args.reading.time_limit.is_some()),
        ] {
            if given {
                return Err(Error::invalid(format_args!(
                    "--{flag} is for datasets, and this is a run: leave it out"
                )));
            }
        }
        let run = RunDir::open(&args.path)?;
        let config = run.config()?;
        let entry = mbrl_envs::find(&config.env)?;
        let trained = load_agent(&run, &setup(entry))?;
        trained.warnings.iter().for_each(|warning| out::progress(format_args!("warning: {warning}")));
        check_mind(&config, trained.agent.as_ref())?;
        let episodes = args.episodes.unwrap_or(if trained.agent.network().is_some() { 20 } else { 5 });
        out::progress(format_args!("{episodes} fresh episodes of {} on {}", config.algo, config.env));
        let held = episodes_of(trained.agent.as_ref(), entry, episodes, key.child("fresh"))?;
        Ok(Subject {
            kind: Kind::Run { algo: config.algo, preset: config.preset, env_steps: trained.env_steps },
            path: args.path.display().to_string(),
            spec: entry.spec(),
            env: Some(config.env),
            oracle: oracle(entry),
            held,
            notes: Vec::new(),
            mind: Mind::Learnt(trained),
        })
    }

    fn of_data(args: &Args, key: Key) -> Result<Self> {
        if args.episodes.is_some() {
            return Err(Error::invalid(
                "--episodes is for runs: of a dataset a fifth of its own is held out",
            ));
        }
        let recording = args.reading.open(&args.path)?;
        recording.notes().iter().for_each(|note| out::progress(format_args!("note: {note}")));
        let (entry, mut notes) = (world(args, &recording)?, Vec::new());
        let spec = match entry {
            Some(entry) => entry.spec(),
            None => bare_spec(&recording)?,
        };
        recording.check_fits(&spec).with_context(|| entry.map_or("its spaces", |entry| entry.name))?;
        let oracle = match (entry, &recording.about().env) {
            (Some(entry), _) => oracle(entry),
            (None, Some(name)) => Err(format!("this build has no environment called `{name}`")),
            (None, None) => Err("nobody said which environment it is: `--env` would".to_owned()),
        };
        let split = Split::by_episode(&recording.to_replay()?, HELD_OUT, None, key.child("split"))
            .context("holding episodes out")?;
        let preset = args.preset.clone().unwrap_or_else(|| "fast".to_owned());
        let mut config = ensemble(&preset)?;
        config.stop.max_epochs = Some(args.epochs.unwrap_or(EPOCHS) as usize);
        // What learns offline is told when episodes end and learns what is earned.
        let termination = entry.and_then(|entry| entry.task().termination);
        let task = Task { reward: None, termination };
        let mut ensemble = Ensemble::new(&spec, &task, config, key.child("model"))?;
        out::progress(format_args!("fitting an ensemble to {} transitions", split.train.len()));
        let data = FitData { data: &recording, train: &split.train, holdout: &[] };
        let fit = ensemble.fit(data, key.child("fit"), &mut NullRecorder)?;
        let mut held = TransitionBatch::new(spec.dims());
        recording.gather(&split.holdout, &mut held)?;
        notes.push(format!(
            "The ensemble was fitted to {} transitions for {} passes; whole episodes of {} transitions were held out.",
            split.train.len(),
            fit.epochs,
            split.holdout.len()
        ));
        Ok(Subject {
            kind: Kind::Data { preset, fitted: split.train.len(), epochs: fit.epochs },
            path: args.path.display().to_string(),
            spec,
            env: entry.map(|entry| entry.name.to_owned()).or_else(|| recording.about().env.clone()),
            oracle,
            held,
            notes,
            mind: Mind::Fitted(Box::new(ensemble), fit.elites),
        })
    }

    pub(super) fn model(&self) -> Result<Model<'_>> {
        let (belief, members): (&dyn Belief, &[u16]) = match &self.mind {
            Mind::Learnt(trained) => {
                let mind =
                    trained.agent.mind().ok_or_else(|| Error::unsupported("the agent has lost its model"))?;
                (mind.belief, mind.members)
            }
            Mind::Fitted(belief, elites) => (belief.as_ref(), elites),
        };
        let spread = belief.spread().ok_or_else(|| {
            Error::invalid(
                "its model does not say what its members predict, so that there is no measure of doubt",
            )
        })?;
        Ok(Model { spread, members })
    }

    /// What acts in imagination; nothing where nobody but the data says what is done.
    pub(super) fn policy(&self) -> Option<Cow<'_, SacPolicy>> {
        match &self.mind {
            Mind::Learnt(trained) => trained.agent.network(),
            Mind::Fitted(..) => None,
        }
    }

    /// After how many steps an episode is cut.
    pub(super) fn limit(&self) -> usize {
        limit(&self.spec) as usize
    }
}

fn limit(spec: &Spec) -> u64 {
    spec.time_limit.map_or(UNLIMITED, u64::from)
}

/// Refuses an agent that nothing can be measured of, before it acts.
fn check_mind(config: &RunConfig, agent: &dyn Agent) -> Result<()> {
    let Some(mind) = agent.mind() else {
        return Err(Error::invalid(format_args!(
            "{} has no model, or had none yet when it was saved: calibrate a run of `mbpo` or `pets`, or train it further",
            config.algo
        )));
    };
    match mind.belief.spread() {
        Some(_) => Ok(()),
        None => Err(Error::invalid(format_args!(
            "the model of {} does not say what its members predict, so that there is no measure of its doubt",
            config.algo
        ))),
    }
}

/// So many whole episodes.
fn episodes_of(agent: &dyn Agent, entry: &Entry, episodes: u32, key: Key) -> Result<TransitionBatch> {
    let amount = Amount::Episodes(episodes.into());
    collect(agent.actor()?.as_mut(), entry.make().as_mut(), amount, key).context("acting afresh")
}

fn oracle(entry: &Entry) -> Result<Oracle, String> {
    let physics = entry.physics().ok_or_else(|| format!("{} does not tell its dynamics", entry.name))?;
    Oracle::new(&entry.spec(), &entry.task(), physics).map_err(|error| error.to_string())
}

/// The environment of a recording, where this build has it.
fn world(args: &Args, recording: &Recording) -> Result<Option<&'static Entry>> {
    match (&args.env, &recording.about().env) {
        (Some(given), Some(said)) if given != said => Err(Error::invalid(format_args!(
            "the file says that it was recorded in `{said}`, and --env says `{given}`: leave --env out"
        ))),
        (Some(given), _) => mbrl_envs::find(given).map(Some),
        (None, Some(said)) => Ok(mbrl_envs::find(said).ok()),
        (None, None) => Ok(None),
    }
}

/// What is known of a world that nobody knows.
fn bare_spec(recording: &Recording) -> Result<Spec> {
    let (dims, about) = (recording.rows().dims(), recording.about());
    let space = |known: &Option<Space>, dim| known.clone().map_or_else(|| Space::unbounded(dim), Ok);
    Ok(Spec::new(space(&about.obs, dims.obs)?, space(&about.act, dims.act)?))
}

/// The settings of an ensemble: those of MBPO for two cores, or published ones.
fn ensemble(preset: &str) -> Result<EnsembleConfig> {
    if preset != "fast" {
        let published = EnsembleConfig::preset(preset);
        return published.context("--preset, which may also be `fast`");
    }
    let agent = RunConfig::new("mbpo", Some("fast"))?.agent;
    serde_json::from_value(agent["model"].clone()).map_err(Error::backend)
}

/// The name of a file or folder, as a title.
pub(super) fn name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}
