//! Policies on tables: what is done in each state, and how likely.

use super::action_value;
use mbrl_core::{Error, Result, TabularMdp};

/// A stationary policy of a tabular MDP: the probabilities of the actions in each state.
///
/// ```
/// use mbrl_plan::TabularPolicy;
///
/// // Two states; a coin is tossed in the first, action 1 is certain in the second.
/// let policy = TabularPolicy::new(2, vec![0.5, 0.5, 0.0, 1.0])?;
/// let sure = TabularPolicy::deterministic(2, &[1, 1])?;
/// assert_eq!(policy.probabilities(0), [0.5, 0.5]);
/// assert_eq!([policy.total_variation(&sure, 0), policy.total_variation(&sure, 1)], [0.5, 0.0]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TabularPolicy {
    actions: usize,
    /// `[states, actions]`
    probabilities: Vec<f64>,
}

/// How far the probabilities of a state may be from summing to one.
const SLACK: f64 = 1e-9;

impl TabularPolicy {
    /// The policy with probabilities `[states, actions]`.
    pub fn new(actions: usize, probabilities: Vec<f64>) -> Result<Self> {
        let len = probabilities.len();
        if actions == 0 || len == 0 || !len.is_multiple_of(actions) {
            return Err(Error::invalid(format_args!(
                "{len} probabilities for {actions} actions: give a row of as many for each state"
            )));
        }
        for (state, row) in probabilities.chunks_exact(actions).enumerate() {
            if let Some(action) = row.iter().position(|p| p.is_nan() || *p < 0.0) {
                let p = row[action];
                return Err(Error::invalid(format_args!(
                    "the probability of action {action} in state {state} is {p}"
                )));
            }
            let sum: f64 = row.iter().sum();
            if (sum - 1.0).abs() > SLACK {
                return Err(Error::invalid(format_args!(
                    "the probabilities of the actions in state {state} sum to {sum}: expected 1"
                )));
            }
        }
        Ok(TabularPolicy { actions, probabilities })
    }

    /// The policy that does `chosen[state]`, of so many `actions`.
    pub fn deterministic(actions: usize, chosen: &[u32]) -> Result<Self> {
        if let Some(state) = chosen.iter().position(|&action| action as usize >= actions) {
            let action = chosen[state];
            return Err(Error::invalid(format_args!(
                "action {action} in state {state}: there are {actions} actions, counted from 0"
            )));
        }
        let mut probabilities = vec![0.0; chosen.len().saturating_mul(actions)];
        for (row, &action) in probabilities.chunks_exact_mut(actions.max(1)).zip(chosen) {
            row[action as usize] = 1.0;
        }
        TabularPolicy::new(actions, probabilities)
    }

    /// The policy to which all actions are alike.
    pub fn uniform(mdp: &TabularMdp) -> Self {
        let actions = mdp.actions();
        TabularPolicy { actions, probabilities: vec![1.0 / actions as f64; mdp.states() * actions] }
    }

    /// The policy that is greedy for `values`, `[states]`; of equally good actions, the first. What `values` says of
    /// terminal states is not looked at.
    pub fn greedy(mdp: &TabularMdp, values: &[f64], discount: f64) -> Result<Self> {
        super::check_discount(discount)?;
        if values.len() != mdp.states() {
            let (states, values) = (mdp.states(), values.len());
            return Err(Error::invalid(format_args!(
                "{values} values for {states} states: give one for each"
            )));
        }
        let live = |(state, value): (usize, &f64)| if mdp.is_terminal(state) { 0.0 } else { *value };
        let later: Vec<f64> = values.iter().enumerate().map(live).collect();
        let chosen: Vec<u32> = (0..mdp.states())
            .map(|state| {
                let worths =
                    (0..mdp.actions()).map(|action| action_value(mdp, state, action, discount, &later));
                first_best(worths).1
            })
            .collect();
        TabularPolicy::deterministic(mdp.actions(), &chosen)
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.probabilities.len() / self.actions
    }

