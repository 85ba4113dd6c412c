//! `eval`: let a trained agent act.

use super::train::setup;
use crate::{Outcome, out};
use mbrl_agents::{Flow, RunDir, ci95, evaluate_watched, load_agent};
use mbrl_core::{Clock, Context, Error, Result, SystemClock};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of a run.
    dir: PathBuf,
    /// How many episodes, from start states that training has not been judged by.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    episodes: u64,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// An evaluation as others script against it: more may be added, none renamed.
#[derive(Serialize)]
struct Evaluated {
    env: String,
    algo: String,
    env_steps: u64,
    episodes: u64,
    mean_return: f64,
    /// Student's interval of the mean; there is none of one episode.
    ci95: Option<[f64; 2]>,
    returns: Vec<f64>,
    mean_length: f64,
}

/// So long nothing is said.
const QUIET: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let run = RunDir::open(&args.dir)?;
    let config = run.config()?;
    let entry = mbrl_envs::find(&config.env)?;
    let trained = load_agent(&run, &setup(entry)).with_context(|| args.dir.display().to_string())?;
    trained.warnings.iter().for_each(|warning| out::progress(format_args!("warning: {warning}")));
    let (clock, mut said) = (SystemClock::default(), Duration::ZERO);
    let mut watch = |done| {
        if clock.now().saturating_sub(said) >= QUIET {
            said = clock.now();
            out::progress(format_args!("{done} of {} episodes", args.episodes));
        }
        Ok(Flow::Continue)
    };
    let key = config.training().key().child("test");
    let mut actor = trained.agent.actor()?;
    let done = evaluate_watched(actor.as_mut(), entry.make().as_mut(), args.episodes, key, &mut watch)?;
    let done = done.ok_or_else(|| Error::unsupported("nobody asked for the evaluation to stop"))?;
    let evaluated = Evaluated {
        env: config.env,
        algo: config.algo,
        env_steps: trained.env_steps,
        episodes: args.episodes,
        mean_return: done.mean_return(),
        ci95: ci95(&done.returns),
        mean_length: done.mean_length(),
        returns: done.returns,
    };
    if args.json {
        out::json(&evaluated)?;
        return Ok(Outcome::Well);
    }
    let Evaluated { env, algo, env_steps, episodes, mean_return, .. } = evaluated;
    let interval =
        evaluated.ci95.map_or(String::new(), |[low, high]| format!(", 95 % interval {low:.2} to {high:.2}"));
    out::line(format_args!("{algo} on {env} after {env_steps} steps"))?;
    out::line(format_args!("mean return {mean_return:.2} in {episodes} episodes{interval}"))?;
    Ok(Outcome::Well)
}
