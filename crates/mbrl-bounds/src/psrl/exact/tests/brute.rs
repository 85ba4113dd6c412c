//! Posterior sampling played out move by move, with nothing merged and nothing remembered.

use super::*;
use crate::psrl::Move;

/// What each episode contributes.
pub(super) struct Brute {
    pub(super) regret: Vec<f64>,
    pub(super) divergence: Vec<f64>,
    pub(super) information: Vec<f64>,
}

pub(super) type Posterior<'a> = &'a dyn Fn(&Moment<'_>) -> Result<Vec<f64>>;

pub(super) fn brute_force(
    prior: &FiniteBelief,
    policies: &Policies,
    delta: &Conditional,
    (count, horizon): (u64, u64),
    posterior: Posterior<'_>,
) -> Brute {
    let zeros = || vec![0.0; count as usize];
    let mut sums = Brute { regret: zeros(), divergence: zeros(), information: zeros() };
    let play = Play { policies, delta, horizon, posterior };
    play.from(prior, 1.0, &Counts::of(&prior.mdps()[0]), 0, &mut sums);
    sums
}

struct Play<'a> {
    policies: &'a Policies,
    delta: &'a Conditional,
    horizon: u64,
    posterior: Posterior<'a>,
}

impl Play<'_> {
    fn from(&self, belief: &FiniteBelief, probability: f64, seen: &Counts, episode: usize, sums: &mut Brute) {
        if episode == sums.regret.len() {
            return;
        }
        let p = self.delta.marginal(belief.weights()).unwrap();
        let moment = Moment { episode: episode as u64, posterior: belief, exact: &p, seen };
        let q = (self.posterior)(&moment).unwrap();
        for (mdp, weight) in belief.mdps().iter().zip(belief.weights()) {
            let values = self.policies.values(mdp, self.horizon).unwrap();
            let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mean: f64 = q.iter().zip(&values).map(|(q, v)| q * v).sum();
            sums.regret[episode] += probability * weight * (best - mean);
        }
        sums.divergence[episode] += probability * kl(&q, &p).unwrap();
        sums.information[episode] += probability * information(belief, self.policies, self.horizon, &q);
        for (policy, q) in q.iter().enumerate().filter(|(_, q)| **q > 0.0) {
            for (start, moves) in paths(belief, self.horizon) {
                let likely = evidence(belief, self.policies, policy, start, &moves).iter().sum::<f64>();
                if likely <= 0.0 {
                    continue;
                }
                let (mut belief, mut seen) = (belief.clone(), seen.clone());
                if moves.is_empty() {
                    belief.observe_start(start).unwrap();
                } else {
                    belief.observe_episode(&moves).unwrap();
                }
                moves.iter().for_each(|seen_move| seen.observe(seen_move).unwrap());
                self.from(&belief, probability * q * likely, &seen, episode + 1, sums);
            }
        }
    }
}

/// I(π*; π, episode), as the sum over what is seen of Σ P(seen, π*) ln(P(seen, π*) / (P(seen) P(π*))).
pub(super) fn information(belief: &FiniteBelief, policies: &Policies, horizon: u64, q: &[f64]) -> f64 {
    let best: Vec<usize> = belief.mdps().iter().map(|mdp| policies.best(mdp, horizon).unwrap()).collect();
    let of_best = |weights: &[f64]| {
        let mut row = vec![0.0; q.len()];
        best.iter().zip(weights).for_each(|(&best, w)| row[best] += w);
        row
    };
    let p = of_best(belief.weights());
    let mut sum = 0.0;
    for (policy, q) in q.iter().enumerate() {
        for (start, moves) in paths(belief, horizon) {
            let joint = of_best(&evidence(belief, policies, policy, start, &moves));
            let all: f64 = joint.iter().sum();
            for (joint, p) in joint.iter().zip(&p).filter(|(joint, _)| **joint > 0.0) {
                sum += q * joint * (joint / (all * p)).ln();
            }
        }
    }
    // Where nothing is told rounding may leave less than nothing.
    sum.max(0.0)
}

/// P(M, path | π) for each model.
fn evidence(
    belief: &FiniteBelief,
    policies: &Policies,
    policy: usize,
    start: usize,
    moves: &[Move],
) -> Vec<f64> {
    let policy = &policies.as_slice()[policy];
    let pairs = belief.mdps().iter().zip(belief.weights());
    pairs
        .map(|(mdp, weight)| {
            moves.iter().fold(weight * mdp.start()[start], |product, seen| {
                let modelled = mdp.reward(seen.state, seen.action)[seen.next];
                let agrees = seen.reward.is_some_and(|reward| (reward - modelled).abs() < 1e-6);
                let likely = mdp.transition(seen.state, seen.action)[seen.next];
                product * policy.probabilities(seen.state)[seen.action] * likely * f64::from(u8::from(agrees))
            })
        })
        .collect()
}

/// Every sequence of moves, possible or not, with every reward that some model gives.
fn paths(belief: &FiniteBelief, horizon: u64) -> Vec<(usize, Vec<Move>)> {
    let mdps = belief.mdps();
    let mut paths: Vec<(usize, usize, Vec<Move>)> =
        (0..mdps[0].states()).map(|s| (s, s, Vec::new())).collect();
    for _ in 0..horizon {
        let mut longer = Vec::new();
        for (start, state, moves) in paths {
            if mdps[0].is_terminal(state) {
                longer.push((start, state, moves));
                continue;
            }
            for action in 0..mdps[0].actions() {
                for next in 0..mdps[0].states() {
                    let mut rewards: Vec<f64> =
                        mdps.iter().map(|mdp| mdp.reward(state, action)[next]).collect();
                    rewards.sort_by(f64::total_cmp);
                    rewards.dedup_by(|a, b| (*a - *b).abs() < 1e-6);
                    for reward in rewards {
                        let mut moves = moves.clone();
                        moves.push(Move { state, action, reward: Some(reward), next });
                        longer.push((start, next, moves));
                    }
                }
            }
        }
        paths = longer;
    }
    paths.into_iter().map(|(start, _, moves)| (start, moves)).collect()
}
