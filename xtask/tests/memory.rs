//! How much memory a run takes, at its most.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![cfg(target_os = "linux")]

mod common;

use common::Folder;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

/// What the default run may take, in MB of 10⁶ bytes: it takes 20, and 300 are promised.
const MOST: f64 = 60.0;

/// The default run, whole networks and all, until it has fitted its model a few times and forgets what it imagined first.
/// A run of 3,000 steps takes a few MB more: docs/performance.md.
#[test]
fn the_default_run_stays_small() {
    let here = Folder::new("memory");
    let mut call =
        here.call("train mbpo --env pendulum --steps 420 --set eval.every=420 --threads 2 --out run");
    let mut child = call.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = None;
    let status = loop {
        // The peak only grows, so the last reading counts; a process that has ended has none any more.
        peak = resident_peak(child.id()).or(peak);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => sleep(Duration::from_millis(5)),
        }
    };
    assert!(status.success());
    let peak = peak.unwrap();
    // What its code alone takes is more than the lower bound: less would mean that nothing was read.
    assert!((5.0..MOST).contains(&peak), "{peak:.1} MB");
}

/// Rows are touched as they arrive, so that what does not fit would else be found out hours into a run.
#[test]
fn what_would_not_fit_is_refused_before_it_begins_with_what_it_needs() {
    let here = Folder::new("too-much");
    let many = "train ps-mbpo --env pendulum --out run --set agent.policies=1000 --set agent.rollouts.retain=100000000";
    let output = here.call(many).output().unwrap();
    let said = common::stderr(&output);
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    // 3,000 policies keep 500 rollouts of up to 4 steps from every fiftieth of so many steps, 40 bytes a row.
    assert!(said.starts_with("error: ps-mbpo comes to need 44703") && said.contains(" GiB, and "), "{said}");
    assert!(said.contains("agent.policies") && here.entries().is_empty(), "{said}");
}

/// The most that a process has had in memory so far, in MB.
fn resident_peak(id: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
