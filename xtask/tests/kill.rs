//! Processes that are killed or interrupted, and go on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![cfg(unix)]

mod common;

use common::{Folder, stderr};
use mbrl_core::Key;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// About a second of work: many lines, many checkpoints.
const TRAIN: &str = "train random --env cartpole --steps 20000 --set eval.every=500 --set checkpoint.every=170 --seed 3 --out";

fn start(here: &Folder, args: &str) -> Child {
    here.call(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a file of the run is there.
fn wait_for(here: &Folder, file: &str) {
    let path = here.path().join(file);
    for _ in 0..3000 {
        if path.exists() {
            return;
        }
        sleep(Duration::from_millis(2));
    }
    panic!("{} did not come", path.display());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a run takes decides when to kill it")]
fn a_process_killed_again_and_again_ends_with_the_bytes_of_one_that_was_not() {
    let here = Folder::new("kill");
    let began = Instant::now();
    here.said(&format!("{TRAIN} whole"));
    let whole = began.elapsed();
    // Somewhere in each fifth of it, from the very start of the process on.
    for kill in 0..10 {
        let began = RunBegun::of(&here);
        let mut child = match began {
            RunBegun::No => start(&here, &format!("{TRAIN} killed")),
            RunBegun::Yes => start(&here, "train --resume killed"),
        };
        sleep(whole.mul_f32(0.2 * Key::root(1).child("kill").at(kill).uniform()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Whatever instant it was, it can be begun or gone on with.
    match RunBegun::of(&here) {
        RunBegun::No => here.said(&format!("{TRAIN} killed")),
        RunBegun::Yes => here.said("train --resume killed"),
    };
    assert!(here.metrics("killed") == here.metrics("whole"));
    let manifest = std::fs::read_to_string(here.path().join("killed/manifest.json")).unwrap();
    assert!(manifest.contains("\"exact_resume\": true"), "{manifest}");
}

enum RunBegun {
    No,
    Yes,
}

impl RunBegun {
    fn of(here: &Folder) -> Self {
        if here.path().join("killed/config.json").exists() { RunBegun::Yes } else { RunBegun::No }
    }
}

#[test]
fn the_first_interrupt_saves_and_exits_with_130() {
    let here = Folder::new("interrupt");
    here.said(&format!("{TRAIN} whole"));
    let child = start(&here, &format!("{TRAIN} stopped"));
    wait_for(&here, "stopped/metrics.jsonl");
    sleep(Duration::from_millis(50));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    here.said("train --resume stopped");
    assert!(here.metrics("stopped") == here.metrics("whole"));
}
