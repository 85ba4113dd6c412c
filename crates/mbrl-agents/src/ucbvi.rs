//! `ucbvi`: optimism in the face of uncertainty, UCBVI-CH of Azar, Osband & Munos (2017).
//!
//! Value iteration to the horizon in the world that the data describe, where each move earns a bonus besides,
//! b = c H R L / √n with L = ln(5 S A T / δ), and no value is above what can be earned in the steps that are left; a move
//! that was never made is worth all of that. H is the time limit, R the length of the interval of rewards, T the steps so far and n how
//! often the move was made. The paper has c = 7 and proves a regret of order H √(S A T); such a bonus is far too large to learn
//! by in any number of episodes that one waits for, and the default is smaller.
//!
//! Besides, the paper fixes T beforehand, lets no value rise from one episode to the next, and caps values at H rather than at
//! what the steps that are left can earn.

use crate::tabular::{EpisodePolicy, Frame, TabularAgent, TabularLearner};
use crate::{Agent, Known, Method, Preset, Setup, Spaces, keep};
use mbrl_core::{Belief, Error, Key, Result, TabularMdp, Transition};
use mbrl_models::{TabularConfig, TabularPosterior};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// The method.
pub(crate) struct Ucbvi;

/// The settings of UCBVI.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UcbviConfig {
    /// c of the bonus: 7 in the paper.
    pub bonus: f64,
    /// δ, the probability with which the paper's guarantee may fail.
    pub delta: f64,
    /// The least and the largest reward that is expected; what is earned widens it.
    pub rewards: [f64; 2],
    /// Whether the termination is what the task says it is: it is given.
    pub termination: Known,
}

/// c of the default: of 0.003, 0.01, 0.03 and 0.1 the one that lost least in a thousand episodes of riverswim, deepsea and
/// garnet under one seed. On the cliff none is of use: rewards that lie 100 apart make every bonus large.
const BONUS: f64 = 0.003;

impl Default for UcbviConfig {
    fn default() -> Self {
        UcbviConfig { bonus: BONUS, delta: 0.05, rewards: [0.0, 1.0], termination: Known::Given }
    }
}

impl Method for Ucbvi {
    const NAME: &'static str = "ucbvi";
    const SUMMARY: &'static str =
        "plan to the horizon in the world that was seen, with a bonus for what was seen little";
    const SOURCE: &'static str = "Azar, Osband & Munos 2017";
    const SPACES: Spaces = Spaces::Discrete;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "small", summary: "a bonus that learns within hundreds of episodes" },
        Preset { name: "published", summary: "the bonus of the theorem" },
    ];
    type Config = UcbviConfig;

    fn preset(name: &str) -> Result<UcbviConfig> {
        match name {
            "small" => Ok(UcbviConfig::default()),
            "published" => Ok(UcbviConfig { bonus: 7.0, ..UcbviConfig::default() }),
            _ => Err(Error::invalid(format_args!("ucbvi has no preset `{name}`"))),
        }
    }

    fn quick(config: UcbviConfig) -> UcbviConfig {
        config
    }

    fn validate(config: &UcbviConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: UcbviConfig, setup: &Setup, _: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(TabularAgent::new(setup.spec.clone(), Learner::new(config, setup)?)))
    }
}

impl UcbviConfig {
    /// A learner of these settings that has seen nothing yet.
    pub fn learner(self, setup: &Setup) -> Result<Box<dyn TabularLearner>> {
        self.validate()?;
        Ok(Box::new(Learner::new(self, setup)?))
    }

    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        if !(self.bonus.is_finite() && self.bonus >= 0.0) {
            return Err(Error::invalid(format_args!("bonus is {}: give at least 0", self.bonus)));
        }
        if !(self.delta > 0.0 && self.delta <= 1.0) {
            return Err(Error::invalid(format_args!("delta is {}: give above 0 and up to 1", self.delta)));
        }
        let [low, high] = self.rewards;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(Error::invalid(format_args!(
                "rewards from {low} to {high}: give finite bounds, the lower one first"
            )));
        }
        Ok(())
    }
}

struct Learner {
    config: UcbviConfig,
    frame: Frame,
    horizon: usize,
    /// For its counts: the optimistic plan asks no prior.
    seen: TabularPosterior,
    met: Met,
}

/// What is remembered beside the counts.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Met {
    steps: u64,
    /// The least and the largest reward that may come.
    rewards: [f64; 2],
}

