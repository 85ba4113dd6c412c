//! Regret against λ of the flexible posterior, with λ chosen in worlds that it is not reported in.

use super::super::{Made, Scale};
use super::flexible::{CONSTRUCTIONS, LAMBDAS, Run, Way, play_all, size, ways};
use super::problem::{HORIZON, KINDS, Problem, STATES};
use super::{Measured, axis};
use crate::out;
use crate::plot::{Figure, Panel, Point, Scale as AxisScale, Series, Style};
use mbrl_agents::mean;
use mbrl_bounds::divergence::discrete;
use mbrl_bounds::psrl::{Episodes, regret_bound, worst_information_ratio};
use mbrl_core::{Error, Result};
use serde::Serialize;
use std::fmt::Write;

/// What is reported of one way.
#[derive(Serialize)]
struct Cell {
    posterior: &'static str,
    construction: &'static str,
    lambda: f64,
    /// In the worlds that λ is chosen in.
    held_out: Measured,
    fresh: Measured,
    /// Fresh, minus that of λ = 0 in the same worlds.
    difference: Measured,
    /// The mean over fresh worlds and episodes.
    kl: f64,
    /// Of mbrl-bounds, with the measured divergence.
    bound: f64,
}

pub(crate) fn make(scale: Scale) -> Result<Made> {
    let ((worlds, episodes), ways) = (size(scale), ways(&KINDS));
    out::progress(format_args!(
        "{} runs of {episodes} episodes in each of {} worlds",
        ways.len(),
        2 * worlds
    ));
    let done = crate::jobs::each(2 * worlds, |family| {
        let (problem, runs) = play_all(&ways, family, episodes)?;
        Ok((problem.bits()?, runs))
    })?;
    let (held_out, fresh) = done.split_at(worlds as usize);
    let cells = ways.iter().enumerate().map(|(i, way)| way.report(i, held_out, fresh, episodes));
    let cells = cells.collect::<Result<Vec<_>>>()?;
    let figure = Figure {
        title: format!("Regret of {episodes} episodes against λ"),
        panels: KINDS.iter().map(|kind| panel(kind.name(), &cells)).collect(),
        columns: 4,
    };
    let bits = mean(&fresh.iter().map(|(bits, _)| *bits).collect::<Vec<_>>());
    let (found, table) = told(&cells, worlds, episodes, bits);
    Ok(Made { figure, found, table, data: serde_json::to_value(&cells).map_err(Error::backend)? })
}

impl Problem {
    /// C ℍ(π\*) of this family: the part of the bound that no approximation adds to.
    fn bits(&self) -> Result<f64> {
        let entropy = discrete::entropy(&self.delta.marginal(&self.prior)?)?;
        Ok(worst_information_ratio(self.policies.count())? * entropy)
    }
}

impl Way {
    fn report(&self, i: usize, held_out: &[Played], fresh: &[Played], episodes: u64) -> Result<Cell> {
        let lost = |part: &[Played], i: usize| {
            part.iter().map(|(_, runs)| runs[i].lost.iter().sum()).collect::<Vec<f64>>()
        };
        let (own, plain) = (lost(fresh, i), lost(fresh, i - i % LAMBDAS.len()));
        let difference: Vec<f64> = own.iter().zip(plain).map(|(own, plain)| own - plain).collect();
        let kl: Vec<f64> = (0..episodes as usize)
            .map(|k| mean(&fresh.iter().map(|(_, runs)| runs[i].kl[k]).collect::<Vec<_>>()))
            .collect();
        // Roots are concave, so that means over families may stand under them, and rewards lie in [0, 1].
        let bits = mean(&fresh.iter().map(|(bits, _)| *bits).collect::<Vec<_>>());
        let bound = regret_bound(Episodes::new(episodes, HORIZON, 1.0)?, bits, 1.0, &kl)?;
        Ok(Cell {
            posterior: self.kind.name(),
            construction: self.construction(),
            lambda: self.lambda,
            held_out: Measured::of(&lost(held_out, i)),
            fresh: Measured::of(&own),
            difference: Measured::of(&difference),
            kl: mean(&kl),
            bound,
        })
    }
}

/// C ℍ(π\*) of a family, and a run of each way in a world of it.
type Played = (f64, Vec<Run>);

