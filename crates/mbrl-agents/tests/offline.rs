//! What holds of those that learn from data alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{random, saved, setup};
use mbrl_agents::{Agent, RunConfig, Setup, Stopped, Summary, Trainer};
use mbrl_core::{
    End, Env, Error, Key, NullRecorder, Origin, Recorder, Result, Spec, Step, Transition, TransitionBatch,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const OFFLINE: [&str; 3] = ["bc", "mopo", "morel"];

type Records = Arc<Mutex<BTreeMap<String, Vec<f64>>>>;

#[derive(Clone, Default)]
struct Keep(Records);

impl Recorder for Keep {
    fn at(&mut self, _: u64) {}

    fn scalar(&mut self, name: &str, value: f64) {
        self.0.lock().unwrap().entry(name.to_owned()).or_default().push(value);
    }

    fn enter(&mut self, _: &'static str) {}
    fn leave(&mut self) {}
}

fn quick(algo: &str, steps: u64, set: &[&str]) -> RunConfig {
    let mut config = RunConfig::new(algo, None).unwrap();
    config.make_quick().unwrap();
    config.steps = steps;
    config.eval.every = steps;
    config.set_all(set).unwrap();
    config
}

/// Trains in a world that nobody may act in; what was recorded, how it went, and the agent as it would be saved.
fn learn(config: &RunConfig) -> (BTreeMap<String, Vec<f64>>, Summary, Vec<u8>) {
    let keep = Keep::default();
    let agent = config.build(&setup(&config.env)).unwrap();
    let world = Box::new(Forbidden(setup(&config.env).spec));
    let mut trainer = Trainer::new(config.training(), world, agent).unwrap().record_to(keep.clone());
    let summary = trainer.run().unwrap();
    let bytes = saved(trainer.agent());
    let records = std::mem::take(&mut *keep.0.lock().unwrap());
    (records, summary, bytes)
}

struct Forbidden(Spec);

impl Env for Forbidden {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn reset(&mut self, _: Key, _: &mut [f32]) -> Result<()> {
        Err(Error::unsupported("nobody may act here"))
    }

    fn step(&mut self, _: &[f32], _: Key, _: &mut [f32]) -> Result<Step> {
        Err(Error::unsupported("nobody may act here"))
    }
}

#[test]
fn nothing_is_done_in_the_world() {
    for algo in OFFLINE {
        let (_, summary, _) = learn(&quick(algo, 60, &[]));
        assert_eq!((summary.env_steps, summary.episodes, summary.stopped), (60, 0, Stopped::Done), "{algo}");
    }
}

#[test]
fn a_penalty_of_no_weight_is_none_to_the_bit() {
    let spec = r#"agent.pessimism={"penalty":{"lambda":0,"uncertainty":{"measure":"max_std_norm","columns":"all","members":"all"}}}"#;
    let (weightless, _, a) = learn(&quick("mopo", 80, &[spec]));
    let (bare, _, b) = learn(&quick("mopo", 80, &["agent.pessimism=none"]));
    assert!(a == b && weightless == bare);
    let bits = |name: &str| bare[name].iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits("rollout/return"), bits("rollout/pessimistic"));
}

#[test]
fn doubt_costs() {
    // Halting costs also where every step earns something.
    let mut config = quick("morel", 30, &["agent.pessimism.halt.multiple=0"]);
    config.env = "cartpole".to_owned();
    let (records, _, _) = learn(&config);
    assert!(records["rollout/pessimistic"].iter().all(|earned| *earned < 0.0), "{records:?}");
    for (algo, set) in
        [("mopo", "agent.pessimism.penalty.lambda=2"), ("morel", "agent.pessimism.halt.multiple=0.5")]
    {
        let (records, _, _) = learn(&quick(algo, 80, &[set]));
        let pairs: Vec<_> = records["rollout/return"].iter().zip(&records["rollout/pessimistic"]).collect();
        assert!(pairs.len() == 4 && pairs.iter().all(|(bare, less)| less < bare), "{algo}: {pairs:?}");
    }
}

/// Nothing is less unsure than not at all, so that every rollout ends with its first move.
#[test]
fn a_threshold_of_nothing_halts_at_once() {
    let (records, _, _) = learn(&quick("morel", 30, &["agent.pessimism.halt.multiple=0"]));
    assert!(records["rollout/rows"].iter().all(|rows| *rows as u64 == 64), "{records:?}");
    let (records, _, _) = learn(&quick("morel", 30, &["agent.pessimism.halt.multiple=1e9"]));
    assert!(records["rollout/rows"].iter().all(|rows| *rows as u64 == 3 * 64), "{records:?}");
}

#[test]
fn patience_ends_a_run_with_the_policy_of_the_best_estimate() {
    let config = |steps| quick("mopo", steps, &["agent.patience=2"]);
    let (records, summary, bytes) = learn(&config(5_000));
    let estimates = &records["rollout/pessimistic"];
    assert_eq!(summary.stopped, Stopped::Finished);
    // The first is of a policy that has learnt nothing.
    let best = (1..estimates.len()).max_by(|a, b| estimates[*a].total_cmp(&estimates[*b])).unwrap();
    assert_eq!(best, estimates.len() - 3, "{estimates:?}");
    let agent = |steps| {
        let config = config(steps);
        let agent = config.build(&setup("pendulum")).unwrap();
        let world = Box::new(Forbidden(setup("pendulum").spec));
        let mut trainer = Trainer::new(config.training(), world, agent).unwrap();
        trainer.run().unwrap();
        theta(trainer.agent())
    };
    let kept = {
        let mut copy = config(5_000).build(&setup("pendulum")).unwrap();
        copy.load(&mut bytes.as_slice()).unwrap();
        theta(copy.as_ref())
    };
    // An estimate is made before the update of its step.
    assert!(kept == agent(25 * best as u64) && kept != agent(25 * (best as u64 + 1)));
}

fn theta(agent: &dyn Agent) -> Vec<u32> {
    agent.network().unwrap().theta().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_actor_comes_to_rest_as_its_rate_falls() {
    let agent = |steps: u64| {
        let config = quick("mopo", steps, &["agent.anneal=60"]);
        let agent = config.build(&setup("pendulum")).unwrap();
        let world = Box::new(Forbidden(setup("pendulum").spec));
        let mut trainer = Trainer::new(config.training(), world, agent).unwrap();
        trainer.run().unwrap();
        theta(trainer.agent())
    };
    assert!(agent(60) != agent(50) && agent(61) == agent(60) && agent(80) == agent(61));
}

#[test]
fn other_data_than_those_that_were_learnt_from_are_refused() {
    for algo in OFFLINE {
        let config = quick(algo, 30, &[]);
        let (_, _, bytes) = learn(&config);
        let with = |data: Option<TransitionBatch>| {
            let data = data.map(|data| Arc::new(data) as Arc<_>);
            let mut agent = config.build(&Setup { data, ..setup("pendulum") }).unwrap();
            agent.load(&mut bytes.as_slice()).map(|()| agent)
        };
        let mut other = random("pendulum", 300);
        assert!(with(Some(other.clone())).is_ok());
        other.reward[123] += 0.5;
        let error = with(Some(other)).err().unwrap().to_string();
        assert!(error.contains("the dataset is another"), "{algo}: {error}");
        // To act, no data are needed; to learn, they are.
        let mut agent = with(None).unwrap();
        // A clone has learnt no deviations that it could draw by.
        assert_eq!(agent.explorer().is_some(), algo != "bc");
        let mut act = [0.0];
        agent.actor().unwrap().act(&[1.0, 0.0, 0.0], Key::root(0), &mut act).unwrap();
        let error = agent.learn(31, Key::root(0), &mut NullRecorder).unwrap_err().to_string();
        assert!(error.starts_with(algo) && error.contains("--data FILE"), "{error}");
        assert!(saved(agent.as_ref()) == bytes);
    }
}

#[test]
fn data_of_another_world_are_refused() {
    for algo in OFFLINE {
        let data = Some(Arc::new(random("cartpole", 50)) as Arc<_>);
        let error =
            quick(algo, 30, &[]).build(&Setup { data, ..setup("pendulum") }).err().unwrap().to_string();
        assert!(
            error.contains("observations of 4 numbers and actions of 1, and the environment 3 and 1"),
            "{error}"
        );
    }
}

/// What is done is a function of what is seen, and is learnt; the mean of what is done at random is its middle.
#[test]
fn behaviour_is_cloned() {
    let of = |act: fn(f32, f32) -> f32| {
        let mut data = random("pendulum", 2_000);
        let mut chosen = TransitionBatch::new(data.dims());
        for row in data.iter() {
            let act = [act(row.obs[1], row.act[0])];
            let end = if row.end.is_end() { End::Truncated } else { End::Running };
            chosen.push(Transition { act: &act, end, origin: Origin::World, ..row });
        }
        data = chosen;
        let mut config = RunConfig::new("bc", None).unwrap();
        (config.steps, config.agent["record_every"]) = (2_000, 500.into());
        let agent = config.build(&Setup { data: Some(Arc::new(data)), ..setup("pendulum") }).unwrap();
        let (keep, world) = (Keep::default(), Box::new(Forbidden(setup("pendulum").spec)));
        let mut trainer = Trainer::new(config.training(), world, agent).unwrap().record_to(keep.clone());
        trainer.run().unwrap();
        let errors = keep.0.lock().unwrap()["bc/error"].clone();
        *errors.last().unwrap()
    };
    // Actions are from −2 to 2 and errors from −1 to 1.
    assert!(of(|sin, _| 1.5 * sin) < 1e-3);
    // A uniform number from −1 to 1 has a variance of a third. The mean of 64,000 draws is off by 0.04 once in 1e200.
    let error = of(|_, act| act);
    assert!((error - 1.0 / 3.0).abs() < 0.04, "{error}");
}

#[test]
fn published_settings_are_those_of_the_dataset() {
    let mut config = RunConfig::new("mopo", Some("offlinerl-kit")).unwrap();
    config.suit("walker2d-medium-expert-v2").unwrap();
    let agent = &config.agent;
    assert_eq!(
        (&agent["pessimism"]["penalty"]["lambda"], &agent["rollouts"]["length"]),
        (&2.5.into(), &1.into())
    );
    let mut other = RunConfig::new("mopo", Some("offlinerl-kit")).unwrap();
    let before = other.clone();
    other.suit("pendulum-medium").unwrap();
    assert_eq!(other, before);
}
