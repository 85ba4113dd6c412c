//! `data check`: what is in a dataset, what is wrong with it, and whether it fits an environment.

mod measure;

use super::Reading;
use crate::{Outcome, out};
use mbrl_buffer::{About, Format, Recording, Reference};
use mbrl_core::{Context, End, Result, Space};
use measure::{Column, Summary};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The dataset: a file, or the folder of a Minari dataset.
    file: PathBuf,
    /// An environment that it is to fit.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// A dataset as others script against it: more may be added, none renamed.
#[derive(Serialize)]
struct Checked {
    file: String,
    format: Format,
    about: About,
    obs_dim: usize,
    act_dim: usize,
    rows: usize,
    episodes: usize,
    terminated: usize,
    truncated: usize,
    lengths: Summary,
    returns: Summary,
    /// The returns between those of a random and an expert policy, where these are known.
    scores: Option<Summary>,
    observations: Vec<Column>,
    actions: Vec<Column>,
    /// The share of each choice, where actions are choices.
    choices: Option<Vec<f64>>,
    /// The share of observations that no other one equals.
    distinct: f64,
    /// What was found and mended when it was read.
    mended: Vec<String>,
    /// What was found and left as it is.
    found: Vec<String>,
    /// The environment that it was held against and fits.
    fits: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let recording = args.reading.open(&args.file)?;
    let space = args
        .env
        .as_deref()
        .map(|env| {
            let spec = mbrl_envs::find(env)?.make().spec().clone();
            recording
                .check_fits(&spec)
                .with_context(|| format!("{}: it does not fit {env}", args.file.display()))?;
            Ok(spec.act)
        })
        .transpose()?;
    let mut checked = measured(&recording, space.or_else(|| recording.about().act.clone()).as_ref());
    checked.file = args.file.display().to_string();
    checked.format = Format::of(&args.file)?;
    checked.fits = args.env.clone();
    // Environments may have equal spaces, and different dynamics. Of one that is not known here nothing can be said.
    if let (Some(given), Some(said)) = (&args.env, &checked.about.env)
        && given != said
        && mbrl_envs::find(said).is_ok()
    {
        checked
            .found
            .push(format!("the file says that it was recorded in {said}, and it was held against {given}"));
    }
    if args.json {
        out::json(&checked)?;
    } else {
        checked.print()?;
    }
    Ok(Outcome::Well)
}

fn measured(recording: &Recording, act: Option<&Space>) -> Checked {
    let (rows, about) = (recording.rows(), recording.about().clone());
    let count = |which: End| rows.end.iter().filter(|end| **end == which).count();
    let lengths: Vec<f64> = recording.episodes().map(|episode| episode.len() as f64).collect();
    let returns = recording.returns();
    let score =
        |reference: Reference| Summary::of(returns.iter().map(|earned| reference.score(*earned)).collect());
    Checked {
        file: String::new(),
        format: Format::Recording,
        obs_dim: rows.obs.dim(),
        act_dim: rows.act.dim(),
        rows: rows.len(),
        episodes: lengths.len(),
        terminated: count(End::Terminated),
        truncated: count(End::Truncated),
        lengths: Summary::of(lengths),
        scores: about.reference.map(score),
        returns: Summary::of(returns.clone()),
        observations: measure::columns(&rows.obs, None),
        actions: measure::columns(&rows.act, act),
        choices: act.and_then(Space::choices).map(|n| measure::choices(&rows.act, n)),
        distinct: measure::distinct(&rows.obs),
        mended: recording.notes().to_vec(),
        found: measure::problems(recording),
        fits: None,
        about,
    }
}

impl Checked {
    fn print(&self) -> Result<()> {
        out::line(format_args!("{}: {}", self.file, self.format))?;
        let about = &self.about;
        for (what, known) in [("name", &about.name), ("environment", &about.env), ("made by", &about.made_by)]
        {
            if let Some(known) = known {
                out::line(format_args!("{what}: {known}"))?;
            }
        }
        out::line(format_args!("observations: {}", shown(about.obs.as_ref(), self.obs_dim)))?;
        out::line(format_args!("actions: {}", shown(about.act.as_ref(), self.act_dim)))?;
        out::line(format_args!(
            "{} rows, {} episodes: {} terminated, {} truncated\n",
            self.rows, self.episodes, self.terminated, self.truncated
        ))?;
        let mut rows = vec![self.lengths.row("length"), self.returns.row("return")];
        rows.extend(self.scores.as_ref().map(|scores| scores.row("score")));
        out::table(&["of an episode", ">min", ">mean", ">median", ">max"], &rows)?;
        out::line("")?;
        let columns = |name: &str, columns: &[Column]| -> Vec<Vec<String>> {
            columns.iter().enumerate().map(|(i, column)| column.row(&format!("{name} {i}"))).collect()
        };
        let mut rows = columns("observation", &self.observations);
        rows.extend(columns("action", &self.actions));
        out::table(&["column", ">min", ">max", ">mean", ">std", ">range used"], &rows)?;
        if let Some(choices) = &self.choices {
            let shares: Vec<String> = choices.iter().map(|share| format!("{:.1} %", 100.0 * share)).collect();
            out::line(format_args!("\nchoices: {}", shares.join(", ")))?;
        }
        out::line(format_args!("\ndistinct observations: {:.1} %", 100.0 * self.distinct))?;
        for (what, notes) in [("mended", &self.mended), ("found", &self.found)] {
            notes.iter().try_for_each(|note| out::line(format_args!("{what}: {note}")))?;
        }
        if let Some(env) = &self.fits {
            out::line(format_args!("it fits {env}"))?;
        }
        Ok(())
    }
}

/// A space in few words; without one, only how wide it is.
fn shown(space: Option<&Space>, dim: usize) -> String {
    let numbers = if dim == 1 { "1 number".to_owned() } else { format!("{dim} numbers") };
    match space {
        None => format!("{numbers}, of a space that the file does not name"),
        Some(Space::Discrete { n }) => format!("one of {n} choices"),
        Some(Space::Box(bounds)) if bounds.is_bounded() => format!("{numbers} between bounds"),
        Some(Space::Box(_)) => format!("{numbers}, not all of them bounded"),
    }
}
