//! What is best to do for ever, and what it is worth.

use super::policy::{TabularPolicy, first_best};
use super::{action_value, at_start};
use mbrl_core::TabularMdp;

/// What is best to do in each state, and what it is worth, where rewards are discounted and steps are not counted.
#[derive(Clone, Debug, PartialEq)]
pub struct StationaryPlan {
    actions: usize,
    /// `[states]`
    values: Vec<f64>,
    /// `[states, actions]`
    action_values: Vec<f64>,
    /// `[states]`
    chosen: Vec<u32>,
}

impl StationaryPlan {
    /// The plan that is greedy for `later`, `[states]`, which is 0 in terminal states.
    pub(super) fn greedy(mdp: &TabularMdp, discount: f64, later: &[f64]) -> Self {
        let (states, actions) = (mdp.states(), mdp.actions());
        let mut plan = StationaryPlan {
            actions,
            values: vec![0.0; states],
            action_values: vec![0.0; states * actions],
            chosen: vec![0; states],
        };
        for state in (0..states).filter(|&state| !mdp.is_terminal(state)) {
            let row = &mut plan.action_values[state * actions..(state + 1) * actions];
            for (action, worth) in row.iter_mut().enumerate() {
                *worth = action_value(mdp, state, action, discount, later);
            }
            (plan.values[state], plan.chosen[state]) = first_best(row.iter().copied());
        }
        plan
    }

    /// This plan with other actions chosen, `[states]`, and the values of these.
    pub(super) fn choosing(mut self, chosen: Vec<u32>) -> Self {
        for (state, &action) in chosen.iter().enumerate() {
            self.values[state] = self.action_values[state * self.actions + action as usize];
        }
        self.chosen = chosen;
        self
    }

    /// What each state is worth, `[states]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What `state` is worth.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn value(&self, state: usize) -> f64 {
        self.values[state]
    }

    /// What is best to do in `state`.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn action(&self, state: usize) -> usize {
        self.chosen[state] as usize
    }

    /// Q(s, ·): what each action is worth in `state` if this plan is followed afterwards, `[actions]`. Zero in a terminal
    /// state.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn action_values(&self, state: usize) -> &[f64] {
        assert!(state < self.values.len(), "state {state} of {}", self.values.len());
        &self.action_values[state * self.actions..(state + 1) * self.actions]
    }

    /// The policy that does what is best.
    pub fn policy(&self) -> TabularPolicy {
        TabularPolicy::deterministic(self.actions, &self.chosen)
            .expect("actions were chosen of those that there are")
    }

    /// What an episode is worth that starts as `mdp` says.
    ///
    /// # Panics
    ///
    /// Where `mdp` has another number of states than the one that was planned for.
    pub fn start_value(&self, mdp: &TabularMdp) -> f64 {
        at_start(mdp, &self.values)
    }

    pub(super) fn chosen(&self) -> &[u32] {
        &self.chosen
    }
}
