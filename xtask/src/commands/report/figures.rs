//! The figures of a report: what runs recorded, and what their model is worth.

use super::curve::{curve, evaluations, interval, of_runs};
use super::frame;
use super::group::{Group, Run};
use super::probe::{Ahead, Found, Spread};
use crate::plot::{Axis, Figure, MOST_SERIES, Panel, Point, Reference, Scale, Series, Style};
use mbrl_models::HorizonError;
use std::collections::{BTreeMap, BTreeSet};

/// A figure, and what its files are called.
pub(super) struct Plot {
    pub(super) name: String,
    pub(super) figure: Figure,
}

/// What is measured in so many steps is drawn as points that were each measured.
const FEW: usize = 12;
const IMAGINED: &str = "imagined";
const PESSIMISTIC: &str = "imagined, less what doubt costs";
/// In the environment; of who learns from a dataset, updates.
const STEPS: &str = "steps of training";

/// Real and imagined returns, and their gap.
pub(super) fn returns(group: &Group) -> Option<Plot> {
    let runs = &group.runs;
    let imagined = curve(runs, "rollout/return");
    let returns = panel(
        if imagined.is_empty() { "" } else { "return of whole episodes" },
        "return",
        vec![
            measured("evaluation", evaluations(group)),
            line("episodes in training", curve(runs, "train/return")),
            measured_or_line(IMAGINED, imagined),
            measured_or_line(PESSIMISTIC, curve(runs, "rollout/pessimistic")),
        ],
    );
    let reach = returns.as_ref().map_or(0.0, |panel| frame::reach(panel, IMAGINED));
    let returns = returns.map(|panel| frame::around_real(panel, IMAGINED));
    let gap = panel(
        "gap: imagined less evaluation",
        "gap",
        vec![measured_or_line("imagined less evaluation", of_runs(runs.iter().map(gap).collect()))],
    );
    let gap = gap.map(|gap| frame::around_none(gap, reach));
    let gap = gap.map(|gap| Panel { lines: vec![Reference { label: "no gap".to_owned(), y: 0.0 }], ..gap });
    plot(
        "returns",
        &format!("Returns of {} on {}", group.config().algo, group.config().env),
        [returns, gap],
        1,
    )
}

/// Imagined returns less those of the nearest evaluation.
fn gap(run: &Run) -> Vec<(u64, f64)> {
    let nearest = |at: u64| run.evaluations.iter().min_by_key(|point| point.env_steps.abs_diff(at));
    let less = |(at, imagined)| Some((at, imagined - nearest(at)?.mean_return));
    run.scalars("rollout/return").into_iter().filter_map(less).collect()
}

/// Groups that were trained in one environment, by their evaluations.
pub(super) fn comparison(env: &str, groups: &[(String, &Group)]) -> Option<Plot> {
    let series = groups.iter().take(MOST_SERIES).map(|(name, group)| measured(name, evaluations(group)));
    plot("comparison", &format!("Evaluations on {env}"), [panel("", "return", series.collect())], 1)
}

/// The length of rollouts, and how much was imagined.
pub(super) fn rollouts(runs: &[Run]) -> Option<Plot> {
    let one = |title: &str, y: &str, name: &str| panel(title, y, vec![recorded(runs, name)]);
    let panels = [
        one("rollout length", "steps", "rollout/length"),
        one("imagined transitions a fit", "transitions", "rollout/rows"),
    ];
    plot("rollouts", "Imagination", panels, 2)
}

/// The symbols of the theorems as estimated, and what the theorems make of them.
pub(super) fn theory(runs: &[Run]) -> [Option<Plot>; 2] {
    let recorded = |title: &str, y: &str, of: &[(&str, &str)]| {
        panel(title, y, of.iter().map(|(label, name)| line(label, curve(runs, name))).collect())
    };
    let mut model_error = curve(runs, "theory/eps_m_smoothed");
    if let [run] = runs {
        let ends = |name| run.scalars(name).into_iter().collect::<BTreeMap<u64, f64>>();
        let (low, high) = (ends("theory/eps_m_smoothed_low"), ends("theory/eps_m_smoothed_high"));
        for point in &mut model_error {
            let end = |of: &BTreeMap<u64, f64>| {
                of.get(&(point.x as u64)).copied().filter(|_| point.x.fract().abs() < 1e-9)
            };
            if let (Some(low), Some(high)) = (end(&low), end(&high)) {
                (point.low, point.high) = (low.min(point.y), high.max(point.y));
            }
        }
    }
    let policy = |label: &str, name: &str| line(label, curve(runs, name));
    let errors = panel(
        "error of the model, shift of the policy",
        "total variation",
        vec![
            Series { name: "\u{3b5}m, smoothed".to_owned(), style: Style::Band, points: model_error },
            policy("\u{3b5}\u{3c0}, mean", "theory/eps_pi_mean"),
            policy("\u{3b5}\u{3c0}, largest", "theory/eps_pi_max"),
        ],
    );
    let bounds = recorded(
        "",
        "return",
        &[
            ("MBPO 4.1", "theory/mbpo-4.1"),
            ("MBPO 4.2", "theory/mbpo-4.2"),
            ("MBPO 4.3", "theory/mbpo-4.3"),
            ("4.3 as published", "theory/mbpo-4.3-published"),
            ("says nothing from here up", "theory/vacuous_above"),
        ],
    );
    let best = recorded("rollout length that the theory would choose", "k*", &[("k*", "theory/k_star")]);
    [
        plot("theory-errors", "What the theorems speak of", [errors, best], 1),
        plot("bounds", "What the bounds subtract from the imagined return", [bounds], 1),
    ]
}

