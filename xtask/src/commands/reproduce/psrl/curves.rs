//! Cumulative regret of learners of tables, in fixed worlds and in worlds drawn from a prior.

use super::super::{Made, Scale};
use super::{Measured, axis, cumulative, marks};
use crate::out;
use crate::plot::{Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_agents::{
    Play, Posterior, PsrlConfig, PsrlPrior, QLearningConfig, RewardLaw, Setup, TabularLearner, UcbviConfig,
    regret,
};
use mbrl_core::{Context, Error, Key, Result, Space, Spec, TabularMdp, Task};
use mbrl_envs::{Finite, Garnet};
use serde::Serialize;
use std::fmt::Write;

/// Where it is learnt.
enum Place {
    /// A registered world, the same for every seed.
    Fixed(&'static str),
    /// A world of its own for every seed, from Dirichlet(1, …, 1) × Beta(1, 1), whose rewards are coins.
    Prior { states: usize, actions: usize, horizon: u32 },
}

struct World {
    title: &'static str,
    place: Place,
    episodes: u64,
    /// Seeds, or worlds.
    runs: u64,
}

const WORLDS: [World; 4] = [
    World {
        title: "riverswim, frequentist: one fixed world",
        place: Place::Fixed("riverswim"),
        episodes: 1_000,
        runs: 20,
    },
    World {
        title: "chain, frequentist: one fixed world",
        place: Place::Fixed("chain"),
        episodes: 500,
        runs: 20,
    },
    World {
        title: "deepsea, frequentist: one fixed world",
        place: Place::Fixed("deepsea"),
        episodes: 1_500,
        runs: 20,
    },
    World {
        title: "Bayesian: worlds drawn from the prior",
        place: Place::Prior { states: 5, actions: 3, horizon: 10 },
        episodes: 1_000,
        runs: 200,
    },
];

type Make = fn(PsrlPrior, &Setup, Key) -> Result<Box<dyn TabularLearner>>;

const LEARNERS: [(&str, Make); 5] = [
    ("PSRL", |prior, setup, key| believing(Posterior::Exact, prior).learner(setup, key)),
    ("ensemble of 5", |prior, setup, key| {
        believing(Posterior::Bootstrap { members: 5 }, prior).learner(setup, key)
    }),
    ("greedy", |prior, setup, key| believing(Posterior::Mean, prior).learner(setup, key)),
    ("UCBVI", |_, setup, _| UcbviConfig::default().learner(setup)),
    ("Q-learning", |_, setup, _| QLearningConfig::default().learner(setup)),
];

fn believing(posterior: Posterior, prior: PsrlPrior) -> PsrlConfig {
    PsrlConfig { posterior, prior, ..PsrlConfig::default() }
}

/// What one learner lost in one world.
#[derive(Serialize)]
struct Curve {
    world: &'static str,
    /// Frequentist where all seeds share a world, Bayesian where each has its own from the prior.
    regret: &'static str,
    learner: &'static str,
    runs: u64,
    episodes: Vec<u64>,
    cumulative: Vec<Measured>,
    /// The mean of what an episode loses in the last tenth of them.
    last: Measured,
}

pub(crate) fn make(scale: Scale) -> Result<Made> {
    let (mut panels, mut curves) = (Vec::new(), Vec::new());
    for world in &WORLDS {
        let first = curves.len();
        for (name, make) in LEARNERS {
            let curve = world.play(name, make, scale).with_context(|| format!("{name}, {}", world.title))?;
            let total = curve.cumulative.last().map_or(f64::NAN, |total| total.mean);
            out::progress(format_args!("{}: {name} loses {total:.2}", world.title));
            curves.push(curve);
        }
        let series = curves[first..].iter().map(Curve::series).collect();
        panels.push(Panel {
            title: world.title.to_owned(),
            x: axis("episodes", AxisScale::Log),
            y: axis("cumulative regret", AxisScale::Log),
            series,
            lines: Vec::new(),
        });
    }
    let figure = Figure { title: "What is lost by learning".to_owned(), panels, columns: 2 };
    let data = serde_json::to_value(&curves).map_err(Error::backend)?;
    Ok(Made { figure, found: found(&curves), table: table(&curves), data })
}

impl World {
    fn play(&self, name: &'static str, make: Make, scale: Scale) -> Result<Curve> {
        let (episodes, runs) = match scale {
            Scale::Whole => (self.episodes, self.runs),
            Scale::Quick => (self.episodes / 50, 2),
        };
        let marks = marks(episodes);
        let tail = (episodes / 10).max(1) as usize;
        let one = |run: u64| -> Result<(Vec<f64>, f64)> {
            let key = Key::root(run).child("regret");
            let (setup, mdp, prior, rewards) = self.place.world(key.child("world"))?;
            let horizon = setup.spec.time_limit.unwrap_or(1) as usize;
            let mut learner = make(prior, &setup, key.child("agent"))?;
            let play = Play { episodes, horizon, rewards };
            let lost = regret(learner.as_mut(), &mdp, play, key.child("play"))?;
            let last = lost[lost.len() - tail..].iter().sum::<f64>() / tail as f64;
            Ok((cumulative(&lost, &marks), last))
        };
        let done = crate::jobs::each(runs, one)?;
        let at = |i: usize| Measured::of(&done.iter().map(|(sums, _)| sums[i]).collect::<Vec<_>>());
        Ok(Curve {
            world: self.title,
            regret: if matches!(self.place, Place::Fixed(_)) { "frequentist" } else { "Bayesian" },
            learner: name,
            runs,
            cumulative: (0..marks.len()).map(at).collect(),
            episodes: marks,
            last: Measured::of(&done.iter().map(|(_, last)| *last).collect::<Vec<_>>()),
        })
    }
}

impl Place {
    /// What a learner is told, the world itself, the prior to begin with, and what moves earn.
    fn world(&self, key: Key) -> Result<(Setup, TabularMdp, PsrlPrior, RewardLaw)> {
        match *self {
            Place::Fixed(name) => {
                let entry = mbrl_envs::find(name)?;
                let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
                let mdp =
                    entry.mdp().ok_or_else(|| Error::unsupported(format_args!("{name} is no table")))?;
                Ok((setup, mdp, PsrlPrior::default(), RewardLaw::Given))
            }
            Place::Prior { states, actions, horizon } => {
                let mdp = Garnet::draw(states, actions, states, horizon, key)?.mdp()?;
                let spec = Spec::new(Space::discrete(states as u32)?, Space::discrete(actions as u32)?);
                let task = Task::unknown().terminating(|_, _, _| false);
                let setup = Setup { task, ..Setup::new(Spec { time_limit: Some(horizon), ..spec }) };
                Ok((setup, mdp, PsrlPrior::uniform(), RewardLaw::Coins))
            }
        }
    }
}

impl Curve {
    fn series(&self) -> Series {
        let points = self.episodes.iter().zip(&self.cumulative);
        let points: Vec<Point> = points.filter_map(|(k, sum)| sum.on_log(*k as f64)).collect();
        Series { name: self.learner.to_owned(), style: Style::Band, points }
    }

    fn total(&self) -> Measured {
        self.cumulative.last().copied().unwrap_or(Measured { mean: f64::NAN, low: f64::NAN, high: f64::NAN })
    }
}

/// How posterior sampling stands among the others, world by world.
fn found(curves: &[Curve]) -> String {
    let mut found = Vec::new();
    for world in &WORLDS {
        let here: Vec<&Curve> = curves.iter().filter(|curve| curve.world == world.title).collect();
        let Some((psrl, others)) = here.split_first() else { continue };
        let best = others.iter().min_by(|a, b| a.total().mean.total_cmp(&b.total().mean));
        let Some(best) = best else { continue };
        let (own, other) = (psrl.total(), best.total());
        let stands = match (own.high < other.low, other.high < own.low) {
            (true, _) => "less than any other",
            (_, true) => "more than the best of the others",
            _ => "which is not to be told from the best of the others",
        };
        let place = match world.place {
            Place::Fixed(name) => format!("On {name}, with {} seeds", psrl.runs),
            Place::Prior { .. } => format!("In {} worlds from the prior", psrl.runs),
        };
        found.push(format!(
            "{place}, PSRL loses {} in {} episodes, {stands}: {} loses {}.",
            own.text(1),
            psrl.episodes.last().unwrap_or(&0),
            best.learner,
            other.text(1)
        ));
    }
    found.join(" ")
}

fn table(curves: &[Curve]) -> String {
    let mut table = "| world | regret | learner | episodes | cumulative regret, 95 % | an episode of the last tenth, 95 % | n |\n\
                     |---|---|---|---:|---|---|---:|\n"
        .to_owned();
    for curve in curves {
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} |",
            curve.world,
            curve.regret,
            curve.learner,
            curve.episodes.last().unwrap_or(&0),
            curve.total().text(1),
            curve.last.text(3),
            curve.runs
        );
    }
    table
}
