//! The trainer's promises, with an agent that everything leaves a mark on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{CrashAfter, Folder, Mark, Notes, config, kept, metrics, saved};
use mbrl_agents::{
    Callback, EvalConfig, Event, Flow, Manifest, RunConfig, RunDir, Standing, Stopped, Trainer,
};
use mbrl_core::{Env, Key, Result, Snapshot, Spec, Step};
use std::path::{Path, PathBuf};

/// A trainer of the marked agent in environments of this make.
fn marked(config: &RunConfig, folder: &Path, make: impl Fn() -> Box<dyn Env>) -> Trainer {
    let env = make();
    let agent = Mark::of(env.spec());
    kept(config, folder, env, make(), agent).unwrap()
}

fn cartpole() -> Box<dyn Env> {
    mbrl_envs::make("cartpole").unwrap()
}

/// An environment whose snapshots are taken away, or are not what they were; and that may have a memory of its own.
struct Spoilt {
    env: Box<dyn Env>,
    has_snapshots: bool,
    /// Added to what is observed first in an episode: a world that never does the same again.
    drift: f32,
}

impl Env for Spoilt {
    fn spec(&self) -> &Spec {
        self.env.spec()
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        self.env.reset(key, obs)
    }

    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
        let step = self.env.step(act, key, obs)?;
        obs[0] += self.drift;
        Ok(step)
    }

    fn snapshot(&self) -> Option<Snapshot> {
        if self.has_snapshots { Some(Snapshot::from_bytes(vec![1])) } else { None }
    }
}

fn spoilt(has_snapshots: bool, drift: f32) -> Box<dyn Env> {
    // Short episodes in a world of chance, so that the keys of steps count.
    let env = mbrl_envs::TimeLimit::new(mbrl_envs::make("lqr").unwrap(), 23).unwrap();
    Box::new(Spoilt { env: Box::new(env), has_snapshots, drift })
}

/// Crashes a run after so many steps.
fn crash(config: &RunConfig, folder: &Path, at: u64, make: impl Fn() -> Box<dyn Env>) {
    let error = marked(config, folder, make).watch(CrashAfter(at)).run().unwrap_err();
    assert_eq!(error.to_string(), "a crash");
}

/// The checkpoints of a run, the newest first.
fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("checkpoint")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "mbrl")).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths
}

#[test]
fn a_run_killed_at_any_step_ends_as_if_it_had_not_been() {
    let folder = Folder::new("any-step");
    let mut whole = marked(&config(), &folder.at("whole"), cartpole);
    let summary = whole.run().unwrap();
    // At evaluations, at checkpoints, at both, at the very first and last, and anywhere.
    for kill in (1..config().steps).step_by(11).chain([20, 40, 80, 130]) {
        let killed = folder.at(&format!("killed-{kill}"));
        crash(&config(), &killed, kill, cartpole);
        let mut resumed = marked(&config(), &killed, cartpole);
        assert_eq!(resumed.run().unwrap(), summary, "{kill}");
        assert!(metrics(&killed) == metrics(&folder.at("whole")), "{kill}");
        assert!(saved(resumed.agent()) == saved(whole.agent()), "{kill}");
        drop(resumed);
        // And so does a run that is over.
        assert_eq!(marked(&config(), &killed, cartpole).run().unwrap(), summary, "{kill}");
        assert!(metrics(&killed) == metrics(&folder.at("whole")), "{kill}");
    }
}

#[test]
fn an_environment_without_snapshots_is_played_again() {
    let folder = Folder::new("replay");
    let make = || spoilt(false, 0.0);
    marked(&config(), &folder.at("whole"), make).run().unwrap();
    for kill in [25, 59, 101] {
        crash(&config(), &folder.at("killed"), kill, make);
    }
    let notes = Notes::default();
    let summary = marked(&config(), &folder.at("killed"), make).watch(notes.clone()).run().unwrap();
    assert!(summary.exact_resume && notes.warnings().is_empty());
    assert!(metrics(&folder.at("killed")) == metrics(&folder.at("whole")));
}

#[test]
fn a_snapshot_that_is_refused_is_made_up_for_by_playing_again() {
    let folder = Folder::new("refused");
    let make = || spoilt(true, 0.0);
    marked(&config(), &folder.at("whole"), make).run().unwrap();
    crash(&config(), &folder.at("killed"), 67, make);
    let notes = Notes::default();
    marked(&config(), &folder.at("killed"), make).watch(notes.clone()).run().unwrap();
    assert!(notes.warnings()[0].contains("replaying the episode, because its snapshot is refused"));
    assert!(metrics(&folder.at("killed")) == metrics(&folder.at("whole")));
}

