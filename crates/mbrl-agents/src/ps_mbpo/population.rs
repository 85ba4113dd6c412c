//! The N·M policies, each with what it has imagined in its own model.
//!
//! No policy knows what another one imagined or drew: what they share is the data of the world, which they only read. So this
//! is what would live in several places if a population were spread: the rest of the agent asks it for nothing but updates,
//! rollouts and what a policy does. Parameters and batches are drawn below keys of each policy's own. Noise is drawn by row
//! for all that live in one place, so that a population that is spread learns as well, and not the same bits.

use super::PsMbpoConfig;
use crate::mbpo::imagination::Imagination;
use crate::{Discount, SacBatch, SacLearner, SacLosses};
use mbrl_buffer::{Mixture, ReplayBuffer, Rounding};
use mbrl_core::{DynamicsModel, Key, Mode, Origin, Result, Spec, TransitionBatch};
use mbrl_plan::{Assignment, Diverged, Effort, Rollout};
use std::io::{Read, Write};

/// Policies that learn side by side: policy *n·M + m* is the *m*-th of model *n*.
pub(super) struct Population {
    pub(super) learner: SacLearner,
    /// What each has imagined and not forgotten.
    imagined: Vec<ReplayBuffer>,
    mixture: Mixture,
    drawn: TransitionBatch,
    batch: SacBatch,
}

/// The models, and how many policies each of them has.
#[derive(Clone, Copy)]
pub(super) struct Worlds<'a> {
    pub(super) model: &'a dyn DynamicsModel,
    pub(super) members: &'a [u16],
    pub(super) policies: u16,
}

impl Worlds<'_> {
    /// Every policy in its own model.
    pub(super) fn rollout(&self, horizon: usize) -> Rollout<'_> {
        Rollout {
            model: self.model,
            assignment: Assignment::Grid { members: self.members, policies: self.policies },
            replicas: self.members.len() * usize::from(self.policies),
            horizon,
            mode: Mode::Sample,
            diverged: Diverged::Drop,
        }
    }
}

impl Population {
    pub(super) fn new(config: &PsMbpoConfig, spec: &Spec, key: Key) -> Result<Self> {
        let (agents, capacity) = (config.agents()?, config.kept(config.rollouts.length.at(0))?);
        let imagined = || ReplayBuffer::unordered(spec.dims(), capacity);
        Ok(Population {
            learner: SacLearner::new(config.sac.clone(), spec, agents, key)?,
            imagined: (0..agents).map(|_| imagined()).collect::<Result<_>>()?,
            mixture: Mixture::rounded(&[config.real_share, 1.0 - config.real_share], Rounding::Floor)?,
            drawn: TransitionBatch::new(spec.dims()),
            batch: SacBatch::default(),
        })
    }

    /// What each policy has imagined and not forgotten.
    pub(super) fn imagined(&self) -> &[ReplayBuffer] {
        &self.imagined
    }

    /// Each policy keeps as many imagined transitions as this from now on.
    pub(super) fn resize(&mut self, capacity: usize) -> Result<()> {
        self.imagined.iter_mut().try_for_each(|imagined| imagined.resize(capacity))
    }

    /// Rollouts of every policy in its own model, from the same states of `real`, so many of them.
    pub(super) fn imagine(
        &mut self,
        rollout: Rollout<'_>,
        imagination: &mut Imagination,
        (real, starts): (&ReplayBuffer, usize),
        key: Key,
    ) -> Result<Effort> {
        let (policy, imagined) = (self.learner.policy(), &mut self.imagined);
        imagination.branch(rollout, policy, (real, starts), key, |rows| {
            rows.iter().try_for_each(|row| match row.origin {
                Origin::Model { policy, .. } => imagined[usize::from(policy)].push(row),
                Origin::World => Ok(()),
            })
        })
    }

    /// One update of every policy, from real transitions and from what it has imagined itself.
    pub(super) fn update(&mut self, real: &ReplayBuffer, gamma: f32, key: Key) -> Result<SacLosses> {
        let Population { learner, imagined, mixture, drawn, batch } = self;
        let rows = learner.config().batch;
        batch.reshape(imagined.len(), rows, real.dims());
        for (i, imagined) in imagined.iter().enumerate() {
            mixture.sample(&[real, imagined], rows, of_policy(key, i).child("batch"), drawn)?;
            batch.put(i, drawn, Discount::Gamma(gamma), learner.space())?;
        }
        learner.update(batch, key)
    }

    pub(super) fn save(&self, mut out: &mut dyn Write) -> Result<()> {
        self.learner.save(out)?;
        self.imagined.iter().try_for_each(|imagined| imagined.write_to(&mut out))
    }

    pub(super) fn load(&mut self, mut from: &mut dyn Read) -> Result<()> {
        self.learner.load(from)?;
        // Their capacity follows the schedule.
        let read = |_| ReplayBuffer::read_from(&mut from);
        self.imagined = (0..self.imagined.len()).map(read).collect::<Result<_>>()?;
        Ok(())
    }
}

/// The key of a policy below that of all. The first keeps it, so that a population of one draws what a single agent does.
fn of_policy(key: Key, i: usize) -> Key {
    if i == 0 { key } else { key.child("policy").at(i as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;
    use crate::ps_mbpo::PsMbpo;
    use mbrl_core::{End, Space, Transition};

    /// Rows that earn `reward`.
    fn fill(buffer: &mut ReplayBuffer, reward: f32, origin: Origin) {
        for i in 0..20 {
            let obs = [0.1 * i as f32];
            let (act, next_obs) = (&[0.5][..], &obs[..]);
            buffer.push(Transition { obs: &obs, act, next_obs, reward, end: End::Running, origin }).unwrap();
        }
    }

    #[test]
    fn each_policy_learns_from_its_own_imagination_and_from_a_share_of_the_world() {
        let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
        let mut config = PsMbpo::preset("study").unwrap().quick();
        (config.sac.batch, config.real_share) = (10, 0.25);
        let mut population = Population::new(&config, &spec, Key::root(0)).unwrap();
        let mut real = ReplayBuffer::new(spec.dims(), 20).unwrap();
        fill(&mut real, -1.0, Origin::World);
        for (i, imagined) in population.imagined.iter_mut().enumerate() {
            fill(imagined, i as f32, Origin::Model { member: (i / 2) as u16, policy: i as u16 });
        }
        population.update(&real, 0.99, Key::root(1)).unwrap();
        let rewards = population.batch.reward.clone();
        assert_eq!(rewards.len(), 4 * 10);
        for (i, rewards) in rewards.chunks(10).enumerate() {
            let own = |reward: f32| if reward < 0.0 { None } else { Some(reward as usize) };
            // A quarter of ten, rounded down.
            let expected: Vec<_> = (0..10).map(|row| (row >= 2).then_some(i)).collect();
            assert_eq!(rewards.iter().copied().map(own).collect::<Vec<_>>(), expected, "policy {i}");
        }
        // Two policies draw different rows of the same world.
        let obs = |i: usize| population.batch.obs[i * 10..][..10].to_vec();
        assert!((1..4).all(|i| obs(0) != obs(i)));
    }
}
