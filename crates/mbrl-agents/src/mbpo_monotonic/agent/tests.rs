//! What C has, and what is not adopted.

use super::*;
use crate::mbpo_monotonic::MbpoMonotonic;
use crate::{Known, Method};
use mbrl_core::{End, NullRecorder, Origin, Space, Spec};
use mbrl_nn::AdamConfig;

/// An agent of one number, that fits its model at every tenth step from the twentieth on.
fn agent(set: impl FnOnce(&mut MonotonicConfig), discount: f32) -> MonotonicAgent {
    let mut config = MbpoMonotonic::quick(MbpoMonotonic::preset("paper").unwrap());
    (config.mbpo.termination, config.mbpo.model_every) = (Known::Learnt, 10);
    set(&mut config);
    let mut spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
    spec.discount = discount;
    MonotonicAgent::new(config, &Setup::new(spec), Key::root(0)).unwrap()
}

/// Whether a policy was adopted, in each epoch.
#[derive(Default)]
struct Adopted(Vec<f64>);

impl Recorder for Adopted {
    fn at(&mut self, _: u64) {}

    fn scalar(&mut self, name: &str, value: f64) {
        if name == "monotonic/adopted" {
            self.0.push(value);
        }
    }

    fn enter(&mut self, _: &'static str) {}
    fn leave(&mut self) {}
}

/// So many steps of an episode that ends at every fifth, each with this reward.
fn live(agent: &mut MonotonicAgent, steps: u64, reward: f32, recorder: &mut dyn Recorder) -> Result<()> {
    for step in 1..=steps {
        let (obs, act) = ([0.1 * step as f32], [if step % 2 == 0 { 0.5 } else { -0.5 }]);
        let end = if step % 5 == 0 { End::Terminated } else { End::Running };
        let next_obs = [obs[0] + 0.1];
        agent.observe(Transition {
            obs: &obs,
            act: &act,
            next_obs: &next_obs,
            reward,
            end,
            origin: Origin::World,
        })?;
        agent.learn(step, Key::root(1).at(step), recorder)?;
    }
    Ok(())
}

/// 4 r_max / (1 − γ) for each unit of ε_π, of which C has one more 1 / (1 − γ).
#[test]
fn what_a_shift_costs_is_that_of_the_theorem() {
    let mut agent = agent(|config| (config.c_scale, config.r_max) = (0.5, Some(3.0)), 0.75);
    for r_max in [3.0, 7.0] {
        assert!((agent.weight().unwrap() / (0.5 * 4.0 * r_max / 0.25) - 1.0).abs() < 1e-12);
        assert!((agent.penalty(0.1).unwrap() / (0.05 * 4.0 * r_max / 0.0625) - 1.0).abs() < 1e-12);
        // A reward that was seen is larger than what was said to be the largest.
        live(&mut agent, 1, -7.0, &mut NullRecorder).unwrap();
    }
}

/// The model imagines rewards that are a little off 0, and C is 0.
#[test]
fn nothing_is_adopted_while_all_rewards_are_0() {
    let mut agent = agent(|config| config.mbpo.updates_per_step = 4, 0.99);
    let (before, mut adopted) = (agent.network().unwrap().theta().to_vec(), Adopted::default());
    live(&mut agent, 100, 0.0, &mut adopted).unwrap();
    assert_eq!(adopted.0, [0.0; 9]);
    assert_eq!(agent.network().unwrap().theta(), before);
}

#[test]
fn a_policy_that_has_left_the_numbers_is_refused() {
    let wild = AdamConfig { lr: 1e30, ..AdamConfig::default() };
    let set = |config: &mut MonotonicConfig| {
        config.mbpo.sac.actor = wild;
        (config.mbpo.model_every, config.mbpo.updates_per_step) = (1, 1);
    };
    let error = live(&mut agent(set, 0.99), 25, 1.0, &mut NullRecorder).unwrap_err().to_string();
    assert!(error.contains("the policy: lower the actor's learning rate"), "{error}");
}
