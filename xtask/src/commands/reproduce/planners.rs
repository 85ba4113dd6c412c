//! What each planner earns for how many plans scored an action, with the true dynamics.

use super::caption::{named, said};
use super::{Made, Scale};
use crate::commands::plan::{Control, Episode};
use crate::out;
use crate::plot::{Axis, Figure, Panel, Point, Reference, Scale as AxisScale, Series, Style};
use mbrl_agents::{ci95, mean};
use mbrl_core::{Context, Env, Error, Key, Result};
use mbrl_envs::Entry;
use mbrl_plan::{
    ActionGrid, Axis as GridAxis, CemConfig, EliteUpdate, Grid, GridProblem, IcemConfig, Lookahead,
    MppiConfig, MppiUpdate, PlannerConfig, RandomShootingConfig,
};
use serde::Serialize;
use std::f64::consts::PI;
use std::fmt::Write;

/// A world to plan in: how far a plan looks, in how many episodes it is judged, and up to which budget.
struct World {
    env: &'static str,
    horizon: usize,
    episodes: u64,
    most: usize,
}

const WORLDS: [World; 3] = [
    World { env: "pendulum", horizon: 25, episodes: 20, most: 2560 },
    World { env: "cartpole-swingup", horizon: 100, episodes: 5, most: 640 },
    World { env: "reacher", horizon: 20, episodes: 20, most: 2560 },
];

const LEAST: usize = 20;

/// A planner at about so many plans an action.
struct Contender {
    name: &'static str,
    at: fn(usize) -> PlannerConfig,
}

const CONTENDERS: [Contender; 4] = [
    Contender {
        name: "random shooting",
        at: |budget| PlannerConfig::RandomShooting(RandomShootingConfig { population: budget }),
    },
    Contender {
        name: "CEM, 5 rounds",
        at: |budget| {
            let population = budget / 5;
            let elites = (population / 10).max(2);
            PlannerConfig::Cem(CemConfig { population, elites, epsilon: 0.0, ..CemConfig::default() })
        },
    },
    Contender {
        name: "MPPI (TD-MPC2's), 5 rounds",
        at: |budget| {
            let population = budget / 5;
            let elites = (population / 8).max(2);
            let update = MppiUpdate::Elites(EliteUpdate { elites, ..EliteUpdate::default() });
            PlannerConfig::Mppi(MppiConfig { population, iterations: 5, update })
        },
    },
    Contender {
        // The settings of the preset `fast`, at other populations.
        name: "iCEM, 3 rounds",
        at: |budget| {
            let population = (2 * budget / 5).max(4);
            let elites = (population / 5).max(2);
            let iterations = 3;
            let (decay, exponent) = (1.25, 2.0);
            PlannerConfig::Icem(IcemConfig {
                population,
                elites,
                iterations,
                decay,
                exponent,
                ..IcemConfig::default()
            })
        },
    },
];

/// What was measured at one budget.
#[derive(Serialize)]
struct Cell {
    env: &'static str,
    planner: &'static str,
    config: PlannerConfig,
    horizon: usize,
    /// Plans scored an action, in the mean.
    evaluations: f64,
    returns: Vec<f64>,
    mean: f64,
    ci95: Option<[f64; 2]>,
}

pub(super) fn make(scale: Scale) -> Result<Made> {
    let (mut panels, mut cells) = (Vec::new(), Vec::new());
    let mut table = "| world | planner | plans an action | mean return | 95 % | n |\n\
                     |---|---|---:|---:|---|---:|\n"
        .to_owned();
    let mut summary = "| world | return of CEM with most plans | planner | fewest plans for as much |\n\
                       |---|---:|---|---:|\n"
        .to_owned();
    for world in &WORLDS {
        let entry = mbrl_envs::find(world.env)?;
        let (episodes, most) = match scale {
            Scale::Whole => (world.episodes, world.most),
            Scale::Quick => (2, 40),
        };
        let mut series = Vec::new();
        for contender in &CONTENDERS {
            let budgets = std::iter::successors(Some(LEAST), |b| Some(2 * b)).take_while(|b| *b <= most);
            let mut points = Vec::new();
            for budget in budgets {
                let cell = measure(entry, world.horizon, contender, budget, episodes)?;
                let [low, high] = cell.ci95.unwrap_or([cell.mean; 2]);
                out::progress(format_args!(
                    "{}, {}: {:.0} plans an action earn {:.1}",
                    world.env, contender.name, cell.evaluations, cell.mean
                ));
                let _ = writeln!(
                    table,
                    "| {} | {} | {:.0} | {:.1} | {low:.1} to {high:.1} | {episodes} |",
                    world.env, contender.name, cell.evaluations, cell.mean
                );
                points.push(Point { x: cell.evaluations, y: cell.mean, low, high });
                cells.push(cell);
            }
            series.push(Series { name: contender.name.to_owned(), style: Style::Bars, points });
        }
        let mut lines = Vec::new();
        if world.env == "pendulum" && scale == Scale::Whole {
            let best = mean(&pendulum_by_grid(entry, episodes)?);
            let _ =
                writeln!(table, "| pendulum | value iteration on a grid | – | {best:.1} | – | {episodes} |");
            lines.push(Reference { label: "grid".to_owned(), y: best });
        }
        summarize(&mut summary, world.env, &cells);
        panels.push(Panel {
            title: format!("{}, {} steps ahead", world.env, world.horizon),
            x: Axis { label: "plans scored an action".to_owned(), scale: AxisScale::Log, range: None },
            y: Axis { label: "return".to_owned(), scale: AxisScale::Linear, range: None },
            series,
            lines,
        });
    }
    let figure = Figure { title: "What a planner earns for its evaluations".to_owned(), panels, columns: 3 };
    let table = format!(
        "As much: a mean of at least CEM's with the most plans that it was given, less 2 %.\n\n\
         {summary}\n<details><summary>All that was measured</summary>\n\n{table}\n</details>"
    );
    let found = found(&cells);
    Ok(Made { figure, found, table, data: serde_json::to_value(&cells).map_err(Error::backend)? })
}

