//! Our cases against the same work in the libraries that people use today, in turn within the same seconds.

use super::Row;
use crate::{cargo, out};
use mbrl_bench::{CASES, CYCLE, Case, calls_lasting, time_round};
use mbrl_core::{Context, Error, Result};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A script that does what a case does.
struct Peer {
    /// The case.
    case: &'static str,
    /// The script.
    script: &'static str,
    /// What it is told of sizes.
    arguments: &'static str,
    /// How many of the script's operations a call of the case does.
    operations: f64,
    /// How many times faster we mean to be.
    target: f64,
}

const PEERS: &[Peer] = &[
    Peer { case: "buffer/gather/o17a6/b256/n1e6", script: "numpy_gather.py", target: 3.0, ..ALONE },
    Peer { case: "buffer/sample/o17a6/b256/n1e6", script: "sb3_sample.py", target: 5.0, ..ALONE },
    Peer {
        case: "env/pendulum/steps4096",
        script: "gymnasium_pendulum.py",
        operations: 4096.0,
        target: 100.0,
        ..ALONE
    },
    nn("train/7x23-200x4-36/b256", "torch_train.py", LARGE_TRAIN),
    nn("train/7x23-200x4-36/b256", "jax_train.py", LARGE_TRAIN),
    nn("train/7x5-64x2-8/b256", "torch_train.py", SMALL_TRAIN),
    nn("train/7x5-64x2-8/b256", "jax_train.py", SMALL_TRAIN_SCAN),
    nn("forward/7x23-200x4-36/r10000", "torch_forward.py", LARGE_FORWARD),
    nn("forward/7x23-200x4-36/r10000", "jax_forward.py", LARGE_FORWARD),
    nn("forward/7x5-64x2-8/r10000", "torch_forward.py", SMALL_FORWARD),
    nn("forward/7x5-64x2-8/r10000", "jax_forward.py", SMALL_FORWARD),
    nn("sac/o17a6h256b256/p1", "torch_sac.py", SAC),
    nn("sac/o17a6h256b256/p1", "jax_sac.py", SAC),
    nn("sac/o17a6h256b256/p4", "torch_sac.py", SAC_4),
    nn("sac/o17a6h256b256/p4", "jax_sac.py", SAC_4),
    nn("sac/o17a6h256b256/p16", "torch_sac.py", SAC_16),
    nn("sac/o17a6h256b256/p16", "jax_sac.py", SAC_16),
    nn("sac/o4a1h64b256/p1", "torch_sac.py", SAC_SMALL),
    nn("sac/o4a1h64b256/p1", "jax_sac.py", SAC_SMALL_SCAN),
    nn("cem/350x20x15x5/7x5-200x4-8", "torch_plan.py", PLAN),
    nn("cem/350x20x15x5/7x5-200x4-8", "jax_plan.py", PLAN),
    nn("mbpo/cartpole-mbrl-lib/fit/r2000e20", "torch_mbpo.py", FIT),
    mbrl_lib("mbpo/cartpole-mbrl-lib/fit/r2000e20", FIT),
    nn("mbpo/cartpole-mbrl-lib/imagine/r80000", "torch_mbpo.py", IMAGINE),
    mbrl_lib("mbpo/cartpole-mbrl-lib/imagine/r80000", IMAGINE),
    Peer { operations: 20.0, ..nn("mbpo/cartpole-mbrl-lib/update/h256b256x20", "torch_mbpo.py", UPDATE) },
    Peer { operations: 20.0, ..mbrl_lib("mbpo/cartpole-mbrl-lib/update/h256b256x20", UPDATE) },
    nn("mbpo/cartpole-mbrl-lib/tenth", "torch_mbpo.py", TENTH),
    mbrl_lib("mbpo/cartpole-mbrl-lib/tenth", TENTH),
];

/// A script without arguments, one of whose operations is a call of the case.
const ALONE: Peer = Peer { case: "", script: "", arguments: "", operations: 1.0, target: 1.0 };

