//! The optimistic weights of a run: at first, over all of it, and beside what it earned.

use super::super::learning::scalar;
use super::super::{Made, Scale};
use super::SWINGUP;
use crate::plot::{Axis, Figure, MOST_SERIES, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_core::{Error, Result};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The part of training that is drawn by itself, as a share of its steps.
const FIRST: f64 = 0.4;

pub(in super::super) fn weights(scale: Scale) -> Result<Made> {
    // The first of the seeds is drawn; what is said of how soon one policy was left counts all.
    let runs = SWINGUP.run(scale)?;
    let mut of_seeds = Vec::new();
    for run in &runs {
        let agent = run.config()?.agent;
        let [n, m] = [&agent["model"]["members"], &agent["policies"]].map(|size| size.as_u64().unwrap_or(0));
        let names = (0..n).flat_map(|n| (0..m).map(move |m| format!("{n}.{m}")));
        // Before the first episode all are alike.
        let mut weights: Weights = names.map(|name| (name, vec![(0, 1.0 / (n * m) as f64)])).collect();
        let mut returns = Vec::new();
        for line in run.metrics()? {
            for (name, weight) in line.scalars.iter() {
                if let (Some(policy), Some(weight)) = (name.strip_prefix("policy/weight/"), weight) {
                    weights.entry(policy.to_owned()).or_default().push((line.env_steps, *weight));
                }
            }
            returns.extend(scalar(&line, "eval/return").map(|earned| (line.env_steps, earned)));
        }
        of_seeds.push((weights, returns));
    }
    let (Some(run), Some((weights, returns))) = (runs.first(), of_seeds.first()) else {
        return Err(Error::invalid("no run: give at least one seed"));
    };
    let last = run.config()?.steps as f64;
    let point = |&(steps, y): &(u64, f64)| Point { x: steps as f64, y, low: y, high: y };
    let lines = named(weights);
    let of_weights = |until: f64| -> Vec<Series> {
        let series = |(name, points): &(String, Vec<(u64, f64)>)| Series {
            name: name.clone(),
            style: Style::Line,
            points: points.iter().map(point).filter(|point| point.x <= until).collect(),
        };
        lines.iter().map(series).collect()
    };
    let axis = |label: &str, range| Axis { label: label.to_owned(), scale: AxisScale::Linear, range };
    let of_policies = |title: &str, until: f64| Panel {
        title: title.to_owned(),
        x: axis("steps in the environment", Some([0.0, until])),
        y: axis("probability of a policy (n.m)", Some([0.0, 1.0])),
        series: of_weights(until),
        lines: Vec::new(),
    };
    let reward = Panel {
        title: "what was earned".to_owned(),
        x: axis("steps in the environment", Some([0.0, last])),
        y: axis("return of an evaluation", None),
        series: vec![Series {
            name: "policies as they are drawn".to_owned(),
            style: Style::Line,
            points: returns.iter().map(point).collect(),
        }],
        lines: Vec::new(),
    };
    let figure = Figure {
        title: "Optimistic weights of OPS-MBPO on cartpole-swingup".to_owned(),
        panels: vec![of_policies("at first", FIRST * last), of_policies("all of training", last), reward],
        columns: 3,
    };
    let mut table = "| seed | policies | half decided after | likeliest in the end | its weight | return of the last evaluation |\n|---:|---:|---:|---|---:|---:|\n".to_owned();
    let mut decided = Vec::new();
    for (seed, (weights, returns)) in of_seeds.iter().enumerate() {
        let half =
            weights.values().flatten().filter(|(_, weight)| *weight >= 0.5).map(|(steps, _)| *steps).min();
        decided.extend(half);
        let ends = weights.iter().filter_map(|(name, points)| Some((name, points.last()?.1)));
        let (name, weight) = ends
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(("-", 0.0), |(name, weight)| (name.as_str(), weight));
        let earned = returns.last().map_or(f64::NAN, |(_, earned)| *earned);
        let half = half.map_or("never".to_owned(), |steps| steps.to_string());
        // Writing to a string does not fail.
        let _ =
            writeln!(table, "| {seed} | {} | {half} | {name} | {weight:.2} | {earned:.0} |", weights.len());
    }
    let after: Vec<String> = decided.iter().map(u64::to_string).collect();
    let found = format!(
        "One policy had half of the weight in {} of {} runs, after {} steps.",
        decided.len(),
        of_seeds.len(),
        if after.is_empty() { "no".to_owned() } else { after.join(", ") }
    );
    let data: Vec<_> =
        of_seeds.iter().map(|(weights, returns)| json!({ "weights": weights, "returns": returns })).collect();
    Ok(Made { figure, found, table, data: json!(data) })
}

/// The weights of each policy, by the steps that they held after.
type Weights = BTreeMap<String, Vec<(u64, f64)>>;

/// The policies that were ever likeliest, as many as colors tell apart, and all others together.
fn named(weights: &Weights) -> Vec<(String, Vec<(u64, f64)>)> {
    let peak = |points: &[(u64, f64)]| points.iter().map(|(_, weight)| *weight).fold(0.0, f64::max);
    let mut ranked: Vec<_> = weights.iter().collect();
    ranked.sort_by(|a, b| peak(b.1).total_cmp(&peak(a.1)).then(a.0.cmp(b.0)));
    // One color is that of the returns.
    let most = MOST_SERIES - 1;
    let own = if ranked.len() > most { most - 1 } else { ranked.len() };
    let (first, rest) = ranked.split_at(own);
    let mut lines: Vec<_> = first.iter().map(|(name, points)| ((*name).clone(), (*points).clone())).collect();
    let mut others = BTreeMap::<u64, f64>::new();
    for (steps, weight) in rest.iter().flat_map(|(_, points)| points.iter()) {
        *others.entry(*steps).or_default() += weight;
    }
    if !rest.is_empty() {
        lines.push((format!("{} others together", rest.len()), others.into_iter().collect()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_never_likely_are_added_up() {
        let weights: Weights =
            (0..9).map(|i| (format!("0.{i}"), vec![(10, 0.1), (20, f64::from(i) / 36.0)])).collect();
        let lines = named(&weights);
        assert_eq!(lines.len(), MOST_SERIES - 1);
        assert!(lines[0].0 == "0.8" && lines[MOST_SERIES - 2].0 == "4 others together");
        for at in 0..2 {
            let sum: f64 = lines.iter().map(|(_, points)| points[at].1).sum();
            let all: f64 = weights.values().map(|points| points[at].1).sum();
            assert!((sum - all).abs() < 1e-12);
        }
    }
}
