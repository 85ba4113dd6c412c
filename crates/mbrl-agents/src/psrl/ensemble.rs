//! An ensemble in the place of a posterior: worlds of the prior, and data seen more or less often.

use mbrl_core::{Belief, Key, Result, TabularMdp, Transition};
use mbrl_models::{RewardBelief, TabularPosterior};
use std::io::{Read, Write};

/// Members that were each given a world of the prior to begin with.
///
/// With no data a member is an exact draw from the prior, and with much data all are near the truth: what is approximate is
/// between, and that they are few.
#[derive(Clone, Debug)]
pub(super) struct Ensemble {
    members: Vec<Member>,
    key: Key,
}

#[derive(Clone, Debug)]
struct Member {
    prior: TabularMdp,
    seen: TabularPosterior,
}

impl Ensemble {
    /// Members of a posterior that has seen nothing.
    pub(super) fn new(nothing: &TabularPosterior, members: usize, key: Key) -> Result<Self> {
        let worlds = key.child("model").below();
        let member = |m: usize| -> Result<Member> {
            Ok(Member { prior: nothing.draw(worlds.at(m as u64))?, seen: nothing.clone() })
        };
        let members = (0..members).map(member).collect::<Result<_>>()?;
        Ok(Ensemble { members, key: key.child("bootstrap") })
    }

    /// Shows each member the move that is number `n`, as often as chance says.
    pub(super) fn observe(&mut self, transition: Transition<'_>, n: u64) -> Result<()> {
        let keys = self.key.at(n).below();
        for (m, member) in self.members.iter_mut().enumerate() {
            for _ in 0..poisson(f64::from(keys.at(m as u64).uniform())) {
                member.seen.observe(transition)?;
            }
        }
        Ok(())
    }

    /// The world of one of them.
    pub(super) fn draw(&self, key: Key) -> Result<TabularMdp> {
        let count = self.members.len();
        let member = ((f64::from(key.uniform()) * count as f64) as usize).min(count - 1);
        self.members[member].world()
    }

    pub(super) fn save(&self, out: &mut dyn Write) -> Result<()> {
        self.members.iter().try_for_each(|member| member.seen.save(out))
    }

    pub(super) fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        self.members.iter_mut().try_for_each(|member| member.seen.load(from))
    }
}

impl Member {
    /// The mean of what it saw and of its own world, which counts as often as the prior's pseudo-observations do.
    fn world(&self) -> Result<TabularMdp> {
        let Member { prior, seen } = self;
        let data = seen.empirical(prior)?;
        let (states, actions) = (prior.states(), prior.actions());
        let worth = match seen.config().reward {
            RewardBelief::Beta { a, b, .. } => a + b,
            RewardBelief::NormalGamma { count, .. } => count,
        };
        let pseudo = seen.config().concentration * states as f64;
        let (mut transition, mut reward) = (Vec::with_capacity(states * states * actions), Vec::new());
        for (state, action) in (0..states).flat_map(|s| (0..actions).map(move |a| (s, a))) {
            let n = seen.counts(state, action).iter().sum::<u64>() as f64;
            let share = pseudo / (pseudo + n);
            let rows = prior.transition(state, action).iter().zip(data.transition(state, action));
            transition.extend(rows.map(|(p, q)| share * p + (1.0 - share) * q));
            let share = worth / (worth + n);
            let mean =
                share * prior.mean_reward(state, action) + (1.0 - share) * data.mean_reward(state, action);
            reward.extend(std::iter::repeat_n(mean, states));
        }
        let terminal = (0..states).map(|state| prior.is_terminal(state)).collect();
        TabularMdp::new(actions, transition, reward, prior.start().to_vec(), terminal)
    }
}

/// The Poisson number of mean 1 whose distribution function first exceeds `u`.
fn poisson(u: f64) -> u64 {
    let (mut n, mut p, mut sum) = (0, (-1f64).exp(), (-1f64).exp());
    // Past 20 there is less than is left of a number of 24 bits.
    while sum <= u && n < 20 {
        n += 1;
        p /= n as f64;
        sum += p;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_poissons() {
        let cut = |n: u64| (0..=n).map(|k| (-1f64).exp() / (1..=k).product::<u64>() as f64).sum::<f64>();
        for n in 0..6 {
            assert_eq!((poisson(cut(n) - 1e-9), poisson(cut(n) + 1e-9)), (n, n + 1));
        }
        assert_eq!((poisson(0.0), poisson(1.0)), (0, 20));
    }
}
