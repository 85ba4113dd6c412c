//! How agents learn: the same run from several seeds, and what was earned in the mean.

use super::offline::Dataset;
use super::{Made, Scale, caption};
use crate::commands::train;
use crate::plot::{Axis, Figure, Panel, Point, Reference, Scale as AxisScale, Series, Style};
use crate::{jobs, out};
use mbrl_agents::{RunConfig, RunDir, Setup, Trainer, ci95, mean};
use mbrl_core::{Context, Error, Result, SystemClock};
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;

/// Runs that differ by their seed alone.
#[derive(Clone, Copy)]
pub(super) struct Group {
    /// What it is called in the figure; also a folder's name.
    pub(super) name: &'static str,
    pub(super) algo: &'static str,
    pub(super) preset: &'static str,
    pub(super) env: &'static str,
    pub(super) steps: u64,
    pub(super) seeds: u64,
    /// Steps from one evaluation to the next, and episodes in each.
    pub(super) eval: (u64, u64),
    pub(super) set: &'static [&'static str],
    /// What is learnt from, where it is a dataset.
    pub(super) data: Option<&'static Dataset>,
}

/// What was earned at a point of a curve, by seed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Earned {
    group: &'static str,
    /// Trials, or steps in the environment.
    pub(super) x: u64,
    pub(super) returns: Vec<f64>,
    pub(super) mean: f64,
    pub(super) ci95: Option<[f64; 2]>,
}

impl Earned {
    /// What earned it.
    pub(super) fn group(&self) -> &'static str {
        self.group
    }

    pub(super) fn of(group: &'static str, x: u64, returns: Vec<f64>) -> Self {
        Earned { group, x, mean: mean(&returns), ci95: ci95(&returns), returns }
    }

    /// The mean, its interval, their number, and what each seed earned: cells of a table.
    pub(super) fn cells(&self) -> String {
        let [low, high] = self.ci95.unwrap_or([self.mean; 2]);
        let by_seed: Vec<String> = self.returns.iter().map(|r| format!("{r:.0}")).collect();
        let n = self.returns.len();
        format!("{:.1} | {low:.1} to {high:.1} | {n} | {}", self.mean, by_seed.join(", "))
    }

    pub(super) fn point(&self) -> Point {
        let [low, high] = self.ci95.unwrap_or([self.mean; 2]);
        Point { x: self.x as f64, y: self.mean, low, high }
    }
}

impl Group {
    fn config(&self, seed: u64, scale: Scale) -> Result<RunConfig> {
        let mut config = RunConfig::new(self.algo, Some(self.preset))?;
        (config.env, config.seed, config.steps) = (self.env.to_owned(), seed, self.steps);
        (config.eval.every, config.eval.episodes) = self.eval;
        config.data = self.data.map(|data| data.file(scale));
        config.set_all(self.set)?;
        if scale == Scale::Quick {
            config.make_quick()?;
        }
        Ok(config)
    }

    /// The runs, in the order of their seeds. What was done of them before is not done again.
    pub(super) fn run(&self, scale: Scale) -> Result<Vec<RunDir>> {
        let seeds = if scale == Scale::Quick { 2 } else { self.seeds };
        let data = self.data.map(|data| data.open(scale)).transpose()?.map(Arc::new);
        let of = self.data.map_or(self.env, |data| data.name);
        jobs::each(seeds, |seed| {
            let config = self.config(seed, scale)?;
            let name = format!("{of}-{}-s{seed}", self.name.replace([' ', ','], "-"));
            let place = scale.folder().join(name);
            let run = RunDir::open_or_create(&place, &config, &train::manifest(&config))
                .with_context(|| format!("remove {} to make the figure anew", place.display()))?;
            // The last evaluation is the last that a run writes.
            let last = run.metrics()?.into_iter().next_back();
            if last
                .is_some_and(|line| line.env_steps == config.steps && scalar(&line, "eval/return").is_some())
            {
                return Ok(run);
            }
            let entry = mbrl_envs::find(self.env)?;
            let data = data.clone().map(|data| data as Arc<_>);
            let agent = config.build(&Setup { data, ..train::setup(entry) }).context(entry.name)?;
            let trainer = Trainer::new(config.training(), entry.make(), agent)?.evaluate_in(entry.make())?;
            let mut trainer = trainer.keep_in(run.clone(), Arc::new(SystemClock::default()));
            let summary = trainer.run().with_context(|| format!("seed {seed}"))?;
            out::progress(format_args!(
                "{} on {}, seed {seed}: {} steps, {} episodes",
                self.name, of, summary.env_steps, summary.episodes
            ));
            Ok(run)
        })
    }

    /// The returns of the first `trials` episodes that began after a first fit, by trial.
    fn trials(&self, scale: Scale, trials: usize) -> Result<Vec<Earned>> {
        let mut by_seed = Vec::new();
        for run in self.run(scale)? {
            let initial = run.config()?.agent["initial_steps"].as_u64().unwrap_or(0);
            let metrics = run.metrics()?;
            let ended =
                metrics.iter().filter_map(|line| Some((line.env_steps, scalar(line, "train/return")?)));
            let learnt = ended.skip_while(|(steps, _)| *steps < initial).skip(1);
            by_seed.push(learnt.map(|(_, earned)| earned).take(trials).collect::<Vec<f64>>());
        }
        let whole = by_seed.iter().map(Vec::len).min().unwrap_or(0);
        let at = |trial: usize| by_seed.iter().map(|returns| returns[trial]).collect();
        Ok((0..whole).map(|trial| Earned::of(self.name, trial as u64 + 1, at(trial))).collect())
    }

