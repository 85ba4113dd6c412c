//! How the distribution narrows from which planners draw, round by round, in true dynamics.

use super::caption::said;
use super::chart::{linear, mean_at, panel, series};
use super::{Made, Scale};
use crate::jobs;
use crate::plot::{Figure, Panel, Point, Series, Style};
use mbrl_agents::{mean, sample_std};
use mbrl_core::{Error, Key, Mode, Result, RowBuf, Rows};
use mbrl_models::Oracle;
use mbrl_plan::{
    Assignment, CemConfig, Diverged, IcemConfig, ModelScore, PlannerConfig, RandomShootingConfig, Returns,
    Rollout, Score, Workspace,
};
use serde::Serialize;
use std::fmt::Write;

const ENV: &str = "pendulum";
/// The pendulum on its side, at rest: cos θ, sin θ, θ̇. To lift it at once is more than its motor can do.
const START: [f32; 3] = [0.0, 1.0, 0.0];
const HORIZON: usize = 25;
const ROUNDS: usize = 10;
const POPULATION: usize = 200;
const ELITES: usize = 20;
const SEEDS: u64 = 10;

/// What was drawn in a round, and what it was worth.
#[derive(Clone, Serialize)]
struct Round {
    plans: usize,
    /// Of the first action.
    mean: f64,
    std: f64,
    /// The deviation of an action, in the mean over the actions of a plan, in halves of the distance between the bounds.
    width: f64,
    /// The mean score of the elites, and the best.
    elites: f64,
    best: f64,
}

/// A planner, and its searches by seed and round.
#[derive(Serialize)]
struct Narrowing {
    planner: &'static str,
    config: PlannerConfig,
    searches: Vec<Vec<Round>>,
}

fn contenders() -> [(&'static str, PlannerConfig); 3] {
    let (population, elites, iterations) = (POPULATION, ELITES, ROUNDS);
    let cem = CemConfig { population, elites, iterations, epsilon: 0.0, ..CemConfig::default() };
    let icem = IcemConfig { population, elites, iterations, ..IcemConfig::default() };
    [
        ("CEM", PlannerConfig::Cem(cem)),
        ("iCEM", PlannerConfig::Icem(icem)),
        ("random shooting", PlannerConfig::RandomShooting(RandomShootingConfig { population })),
    ]
}

pub(super) fn make(scale: Scale) -> Result<Made> {
    let seeds = if scale == Scale::Quick { 2 } else { SEEDS };
    let of = |(planner, config)| -> Result<Narrowing> {
        let searches = jobs::each(seeds, |seed| search(config, Key::root(seed).child("narrowing")))?;
        Ok(Narrowing { planner, config, searches })
    };
    let all = contenders().into_iter().map(of).collect::<Result<Vec<_>>>()?;
    let data = serde_json::json!({ "env": ENV, "start": START, "horizon": HORIZON, "planners": all });
    Ok(Made { figure: figure(&all), found: found(&all), table: table(&all), data })
}

/// One search, or, of a planner that learns nothing from one round for the next, a search a round.
fn search(config: PlannerConfig, key: Key) -> Result<Vec<Round>> {
    let entry = mbrl_envs::find(ENV)?;
    let physics = entry.physics().ok_or_else(|| Error::unsupported("the pendulum tells its dynamics"))?;
    let (spec, model) = (entry.spec(), Oracle::new(&entry.spec(), &entry.task(), physics)?);
    let act = spec.act.dim();
    let half: Vec<f64> = match &spec.act {
        mbrl_core::Space::Box(bounds) => {
            bounds.low().iter().zip(bounds.high()).map(|(low, high)| f64::from(high - low) / 2.0).collect()
        }
        space => return Err(Error::unsupported(format_args!("{space:?}: only boxes have a width"))),
    };
    let rollout = Rollout {
        model: &model,
        assignment: Assignment::Fixed { member: 0, policy: 0 },
        replicas: 1,
        horizon: HORIZON,
        mode: Mode::Sample,
        diverged: Diverged::Drop,
    };
    let mut workspace = Workspace::new(Returns::new(1.0)?);
    let mut score = ModelScore::new(rollout, &START, &mut workspace);
    let mut rounds = Vec::new();
    let mut seen = |plans: Rows<'_>, key: Key, scores: &mut [f64]| -> Result<()> {
        score.score(plans, key, scores)?;
        rounds.push(Round::of(plans, scores, &half));
        Ok(())
    };
    let mut optimizer = config.build(&spec.act, HORIZON)?;
    let mut plan = RowBuf::zeros(HORIZON, act);
    let searches = if matches!(config, PlannerConfig::RandomShooting(_)) { ROUNDS } else { 1 };
    for i in 0..searches as u64 {
        optimizer.optimize(&mut seen, key.at(i), plan.view_mut())?;
    }
    Ok(rounds)
}

