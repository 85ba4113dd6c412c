//! Each algorithm that learns does learn, with settings small enough for a test: the same keys, so the same bits each time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::random;
use mbrl_agents::{EvalConfig, RunConfig, Setup, Trainer};
use std::sync::Arc;

/// The mean return of the last evaluation.
fn learn(algo: &str, preset: &str, env: &str, steps: u64, set: &[&str]) -> f64 {
    let entry = mbrl_envs::find(env).unwrap();
    let mut config = RunConfig::new(algo, Some(preset)).unwrap();
    config.steps = steps;
    config.eval = EvalConfig { every: steps, episodes: 3, target: None };
    config.set_all(set).unwrap();
    let data = Some(Arc::new(random(env, 8_000)) as Arc<_>);
    let setup = Setup { task: entry.task(), oracle: entry.physics(), data, ..Setup::new(entry.spec()) };
    let agent = config.build(&setup).unwrap();
    let trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
    let summary = trainer.evaluate_in(entry.make()).unwrap().run().unwrap();
    summary.last.unwrap().mean_return()
}

const SMALL: [&str; 7] = [
    "agent.horizon=15",
    "agent.model.ensemble.hidden=[48,48]",
    "agent.model.ensemble.decay=[1e-5]",
    "agent.model.ensemble.stop.max_epochs=30",
    "agent.model.ensemble.batch=64",
    "agent.model.ensemble.members=3",
    "agent.model.ensemble.elites=3",
];

/// A random policy earns 22 (`list envs`); 200 is all there is.
#[test]
fn pets_balances_the_pole() {
    let small = [&SMALL[..], &["agent.particles=6", "agent.planner.icem.population=24"]].concat();
    for how in ["ts_infinity", "ts1", "expectation"] {
        let propagation = format!("agent.propagation={how}");
        let earned = learn("pets", "fast", "cartpole", 700, &[&small[..], &[&propagation]].concat());
        assert!(earned > 150.0, "{how}: {earned}");
    }
}

/// What the task does not say is found out: that a step earns 1, and when the pole has fallen.
#[test]
fn pets_learns_what_is_not_given() {
    let small = [&SMALL[..], &["agent.particles=6", "agent.planner.icem.population=24"]].concat();
    let nothing = ["agent.reward=learnt", "agent.termination=learnt"];
    let earned = learn("pets", "fast", "cartpole", 900, &[&small[..], &nothing].concat());
    assert!(earned > 100.0, "{earned}");
}

#[test]
fn random_shooting_balances_the_pole() {
    let small = ["agent.horizon=15", "agent.planner.random_shooting.population=200"];
    let small =
        [&small[..], &["agent.model.ensemble.hidden=[48,48]", "agent.model.ensemble.batch=64"]].concat();
    let earned = learn("random-shooting", "naive", "cartpole", 900, &small);
    assert!(earned > 120.0, "{earned}");
}

/// A random policy earns -1200; the optimum is about -145.
#[test]
fn sac_swings_the_pendulum_up() {
    let small = ["agent.sac.hidden=[64,64]", "agent.sac.actor.lr=1e-3", "agent.sac.critic.lr=1e-3"];
    let small = [&small[..], &["agent.updates_per_step=2", "agent.sac.batch=128"]].concat();
    let earned = learn("sac", "sb3", "pendulum", 3_000, &small);
    assert!(earned > -250.0, "{earned}");
}

/// A random policy earns -1200; the optimum is about -145.
#[test]
fn mbpo_swings_the_pendulum_up() {
    let earned = learn("mbpo", "fast", "pendulum", 2_400, &[]);
    assert!(earned > -250.0, "{earned}");
}

/// From 8,000 moves at random, of which whole episodes earn -1200; a clone of who moved so earns no more.
#[test]
fn mopo_swings_the_pendulum_up_from_random_data() {
    let earned = learn("mopo", "fast", "pendulum", 5_000, &[]);
    assert!(earned > -250.0, "{earned}");
    let cloned = learn("bc", "fast", "pendulum", 2_000, &[]);
    assert!(cloned < -800.0, "{cloned}");
}

#[test]
fn morel_swings_the_pendulum_up_from_random_data() {
    let earned = learn("morel", "fast", "pendulum", 6_000, &["agent.pessimism.halt.multiple=2"]);
    assert!(earned > -300.0, "{earned}");
}

/// A drawn policy balances the pole, whoever draws; a random one earns 28.
#[test]
fn posterior_sampling_balances_the_pole() {
    let small = ["agent.model.members=2", "agent.model.elites=2", "agent.policies=2"];
    for algo in ["ps-mbpo", "ops-mbpo"] {
        let earned = learn(algo, "study", "cartpole", 1_500, &small);
        assert!(earned > 120.0, "{algo}: {earned}");
    }
}
