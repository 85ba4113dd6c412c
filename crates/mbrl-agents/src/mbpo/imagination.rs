//! What MBPO imagines: short rollouts to learn from, and whole episodes to know what it hopes for.

use mbrl_buffer::ReplayBuffer;
use mbrl_core::{DynamicsModel, Key, Mode, Policy, Result, RowBuf, Scratch, Spec, TransitionBatch};
use mbrl_plan::{Acting, Assignment, Diverged, Effort, Returns, Rollout, Transitions, Workspace};

/// From how many starts whole episodes are imagined.
const EPISODES: usize = 16;
/// How often each of these is imagined where policies are compared.
const REPLICAS: usize = 8;
/// How long an imagined episode is where the task sets no time limit.
const UNLIMITED: usize = 1_000;

/// The memory of imagination.
pub(crate) struct Imagination {
    starts: TransitionBatch,
    state: RowBuf,
    scratch: Scratch,
    branches: Workspace<Transitions>,
    episodes: Workspace<Returns>,
    discounted: Workspace<Returns>,
    /// What was earned in each episode.
    earned: Vec<f64>,
    limit: usize,
}

/// What is imagined in.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) model: &'a dyn DynamicsModel,
    /// The members that carry rows on, of which every row draws one at every step.
    pub(crate) elites: &'a [u16],
}

impl Imagination {
    pub(crate) fn new(spec: &Spec) -> Result<Self> {
        Ok(Imagination {
            starts: TransitionBatch::new(spec.dims()),
            state: RowBuf::default(),
            scratch: Scratch::default(),
            branches: Workspace::new(Transitions::default()),
            episodes: Workspace::new(Returns::new(1.0)?),
            discounted: Workspace::new(Returns::new(f64::from(spec.discount))?),
            earned: Vec::new(),
            limit: spec.time_limit.map_or(UNLIMITED, |limit| limit as usize),
        })
    }

    /// Rollouts from so many states, drawn uniformly from `real`. What was imagined is handed to `keep` in parts.
    pub(crate) fn branch(
        &mut self,
        rollout: Rollout<'_>,
        policy: &dyn Policy,
        (real, starts): (&ReplayBuffer, usize),
        key: Key,
        keep: impl FnMut(&TransitionBatch) -> Result<()>,
    ) -> Result<Effort> {
        real.sample(starts, key.child("start"), &mut self.starts)?;
        self.encode(rollout.model)?;
        let acting = Acting::Policy { policy, mode: Mode::Sample };
        let effort = rollout.run(self.state.view(), acting, key.child("model"), &mut self.branches)?;
        self.branches.sinks().map(Transitions::batch).try_for_each(keep)?;
        Ok(effort)
    }

    /// What the policy's means earn in rollouts from the starts of the latest episodes, which go on to the time limit, whatever
    /// their horizon is; nothing where every imagined episode was lost.
    pub(crate) fn earn(
        &mut self,
        rollout: Rollout<'_>,
        policy: &dyn Policy,
        real: &ReplayBuffer,
        discounted: bool,
        key: Key,
    ) -> Result<Option<Earnings>> {
        if !self.begin(rollout.model, real)? {
            return Ok(None);
        }
        let acting = Acting::Policy { policy, mode: Mode::Mean };
        let episodes = if discounted { &mut self.discounted } else { &mut self.episodes };
        Rollout { horizon: self.limit, ..rollout }.run(self.state.view(), acting, key, episodes)?;
        self.earned.clear();
        self.earned.extend(episodes.sinks().flat_map(|sink| sink.sums()));
        Ok(Earnings::of(&mut self.earned))
    }

    /// By how much the draws of the first policy earn more than those of the second, discounted, in the mean over pairs of
    /// episodes from the same starts; nothing where that is not known.
    pub(crate) fn gain(
        &mut self,
        world: World<'_>,
        [first, second]: [&dyn Policy; 2],
        real: &ReplayBuffer,
        key: Key,
    ) -> Result<Option<f64>> {
        if !self.begin(world.model, real)? {
            return Ok(None);
        }
        let rollout = Rollout { replicas: REPLICAS, ..world.rollout(self.limit) };
        let acting = |policy| Acting::Policy { policy, mode: Mode::Sample };
        rollout.run(self.state.view(), acting(first), key, &mut self.discounted)?;
        self.earned.clear();
        self.earned.extend(self.discounted.sinks().flat_map(|sink| sink.sums()));
        rollout.run(self.state.view(), acting(second), key, &mut self.discounted)?;
        let second = self.discounted.sinks().flat_map(|sink| sink.sums());
        Ok(gain(self.earned.iter().copied().zip(second.copied())))
    }

