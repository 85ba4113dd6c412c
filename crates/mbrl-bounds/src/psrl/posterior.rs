//! Exact posteriors over finitely many worlds.

use super::conditional::Conditional;
use super::policies::Policies;
use crate::check;
use mbrl_core::{Error, Result, TabularMdp};
use std::sync::Arc;

/// What is believed about the world: a probability for each of finitely many MDPs.
///
/// ```
/// use mbrl_bounds::psrl::{FiniteBelief, Move};
/// use mbrl_core::TabularMdp;
///
/// // Heads earns 1. Is the coin fair?
/// let coin = |heads: f64| {
///     let row = [1.0 - heads, heads];
///     TabularMdp::new(1, [row, row].concat(), vec![0.0, 1.0, 0.0, 1.0], vec![1.0, 0.0], vec![false; 2])
/// };
/// let mut belief = FiniteBelief::new(vec![coin(0.5)?, coin(0.75)?], vec![0.5, 0.5])?;
/// belief.observe(&Move { state: 0, action: 0, reward: Some(1.0), next: 1 })?;
/// assert_eq!(belief.weights(), [0.4, 0.6]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteBelief {
    mdps: Arc<[TabularMdp]>,
    weights: Vec<f64>,
}

/// A move that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// Where it began.
    pub state: usize,
    /// What was done.
    pub action: usize,
    /// What was earned, where one looked.
    pub reward: Option<f64>,
    /// Where it led.
    pub next: usize,
}

/// How far apart rewards may be that count as equal, relative to the modelled one where that is above 1 in size.
const REWARD_TOLERANCE: f64 = 1e-9;

impl FiniteBelief {
    /// MDPs of the same states, actions and ends, and the probability of each.
    pub fn new(mdps: Vec<TabularMdp>, weights: Vec<f64>) -> Result<Self> {
        let Some(first) = mdps.first() else {
            return Err(Error::invalid("there are no models: give one at least"));
        };
        for (i, mdp) in mdps.iter().enumerate() {
            check_alike(&format!("model {i}"), mdp, "model 0", first)?;
        }
        FiniteBelief { mdps: mdps.into(), weights: Vec::new() }.with_weights(weights)
    }

    /// Other probabilities of the same MDPs, such as those of an approximate posterior.
    pub fn with_weights(&self, weights: Vec<f64>) -> Result<Self> {
        check::distribution("the weights of the models", &weights)?;
        if weights.len() != self.mdps.len() {
            let (weights, models) = (weights.len(), self.mdps.len());
            return Err(Error::invalid(format_args!(
                "{weights} weights for {models} models: give one for each"
            )));
        }
        Ok(FiniteBelief { mdps: Arc::clone(&self.mdps), weights })
    }

    /// The MDPs that are considered.
    pub fn mdps(&self) -> &[TabularMdp] {
        &self.mdps
    }

    /// The probability of each.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Bayes' rule for a move. A model is excluded by a reward that it does not give for it, to within 1e-9 of the
    /// larger of 1 and that reward. What is impossible in all of them is refused, and leaves the belief as it was.
    pub fn observe(&mut self, seen: &Move) -> Result<()> {
        let Move { state, action, next, .. } = *seen;
        check_move(seen, &self.mdps[0])?;
        self.update(
            |mdp| likelihood(mdp, seen),
            || format!("moving from state {state} to {next} by action {action}"),
        )
    }

    /// Bayes' rule for the state in which an episode starts.
    pub fn observe_start(&mut self, state: usize) -> Result<()> {
        let states = self.mdps[0].states();
        if state >= states {
            return Err(Error::invalid(format_args!(
                "start in state {state}: there are {states}, counted from 0"
            )));
        }
        self.update(|mdp| mdp.start()[state], || format!("starting in state {state}"))
    }

    /// Bayes' rule for an episode: the state in which it starts, and each of its moves. An episode that is refused
    /// leaves the belief as it was.
    pub fn observe_episode(&mut self, moves: &[Move]) -> Result<()> {
        let Some(first) = moves.first() else {
            return Err(Error::invalid("an episode of no moves: tell where it started with `observe_start`"));
        };
        if let Some(i) = moves.windows(2).position(|pair| pair[0].next != pair[1].state) {
            let (led, began) = (moves[i].next, moves[i + 1].state);
            return Err(Error::invalid(format_args!(
                "move {i} leads to state {led} and the next begins in {began}: give the moves of one episode in order"
            )));
        }
        let mut after = self.clone();
        after.observe_start(first.state)?;
        for (i, seen) in moves.iter().enumerate() {
            after.observe(seen).map_err(|error| error.wrap(format_args!("move {i}")))?;
        }
        *self = after;
        Ok(())
    }

