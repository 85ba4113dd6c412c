//! A policy that is loaded from a run acts as its agent does, and says what is wrong where there is none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, setup};
use mbrl_agents::{Manifest, Policy, RunConfig, RunDir, Setup, Trainer, load_agent};
use mbrl_core::{Key, SystemClock};
use std::sync::Arc;

/// A finished run of an algorithm on the pendulum.
fn run(algo: &str, folder: &Folder) -> (RunDir, Setup) {
    let entry = mbrl_envs::find("pendulum").unwrap();
    let mut config = RunConfig::new(algo, None).unwrap();
    config.make_quick().unwrap();
    config.steps = 60;
    let run = RunDir::create(folder.at(algo), &config, &Manifest::new(0)).unwrap();
    let setup = setup("pendulum");
    let agent = config.build(&setup).unwrap();
    let trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
    trainer.keep_in(run.clone(), Arc::new(SystemClock::default())).run().unwrap();
    (run, setup)
}

#[test]
fn it_acts_as_the_agent_that_was_saved() {
    let folder = Folder::new("policy");
    for algo in ["sac", "mbpo"] {
        let (run, setup) = run(algo, &folder);
        let trained = load_agent(&run, &setup).unwrap();
        let mut actor = trained.agent.actor().unwrap();
        let mut policy = Policy::load(run.path()).unwrap();
        assert_eq!(policy.spec(), &setup.spec);
        for obs in [[1.0, 0.0, 0.0], [-0.6, 0.8, -3.0]] {
            let (mut by_policy, mut by_agent) = ([0.0], [0.0]);
            policy.act(&obs, &mut by_policy).unwrap();
            actor.act(&obs, Key::root(7), &mut by_agent).unwrap();
            assert_eq!(by_policy.map(f32::to_bits), by_agent.map(f32::to_bits), "{algo}");
        }
        let error = policy.act(&[1.0, 0.0], &mut [0.0]).unwrap_err().to_string();
        assert_eq!(error, "2 numbers observed and 1 to do: this policy takes 3 and 1");
    }
}

#[test]
fn where_there_is_none_the_file_and_the_mend_are_named() {
    let folder = Folder::new("no-policy");
    let error = Policy::load(folder.at("nothing")).unwrap_err().to_string();
    assert!(error.contains("nothing holds no run: there is no config.json in it"), "{error}");
    let (planning, _) = run("pets", &folder);
    let error = Policy::load(planning.path()).unwrap_err().to_string();
    assert!(error.contains("pets holds no policy") && error.contains("act with `load_agent`"), "{error}");
    let (sac, _) = run("sac", &folder);
    let file = sac.path().join("policy.safetensors");
    std::fs::write(&file, b"damaged").unwrap();
    let error = Policy::load(sac.path()).unwrap_err();
    assert!(error.to_string().contains("policy.safetensors"), "{error}");
}