#[test]
fn an_episode_that_cannot_be_played_again_is_given_up_and_said_to_be() {
    let folder = Folder::new("drift");
    let killed = folder.at("killed");
    // In the middle of an episode: no checkpoint falls on an end of one.
    crash(&config(), &killed, 67, || spoilt(false, 0.0));
    let episodes = RunDir::open(&killed).unwrap().metrics().unwrap();
    let before = episodes.iter().filter(|line| line.scalars.contains_key("train/return")).count();
    let notes = Notes::default();
    let mut resumed = marked(&config(), &killed, || spoilt(false, 0.25)).watch(notes.clone());
    let summary = resumed.run().unwrap();
    assert!(notes.warnings()[0].contains("given up as truncated"), "{:?}", notes.warnings());
    assert_eq!(saved(resumed.agent())[8..], 1_u64.to_le_bytes(), "the agent is told once");
    assert!(!summary.exact_resume && !RunDir::open(&killed).unwrap().manifest().unwrap().exact_resume);
    // The episode is counted, and nothing is made up of what it earned.
    let lines = RunDir::open(&killed).unwrap().metrics().unwrap();
    let numbers: Vec<f64> =
        lines.iter().filter_map(|line| line.scalars.get("train/episode").copied()?).collect();
    assert_eq!(numbers.len() as u64 + 1, summary.episodes);
    assert!(before > 0 && !numbers.contains(&(before as f64 + 1.0)), "{before}: {numbers:?}");
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let folder = Folder::new("damaged");
    marked(&config(), &folder.at("whole"), cartpole).run().unwrap();
    let killed = folder.at("killed");
    crash(&config(), &killed, 75, cartpole);
    let newest = checkpoints(&killed).remove(0);
    let bytes = std::fs::read(&newest).unwrap();
    for (i, damage) in [vec![], bytes[..bytes.len() - 1].to_vec(), flipped(&bytes, 9), flipped(&bytes, 300)]
        .iter()
        .enumerate()
    {
        let copy = folder.at(&format!("copy-{i}"));
        copy_run(&killed, &copy);
        std::fs::write(copy.join("checkpoint").join(newest.file_name().unwrap()), damage).unwrap();
        let notes = Notes::default();
        marked(&config(), &copy, cartpole).watch(notes.clone()).run().unwrap();
        let warning = &notes.warnings()[0];
        assert!(warning.contains("the checkpoint is damaged") && warning.contains("at step 40"), "{warning}");
        assert!(metrics(&copy) == metrics(&folder.at("whole")), "damage {i}");
        let aside = copy.join("checkpoint").join(newest.file_name().unwrap()).with_extension("damaged");
        assert!(std::fs::read(aside).unwrap() == *damage, "kept for whoever wants to look into it");
    }
    for path in checkpoints(&killed) {
        std::fs::write(path, "nonsense").unwrap();
    }
    let error = marked(&config(), &killed, cartpole).run().unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("none is whole"), "{error}");
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 4;
    bytes
}

