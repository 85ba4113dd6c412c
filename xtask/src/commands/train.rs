//! `train`: train an agent, or go on training it.

mod progress;
mod signals;

use crate::{Outcome, cargo, memory, out};
use clap::value_parser;
use mbrl_agents::{Agent, Manifest, RunConfig, RunDir, Setup, Stopped, Summary, Trainer};
use mbrl_buffer::{ReadOptions, Recording};
use mbrl_core::{Clock, Context, Dataset, Error, Result, SystemClock};
use mbrl_envs::Entry;
use progress::Progress;
use serde::Serialize;
use signals::Signals;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The first Ctrl-C saves the run and exits with 130, the second stops at once; SIGTERM saves it and exits with 143.
`--set` reaches every setting of config.json, such as eval.episodes, checkpoint.every or eval.target.")]
pub(crate) struct Args {
    /// The algorithm (`list algos`).
    #[arg(default_value = "mbpo")]
    algo: String,
    /// The environment (`list envs`); the one that the dataset names, or the pendulum, if not given.
    #[arg(long, value_name = "E")]
    env: Option<String>,
    /// The dataset to learn from, for algorithms that learn from nothing else; steps are then updates. With --resume, where it
    /// is now.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Steps in the environment; with --resume, how many there are to be in all.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: Option<u64>,
    /// What all randomness of the run grows from.
    #[arg(long, default_value_t = 0, value_name = "S", allow_negative_numbers = true)]
    seed: u64,
    /// The settings to begin with (`list presets`); the algorithm's first if not given.
    #[arg(long, value_name = "P")]
    preset: Option<String>,
    /// Change one setting; may be given again.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// The folder of the run; runs/ALGO-E-sS, or runs/ALGO-P-E-sS, if not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many threads compute; the numbers do not depend on it.
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Only see that all of it runs: 300 steps, one episode to evaluate, small networks.
    #[arg(long)]
    quick: bool,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["algo", "env", "seed", "preset", "set", "out", "quick"])]
    resume: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let clock = Arc::new(SystemClock::default());
    let kept = args.resume.as_deref().map(RunDir::open).transpose()?;
    let data = match &kept {
        Some(run) => {
            let RunConfig { env, data, .. } = run.config()?;
            let file = args.data.clone().or(data.map(PathBuf::from));
            file.map(|file| open(&file, Some(&env))).transpose()?
        }
        None => args.data.as_ref().map(|file| open(file, args.env.as_ref())).transpose()?,
    };
    let config = match &kept {
        Some(run) => args.config_of(run)?,
        None => args.config(data.as_ref())?,
    };
    let entry = mbrl_envs::find(&config.env)?;
    check_data(&config, entry, data.as_ref())?;
    check_memory(&config, entry)?;
    let name = data.as_ref().and_then(|data| data.about().name.clone());
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global();
        pool.map_err(|error| Error::backend(error).wrap("--threads"))?;
    }
    let given = data.map(|data| Arc::new(data) as Arc<dyn Dataset + Send + Sync>);
    let agent = config.build(&Setup { data: given, ..setup(entry) }).context(entry.name)?;
    // Only now: a run that cannot be begun leaves no folder behind.
    let run = match kept {
        Some(run) => run,
        None => RunDir::create(args.folder(&config, name)?, &config, &manifest(&config))?,
    };
    let signals = Signals::listen()?;
    let summary = train(&config, entry, agent, &run, &signals, clock.clone())?;
    say(&config, run.path(), &summary, clock.now().as_secs_f64(), args.json)?;
    Ok(match summary.stopped {
        Stopped::Interrupted => signals.outcome(),
        Stopped::Done | Stopped::Finished => Outcome::Well,
    })
}

/// The trainer is gone when this returns, and with it the bar: what is said next begins a line of its own.
fn train(
    config: &RunConfig,
    entry: &Entry,
    agent: Box<dyn Agent>,
    run: &RunDir,
    signals: &Signals,
    clock: Arc<dyn Clock>,
) -> Result<Summary> {
    let trainer = Trainer::new(config.training(), entry.make(), agent)?.evaluate_in(entry.make())?;
    let progress = Progress::new(config.steps, clock.clone());
    let _watch = signals.watch(progress.voice());
    trainer.watch(progress).watch(signals.stop()).keep_in(run.clone(), clock).run().map_err(|error| {
        // A disk that is full, or a folder that is gone for a while: nothing is lost but what came after the checkpoint.
        let place = run.path().display();
        if error.is_io() {
            error.wrap(format_args!("{place} goes on by --resume once this is mended"))
        } else {
            error
        }
    })
}

