//! How the errors of a learnt model compound when it is left to itself, and whether its particles know.

mod growth;

use super::caption::said;
use super::chart::{at, linear, log, mean_at, panel, series};
use super::{Made, Scale};
use crate::commands::data::{Source, record};
use crate::plot::{Figure, Panel, Point, Reference, Series, Style};
use growth::Growth;
use mbrl_agents::{RunConfig, mean};
use mbrl_buffer::Recording;
use mbrl_core::{Belief, DynamicsModel, Error, FitData, Key, Mode, NullRecorder, Result, RowBuf, Scratch};
use mbrl_models::{Ensemble, EnsembleConfig, NetworkModel, OpenLoop, Stop, Windows, compounding};
use mbrl_plan::{Acting, Assignment, Diverged, Expectation, Rollout, Trace, Workspace};
use serde::Serialize;
use std::fmt::Write;

/// A world, and how much was seen of it.
struct World {
    env: &'static str,
    rows: usize,
}

const WORLDS: [World; 2] =
    [World { env: "pendulum", rows: 2_000 }, World { env: "cartpole-swingup", rows: 5_000 }];
const HORIZON: usize = 100;
/// Windows begin so many rows apart, in as many rows as were learnt from.
const APART: usize = 20;
const PARTICLES: usize = 20;
const SEEDS: u64 = 5;
/// What is told in the table, as far as the horizon goes.
const TOLD: [usize; 6] = [1, 2, 5, 10, 30, 100];
/// Growth is fitted to the first so many steps: later, errors are as large as the world and grow no more.
const FITTED: usize = 30;

/// What a model of one seed did, by number of steps ahead.
#[derive(Clone, Serialize)]
struct Seed {
    /// The mean error of what one member expects, in the mean over the members.
    member: Vec<f64>,
    /// Of what all members expect, averaged at every step.
    averaged: Vec<f64>,
    /// How far particles are apart, the root of their mean square from their mean.
    ts1: Spread,
    ts_infinity: Spread,
    /// The error of who foretells the mean of all states.
    constant: f64,
    growth: Growth,
}

/// Particles, by number of steps ahead, in the mean over windows.
#[derive(Clone, Serialize)]
struct Spread {
    spread: Vec<f64>,
    /// The error of the particles' mean.
    error: Vec<f64>,
}

#[derive(Serialize)]
struct Found {
    env: &'static str,
    seeds: Vec<Seed>,
}

pub(super) fn make(scale: Scale) -> Result<Made> {
    let (seeds, horizon) = if scale == Scale::Quick { (2, 20) } else { (SEEDS, HORIZON) };
    let mut all = Vec::new();
    for world in &WORLDS {
        let one = |seed| Seed::of(world, Key::root(seed).child("compounding"), scale, horizon);
        all.push(Found { env: world.env, seeds: crate::jobs::each(seeds, one)? });
    }
    let data = serde_json::to_value(&all).map_err(Error::backend)?;
    Ok(Made { figure: figure(&all), found: found(&all), table: table(&all), data })
}

impl Seed {
    fn of(world: &World, key: Key, scale: Scale, horizon: usize) -> Result<Self> {
        let entry = mbrl_envs::find(world.env)?;
        let random = |role| record(entry, &[Source::Random], world.rows, key.child(role));
        let (learnt, tried) = (random("data")?, random("holdout")?);
        // The ensemble of MBPO's preset for small machines, but trained for longer: this one is fitted once.
        let config = RunConfig::new("mbpo", Some("fast"))?.agent["model"].clone();
        let config: EnsembleConfig = serde_json::from_value(config).map_err(Error::corrupt)?;
        let epochs = if scale == Scale::Quick { 3 } else { 200 };
        let stop = Stop { max_epochs: Some(epochs), ..config.stop };
        let config = EnsembleConfig { stop, ..config };
        let mut ensemble = Ensemble::new(&entry.spec(), &entry.task(), config, key.child("model"))?;
        let train: Vec<u32> = (0..learnt.rows().len() as u32).collect();
        let data = FitData { data: learnt.rows(), train: &train, holdout: &[] };
        ensemble.fit(data, key.child("fit"), &mut NullRecorder)?;
        Seed::asked(ensemble.network(), &tried, horizon, key.child("imagine"))
    }

