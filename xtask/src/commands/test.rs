//! `test`: build and run every test, and print how long each took.

use crate::{Outcome, cargo, out};
use mbrl_core::{Clock, Result, SystemClock};
use std::process::Command;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the tests whose name contains this.
    filter: Option<String>,
}

/// What is tested, a call of cargo each: everything together, and then what features change.
const PASSES: &[&[&str]] = &[
    &[],
    // The driver turns rayon on for everything above, so the lanes are also tested without.
    &["--package", "mbrl-envs"],
    &["--package", "mbrl-core", "--features", "ndarray"],
    // Not a default member; the examples of the README run there.
    &["--package", "mbrl-bench"],
];

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let clock = SystemClock::default();
    for pass in PASSES {
        out::progress(format_args!("building tests {}", pass.join(" ")));
        if !cargo::succeeds(test(pass).arg("--no-run"))? {
            return Ok(Outcome::Failed);
        }
    }
    let built = clock.now();
    for pass in PASSES {
        let mut call = test(pass);
        if let Some(filter) = &args.filter {
            call.args(["--", filter]);
        }
        if !cargo::succeeds(&mut call)? {
            return Ok(Outcome::Failed);
        }
    }
    let tested = clock.now() - built;
    out::line(format_args!(
        "built in {:.1} s, tested in {:.1} s",
        built.as_secs_f64(),
        tested.as_secs_f64()
    ))?;
    Ok(Outcome::Well)
}

/// A call of `cargo test` in the driver's own profile, with debug assertions in the workspace's crates. Dependencies have
/// theirs set in the manifest, so they are compiled once for both.
fn test(pass: &[&str]) -> Command {
    let mut command = cargo::cargo(&["test", "--release", "--quiet"]);
    command.args(pass).env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    command.env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
    command
}

impl Args {
    /// Every test.
    pub(crate) fn everything() -> Self {
        Args { filter: None }
    }
}