const LARGE_TRAIN: &str = "--members 7 --inputs 23 --hidden 200x4 --outputs 36 --batch 256";
const SMALL_TRAIN: &str = "--members 7 --inputs 5 --hidden 64x2 --outputs 8 --batch 256";
const LARGE_FORWARD: &str = "--members 7 --inputs 23 --hidden 200x4 --outputs 36 --rows 10000";
const SMALL_FORWARD: &str = "--members 7 --inputs 5 --hidden 64x2 --outputs 8 --rows 10000 --block 10000";
const SAC: &str = "--obs 17 --act 6 --hidden 256x2 --batch 256 --agents 1";
const SAC_4: &str = "--obs 17 --act 6 --hidden 256x2 --batch 256 --agents 4";
const SAC_16: &str = "--obs 17 --act 6 --hidden 256x2 --batch 256 --agents 16";
// Several steps a call, which helps JAX where a step is short.
const SMALL_TRAIN_SCAN: &str = "--members 7 --inputs 5 --hidden 64x2 --outputs 8 --batch 256 --scan 16";
const SAC_SMALL_SCAN: &str = "--obs 4 --act 1 --hidden 64x2 --batch 256 --agents 1 --scan 16";
const SAC_SMALL: &str = "--obs 4 --act 1 --hidden 64x2 --batch 256 --agents 1";

const PLAN: &str = "--members 7 --inputs 5 --hidden 200x4 --outputs 8 --rows 1000 --population 350";

const FIT: &str = "--part fit";
const IMAGINE: &str = "--part imagine";
const UPDATE: &str = "--part update";
const TENTH: &str = "--part tenth";

/// A script of the neural engine's: we mean to be ahead.
const fn nn(case: &'static str, script: &'static str, arguments: &'static str) -> Peer {
    Peer { case, script, arguments, ..ALONE }
}

/// The algorithm as others run it.
const fn mbrl_lib(case: &'static str, arguments: &'static str) -> Peer {
    Peer { target: 1.7, ..nn(case, "mbrl_lib.py", arguments) }
}

/// How long a round of ours is: as long as the scripts' own (benches/peers/peer.py), so that both find caches that they
/// warmed themselves.
const ROUND: Duration = Duration::from_millis(100);

/// The cases that have a peer.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PEERS.iter().map(|peer| peer.case)
}

/// Times our cases and their peers in turn. The share is how many times faster we are.
pub(super) fn run(python: &Path, rounds: usize, wanted: impl Fn(&Case) -> bool) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for peer in PEERS {
        // A case may be there for several numbers of threads; its script is told how many.
        for case in CASES.iter().filter(|case| case.name == peer.case && wanted(case)) {
            out::progress(format_args!(
                "measuring {} and {}, threads: {}",
                case.name, peer.script, case.threads
            ));
            let row = compare(case, peer, python, rounds).with_context(|| peer.script.to_owned())?;
            rows.push((peer.script, row));
        }
    }
    let cycles = cycles(&rows);
    Ok(rows.into_iter().map(|(_, row)| row).chain(cycles).collect())
}

/// A whole cycle of MBPO as the sum of its parts, for each script and number of threads that did all of them.
fn cycles(parts: &[(&str, Row)]) -> Vec<Row> {
    let done: BTreeSet<(&str, usize)> = parts.iter().map(|(script, row)| (*script, row.threads)).collect();
    let sum = |(script, threads)| {
        let (mut ours, mut least, mut theirs, mut target) = (0.0, 0.0, 0.0, 0.0);
        for (name, times) in CYCLE {
            let of = |(by, row): &&(&str, Row)| *by == script && row.threads == threads && row.name == name;
            let (_, row) = parts.iter().find(of)?;
            ours += times * row.median_ms;
            least += times * row.min_ms;
            theirs += times * row.median_ms * row.share;
            target = row.target;
        }
        Some(Row {
            name: "mbpo/cartpole-mbrl-lib/cycle".to_owned(),
            threads,
            median_ms: ours,
            min_ms: least,
            share: theirs / ours,
            floor: format!("{script} ({theirs:.4} ms), from its parts"),
            target,
        })
    };
    done.into_iter().filter_map(sum).collect()
}

