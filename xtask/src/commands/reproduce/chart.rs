//! The parts of figures, in few words.

use crate::plot::{Axis, Panel, Point, Scale, Series, Style};

pub(super) fn linear(label: &str) -> Axis {
    Axis { label: label.to_owned(), scale: Scale::Linear, range: None }
}

pub(super) fn log(label: &str) -> Axis {
    Axis { scale: Scale::Log, ..linear(label) }
}

/// A value without an interval.
pub(super) fn at(x: f64, y: f64) -> Point {
    Point { x, y, low: y, high: y }
}

/// A mean with Student's interval, where there is one.
pub(super) fn mean_at(x: f64, numbers: &[f64]) -> Point {
    let y = mbrl_agents::mean(numbers);
    let [low, high] = mbrl_agents::ci95(numbers).unwrap_or([y; 2]);
    Point { x, y, low, high }
}

pub(super) fn series(name: &str, style: Style, points: Vec<Point>) -> Series {
    Series { name: name.to_owned(), style, points }
}

/// A panel without levels.
pub(super) fn panel(title: &str, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel { title: title.to_owned(), x, y, series, lines: Vec::new() }
}
