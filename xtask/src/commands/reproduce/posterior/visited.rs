//! Which states were visited: angle and speed of the pendulum, by who acted.

use super::super::caption::said;
use super::super::learning::Group;
use super::super::{Made, Scale};
use super::{SPARSE, mbpo, ps, sac};
use crate::commands::train;
use crate::plot::{Axis, Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_agents::load_agent;
use mbrl_core::{Error, Result};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The plane of angle and speed is divided into so many parts either way.
const PARTS: f64 = 20.0;
/// Of a run's states every so many-th is drawn.
const DRAWN: usize = 4;
const MAX_SPEED: f64 = 8.0;

/// What an agent visited.
#[derive(Serialize)]
struct Visited {
    group: &'static str,
    /// The share of the plane's parts that a seed's run came to.
    share: Vec<f64>,
    /// The first seed's states (angle from upright, speed), every fourth one.
    states: Vec<[f64; 2]>,
}

pub(in super::super) fn visited(scale: Scale) -> Result<Made> {
    let groups = [ps(SPARSE), SPARSE, mbpo(SPARSE), sac(SPARSE)];
    let all = groups.iter().map(|group| of(group, scale)).collect::<Result<Vec<_>>>()?;
    let axis = |label: &str, most: f64| Axis {
        label: label.to_owned(),
        scale: AxisScale::Linear,
        range: Some([-most, most]),
    };
    let panels = all.iter().map(|visited| {
        let mut points: Vec<Point> =
            visited.states.iter().map(|&[x, y]| Point { x, y, low: y, high: y }).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Panel {
            title: visited.group.to_owned(),
            x: axis("angle from upright", std::f64::consts::PI),
            y: axis("speed", MAX_SPEED),
            series: vec![Series { name: String::new(), style: Style::Dots, points }],
            lines: Vec::new(),
        }
    });
    let figure = Figure {
        title: "States visited in pendulum-sparse".to_owned(),
        panels: panels.collect(),
        columns: 2,
    };
    let mut table = "| agent | share of the plane | n | by seed |\n|---|---:|---:|---|\n".to_owned();
    let mut found = Vec::new();
    for Visited { group, share, .. } in &all {
        let by_seed: Vec<String> = share.iter().map(|share| format!("{share:.2}")).collect();
        // Writing to a string does not fail.
        let _ =
            writeln!(table, "| {group} | {} | {} | {} |", said(share, 2), share.len(), by_seed.join(", "));
        found.push(format!("{group} came to {} of the plane's 400 parts", said(share, 2)));
    }
    let found = format!("{}, as shares.", found.join(", "));
    Ok(Made { figure, found, table, data: serde_json::to_value(&all).map_err(Error::backend)? })
}

fn of(group: &Group, scale: Scale) -> Result<Visited> {
    let entry = mbrl_envs::find(group.env)?;
    let mut visited = Visited { group: group.name, share: Vec::new(), states: Vec::new() };
    for run in group.run(scale)? {
        let trained = load_agent(&run, &train::setup(entry))?;
        let Some(replay) = trained.agent.replay() else {
            return Err(Error::unsupported(format_args!("{} keeps no transitions", group.name)));
        };
        let states: Vec<[f64; 2]> = replay
            .iter()
            .map(|row| row.next_obs)
            .map(|obs| [f64::from(obs[1]).atan2(f64::from(obs[0])), f64::from(obs[2])])
            .collect();
        visited.share.push(share(&states));
        if visited.states.is_empty() {
            visited.states = states.into_iter().step_by(DRAWN).collect();
        }
    }
    Ok(visited)
}

/// The share of the parts of the plane that some of the states lie in.
fn share(states: &[[f64; 2]]) -> f64 {
    let part = |x: f64, most: f64| ((x / most + 1.0) / 2.0 * PARTS).clamp(0.0, PARTS - 1.0) as u32;
    let parts: BTreeSet<[u32; 2]> =
        states.iter().map(|&[x, y]| [part(x, std::f64::consts::PI), part(y, MAX_SPEED)]).collect();
    parts.len() as f64 / (PARTS * PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_once() {
        let one = 1.0 / 400.0;
        assert!((share(&[[0.01, 0.01], [0.02, 0.02]]) - one).abs() < 1e-12);
        assert!((share(&[[-3.2, -9.0], [3.2, 9.0], [0.0, 0.0]]) - 3.0 * one).abs() < 1e-12);
    }
}
