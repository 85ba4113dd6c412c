//! `report`: what runs came to.

mod group;
mod markdown;

use crate::{Outcome, out};
use group::Group;
use mbrl_agents::RunDir;
use mbrl_core::{Context, Error, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folders of runs; those that differ by their seed alone are taken together.
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let mut groups: Vec<Group> = Vec::new();
    for dir in &args.dirs {
        let run = group::Run::read(&RunDir::open(dir)?).with_context(|| dir.display().to_string())?;
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
    Ok(Outcome::Well)
}
