//! The Bayesian regret of posterior sampling, exact or approximate, by playing every history.

use super::conditional::Conditional;
use super::empirical::Counts;
use super::outcomes::{Outcomes, add};
use super::policies::Policies;
use super::posterior::FiniteBelief;
use super::regret::{Episodes, regret_bound, worst_information_ratio};
use crate::divergence::discrete::{entropy, kl};
use mbrl_core::{Context, Error, Result};
use std::collections::BTreeMap;

/// What [`bayesian_regret`] comes to, and what the theorem says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactRegret {
    /// Σ_k E[V^π* − V^π_k], where π_k is drawn from q_k.
    pub regret: f64,
    /// What each episode contributes to it.
    pub per_episode: Vec<f64>,
    /// E[KL(q_k ‖ p_k)], over what episodes before k show when they are played from q.
    pub expected_kl: Vec<f64>,
    /// I_k: what episode k tells of π*, in nats, in the mean. All of them together are at most the entropy.
    pub information: Vec<f64>,
    /// ℍ(π*) under the prior, in nats.
    pub entropy: f64,
    /// [`regret_bound`] of these numbers, with C = |Π| / 2.
    pub bound: f64,
}

/// Before an episode: what an approximate posterior may be made of.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// k, counted from 0.
    pub episode: u64,
    /// The true posterior over models.
    pub posterior: &'a FiniteBelief,
    /// The true posterior p_k over policies.
    pub exact: &'a [f64],
    /// The moves of all episodes before.
    pub seen: &'a Counts,
}

/// So many pairs of a history and what may follow it are looked at in an episode, and no more.
const MOST_HISTORIES: usize = 1 << 21;

/// More episodes than this are not played, nor more steps, even where there is little to see.
const LONGEST: u64 = 1 << 15;

/// More outcomes than this an episode may not have.
const MOST_OUTCOMES: usize = 1 << 17;

/// The exact Bayesian regret of episodes that are played from q_k = `approximate(moment)`, a distribution over
/// `policies`, where the world is drawn from `prior`.
///
/// Every history is played, up to the order of its moves, so worlds have to be tiny: a few states and actions, a few
/// episodes of a few steps. An episode shows its first state, its moves and their rewards.
///
/// ```
/// use mbrl_bounds::psrl::{Episodes, FiniteBelief, Policies, bayesian_regret};
/// use mbrl_core::TabularMdp;
///
/// // One of two arms pays 1. The first pull tells which, and costs 1 every other time.
/// let bandit = |pays: [f64; 2]| TabularMdp::new(2, vec![1.0; 2], pays.to_vec(), vec![1.0], vec![false]);
/// let prior = FiniteBelief::new(vec![bandit([1.0, 0.0])?, bandit([0.0, 1.0])?], vec![0.5, 0.5])?;
/// let policies = Policies::deterministic(1, 2)?;
/// let episodes = Episodes::new(3, 1, prior.reward_span())?;
/// let exact = bayesian_regret(&prior, &policies, episodes, |moment| Ok(moment.exact.to_vec()))?;
/// assert_eq!(exact.per_episode, [0.5, 0.0, 0.0]);
/// assert_eq!(exact.information[0], 2f64.ln());
/// // One who never learns.
/// let uniform = bayesian_regret(&prior, &policies, episodes, |_| Ok(vec![0.5, 0.5]))?;
/// assert_eq!(uniform.regret, 1.5);
/// // Once the world is known, the posterior excludes an arm that he still pulls.
/// assert_eq!(uniform.expected_kl, [0.0, f64::INFINITY, f64::INFINITY]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn bayesian_regret(
    prior: &FiniteBelief,
    policies: &Policies,
    episodes: Episodes,
    mut approximate: impl FnMut(&Moment<'_>) -> Result<Vec<f64>>,
) -> Result<ExactRegret> {
    let (r_max, span) = (episodes.r_max(), prior.reward_span());
    if r_max < span * (1.0 - 1e-12) {
        return Err(Error::invalid(format_args!(
            "r-max is {r_max}, and the rewards of these models lie in no interval shorter than {span}: give that"
        )));
    }
    for (name, number) in [("episodes", episodes.count()), ("horizon", episodes.horizon())] {
        if number > LONGEST {
            return Err(Error::invalid(format_args!(
                "{name} is {number}: every history is played, so give at most {LONGEST}"
            )));
        }
    }
    let world = World::new(prior, policies, episodes.horizon())?;
    let mut total = ExactRegret {
        regret: 0.0,
        per_episode: Vec::new(),
        expected_kl: Vec::new(),
        information: Vec::new(),
        entropy: entropy(&world.delta.marginal(prior.weights())?)?,
        bound: 0.0,
    };
    // The joint probability of each history and each model.
    let mut histories = BTreeMap::from([(vec![0; world.outcomes.columns()], prior.weights().to_vec())]);
    for episode in 0..episodes.count() {
        check_size(episode, histories.len(), world.outcomes.list.len())?;
        let (mut regret, mut divergence, mut information) = (0.0, 0.0, 0.0);
        let mut after = BTreeMap::new();
        for (counts, joint) in &histories {
            let probability: f64 = joint.iter().sum();
            let posterior = prior.with_weights(joint.iter().map(|w| w / probability).collect())?;
            let exact = world.delta.marginal(posterior.weights())?;
            let seen = world.seen(prior, counts);
            let moment = Moment { episode, posterior: &posterior, exact: &exact, seen: &seen };
            let q = approximate(&moment).with_context(|| format!("the posterior of episode {episode}"))?;
            world.delta.check_policies("q", &q)?;
            regret += world.regret(joint, &q);
            divergence += probability * kl(&q, &exact)?;
            information += probability * world.information(posterior.weights(), &exact, &q);
            if episode + 1 < episodes.count() {
                world.play(counts, joint, &q, &mut after);
            }
        }
        total.per_episode.push(regret);
        total.expected_kl.push(divergence);
        total.information.push(information);
        histories = after;
    }
    total.regret = total.per_episode.iter().sum();
    let c = worst_information_ratio(policies.count())?;
    total.bound = regret_bound(episodes, total.entropy, c, &total.expected_kl)?;
    Ok(total)
}

