//! A bound drawn against one of its symbols.

use super::sweep::{Row, Sweep};
use super::{Evaluated, example, labels, text};
use crate::plot::{Axis, Figure, Panel, Point, Reference, Scale, Series, Style};
use mbrl_bounds::{Bound, Quantity, Symbol, Symbols};
use mbrl_core::{Error, Result};

pub(super) fn draw(evaluated: &Evaluated) -> Result<Figure> {
    let Evaluated { bound, symbols, value, sweep, .. } = evaluated;
    let Some(sweep) = sweep else {
        return example::draw();
    };
    let mut curves = Vec::new();
    for (name, bound, symbols) in companions(bound, symbols, sweep)? {
        curves.push((name, sweep.curve(bound, &symbols)));
    }
    let mut series: Vec<Series> =
        curves.iter().map(|(name, rows)| line(name, sweep, rows, |row| Some(row.value.value))).collect();
    let mut lines = Vec::new();
    // The level is a line where it is the same everywhere, and a curve where it moves with the symbol.
    let level = value.vacuous_above.filter(|level| (TINY..HUGE).contains(level));
    if let (Some(level), Some((_, rows))) = (level, curves.first()) {
        let moves = |row: &Row| row.value.vacuous_above.is_some_and(|l| (l / level - 1.0).abs() > 1e-9);
        if rows.iter().any(moves) {
            series.push(line("vacuous above", sweep, rows, |row| row.value.vacuous_above));
        } else {
            lines.push(Reference { label: format!("vacuous above {}", text::digits(level, 5)), y: level });
        }
    }
    let here = sweep.rows.iter().filter(|row| sweep.is_given(row)).copied().collect::<Vec<_>>();
    let moves =
        |symbol| symbol == sweep.symbol || symbol == Symbol::EpsPi && varies_policy(bound, sweep.symbol);
    let (moved, held): (Vec<_>, Vec<_>) =
        text::inputs(bound, symbols).partition(|(symbol, _)| moves(*symbol));
    let [moved, held] = [moved, held].map(|inputs| {
        let written =
            inputs.iter().map(|(symbol, number)| format!("{} = {number}", labels::sign(bound, *symbol)));
        written.collect::<Vec<_>>().join(", ")
    });
    let name = format!("{moved}: {}", text::digits(value.value, 5));
    let given = line(&name, sweep, &here, |row| Some(row.value.value));
    series.push(Series { style: Style::Bars, ..given });
    // A line through one point is not to be seen.
    series.retain(|series| series.points.len() > usize::from(series.style == Style::Line));
    if series.is_empty() {
        return Err(Error::invalid(
            "--plot: the numbers are too large or too small to be drawn: give others",
        ));
    }

    let ys = || series.iter().flat_map(|s| &s.points).map(|p| p.y).chain(lines.iter().map(|line| line.y));
    let (low, high) = ys().fold((f64::INFINITY, 0.0_f64), |(low, high), y| (low.min(y), high.max(y)));
    let is_log = low > TINY && high > 30.0 * low;
    Ok(Figure {
        title: if held.is_empty() { bound.name.to_owned() } else { format!("{} at {held}", bound.name) },
        panels: vec![Panel {
            title: String::new(),
            x: Axis {
                label: labels::x(bound, sweep.symbol).to_owned(),
                scale: x_scale(sweep.symbol),
                range: None,
            },
            y: Axis {
                label: labels::y(bound.quantity).to_owned(),
                scale: if is_log { Scale::Log } else { Scale::Linear },
                range: None,
            },
            series,
            lines,
        }],
        columns: 1,
    })
}

/// What can be drawn: below and above, an axis has no room.
const TINY: f64 = 1e-90;
const HUGE: f64 = 1e90;

/// The bound and those that it is to be compared with, by name.
fn companions(
    bound: &'static Bound,
    symbols: &Symbols,
    sweep: &Sweep,
) -> Result<Vec<(String, &'static Bound, Symbols)>> {
    if bound.needs.contains(&Symbol::K) {
        let all = [
            ("theorem 4.2 (ε_m under π_D)", "mbpo-4.2"),
            ("theorem 4.3, lecture notes (ε_m′ under π)", "mbpo-4.3"),
            ("theorem 4.3, published (ε_m′ under π)", "mbpo-4.3-published"),
        ];
        return all
            .map(|(name, of)| Ok((name.to_owned(), Bound::find(of)?, symbols.clone())))
            .into_iter()
            .collect();
    }
    if let (true, Some(eps_pi)) = (varies_policy(bound, sweep.symbol), symbols.eps_pi) {
        let mut all: Vec<f64> = match eps_pi {
            some if some > 0.0 => [0.25, 0.5, 1.0, 2.0, 4.0].map(|factor| factor * some).to_vec(),
            _ => vec![0.0, 0.01, 0.1],
        };
        all.retain(|eps_pi| *eps_pi <= 1.0);
        let with = |eps_pi: f64| {
            let symbols = Symbols { eps_pi: Some(eps_pi), ..symbols.clone() };
            (format!("ε_π = {}", text::digits(eps_pi, 4)), bound, symbols)
        };
        return Ok(all.into_iter().map(with).collect());
    }
    let mut all = vec![(bound.name.to_owned(), bound, symbols.clone())];
    if bound.quantity == Quantity::Regret && sweep.symbol != Symbol::Kl {
        let exact = Symbols { kl: Some(vec![0.0]), ..symbols.clone() };
        all.push(("under exact inference (KL = 0)".to_owned(), bound, exact));
    }
    Ok(all)
}

fn line(name: &str, sweep: &Sweep, rows: &[Row], y: impl Fn(&Row) -> Option<f64>) -> Series {
    let point = |row: &Row| {
        let (x, y) = (place(sweep.symbol, row.at), y(row)?);
        let is_seen = y.abs() < HUGE && (x_scale(sweep.symbol) == Scale::Linear || (TINY..HUGE).contains(&x));
        is_seen.then_some(Point { x, y, low: y, high: y })
    };
    let mut points: Vec<Point> = rows.iter().filter_map(point).collect();
    points.dedup_by(|b, a| b.x <= a.x);
    Series { name: name.to_owned(), style: Style::Line, points }
}

/// Of a discount, what matters is how many steps it looks ahead.
fn place(symbol: Symbol, at: f64) -> f64 {
    if symbol == Symbol::Gamma { (1.0 - at).recip() } else { at }
}

/// Lengths of rollouts begin with none.
fn x_scale(symbol: Symbol) -> Scale {
    if symbol == Symbol::K { Scale::Linear } else { Scale::Log }
}

/// Whether curves differ by ε_π, as they do where nothing else is to be compared with.
fn varies_policy(bound: &Bound, swept: Symbol) -> bool {
    swept == Symbol::EpsM && !bound.needs.contains(&Symbol::K)
}
