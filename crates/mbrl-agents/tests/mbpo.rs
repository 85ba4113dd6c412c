//! What MBPO records, and what becomes of it when its parts are set otherwise.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::Records;
use mbrl_agents::{RunConfig, Setup, Trainer};

fn run(env: &str, steps: u64, set: &[&str]) -> Records {
    let entry = mbrl_envs::find(env).unwrap();
    let mut config = RunConfig::new("mbpo", Some("fast")).unwrap();
    config.make_quick().unwrap();
    config.steps = steps;
    config.set_all(set).unwrap();
    let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
    let records = Records::default();
    let agent = config.build(&setup).unwrap();
    let trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
    trainer.record_to(records.clone()).run().unwrap();
    records
}

#[test]
fn theory_is_recorded_before_each_fit_but_the_first() {
    let records = run("pendulum", 140, &[]);
    let at = |name: &str| records.of(name).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    assert_eq!(at("model/holdout_mse"), [20, 50, 80, 110, 140]);
    for name in ["eps_m_smoothed", "eps_m_w1", "eps_pi_max", "mbpo-4.1", "mbpo-4.2", "mbpo-4.3"] {
        assert_eq!(at(&format!("theory/{name}")), [50, 80, 110, 140], "{name}");
    }
    let last = |name: &str| records.of(&format!("theory/{name}")).last().unwrap().1;
    let (eps_m, eps_pi) = (last("eps_m_smoothed"), last("eps_pi_max"));
    assert!((0.0..=1.0).contains(&eps_m) && eps_m > 0.0, "{eps_m}");
    assert!((0.0..=1.0).contains(&eps_pi) && last("eps_pi_mean") <= eps_pi && eps_pi > 0.0, "{eps_pi}");
    assert!(last("eps_m_smoothed_low") <= eps_m && eps_m <= last("eps_m_smoothed_high"));
    // By hand, with what the theorems are given: the largest reward is that of the widest gap.
    let r_max = last("vacuous_above") * (1.0 - 0.99) / 2.0;
    let by_hand = 2.0 * 0.99 * r_max * (eps_m + 2.0 * eps_pi) / 1e-4 + 4.0 * r_max * eps_pi / 0.01;
    assert!((last("mbpo-4.1") / by_hand - 1.0).abs() < 1e-6);
    assert!((0.1..17.0).contains(&r_max), "{r_max}");
}

#[test]
fn theory_changes_nothing_that_is_learnt() {
    let learnt = |set: &[&str]| run("cartpole", 120, set).without("theory/");
    let with = learnt(&[]);
    assert!(with.len() > 20);
    assert_eq!(with, learnt(&["agent.theory.rows=0"]));
}

#[test]
fn rollouts_grow_with_the_schedule_and_what_is_imagined_is_forgotten_in_time() {
    // Two rollouts of 30 steps are kept; epochs of 40 steps, from 1 to 3 steps within two of them.
    let records = run("pendulum", 140, &[]);
    assert_eq!(
        records.of("rollout/length").iter().map(|(_, k)| *k as u64).collect::<Vec<_>>(),
        [1, 2, 3, 3, 3]
    );
    let rows: Vec<u64> = records.of("rollout/rows").iter().map(|(_, rows)| *rows as u64).collect();
    assert_eq!(rows, [64, 128, 192, 192, 192]);
}