    fn asked(model: &NetworkModel, tried: &Recording, horizon: usize, key: Key) -> Result<Self> {
        let windows = Windows::find(tried.rows(), horizon, 1)?.every(APART);
        let members: Vec<u16> = (0..model.members() as u16).collect();
        let errors = |model: &dyn DynamicsModel| -> Result<Vec<f64>> {
            let found = compounding(model, tried.rows(), &windows, OpenLoop::Mean)?;
            Ok(found.pooled.iter().map(|error| error.mean).collect())
        };
        let member = errors(model)?;
        let particles = |assignment, role| particles(model, tried, &windows, assignment, key.child(role));
        Ok(Seed {
            averaged: errors(&Expectation::new(model, &members)?)?,
            ts1: particles(Assignment::Ts1(&members), "ts1")?,
            ts_infinity: particles(Assignment::TsInfinity(&members), "ts-infinity")?,
            constant: constant(tried),
            growth: Growth::of(&member[..FITTED.min(member.len())]),
            member,
        })
    }
}

/// The mean distance of a state from the mean of all states.
fn constant(tried: &Recording) -> f64 {
    let states = &tried.rows().next_obs;
    let n = states.len() as f64;
    let mut centre = vec![0.0; states.dim()];
    for state in states.view().iter() {
        centre.iter_mut().zip(state).for_each(|(sum, x)| *sum += f64::from(*x) / n);
    }
    states.view().iter().map(|state| distance(state, &centre)).sum::<f64>() / n
}

fn distance(state: &[f32], from: &[f64]) -> f64 {
    state.iter().zip(from).map(|(x, c)| (f64::from(*x) - c).powi(2)).sum::<f64>().sqrt()
}

/// Imagines every window in many particles with the recorded actions.
fn particles(
    model: &dyn DynamicsModel,
    tried: &Recording,
    windows: &Windows,
    assignment: Assignment<'_>,
    key: Key,
) -> Result<Spread> {
    let (data, n, dim) = (tried.rows(), windows.first.len(), model.state_dim());
    let mut starts = RowBuf::zeros(n, dim);
    let mut plans = RowBuf::zeros(n, windows.horizon * model.act_dim());
    for (i, &first) in windows.first.iter().enumerate() {
        let first = first as usize;
        let obs = RowBuf::from_vec(data.obs.row(first).to_vec(), data.obs.dim())?;
        let mut state = RowBuf::zeros(1, dim);
        model.encode(obs.view(), state.view_mut(), &mut Scratch::default())?;
        starts.row_mut(i).copy_from_slice(state.row(0));
        let acts = (first..first + windows.horizon).flat_map(|row| data.act.row(row));
        plans.row_mut(i).iter_mut().zip(acts).for_each(|(to, act)| *to = *act);
    }
    let rollout = Rollout {
        model,
        assignment,
        replicas: PARTICLES,
        horizon: windows.horizon,
        mode: Mode::Sample,
        diverged: Diverged::Refuse,
    };
    let mut workspace = Workspace::new(Trace::default());
    rollout.run(starts.view(), Acting::Plans(plans.view()), key, &mut workspace)?;
    let rows: Vec<(&Trace, usize)> =
        workspace.sinks().flat_map(|sink| (0..sink.len()).map(move |row| (sink, row))).collect();
    let (mut spread, mut error) = (vec![0.0; windows.horizon], vec![0.0; windows.horizon]);
    for (window, &first) in windows.first.iter().enumerate() {
        for t in 0..windows.horizon {
            // Row i is replica i / n of window i mod n. Where a particle's episode ended it stays as it was.
            let states = (0..PARTICLES).map(|replica| {
                let (sink, row) = rows[replica * n + window];
                sink.states(row).row((t + 1).min(sink.steps(row)))
            });
            let mut centre = vec![0.0; dim];
            for state in states.clone() {
                centre.iter_mut().zip(state).for_each(|(sum, x)| *sum += f64::from(*x) / PARTICLES as f64);
            }
            let squares: Vec<f64> = states.map(|state| distance(state, &centre).powi(2)).collect();
            spread[t] += mean(&squares).sqrt() / n as f64;
            error[t] += distance(data.next_obs.row(first as usize + t), &centre) / n as f64;
        }
    }
    Ok(Spread { spread, error })
}

