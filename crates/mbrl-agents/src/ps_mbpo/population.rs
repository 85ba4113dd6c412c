//! The N·M policies, each with what it has imagined in its own model.
//!
//! Nothing here knows what any other policy imagined, and whatever policy i draws is below keys of its own, so that parts of
//! a population can live apart: what they share is the data of the world, which they only read.

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
