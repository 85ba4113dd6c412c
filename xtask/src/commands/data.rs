//! `data`: datasets to learn from.

mod collect;
mod relabel;

pub(crate) use collect::{Source, record, reference};
pub(crate) use relabel::relabel;

use crate::Outcome;
use mbrl_core::Result;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Record what trained agents, or nobody in particular, do.
    Collect(collect::Args),
    /// The same moves, judged by another task.
    Relabel(relabel::Args),
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.what {
        What::Collect(args) => collect::run(args),
        What::Relabel(args) => relabel::run(args),
    }
}
