//! `data`: recorded episodes: what is in a file of them, how they are made, and the same in another format.

mod check;
mod collect;
mod convert;
mod relabel;

pub(crate) use collect::{Source, record, reference};
pub(crate) use relabel::relabel;

use crate::Outcome;
use mbrl_buffer::{ReadOptions, Recording};
use mbrl_core::Result;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what is in a dataset, what is wrong with it, and whether it fits an environment.
    Check(check::Args),
    /// Record what trained agents, or nobody in particular, do.
    Collect(collect::Args),
    /// Write a dataset in another format.
    Convert(convert::Args),
    /// The same moves, judged by another task.
    Relabel(relabel::Args),
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::Collect(args) => collect::run(args),
        Command::Convert(args) => convert::run(args),
        Command::Relabel(args) => relabel::run(args),
    }
}

/// What a file may not say by itself.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Reading {
    /// After how many steps the environment cuts an episode, where the file does not say it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) time_limit: Option<u32>,
}

impl Reading {
    pub(crate) fn open(&self, path: &Path) -> Result<Recording> {
        Recording::open_with(path, &ReadOptions { time_limit: self.time_limit.map(|limit| limit as usize) })
    }
}
