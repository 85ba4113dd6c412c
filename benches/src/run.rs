//! An agent in its world, step by step: what the trainer calls, and nothing else.

use mbrl_agents::{Agent, RunConfig, Setup};
use mbrl_core::{Env, Key, Origin, Recorder, Transition};

/// The agent, and its world.
pub(crate) struct Run {
    agent: Box<dyn Agent>,
    env: Box<dyn Env>,
    obs: Vec<f32>,
    next_obs: Vec<f32>,
    act: Vec<f32>,
    is_running: bool,
    keys: Key,
    turn: u64,
    steps: u64,
}

impl Run {
    /// An agent of this preset, with these settings changed, on the cartpole.
    pub(crate) fn new(algo: &str, preset: &str, settings: &[&str]) -> Self {
        let entry = mbrl_envs::find("cartpole").expect("an environment");
        let mut config = RunConfig::new(algo, Some(preset)).expect("a preset");
        config.set_all(settings).expect("settings");
        let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
        let agent = config.build(&setup).expect("an agent");
        let (obs, act) = (vec![0.0; setup.spec.obs.dim()], vec![0.0; setup.spec.act.dim()]);
        let (next_obs, is_running, keys) = (obs.clone(), false, Key::root(0));
        Run { agent, env: entry.make(), obs, next_obs, act, is_running, keys, turn: 0, steps: 0 }
    }

    /// A step in the world, and what is learnt from it.
    pub(crate) fn step(&mut self, recorder: &mut dyn Recorder) {
        let keys = self.keys.child("step").at(self.steps);
        self.steps += 1;
        if !self.is_running {
            self.env.reset(keys.child("reset"), &mut self.obs).expect("an episode");
        }
        self.agent.act(&self.obs, keys.child("policy"), &mut self.act, recorder).expect("an action");
        let step = self.env.step(&self.act, keys.child("world"), &mut self.next_obs).expect("a step");
        let seen = Transition {
            obs: &self.obs,
            act: &self.act,
            next_obs: &self.next_obs,
            reward: step.reward,
            end: step.end,
            origin: Origin::World,
        };
        self.agent.observe(seen).expect("a transition");
        self.is_running = !step.end.is_end();
        std::mem::swap(&mut self.obs, &mut self.next_obs);
        self.learn(recorder);
    }

    /// What is learnt at the present step.
    pub(crate) fn learn(&mut self, recorder: &mut dyn Recorder) {
        self.turn += 1;
        let key = self.keys.child("learn").at(self.turn);
        self.agent.learn(self.steps, key, recorder).expect("something learnt");
    }
}
