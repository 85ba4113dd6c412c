//! `data`: datasets to learn from.

mod collect;

pub(crate) use collect::{Source, record};

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
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.what {
        What::Collect(args) => collect::run(args),
    }
}
