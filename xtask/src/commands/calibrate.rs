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

use crate::commands::data::Reading;
use crate::{Outcome, out};
use clap::value_parser;
use found::Found;
use mbrl_core::{Context, Key, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use subject::Subject;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Of a run the model is judged by fresh episodes of its policy; of a dataset an ensemble is fitted to four fifths of the
episodes and judged by the others. In the JSON a weight that is null is infinite: no penalty is enough.")]
pub(crate) struct Args {
    /// The folder of a run whose agent has a model, or a dataset: a file of recorded episodes, or the folder of one of Minari.
    #[arg(value_name = "RUN|DATA")]
    path: PathBuf,
    /// The environment that a dataset was recorded in, where the file does not say it.
    #[arg(long, value_name = "E")]
    env: Option<String>,
    #[command(flatten)]
    reading: Reading,
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
    /// The folder for the page: calibration.html in that of the run, or NAME.calibration.html beside the dataset NAME if not
    /// given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const PAGE: &str = "calibration.html";
/// What Minari calls the folder of episodes within a dataset, and the file that tells of them.
const MINARI: [&str; 2] = ["data", "metadata.json"];

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let key = Key::root(args.seed).child("calibrate");
    let subject = Subject::open(args, key).with_context(|| args.path.display().to_string())?;
    let found = Found::of(&subject, args, key)?;
    let page = page::write(&found);
    let file = args.page()?;
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
    /// The folder or the file of the dataset, if it is one and not a run.
    fn dataset(&self) -> Option<&Path> {
        let (path, [data, metadata]) = (self.path.as_path(), MINARI);
        match path.is_dir() {
            true if path.join(data).join(metadata).is_file() => Some(path),
            // Its inner folder was named.
            true if path.join(metadata).is_file() => match path.parent() {
                Some(outer) if path.ends_with(data) && outer.file_name().is_some() => Some(outer),
                _ => Some(path),
            },
            true => None,
            false => Some(path),
        }
    }

    /// Where the page is to be, in a folder that is there then. Beside a dataset others may be, each with a page of its own.
    fn page(&self) -> Result<PathBuf> {
        let (beside, name) = match self.dataset() {
            None => (self.path.clone(), OsString::from(PAGE)),
            Some(data) => {
                // As `.` and `..` have no name.
                let whole = match data.file_name() {
                    Some(_) => data.to_path_buf(),
                    None => data.canonicalize().with_context(|| data.display().to_string())?,
                };
                let mut name = whole.file_name().map_or_else(OsString::new, OsString::from);
                name.push(".");
                name.push(PAGE);
                (whole.parent().unwrap_or(Path::new("")).to_path_buf(), name)
            }
        };
        let folder = self.out.clone().unwrap_or(beside);
        // The empty path is the folder that one is in.
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        Ok(folder.join(name))
    }
}
