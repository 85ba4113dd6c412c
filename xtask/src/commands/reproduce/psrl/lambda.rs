//! Cumulative regret by episode for several λ of the flexible posterior: what the poster's figure 2 draws.

use super::super::{Made, Scale};
use super::flexible::{CONSTRUCTIONS, Way, play_all, size, ways};
use super::problem::{Kind, STATES};
use super::{Measured, axis, cumulative};
use crate::out;
use crate::plot::{Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_core::{Error, Result};
use serde::Serialize;
use std::fmt::Write;

/// Two that believe too much, one that forgets, and the two ways to be wrong on purpose, beside the exact one.
const SHOWN: [Kind; 5] = [Kind::Exact, Kind::Overconfident, Kind::MeanField, Kind::Wrong, Kind::RowLeftOut];

/// What one way lost.
#[derive(Serialize)]
struct Curve {
    posterior: &'static str,
    construction: &'static str,
    lambda: f64,
    episodes: Vec<u64>,
    cumulative: Vec<Measured>,
    /// The sum of all episodes, world by world, in full thousandths.
    worlds: Vec<f64>,
}

pub(crate) fn make(scale: Scale) -> Result<Made> {
    let ((worlds, episodes), ways) = (size(scale), ways(&SHOWN));
    let step = (episodes / 25).max(1);
    let marks: Vec<u64> = (1..=episodes).filter(|k| *k == 1 || k % step == 0).collect();
    out::progress(format_args!("{} runs of {episodes} episodes in each of {worlds} worlds", ways.len()));
    // Those that λ is reported in where it is chosen, and not those that it is chosen in.
    let sums = crate::jobs::each(worlds, |i| {
        let (_, runs) = play_all(&ways, worlds + i, episodes)?;
        Ok(runs.iter().map(|run| cumulative(&run.lost, &marks)).collect::<Vec<_>>())
    })?;
    let curves: Vec<Curve> =
        ways.iter().enumerate().map(|(i, way)| Curve::of(way, i, &sums, &marks)).collect();
    let figure = Figure {
        title: "Cumulative regret for several λ, by posterior and construction".to_owned(),
        panels: SHOWN
            .iter()
            .flat_map(|kind| CONSTRUCTIONS.map(|(_, name)| panel(*kind, name, &curves)))
            .collect(),
        columns: CONSTRUCTIONS.len(),
    };
    let data = serde_json::to_value(&curves).map_err(Error::backend)?;
    Ok(Made { figure, found: found(&curves, episodes), table: table(&curves, worlds, episodes), data })
}

impl Curve {
    fn of(way: &Way, i: usize, sums: &[Vec<Vec<f64>>], marks: &[u64]) -> Self {
        let column = |k: usize| sums.iter().map(|runs| runs[i][k]).collect::<Vec<_>>();
        let last = column(marks.len() - 1);
        Curve {
            posterior: way.kind.name(),
            construction: way.construction(),
            lambda: way.lambda,
            episodes: marks.to_vec(),
            cumulative: (0..marks.len()).map(|k| Measured::of(&column(k))).collect(),
            worlds: last.iter().map(|sum| (1000.0 * sum).round() / 1000.0).collect(),
        }
    }

    fn total(&self) -> Measured {
        self.cumulative.last().copied().unwrap_or(Measured { mean: f64::NAN, low: f64::NAN, high: f64::NAN })
    }
}

fn of<'a>(curves: &'a [Curve], kind: Kind, construction: &'a str) -> impl Iterator<Item = &'a Curve> {
    curves.iter().filter(move |curve| (curve.posterior, curve.construction) == (kind.name(), construction))
}

fn panel(kind: Kind, construction: &str, curves: &[Curve]) -> Panel {
    let series = of(curves, kind, construction).map(|curve| {
        let points = curve.episodes.iter().zip(&curve.cumulative);
        let points = points.map(|(k, sum)| Point { x: *k as f64, y: sum.mean, low: sum.low, high: sum.high });
        Series { name: format!("λ = {}", curve.lambda), style: Style::Band, points: points.collect() }
    });
    Panel {
        title: format!("{}, {construction}", kind.name()),
        x: axis("episodes", AxisScale::Linear),
        y: axis("cumulative regret", AxisScale::Linear),
        series: series.collect(),
        lines: Vec::new(),
    }
}

fn found(curves: &[Curve], episodes: u64) -> String {
    let (mut found, mut most_at_one) = (Vec::new(), 0);
    for kind in SHOWN {
        let mut least = Vec::new();
        for (_, construction) in CONSTRUCTIONS {
            let by_total = |a: &&Curve, b: &&Curve| a.total().mean.total_cmp(&b.total().mean);
            let Some(best) = of(curves, kind, construction).min_by(by_total) else { continue };
            least.push(match best.lambda > 0.0 {
                true => format!("with {construction} λ = {} least, {}", best.lambda, best.total().text(2)),
                false => format!("with {construction} no λ less"),
            });
            let worst = of(curves, kind, construction).max_by(by_total);
            most_at_one += usize::from(worst.is_some_and(|worst| worst.lambda >= 1.0));
        }
        let Some(plain) = of(curves, kind, CONSTRUCTIONS[0].1).next() else { continue };
        found.push(format!(
            "Where the posterior is `{}`, λ = 0 loses {} in {episodes} episodes, {}.",
            kind.name(),
            plain.total().text(2),
            least.join(", and ")
        ));
    }
    found.push(format!(
        "λ = 1 loses most in {most_at_one} of the {} panels. The least is read off the very worlds that are drawn, which flatters it; \
         the next figure chooses λ in others.",
        SHOWN.len() * CONSTRUCTIONS.len()
    ));
    found.join(" ")
}

fn table(curves: &[Curve], worlds: u64, episodes: u64) -> String {
    let mut table = format!(
        "Cumulative regret of {episodes} episodes in n = {worlds} worlds of {STATES} states, with Student's 95 % interval.\n\n\
         | posterior | construction |"
    );
    let first = of(curves, SHOWN[0], CONSTRUCTIONS[0].1);
    first.for_each(|curve| table.push_str(&format!(" λ = {} |", curve.lambda)));
    let columns = curves.len() / (SHOWN.len() * CONSTRUCTIONS.len());
    let _ = writeln!(table, "\n|---|---|{}", "---:|".repeat(columns));
    for (kind, construction) in SHOWN.iter().flat_map(|kind| CONSTRUCTIONS.map(|(_, name)| (*kind, name))) {
        let _ = write!(table, "| {} | {construction} |", kind.name());
        for total in of(curves, kind, construction).map(Curve::total) {
            let _ = write!(table, " {:.2} ± {:.2} |", total.mean, total.high - total.mean);
        }
        table.push('\n');
    }
    table
}
