//! Algorithm 1 of MBPO: that it stood still as published, and that it learns where less is subtracted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_agents::{EvalConfig, RunConfig, Setup, Trainer};
use mbrl_core::Recorder;
use std::sync::{Arc, Mutex};

type Records = Arc<Mutex<Vec<(String, f64)>>>;

struct Keep(Records);

impl Recorder for Keep {
    fn at(&mut self, _: u64) {}

    fn scalar(&mut self, name: &str, value: f64) {
        self.0.lock().unwrap().push((name.to_owned(), value));
    }

    fn enter(&mut self, _: &'static str) {}
    fn leave(&mut self) {}
}

struct Ran {
    records: Vec<(String, f64)>,
    /// The actor's parameters before the first step and after the last.
    theta: [Vec<f32>; 2],
    /// What the evaluations said.
    earned: Vec<f64>,
}

impl Ran {
    fn of(&self, name: &str) -> Vec<f64> {
        self.records.iter().filter(|(known, _)| known == name).map(|(_, value)| *value).collect()
    }
}

fn run(env: &str, mut config: RunConfig) -> Ran {
    let entry = mbrl_envs::find(env).unwrap();
    config.eval = EvalConfig { every: config.steps, episodes: 10, target: None };
    let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
    let agent = config.build(&setup).unwrap();
    let theta = |agent: &dyn mbrl_agents::Agent| agent.network().unwrap().theta().to_vec();
    let (before, records) = (theta(agent.as_ref()), Records::default());
    let trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
    let mut trainer = trainer.evaluate_in(entry.make()).unwrap().record_to(Keep(records.clone()));
    trainer.run().unwrap();
    let after = theta(trainer.agent());
    let records = records.lock().unwrap().clone();
    let earned = records.iter().filter(|(name, _)| name == "eval/return").map(|(_, x)| *x).collect();
    Ran { records, theta: [before, after], earned }
}

fn quick(preset: &str, set: &[&str]) -> RunConfig {
    let mut config = RunConfig::new("mbpo-monotonic", Some(preset)).unwrap();
    config.make_quick().unwrap();
    config.steps = 120;
    config.set_all(&["agent.mbpo.updates_per_step=4", "agent.mbpo.sac.actor.lr=1e-3"]).unwrap();
    config.set_all(set).unwrap();
    config
}

/// Four epochs of 120 updates. Without C the same updates move the policy far, and some of them are kept.
#[test]
fn with_all_of_c_the_policy_stands_still() {
    let (still, free) =
        (run("pendulum", quick("paper", &[])), run("pendulum", quick("paper", &["agent.c_scale=0"])));
    let bits = |theta: &[f32]| theta.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&still.theta[0]), bits(&still.theta[1]));
    assert_eq!(still.of("monotonic/adopted"), [0.0; 4]);
    assert!(free.of("monotonic/adopted").contains(&1.0) && bits(&free.theta[0]) != bits(&free.theta[1]));
    // The term alone keeps what was found near, before anything is taken back.
    let mean = |ran: &Ran| ran.of("monotonic/eps_pi").iter().sum::<f64>() / 4.0;
    assert!(mean(&still) < 0.2 * mean(&free), "{} {}", mean(&still), mean(&free));
    // By hand: 4 r_max / (1 − γ)², with the largest reward seen.
    let (eps, penalty) = (still.of("monotonic/eps_pi"), still.of("monotonic/penalty"));
    assert_eq!([eps.len(), penalty.len()], [4; 2]);
    for (eps, penalty) in eps.iter().zip(&penalty) {
        let r_max = penalty / (4e4 * eps);
        assert!((1.0..17.0).contains(&r_max), "{r_max}");
    }
    assert!(free.of("monotonic/penalty").iter().all(|x| *x <= 0.0));
}

#[test]
fn a_given_r_max_is_what_c_has() {
    let ran = run("pendulum", quick("paper", &["agent.r_max=50.0", "agent.c_scale=0.5"]));
    let (eps, penalty) = (ran.of("monotonic/eps_pi"), ran.of("monotonic/penalty"));
    assert_eq!([eps.len(), penalty.len()], [4; 2]);
    for (eps, penalty) in eps.iter().zip(penalty) {
        assert!((penalty / (0.5 * 4e4 * 50.0 * eps) - 1.0).abs() < 1e-4, "{eps} {penalty}");
    }
}

/// A hundred-thousandth of C. Episodes of 50 steps; the same keys, so the same bits each time.
#[test]
fn with_little_of_c_it_learns_to_stop_a_point() {
    let mut config = RunConfig::new("mbpo-monotonic", Some("fast")).unwrap();
    config.steps = 1_000;
    config
        .set_all(&[
            "agent.mbpo.model.hidden=[32,32]",
            "agent.mbpo.model.decay=[1e-5]",
            "agent.mbpo.sac.hidden=[32,32]",
            "agent.mbpo.rollouts.starts=500",
            "agent.mbpo.updates_per_step=10",
            "agent.mbpo.model_every=100",
        ])
        .unwrap();
    let ran = run("point-mass", config);
    let [before, after] = [ran.earned[0], *ran.earned.last().unwrap()];
    // MBPO with as many steps and updates ends at about −11; the policy that was drawn earns −21.
    assert!(before < -20.0 && after > -12.0, "{before}, {after}: {:?}", ran.of("monotonic/gain"));
    assert!(ran.of("monotonic/adopted").contains(&1.0));
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    for (set, says) in [
        ("agent.c_scale=-1.0", "c_scale is -1: give 1, as the paper has it"),
        ("agent.r_max=0.0", "r_max is 0: give a finite number above 0"),
        ("agent.mbpo.model_every=0", "mbpo: model_every is 0"),
    ] {
        let mut config = RunConfig::new("mbpo-monotonic", None).unwrap();
        let entry = mbrl_envs::find("pendulum").unwrap();
        let error =
            config.set(set).and_then(|()| config.build(&Setup::new(entry.spec())).map(drop)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let entry = mbrl_envs::find("pendulum").unwrap();
    let mut spec = entry.spec();
    spec.discount = 1.0;
    let setup = Setup { task: entry.task(), ..Setup::new(spec) };
    let error = RunConfig::new("mbpo-monotonic", None).unwrap().build(&setup).map(drop).unwrap_err();
    assert!(error.to_string().contains("theorem 4.1 has no C for this discount"), "{error}");
}
