//! `bench`: measure, each case against its floor or against its peers.

mod peers;

use crate::{Outcome, out};
use mbrl_bench::{CASES, Case, Measured, measure};
use mbrl_core::{Context, Error, Result};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the cases of this group (buffer, envs, nn, plan, mbpo, ps-mbpo), or whose name contains this.
    filter: Option<String>,
    /// Only the cases that run on so many threads.
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Also write the results to this file, as a JSON array.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How often each case and its floor are timed, in turn.
    #[arg(long, default_value_t = 31, value_name = "N")]
    rounds: usize,
    /// Measure against the scripts of benches/peers instead, run by this Python (see benches/peers/README.md).
    #[arg(long, value_name = "PYTHON")]
    peers: Option<PathBuf>,
}

/// A result as others script against it: more may be added, none renamed.
#[derive(Serialize)]
struct Row {
    name: String,
    threads: usize,
    median_ms: f64,
    min_ms: f64,
    share: f64,
    floor: String,
    target: f64,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if args.rounds == 0 {
        return Err(Error::invalid("--rounds 0 measures nothing: give at least 1"));
    }
    // Said before the minutes of measuring, not after.
    if let Some(folder) = args.json.as_deref().and_then(folder_of).filter(|folder| !folder.is_dir()) {
        return Err(Error::invalid(format_args!("there is no folder {}: create it first", folder.display())));
    }
    let wanted = |case: &Case| {
        args.filter.as_deref().is_none_or(|filter| case.group == filter || case.name.contains(filter))
            && args.threads.is_none_or(|threads| case.threads == threads)
    };
    let rows = match &args.peers {
        Some(python) => peers::run(python, args.rounds, wanted)?,
        None => floors(args.rounds, wanted)?,
    };
    if rows.is_empty() {
        let names: BTreeSet<&str> = match args.peers {
            Some(_) => peers::names().collect(),
            None => CASES.iter().map(|case| case.name).collect(),
        };
        let names: Vec<&str> = names.into_iter().collect();
        let filter = args.filter.as_deref().unwrap_or_default();
        let threads = args.threads.map(|threads| format!(" on {threads} threads")).unwrap_or_default();
        return Err(Error::invalid(format_args!(
            "no case is called `{filter}`{threads}: there are {}",
            names.join(", ")
        )));
    }
    // The file first: whoever reads the table may go away.
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&rows).map_err(Error::backend)?;
        mbrl_buffer::write_aside(file, |out| writeln!(out, "{text}").context("writing"))?;
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let time = |ms: f64| format!("{ms:.4}");
            vec![
                row.name.clone(),
                row.threads.to_string(),
                time(row.median_ms),
                time(row.min_ms),
                format!("{:.2}", row.share),
                format!("{:.2}", row.target),
                row.floor.clone(),
            ]
        })
        .collect();
    out::table(&["name", ">threads", ">median ms", ">min ms", ">share", ">target", "held against"], &cells)?;
    out::line("\nshare: how many times faster than what it is held against; medians of rounds in turn.")?;
    Ok(Outcome::Well)
}

/// The folder that a file is in, where its path names one.
fn folder_of(file: &Path) -> Option<&Path> {
    file.parent().filter(|folder| !folder.as_os_str().is_empty())
}

fn floors(rounds: usize, wanted: impl Fn(&Case) -> bool) -> Result<Vec<Row>> {
    let cases = CASES.iter().filter(|case| wanted(case));
    Ok(cases
        .map(|case: &Case| {
            out::progress(format_args!("measuring {}, threads: {}", case.name, case.threads));
            let Measured { median_ms, min_ms, share } = measure(case, rounds);
            Row {
                name: case.name.to_owned(),
                threads: case.threads,
                median_ms,
                min_ms,
                share,
                floor: case.floor.to_owned(),
                target: case.target,
            }
        })
        .collect())
}
