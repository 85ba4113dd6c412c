//! `plan`: model-predictive control of an environment by its true dynamics.

use crate::{Outcome, out};
use mbrl_core::{Clock, Context, Env, Error, Key, Mode, Result, SystemClock};
use mbrl_envs::Entry;
use mbrl_models::Oracle;
use mbrl_plan::{
    Assignment, Diverged, ModelScore, Mpc, PlannerConfig, PlannerEntry, Returns, Rollout, Workspace,
};
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The environment.
    env: String,
    /// How plans are searched for: random-shooting, cem, cem-full, icem, mppi or categorical-cem.
    #[arg(long, default_value = "cem")]
    planner: String,
    /// The planner's settings by name; its first preset, where none is given.
    #[arg(long)]
    preset: Option<String>,
    /// Plan in the true dynamics.
    #[arg(long)]
    oracle: bool,
    /// How many steps a plan has.
    #[arg(long, default_value_t = 25)]
    horizon: usize,
    /// After how many steps a new plan is made; the horizon is open-loop control.
    #[arg(long, default_value_t = 1)]
    replan_every: usize,
    /// In how many particles each plan is imagined: more than one pays only in a world of chance.
    #[arg(long, default_value_t = 1)]
    particles: usize,
    /// How many episodes.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    episodes: u64,
    /// The seed of the episodes' keys.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// An episode as others script against it: more may be added, none renamed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Episode {
    #[serde(rename = "return")]
    pub(crate) sum: f64,
    pub(crate) steps: u64,
    /// Plans scored an action, in the mean.
    pub(crate) evaluations: f64,
    /// Model steps an action, in the mean.
    pub(crate) transitions: f64,
    /// Milliseconds an action, in the mean.
    pub(crate) ms: f64,
    /// Plans without a finite score.
    pub(crate) non_finite: u64,
}

#[derive(Serialize)]
struct Report<'a> {
    env: &'a str,
    planner: &'a str,
    config: PlannerConfig,
    horizon: usize,
    replan_every: usize,
    seed: u64,
    episodes: &'a [Episode],
    mean_return: f64,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if !args.oracle {
        return Err(Error::invalid(
            "nothing to plan in: give --oracle for the true dynamics, or `train pets` to learn them",
        ));
    }
    let entry = mbrl_envs::find(&args.env)?;
    let planner = PlannerEntry::find(&args.planner)?;
    // Every planner has a preset.
    let preset = args.preset.as_deref().unwrap_or(planner.presets[0].name);
    let config = PlannerConfig::preset(planner.name, preset)?;
    let mut control = Control::new(entry, config, args.horizon, args.replan_every, args.particles)?;
    let key = Key::root(args.seed);
    let mut episodes = Vec::new();
    let headings = [">episode", ">return", ">steps", ">plans/action", ">model steps/action", ">ms/action"];
    for i in 0..args.episodes {
        episodes.push(control.episode(key.child("episode").at(i))?);
        if !args.json {
            out::progress(format_args!("episode {} of {}", i + 1, args.episodes));
        }
    }
    let mean_return = episodes.iter().map(|episode| episode.sum).sum::<f64>() / episodes.len() as f64;
    if args.json {
        out::json(&Report {
            env: entry.name,
            planner: planner.name,
            config,
            horizon: args.horizon,
            replan_every: args.replan_every,
            seed: args.seed,
            episodes: &episodes,
            mean_return,
        })?;
        return Ok(Outcome::Well);
    }
    let rows: Vec<Vec<String>> = episodes
        .iter()
        .enumerate()
        .map(|(i, episode)| {
            vec![
                i.to_string(),
                format!("{:.2}", episode.sum),
                episode.steps.to_string(),
                format!("{:.0}", episode.evaluations),
                format!("{:.0}", episode.transitions),
                format!("{:.3}", episode.ms),
            ]
        })
        .collect();
    out::table(&headings, &rows)?;
    out::line(format_args!("\nmean return {mean_return:.2} of {} episodes", episodes.len()))?;
    let lost: u64 = episodes.iter().map(|episode| episode.non_finite).sum();
    if lost > 0 {
        out::line(format_args!("{lost} plans had no finite score and ranked last"))?;
    }
    Ok(Outcome::Well)
}

/// Model-predictive control of an environment by its own dynamics.
pub(crate) struct Control {
    env: Box<dyn Env>,
    model: Oracle,
    mpc: Mpc,
    workspace: Workspace<Returns>,
    horizon: usize,
    particles: usize,
    clock: SystemClock,
}

impl Control {
    pub(crate) fn new(
        entry: &Entry,
        planner: PlannerConfig,
        horizon: usize,
        replan_every: usize,
        particles: usize,
    ) -> Result<Self> {
        planner.validate()?;
        let physics = entry
            .physics()
            .ok_or_else(|| Error::unsupported(format_args!("{} does not tell its dynamics", entry.name)))?;
        let env = entry.make();
        let optimizer = planner.build(&env.spec().act, horizon)?;
        if particles == 0 {
            return Err(Error::invalid("0 particles: imagine each plan at least once"));
        }
        Ok(Control {
            model: Oracle::new(env.spec(), &entry.task(), Arc::clone(&physics))?,
            mpc: Mpc::new(optimizer, replan_every)?,
            workspace: Workspace::new(Returns::new(1.0)?),
            env,
            horizon,
            particles,
            clock: SystemClock::default(),
        })
    }

    /// One episode; how it starts and what chance does is drawn from `key`.
    pub(crate) fn episode(&mut self, key: Key) -> Result<Episode> {
        let spec = self.env.spec().clone();
        let (mut obs, mut act) = (vec![0.0; spec.obs.dim()], vec![0.0; spec.act.dim()]);
        self.env.reset(key.child("reset"), &mut obs)?;
        self.mpc.reset();
        let (world, policy) = (key.child("world"), key.child("policy"));
        let mut sums =
            Episode { sum: 0.0, steps: 0, evaluations: 0.0, transitions: 0.0, ms: 0.0, non_finite: 0 };
        for t in 0.. {
            let rollout = Rollout {
                model: &self.model,
                assignment: Assignment::Fixed { member: 0, policy: 0 },
                replicas: self.particles,
                horizon: self.horizon,
                mode: Mode::Sample,
                diverged: Diverged::Drop,
            };
            let mut score = ModelScore::new(rollout, &obs, &mut self.workspace);
            let before = self.clock.now();
            let found = self.mpc.act(&mut score, policy.at(t), &mut act)?.unwrap_or_default();
            sums.ms += 1e3 * (self.clock.now() - before).as_secs_f64();
            sums.evaluations += found.evaluations as f64;
            sums.non_finite += found.non_finite as u64;
            sums.transitions += score.effort().steps as f64;
            let step = self.env.step(&act, world.at(t), &mut obs).context("the environment")?;
            sums.sum += f64::from(step.reward);
            sums.steps += 1;
            if step.end.is_end() {
                break;
            }
        }
        let steps = sums.steps as f64;
        sums.evaluations /= steps;
        sums.transitions /= steps;
        sums.ms /= steps;
        Ok(sums)
    }
}
