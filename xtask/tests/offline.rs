//! Datasets are collected, relabelled, and learnt from, as these commands are called.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};
use mbrl_buffer::Recording;

#[test]
fn a_dataset_is_collected_and_learnt_from() {
    let here = Folder::new("offline");
    here.said("train sac --env pendulum --quick --out who");
    let said = here.said("data collect who random --rows 401 --name pendulum-half --out half.mbrl");
    assert!(said.contains("401 transitions of pendulum in 3 episodes"), "{said}");
    // The optimum is known here, so that there is a score.
    let said = here.said("data collect random --env lqr --rows 500 --out lqr.mbrl");
    assert!(said.contains("10 episodes") && said.contains("a score of"), "{said}");
    let half = Recording::open(here.path().join("half.mbrl")).unwrap();
    let about = half.about();
    assert_eq!((about.name.as_deref(), about.env.as_deref()), (Some("pendulum-half"), Some("pendulum")));
    assert_eq!(about.made_by.as_deref(), Some("sac after 300 steps, then uniformly random actions"));
    // Each part begins an episode of its own.
    assert_eq!(half.episodes().map(|rows| rows.len()).collect::<Vec<_>>(), [200, 1, 200]);
    for algo in ["mopo", "morel", "bc"] {
        let trained = here.json(&format!("train {algo} --data half.mbrl --quick --json"));
        let out = format!("runs/{algo}-pendulum-half-s0-quick");
        assert_eq!((&trained["out"], &trained["env_steps"]), (&out.clone().into(), &300.into()), "{trained}");
        assert!(here.said(&format!("eval {out} --episodes 2")).contains(&format!("{algo} on pendulum")));
        assert!(here.said(&format!("report {out}")).contains(algo));
    }
}

#[test]
fn the_same_call_gives_the_same_bits() {
    let here = Folder::new("offline-bits");
    here.said("train sac --env pendulum --quick --out who");
    for name in ["one", "two"] {
        here.said(&format!("data collect who random --rows 300 --seed 4 --name x --out {name}.mbrl"));
        here.said(&format!("train mopo --data {name}.mbrl --quick --out {name}"));
    }
    let bytes = |name: &str| std::fs::read(here.path().join(name)).unwrap();
    assert_eq!(bytes("one.mbrl"), bytes("two.mbrl"));
    assert_eq!(here.metrics("one"), here.metrics("two"));
    here.said("data collect who random --rows 300 --seed 5 --name x --out other.mbrl");
    assert_ne!(bytes("one.mbrl"), bytes("other.mbrl"));
}

#[test]
fn what_an_agent_has_seen_is_what_it_did() {
    let here = Folder::new("offline-replay");
    here.said("train sac --env pendulum --quick --out who");
    here.said("data collect who --replay --rows 1000 --out replay.mbrl");
    let replay = Recording::open(here.path().join("replay.mbrl")).unwrap();
    let returns: Vec<f64> = replay.returns();
    // 300 steps are an episode and a half.
    assert_eq!((replay.rows().len(), returns.len()), (300, 2));
    let metrics = String::from_utf8(here.metrics("who")).unwrap();
    let line = metrics.lines().find(|line| line.contains("train/return")).unwrap();
    let earned = serde_json::from_str::<serde_json::Value>(line).unwrap()["train/return"].as_f64().unwrap();
    assert!((returns[0] - earned).abs() < 1e-6, "{returns:?} {earned}");
}

#[test]
fn moves_are_judged_by_another_task() {
    let here = Folder::new("relabel");
    here.said("data collect random --env pendulum --rows 450 --out moves.mbrl");
    let said = here.said("data relabel moves.mbrl --env pendulum-spin --out spin.mbrl");
    assert!(said.contains("450 transitions in 3 episodes"), "{said}");
    let (moves, spin) = (
        Recording::open(here.path().join("moves.mbrl")).unwrap(),
        Recording::open(here.path().join("spin.mbrl")).unwrap(),
    );
    assert_eq!((&moves.rows().obs, &moves.rows().end), (&spin.rows().obs, &spin.rows().end));
    for (row, reward) in spin.rows().reward.iter().enumerate() {
        let (omega, torque) = (moves.rows().next_obs.row(row)[2], moves.rows().act.row(row)[0]);
        let by_hand = f64::from(omega) / 8.0 - 0.001 * f64::from(torque).powi(2);
        assert!((f64::from(*reward) - by_hand).abs() < 1e-6);
    }
    assert_eq!(spin.about().env.as_deref(), Some("pendulum-spin"));
    let trained = here.json("train bc --data spin.mbrl --quick --json");
    assert_eq!(trained["env"], "pendulum-spin");
}

#[test]
fn what_cannot_be_learnt_from_is_said_in_a_line() {
    let here = Folder::new("offline-refused");
    here.said("data collect random --env pendulum --rows 300 --out p.mbrl");
    here.said("train sac --env pendulum --quick --out who");
    here.said("train sac --env reacher --quick --out reacher");
    std::fs::write(here.path().join("text.mbrl"), "what is this").unwrap();
    for (call, says) in [
        ("train mopo", "mopo learns from a dataset: name one by --data FILE"),
        ("train sac --data p.mbrl", "sac learns from the world alone: leave --data out"),
        ("train mopo --data p.mbrl --env cartpole", "the environment has 4 and 1"),
        ("train mopo --data p.mbrl --env reacher", "choose the environment that it was recorded in"),
        ("train mopo --data none.mbrl", "none.mbrl"),
        ("train mopo --data text.mbrl", "text.mbrl"),
        ("data collect random --rows 10 --out x.mbrl", "no environment is named: add --env E"),
        ("train mopo --data p.mbrl --env pendulum-spin", "recorded in pendulum, not in pendulum-spin"),
        ("train mopo --data p.mbrl --set data=q.mbrl", "choose it by its own flag"),
        ("data collect random --env pendulum --expert who --out x.mbrl", "name a better one"),
        ("data collect random --env pendulum --expert reacher --out x.mbrl", "was trained in reacher"),
        ("data collect who reacher --out x.mbrl", "was trained in"),
        ("data collect who random --rows 1 --out x.mbrl", "1 rows from 2 who act"),
        ("data collect random --env pendulum --replay --out x.mbrl", "leave --replay out"),
        ("data collect nobody --out x.mbrl", "nobody"),
        ("data relabel p.mbrl --env reacher --out x.mbrl", "choose the environment that it was recorded in"),
    ] {
        let output = here.call(call).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{call}: {said}");
        assert!(said.contains(says) && said.trim_end().lines().count() == 1, "{call}: {said}");
    }
    assert!(!here.path().join("x.mbrl").exists() && !here.path().join("runs").exists());
}

#[test]
fn a_dataset_that_was_changed_is_not_gone_on_with() {
    let here = Folder::new("offline-changed");
    here.said("data collect random --env pendulum --rows 300 --name d --out d.mbrl");
    here.said("train mopo --data d.mbrl --quick --out run");
    here.said("train --resume run --steps 320");
    here.said("data collect random --env pendulum --rows 300 --seed 1 --name d --out d.mbrl");
    let output = here.call("train --resume run --steps 340").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("the dataset is another"), "{}", stderr(&output));
    // The one that was learnt from may be anywhere.
    here.said("data collect random --env pendulum --rows 300 --name d --out moved.mbrl");
    here.said("train --resume run --data moved.mbrl --steps 340");
    std::fs::remove_file(here.path().join("d.mbrl")).unwrap();
    assert!(here.said("eval run --episodes 1").contains("mopo on pendulum after 340 steps"));
}
