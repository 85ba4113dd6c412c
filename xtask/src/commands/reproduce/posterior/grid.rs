//! The average reward for varying numbers of models and of policies.

use super::super::caption::said;
use super::super::learning::{Earned, Group};
use super::super::{Made, Scale};
use super::{SPARSE, ps};
use crate::plot::{Axis, Figure, Panel, Scale as AxisScale, Series, Style};
use mbrl_core::{Error, Result};
use std::fmt::Write;

/// The numbers that N and M are taken from.
const SIZES: [u64; 3] = [1, 3, 5];

/// What is set for N models with M policies each.
const GRID: [[Cell; 3]; 3] = [
    [
        ("N = 1, M = 1", &["agent.model.members=1", "agent.model.elites=1", "agent.policies=1"]),
        ("N = 1, M = 3", &["agent.model.members=1", "agent.model.elites=1", "agent.policies=3"]),
        ("N = 1, M = 5", &["agent.model.members=1", "agent.model.elites=1", "agent.policies=5"]),
    ],
    [
        ("N = 3, M = 1", &["agent.model.members=3", "agent.model.elites=3", "agent.policies=1"]),
        ("N = 3, M = 3", &["agent.model.members=3", "agent.model.elites=3", "agent.policies=3"]),
        ("N = 3, M = 5", &["agent.model.members=3", "agent.model.elites=3", "agent.policies=5"]),
    ],
    [
        ("N = 5, M = 1", &["agent.model.members=5", "agent.model.elites=5", "agent.policies=1"]),
        ("N = 5, M = 3", &["agent.model.members=5", "agent.model.elites=5", "agent.policies=3"]),
        ("N = 5, M = 5", &["agent.model.members=5", "agent.model.elites=5", "agent.policies=5"]),
    ],
];

type Cell = (&'static str, &'static [&'static str; 3]);

pub(in super::super) fn members(scale: Scale) -> Result<Made> {
    let (mut series, mut all) = (Vec::new(), Vec::new());
    let mut table =
        "| N | M | mean return of all evaluations | 95 % | n | by seed |\n|---:|---:|---:|---:|---:|---|\n"
            .to_owned();
    for (n, row) in SIZES.iter().zip(&GRID) {
        let mut points = Vec::new();
        for (m, (name, set)) in SIZES.iter().zip(row) {
            let group = Group { name, set: *set, seeds: 3, steps: 5_000, ..ps(SPARSE) };
            let earned = average(group, *m, scale)?;
            points.push(earned.point());
            // Writing to a string does not fail.
            let _ = writeln!(table, "| {n} | {m} | {} |", earned.cells());
            all.push(earned);
        }
        series.push(Series { name: format!("N = {n}"), style: Style::Bars, points });
    }
    let axis = |label: &str| Axis { label: label.to_owned(), scale: AxisScale::Linear, range: None };
    let (x, y) = (axis("policies of each model, M"), axis("mean return of all evaluations"));
    let panel = Panel { title: String::new(), x, y, series, lines: Vec::new() };
    let title = "Average reward of PS-MBPO by N and M, pendulum-sparse".to_owned();
    Ok(Made {
        figure: Figure { title, panels: vec![panel], columns: 1 },
        found: found(&all),
        table,
        data: serde_json::to_value(&all).map_err(Error::backend)?,
    })
}

/// The mean return of all evaluations after the first, by seed: how high and how soon.
fn average(group: Group, m: u64, scale: Scale) -> Result<Earned> {
    let curve = group.evaluations(scale)?;
    let later = &curve[curve.len().min(1)..];
    let seeds = later.first().map_or(0, |earned| earned.returns.len());
    let of_seed =
        |seed: usize| later.iter().map(|earned| earned.returns[seed]).sum::<f64>() / later.len() as f64;
    Ok(Earned::of(group.name, m, (0..seeds).map(of_seed).collect()))
}

/// The smallest population, the largest, and the best.
fn found(all: &[Earned]) -> String {
    let best = all.iter().max_by(|a, b| a.mean.total_cmp(&b.mean));
    let say = |earned: &Earned| format!("{} with {}", said(&earned.returns, 1), earned.group());
    match (all.first(), all.last(), best) {
        (Some(first), Some(last), Some(best)) => {
            format!("The average is {}, {}, and at its best {}.", say(first), say(last), say(best))
        }
        _ => String::new(),
    }
}
