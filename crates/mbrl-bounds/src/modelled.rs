//! A world and what a model takes it for, both as tables.

use mbrl_core::{Error, Result, TabularMdp};

use crate::Discounted;
use crate::divergence::total_variation;

/// A tabular MDP and a model of it, which share states, actions, rewards r(s, a), first states and ends: what the bounds
/// compare, with both sides known.
///
/// ```
/// use mbrl_bounds::ModelledMdp;
/// use mbrl_core::TabularMdp;
///
/// let truth = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0; 4], vec![1.0, 0.0], vec![false; 2])?;
/// let worlds = ModelledMdp::new(&truth, vec![0.75, 0.25, 0.0, 1.0])?;
/// assert_eq!(worlds.total_variation(0, 0), 0.25);
/// assert_eq!(worlds.r_max(), 1.0);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ModelledMdp {
    truth: TabularMdp,
    model: TabularMdp,
}

impl ModelledMdp {
    /// The world `truth`, and a model of it with transition probabilities `[states, actions, states]`.
    ///
    /// The theorems speak of rewards r(s, a). Where those of `truth` depend on the successor, both sides get their mean
    /// over the true successors, with which every return of `truth` is in the mean what it was. Rows of probabilities are
    /// scaled so that they sum to one: what they may lack or exceed of it would count in every step.
    pub fn new(truth: &TabularMdp, model: Vec<f64>) -> Result<Self> {
        let (states, actions) = (truth.states(), truth.actions());
        let pairs = || (0..states).flat_map(|state| (0..actions).map(move |action| (state, action)));
        let reward: Vec<f64> = pairs()
            .flat_map(|(state, action)| std::iter::repeat_n(truth.mean_reward(state, action), states))
            .collect();
        let transition: Vec<f64> =
            pairs().flat_map(|(state, action)| truth.transition(state, action).iter().copied()).collect();
        let build = |transition| {
            let terminal = (0..states).map(|state| truth.is_terminal(state)).collect();
            TabularMdp::new(
                actions,
                transition,
                reward.clone(),
                scaled(truth.start().to_vec(), states),
                terminal,
            )
        };
        // What is wrong with a row is to be found as it was given.
        build(model.clone()).map_err(|error| error.wrap("the model"))?;
        Ok(ModelledMdp { truth: build(scaled(transition, states))?, model: build(scaled(model, states))? })
    }

    /// The world, with rewards r(s, a).
    pub fn truth(&self) -> &TabularMdp {
        &self.truth
    }

    /// What the model takes it for.
    pub fn model(&self) -> &TabularMdp {
        &self.model
    }

    /// r(s, a), on which both agree.
    pub fn reward(&self, state: usize, action: usize) -> f64 {
        self.truth.reward(state, action)[0]
    }

    /// The total variation between the true and the modelled successors of a move.
    pub fn total_variation(&self, state: usize, action: usize) -> f64 {
        total_variation(self.truth.transition(state, action), self.model.transition(state, action))
    }

    /// The largest |r(s, a)| in states in which one acts.
    pub fn r_max(&self) -> f64 {
        self.acted().map(|(state, action)| self.reward(state, action).abs()).fold(0.0, f64::max)
    }

    /// Returns of this world under a discount.
    pub fn discounted(&self, gamma: f64) -> Result<Discounted> {
        Discounted::new(gamma, self.r_max())
    }

    /// The moves of all states that are not terminal.
    pub(crate) fn acted(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let states = (0..self.truth.states()).filter(|&state| !self.truth.is_terminal(state));
        states.flat_map(|state| (0..self.truth.actions()).map(move |action| (state, action)))
    }

    /// Refuses a policy of another number of states or actions.
    pub(crate) fn check_policy(&self, name: &str, policy: &mbrl_plan::TabularPolicy) -> Result<()> {
        let (has, needs) = ([policy.states(), policy.actions()], [self.truth.states(), self.truth.actions()]);
        if has != needs {
            return Err(Error::invalid(format_args!(
                "{name} is for {has:?} states and actions, the MDP has {needs:?}: make one for these"
            )));
        }
        Ok(())
    }
}

/// Rows of probabilities that sum to one, as nearly as f64 can.
fn scaled(mut rows: Vec<f64>, states: usize) -> Vec<f64> {
    for row in rows.chunks_exact_mut(states) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= sum);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mbpo::{model_return, true_return};
    use mbrl_plan::TabularPolicy;

    /// A sum of 1 + 9e-10 would be worth a tenth of the return at this discount.
    #[test]
    fn rows_that_nearly_sum_to_one_are_taken_at_their_word() {
        let off = 1.0 + 9e-10;
        let truth = TabularMdp::new(1, vec![off], vec![1.0], vec![1.0], vec![false]).unwrap();
        let worlds = ModelledMdp::new(&truth, vec![2.0 - off]).unwrap();
        let policy = TabularPolicy::uniform(&truth);
        for found in [true_return(&worlds, &policy, 1.0 - 1e-8), model_return(&worlds, &policy, 1.0 - 1e-8)] {
            assert!((found.unwrap() / 1e8 - 1.0).abs() < 1e-6);
        }
        let error = ModelledMdp::new(&truth, vec![1.5]).unwrap_err().to_string();
        assert!(error.contains("the model: state 0, action 0: probabilities sum to 1.5"), "{error}");
    }
}
