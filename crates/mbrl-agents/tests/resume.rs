//! What a run may be gone on with, and what would spoil it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{CrashAfter, Folder, Notes, config, kept, marked, metrics, saved, setup, trainer};
use mbrl_agents::{
    Callback, EvalConfig, Event, Flow, Line, Manifest, RunConfig, RunDir, Standing, Stopped, load_agent,
};
use mbrl_core::Result;
use std::path::Path;

fn crash(config: &RunConfig, folder: &Path, at: u64) {
    marked(config, folder).watch(CrashAfter(at)).run().unwrap_err();
}

/// Every file of a run, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    files.sort_unstable();
    files
}

#[test]
fn a_run_whose_checkpoints_are_gone_is_left_as_it_is() {
    let folder = Folder::new("gone");
    for (name, steps, kill) in [("killed", 130, Some(75)), ("over", 130, None), ("short", 15, None)] {
        let (run, config) = (folder.at(name), RunConfig { steps, ..config() });
        match kill {
            Some(kill) => crash(&config, &run, kill),
            None => drop(marked(&config, &run).run().unwrap()),
        }
        std::fs::rename(run.join("checkpoint"), folder.at("aside")).unwrap();
        let before = files(&run);
        let error = marked(&config, &run).run().unwrap_err().to_string();
        assert!(error.contains("are gone") && error.contains("put its folder `checkpoint` back"), "{error}");
        assert!(!error.contains('\n'));
        let error = load_agent(&RunDir::open(&run).unwrap(), &setup("cartpole")).unwrap_err().to_string();
        assert!(error.contains("are gone") && !error.contains("--resume"), "{error}");
        assert!(files(&run) == before && !run.join("checkpoint").exists(), "{name}");
        // Times alone show it too.
        std::fs::rename(run.join("metrics.jsonl"), folder.at("metrics")).unwrap();
        assert!(marked(&config, &run).run().unwrap_err().to_string().contains("are gone"), "{name}");
        std::fs::rename(folder.at("metrics"), run.join("metrics.jsonl")).unwrap();
        // Put back, it goes on.
        std::fs::rename(folder.at("aside"), run.join("checkpoint")).unwrap();
        marked(&config, &run).run().unwrap();
        marked(&config, &folder.at(&format!("whole-{name}"))).run().unwrap();
        assert!(metrics(&run) == metrics(&folder.at(&format!("whole-{name}"))), "{name}");
    }
}

#[test]
fn a_run_that_was_never_saved_begins_anew_and_says_so() {
    let folder = Folder::new("unsaved");
    let (run, whole) = (folder.at("run"), folder.at("whole"));
    let notes = Notes::default();
    marked(&config(), &whole).watch(notes.clone()).run().unwrap();
    assert!(notes.warnings().is_empty());
    crash(&config(), &run, 19);
    assert!(!metrics(&run).is_empty());
    let error = load_agent(&RunDir::open(&run).unwrap(), &setup("cartpole")).unwrap_err().to_string();
    assert!(error.contains("no checkpoint yet") && error.contains("begins it anew"), "{error}");
    marked(&config(), &run).watch(notes.clone()).run().unwrap();
    assert!(notes.warnings()[0].contains("training begins anew"), "{:?}", notes.warnings());
    assert!(metrics(&run) == metrics(&whole));
}

#[test]
fn a_configuration_that_was_edited_is_refused_by_the_name_of_what_differs() {
    let folder = Folder::new("edited");
    let mut config = RunConfig::new("random-shooting", None).unwrap();
    config.make_quick().unwrap();
    (config.env, config.steps) = ("pendulum".to_owned(), 130);
    let run = folder.at("run");
    trainer(&config, &run).unwrap().watch(CrashAfter(110)).run().unwrap_err();
    let text = std::fs::read_to_string(run.join("config.json")).unwrap();
    let horizon = config.agent["horizon"].as_u64().unwrap();
    let edits = [
        ("agent.horizon", "/agent/horizon", serde_json::json!(horizon + 1)),
        ("env", "/env", "pendulum-continuing".into()),
        ("checkpoint.every", "/checkpoint/every", 7.into()),
        ("eval.episodes", "/eval/episodes", 9.into()),
        ("seed", "/seed", 4.into()),
    ];
    for (path, at, value) in edits {
        let mut edited: serde_json::Value = serde_json::from_str(&text).unwrap();
        *edited.pointer_mut(at).unwrap() = value.clone();
        std::fs::write(run.join("config.json"), edited.to_string()).unwrap();
        let before = files(&run);
        let now: RunConfig = serde_json::from_value(edited).unwrap();
        let agent = config.build(&setup("pendulum")).unwrap();
        let make = || mbrl_envs::make("pendulum").unwrap();
        let error = kept(&now, &run, make(), make(), agent).unwrap().run().unwrap_err();
        let said = format!("{path} is {value} in config.json, and was ");
        assert!(error.is_invalid() && error.to_string().contains(&said), "{path}: {error}");
        assert!(files(&run) == before, "{path}");
        let error = load_agent(&RunDir::open(&run).unwrap(), &setup("pendulum")).unwrap_err();
        assert!(error.to_string().contains(&said), "{path}: {error}");
    }
    // A setting left to its default is the same as one that is written out.
    let mut edited: serde_json::Value = serde_json::from_str(&text).unwrap();
    edited.as_object_mut().unwrap().remove("seed");
    std::fs::write(run.join("config.json"), edited.to_string()).unwrap();
    assert!(trainer(&config, &run).unwrap().run().unwrap().exact_resume);
}

