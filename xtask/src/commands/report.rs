//! `report`: what runs came to, on stdout and as a page to look at.

mod breakdown;
mod curve;
mod earlier;
mod episode;
mod exploitation;
mod figures;
mod findings;
mod frame;
mod group;
pub(crate) mod html;
mod markdown;
pub(crate) mod page;
mod probe;
pub(crate) mod repeat;
mod sections;

use crate::{Outcome, out};
use findings::Level;
use group::Group;
use mbrl_agents::RunDir;
use mbrl_core::{Error, Result};
use page::Judged;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folders of runs; those that differ by their seed alone are taken together.
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Where the page is to be; report.html in the folder of the first run if not given. Figures lie beside it, in plots/,
    /// in place of files of the same names.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Judge models by so many fresh steps in the environment; 0 for not at all.
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100_000))]
    fresh: u32,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let mut groups: Vec<Group> = Vec::new();
    for dir in &args.dirs {
        let run = group::Run::read(&RunDir::open(dir)?)?;
        match groups.iter_mut().find(|group| group.takes(&run)) {
            Some(group) if group.has(run.seed) => {
                return Err(Error::invalid(format_args!(
                    "{}: seed {} of this configuration is there already: give each run once",
                    dir.display(),
                    run.seed
                )));
            }
            Some(group) => group.runs.push(run),
            None => groups.push(Group::of(run)),
        }
    }
    if args.json {
        out::json(&groups.iter().map(Group::summary).collect::<Vec<_>>())?;
    } else {
        markdown::print(&groups)?;
    }
    let file = args.out.clone().unwrap_or_else(|| Path::new(&groups[0].runs[0].dir).join("report.html"));
    let judged: Vec<Judged<'_>> =
        groups.iter().map(|group| Judged::new(group, args.fresh as usize)).collect();
    page::write(&file, &judged)?;
    // Whoever does not open the page is to hear it all the same.
    for finding in judged.iter().flat_map(|judged| &judged.findings) {
        if finding.level == Level::Alarm {
            out::progress(format_args!("alarm: {}", finding.says));
        }
    }
    out::progress(format_args!("wrote {}", file.display()));
    Ok(Outcome::Well)
}
