//! Runs that differ by their seed alone, and what they have in common.

use mbrl_agents::{Line, Manifest, RunConfig, RunDir, Timing, ci95, mean};
use mbrl_core::Result;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is read of one run.
#[derive(Serialize)]
pub(super) struct Run {
    pub(super) dir: String,
    pub(super) seed: u64,
    /// Steps at which something was recorded last.
    pub(super) env_steps: u64,
    pub(super) evaluations: Vec<Point>,
    /// The last return of an episode in training.
    pub(super) train_return: Option<f64>,
    pub(super) wall_s: f64,
    /// Seconds by span of work, of those that are in no other.
    pub(super) phases: BTreeMap<String, f64>,
    pub(super) exact_resume: bool,
    #[serde(skip)]
    pub(super) config: RunConfig,
    #[serde(skip)]
    pub(super) manifest: Manifest,
    #[serde(skip)]
    pub(super) metrics: Vec<Line>,
    #[serde(skip)]
    pub(super) timing: Vec<Timing>,
}

fn scalar(line: &Line, name: &str) -> Option<f64> {
    line.scalars.get(name).copied().flatten()
}

/// The mean return of an evaluation.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Point {
    pub(super) env_steps: u64,
    pub(super) mean_return: f64,
}

impl Run {
    pub(super) fn read(run: &RunDir) -> Result<Self> {
        let (config, manifest) = (run.config()?, run.manifest()?);
        let dir = run.path().display().to_string();
        Ok(Run::of(dir, config, manifest, run.metrics()?, run.timing()?))
    }

    pub(super) fn of(
        dir: String,
        config: RunConfig,
        manifest: Manifest,
        metrics: Vec<Line>,
        timing: Vec<Timing>,
    ) -> Self {
        let evaluations = metrics.iter().filter_map(|line| {
            scalar(line, "eval/return").map(|mean_return| Point { env_steps: line.env_steps, mean_return })
        });
        let mut phases = BTreeMap::<String, f64>::new();
        for (path, seconds) in timing.iter().flat_map(|line| &line.spans) {
            if !path.contains(" > ") {
                *phases.entry(path.clone()).or_default() += seconds;
            }
        }
        Run {
            dir,
            seed: config.seed,
            env_steps: metrics.last().map_or(0, |line| line.env_steps),
            evaluations: evaluations.collect(),
            train_return: metrics.iter().rev().find_map(|line| scalar(line, "train/return")),
            wall_s: timing.last().map_or(0.0, |line| line.wall_s),
            phases,
            exact_resume: manifest.exact_resume,
            config,
            manifest,
            metrics,
            timing,
        }
    }

    /// All numbers that were recorded under a name and are numbers, with the steps at which they were.
    pub(super) fn scalars(&self, name: &str) -> Vec<(u64, f64)> {
        let at = |line: &Line| Some((line.env_steps, scalar(line, name)?));
        self.metrics.iter().filter_map(at).collect()
    }

    pub(super) fn last(&self) -> Option<Point> {
        self.evaluations.last().copied()
    }

    /// The earliest of those with the largest mean.
    pub(super) fn best(&self) -> Option<Point> {
        let better =
            |best: Point, point: &Point| if point.mean_return > best.mean_return { *point } else { best };
        let (first, rest) = self.evaluations.split_first()?;
        Some(rest.iter().fold(*first, better))
    }
}

/// Runs that differ by their seed alone. There is at least one.
pub(super) struct Group {
    pub(super) runs: Vec<Run>,
}

/// A mean over runs. The interval is Student's; there is none over one run.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Over {
    pub(super) seeds: usize,
    pub(super) mean_return: f64,
    pub(super) ci95: Option<[f64; 2]>,
}

/// A mean over the runs that were evaluated at so many steps.
#[derive(Serialize)]
pub(super) struct OverAt {
    pub(super) env_steps: u64,
    #[serde(flatten)]
    pub(super) over: Over,
}

/// A group as others script against it: more may be added, none renamed.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    env: &'a str,
    algo: &'a str,
    preset: &'a str,
    config: &'a RunConfig,
    runs: &'a [Run],
    evaluations: Vec<OverAt>,
    last: Option<Over>,
    best: Option<Over>,
}

impl Group {
    pub(super) fn of(run: Run) -> Self {
        Group { runs: vec![run] }
    }

    /// Whether a run differs from these by its seed alone.
    pub(super) fn takes(&self, run: &Run) -> bool {
        let config = self.config();
        RunConfig { seed: config.seed, ..run.config.clone() } == *config
    }

    pub(super) fn config(&self) -> &RunConfig {
        &self.runs[0].config
    }

    /// The mean over the runs at each number of steps at which any was evaluated.
    pub(super) fn evaluations(&self) -> Vec<OverAt> {
        let points = || self.runs.iter().flat_map(|run| &run.evaluations);
        let steps: BTreeSet<u64> = points().map(|point| point.env_steps).collect();
        let at = |env_steps| {
            let returns =
                points().filter(|point| point.env_steps == env_steps).map(|point| point.mean_return);
            over(returns.collect()).map(|over| OverAt { env_steps, over })
        };
        steps.into_iter().filter_map(at).collect()
    }

    /// The last evaluation that all runs have: one that is not done yet is not compared with those that are.
    pub(super) fn last(&self) -> Option<Over> {
        self.evaluations().into_iter().map(|at| at.over).rfind(|over| over.seeds == self.runs.len())
    }

    /// Whether a run of this seed is among these.
    pub(super) fn has(&self, seed: u64) -> bool {
        self.runs.iter().any(|run| run.seed == seed)
    }

    pub(super) fn best(&self) -> Option<Over> {
        over(self.runs.iter().filter_map(Run::best).map(|point| point.mean_return).collect())
    }

    pub(super) fn summary(&self) -> Summary<'_> {
        let config = self.config();
        Summary {
            env: &config.env,
            algo: &config.algo,
            preset: &config.preset,
            config,
            runs: &self.runs,
            evaluations: self.evaluations(),
            last: self.last(),
            best: self.best(),
        }
    }
}

fn over(returns: Vec<f64>) -> Option<Over> {
    let seeds = returns.len();
    (seeds > 0).then(|| Over { seeds, mean_return: mean(&returns), ci95: ci95(&returns) })
}
