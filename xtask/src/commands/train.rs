//! `train`: train an agent, or go on training it.

mod progress;

use crate::{Outcome, cargo, out};
use mbrl_agents::{Manifest, RunConfig, RunDir, Setup, StopFlag, Stopped, Summary, Trainer};
use mbrl_core::{Clock, Context, Error, Result, SystemClock};
use mbrl_envs::Entry;
use progress::Progress;
use serde::Serialize;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The first Ctrl-C saves the run and exits with 130, the second stops at once.
`--set` reaches every setting of config.json, such as eval.episodes, checkpoint.every or eval.target.")]
pub(crate) struct Args {
    /// The algorithm (`list algos`).
    #[arg(default_value = "random")]
    algo: String,
    /// The environment (`list envs`).
    #[arg(long, default_value = "pendulum", value_name = "E")]
    env: String,
    /// Steps in the environment.
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// What all randomness of the run grows from.
    #[arg(long, default_value_t = 0, value_name = "S")]
    seed: u64,
    /// The settings to begin with (`list presets`); the algorithm's first if not given.
    #[arg(long, value_name = "P")]
    preset: Option<String>,
    /// Change one setting; may be given again.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// The folder of the run; runs/ALGO-E-sS if not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many threads compute; the numbers do not depend on it.
    #[arg(long, value_name = "T")]
    threads: Option<std::num::NonZeroUsize>,
    /// Only see that all of it runs: 300 steps, one episode to evaluate, small networks.
    #[arg(long)]
    quick: bool,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["algo", "env", "steps", "seed", "preset", "set", "out", "quick"])]
    resume: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let clock = Arc::new(SystemClock::default());
    let kept = args.resume.as_deref().map(RunDir::open).transpose()?;
    let config = match &kept {
        Some(run) => run.config()?,
        None => args.config()?,
    };
    let entry = mbrl_envs::find(&config.env)?;
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
        pool.map_err(|error| Error::backend(error).wrap("--threads"))?;
    }
    let agent = config.build(&setup(entry)).context(entry.name)?;
    let stop = StopFlag::default();
    listen(&stop).context("listening for Ctrl-C")?;
    // Only now: a run that cannot be begun leaves no folder behind.
    let run = match kept {
        Some(run) => run,
        None => RunDir::create(args.folder(), &config, &manifest(&config))?,
    };
    let trainer = Trainer::new(config.training(), entry.make(), agent)?.evaluate_in(entry.make())?;
    let progress = Progress::new(config.steps, clock.clone());
    let mut trainer = trainer.watch(progress).watch(stop).keep_in(run.clone(), clock.clone());
    let summary = trainer.run()?;
    say(&config, run.path(), &summary, clock.now().as_secs_f64(), args.json)?;
    Ok(if summary.stopped == Stopped::Interrupted { Outcome::Interrupted } else { Outcome::Well })
}

impl Args {
    /// The preset, made quick if asked, then the flags, then what is set one by one.
    fn config(&self) -> Result<RunConfig> {
        let mut config = RunConfig::new(&self.algo, self.preset.as_deref())?;
        (config.env, config.seed) = (self.env.clone(), self.seed);
        if self.quick {
            config.make_quick()?;
        }
        config.steps = self.steps.unwrap_or(config.steps);
        config.validate()?;
        config.set_all(&self.set)?;
        Ok(config)
    }

    fn folder(&self) -> PathBuf {
        let quick = if self.quick { "-quick" } else { "" };
        let name = format!("{}-{}-s{}{quick}", self.algo, self.env, self.seed);
        // A prefix such as `gym:` would be a drive to some.
        self.out.clone().unwrap_or_else(|| Path::new("runs").join(name.replace(':', "-")))
    }
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

/// The first Ctrl-C sets the flag; whoever presses it when it is set has waited enough.
fn listen(stop: &StopFlag) -> Result<()> {
    flag::register_conditional_shutdown(SIGINT, 130, stop.0.clone()).map_err(Error::io)?;
    flag::register(SIGINT, stop.0.clone()).map_err(Error::io)?;
    Ok(())
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
                Stopped::Finished => "target",
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
            out::line(format_args!("{place} reached its target; cargo xtask report {place}"))
        }
    }
}
