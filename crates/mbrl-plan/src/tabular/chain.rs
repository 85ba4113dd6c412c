//! The Markov chain that a policy makes of an MDP, until the episode ends.

use super::lu::Lu;
use super::policy::TabularPolicy;
use mbrl_core::{Error, Result, TabularMdp};

/// A policy in an MDP that it fits.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    mdp: &'a TabularMdp,
    policy: &'a TabularPolicy,
}

impl<'a> Chain<'a> {
    pub(super) fn new(mdp: &'a TabularMdp, policy: &'a TabularPolicy) -> Result<Self> {
        policy.check_fits(mdp)?;
        Ok(Chain { mdp, policy })
    }

    /// Writes Σ_a π(a|s) Σ_s' p(s'|s,a) f(s, s', r(s,a,s')) of each state; 0 of a terminal one.
    pub(super) fn expect(&self, out: &mut [f64], f: impl Fn(usize, usize, f64) -> f64) {
        for (state, out) in out.iter_mut().enumerate() {
            *out = 0.0;
            for (action, &chosen) in self.choices(state) {
                let moves = self.mdp.transition(state, action).iter().zip(self.mdp.reward(state, action));
                *out += chosen * moves.enumerate().map(|(next, (p, r))| p * f(state, next, *r)).sum::<f64>();
            }
        }
    }

    /// I − γP, decomposed: P holds the moves from and to states that are not terminal.
    pub(super) fn system(&self, discount: f64) -> Result<Lu> {
        if discount >= 1.0 {
            self.check_ends()?;
        }
        let states = self.mdp.states();
        let mut matrix = vec![0.0; states * states];
        for (state, row) in matrix.chunks_exact_mut(states).enumerate() {
            for (action, &chosen) in self.choices(state) {
                for (next, p) in self.mdp.transition(state, action).iter().enumerate() {
                    row[next] -= if self.mdp.is_terminal(next) { 0.0 } else { discount * chosen * p };
                }
            }
            row[state] += 1.0;
        }
        Lu::new(states, matrix)
    }

    /// The actions that may be chosen in a state, and how likely: none in a terminal one.
    pub(super) fn choices(&self, state: usize) -> impl Iterator<Item = (usize, &'a f64)> + use<'a> {
        let acts = !self.mdp.is_terminal(state);
        self.policy.probabilities(state).iter().enumerate().filter(move |(_, p)| acts && **p > 0.0)
    }

    /// Refuses a chain that can stay away from every end for ever: without a discount its returns have no sum.
    fn check_ends(&self) -> Result<()> {
        let states = 0..self.mdp.states();
        let mut ends: Vec<bool> = states.clone().map(|state| self.mdp.is_terminal(state)).collect();
        let mut unseen: Vec<usize> = states.filter(|&state| ends[state]).collect();
        while let Some(next) = unseen.pop() {
            for (state, ends) in ends.iter_mut().enumerate().filter(|(_, ends)| !**ends) {
                if self.choices(state).any(|(action, _)| self.mdp.transition(state, action)[next] > 0.0) {
                    *ends = true;
                    unseen.push(state);
                }
            }
        }
        match ends.iter().position(|ends| !ends) {
            None => Ok(()),
            Some(state) => Err(Error::invalid(format_args!(
                "discount is 1, and from state {state} this policy never reaches an end: discount, or count steps to a \
                 horizon"
            ))),
        }
    }
}

/// Refuses results that rounding has blown up.
pub(super) fn check_finite(what: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(state) => Err(Error::non_finite(format_args!(
            "the {what} of state {state} is {}: use a smaller discount or smaller rewards",
            values[state]
        ))),
    }
}
