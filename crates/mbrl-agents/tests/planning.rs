//! Agents that plan, where the settings of the tests of all algorithms are too small to reach.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{CrashAfter, Folder, metrics, saved, trainer};
use mbrl_agents::{EvalConfig, ModelConfig, PlanningAgent, PlanningConfig, RunConfig, Setup};
use mbrl_core::{Noise, NoiseSpec, Physics, Result, Rows, RowsMut};
use std::sync::Arc;

fn quick(steps: u64, set: &[&str]) -> RunConfig {
    let mut config = RunConfig::new("pets", Some("fast")).unwrap();
    config.make_quick().unwrap();
    (config.steps, config.checkpoint.every) = (steps, 90);
    config.eval = EvalConfig { every: 1000, episodes: 1, target: None };
    config.set_all(set).unwrap();
    config
}

/// 300 candidates of 20 particles are a dozen chunks, which threads share.
#[test]
fn many_chunks_give_the_same_bits_on_any_number_of_threads() {
    let many = r#"agent.planner={"icem":{"population":300,"elites":20,"iterations":2}}"#;
    for propagation in ["agent.propagation=ts1", "agent.propagation=ts_infinity"] {
        let config = quick(60, &[many, "agent.particles=20", propagation]);
        let folder = Folder::new("chunks");
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let place = folder.at(&threads.to_string());
                let mut trainer = trainer(&config, &place).unwrap();
                trainer.run().unwrap();
                (metrics(&place), saved(trainer.agent()))
            })
        };
        let one = on(1);
        assert!(one == on(2) && one == on(5), "{propagation}");
    }
}

/// Fits at the ends of episodes and several steps from one plan: killed in the middle of either, the run is the same.
#[test]
fn a_plan_half_done_and_an_episode_half_seen_survive_a_kill() {
    let config = quick(450, &["agent.fit=episode_end", "agent.initial_steps=200", "agent.replan_every=3"]);
    let folder = Folder::new("half-done");
    let (whole, killed) = (folder.at("whole"), folder.at("killed"));
    let mut never = trainer(&config, &whole).unwrap();
    never.run().unwrap();
    for kill in [199, 200, 271, 272, 400, 401] {
        trainer(&config, &killed).unwrap().watch(CrashAfter(kill)).run().unwrap_err();
    }
    let mut resumed = trainer(&config, &killed).unwrap();
    resumed.run().unwrap();
    assert_eq!(metrics(&whole), metrics(&killed));
    assert!(saved(never.agent()) == saved(resumed.agent()));
    assert!(String::from_utf8(metrics(&whole)).unwrap().contains("plan/score"));
}

/// Dynamics that lead nowhere.
struct Nowhere;

impl Physics for Nowhere {
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }
    fn successors(&self, _: Rows<'_>, _: Rows<'_>, _: Noise<'_>, mut next_obs: RowsMut<'_>) -> Result<()> {
        next_obs.as_mut_slice().fill(f32::NAN);
        Ok(())
    }
}

#[test]
fn where_no_plan_is_worth_anything_it_acts_at_random_and_says_so() {
    let entry = mbrl_envs::find("pendulum").unwrap();
    let setup = Setup { task: entry.task(), oracle: Some(Arc::new(Nowhere)), ..Setup::new(entry.spec()) };
    let mut config = quick(220, &["agent.model=oracle"]);
    config.eval.every = 100;
    let folder = Folder::new("nowhere");
    let agent = config.build(&setup).unwrap();
    let mut trainer = common::kept(&config, &folder.at("run"), entry.make(), entry.make(), agent).unwrap();
    trainer.run().unwrap();
    let metrics = String::from_utf8(metrics(&folder.at("run"))).unwrap();
    assert!(metrics.contains(r#""plan/failed":200.0"#), "{metrics}");
    assert!(metrics.contains(r#""eval/plan_failed":200.0"#), "{metrics}");
}

type Change = fn(&mut PlanningConfig);

#[test]
fn settings_that_cannot_be_meant_are_refused_with_the_mend() {
    let entry = mbrl_envs::find("pendulum").unwrap();
    let whole = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
    let untold = Setup { oracle: entry.physics(), ..Setup::new(entry.spec()) };
    let says = |change: Change, setup: &Setup| {
        let mut config = PlanningConfig::default();
        change(&mut config);
        let error = PlanningAgent::new(config, setup, mbrl_core::Key::root(0)).unwrap_err();
        assert!(error.is_invalid(), "{error}");
        error.to_string()
    };
    let cases: [(Change, &Setup, &str); 9] = [
        (|c| c.horizon = 0, &whole, "horizon is 0: give at least 1"),
        (|c| c.particles = 0, &whole, "particles is 0: give at least 1"),
        (|c| c.particles = 7, &whole, "give a multiple of the 5 networks"),
        (|c| c.replan_every = 26, &whole, "replan_every is 26: give 1 to the horizon, 25"),
        (|c| c.discount = 1.5, &whole, "discount is 1.5: expected 0 to 1"),
        (|c| c.initial_steps = 0, &whole, "initial_steps is 0"),
        (|c| c.model = ModelConfig::Oracle, &whole, "model is `oracle`, and this environment has none"),
        (|_| {}, &untold, "the task does not say its reward: set reward to `learnt`"),
        (|c| c.model = ModelConfig::Oracle, &untold, "an oracle cannot learn it: learn an ensemble"),
    ];
    for (change, setup, expected) in cases {
        let error = says(change, setup);
        assert!(error.contains(expected), "{error}");
    }
}