impl Args {
    /// The preset as it is for this dataset, made quick if asked, then the flags, then what is set one by one.
    fn config(&self, data: Option<&Recording>) -> Result<RunConfig> {
        let mut config = RunConfig::new(&self.algo, self.preset.as_deref())?;
        let about = data.map(Recording::about);
        if let Some(name) = about.and_then(|about| about.name.as_deref()) {
            config.suit(name)?;
        }
        if let Some(env) = self.env.as_ref().or(about.and_then(|about| about.env.as_ref())) {
            config.env.clone_from(env);
        }
        (config.data, config.seed) = (self.data.as_ref().map(|file| file.display().to_string()), self.seed);
        if self.quick {
            config.make_quick()?;
        }
        config.steps = self.steps.unwrap_or(config.steps);
        config.validate()?;
        config.set_all(&self.set)?;
        Ok(config)
    }

    /// The configuration of a run that is gone on with. Other steps are noted in its folder once it is seen that it can be
    /// gone on with for so many.
    fn config_of(&self, run: &RunDir) -> Result<RunConfig> {
        let kept = run.config()?;
        let config = RunConfig { steps: self.steps.unwrap_or(kept.steps), ..kept };
        config.validate()?;
        Ok(config)
    }

    /// Named by what the run is in the end, whichever flag said so.
    fn folder(&self, config: &RunConfig, data: Option<String>) -> Result<PathBuf> {
        if let Some(out) = &self.out {
            return Ok(out.clone());
        }
        let RunConfig { env, algo, preset, seed, .. } = config;
        let env = data.unwrap_or_else(|| env.clone());
        let is_first = config.algorithm()?.presets.first().is_some_and(|first| first.name == preset);
        let preset = if is_first { String::new() } else { format!("-{preset}") };
        let quick = if self.quick { "-quick" } else { "" };
        let name = format!("{algo}{preset}-{env}-s{seed}{quick}");
        // A prefix such as `gym:` would be a drive to some, and a dataset may have folders in its name.
        Ok(Path::new("runs").join(name.replace([':', '/', '\\'], "-")))
    }
}

/// A dataset; where its file does not say when episodes were cut, the environment does, if it is named.
fn open(file: &Path, env: Option<&String>) -> Result<Recording> {
    let time_limit =
        env.map(|env| mbrl_envs::find(env)).transpose()?.and_then(|entry| entry.spec().time_limit);
    Recording::open_with(file, &ReadOptions { time_limit: time_limit.map(|limit| limit as usize) })
}

/// Refuses a dataset where none is learnt from, none where one is, and one of another world.
fn check_data(config: &RunConfig, entry: &Entry, data: Option<&Recording>) -> Result<()> {
    let algo = &config.algo;
    match (config.algorithm()?.offline, data) {
        (true, None) => Err(Error::invalid(format_args!(
            "{algo} learns from a dataset: name one by --data FILE; `cargo xtask data collect` makes one"
        ))),
        (false, Some(_)) => {
            Err(Error::invalid(format_args!("{algo} learns from the world alone: leave --data out")))
        }
        (false, None) => Ok(()),
        (true, Some(data)) => {
            let file = config.data.clone().unwrap_or_default();
            data.notes().iter().for_each(|note| out::progress(format_args!("{file}: {note}")));
            data.check_fits(&entry.spec()).with_context(|| format!("{file} in {}", entry.name))?;
            // Of an environment that is not known here nothing can be said.
            match data.about().env.as_deref().filter(|env| *env != entry.name && mbrl_envs::find(env).is_ok())
            {
                None => Ok(()),
                Some(env) => Err(Error::invalid(format_args!(
                    "{file} was recorded in {env}, not in {0}: leave --env out, or have {0} judge the moves: cargo xtask \
                     data relabel",
                    entry.name
                ))),
            }
        }
    }
}

