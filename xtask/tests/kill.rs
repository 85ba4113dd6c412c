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
fn a_process_killed_again_and_again_ends_with_the_bytes_of_one_that_was_not() {
    kill_again_and_again("kill", TRAIN, &["metrics.jsonl"]);
}

/// Besides their metrics, the networks of both are the same in the end.
const LEARNT: [&str; 2] = ["metrics.jsonl", "policy.safetensors"];

#[test]
fn sac_killed_again_and_again_learns_what_it_would_have_learnt() {
    let train = "train sac --env pendulum --steps 1200 --set agent.sac.hidden=[32,32] --set eval.every=200 \
                 --set eval.episodes=2 --set checkpoint.every=70 --seed 3 --out";
    kill_again_and_again("kill-sac", train, &LEARNT);
}

const TRAIN_MBPO: &str = "train mbpo --env pendulum --steps 600 --set agent.initial_steps=100 \
     --set agent.updates_per_step=3 --set agent.rollouts.epoch=100 --set eval.every=200 --set eval.episodes=2 \
     --set checkpoint.every=40 --seed 3 --out";

#[test]
fn mbpo_killed_again_and_again_learns_what_it_would_have_learnt() {
    kill_again_and_again("kill-mbpo", TRAIN_MBPO, &LEARNT);
}

/// A run on two threads, and one that is killed at random instants and gone on with on one thread and on two in turn.
#[expect(clippy::disallowed_methods, reason = "how long a run takes decides when to kill it")]
fn kill_again_and_again(name: &str, train: &str, files: &[&str]) {
    let here = Folder::new(name);
    let began = Instant::now();
    here.said(&format!("{train} whole --threads 2"));
    let whole = began.elapsed();
    let go_on = |threads: u64| match RunBegun::of(&here) {
        RunBegun::No => format!("{train} killed --threads {threads}"),
        RunBegun::Yes => format!("train --resume killed --threads {threads}"),
    };
    // Somewhere in each fifth of it, from the very start of the process on.
    for kill in 0..10 {
        let mut child = start(&here, &go_on(1 + kill % 2));
        sleep(whole.mul_f32(0.2 * Key::root(1).child("kill").at(kill).uniform()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Whatever instant it was, it can be begun or gone on with.
    here.said(&go_on(1));
    for file in files {
        let read = |run: &str| std::fs::read(here.path().join(run).join(file)).unwrap();
        assert!(read("killed") == read("whole"), "{file}");
    }
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

/// Sends the signal once the run is under way, and waits for the end.
fn stop(here: &Folder, train: &str, name: &str, signals: &[&str]) -> std::process::Output {
    let child = start(here, &format!("{train} {name}"));
    wait_for(here, &format!("{name}/metrics.jsonl"));
    sleep(Duration::from_millis(50));
    for signal in signals {
        assert!(Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap().success());
    }
    child.wait_with_output().unwrap()
}

#[test]
fn the_first_interrupt_saves_and_exits_with_130_and_a_termination_with_143() {
    let here = Folder::new("interrupt");
    here.said(&format!("{TRAIN} whole"));
    for (name, signals, code) in
        [("stopped", &["-INT"][..], 130), ("ended", &["-TERM"], 143), ("twice", &["-TERM", "-TERM"], 143)]
    {
        let output = stop(&here, TRAIN, name, signals);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", stderr(&output));
        assert!(here.path().join(name).join("checkpoint").read_dir().unwrap().count() > 1, "{name}");
        here.said(&format!("train --resume {name}"));
        assert!(here.metrics(name) == here.metrics("whole"), "{name}");
    }
}

#[test]
fn mbpo_that_is_interrupted_saves_what_it_has_learnt_and_goes_on_from_there() {
    let here = Folder::new("interrupt-mbpo");
    here.said(&format!("{TRAIN_MBPO} whole"));
    let output = stop(&here, TRAIN_MBPO, "stopped", &["-INT"]);
    // That it saves is only said where a step takes long enough for a person to wonder.
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let checkpoints = here.path().join("stopped/checkpoint").read_dir().unwrap();
    let names = checkpoints.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let saved = names.filter_map(|name| name.strip_suffix(".mbrl")?.parse::<u64>().ok()).max().unwrap();
    // The step at which it was interrupted, not the last of those at which it would have been saved anyhow.
    let lines = String::from_utf8(here.metrics("stopped")).unwrap();
    let last = lines.lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert!(saved < 600 && saved >= last["env_steps"].as_u64().unwrap(), "{saved}: {last}");
    assert!(here.path().join("stopped/policy.safetensors").exists());
    here.said("train --resume stopped");
    for file in LEARNT {
        let read = |run: &str| std::fs::read(here.path().join(run).join(file)).unwrap();
        assert!(read("stopped") == read("whole"), "{file}");
    }
}

#[test]
fn a_person_is_told_at_once_and_may_stop_at_once() {
    // Fits that take far longer than this test.
    stop_at_once(
        "at-once",
        "train random-shooting --quick --set agent.model.ensemble.stop.max_epochs=1000000000 \
         --set agent.model.ensemble.stop.patience=1000000000 --out slow",
    );
    stop_at_once(
        "at-once-mbpo",
        "train mbpo --quick --set agent.model.stop.max_epochs=1000000000 \
         --set agent.model.stop.patience=1000000000 --out slow",
    );
}

fn stop_at_once(name: &str, slow: &str) {
    let here = Folder::new(name);
    let mut child = start(&here, slow);
    wait_for(&here, "slow/metrics.jsonl");
    sleep(Duration::from_secs(1));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the step is not over");
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut polls = 0;
    while child.try_wait().unwrap().is_none() {
        polls += 1;
        if polls > 1_000 {
            child.kill().unwrap();
        }
        sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = "saving after this step; Ctrl-C again stops at once";
    assert_eq!(stderr(&output).matches(said).count(), 1, "{}", stderr(&output));
}
