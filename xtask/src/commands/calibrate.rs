//! `calibrate`: whether the penalties of offline model-based learning can be trusted.

mod figures;
mod found;
mod imagine;
mod page;
mod points;
mod returns;
mod subject;
#[cfg(test)]
mod tests;
mod text;

use crate::{Outcome, out};
use clap::value_parser;
use found::Found;
use mbrl_core::{Context, Key, Result};
use std::path::{Path, PathBuf};
use subject::Subject;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Of a run the model is judged by fresh episodes of its policy; of a dataset an ensemble is fitted to four fifths of the
episodes and judged by the others. In the JSON a weight that is null is infinite: no penalty is enough.")]
pub(crate) struct Args {
    /// The folder of a run whose agent has a model, or a file of recorded episodes.
    #[arg(value_name = "RUN|DATA")]
    path: PathBuf,
    /// The environment that a dataset was recorded in, where the file does not say it.
    #[arg(long, value_name = "E")]
    env: Option<String>,
    /// The ensemble that is fitted to a dataset: fast, paper or mbrl-lib.
    #[arg(long, value_name = "P")]
    preset: Option<String>,
    /// Fit to a dataset for so many passes at most; 100 if not given.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Let the policy of a run act in so many fresh episodes; 20 if not given, or 5 of an agent that plans.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(2..=10_000))]
    episodes: Option<u32>,
    /// Imagine so many short rollouts.
    #[arg(long, default_value_t = 400, value_name = "N", value_parser = value_parser!(u32).range(2..=100_000))]
    rollouts: u32,
    /// Let each take so many steps; 10 if not given, or as many as the longest episode has.
    #[arg(long, value_name = "H", value_parser = value_parser!(u32).range(1..=1_000))]
    length: Option<u32>,
    /// What all randomness of the measurement grows from.
    #[arg(long, default_value_t = 0, value_name = "S")]
    seed: u64,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// The folder for the page, calibration.html; that of the run or of the file if not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const PAGE: &str = "calibration.html";

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let key = Key::root(args.seed).child("calibrate");
    let subject = Subject::open(args, key).with_context(|| args.path.display().to_string())?;
    let found = Found::of(&subject, args, key)?;
    let page = page::write(&found);
    let file = args.folder().join(PAGE);
    std::fs::create_dir_all(args.folder()).with_context(|| args.folder().display().to_string())?;
    mbrl_buffer::write_aside(&file, |out| out.write_all(page.as_bytes()).context("writing"))
        .context("give another place by --out")?;
    if args.json {
        out::json(&found)?;
    } else {
        text::print(&found)?;
    }
    out::progress(format_args!("wrote {}", file.display()));
    Ok(Outcome::Well)
}

impl Args {
    fn folder(&self) -> &Path {
        match &self.out {
            Some(folder) => folder,
            None if self.path.is_dir() => &self.path,
            None => match self.path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            },
        }
    }
}