fn compare(case: &Case, peer: &Peer, python: &Path, rounds: usize) -> Result<Row> {
    let mut script = Script::start(python, peer, case.threads)?;
    let mut work = (case.prepare)().work;
    let calls = calls_lasting(&mut work, ROUND);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(peer.operations * script.round()?);
        ours.push(time_round(&mut work, calls));
    }
    ours.sort_by(f64::total_cmp);
    theirs.sort_by(f64::total_cmp);
    let (our, their) = (ours[rounds / 2], theirs[rounds / 2]);
    Ok(Row {
        name: case.name.to_owned(),
        threads: case.threads,
        median_ms: 1e3 * our,
        min_ms: 1e3 * ours[0],
        share: their / our,
        floor: format!("{} ({:.4} ms)", peer.script, 1e3 * their),
        target: peer.target,
    })
}

/// A running peer.
struct Script {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Script {
    fn start(python: &Path, peer: &Peer, threads: usize) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(cargo::root().join("benches/peers").join(peer.script))
            .args(peer.arguments.split_whitespace())
            .args(["--threads", &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| python.display().to_string())?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (Some(to), Some(from)) = (to, from) else {
            return Err(Error::unsupported("the peer's pipes could not be opened"));
        };
        let mut script = Script { child, to, from: BufReader::new(from) };
        match script.line()?.as_str() {
            "ready" => Ok(script),
            "" => Err(Error::invalid(
                "the peer did not start: install its packages, see benches/peers/README.md",
            )),
            other => Err(Error::invalid(format_args!("the peer said `{other}` instead of `ready`"))),
        }
    }

    /// The seconds of one operation, from a round of them.
    fn round(&mut self) -> Result<f64> {
        let ended = || Error::invalid("the peer ended before its time: run it by hand to see why");
        writeln!(self.to, "go").and_then(|()| self.to.flush()).map_err(|_| ended())?;
        let said = self.line()?;
        match said.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds > 0.0 => Ok(seconds),
            _ if said.is_empty() => Err(ended()),
            _ => Err(Error::invalid(format_args!("the peer said `{said}` instead of a time in seconds"))),
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line).context("reading from the peer")?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It would end by itself when its input closes; what it was doing is of no interest any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_of_a_case_and_a_script_that_are_there() {
        for peer in PEERS {
            assert!(CASES.iter().any(|case| case.name == peer.case), "{}", peer.case);
            let script = cargo::root().join("benches/peers").join(peer.script);
            assert!(script.is_file(), "{}", script.display());
        }
    }

    #[test]
    fn a_cycle_is_a_fit_the_rollouts_and_the_updates_of_two_hundred_steps_where_all_were_measured() {
        let row = |part: usize, threads, median_ms, share| Row {
            name: CYCLE[part].0.to_owned(),
            threads,
            median_ms,
            min_ms: 0.5 * median_ms,
            share,
            floor: String::new(),
            target: 1.7,
        };
        let parts = [
            ("a.py", row(0, 1, 2_000.0, 2.0)),
            ("a.py", row(1, 1, 300.0, 3.0)),
            ("b.py", row(2, 1, 1.0, 9.0)),
            ("a.py", row(2, 2, 1.0, 9.0)),
            ("a.py", row(2, 1, 100.0, 2.2)),
        ];
        let cycles = cycles(&parts);
        assert_eq!(cycles.len(), 1);
        let Row { threads, median_ms, min_ms, share, ref floor, target, .. } = cycles[0];
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b;
        assert!(threads == 1 && near(median_ms, 22_300.0) && near(min_ms, 11_150.0) && near(target, 1.7));
        // 4,000 + 900 + 44,000 of theirs.
        assert!(near(share, 48_900.0 / 22_300.0) && floor.starts_with("a.py (48900"), "{share} {floor}");
    }
}
