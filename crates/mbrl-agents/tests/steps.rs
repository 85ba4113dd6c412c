//! What the trainer hands to the agent, step by step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_agents::{Actor, Agent, EvalConfig, RunConfig, Setup, TrainConfig, Trainer};
use mbrl_core::{End, Env, Error, Key, Recorder, Result, Spec, Step, Transition};
use mbrl_testkit::fakes::{Corridor, MemoryRecorder};
use std::sync::{Arc, Mutex};

/// A recorder that can be read while the trainer has it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<MemoryRecorder>>);

impl Recorder for Shared {
    fn at(&mut self, env_steps: u64) {
        self.0.lock().unwrap().at(env_steps);
    }

    fn scalar(&mut self, name: &str, value: f64) {
        self.0.lock().unwrap().scalar(name, value);
    }

    fn enter(&mut self, span: &'static str) {
        self.0.lock().unwrap().enter(span);
    }

    fn leave(&mut self) {
        self.0.lock().unwrap().leave();
    }
}

/// Notes how each transition left its episode.
struct Ends(Arc<Mutex<Vec<End>>>);

impl Agent for Ends {
    fn act(&mut self, _: &[f32], _: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        act[0] = 1.0;
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        assert!(transition.next_obs[0] > transition.obs[0]);
        self.0.lock().unwrap().push(transition.end);
        Ok(())
    }

    fn learn(&mut self, _: u64, _: Key, _: &mut dyn Recorder) -> Result<()> {
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Err(Error::unsupported("nobody evaluates it"))
    }

    fn save(&self, _: &mut dyn std::io::Write) -> Result<()> {
        Ok(())
    }

    fn load(&mut self, _: &mut dyn std::io::Read) -> Result<()> {
        Ok(())
    }
}

#[test]
fn ends_are_told_apart_and_an_episode_that_is_not_over_is_not_made_up() {
    // A corridor whose spec has a limit that it does not keep itself.
    struct Limited(Corridor, Spec);
    impl Env for Limited {
        fn spec(&self) -> &Spec {
            &self.1
        }
        fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
            self.0.reset(key, obs)
        }
        fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
            self.0.step(act, key, obs)
        }
    }
    use End::{Running, Terminated, Truncated};
    for (length, limit, steps, expected) in [
        (3, None, 5, vec![Running, Running, Terminated, Running, Running]),
        (9, Some(2), 5, vec![Running, Truncated, Running, Truncated, Running]),
        // In the last step of the limit it is the world that ends it.
        (2, Some(2), 3, vec![Running, Terminated, Running]),
    ] {
        let corridor = Corridor::new(length);
        let spec = Spec { time_limit: limit, ..corridor.spec().clone() };
        let ends = Arc::new(Mutex::new(Vec::new()));
        let training = TrainConfig { steps, ..TrainConfig::default() };
        let recorder = Shared::default();
        let env = Box::new(Limited(corridor, spec));
        let mut trainer =
            Trainer::new(training, env, Box::new(Ends(ends.clone()))).unwrap().record_to(recorder.clone());
        let summary = trainer.run().unwrap();
        assert_eq!(*ends.lock().unwrap(), expected);
        let over = expected.iter().filter(|end| end.is_end()).count();
        assert_eq!(summary.episodes, over as u64);
        let recorder = recorder.0.lock().unwrap();
        let lengths = recorder.values("train/length");
        assert!(lengths.len() == over && recorder.is_balanced());
        assert_eq!(recorder.values("train/return"), lengths, "each step of a corridor earns what it gains");
    }
}

#[test]
fn nonsense_from_the_world_is_an_error_that_names_the_step() {
    struct Sick(Corridor, bool);
    impl Env for Sick {
        fn spec(&self) -> &Spec {
            self.0.spec()
        }
        fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
            self.0.reset(key, obs)
        }
        fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
            let step = self.0.step(act, key, obs)?;
            match (obs[0] > 1.5, self.1) {
                (false, _) => Ok(step),
                (true, true) => Ok(Step { reward: f32::NAN, ..step }),
                (true, false) => {
                    obs[0] = f32::INFINITY;
                    Ok(step)
                }
            }
        }
    }
    for (in_reward, said) in
        [(true, "step 2: the reward is NaN"), (false, "step 2: observation[0] is inf: mend the environment")]
    {
        let env = Box::new(Sick(Corridor::new(9), in_reward));
        let agent = Box::new(Ends(Arc::default()));
        let error = Trainer::new(TrainConfig::default(), env, agent).unwrap().run().unwrap_err();
        assert!(error.is_non_finite());
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn every_evaluation_starts_from_the_same_states() {
    let make = || mbrl_envs::make("pendulum").unwrap();
    let config = RunConfig { steps: 100, ..RunConfig::default() };
    let eval = EvalConfig { every: 30, episodes: 3, target: None };
    let agent = config.build(&Setup::new(make().spec().clone())).unwrap();
    let trainer = Trainer::new(TrainConfig { eval, ..config.training() }, make(), agent).unwrap();
    let recorder = Shared::default();
    trainer.evaluate_in(make()).unwrap().record_to(recorder.clone()).run().unwrap();
    // Whoever learns nothing does the same under the same keys.
    let returns = recorder.0.lock().unwrap().values("eval/return");
    assert!(returns.len() == 5 && returns.iter().all(|x| x.to_bits() == returns[0].to_bits()), "{returns:?}");
    assert!(recorder.0.lock().unwrap().values("eval/return_std")[0] > 0.0);
}
