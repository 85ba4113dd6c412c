//! The best policy of an MDP among those that are near another one.

use crate::check;
use mbrl_core::{Result, TabularMdp};
use mbrl_plan::{TabularPolicy, return_moments};

/// The policy of the largest return among those of max_s TV(π(·|s), π_D(·|s)) ≤ `eps`, and its return, by policy iteration.
///
/// Each state chooses from a set of its own, so that one policy is the best from every state, and it is found by making
/// each state greedy within its set. That is a linear programme over an L1 ball, which is solved by moving probability from
/// the worst actions to the best one, as in the inner problem of robust MDPs (Nilim and El Ghaoui 2005; Iyengar 2005).
pub(super) fn best_within(
    mdp: &TabularMdp,
    center: &TabularPolicy,
    eps: f64,
    gamma: f64,
) -> Result<(TabularPolicy, f64)> {
    let (states, actions) = (mdp.states(), mdp.actions());
    let mut best: Option<(f64, TabularPolicy, f64)> = None;
    let mut policy = center.clone();
    loop {
        let moments = return_moments(mdp, &policy, gamma)?;
        let (values, total) = (moments.mean(), moments.mean().iter().sum::<f64>());
        // In exact arithmetic a policy that was improved is better in every state. Where rounding says otherwise, the one
        // before was the best that can be told; and as no policy can come back, this ends.
        if let Some((before, policy, earned)) = best.take()
            && total <= before
        {
            return Ok((policy, earned));
        }
        let mut rows = Vec::with_capacity(states * actions);
        let mut is_better = false;
        for state in 0..states {
            let present = policy.probabilities(state);
            if mdp.is_terminal(state) {
                rows.extend_from_slice(present);
                continue;
            }
            let worths: Vec<f64> =
                (0..actions).map(|action| worth(mdp, state, action, gamma, values)).collect();
            let moved = greedy(center.probabilities(state), &worths, eps);
            let [gained, had] = [&moved[..], present].map(|row| mean(row, &worths));
            let size = worths.iter().map(|w| w.abs()).fold(0.0, f64::max);
            if gained - had > 16.0 * f64::EPSILON * size {
                is_better = true;
                rows.extend(moved);
            } else {
                rows.extend_from_slice(present);
            }
        }
        let earned = check::finite("the return", moments.start_mean(mdp))?;
        if !is_better {
            return Ok((policy, earned));
        }
        best = Some((total, std::mem::replace(&mut policy, TabularPolicy::new(actions, rows)?), earned));
    }
}

/// The distribution of the largest mean of `worths` within a total variation of `eps`.
fn greedy(center: &[f64], worths: &[f64], eps: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..worths.len()).collect();
    // Of equals the first is the best, and the last the worst.
    order.sort_by(|&a, &b| worths[a].total_cmp(&worths[b]).then(b.cmp(&a)));
    let (mut moved, mut left) = (center.to_vec(), eps);
    let Some((&best, worse)) = order.split_last() else {
        return moved;
    };
    for &action in worse {
        let share = moved[action].min(left);
        moved[action] -= share;
        moved[best] += share;
        left -= share;
    }
    moved
}

/// r(s, a) + γ E V(s').
fn worth(mdp: &TabularMdp, state: usize, action: usize, gamma: f64, values: &[f64]) -> f64 {
    let successors = mdp.transition(state, action).iter().zip(mdp.reward(state, action)).zip(values);
    // Terminal states have the value 0.
    successors.map(|((p, reward), value)| p * (reward + gamma * value)).sum()
}

fn mean(row: &[f64], worths: &[f64]) -> f64 {
    row.iter().zip(worths).map(|(p, w)| p * w).sum()
}