/// How errors add up with the steps that are foretold: in the mean, which a few wild forecasts decide, and in the middle.
pub(super) fn model_error(ahead: &Ahead, members: &[u16]) -> Option<Plot> {
    let (pooled, of_members) = (&ahead.errors.pooled, &ahead.errors.members);
    let elites = || members.iter().filter_map(|member| of_members.get(usize::from(*member)));
    let side = |title: &str, of: &dyn Fn(&HorizonError) -> Point, still: &[f64]| {
        let mut series = vec![line("all members", pooled.iter().map(of).collect())];
        if members.len() < of_members.len() {
            let mean =
                |i: usize| elites().map(|errors| of(&errors[i]).y).sum::<f64>() / elites().count() as f64;
            let points = pooled.iter().enumerate().map(|(i, at)| interval(at.step as f64, mean(i), None));
            series.push(line("members imagined with", points.collect()));
        }
        let points = still.iter().enumerate().map(|(i, y)| interval(i as f64 + 1.0, *y, None));
        series.push(line("nothing moves", points.collect()));
        let mut panel = panel(title, "distance from what came", series)?;
        panel.x.label = "steps ahead".to_owned();
        Some(panel)
    };
    let mean = |at: &HorizonError| interval(at.step as f64, at.mean, None);
    let median = |at: &HorizonError| Point { x: at.step as f64, y: at.median, low: at.p25, high: at.p75 };
    let panels = [
        side("mean", &mean, &ahead.standstill_mean),
        side("median; in the band, half of the forecasts", &median, &ahead.standstill),
    ];
    plot("model-error", "Error of forecasts by horizon", panels, 2)
}

/// How often what came is where the model says.
pub(super) fn calibration(spread: &Spread) -> Option<Plot> {
    let calibration = &spread.calibration;
    let against_level = |shares: &[f64]| -> Vec<Point> {
        calibration.levels.iter().zip(shares).map(|(level, share)| interval(*level, *share, None)).collect()
    };
    let ideal = || line("as it should be", vec![interval(0.0, 0.0, None), interval(1.0, 1.0, None)]);
    let square = |title: &str, x: &str, y: &str, shares: &[f64]| {
        let mut panel = panel(title, y, vec![line("the model", against_level(shares)), ideal()])?;
        panel.x = Axis { label: x.to_owned(), scale: Scale::Linear, range: Some([0.0, 1.0]) };
        panel.y.range = Some([0.0, 1.0]);
        Some(panel)
    };
    let pooled = &calibration.pooled;
    let panels = [
        square("within the central interval", "share foretold", "share that came", &pooled.coverage),
        square("below the quantile", "share foretold", "share that came", &pooled.below),
    ];
    plot("calibration", "Calibration", panels, 2)
}

/// Everything else that was recorded below a prefix such as `sac/`, each in a panel of its own.
pub(super) fn others(runs: &[Run], prefix: &str, title: &str) -> Option<Plot> {
    let lines = runs.iter().flat_map(|run| &run.metrics);
    let names: BTreeSet<&str> = lines.flat_map(|line| line.scalars.keys()).map(String::as_str).collect();
    let panels = names.into_iter().filter(|name| name.starts_with(prefix)).map(|name| {
        let label = name.trim_start_matches(prefix).replace('_', " ");
        panel(&label, "", vec![recorded(runs, name)])
    });
    let name = prefix.trim_end_matches('/');
    plot(name, title, panels.collect::<Vec<_>>(), 2)
}