impl Found {
    fn horizon(&self) -> usize {
        self.seeds.first().map_or(0, |seed| seed.member.len())
    }

    fn over(&self, of: impl Fn(&Seed) -> f64) -> Vec<f64> {
        self.seeds.iter().map(of).collect()
    }

    fn curve(&self, name: &str, of: fn(&Seed) -> &Vec<f64>) -> Series {
        let point = |t| mean_at((t + 1) as f64, &self.over(|seed| of(seed)[t]));
        series(name, Style::Band, (0..self.horizon()).map(point).map(cut).collect())
    }

    fn line(&self, name: &str, of: impl Fn(f64) -> f64) -> Series {
        let points: Vec<Point> = (1..=self.horizon()).map(|k| at(k as f64, of(k as f64))).collect();
        series(name, Style::Line, points)
    }

    /// The steps that are told.
    fn told(&self) -> impl Iterator<Item = usize> {
        let horizon = self.horizon();
        TOLD.into_iter().filter(move |k| *k <= horizon)
    }
}

/// The interval of a mean of positive numbers may reach below zero, where a log scale has no place: it is cut at a tenth of
/// the mean.
fn cut(point: Point) -> Point {
    Point { low: point.low.max(0.1 * point.y), ..point }
}

fn figure(all: &[Found]) -> Figure {
    let mut panels: Vec<Panel> = Vec::new();
    for found in all {
        let one = mean(&found.over(|seed| seed.member[0]));
        let growth = |k: f64| mean(&found.over(|seed| seed.growth.power.at(k)));
        let curves = vec![
            found.curve("one member", |seed| &seed.member),
            found.curve("the members' mean", |seed| &seed.averaged),
            found.line("k times one step", |k| one * k),
            found.line("power law", growth),
        ];
        let level = Reference { label: "constant".to_owned(), y: mean(&found.over(|seed| seed.constant)) };
        let title = format!("{}: error", found.env);
        let errors = panel(&title, log("steps ahead k"), log("distance from what came"), curves);
        panels.push(Panel { lines: vec![level], ..errors });
    }
    for found in all {
        let curves = vec![
            found.curve("the members' mean", |seed| &seed.averaged),
            found.curve("spread of TS1", |seed| &seed.ts1.spread),
            found.curve("spread of TS∞", |seed| &seed.ts_infinity.spread),
        ];
        let title = format!("{}: do particles know?", found.env);
        panels.push(panel(&title, linear("steps ahead k"), linear("distance"), curves));
    }
    Figure { title: "How the errors of a learnt model compound".to_owned(), panels, columns: all.len() }
}

fn found(all: &[Found]) -> String {
    let mut text = String::new();
    for found in all {
        let last = found.horizon();
        let middle = found.told().filter(|k| *k < last).last().unwrap_or(last);
        let times = |k: usize| found.over(|seed| seed.member[k - 1] / (k as f64 * seed.member[0]));
        let ratio = |of: fn(&Seed) -> &Spread, k: usize| {
            found.over(|seed| of(seed).spread[k - 1] / of(seed).error[k - 1])
        };
        let power = found.over(|seed| seed.growth.power.rate);
        let better = found.seeds.iter().filter(|seed| seed.growth.power.rms < seed.growth.exponential.rms);
        let (better, n) = (better.count(), found.seeds.len());
        let _ = write!(
            text,
            "{}On {} the error of one member after {middle} steps is {} times {middle} times that of one step, and after {last} {} \
             times; over the first {} it grows as k to the power of {}, which fits better than an exponential in {better} of \
             {n} seeds. After {last} steps TS1's spread is {} times the error of its mean, and TS∞'s {} times.",
            if text.is_empty() { "" } else { " " },
            found.env,
            said(&times(middle), 2),
            said(&times(last), 2),
            FITTED.min(last),
            said(&power, 2),
            said(&ratio(|seed| &seed.ts1, last), 2),
            said(&ratio(|seed| &seed.ts_infinity, last), 2),
        );
    }
    text
}

