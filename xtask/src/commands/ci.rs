//! `ci`: everything that must pass before a change lands, cheapest first.

use crate::{Outcome, cargo, commands, out};
use mbrl_core::Result;

/// A step that is a call of cargo: its name, the call, and flags for rustdoc.
const CALLS: &[(&str, &[&str])] = &[
    ("format", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--release", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    (
        "lints with features",
        &[
            "clippy",
            "--release",
            "-p",
            "mbrl-core",
            "--all-targets",
            "--all-features",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    ),
    // The workspace has rayon and formats of datasets on, because the driver has.
    (
        "lints without what the driver turns on",
        &[
            "clippy",
            "--release",
            "-p",
            "mbrl-buffer",
            "-p",
            "mbrl-envs",
            "-p",
            "mbrl-plan",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    ),
    ("documentation", &["doc", "--release", "--workspace", "--no-deps", "--quiet"]),
    ("benchmarks compile", &["bench", "--package", "mbrl-bench", "--no-run", "--quiet"]),
];

pub(crate) fn run() -> Result<Outcome> {
    out::progress("== tidy");
    if commands::tidy::run()? == Outcome::Failed {
        return Ok(Outcome::Failed);
    }
    for (name, args) in CALLS {
        out::progress(format_args!("== {name}"));
        if !cargo::succeeds(cargo::cargo(args).env("RUSTDOCFLAGS", "-D warnings"))? {
            return Ok(Outcome::Failed);
        }
    }
    out::progress("== tests");
    commands::test::run(&commands::test::Args::everything())
}
