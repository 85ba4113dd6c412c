//! What an ensemble says of chance and of its own ignorance, where both are known.

use super::caption;
use super::line::{self, ENDS, Foretold, SEEDS, noise, truth};
use super::{Made, Scale};
use crate::plot::{Axis, Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_agents::{ci95, mean};
use mbrl_core::{Error, Key, Result, TransitionBatch};
use serde::Serialize;
use std::fmt::Write;

/// What is looked at: with the gap, and as far beyond the data.
const REGIONS: [(&str, [f64; 2]); 4] = [
    ("data, little noise", [-4.0, -1.0]),
    ("gap", [-1.0, 1.0]),
    ("data, much noise", [1.0, 4.0]),
    ("beyond", [4.0, 6.0]),
];
/// What an ensemble says at a point: its mean, the deviation that members foretell, and the one that they have among
/// themselves. Squared, the two add up to the variance of the members' mixture.
#[derive(Clone, Copy, Serialize)]
struct Said {
    x: f64,
    mean: f64,
    aleatoric: f64,
    epistemic: f64,
}

/// A deviation in a region, by seed.
#[derive(Serialize)]
struct Cell {
    region: &'static str,
    ends: [f64; 2],
    /// The root of the mean of σ² there.
    noise: f64,
    aleatoric: Vec<f64>,
    epistemic: Vec<f64>,
}

pub(super) fn line(scale: Scale) -> Result<Made> {
    let seeds = if scale == Scale::Quick { 1 } else { SEEDS };
    let fits = (0..seeds).map(|seed| fitted(Key::root(seed), scale)).collect::<Result<Vec<_>>>()?;
    let cells: Vec<Cell> = REGIONS.iter().map(|(region, ends)| Cell::of(region, *ends, &fits)).collect();
    let mut table = format!(
        "Root mean squares of deviations by region, in the mean over n = {seeds} seeds, of the data and of the networks, with \
         Student's 95 % interval.\n\n\
         | region | x | noise | chance, as foretold | ignorance |\n|---|---|---:|---:|---:|\n"
    );
    for Cell { region, ends: [low, high], noise, aleatoric, epistemic } in &cells {
        let [chance, ignorance] = [said(aleatoric), said(epistemic)];
        let _ = writeln!(table, "| {region} | {low} to {high} | {noise:.3} | {chance} | {ignorance} |");
    }
    let figure = figure(&fits[0]);
    let found = found(&cells);
    Ok(Made {
        figure,
        found,
        table,
        data: serde_json::to_value((&cells, &fits[0].1)).map_err(Error::backend)?,
    })
}

fn found(cells: &[Cell]) -> String {
    let ignorance = |cell: &Cell| format!("{} in `{}`", caption::said(&cell.epistemic, 3), cell.region);
    let chance = |cell: &Cell| {
        format!("{} for a noise of {:.3} in `{}`", caption::said(&cell.aleatoric, 3), cell.noise, cell.region)
    };
    let each = |of: &dyn Fn(&Cell) -> String| cells.iter().map(of).collect::<Vec<_>>().join(", ");
    format!("Ignorance is {}. Chance, as foretold, is {}.", each(&ignorance), each(&chance))
}

fn said(numbers: &[f64]) -> String {
    let interval = ci95(numbers).map_or(String::new(), |[low, high]| format!(" ({low:.3} to {high:.3})"));
    format!("{:.3}{interval}", mean(numbers))
}

impl Cell {
    fn of(region: &'static str, ends: [f64; 2], fits: &[(TransitionBatch, Vec<Said>)]) -> Self {
        let inside = |said: &&Said| said.x >= ends[0] && said.x <= ends[1];
        let root = |of: &dyn Fn(&Said) -> f64, said: &[Said]| {
            let squares: Vec<f64> = said.iter().filter(inside).map(|said| of(said).powi(2)).collect();
            mean(&squares).sqrt()
        };
        let each = |of: &dyn Fn(&Said) -> f64| fits.iter().map(|(_, said)| root(of, said)).collect();
        Cell {
            region,
            ends,
            noise: root(&|said| noise(said.x), &fits[0].1),
            aleatoric: each(&|said| said.aleatoric),
            epistemic: each(&|said| said.epistemic),
        }
    }
}

/// Data of a seed, and what an ensemble that was fitted to them says, by the law of total variance.
fn fitted(key: Key, scale: Scale) -> Result<(TransitionBatch, Vec<Said>)> {
    let (data, ensemble) = line::fitted(key, scale)?;
    let foretold = Foretold::by(ensemble.network())?;
    let of = |(row, x): (usize, &f64)| {
        let each = |of: &dyn Fn([f64; 2]) -> f64| mean(&foretold.at(row).map(of).collect::<Vec<_>>());
        let centre = each(&|[y, _]| y);
        Said {
            x: *x,
            mean: centre,
            aleatoric: each(&|[_, variance]| variance).sqrt(),
            epistemic: each(&|[y, _]| (y - centre).powi(2)).sqrt(),
        }
    };
    let said = foretold.xs.iter().enumerate().map(of).collect();
    Ok((data, said))
}

/// Both bands, and both deviations beside the noise that is there.
fn figure((data, said): &(TransitionBatch, Vec<Said>)) -> Figure {
    let axis = |label: &str, range| Axis { label: label.to_owned(), scale: AxisScale::Linear, range };
    let at = |x: f64, y: f64| Point { x, y, low: y, high: y };
    let curve = |name: &str, of: &dyn Fn(&Said) -> f64| Series {
        name: name.to_owned(),
        style: Style::Line,
        points: said.iter().map(|said| at(said.x, of(said))).collect(),
    };
    let mut dots: Vec<Point> = data
        .iter()
        .map(|t| at(f64::from(t.obs[0]), f64::from(t.next_obs[0]) - f64::from(t.obs[0])))
        .collect();
    dots.dedup_by(|b, a| b.x <= a.x);
    // A third of them is seen as well and hides less.
    let dots: Vec<Point> = dots.into_iter().step_by(3).collect();
    let line = |name: &str, style, of: &dyn Fn(&Said) -> f64| {
        let points = said.iter().map(|said| {
            let half = 2.0 * of(said);
            Point { x: said.x, y: said.mean, low: said.mean - half, high: said.mean + half }
        });
        let band = Series { name: name.to_owned(), style, points: points.collect() };
        let dots =
            Series { name: "a third of the data".to_owned(), style: Style::Dots, points: dots.clone() };
        vec![band, dots, curve("truth", &|said| truth(said.x))]
    };
    let panel = |title: &str, y: Axis, series| Panel {
        title: title.to_owned(),
        x: axis("x", Some(ENDS)),
        y,
        series,
        lines: Vec::new(),
    };
    let chance = line("chance", Style::Band, &|said| said.aleatoric);
    let ignorance = line("ignorance", Style::Band, &|said| said.epistemic);
    let deviations = vec![
        curve("chance", &|said| said.aleatoric),
        curve("ignorance", &|said| said.epistemic),
        curve("noise", &|said| noise(said.x)),
    ];
    let most = said.iter().map(|said| said.epistemic.max(said.aleatoric)).fold(0.5, f64::max);
    let panels = vec![
        panel("mean, and 2 deviations of chance", axis("y", Some([-4.5, 4.5])), chance),
        panel("mean, and 2 deviations of ignorance", axis("y", Some([-4.5, 4.5])), ignorance),
        panel("deviations", axis("deviation", Some([0.0, (1.05 * most).min(1.5)])), deviations),
    ];
    Figure {
        title: "What an ensemble knows of chance, and of its own ignorance".to_owned(),
        panels,
        columns: 3,
    }
}
