//! The figures of a calibration.

use super::found::{Found, Measured};
use super::points::Truth;
use crate::plot::{Axis, Figure, Panel, Point, Reference, Scale, Series, Style};
use mbrl_models::{ErrorBin, Uncertainty};

/// How often intervals cover, level by level, at each set of moves.
pub(super) fn reliability(found: &Found) -> Option<Figure> {
    let square = |title: &str, of: &dyn Fn(&Truth) -> &[f64]| {
        let curve = |truth: &Truth| {
            let levels = truth.calibration.levels.iter().zip(of(truth));
            levels.map(|(level, share)| at(*level, *share)).collect()
        };
        let mut series: Vec<Series> =
            found.truths().map(|(points, truth)| line(points.name, curve(truth))).collect();
        if series.is_empty() {
            return None;
        }
        series.push(line("as it should be", vec![at(0.0, 0.0), at(1.0, 1.0)]));
        let axis =
            |label: &str| Axis { label: label.to_owned(), scale: Scale::Linear, range: Some([0.0, 1.0]) };
        let (x, y) = (axis("share foretold"), axis("share that came"));
        Some(Panel { title: title.to_owned(), x, y, series, lines: Vec::new() })
    };
    let panels = vec![
        square("within the central interval", &|truth| &truth.calibration.pooled.coverage)?,
        square("below the quantile", &|truth| &truth.calibration.pooled.below)?,
    ];
    Some(Figure { title: "Reliability".to_owned(), panels, columns: 2 })
}

/// True errors by each measure, from the moves that it is surest of to those of most doubt.
pub(super) fn doubt(found: &Found) -> Option<Figure> {
    let panel = |(i, measure): (usize, Uncertainty)| {
        let sets =
            found.truths().filter_map(|(points, truth)| Some((points.name, &truth.curves.get(i)?.bins[..])));
        let sets: Vec<(&str, &[ErrorBin])> = sets.filter(|(_, bins)| !bins.is_empty()).collect();
        let is_positive = sets.iter().flat_map(|(_, bins)| *bins).all(|bin| bin.p25 > 1e-30);
        let scale = if is_positive { Scale::Log } else { Scale::Linear };
        let x = Axis {
            label: "share of moves in less doubt".to_owned(),
            scale: Scale::Linear,
            range: Some([0.0, 1.0]),
        };
        let y = Axis { label: "true error".to_owned(), scale, range: None };
        let series: Vec<Series> = sets.iter().map(|(name, bins)| rising(name, bins)).collect();
        (!series.is_empty()).then(|| Panel {
            title: measure.name().replace('_', " "),
            x,
            y,
            series,
            lines: Vec::new(),
        })
    };
    let panels: Vec<Panel> = Uncertainty::ALL.into_iter().enumerate().filter_map(panel).collect();
    (!panels.is_empty()).then(|| Figure { title: "True error by uncertainty".to_owned(), panels, columns: 2 })
}

/// The errors of parts, each in the middle of its moves.
fn rising(name: &str, bins: &[ErrorBin]) -> Series {
    let all: usize = bins.iter().map(|bin| bin.rows).sum();
    let mut before = 0;
    let points = bins.iter().map(|bin| {
        let x = (before as f64 + 0.5 * bin.rows as f64) / all as f64;
        before += bin.rows;
        Point { x, y: bin.median, low: bin.p25, high: bin.p75 }
    });
    let style = if bins.len() == 1 { Style::Bars } else { Style::Band };
    Series { name: name.to_owned(), style, points: points.collect() }
}

/// The share of states at the edge of reach, by how long rollouts are.
pub(super) fn edge(found: &Found) -> Option<Figure> {
    let Measured::Done(edges) = &found.edge_of_reach else { return None };
    let chance = edges.last()?.by_chance;
    let axis = |label: &str, range| Axis { label: label.to_owned(), scale: Scale::Linear, range };
    let most = edges.iter().map(|edge| edge.share).fold(0.1, f64::max);
    let points = edges.iter().map(|edge| at(edge.length as f64, edge.share)).collect();
    let panel = Panel {
        title: String::new(),
        x: axis("steps of a rollout", None),
        y: axis("share at the edge of reach", Some([0.0, (1.1 * most).min(1.0)])),
        series: vec![Series { name: String::new(), style: Style::Bars, points }],
        lines: vec![Reference { label: "by chance".to_owned(), y: chance }],
    };
    Some(Figure { title: "Edge of reach".to_owned(), panels: vec![panel], columns: 1 })
}

fn line(name: &str, points: Vec<Point>) -> Series {
    Series { name: name.to_owned(), style: Style::Line, points }
}

fn at(x: f64, y: f64) -> Point {
    Point { x, y, low: y, high: y }
}