impl Round {
    fn of(plans: Rows<'_>, scores: &[f64], half: &[f64]) -> Self {
        let column = |i: usize| plans.iter().map(|plan| f64::from(plan[i])).collect::<Vec<f64>>();
        let deviation = |i: usize| sample_std(&column(i)).unwrap_or(0.0);
        let widths: Vec<f64> = (0..plans.dim()).map(|i| deviation(i) / half[i % half.len()]).collect();
        let mut sorted = scores.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let elites = &sorted[..ELITES.min(sorted.len())];
        Round {
            plans: plans.len(),
            mean: mean(&column(0)),
            std: deviation(0),
            width: mean(&widths),
            elites: mean(elites),
            best: elites.first().copied().unwrap_or(f64::NAN),
        }
    }
}

impl Narrowing {
    /// A number of a round, by seed.
    fn at(&self, round: usize, of: fn(&Round) -> f64) -> Vec<f64> {
        self.searches.iter().map(|rounds| of(&rounds[round])).collect()
    }

    fn curve(&self, of: fn(&Round) -> f64) -> Series {
        let points = (0..ROUNDS).map(|round| mean_at((round + 1) as f64, &self.at(round, of)));
        series(self.planner, Style::Bars, points.collect())
    }
}

fn figure(all: &[Narrowing]) -> Figure {
    // The first search of each planner, as it was: the mean of several would hide that each decides by itself.
    let drawn = |of: &Narrowing| -> Panel {
        let point = |(i, round): (usize, &Round)| {
            let (low, high) = (round.mean - 2.0 * round.std, round.mean + 2.0 * round.std);
            Point { x: (i + 1) as f64, y: round.mean, low, high }
        };
        let points = of.searches[0].iter().enumerate().map(point).collect();
        let mut y = linear("first action: mean, and 2 deviations");
        y.range = Some([-3.0, 3.0]);
        panel(of.planner, linear("round"), y, vec![series(of.planner, Style::Band, points)])
    };
    let mut panels: Vec<Panel> = all.iter().map(drawn).collect();
    let curves = |of: fn(&Round) -> f64| all.iter().map(|planner| planner.curve(of)).collect();
    let of_all = |title: &str, y: &str, of| panel(title, linear("round"), linear(y), curves(of));
    panels.push(of_all("how wide it draws", "deviation / half the range", |round| round.width));
    panels.push(of_all("the elites", "mean score of the elites", |round| round.elites));
    panels.push(of_all("the best of a round", "best score", |round| round.best));
    Figure {
        title: format!("What planners draw, round by round: {ENV}, {HORIZON} steps ahead"),
        panels,
        columns: 3,
    }
}

fn found(all: &[Narrowing]) -> String {
    let last = ROUNDS - 1;
    let each = all.iter().map(|of| {
        format!(
            "{}'s deviation goes from {} to {} of half the range in {ROUNDS} rounds, and the elites' score from {} to {}",
            of.planner,
            said(&of.at(0, |round| round.width), 3),
            said(&of.at(last, |round| round.width), 3),
            said(&of.at(0, |round| round.elites), 1),
            said(&of.at(last, |round| round.elites), 1),
        )
    });
    format!("{}.", each.collect::<Vec<_>>().join("; "))
}

fn table(all: &[Narrowing]) -> String {
    let n = all.first().map_or(0, |of| of.searches.len());
    let mut text = format!(
        "Means over n = {n} searches from the same state (95 % interval). The width is the deviation of what is drawn, in the \
         mean over the {HORIZON} actions of a plan, in halves of the range.\n\n\
         | planner | round | plans | width | mean score of the {ELITES} elites | best score |\n\
         |---|---:|---:|---|---|---|\n"
    );
    for of in all {
        for round in 0..ROUNDS {
            let cell =
                |of_round, digits| said(&of.at(round, of_round), digits).replace(&format!(", n = {n}"), "");
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {} | {} | {} |",
                of.planner,
                round + 1,
                mean(&of.at(round, |round| round.plans as f64)),
                cell(|round| round.width, 3),
                cell(|round| round.elites, 1),
                cell(|round| round.best, 1)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_told_by_what_was_drawn() {
        let plans = [1.0, 0.0, -1.0, 4.0, 3.0, 2.0];
        let round = Round::of(Rows::new(&plans, 2).unwrap(), &[5.0, 7.0, f64::NEG_INFINITY], &[2.0]);
        assert_eq!(round.plans, 3);
        // 1, −1 and 3; and 0, 4 and 2: both with a deviation of 2.
        assert!((round.mean - 1.0).abs() < 1e-12 && (round.std - 2.0).abs() < 1e-12);
        assert!((round.width - 1.0).abs() < 1e-12 && (round.best - 7.0).abs() < 1e-12);
    }

    #[test]
    fn searches_have_all_rounds_and_cem_narrows() {
        for (planner, config) in contenders() {
            let rounds = search(config, Key::root(0)).unwrap();
            assert_eq!(rounds.len(), ROUNDS, "{planner}");
            let (first, last) = (&rounds[0], &rounds[ROUNDS - 1]);
            match planner {
                "random shooting" => assert!((first.width - 1.0 / 3f64.sqrt()).abs() < 0.03),
                _ => assert!(last.width < first.width && last.elites > first.elites, "{planner}"),
            }
        }
    }
}