/// The planner that the others are compared with.
const YARDSTICK: &str = CONTENDERS[1].name;

/// By planner, the cell with the fewest plans that earns enough.
type Fewest<'a> = Vec<(&'static str, Option<&'a Cell>)>;

/// CEM with most plans in a world, and by planner the cell with the fewest plans that earns as much.
fn fewest<'a>(world: &str, cells: &'a [Cell]) -> Option<(&'a Cell, Fewest<'a>)> {
    let here = || cells.iter().filter(|cell| cell.env == world);
    let most = here().rfind(|cell| cell.planner == YARDSTICK)?;
    let enough = most.mean - 0.02 * most.mean.abs();
    let of = |name| here().find(|cell| cell.planner == name && cell.mean >= enough);
    Some((most, CONTENDERS.iter().map(|contender| (contender.name, of(contender.name))).collect()))
}

/// Writes how few plans each planner needs in a world to earn what CEM earns with most.
fn summarize(summary: &mut String, world: &str, cells: &[Cell]) {
    let Some((most, fewest)) = fewest(world, cells) else { return };
    for (planner, cell) in fewest {
        let fewest = cell.map_or("never".to_owned(), |cell| format!("{:.0}", cell.evaluations));
        let _ = writeln!(summary, "| {world} | {:.1} | {planner} | {fewest} |", most.mean);
    }
}

/// The same in words, and how many times fewer than CEM the others need.
fn found(cells: &[Cell]) -> String {
    let of_world = |world: &World| {
        let (most, fewest) = fewest(world.env, cells)?;
        let (_, own) = fewest.iter().find(|(planner, _)| *planner == YARDSTICK)?;
        let own = own.map(|cell| cell.evaluations)?;
        let each =
            fewest.iter().filter(|(planner, _)| *planner != YARDSTICK).map(|(planner, cell)| match cell {
                Some(cell) => format!(
                    "{} with {:.0} ({:.1} times fewer)",
                    named(planner),
                    cell.evaluations,
                    own / cell.evaluations
                ),
                None => format!("{} never", named(planner)),
            });
        Some(format!(
            "On {} CEM earns {} with {:.0} plans an action, and as much, less 2 %, with {own:.0}; {}.",
            world.env,
            said(&most.returns, 1),
            most.evaluations,
            each.collect::<Vec<_>>().join(", ")
        ))
    };
    WORLDS.iter().filter_map(of_world).collect::<Vec<_>>().join(" ")
}

/// Every planner is judged in the same episodes.
fn key(episode: u64) -> Key {
    Key::root(0).child("planners").at(episode)
}

fn measure(
    entry: &Entry,
    horizon: usize,
    contender: &Contender,
    budget: usize,
    episodes: u64,
) -> Result<Cell> {
    let config = (contender.at)(budget);
    let episode = |i: u64| -> Result<Episode> { Control::new(entry, config, horizon, 1, 1)?.episode(key(i)) };
    let done = crate::jobs::each(episodes, episode).with_context(|| contender.name.to_owned())?;
    let returns: Vec<f64> = done.iter().map(|episode| episode.sum).collect();
    let over = |of: fn(&Episode) -> f64| mean(&done.iter().map(of).collect::<Vec<_>>());
    Ok(Cell {
        env: entry.name,
        planner: contender.name,
        config,
        horizon,
        evaluations: over(|episode| episode.evaluations),
        mean: mean(&returns),
        ci95: ci95(&returns),
        returns,
    })
}

/// The same episodes, acted in by what is best on a fine grid of angles and velocities.
fn pendulum_by_grid(entry: &Entry, episodes: u64) -> Result<Vec<f64>> {
    let physics = entry.physics().ok_or_else(|| Error::unsupported("the pendulum tells its dynamics"))?;
    let grid = Grid::new(
        vec![GridAxis::periodic(-PI, PI, 400)?, GridAxis::clamped(-8.0, 8.0, 401)?],
        3,
        |state, obs| {
            (obs[0], obs[1], obs[2]) = (state[0].cos() as f32, state[0].sin() as f32, state[1] as f32);
        },
        |obs, state| {
            (state[0], state[1]) = (f64::from(obs[1]).atan2(f64::from(obs[0])), f64::from(obs[2]));
        },
    )?;
    let spec = entry.spec();
    let steps = spec.time_limit.unwrap_or(200) as usize;
    let plan = GridProblem::new(grid, ActionGrid::uniform(&spec.act, 41)?, physics, &entry.task())?
        .finite(steps, 1.0)?;
    let (mut obs, mut act, mut look) = ([0.0; 3], [0.0], Lookahead::default());
    (0..episodes)
        .map(|i| {
            let mut env = entry.make();
            env.reset(key(i).child("reset"), &mut obs)?;
            let mut sum = 0.0;
            for t in 0..steps {
                plan.act(t, &obs, &mut act, &mut look)?;
                sum += f64::from(env.step(&act, key(i).child("world").at(t as u64), &mut obs)?.reward);
            }
            Ok(sum)
        })
        .collect()
}
