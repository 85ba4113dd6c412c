//! Our cases against the same work in the libraries that people use today, in turn within the same seconds.

use super::Row;
use crate::{cargo, out};
use mbrl_bench::{CASES, Case, calls_lasting, time_round};
use mbrl_core::{Context, Error, Result};
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

/// A script of the neural engine's: we mean to be ahead.
const fn nn(case: &'static str, script: &'static str, arguments: &'static str) -> Peer {
    Peer { case, script, arguments, ..ALONE }
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
            rows.push(compare(case, peer, python, rounds).with_context(|| peer.script.to_owned())?);
        }
    }
    Ok(rows)
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
