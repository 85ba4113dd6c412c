//! What an ensemble says of chance and of its own ignorance, where both are known.

use super::caption;
use super::{Made, Scale};
use crate::plot::{Axis, Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_agents::{ci95, mean};
use mbrl_core::{
    Belief, Dims, End, Error, FitData, Key, MomentsMut, NoiseBuf, NoiseSpec, NullRecorder, Origin, Result,
    RowBuf, Scratch, Space, Spec, Spread, Task, Transition, TransitionBatch,
};
use mbrl_models::{Bounds, Ensemble, EnsembleConfig, Likelihood, Stop, Targets};
use serde::Serialize;
use std::fmt::Write;

/// Where there are data: on both sides of a gap.
const DATA: [[f64; 2]; 2] = [[-4.0, -1.0], [1.0, 4.0]];
/// What is looked at: with the gap, and as far beyond the data.
const REGIONS: [(&str, [f64; 2]); 4] = [
    ("data, little noise", [-4.0, -1.0]),
    ("gap", [-1.0, 1.0]),
    ("data, much noise", [1.0, 4.0]),
    ("beyond", [4.0, 6.0]),
];
const ROWS: usize = 600;
const SEEDS: u64 = 5;
/// Points of a curve from `ENDS[0]` to `ENDS[1]`.
const GRID: usize = 241;
const ENDS: [f64; 2] = [-6.0, 6.0];

/// The line.
fn truth(x: f64) -> f64 {
    (1.5 * x).sin() + 0.3 * x
}

/// The deviation of what comes from it: it grows from left to right.
fn noise(x: f64) -> f64 {
    0.05 + 0.35 / (1.0 + (-2.0 * x).exp())
}

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

/// Data of a seed, and what an ensemble that was fitted to them says.
fn fitted(key: Key, scale: Scale) -> Result<(TransitionBatch, Vec<Said>)> {
    let data = data(key.child("data"));
    let spec = Spec::new(Space::unbounded(1)?, Space::symmetric(1, 1.0)?);
    // A step leads from x to x + y: what is learnt is the change, and nothing else is to be.
    let task = Task::unknown().rewarding(|_, _, _| 0.0).terminating(|_, _, _| false);
    let epochs = if scale == Scale::Quick { 5 } else { 1500 };
    let config = EnsembleConfig {
        hidden: vec![64; 2],
        decay: vec![],
        batch: 32,
        // Half weighed by variances: by likelihood alone, what is hard to fit at first is taken for noise and stays so.
        likelihood: Likelihood::Gaussian { bounds: Bounds::Learnt, bounds_penalty: 0.01, beta: 0.5 },
        targets: Targets::Normalized,
        stop: Stop { improvement: 0.001, patience: 150, max_epochs: Some(epochs) },
        ..EnsembleConfig::default()
    };
    let mut ensemble = Ensemble::new(&spec, &task, config, key.child("model"))?;
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    ensemble.fit(FitData { data: &data, train: &rows, holdout: &[] }, key.child("fit"), &mut NullRecorder)?;
    let said = asked(ensemble.network())?;
    Ok((data, said))
}

/// Points of the line and their noise, as transitions from x to x + y in ascending order of x.
fn data(key: Key) -> TransitionBatch {
    let mut draws = NoiseBuf::default();
    draws.fill(NoiseSpec { normals: 1, uniforms: 1 }, ROWS, key);
    let draws = draws.view();
    let wide: f64 = DATA.iter().map(|[low, high]| high - low).sum();
    let place = |uniform: f32| {
        let mut along = wide * f64::from(uniform);
        for [low, high] in DATA {
            if along <= high - low {
                return low + along;
            }
            along -= high - low;
        }
        DATA[1][1]
    };
    let mut points: Vec<(f64, f64)> = (0..ROWS)
        .map(|i| {
            let x = place(draws.uniforms.row(i)[0]);
            (x, truth(x) + noise(x) * f64::from(draws.normals.row(i)[0]))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut data = TransitionBatch::new(Dims { obs: 1, act: 1 });
    for (x, y) in points {
        let (obs, next_obs) = ([x as f32], [(x + y) as f32]);
        let (reward, end, origin) = (0.0, End::Truncated, Origin::World);
        data.push(Transition { obs: &obs, act: &[0.0], next_obs: &next_obs, reward, end, origin });
    }
    data
}

/// What the members say along the line, by the law of total variance.
fn asked(model: &dyn Spread) -> Result<Vec<Said>> {
    let xs = (0..GRID).map(|i| ENDS[0] + (ENDS[1] - ENDS[0]) * i as f64 / (GRID - 1) as f64);
    let xs: Vec<f64> = xs.collect();
    let state = RowBuf::from_vec(xs.iter().map(|x| *x as f32).collect(), 1)?;
    let members = model.members();
    let (mut means, mut variances) = (vec![0.0; members * GRID], vec![0.0; members * GRID]);
    let out = MomentsMut::new(&mut means, &mut variances, GRID, 1);
    model.moments(state.view(), RowBuf::zeros(GRID, 1).view(), out, &mut Scratch::default())?;
    let moments = MomentsMut::new(&mut means, &mut variances, GRID, 1);
    let of = |(row, x): (usize, &f64)| {
        let each = |of: &dyn Fn(usize) -> f64| mean(&(0..members).map(of).collect::<Vec<_>>());
        let y = |member| f64::from(moments.view().mean(member, row)[0]) - x;
        let centre = each(&y);
        Said {
            x: *x,
            mean: centre,
            aleatoric: each(&|member| f64::from(moments.view().variance(member, row)[0])).sqrt(),
            epistemic: each(&|member| (y(member) - centre).powi(2)).sqrt(),
        }
    };
    Ok(xs.iter().enumerate().map(of).collect())
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
