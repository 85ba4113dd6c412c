//! What was measured, for a terminal; and the words and numbers that page and terminal share.

use super::found::{Found, Measured};
use super::points::{Judged, Truth};
use super::returns::{Gap, Returns, Weight};
use crate::out;
use mbrl_core::Result;
use mbrl_models::{MeasureRank, Uncertainty};

/// What has no number.
pub(super) const NONE: &str = "–";

pub(super) fn print(found: &Found) -> Result<()> {
    out::line(format_args!(
        "{}: {} held-out steps, {} episodes\n",
        found.title(),
        found.held_out,
        found.episodes
    ))?;
    let (headings, rows) = ranks(found);
    out::line("Spearman's correlation of each measure with the true error")?;
    out::table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), &rows)?;
    out::line("\nError of the tenth of the moves in most doubt, over the mean error")?;
    out::table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), &most_doubted(found))?;
    for points in &found.points {
        if let Judged::Nothing { absent } = &points.judged {
            out::line(format_args!("{}: {absent}", points.name))?;
        }
    }
    for (points, truth) in found.truths() {
        out::line(format_args!("{}: {}", points.name, coverage(truth)))?;
    }
    out::line("")?;
    match &found.returns {
        Measured::Failed { error } => out::line(format_args!("returns: {error}"))?,
        Measured::Done(returns) => {
            out::line(format_args!("{}: {}", returns.of, gap(&returns.undiscounted)))?;
            out::line(format_args!(
                "λ of {} {}, discounted by {}; intervals over {} episodes",
                returns.starts,
                returns.of,
                short(returns.discount),
                returns.episodes
            ))?;
            let rows: Vec<Vec<String>> = returns.weights.iter().map(weight).collect();
            out::table(&["measure", ">λ", ">95 %", ">of 95 in 100", ">met"], &rows)?;
            if returns.lost > 0 {
                out::line(lost(returns))?;
            }
        }
    }
    match &found.edge_of_reach {
        Measured::Failed { error } => out::line(format_args!("edge of reach: {error}")),
        Measured::Done(edges) => match edges.last() {
            Some(edge) => out::line(format_args!(
                "edge of reach: {} of the states after {} steps, {} by chance",
                percent(edge.share),
                edge.length,
                percent(edge.by_chance)
            )),
            None => Ok(()),
        },
    }
}

/// Headings and rows of the table of correlations: a row for each measure, a column for each set of moves.
pub(super) fn ranks(found: &Found) -> (Vec<String>, Vec<Vec<String>>) {
    let mut headings = vec!["measure".to_owned()];
    headings.extend(found.truths().map(|(points, _)| format!(">{}", points.name)));
    let row = |(i, measure): (usize, Uncertainty)| {
        let cell = |truth: &Truth| truth.ranks.get(i).map_or(NONE.to_owned(), rank);
        std::iter::once(measure.name().to_owned())
            .chain(found.truths().map(|(_, truth)| cell(truth)))
            .collect()
    };
    (headings, Uncertainty::ALL.into_iter().enumerate().map(row).collect())
}

/// The same of errors among the moves of most doubt.
pub(super) fn most_doubted(found: &Found) -> Vec<Vec<String>> {
    let row = |(i, measure): (usize, Uncertainty)| {
        let cell =
            |truth: &Truth| truth.of_most_doubt(i).map_or(NONE.to_owned(), |times| format!("{times:.2}"));
        std::iter::once(measure.name().to_owned())
            .chain(found.truths().map(|(_, truth)| cell(truth)))
            .collect()
    };
    Uncertainty::ALL.into_iter().enumerate().map(row).collect()
}

fn rank(rank: &MeasureRank) -> String {
    rank.correlation
        .map_or(NONE.to_owned(), |found| format!("{:.2} [{:.2}, {:.2}]", found.rho, found.low, found.high))
}

/// How often the central intervals cover.
fn coverage(truth: &Truth) -> String {
    let at = |level| truth.coverage(level).map_or(NONE.to_owned(), percent);
    format!(
        "50 % intervals cover {}, 90 % intervals {}; calibration error {}",
        at(0.5),
        at(0.9),
        short(truth.calibration.pooled.coverage_error)
    )
}

/// What the model promises beside what the world pays.
fn gap(gap: &Gap) -> String {
    let interval = gap
        .ci95
        .map_or(String::new(), |[low, high]| format!(", 95 % interval {} to {}", short(low), short(high)));
    format!("imagined {}, real {}, {} more{interval}", short(gap.imagined), short(gap.real), short(gap.gap))
}

/// How many rollouts are not counted, and why.
pub(super) fn lost(returns: &Returns) -> String {
    let which = if returns.lost == 1 { "rollout is" } else { "rollouts are" };
    format!(
        "{} imagined {which} not counted, as the states, or the doubt of them, left all numbers there are",
        returns.lost
    )
}

/// A row of the table of weights.
pub(super) fn weight(weight: &Weight) -> Vec<String> {
    let Weight { spec, lambda, low, high, most, met } = weight;
    let number = |x: &Option<f64>| x.map_or("∞".to_owned(), short);
    vec![
        spec.measure.name().to_owned(),
        number(lambda),
        format!("{} to {}", number(low), number(high)),
        number(most),
        short(*met),
    ]
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A number of three or four digits that count.
pub(super) fn short(x: f64) -> String {
    let size = x.abs();
    match size {
        _ if size > 0.0 && !(1e-3..1e6).contains(&size) => format!("{x:.2e}"),
        _ if size >= 100.0 => format!("{x:.1}"),
        _ if size >= 10.0 => format!("{x:.2}"),
        _ => format!("{x:.3}"),
    }
}