/// What stays the same from episode to episode.
struct World {
    outcomes: Outcomes,
    /// δ(π|M)
    delta: Conditional,
    /// π*(M)
    best: Vec<usize>,
    /// V^π of each policy in each model.
    values: Vec<Vec<f64>>,
}

impl World {
    fn new(prior: &FiniteBelief, policies: &Policies, horizon: u64) -> Result<Self> {
        let values: Vec<Vec<f64>> =
            prior.mdps().iter().map(|mdp| policies.values(mdp, horizon)).collect::<Result<_>>()?;
        Ok(World {
            outcomes: Outcomes::new(prior, policies, horizon, MOST_OUTCOMES)?,
            delta: Conditional::delta(prior.mdps(), policies, horizon)?,
            best: values.iter().map(|values| super::policies::first_best(values)).collect(),
            values,
        })
    }

    fn seen(&self, prior: &FiniteBelief, counts: &[u32]) -> Counts {
        let mut seen = Counts::of(&prior.mdps()[0]);
        for (cell, reward, times) in self.outcomes.moves(counts) {
            seen.add(cell, reward, times);
        }
        seen
    }

    /// Σ_M P(M, h) (V^π*(M) − Σ_π q(π) V^π(M)).
    fn regret(&self, joint: &[f64], q: &[f64]) -> f64 {
        let of_model = |(values, &best): (&Vec<f64>, &usize)| {
            q.iter().zip(values).map(|(q, value)| q * (values[best] - value)).sum::<f64>()
        };
        joint.iter().zip(self.values.iter().zip(&self.best).map(of_model)).map(|(p, regret)| p * regret).sum()
    }

    /// The mutual information of π* and an episode that is played from q, where `p` is the posterior over policies.
    fn information(&self, weights: &[f64], p: &[f64], q: &[f64]) -> f64 {
        let mut sum = 0.0;
        let mut of_best = vec![0.0; p.len()];
        for outcome in &self.outcomes.list {
            let played: f64 = outcome.chosen.iter().zip(q).map(|(c, q)| c * q).sum();
            if played <= 0.0 {
                continue;
            }
            // P(outcome, π* = π), of which `played` is a factor.
            of_best.fill(0.0);
            for ((weight, likelihood), &best) in weights.iter().zip(&outcome.likelihood).zip(&self.best) {
                of_best[best] += weight * likelihood;
            }
            let all: f64 = of_best.iter().sum();
            let terms = of_best.iter().zip(p).filter(|(joint, _)| **joint > 0.0);
            sum += played * terms.map(|(joint, p)| joint * (joint / (p * all)).ln()).sum::<f64>();
        }
        sum.max(0.0)
    }

    /// Adds to `after` what follows a history when an episode is played from q.
    fn play(&self, counts: &[u32], joint: &[f64], q: &[f64], after: &mut BTreeMap<Vec<u32>, Vec<f64>>) {
        for outcome in &self.outcomes.list {
            let played: f64 = outcome.chosen.iter().zip(q).map(|(c, q)| c * q).sum();
            let joint: Vec<f64> =
                joint.iter().zip(&outcome.likelihood).map(|(w, l)| w * l * played).collect();
            if joint.iter().any(|p| *p > 0.0) {
                let counts: Vec<u32> = counts.iter().zip(&outcome.counts).map(|(n, m)| n + m).collect();
                after.entry(counts).and_modify(|sum| add(sum, &joint)).or_insert(joint);
            }
        }
    }
}

fn check_size(episode: u64, histories: usize, outcomes: usize) -> Result<()> {
    if histories.saturating_mul(outcomes) > MOST_HISTORIES {
        return Err(Error::invalid(format_args!(
            "before episode {episode} there are {histories} histories of {outcomes} continuations each: at most \
             {MOST_HISTORIES} are played, so take fewer episodes or a shorter horizon"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