fn table(all: &[Found]) -> String {
    let n = all.first().map_or(0, |found| found.seeds.len());
    let mut text = format!(
        "Mean distances between foretold and recorded state, in the units of the observation; means over n = {n} seeds (95 % \
         interval).\n\n\
         | world | steps ahead | one member | the members' mean | k times one step | spread of TS1 | spread of TS∞ | constant |\n\
         |---|---:|---|---|---:|---|---|---:|\n"
    );
    for found in all {
        let cell = |of: &dyn Fn(&Seed) -> f64| said(&found.over(of), 3).replace(&format!(", n = {n}"), "");
        for k in found.told() {
            let _ = writeln!(
                text,
                "| {} | {k} | {} | {} | {:.3} | {} | {} | {:.3} |",
                found.env,
                cell(&|seed| seed.member[k - 1]),
                cell(&|seed| seed.averaged[k - 1]),
                k as f64 * mean(&found.over(|seed| seed.member[0])),
                cell(&|seed| seed.ts1.spread[k - 1]),
                cell(&|seed| seed.ts_infinity.spread[k - 1]),
                mean(&found.over(|seed| seed.constant))
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_models::Oracle;

    #[test]
    fn particles_of_the_true_dynamics_agree_with_what_came_and_with_each_other() {
        let entry = mbrl_envs::find("pendulum").unwrap();
        let tried = record(entry, &[Source::Random], 200, Key::root(0)).unwrap();
        let model = Oracle::new(&entry.spec(), &entry.task(), entry.physics().unwrap()).unwrap();
        let mut windows = Windows::find(tried.rows(), 20, 1).unwrap().every(50);
        let members = Assignment::TsInfinity(&[0]);
        let right = particles(&model, &tried, &windows, members, Key::root(1)).unwrap();
        assert_eq!((right.spread.len(), right.error.len()), (20, 20));
        assert!(right.spread.iter().chain(&right.error).all(|off| *off < 1e-4), "{:?}", right.error);
        // Rows of another window are not what comes of this one.
        windows.first[1] += 7;
        let shifted = Windows { first: windows.first.iter().rev().copied().collect(), ..windows };
        let again = particles(&model, &tried, &shifted, members, Key::root(1)).unwrap();
        assert!(again.error.iter().all(|off| *off < 1e-4), "{:?}", again.error);
    }

    #[test]
    fn a_constant_is_off_by_the_mean_distance_from_the_mean() {
        let entry = mbrl_envs::find("pendulum").unwrap();
        let mut tried = record(entry, &[Source::Random], 2, Key::root(0)).unwrap().rows().clone();
        tried.next_obs.row_mut(0).copy_from_slice(&[0.0, 0.0, 1.0]);
        tried.obs.row_mut(1).copy_from_slice(&[0.0, 0.0, 1.0]);
        tried.next_obs.row_mut(1).copy_from_slice(&[0.0, 0.0, -3.0]);
        let tried = Recording::new(tried, mbrl_buffer::About::default()).unwrap();
        assert!((constant(&tried) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn what_a_log_scale_cannot_hold_is_cut() {
        let point = |low| Point { x: 1.0, y: 2.0, low, high: 5.0 };
        assert!((cut(point(-1.0)).low - 0.2).abs() < 1e-12 && (cut(point(1.0)).low - 1.0).abs() < 1e-12);
    }
}
