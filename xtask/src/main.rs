//! The driver of the workspace: `cargo xtask COMMAND`.
//!
//! Exit codes: 0, all is well; 1, a check or a test failed; 2, the command could not be done as it was given; 130 and 143, it was
//! interrupted.

mod cargo;
mod commands;
mod jobs;
mod memory;
mod out;
mod plot;
mod theory;
mod tidy;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Model-based reinforcement learning: the driver of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
#[command(
    max_term_width = 100,
    after_help = "Exit codes: 0 all is well, 1 a check failed, 2 the command cannot be done, 130 and 143 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train an agent, or go on training it.
    Train(commands::train::Args),
    /// Let a trained agent act, in episodes that it has not been judged by.
    Eval(commands::eval::Args),
    /// What runs came to: a page with figures, and its numbers as Markdown.
    Report(commands::report::Args),
    /// Whether the penalties of offline learning can be trusted: of a run's model, or of one fitted to a dataset.
    Calibrate(commands::calibrate::Args),
    /// Plan in an environment, by its true dynamics.
    Plan(commands::plan::Args),
    /// Recorded episodes: make a dataset, look at it, or write it in another format.
    Data(commands::data::Args),
    /// What a bound of theory comes to, and whether it says anything.
    Bounds(commands::bounds::Args),
    /// Make a figure of the documents again.
    Reproduce(commands::reproduce::Args),
    /// List what there is.
    List(commands::list::Args),
    /// Build and run every test, and print how long building and testing took.
    Test(commands::test::Args),
    /// Everything that must pass before a change lands, cheapest first.
    Ci,
    /// Check the invariants of the tree that can be checked.
    Tidy,
    /// Measure, each case against its floor or against its peers.
    Bench(commands::bench::Args),
    /// Measure the reference returns of every environment anew.
    Reference(commands::reference::Args),
    /// Write the crate's theory pages from docs/theory.
    Theory,
}

/// How a command ended that could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All is well.
    Well,
    /// A check or a test failed, and has said why.
    Failed,
    /// It was interrupted, and has said how to go on.
    Interrupted,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Train(args) => commands::train::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Calibrate(args) => commands::calibrate::run(&args),
        Command::Plan(args) => commands::plan::run(&args),
        Command::Data(args) => commands::data::run(&args),
        Command::Bounds(args) => commands::bounds::run(&args),
        Command::Reproduce(args) => commands::reproduce::run(&args),
        Command::List(args) => commands::list::run(&args),
        Command::Test(args) => commands::test::run(&args),
        Command::Ci => commands::ci::run(),
        Command::Tidy => commands::tidy::run(),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Reference(args) => commands::reference::run(&args),
        Command::Theory => commands::theory::run(),
    };
    match done {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            out::complain(&error);
            ExitCode::from(2)
        }
    }
}