fn copy_run(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("checkpoint")).unwrap();
    for folder in ["", "checkpoint"] {
        for entry in std::fs::read_dir(from.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}

#[test]
fn a_checkpoint_of_another_version_is_refused_not_passed_over() {
    let folder = Folder::new("version");
    let killed = folder.at("killed");
    crash(&config(), &killed, 75, cartpole);
    let newest = checkpoints(&killed).remove(0);
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes[8] = 9;
    let body = bytes.len() - 4;
    let crc = crc32fast::hash(&bytes[..body]).to_le_bytes();
    bytes[body..].copy_from_slice(&crc);
    std::fs::write(&newest, &bytes).unwrap();
    let error = marked(&config(), &killed, cartpole).run().unwrap_err();
    assert!(error.is_version() && error.to_string().ends_with("use the build that wrote it"), "{error}");
}

#[test]
fn two_processes_do_not_write_one_run() {
    let folder = Folder::new("lock");
    let mut first = marked(&config(), &folder.at("run"), cartpole);
    first.run().unwrap();
    let error = marked(&config(), &folder.at("run"), cartpole).run().unwrap_err();
    assert!(error.to_string().contains("is being trained by another process"), "{error}");
    drop(first);
    marked(&config(), &folder.at("run"), cartpole).run().unwrap();
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let folder = Folder::new("other");
    let run = folder.at("run");
    crash(&config(), &run, 75, cartpole);
    let other = RunConfig { seed: 1, ..config() };
    let error = marked(&other, &run, cartpole).run().unwrap_err();
    assert!(error.to_string().starts_with("seed is 1, and "), "{error}");
    let error = RunDir::create(&run, &config(), &Manifest::new(0)).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("--resume"), "{error}");
    std::fs::write(run.join("metrics.jsonl"), "").unwrap();
    let error = marked(&config(), &run, cartpole).run().unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("0 bytes, and the checkpoint knows of"),
        "{error}"
    );
    let bad = RunConfig { steps: 0, ..config() };
    assert!(RunDir::create(folder.at("bad"), &bad, &Manifest::new(0)).is_err());
    assert!(!folder.at("bad").exists());
    std::fs::rename(run.join("config.json"), run.join("kept.json")).unwrap();
    let error = RunDir::create(&run, &config(), &Manifest::new(0)).unwrap_err();
    assert!(error.to_string().contains("left of a run without config.json"), "{error}");
    std::fs::rename(run.join("kept.json"), run.join("config.json")).unwrap();
    let error = RunDir::open_or_create(&run, &other, &Manifest::new(1)).unwrap_err();
    assert!(error.to_string().contains("another configuration"), "{error}");
    assert!(RunDir::open(folder.at("bad")).unwrap_err().to_string().contains("holds no run"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_the_run_can_be_made_when_there_is_room() {
    let folder = Folder::new("full");
    let run = folder.at("run");
    // A new run, so that there is no length that the device would have to have.
    RunDir::create(&run, &config(), &Manifest::new(0)).unwrap();
    std::os::unix::fs::symlink("/dev/full", run.join("metrics.jsonl")).unwrap();
    let error = marked(&config(), &run, cartpole).run().unwrap_err();
    assert!(
        error.is_io()
            && error.to_string().starts_with("writing ")
            && error.to_string().contains("metrics.jsonl"),
        "{error}"
    );
    std::fs::remove_file(run.join("metrics.jsonl")).unwrap();
    marked(&config(), &run, cartpole).run().unwrap();
    marked(&config(), &folder.at("whole"), cartpole).run().unwrap();
    assert!(metrics(&run) == metrics(&folder.at("whole")));
}

/// Asks for an end at the `n`th event of a kind.
struct Ask(Flow, Kind, u64);

type Kind = fn(&Event<'_>) -> bool;

impl Callback for Ask {
    fn every(&self) -> Option<u64> {
        Some(1)
    }

    fn on(&mut self, event: Event<'_>, _: Standing) -> Result<Flow> {
        if (self.1)(&event) {
            self.2 = self.2.saturating_sub(1);
            if self.2 == 0 {
                return Ok(self.0);
            }
        }
        Ok(Flow::Continue)
    }
}

#[test]
fn an_interrupted_run_is_saved_and_goes_on_also_from_within_an_evaluation() {
    let folder = Folder::new("interrupt");
    marked(&config(), &folder.at("whole"), cartpole).run().unwrap();
    let kinds: [(Kind, u64); 5] = [
        (|event| matches!(event, Event::Stepped), 33),
        (|event| matches!(event, Event::Stepped), 40),
        (|event| matches!(event, Event::Evaluating { .. }), 5),
        (|event| matches!(event, Event::Evaluating { episodes: 1 }), 70),
        (|event| matches!(event, Event::Evaluated(_)), 2),
    ];
    for (i, (kind, n)) in kinds.into_iter().enumerate() {
        let run = folder.at(&format!("run-{i}"));
        let summary = marked(&config(), &run, cartpole).watch(Ask(Flow::Interrupt, kind, n)).run().unwrap();
        assert_eq!(summary.stopped, Stopped::Interrupted, "{i}");
        let summary = marked(&config(), &run, cartpole).run().unwrap();
        assert_eq!(summary.stopped, Stopped::Done);
        assert!(metrics(&run) == metrics(&folder.at("whole")), "{i}");
    }
}

#[test]
fn a_run_that_reached_its_target_is_over_for_good() {
    let folder = Folder::new("target");
    let eval = EvalConfig { target: Some(-1e9), ..config().eval };
    let easy = RunConfig { eval, ..config() };
    let summary = marked(&easy, &folder.at("run"), cartpole).run().unwrap();
    assert_eq!((summary.stopped, summary.env_steps), (Stopped::Finished, 0));
    let again = marked(&easy, &folder.at("run"), cartpole).run().unwrap();
    assert_eq!(again, summary);
    // Interrupted in the very moment, it is not forgotten.
    let both = |event: &Event<'_>| matches!(event, Event::Evaluated(_));
    let trainer = marked(&config(), &folder.at("both"), cartpole).watch(Ask(Flow::Finish, both, 1));
    let summary = trainer.watch(Ask(Flow::Interrupt, both, 1)).run().unwrap();
    assert_eq!(summary.stopped, Stopped::Interrupted);
    let summary = marked(&config(), &folder.at("both"), cartpole).run().unwrap();
    assert_eq!((summary.stopped, summary.env_steps), (Stopped::Finished, 0));
    // Asked between evaluations, it is evaluated once more.
    let ask = Ask(Flow::Finish, |event| matches!(event, Event::Stepped), 33);
    let summary = marked(&config(), &folder.at("asked"), cartpole).watch(ask).run().unwrap();
    assert_eq!((summary.stopped, summary.env_steps), (Stopped::Finished, 33));
    assert_eq!(summary.last.unwrap().env_steps, 33);
}

#[test]
fn events_come_in_order_and_evaluations_at_both_ends() {
    let folder = Folder::new("events");
    let notes = Notes::default();
    let config = RunConfig { steps: 50, ..config() };
    marked(&config, &folder.at("run"), cartpole).watch(notes.clone()).run().unwrap();
    let notes: Vec<String> =
        notes.all().into_iter().filter(|note| !note.starts_with("EpisodeEnded")).collect();
    let expected = [
        "Started at 0",
        "Evaluated at 0",
        "Checkpointed at 20",
        "Evaluated at 40",
        "Checkpointed at 40",
        "Evaluated at 50",
        "Checkpointed at 50",
    ];
    assert_eq!(notes, expected);
    assert_eq!(checkpoints(&folder.at("run")).len(), 2);
}
