//! `test`: build and run every test, and print how long building and testing took.

use crate::{Outcome, cargo, out};
use mbrl_core::{Clock, Context, Error, Result, SystemClock};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the tests whose name contains this.
    filter: Option<String>,
}

impl Args {
    /// Every test.
    pub(crate) fn everything() -> Self {
        Args { filter: None }
    }
}

/// What is tested, a call of cargo each: everything together, and then what features change.
const PASSES: &[&[&str]] = &[
    &[],
    // The driver turns rayon and formats of datasets on for everything above, so these are also tested without.
    &["--package", "mbrl-buffer", "--package", "mbrl-envs", "--package", "mbrl-plan"],
    &["--package", "mbrl-core", "--features", "ndarray"],
    // Not a default member; the examples of the README run there.
    &["--package", "mbrl-bench"],
];

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let clock = SystemClock::default();
    for pass in PASSES {
        let what = if pass.is_empty() { "the workspace".to_owned() } else { pass.join(" ") };
        out::progress(format_args!("building the tests of {what}"));
        if !cargo::succeeds(test(pass).args(["--quiet", "--no-run"]))? {
            return Ok(Outcome::Failed);
        }
    }
    let built = clock.now();
    let mut sum = Counts::default();
    let mut well = true;
    for pass in PASSES {
        let mut call = test(pass);
        // Every test of a pass is run, also after one has failed.
        call.args(["--no-fail-fast", "--", "--quiet"]);
        call.args(&args.filter);
        well &= watch(&mut call, &mut sum)?;
    }
    let tested = clock.now() - built;
    out::line(format_args!(
        "built in {:.1} s, tested in {:.1} s",
        built.as_secs_f64(),
        tested.as_secs_f64()
    ))?;
    out::line(format_args!("{} passed, {} failed", sum.passed, sum.failed))?;
    match (&args.filter, sum.passed + sum.failed) {
        (Some(filter), 0) => Err(Error::invalid(format_args!("no test has `{filter}` in its name"))),
        _ if well => Ok(Outcome::Well),
        _ => Ok(Outcome::Failed),
    }
}

/// The seed of the cases that properties are tested on.
const PROPERTIES: &str = "PROPTEST_RNG_SEED";

/// A call of `cargo test` in the driver's own profile, with debug assertions in the workspace's crates. Dependencies have
/// theirs set in the manifest, so they are compiled once for both.
fn test(pass: &[&str]) -> Command {
    let mut command = cargo::cargo(&["test", "--release"]);
    command.args(pass).env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    command.env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
    // The same cases each time, so that what passed passes again. Another seed in the environment looks at other cases.
    if std::env::var_os(PROPERTIES).is_none() {
        command.env(PROPERTIES, "0");
    }
    command
}

/// How many tests there were.
#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
}

/// Runs a call of `cargo test`, shows what it prints, and counts.
fn watch(command: &mut Command, sum: &mut Counts) -> Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("running cargo test")?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("reading from cargo test")?;
            sum.add(&line);
            if !Counts::is_of_nothing(&line) {
                out::line(line)?;
            }
        }
    }
    Ok(child.wait().context("waiting for cargo test")?.success())
}

impl Counts {
    /// Whether a line says that there was nothing to test, or says nothing.
    fn is_of_nothing(line: &str) -> bool {
        let empty = ["running 0 tests", "test result: ok. 0 passed; 0 failed", "all doctests ran in"];
        line.is_empty() || empty.iter().any(|start| line.starts_with(start))
    }

    /// Adds what a line such as `test result: ok. 3 passed; 0 failed; …` says.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        let number = |word: &str| {
            let part = counts.split("; ").find_map(|part| part.strip_suffix(word));
            part.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        self.passed += number("passed");
        self.failed += number("failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_and_other_lines_are_not() {
        let mut sum = Counts::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "running 99 tests",
            "test result",
        ] {
            sum.add(line);
        }
        assert_eq!((sum.passed, sum.failed), (13, 2));
    }
}