/// The lines, without what is evaluated at these steps.
fn without_evaluation(run: &Path, at: u64) -> Vec<Line> {
    let mut lines = RunDir::open(run).unwrap().metrics().unwrap();
    for line in lines.iter_mut().filter(|line| line.env_steps == at) {
        line.scalars.retain(|name, _| !name.starts_with("eval/"));
    }
    lines.retain(|line| !line.scalars.is_empty());
    lines
}

#[test]
fn more_steps_are_those_of_a_run_that_was_begun_with_them() {
    let folder = Folder::new("more");
    let whole = folder.at("whole");
    let mut longest = marked(&config(), &whole);
    longest.run().unwrap();
    for first in [80, 90, 91, 10] {
        let run = folder.at(&format!("run-{first}"));
        marked(&RunConfig { steps: first, ..config() }, &run).run().unwrap();
        let mut longer = marked(&config(), &run);
        let summary = longer.run().unwrap();
        assert!(summary.exact_resume && summary.env_steps == 130);
        assert!(saved(longer.agent()) == saved(longest.agent()), "{first}");
        assert_eq!(RunDir::open(&run).unwrap().config().unwrap(), config(), "noted in its folder");
        if first.is_multiple_of(config().eval.every) {
            assert!(metrics(&run) == metrics(&whole), "{first}");
        } else {
            // It was evaluated where it ended first.
            assert!(metrics(&run) != metrics(&whole), "{first}");
            assert_eq!(without_evaluation(&run, first), without_evaluation(&whole, first));
        }
        drop(longer);
        let before = files(&run);
        let error = marked(&RunConfig { steps: 129, ..config() }, &run).run().unwrap_err().to_string();
        assert!(error.contains("steps is 129, and 130 are done: give at least as many"), "{error}");
        assert!(files(&run) == before);
    }
    // Fewer will do where fewer are done.
    let run = folder.at("fewer");
    crash(&config(), &run, 75);
    let summary = marked(&RunConfig { steps: 80, ..config() }, &run).run().unwrap();
    assert_eq!((summary.env_steps, RunDir::open(&run).unwrap().config().unwrap().steps), (80, 80));
}

type Kind = fn(&Event<'_>) -> bool;

/// Interrupts at each of these numbers of steps, once.
struct Stops(Vec<(u64, Kind)>);

impl Callback for Stops {
    fn every(&self) -> Option<u64> {
        Some(1)
    }

    fn on(&mut self, event: Event<'_>, at: Standing) -> Result<Flow> {
        let due = self.0.first().is_some_and(|(steps, kind)| at.env_steps == *steps && kind(&event));
        if !due {
            return Ok(Flow::Continue);
        }
        self.0.remove(0);
        Ok(Flow::Interrupt)
    }
}

#[test]
fn a_trainer_that_was_interrupted_goes_on_when_it_is_run_again() {
    let folder = Folder::new("again");
    // The agent records every 7 steps, so that an evaluation adds to a line that has been begun.
    let config = RunConfig { eval: EvalConfig { every: 35, ..config().eval }, ..config() };
    let (run, whole) = (folder.at("run"), folder.at("whole"));
    let mut unbroken = marked(&config, &whole);
    let summary = unbroken.run().unwrap();
    let stepped = |event: &Event<'_>| matches!(event, Event::Stepped);
    let evaluating = |event: &Event<'_>| matches!(event, Event::Evaluating { .. });
    let evaluated = |event: &Event<'_>| matches!(event, Event::Evaluated(_));
    let stops: Vec<(u64, Kind)> = vec![
        (0, evaluating),
        (33, stepped),
        (35, stepped),
        (70, evaluating),
        (70, evaluated),
        (119, stepped),
        (130, evaluating),
    ];
    let times = stops.len();
    let mut trainer = marked(&config, &run).watch(Stops(stops));
    for i in 0..times {
        assert_eq!(trainer.run().unwrap().stopped, Stopped::Interrupted, "{i}");
    }
    assert_eq!(trainer.run().unwrap(), summary);
    assert!(metrics(&run) == metrics(&whole));
    // And once more, when it is over.
    assert_eq!(trainer.run().unwrap(), summary);
    assert!(metrics(&run) == metrics(&whole) && saved(trainer.agent()) == saved(unbroken.agent()));
    let steps = |folder| -> Vec<u64> {
        RunDir::open(folder).unwrap().timing().unwrap().iter().map(|line| line.env_steps).collect()
    };
    assert_eq!(steps(&run), steps(&whole));
}

#[test]
fn what_others_left_in_a_folder_is_neither_overwritten_nor_removed() {
    let folder = Folder::new("foreign");
    for (name, text) in [("manifest.json", "{\"name\": \"an app\"}"), ("timing.jsonl", "mine\n")] {
        let run = folder.at(name);
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join(name), text).unwrap();
        let before = files(&run);
        let error = RunDir::create(&run, &config(), &Manifest::new(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().ends_with("name another folder"), "{error}");
        assert!(files(&run) == before, "{name}");
    }
    // What is left of a run that was killed as it began is written anew.
    let run = folder.at("begun");
    drop(RunDir::create(&run, &config(), &Manifest::new(0)).unwrap());
    std::fs::remove_file(run.join("config.json")).unwrap();
    RunDir::create(&run, &config(), &Manifest::new(3)).unwrap();
    assert_eq!(RunDir::open(&run).unwrap().manifest().unwrap().seed, 3);
}
