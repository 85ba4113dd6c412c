//! How posterior sampling with learnt models learns.

use super::Sampling;
use crate::planning::FitAt;
use crate::{Known, RolloutConfig, SacConfig, Schedule, quick};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Context, Error, Result, Spec};
use mbrl_models::EnsembleConfig;
use mbrl_nn::Mlp;
use serde::{Deserialize, Serialize};

/// The settings of PS-MBPO and OPS-MBPO.
///
/// A file has to say all of them: neither *N*, *M*, λ nor τ were published, so that none is a matter of course.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsMbpoConfig {
    /// What is believed of the world: *N* models, its `members`. All of them are imagined in, whatever its `elites` are.
    pub model: EnsembleConfig,
    /// *M*: the policies of each model.
    pub policies: usize,
    /// Whether the reward is what the task says it is.
    pub reward: Known,
    /// Whether the termination is what the task says it is.
    pub termination: Known,
    /// How each policy learns.
    pub sac: SacConfig,
    /// So many steps are done at random before anything is learnt.
    pub initial_steps: u64,
    /// When the models are fitted: before each episode. Where episodes may go on for ever, as the task sets no time limit, a
    /// thousand steps are taken for one.
    pub fit: FitAt,
    /// What each policy imagines in its model.
    pub rollouts: RolloutConfig,
    /// After how many steps it is imagined again, counted from the first fit.
    pub rollout_every: u64,
    /// λ: the share of real transitions in a batch, rounded down to whole rows.
    pub real_share: f64,
    /// Updates of every policy in every step, *G*.
    pub updates_per_step: u64,
    /// How many real transitions are kept.
    pub capacity: usize,
    /// How likely each policy is to be drawn.
    pub sampling: Sampling,
    /// When one is drawn.
    pub draw: Draw,
}

/// When the policy that acts is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draw {
    /// Before each episode, for all of it.
    #[default]
    Episode,
    /// In every step anew: what is drawn is then no policy, and explores no further than noise does.
    Step,
    /// Never: the first one plays. The others learn from what it sees.
    Never,
}

impl PsMbpoConfig {
    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        self.model.validate().context("model")?;
        self.sac.validate().context("sac")?;
        self.rollouts.validate().context("rollouts")?;
        self.sampling.validate().context("sampling")?;
        for (name, number) in [
            ("policies", self.policies as u64),
            ("initial_steps", self.initial_steps),
            ("rollout_every", self.rollout_every),
            ("capacity", self.capacity as u64),
        ] {
            if number == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: give at least 1")));
            }
        }
        if self.fit == FitAt::Steps(0) {
            return Err(Error::invalid("fit is every 0 steps: give at least 1"));
        }
        if !(0.0..=1.0).contains(&self.real_share) {
            return Err(Error::invalid(format_args!("real_share is {}: expected 0 to 1", self.real_share)));
        }
        if self.draw != Draw::Episode && self.sampling != Sampling::Uniform {
            return Err(Error::invalid(
                "an optimistic distribution is of whole episodes: set draw to `episode`, or sampling to `uniform`",
            ));
        }
        self.agents().map(|_| ())
    }

    /// N·M.
    pub(crate) fn agents(&self) -> Result<usize> {
        let (models, policies) = (self.model.members, self.policies);
        // An origin numbers policies with 16 bits.
        models.checked_mul(policies).filter(|agents| *agents < usize::from(u16::MAX)).ok_or_else(|| {
            Error::invalid(format_args!(
                "{models} models with {policies} policies each: give fewer than 65,535 in all"
            ))
        })
    }

    /// How many transitions each policy keeps of what it imagined, where rollouts are so long.
    pub(crate) fn kept(&self, length: usize) -> Result<usize> {
        self.rollouts.capacity(length, self.rollout_every)
    }

    /// About the most bytes that transitions, networks, and what it takes to train these come to in such a world.
    pub fn bytes(&self, spec: &Spec) -> Result<u64> {
        let (dims, agents, rollouts) = (spec.dims(), self.agents()? as u64, &self.rollouts);
        let row = ReplayBuffer::unordered(dims, 1)?.bytes_per_row() as u64;
        let longest = rollouts.length.first.max(rollouts.length.last);
        // What is being imagined lies beside what is kept of it.
        let running = (rollouts.starts as u64).saturating_mul(longest as u64);
        let imagined = agents.saturating_mul((self.kept(longest)? as u64).saturating_add(running));
        let transitions = imagined.saturating_add(self.capacity as u64).saturating_mul(row);
        let (sac, model, both) = (&self.sac, &self.model, dims.obs + dims.act);
        let actor = Mlp::new(dims.obs, &sac.hidden, 2 * dims.act, sac.activation)?;
        let critic = Mlp::new(both, &sac.hidden, 1, sac.activation)?;
        // A mean and a variance of every number of an observation, and of the reward.
        let dynamics = Mlp::new(both, &model.hidden, 2 * dims.obs + 2, model.activation)?;
        // Two moments and a gradient beside each parameter, and a target beside each of a critic's.
        let of_actor = 4 * actor.params() + tape(&sac.hidden, sac.batch);
        let of_critic = 5 * critic.params() + tape(&sac.hidden, sac.batch);
        let of_model = 4 * dynamics.params() + tape(&model.hidden, model.batch);
        let of_agent = (of_actor + sac.critics * of_critic) as u64;
        let numbers = agents.saturating_mul(of_agent).saturating_add((model.members * of_model) as u64);
        Ok(transitions.saturating_add(numbers.saturating_mul(4)))
    }

    /// The same cut down, so that all of it has happened within a hundred steps.
    pub(crate) fn quick(mut self) -> Self {
        self.model = EnsembleConfig { members: self.model.members.min(2), ..quick::ensemble(self.model) };
        self.model.elites = self.model.elites.min(self.model.members);
        self.policies = self.policies.min(2);
        self.sac = self.sac.quick();
        self.initial_steps = self.initial_steps.min(20);
        if let FitAt::Steps(every) = &mut self.fit {
            *every = (*every).min(30);
        }
        self.rollouts = RolloutConfig {
            starts: self.rollouts.starts.min(16),
            length: Schedule { from: 0, to: 2, first: 1, last: 3 },
            epoch: 40,
            retain: 60,
        };
        self.rollout_every = self.rollout_every.min(30);
        self.updates_per_step = self.updates_per_step.min(1);
        self.capacity = self.capacity.min(1_000);
        self
    }
}

/// What a way back needs of a way forward: each hidden unit before its activation and after it, for every row.
fn tape(hidden: &[usize], rows: usize) -> usize {
    2 * rows * hidden.iter().sum::<usize>()
}