impl Learner {
    fn new(config: UcbviConfig, setup: &Setup) -> Result<Self> {
        let frame = Frame::new(setup, config.termination)?;
        let Some(horizon) = setup.spec.time_limit else {
            return Err(Error::invalid(
                "it plans to a horizon, and this environment has no time limit: give it one, or choose psrl",
            ));
        };
        let start = vec![1.0 / frame.states as f64; frame.states];
        let prior = TabularConfig::default();
        let seen = TabularPosterior::new(&frame.spec, start, frame.terminal.clone(), prior)?;
        let met = Met { steps: 0, rewards: config.rewards };
        Ok(Learner { config, frame, horizon: horizon as usize, seen, met })
    }

    /// What the bonus makes look best. Of equals any is taken, or what was never done would be done in the order of its number.
    fn optimistic(&self, key: Key) -> Result<EpisodePolicy> {
        let (frame, [low, high]) = (&self.frame, self.met.rewards);
        let (states, actions, horizon) = (frame.states, frame.actions, self.horizon);
        let world = self.seen.empirical(&self.seen.mean()?)?;
        let cells = 5.0 * (states * actions) as f64 * (self.met.steps.max(1)) as f64;
        let scale = self.config.bonus * horizon as f64 * (high - low) * (cells / self.config.delta).ln();
        let moves = (0..states).flat_map(|s| (0..actions).map(move |a| (s, a)));
        // What a move earns with its bonus; nothing, where it was never made.
        let earns: Vec<Option<f64>> = moves
            .map(|(state, action)| {
                let n = self.seen.counts(state, action).iter().sum::<u64>() as f64;
                (n > 0.0).then(|| world.mean_reward(state, action) + scale / n.sqrt())
            })
            .collect();
        let keys = key.below();
        let first = |state: usize| (f64::from(keys.at(state as u64).uniform()) * actions as f64) as usize;
        let first: Vec<usize> = (0..states).map(first).collect();
        let (mut now, mut later) = (vec![0.0; states], vec![0.0; states]);
        let mut chosen = vec![0; horizon * states];
        for t in (0..horizon).rev() {
            // An episode may end early and earn nothing more, so that no value needs to be above the larger of the two.
            let most = (high * (horizon - t) as f64).max(high);
            for state in frame.live() {
                let mut best = f64::NEG_INFINITY;
                for action in (0..actions).map(|i| (first[state] + i) % actions) {
                    let worth = worth(&world, &earns, (state, action), &later).map_or(most, |w| w.min(most));
                    if worth > best {
                        (best, chosen[t * states + state]) = (worth, action as u32);
                    }
                }
                now[state] = best;
            }
            std::mem::swap(&mut now, &mut later);
        }
        EpisodePolicy::new(actions, states, chosen, 0.0)
    }
}

fn worth(
    world: &TabularMdp,
    earns: &[Option<f64>],
    (state, action): (usize, usize),
    later: &[f64],
) -> Option<f64> {
    let moves = world.transition(state, action).iter().zip(later);
    earns[state * world.actions() + action].map(|earns| earns + moves.map(|(p, v)| p * v).sum::<f64>())
}

impl TabularLearner for Learner {
    fn plan(&mut self, key: Key) -> Result<EpisodePolicy> {
        self.optimistic(key)
    }

    fn begin(&mut self, _: usize) -> Result<()> {
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        let Learner { frame, seen, met, .. } = self;
        frame.see(transition, |transition| seen.observe(transition))?;
        let reward = f64::from(transition.reward);
        met.rewards = [met.rewards[0].min(reward), met.rewards[1].max(reward)];
        met.steps += 1;
        Ok(())
    }

    /// Without a bonus: what is best in the world that the data describe. Of a move that was never made it is the mean of the
    /// prior, which has no part in anything else.
    fn best(&self) -> Result<EpisodePolicy> {
        self.frame.solve(&self.seen.empirical(&self.seen.mean()?)?)
    }

    fn span(&self) -> usize {
        self.horizon
    }

    fn save(&self, out: &mut dyn Write) -> Result<()> {
        self.seen.save(out)?;
        keep::write(&self.met, out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        self.seen.load(from)?;
        let met: Met = keep::read(from)?;
        if met.rewards[0] >= met.rewards[1] {
            return Err(Error::corrupt(format_args!(
                "kept rewards from {} to {}",
                met.rewards[0], met.rewards[1]
            )));
        }
        self.met = met;
        Ok(())
    }
}