/// The time by span of work as it went by, of the first run.
pub(super) fn time(run: &Run) -> Option<Plot> {
    let mut spans: Vec<(&String, &f64)> = run.phases.iter().collect();
    spans.sort_by(|a, b| b.1.total_cmp(a.1));
    let mut series =
        vec![line("all", shortened(run.timing.iter().map(|line| (line.env_steps, line.wall_s)).collect()))];
    for (name, _) in spans.into_iter().take(MOST_SERIES - 2) {
        let mut sum = 0.0;
        let spent = run.timing.iter().map(|line| {
            sum += line.spans.get(name).copied().unwrap_or(0.0);
            (line.env_steps, sum)
        });
        series.push(line(name, shortened(spent.collect())));
    }
    let spent = panel("time spent so far", "seconds", series);
    let speed = run.timing.iter().filter_map(|line| Some((line.env_steps, line.steps_per_s?)));
    let speed = panel(
        "speed",
        "steps a second",
        vec![line("steps a second", shortened(speed.filter(|at| at.0 > 0).collect()))],
    );
    plot("time", "Time", [spent, speed], 1)
}

fn shortened(mut numbers: Vec<(u64, f64)>) -> Vec<Point> {
    // A run that was resumed may say a step again; what it said last holds.
    numbers.reverse();
    numbers.dedup_by_key(|(at, _)| *at);
    numbers.reverse();
    of_runs(vec![numbers])
}

fn line(name: &str, points: Vec<Point>) -> Series {
    let has_interval = points.iter().any(|point| point.low < point.high);
    Series { name: name.to_owned(), style: if has_interval { Style::Band } else { Style::Line }, points }
}

/// What was recorded under a name, in a figure whose panels show nothing else: what it is stands above each.
fn recorded(runs: &[Run], name: &str) -> Series {
    line(if runs.len() == 1 { "" } else { "mean and 95 % interval" }, curve(runs, name))
}

fn measured(name: &str, points: Vec<Point>) -> Series {
    let style = if points.len() <= FEW { Style::Bars } else { Style::Band };
    Series { name: name.to_owned(), style, points }
}

/// A line of one point would not be seen.
fn measured_or_line(name: &str, points: Vec<Point>) -> Series {
    if points.len() <= 2 { measured(name, points) } else { line(name, points) }
}

/// A panel over steps of those series that have points; nothing where none has.
fn panel(title: &str, y: &str, series: Vec<Series>) -> Option<Panel> {
    let series: Vec<Series> = series
        .into_iter()
        .filter(|series| !series.points.is_empty())
        .map(|series| match series.points.len() {
            1 => Series { style: Style::Bars, ..series },
            _ => series,
        })
        .collect();
    let scale = scale(&series);
    let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
    (!series.is_empty()).then(|| Panel {
        title: title.to_owned(),
        x: axis(STEPS, Scale::Linear),
        y: axis(y, scale),
        series,
        lines: Vec::new(),
    })
}

/// Numbers of many sizes are told apart on a log scale alone, if they have a place on one.
fn scale(series: &[Series]) -> Scale {
    const MANY: f64 = 50.0;
    let numbers =
        || series.iter().flat_map(|series| &series.points).flat_map(|point| [point.y, point.low, point.high]);
    let (low, high) = numbers().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
    if low > 1e-30 && high > MANY * low { Scale::Log } else { Scale::Linear }
}

/// A figure of those panels that there are; nothing where there are none.
fn plot(
    name: &str,
    title: &str,
    panels: impl IntoIterator<Item = Option<Panel>>,
    columns: usize,
) -> Option<Plot> {
    let mut panels: Vec<Panel> = panels.into_iter().flatten().collect();
    let over_steps = || panels.iter().filter(|panel| panel.x.label == STEPS);
    let points = over_steps().flat_map(|panel| &panel.series).flat_map(|series| &series.points);
    let last = points.fold(1.0_f64, |last, point| last.max(point.x));
    for panel in panels.iter_mut().filter(|panel| panel.x.label == STEPS) {
        // What stands below each other is of the same step; markers at the ends have room.
        panel.x.range = Some([-0.02 * last, 1.02 * last]);
    }
    let columns = columns.min(panels.len());
    let figure = Figure { title: title.to_owned(), panels, columns };
    (columns > 0).then(|| Plot { name: name.to_owned(), figure })
}

/// The figures of what was found of a model.
pub(super) fn of_model(found: &Found) -> Vec<Plot> {
    let error = found.compounding.as_ref().ok().and_then(|ahead| model_error(ahead, &found.members));
    let spread = found.spread.as_ref().and_then(|spread| spread.as_ref().ok());
    error.into_iter().chain(spread.and_then(calibration)).collect()
}
