//! `q-learning`: Watkins' Q-learning with ε-greedy exploration, the usual baseline of those that explore on purpose.
//!
//! One table serves all steps, with the discount of the spec. What is played is settled when an episode begins, and what is
//! learnt in it is used from the next on: in this way an episode has a policy, and a regret.

use crate::tabular::{EpisodePolicy, Frame, TabularAgent, TabularLearner};
use crate::{Agent, Known, Method, Preset, Setup, Spaces, keep};
use mbrl_core::{Error, Key, Result, Transition};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// The method.
pub(crate) struct QLearning;

/// The settings of Q-learning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QLearningConfig {
    /// How often an action is random.
    pub epsilon: Epsilon,
    /// How far a value moves towards what was seen.
    pub step: StepSize,
    /// What each move is worth before anything is seen; above all that can be earned, it explores by itself.
    pub initial: f64,
}

/// The probability of a random action: it falls in equal steps, and then stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Epsilon {
    /// In the first episode.
    pub first: f64,
    /// In the end.
    pub last: f64,
    /// After how many episodes it has come there.
    pub episodes: u64,
}

/// first / nᵖᵒʷᵉʳ at the n-th visit of a move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepSize {
    /// At the first visit.
    pub first: f64,
    /// 0 keeps it as it is; above 1/2 and up to 1 it converges (Even-Dar & Mansour 2003, who recommend 0.85).
    pub power: f64,
}

impl Default for QLearningConfig {
    fn default() -> Self {
        QLearningConfig { epsilon: Epsilon::default(), step: StepSize::default(), initial: 0.0 }
    }
}

impl Default for Epsilon {
    fn default() -> Self {
        Epsilon { first: 1.0, last: 0.05, episodes: 100 }
    }
}

impl Default for StepSize {
    fn default() -> Self {
        StepSize { first: 1.0, power: 0.85 }
    }
}

impl Method for QLearning {
    const NAME: &'static str = "q-learning";
    const SUMMARY: &'static str = "learn values of moves without a model, acting at random now and then";
    const SOURCE: &'static str = "Watkins & Dayan 1992";
    const SPACES: Spaces = Spaces::Discrete;
    const PRESETS: &'static [Preset] =
        &[Preset { name: "plain", summary: "ε from 1 to 0.05 in 100 episodes, steps of n^-0.85" }];
    type Config = QLearningConfig;

    fn preset(_: &str) -> Result<QLearningConfig> {
        Ok(QLearningConfig::default())
    }

    fn quick(config: QLearningConfig) -> QLearningConfig {
        config
    }

    fn validate(config: &QLearningConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: QLearningConfig, setup: &Setup, _: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(TabularAgent::new(setup.spec.clone(), Learner::new(config, setup)?)))
    }
}

impl QLearningConfig {
    /// A learner of these settings that has seen nothing yet.
    pub fn learner(self, setup: &Setup) -> Result<Box<dyn TabularLearner>> {
        self.validate()?;
        Ok(Box::new(Learner::new(self, setup)?))
    }

    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        let QLearningConfig { epsilon, step, initial } = self;
        for (name, value) in [("epsilon.first", epsilon.first), ("epsilon.last", epsilon.last)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::invalid(format_args!("{name} is {value}: give 0 to 1")));
            }
        }
        if !(step.first > 0.0 && step.first <= 1.0) {
            return Err(Error::invalid(format_args!(
                "step.first is {}: give above 0 and up to 1",
                step.first
            )));
        }
        if !(0.0..=1.0).contains(&step.power) {
            return Err(Error::invalid(format_args!("step.power is {}: give 0 to 1", step.power)));
        }
        if !initial.is_finite() {
            return Err(Error::invalid(format_args!("initial is {initial}: give a finite number")));
        }
        Ok(())
    }
}

impl Epsilon {
    /// In the episode of this number, counted from 0.
    fn at(&self, episode: u64) -> f64 {
        if episode >= self.episodes {
            return self.last;
        }
        self.first + (self.last - self.first) * (episode as f64 / self.episodes as f64)
    }
}

struct Learner {
    config: QLearningConfig,
    frame: Frame,
    learnt: Learnt,
}

/// What it has learnt.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Learnt {
    episodes: u64,
    /// Q, `[states, actions]`.
    values: Vec<f64>,
    visits: Vec<u64>,
}

impl Learner {
    fn new(config: QLearningConfig, setup: &Setup) -> Result<Self> {
        // An end has no value here, so that nobody needs to know the ends before.
        let frame = Frame::new(setup, Known::Learnt)?;
        let moves = frame.states * frame.actions;
        let learnt = Learnt { episodes: 0, values: vec![config.initial; moves], visits: vec![0; moves] };
        Ok(Learner { config, frame, learnt })
    }

    fn greedy(&self, random: f64, mut tie: impl FnMut(usize, usize) -> usize) -> Result<EpisodePolicy> {
        let rows = self.learnt.values.chunks_exact(self.frame.actions);
        let chosen = rows.enumerate().map(|(state, row)| {
            let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let ties =
                || row.iter().enumerate().filter(|(_, value)| **value >= best).map(|(action, _)| action);
            ties().nth(tie(state, ties().count())).unwrap_or(0) as u32
        });
        EpisodePolicy::new(self.frame.actions, self.frame.states, chosen.collect(), random)
    }
}

impl TabularLearner for Learner {
    /// Of equally good actions any, or the first would be tried again and again before anything is earned.
    fn plan(&mut self, key: Key) -> Result<EpisodePolicy> {
        let keys = key.below();
        let tie = |state: usize, ties: usize| {
            let u = if ties > 1 { f64::from(keys.at(state as u64).uniform()) } else { 0.0 };
            ((u * ties as f64) as usize).min(ties.saturating_sub(1))
        };
        let policy = self.greedy(self.config.epsilon.at(self.learnt.episodes), tie)?;
        self.learnt.episodes += 1;
        Ok(policy)
    }

    fn begin(&mut self, _: usize) -> Result<()> {
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        let Learner { config: QLearningConfig { step, .. }, frame, learnt } = self;
        let (state, next) = (frame.state(transition.obs)?, frame.state(transition.next_obs)?);
        frame.spec.check_action(transition.act)?;
        if !transition.reward.is_finite() {
            return Err(Error::non_finite(format_args!("the reward is {}", transition.reward)));
        }
        let at = state * frame.actions + transition.act[0] as usize;
        let row = &learnt.values[next * frame.actions..(next + 1) * frame.actions];
        let later = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let discount = f64::from(transition.end.discount(frame.spec.discount));
        learnt.visits[at] += 1;
        let size = step.first / (learnt.visits[at] as f64).powf(step.power);
        let seen = f64::from(transition.reward) + discount * later;
        learnt.values[at] += size * (seen - learnt.values[at]);
        Ok(())
    }

    fn best(&self) -> Result<EpisodePolicy> {
        self.greedy(0.0, |_, _| 0)
    }

    fn span(&self) -> usize {
        self.frame.span()
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        keep::write(&self.learnt, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let learnt: Learnt = keep::read(from)?;
        let moves = self.frame.states * self.frame.actions;
        if [learnt.values.len(), learnt.visits.len()] != [moves; 2] {
            return Err(Error::corrupt(format_args!(
                "kept values of {} moves: this agent has {moves}",
                learnt.values.len()
            )));
        }
        self.learnt = learnt;
        Ok(())
    }
}
