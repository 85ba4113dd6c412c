//! The numbers of the offline figures as tables.

use super::super::Scale;
use super::super::caption::said;
use super::super::learning::{Earned, Group, folded, listed, scalar};
use super::super::welch::welch95;
use super::dataset::Dataset;
use mbrl_agents::{ci95, mean};
use mbrl_buffer::{Recording, Reference};
use mbrl_core::{Error, Result};
use serde::Serialize;
use std::fmt::Write;

/// What came of a dataset.
#[derive(Serialize)]
pub(super) struct Compared {
    pub(super) name: &'static str,
    pub(super) data: Data,
    /// By agent, the evaluations.
    pub(super) curves: Vec<Vec<Earned>>,
    /// What each agent earned at last, by seed.
    last: Vec<Earned>,
    /// Welch's interval of what the first agent earned more than the second.
    gain: Option<[f64; 2]>,
}

/// What the data themselves earned.
#[derive(Serialize)]
pub(super) struct Data {
    rows: usize,
    episodes: usize,
    pub(super) mean: f64,
    best: f64,
    /// By the means of its actions, where one agent acted.
    acted: Option<f64>,
    reference: Option<Reference>,
}

/// What the policy earns that a run would be left with if it chose, of those that were evaluated, the one whose pessimistic
/// return in the model was largest at the last look before: a choice that never looks at the environment.
pub(super) fn chosen(group: &Group, scale: Scale) -> Result<Earned> {
    let mut earned = Vec::new();
    for run in group.run(scale)? {
        let (mut estimate, mut best) = (None, None);
        for line in run.metrics()? {
            estimate = scalar(&line, "rollout/pessimistic").or(estimate);
            let (Some(estimate), Some(earned), true) =
                (estimate, scalar(&line, "eval/return"), line.env_steps > 0)
            else {
                continue;
            };
            if best.is_none_or(|(largest, _)| estimate > largest) {
                best = Some((estimate, earned));
            }
        }
        earned.extend(best.map(|(_, earned)| earned));
    }
    Ok(Earned::of("MOPO, chosen by its model", group.steps, earned))
}

/// What a group was left with.
pub(super) fn last(group: &Group, scale: Scale) -> Result<Earned> {
    group.evaluations(scale)?.pop().ok_or_else(|| Error::unsupported("runs that were never evaluated"))
}

pub(super) fn compared(
    dataset: &Dataset,
    recording: &Recording,
    acted: Option<f64>,
    curves: Vec<Vec<Earned>>,
    chosen: Earned,
) -> Compared {
    let returns = recording.returns();
    let mut last: Vec<Earned> = curves.iter().filter_map(|curve| curve.last().cloned()).collect();
    let gain = match last.as_slice() {
        [first, second, ..] => welch95(&first.returns, &second.returns),
        _ => None,
    };
    last.push(chosen);
    let data = Data {
        rows: recording.rows().len(),
        episodes: returns.len(),
        mean: mean(&returns),
        best: returns.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        acted,
        reference: recording.about().reference,
    };
    Compared { name: dataset.name, data, curves, last, gain }
}

/// The tables of all datasets.
pub(super) fn whole(all: &[Compared]) -> String {
    let mut text = "| dataset | rows | its episodes: mean, best | who acted, by its means |".to_owned();
    for earned in all.first().iter().flat_map(|first| &first.last) {
        let _ = write!(text, " {} |", earned.group());
    }
    text.push_str(" MOPO − no penalty, 95 % |\n|---|---:|---:|---:|");
    text.push_str(&"---:|".repeat(all.first().map_or(0, |first| first.last.len())));
    text.push_str("---|\n");
    for found in all {
        let Data { rows, episodes, mean, best, acted, reference } = &found.data;
        let acted = acted.map_or("-".to_owned(), |acted| format!("{acted:.0}"));
        let _ = write!(text, "| `{}` | {rows} in {episodes} | {mean:.0}, {best:.0} | {acted} |", found.name);
        for earned in &found.last {
            let interval = ci95(&earned.returns)
                .map_or(String::new(), |[low, high]| format!(" ({low:.0} to {high:.0})"));
            let score = reference.map_or(String::new(), |of| format!(", {:.0}", of.score(earned.mean)));
            let _ = write!(text, " {:.0}{interval}{score} |", earned.mean);
        }
        let gain = found.gain.map_or("-".to_owned(), |[low, high]| format!("{low:.0} to {high:.0}"));
        let _ = writeln!(text, " {gain} |");
    }
    let n = all.first().and_then(|first| first.last.first()).map_or(0, |earned| earned.returns.len());
    let note = format!(
        "Returns after the last update (95 % interval, n = {n} seeds), then the normalised score.\n\n"
    );
    let mut details = String::new();
    for found in all {
        let _ = writeln!(details, "\n`{}`\n\n{}", found.name, listed("updates", &found.curves).trim_end());
    }
    folded(&format!("{note}{text}"), &details)
}

/// What came out, of all datasets and of each.
pub(super) fn found(all: &[Compared]) -> String {
    let (mut above_data, mut above_clone, mut zero, mut each) = (0, 0, 0, String::new());
    for found in all {
        let [mopo, bare, clone, ..] = found.last.as_slice() else { continue };
        above_data += usize::from(mopo.mean > found.data.mean);
        above_clone += usize::from(mopo.mean > clone.mean);
        zero += usize::from(found.gain.is_some_and(|[low, high]| (low..=high).contains(&0.0)));
        let _ = write!(
            each,
            " `{}`: MOPO {}, without its penalty {:.0}, a clone {:.0}, the data {:.0}.",
            found.name,
            said(&mopo.returns, 0),
            bare.mean,
            clone.mean,
            found.data.mean
        );
    }
    format!(
        "Of {n} datasets MOPO's mean is above that of the data on {above_data}, and above a clone's on {above_clone}; Welch's \
         95 % interval of what the penalty adds holds zero on {zero} of {n}.{each}",
        n = all.len()
    )
}

/// What a penalty of some weight was left with.
#[derive(Serialize)]
pub(super) struct Weighed {
    pub(super) penalty: &'static str,
    pub(super) lambda: &'static str,
    #[serde(flatten)]
    pub(super) earned: Earned,
}

pub(super) fn weights(rows: &[Weighed]) -> String {
    let mut text =
        "| penalty | λ | mean return | 95 % | n | by seed |\n|---|---:|---:|---|---:|---|\n".to_owned();
    for Weighed { penalty, lambda, earned } in rows {
        let _ = writeln!(text, "| {penalty} | {lambda} | {} |", earned.cells());
    }
    text
}

/// The best weight beside no penalty, and whether any can be told from none.
pub(super) fn weights_found(rows: &[Weighed]) -> String {
    let Some((none, weighed)) = rows.split_first() else { return String::new() };
    let welch = |row: &Weighed| welch95(&row.earned.returns, &none.earned.returns);
    let apart = weighed.iter().filter(|row| welch(row).is_some_and(|[low, high]| low > 0.0 || high < 0.0));
    let best = weighed.iter().max_by(|a, b| a.earned.mean.total_cmp(&b.earned.mean));
    let best = best.map_or(String::new(), |row| {
        let mean = said(&row.earned.returns, 0);
        format!(" The largest mean is {mean}, of the {} with λ = {}.", row.penalty, row.lambda)
    });
    format!(
        "Without a penalty {}; of {} penalties and weights, {} can be told from that by Welch's 95 % interval, each looked at \
         by itself.{best}",
        said(&none.earned.returns, 0),
        weighed.len(),
        apart.count()
    )
}
