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

/// True errors by each measure.
pub(super) fn doubt(found: &Found) -> Option<Figure> {
    let panel = |(i, measure): (usize, Uncertainty)| {
        let curve =
            |truth: &Truth| truth.curves.get(i).map(|curve| &curve.bins[..]).unwrap_or_default().to_vec();
        let sets: Vec<(&str, Vec<ErrorBin>)> = found
            .truths()
            .map(|(points, truth)| (points.name, curve(truth)))
            .filter(|(_, bins)| !bins.is_empty())
            .collect();
        let bins = || sets.iter().flat_map(|(_, bins)| bins);
        let log = |low: &dyn Fn(&ErrorBin) -> f64| {
            if bins().all(|bin| low(bin) > 1e-30) { Scale::Log } else { Scale::Linear }
        };
        let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
        let x = axis("uncertainty", log(&|bin| bin.uncertainty));
        let y = axis("true error", log(&|bin| bin.p25));
        let band = |bin: &ErrorBin| Point { x: bin.uncertainty, y: bin.median, low: bin.p25, high: bin.p75 };
        let series: Vec<Series> = sets
            .iter()
            .map(|(name, bins)| Series {
                name: (*name).to_owned(),
                style: if bins.len() == 1 { Style::Bars } else { Style::Band },
                points: bins.iter().map(band).collect(),
            })
            .collect();
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