    /// The number of actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// The probabilities of the actions in `state`, `[actions]`.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    #[inline]
    pub fn probabilities(&self, state: usize) -> &[f64] {
        assert!(state < self.states(), "state {state} of {}", self.states());
        &self.probabilities[state * self.actions..(state + 1) * self.actions]
    }

    /// How far another policy is from this one in `state`, in total variation: ½ Σ_a |π(a|s) − π'(a|s)|.
    ///
    /// # Panics
    ///
    /// Where one of them has no such state, or another number of actions.
    pub fn total_variation(&self, other: &TabularPolicy, state: usize) -> f64 {
        assert_eq!(self.actions, other.actions, "actions of the two policies");
        let pairs = self.probabilities(state).iter().zip(other.probabilities(state));
        0.5 * pairs.map(|(p, q)| (p - q).abs()).sum::<f64>()
    }

    /// Refuses a policy for another number of states or actions than there are.
    pub(super) fn check_fits(&self, mdp: &TabularMdp) -> Result<()> {
        let (has, needs) = ([self.states(), self.actions], [mdp.states(), mdp.actions()]);
        if has != needs {
            return Err(Error::invalid(format_args!(
                "a policy for {has:?} states and actions in an MDP of {needs:?}: make one for these"
            )));
        }
        Ok(())
    }
}

/// The largest of some numbers, and which of them it is: the first, of equals.
pub(super) fn first_best(worths: impl Iterator<Item = f64>) -> (f64, u32) {
    let mut best = (f64::NEG_INFINITY, 0);
    for (action, worth) in worths.enumerate() {
        if worth > best.0 {
            best = (worth, action as u32);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_are_no_policy_are_refused_by_name() {
        for (actions, probabilities, says) in [
            (2, vec![0.5, 0.5, 1.0], "3 probabilities for 2 actions"),
            (0, vec![], "0 probabilities for 0 actions"),
            (2, vec![], "0 probabilities for 2 actions"),
            (2, vec![0.5, 0.5, 1.5, -0.5], "the probability of action 1 in state 1 is -0.5"),
            (2, vec![f64::NAN, 1.0], "the probability of action 0 in state 0 is NaN"),
            (2, vec![0.5, 0.6], "in state 0 sum to 1.1: expected 1"),
        ] {
            let error = TabularPolicy::new(actions, probabilities).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let error = TabularPolicy::deterministic(2, &[1, 2]).unwrap_err().to_string();
        assert!(error.contains("action 2 in state 1: there are 2 actions"), "{error}");
        assert!(
            TabularPolicy::deterministic(0, &[]).is_err() && TabularPolicy::deterministic(3, &[]).is_err()
        );
    }

    #[test]
    fn greed_takes_the_first_of_equals_and_gives_a_terminal_state_no_value() {
        // From state 0 either action leads to one of the other two; state 2 is terminal.
        let to = |next: usize| (0..3).map(move |s| f64::from(u8::from(s == next)));
        let transition: Vec<f64> = [1, 2, 1, 1, 2, 2].into_iter().flat_map(to).collect();
        let start = vec![1.0, 0.0, 0.0];
        let mdp = TabularMdp::new(2, transition, vec![1.0; 18], start, vec![false, false, true]).unwrap();
        let chosen = |values: &[f64]| TabularPolicy::greedy(&mdp, values, 0.9).unwrap();
        assert_eq!(chosen(&[0.0, 1.0, 9.0]), TabularPolicy::deterministic(2, &[0, 0, 0]).unwrap());
        assert_eq!(chosen(&[0.0, -1.0, -9.0]), TabularPolicy::deterministic(2, &[1, 0, 0]).unwrap());
        assert!(
            TabularPolicy::greedy(&mdp, &[0.0; 2], 0.9)
                .unwrap_err()
                .to_string()
                .contains("2 values for 3 states")
        );
        assert!(TabularPolicy::greedy(&mdp, &[0.0; 3], 1.1).unwrap_err().is_invalid());
    }
}