    /// p(π|D) = Σ_M p(M|D) δ(π|M). Its entropy is ℍ(π*).
    pub fn best_policies(&self, policies: &Policies, horizon: u64) -> Result<Vec<f64>> {
        Conditional::delta(&self.mdps, policies, horizon)?.marginal(&self.weights)
    }

    /// R_max: the length of the shortest interval that contains all rewards that can be earned, and 0 where an episode
    /// can end before its horizon.
    pub fn reward_span(&self) -> f64 {
        let ends = (0..self.mdps[0].states()).any(|state| self.mdps[0].is_terminal(state));
        let (mut low, mut high) = if ends { (0.0, 0.0) } else { (f64::INFINITY, f64::NEG_INFINITY) };
        for mdp in self.mdps.iter() {
            for (state, action) in acted(mdp) {
                let successors = mdp.transition(state, action).iter().zip(mdp.reward(state, action));
                for (_, &reward) in successors.filter(|(p, _)| **p > 0.0) {
                    (low, high) = (f64::min(low, reward), f64::max(high, reward));
                }
            }
        }
        high - low
    }

    fn update(&mut self, likelihood: impl Fn(&TabularMdp) -> f64, what: impl Fn() -> String) -> Result<()> {
        let joint: Vec<f64> =
            self.mdps.iter().zip(&self.weights).map(|(mdp, w)| w * likelihood(mdp)).collect();
        let sum: f64 = joint.iter().sum();
        if sum <= 0.0 {
            return Err(Error::invalid(format_args!(
                "{} is impossible in every model that is still believed in: add one in which it is not",
                what()
            )));
        }
        self.weights = joint.into_iter().map(|w| w / sum).collect();
        Ok(())
    }
}

/// The moves of all states that are not terminal.
pub(super) fn acted(mdp: &TabularMdp) -> impl Iterator<Item = (usize, usize)> + '_ {
    let states = (0..mdp.states()).filter(|&state| !mdp.is_terminal(state));
    states.flat_map(|state| (0..mdp.actions()).map(move |action| (state, action)))
}

/// Whether a model that gives `modelled` can have given `seen`.
pub(super) fn same_reward(modelled: f64, seen: f64) -> bool {
    (modelled - seen).abs() <= REWARD_TOLERANCE * modelled.abs().max(1.0)
}

fn likelihood(mdp: &TabularMdp, seen: &Move) -> f64 {
    let modelled = mdp.reward(seen.state, seen.action)[seen.next];
    match seen.reward {
        Some(reward) if !same_reward(modelled, reward) => 0.0,
        _ => mdp.transition(seen.state, seen.action)[seen.next],
    }
}

/// Refuses a move that no MDP of this shape has.
pub(super) fn check_move(seen: &Move, mdp: &TabularMdp) -> Result<()> {
    let (states, actions) = (mdp.states(), mdp.actions());
    if seen.state >= states || seen.next >= states || seen.action >= actions {
        return Err(Error::invalid(format_args!(
            "a move by action {} from state {} to {}: there are {actions} actions and {states} states, counted from 0",
            seen.action, seen.state, seen.next
        )));
    }
    if mdp.is_terminal(seen.state) {
        let state = seen.state;
        return Err(Error::invalid(format_args!(
            "a move from state {state}, which is terminal: the episode was over before"
        )));
    }
    match seen.reward {
        Some(reward) if !reward.is_finite() => {
            Err(Error::non_finite(format_args!("the reward of a move from state {} is {reward}", seen.state)))
        }
        _ => Ok(()),
    }
}

/// Refuses an MDP of other states, actions or ends than another has.
pub(super) fn check_alike(name: &str, mdp: &TabularMdp, other_name: &str, other: &TabularMdp) -> Result<()> {
    let (has, needs) = ([mdp.states(), mdp.actions()], [other.states(), other.actions()]);
    if has != needs {
        return Err(Error::invalid(format_args!(
            "{name} has {has:?} states and actions, {other_name} {needs:?}: make all of one shape"
        )));
    }
    if let Some(state) = (0..mdp.states()).find(|&state| mdp.is_terminal(state) != other.is_terminal(state)) {
        return Err(Error::invalid(format_args!(
            "state {state} is terminal in only one of {name} and {other_name}: make it so in both or neither"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