fn of<'a>(cells: &'a [Cell], posterior: &'a str, construction: &'a str) -> impl Iterator<Item = &'a Cell> {
    cells.iter().filter(move |cell| (cell.posterior, cell.construction) == (posterior, construction))
}

fn panel(posterior: &'static str, cells: &[Cell]) -> Panel {
    let series = CONSTRUCTIONS.iter().map(|(_, construction)| {
        let points = of(cells, posterior, construction).map(|cell| {
            let Measured { mean, low, high } = cell.fresh;
            Point { x: cell.lambda, y: mean, low, high }
        });
        Series { name: (*construction).to_owned(), style: Style::Bars, points: points.collect() }
    });
    Panel {
        title: posterior.to_owned(),
        x: axis("λ", AxisScale::Linear),
        y: axis("regret", AxisScale::Linear),
        series: series.collect(),
        lines: Vec::new(),
    }
}

/// The λ between 0 and 1 that lost least in the worlds held out.
fn chosen<'a>(cells: &'a [Cell], posterior: &'a str, construction: &'a str) -> Option<&'a Cell> {
    let between = of(cells, posterior, construction).filter(|cell| cell.lambda > 0.0 && cell.lambda < 1.0);
    between.min_by(|a, b| a.held_out.mean.total_cmp(&b.held_out.mean))
}

/// What was found, and the table.
fn told(cells: &[Cell], worlds: u64, episodes: u64, bits: f64) -> (String, String) {
    let (mut better, mut worse, mut open, mut rows) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    for (posterior, construction) in
        KINDS.iter().flat_map(|kind| CONSTRUCTIONS.iter().map(|(_, name)| (kind.name(), *name)))
    {
        let plain = of(cells, posterior, construction).next();
        let (Some(cell), Some(plain)) = (chosen(cells, posterior, construction), plain) else { continue };
        let Measured { mean, low, high } = cell.difference;
        let (least, most) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
        let with = format!("`{posterior}` with {construction}");
        let by = format!("{with}, λ = {}, by {:.2}, {least:.2} to {most:.2}", cell.lambda, mean.abs());
        match (high < 0.0, low > 0.0) {
            (true, _) => better.push(by),
            (_, true) => worse.push(by),
            _ => open.push(with),
        }
        let _ = writeln!(
            rows,
            "| {posterior} | {construction} | {} | {} | {} | {} | {} |",
            cell.lambda,
            cell.fresh.text(2),
            plain.fresh.text(2),
            cell.difference.text(2),
            if cell.held_out.mean < plain.held_out.mean { "yes" } else { "no" }
        );
    }
    let most = episodes * HORIZON;
    let list = |list: &[String]| match list {
        [] => "none".to_owned(),
        some => format!("{} ({})", some.len(), some.join("; ")),
    };
    let found = format!(
        "Of {} pairs of a posterior and a construction, a λ between 0 and 1 that was chosen in other worlds loses less than λ = 0 in {}. \
         It loses more in {}. The 95 % interval of the difference has 0 in it in {}. One in twenty such intervals misses by \
         chance.",
        better.len() + worse.len() + open.len(),
        list(&better),
        list(&worse),
        list(&open)
    );
    let mut text = String::new();
    let _ = write!(
        text,
        "Regret of {episodes} episodes in n = {worlds} fresh worlds of {STATES} states, with λ chosen in as many others, by the least \
         mean; the difference is paired. C ℍ(π*) is {bits:.2} in the mean, and a bound above {most} says nothing.\n\n\
         | posterior | construction | λ chosen | regret there, 95 % | regret at λ = 0, 95 % | difference, 95 % | would be chosen \
         before λ = 0 |\n|---|---|---:|---|---|---|---|\n{rows}\n\
         <details><summary>Every λ, and the bound</summary>\n\n\
         | posterior | construction | λ | regret, 95 % | difference to λ = 0, 95 % | mean KL(q ‖ p) | bound |\n\
         |---|---|---:|---|---|---:|---:|\n"
    );
    for cell in cells {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.3} | {:.0} |",
            cell.posterior,
            cell.construction,
            cell.lambda,
            cell.fresh.text(2),
            cell.difference.text(2),
            cell.kl,
            cell.bound
        );
    }
    (found, text + "\n</details>")
}
