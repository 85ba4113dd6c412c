//! Faults of constructed runs.

use super::*;
use mbrl_agents::{Line, Manifest, RunConfig};
use std::collections::BTreeMap;

/// A run of these numbers, given as steps, a name and a value.
fn run(algo: &str, steps: u64, recorded: &[(u64, &str, Option<f64>)]) -> Run {
    let mut lines = BTreeMap::<u64, BTreeMap<String, Option<f64>>>::new();
    for (at, name, value) in recorded {
        lines.entry(*at).or_default().insert((*name).to_owned(), *value);
    }
    let metrics = lines.into_iter().map(|(env_steps, scalars)| Line { env_steps, scalars }).collect();
    let mut config = RunConfig::new(algo, None).unwrap();
    config.steps = steps;
    Run::of("runs/here".to_owned(), config, Manifest::new(0), metrics, Vec::new())
}

fn said(run: Run) -> Vec<(Level, String)> {
    let found = findings(&Group::of(run), &[Probe::Nothing("")]);
    found.into_iter().map(|finding| (finding.level, finding.says)).collect()
}

const LEARNT: [(u64, &str, Option<f64>); 3] = [
    (0, "eval/return", Some(-1400.0)),
    (500, "eval/return", Some(-700.0)),
    (1000, "eval/return", Some(-200.0)),
];

#[test]
fn a_run_that_went_well_is_not_found_fault_with() {
    assert_eq!(said(run("mbpo", 1000, &LEARNT)), []);
}

#[test]
fn each_fault_is_told_alone() {
    let eval = |at, x| (at, "eval/return", Some(x));
    let with = |more: &[(u64, &'static str, Option<f64>)]| {
        let all: Vec<_> = LEARNT.iter().chain(more).copied().collect();
        run("mbpo", 1000, &all)
    };
    for (run, level, part) in [
        (run("mbpo", 1000, &[]), Level::Warning, "Nothing has been recorded"),
        (
            run("mbpo", 2000, &LEARNT),
            Level::Warning,
            "has not finished: its last record is of step 1000 of 2000",
        ),
        (run("mbpo", 9, &[(9, "train/return", Some(1.0))]), Level::Warning, "No evaluation"),
        (run("mbpo", 9, &[eval(0, 3.0), eval(9, 2.0)]), Level::Warning, "never rose above"),
        (run("mbpo", 9, &[eval(0, 1.0), eval(5, 9.0), eval(9, 2.0)]), Level::Warning, "got worse again"),
        (run("random", 9, &[eval(0, 3.0), eval(9, 2.0)]), Level::Note, "acts at random"),
        (with(&[(500, "sac/critic_loss", None)]), Level::Warning, "first at step 500: sac/critic_loss"),
        (with(&[(500, "rollout/lost", Some(3.0))]), Level::Warning, "3 rollouts were lost"),
        (with(&[(500, "plan/failed", Some(2.0))]), Level::Warning, "Planning failed 2 times"),
        (
            with(&[(1000, "rollout/return", Some(900.0))]),
            Level::Alarm,
            "The policy exploits the model. In 1 of 1",
        ),
    ] {
        let said = said(run);
        assert!(said.len() == 1 && said[0].0 == level && said[0].1.contains(part), "{part}: {said:?}");
    }
}

#[test]
fn what_is_right_is_not_taken_for_a_fault() {
    let infinite = [
        (500, "theory/mbpo-4.1", None),
        (500, "rollout/lost", Some(0.0)),
        (900, "rollout/return", Some(-150.0)),
    ];
    assert_eq!(said(run("mbpo", 1000, &[&LEARNT[..], &infinite].concat())), []);
    let mut done = run("mbpo", 2000, &LEARNT);
    done.config.eval.target = Some(-250.0);
    let said = said(done);
    assert!(
        said.len() == 1 && said[0].0 == Level::Note && said[0].1.contains("reached its target"),
        "{said:?}"
    );
}

#[test]
fn the_gravest_comes_first_and_seeds_are_named() {
    let mut group =
        Group::of(run("mbpo", 2000, &[(0, "eval/return", Some(-9.0)), (9, "rollout/return", Some(9.0))]));
    let mut other = run("mbpo", 2000, &LEARNT);
    other.seed = 7;
    group.runs.push(other);
    let gone = Probe::Failed(mbrl_core::Error::invalid("its checkpoints are gone"));
    let found = findings(&group, &[Probe::Nothing(""), gone]);
    assert!(found[0].level == Level::Alarm && found[0].says.starts_with("Seed 0: "), "{found:?}");
    assert!(found.is_sorted_by_key(|finding| finding.level));
    assert!(found.iter().any(|finding| finding.says.starts_with("Seed 7: The run has not finished")));
    assert!(found.iter().any(|finding| {
        finding.says.starts_with("Seed 7: The trained agent could not be looked at: its checkpoints are gone")
    }));
}