    /// The mean returns of evaluations, by steps.
    pub(super) fn evaluations(&self, scale: Scale) -> Result<Vec<Earned>> {
        let mut by_steps = std::collections::BTreeMap::<u64, Vec<f64>>::new();
        for run in self.run(scale)? {
            for line in run.metrics()? {
                if let Some(earned) = scalar(&line, "eval/return") {
                    by_steps.entry(line.env_steps).or_default().push(earned);
                }
            }
        }
        Ok(by_steps.into_iter().map(|(steps, returns)| Earned::of(self.name, steps, returns)).collect())
    }
}

pub(super) fn scalar(line: &mbrl_agents::Line, name: &str) -> Option<f64> {
    line.scalars.get(name).copied().flatten()
}

/// How a curve is drawn, and what its x is called: on the axis, and in the table.
pub(super) struct Look<'a> {
    pub(super) title: &'a str,
    pub(super) x: [&'a str; 2],
    pub(super) style: Style,
}

pub(super) fn made(look: Look<'_>, curves: &[Vec<Earned>], lines: Vec<Reference>) -> Result<Made> {
    let Look { title, x: [x, x_short], style } = look;
    let mut series = Vec::new();
    for curve in curves {
        let points: Vec<Point> = curve.iter().map(Earned::point).collect();
        let name = curve.first().map_or("", |earned| earned.group).to_owned();
        series.push(Series { name, style, points });
    }
    let found = caption::of_curves(x_short, curves, &lines);
    let axis = |label: &str| Axis { label: label.to_owned(), scale: AxisScale::Linear, range: None };
    let panel = Panel { title: String::new(), x: axis(x), y: axis("return"), series, lines };
    let figure = Figure { title: title.to_owned(), panels: vec![panel], columns: 1 };
    Ok(Made {
        figure,
        found,
        table: listed(x_short, curves),
        data: serde_json::to_value(curves).map_err(Error::backend)?,
    })
}

/// Every point of some curves, a row each.
pub(super) fn listed(x: &str, curves: &[Vec<Earned>]) -> String {
    let mut table =
        format!("| agent | {x} | mean return | 95 % | n | by seed |\n|---|---:|---:|---|---:|---|\n");
    for earned in curves.iter().flatten() {
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {} | {} | {} |", earned.group, earned.x, earned.cells());
    }
    table
}

/// After how many steps each seed's evaluation was first at least `aim`, and how many times more steps the others took
/// than the first agent did, by the median seed.
pub(super) fn reached(curves: &[Vec<Earned>], aim: f64) -> String {
    let mut table = format!(
        "\n| agent | steps to {aim} | median | times the first's | last | best |\n|---|---|---:|---:|---:|---:|\n"
    );
    let mut first = None;
    for curve in curves {
        let Some(start) = curve.first() else { continue };
        let steps =
            |seed: usize| curve.iter().find(|earned| earned.returns[seed] >= aim).map(|earned| earned.x);
        let by_seed: Vec<Option<u64>> = (0..start.returns.len()).map(steps).collect();
        let mut sorted = by_seed.clone();
        // Those that never got there are behind all others.
        sorted.sort_by_key(|steps| steps.unwrap_or(u64::MAX));
        let median = sorted[sorted.len() / 2];
        first = first.or(Some(median));
        let ratio = match (median, first.flatten()) {
            (Some(own), Some(first)) if first > 0 => format!("{:.1}", own as f64 / first as f64),
            _ => "-".to_owned(),
        };
        let show = |steps: &Option<u64>| steps.map_or("never".to_owned(), |steps| steps.to_string());
        let names: Vec<String> = by_seed.iter().map(show).collect();
        let best = curve.iter().map(|earned| earned.mean).fold(f64::NEG_INFINITY, f64::max);
        let last = curve.last().map_or(f64::NAN, |earned| earned.mean);
        let _ = writeln!(
            table,
            "| {} | {} | {} | {ratio} | {last:.1} | {best:.1} |",
            start.group,
            names.join(", "),
            show(&median)
        );
    }
    table
}

/// The summary, and behind a click what it was made of.
pub(super) fn folded(summary: &str, table: &str) -> String {
    format!("{summary}\n<details><summary>Every evaluation</summary>\n\n{table}\n</details>")
}

pub(super) fn cartpole(scale: Scale) -> Result<Made> {
    let pets = Group {
        name: "PETS",
        algo: "pets",
        preset: "fast",
        env: "cartpole",
        steps: 1_800,
        seeds: 5,
        eval: (1_800, 5),
        set: &[],
        data: None,
    };
    let solved = Reference { label: "solved".to_owned(), y: 200.0 };
    let curves = [pets.trials(scale, 7)?];
    let x = ["trial after 200 random steps", "trial"];
    made(Look { title: "PETS on cartpole", x, style: Style::Bars }, &curves, vec![solved])
}

pub(super) fn pendulum(scale: Scale) -> Result<Made> {
    let pets = Group {
        name: "PETS",
        algo: "pets",
        preset: "fast",
        env: "pendulum",
        steps: 2_400,
        seeds: 5,
        eval: (600, 5),
        set: &[],
        data: None,
    };
    let learnt = Group { name: "PETS, reward learnt", set: &["agent.reward=learnt"], ..pets };
    let aim = Reference { label: "aim".to_owned(), y: -200.0 };
    let curves = [pets.evaluations(scale)?, learnt.evaluations(scale)?];
    let x = ["steps in the environment", "steps"];
    made(Look { title: "PETS on pendulum", x, style: Style::Band }, &curves, vec![aim])
}