    /// Goes to the starts of the latest episodes. Says whether there is any.
    fn begin(&mut self, model: &dyn DynamicsModel, real: &ReplayBuffer) -> Result<bool> {
        let firsts = (0..real.len()).rev().filter(|&i| real.starts_episode(i)).take(EPISODES);
        self.starts.reshape(0, real.dims());
        firsts.for_each(|i| self.starts.push(real.get(i)));
        if self.starts.is_empty() {
            return Ok(false);
        }
        self.encode(model)?;
        Ok(true)
    }

    fn encode(&mut self, model: &dyn DynamicsModel) -> Result<()> {
        self.state.reshape(self.starts.len(), model.state_dim());
        model.encode(self.starts.obs.view(), self.state.view_mut(), &mut self.scratch)
    }
}

/// What imagined episodes earn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Earnings {
    /// Of those that were not lost.
    pub(crate) mean: f64,
    /// The smaller one of the two in the middle of all, where those that were lost count least. A model that drives a few
    /// episodes out of all bounds does not move it far; one that drives most of them there makes it −∞.
    pub(crate) median: f64,
}

impl Earnings {
    /// Of what each earned, which is sorted.
    fn of(sums: &mut [f64]) -> Option<Self> {
        let (sum, count) = (sums.iter().filter(|sum| sum.is_finite()))
            .fold((0.0, 0_u32), |(sum, count), earned| (sum + earned, count + 1));
        sums.iter_mut().filter(|sum| !sum.is_finite()).for_each(|sum| *sum = f64::NEG_INFINITY);
        sums.sort_by(f64::total_cmp);
        let middle = sums.len().checked_sub(1)? / 2;
        (count > 0).then(|| Earnings { mean: sum / f64::from(count), median: sums[middle] })
    }
}

/// The mean difference of pairs. Those of which the second was lost say nothing and are left out. Where the first alone was
/// lost, leaving it out would reward whatever drives the model out of all bounds, so then nothing is known.
fn gain(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u32);
    for (first, second) in pairs.filter(|(_, second)| second.is_finite()) {
        if !first.is_finite() {
            return None;
        }
        (sum, count) = (sum + (first - second), count + 1);
    }
    (count > 0).then(|| sum / f64::from(count))
}

impl<'a> World<'a> {
    pub(crate) fn rollout(self, horizon: usize) -> Rollout<'a> {
        Rollout {
            model: self.model,
            assignment: Assignment::RandomEachStep(self.elites),
            replicas: 1,
            horizon,
            mode: Mode::Sample,
            diverged: Diverged::Drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_compared_pair_by_pair() {
        const LOST: f64 = f64::NAN;
        let of = |pairs: &[(f64, f64)]| gain(pairs.iter().copied());
        assert_eq!(of(&[(3.0, 1.0), (5.0, 9.0)]), Some(-1.0));
        // Each by itself the means were 3 and 5, so that the second seemed to be better.
        assert_eq!(of(&[(3.0, 1.0), (LOST, LOST), (3.0, LOST)]), Some(2.0));
        assert_eq!(of(&[(3.0, 1.0), (LOST, 9.0)]), None);
        assert_eq!(of(&[(3.0, 1.0), (f64::INFINITY, 9.0)]), None);
        assert_eq!(of(&[(3.0, LOST)]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn who_breaks_the_model_is_not_judged_by_what_is_left() {
        let of = |sums: &[f64]| Earnings::of(&mut sums.to_vec());
        assert_eq!(
            of(&[33.0, 11.0, f64::NAN, 22.0, f64::INFINITY]),
            Some(Earnings { mean: 22.0, median: 11.0 })
        );
        let lost = of(&[33.0, f64::NAN, f64::NAN]).unwrap();
        assert!(lost.median.is_infinite() && lost.median < 0.0);
        assert_eq!((of(&[]), of(&[f64::NAN])), (None, None));
    }
}
