//! The datasets of the offline figures: who acted, and what was kept of it.

use super::super::Scale;
use crate::commands::data::{Source, record, reference, relabel};
use crate::commands::train;
use crate::{cargo, out};
use mbrl_agents::{RunConfig, RunDir, Trainer};
use mbrl_buffer::Recording;
use mbrl_core::{Context, Error, Key, Result, SystemClock};
use std::path::PathBuf;
use std::sync::Arc;

/// A dataset of the project's own making. The names say, as D4RL's do, who acted: `random`, a half-trained agent (`medium`),
/// what that agent had learnt from (`medium-replay`), or half of it a half-trained and half a trained one (`medium-expert`).
#[derive(Debug)]
pub(in super::super) struct Dataset {
    pub(in super::super) name: &'static str,
    pub(in super::super) env: &'static str,
    pub(super) who: Who,
    /// How many transitions, at most.
    pub(super) rows: usize,
    /// Who scores 100.
    pub(super) expert: &'static Behaviour,
    /// The environment whose task judges the moves, where it is another.
    pub(super) judged_by: Option<&'static str>,
}

/// Who acted.
#[derive(Debug)]
pub(super) enum Who {
    Random,
    Act(&'static [&'static Behaviour]),
    Replay(&'static Behaviour),
}

/// An agent that was trained to be recorded, from seed 100.
#[derive(Debug)]
pub(super) struct Behaviour {
    pub(super) name: &'static str,
    pub(super) env: &'static str,
    pub(super) preset: &'static str,
    pub(super) steps: u64,
    /// Steps from one evaluation to the next, and episodes in each.
    pub(super) eval: (u64, u64),
    /// It is stopped once it earns so much.
    pub(super) target: Option<f64>,
    pub(super) set: &'static [&'static str],
}

const SEED: u64 = 100;

impl Dataset {
    /// Its file, from the root of the tree.
    pub(in super::super) fn file(&self, scale: Scale) -> String {
        let file = scale.folder().join("data").join(self.name).with_extension("mbrl");
        file.strip_prefix(cargo::root()).unwrap_or(&file).display().to_string()
    }

    /// What is in its file, which is made where it is not there yet.
    pub(in super::super) fn open(&self, scale: Scale) -> Result<Recording> {
        let file = cargo::root().join(self.file(scale));
        if file.exists() {
            return Recording::open(&file);
        }
        let recording = self.make(scale).with_context(|| format!("making {}", self.name))?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        recording.save_to(&file)?;
        out::progress(format_args!("{}: {} transitions", self.name, recording.rows().len()));
        Ok(recording)
    }

    fn make(&self, scale: Scale) -> Result<Recording> {
        let acted = |behaviour: &Behaviour| behaviour.train(scale);
        let (sources, env) = match &self.who {
            Who::Random => (vec![Source::Random], self.env),
            Who::Replay(behaviour) => (vec![Source::Replay(acted(behaviour)?)], behaviour.env),
            Who::Act(behaviours) => {
                let dirs: Vec<Source> =
                    behaviours.iter().map(|of| acted(of).map(Source::Run)).collect::<Result<_>>()?;
                (dirs, behaviours[0].env)
            }
        };
        let rows = if scale == Scale::Quick { 400 } else { self.rows };
        let entry = mbrl_envs::find(env)?;
        let mut recording = record(entry, &sources, rows, Key::root(SEED).child("collect"))?;
        let expert = self.expert.train(scale)?;
        // Who had a few steps to learn in may earn less than chance does, and then there is nothing to score by.
        if scale == Scale::Whole {
            recording.about_mut().reference = reference(entry, Some(&expert))?;
        }
        if let Some(judge) = self.judged_by {
            recording = relabel(&recording, mbrl_envs::find(judge)?)?;
        }
        recording.about_mut().name = Some(self.name.to_owned());
        Ok(recording)
    }

    /// What the one who acted earned by the means of its actions when it was evaluated last; nothing, where there is not one.
    pub(super) fn acted_well(&self, scale: Scale) -> Result<Option<f64>> {
        match (&self.who, self.judged_by) {
            (Who::Act([behaviour]) | Who::Replay(behaviour), None) => behaviour.earned(scale).map(Some),
            _ => Ok(None),
        }
    }
}

impl Behaviour {
    fn config(&self, scale: Scale) -> Result<RunConfig> {
        let mut config = RunConfig::new("sac", Some(self.preset))?;
        (config.env, config.seed, config.steps) = (self.env.to_owned(), SEED, self.steps);
        (config.eval.every, config.eval.episodes) = self.eval;
        config.eval.target = self.target;
        config.checkpoint.every = self.eval.0.max(1_000);
        config.set_all(self.set)?;
        if scale == Scale::Quick {
            config.make_quick()?;
        }
        Ok(config)
    }

    /// Its run, which is made where it is not there yet.
    fn train(&self, scale: Scale) -> Result<PathBuf> {
        let config = self.config(scale)?;
        let place = scale.folder().join(format!("behaviour-{}", self.name));
        let run = RunDir::open_or_create(&place, &config, &train::manifest(&config))
            .with_context(|| format!("remove {} to make the figure anew", place.display()))?;
        let entry = mbrl_envs::find(self.env)?;
        let agent = config.build(&train::setup(entry)).context(entry.name)?;
        let trainer = Trainer::new(config.training(), entry.make(), agent)?.evaluate_in(entry.make())?;
        let summary = trainer.keep_in(run, Arc::new(SystemClock::default())).run().context(self.name)?;
        let Some(last) = summary.last else {
            return Err(Error::unsupported("an agent that was not evaluated"));
        };
        if scale == Scale::Whole && self.target.is_some_and(|target| last.mean_return() < target) {
            return Err(Error::invalid(format_args!(
                "{} never reached its target: give it more steps",
                self.name
            )));
        }
        Ok(place)
    }

    /// The mean return of its last evaluation.
    fn earned(&self, scale: Scale) -> Result<f64> {
        let run = RunDir::open(self.train(scale)?)?;
        let evaluated =
            run.metrics()?.iter().rev().find_map(|line| super::super::learning::scalar(line, "eval/return"));
        evaluated.ok_or_else(|| Error::invalid(format_args!("{} was never evaluated", self.name)))
    }
}