/// Refuses what would not fit, before anything is begun; a machine that does not say what it has is taken to have enough.
fn check_memory(config: &RunConfig, entry: &Entry) -> Result<()> {
    let needed = config.algorithm()?.bytes(&config.agent, &entry.spec()).context(entry.name)?;
    let Some(free) = memory::available().filter(|free| needed > *free) else {
        return Ok(());
    };
    let gib = |bytes: u64| bytes as f64 / (1_u64 << 30) as f64;
    Err(Error::invalid(format_args!(
        "{} comes to need {:.1} GiB, and {:.1} are free: give it fewer policies (agent.policies, agent.model.members) or less \
         to keep (agent.rollouts.starts, agent.rollouts.retain, agent.capacity)",
        config.algo,
        gib(needed),
        gib(free)
    )))
}

/// What an algorithm is given of a named environment.
pub(crate) fn setup(entry: &Entry) -> Setup {
    Setup { spec: entry.spec(), task: entry.task(), oracle: entry.physics(), data: None }
}

pub(crate) fn manifest(config: &RunConfig) -> Manifest {
    let threads = rayon::current_num_threads();
    Manifest { git: commit(), threads, ..Manifest::new(config.seed) }
}

/// The commit that this tree is at, with `-dirty` where it has been changed since; `None` where nobody can tell.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(cargo::root()).args(["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]);
    let said = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// How a run went as others script against it: more may be added, none renamed.
#[derive(Serialize)]
struct Trained<'a> {
    env: &'a str,
    algo: &'a str,
    preset: &'a str,
    seed: u64,
    out: &'a Path,
    env_steps: u64,
    episodes: u64,
    last: Option<Evaluated>,
    best: Option<Evaluated>,
    stopped: &'static str,
    exact_resume: bool,
    wall_s: f64,
}

#[derive(Serialize)]
struct Evaluated {
    env_steps: u64,
    mean_return: f64,
}

/// Whether the last evaluation was as good as was asked for.
fn has_reached(config: &RunConfig, summary: &Summary) -> bool {
    let earned = summary.last.as_ref().map(mbrl_agents::Evaluation::mean_return);
    config.eval.target.is_some_and(|target| earned.is_some_and(|earned| earned >= target))
}

fn say(config: &RunConfig, folder: &Path, summary: &Summary, wall_s: f64, json: bool) -> Result<()> {
    let RunConfig { env, algo, preset, seed, .. } = config;
    let Summary { env_steps, episodes, .. } = summary;
    let show =
        |e: &mbrl_agents::Evaluation| Evaluated { env_steps: e.env_steps, mean_return: e.mean_return() };
    let (last, best) = (summary.last.as_ref().map(show), summary.best.as_ref().map(show));
    let place = folder.display();
    if json {
        return out::json(&Trained {
            env,
            algo,
            preset,
            seed: *seed,
            out: folder,
            env_steps: *env_steps,
            episodes: *episodes,
            last,
            best,
            stopped: match summary.stopped {
                Stopped::Done => "done",
                Stopped::Finished if has_reached(config, summary) => "target",
                Stopped::Finished => "agent",
                Stopped::Interrupted => "interrupted",
            },
            exact_resume: summary.exact_resume,
            wall_s,
        });
    }
    out::line(format_args!(
        "{algo} on {env}, seed {seed}: {env_steps} steps, {episodes} episodes, {wall_s:.1} s"
    ))?;
    if let (Some(last), Some(best)) = (last, best) {
        out::line(format_args!(
            "return {:.2} at the last evaluation, {:.2} at the best (step {})",
            last.mean_return, best.mean_return, best.env_steps
        ))?;
    }
    match summary.stopped {
        Stopped::Interrupted => out::line(format_args!("interrupted; cargo xtask train --resume {place}")),
        Stopped::Done => out::line(format_args!("{place}; cargo xtask report {place}")),
        Stopped::Finished => {
            let why = if has_reached(config, summary) { "its target" } else { "the end of its patience" };
            out::line(format_args!("{place} reached {why}; cargo xtask report {place}"))
        }
    }
}
