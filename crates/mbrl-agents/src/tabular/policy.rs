//! What is done in an episode.

use mbrl_core::{Error, Key, Result, Spec, TabularMdp};
use mbrl_plan::{FinitePlan, StationaryPlan};
use serde::{Deserialize, Serialize};

/// An action for each state and step, and how often any action is done instead.
///
/// ```
/// use mbrl_agents::EpisodePolicy;
/// use mbrl_core::TabularMdp;
///
/// // One state in which action 1 pays; it is done but at the first step.
/// let mdp = TabularMdp::new(2, vec![1.0; 2], vec![0.0, 1.0], vec![1.0], vec![false])?;
/// let policy = EpisodePolicy::new(2, 1, vec![0, 1], 0.0)?;
/// assert_eq!(policy.value(&mdp, 3)?, 2.0);
/// // Of uniformly random actions every other one pays.
/// assert_eq!(EpisodePolicy::new(2, 1, vec![0], 1.0)?.value(&mdp, 3)?, 1.5);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodePolicy {
    actions: usize,
    states: usize,
    /// `[rows, states]`, of which the last row is for all steps from there on.
    chosen: Vec<u32>,
    random: f64,
}

impl EpisodePolicy {
    /// The policy that does `chosen`, `[steps, states]`, the last row being for all later steps too, but a uniformly random
    /// action with probability `random`.
    pub fn new(actions: usize, states: usize, chosen: Vec<u32>, random: f64) -> Result<Self> {
        if chosen.is_empty() || !chosen.len().is_multiple_of(states) {
            return Err(Error::invalid(format_args!(
                "{} actions for {states} states: give a row of as many for each step",
                chosen.len()
            )));
        }
        if let Some(action) = chosen.iter().find(|action| **action as usize >= actions) {
            return Err(Error::invalid(format_args!(
                "action {action} in a policy of {actions} actions: they are counted from 0"
            )));
        }
        if !(0.0..=1.0).contains(&random) {
            return Err(Error::invalid(format_args!(
                "actions are random with probability {random}: give 0 to 1"
            )));
        }
        Ok(EpisodePolicy { actions, states, chosen, random })
    }

    /// What a plan to a horizon says for a world.
    pub(crate) fn to_horizon(plan: &FinitePlan, mdp: &TabularMdp) -> Self {
        let steps = (0..plan.steps()).flat_map(|t| (0..mdp.states()).map(move |state| (t, state)));
        let chosen = steps.map(|(t, state)| plan.action(t, state) as u32).collect();
        EpisodePolicy { actions: mdp.actions(), states: mdp.states(), chosen, random: 0.0 }
    }

    /// What a plan for ever says for a world.
    pub(crate) fn for_ever(plan: &StationaryPlan, mdp: &TabularMdp) -> Self {
        let chosen = (0..mdp.states()).map(|state| plan.action(state) as u32).collect();
        EpisodePolicy { actions: mdp.actions(), states: mdp.states(), chosen, random: 0.0 }
    }

    /// Refuses a policy that was read from bytes and is none of these spaces.
    pub(crate) fn check(&self, spec: &Spec) -> Result<()> {
        let EpisodePolicy { actions, states, chosen, random } = self.clone();
        EpisodePolicy::new(actions, states, chosen, random)?;
        let [observed, choices] = [&spec.obs, &spec.act].map(|space| space.choices().unwrap_or(0) as usize);
        if states < observed || actions != choices {
            return Err(Error::invalid(format_args!("there are {observed} states and {choices} actions")));
        }
        Ok(())
    }

    /// How many states it knows.
    pub fn states(&self) -> usize {
        self.states
    }

    /// How often an action is random.
    pub fn random(&self) -> f64 {
        self.random
    }

    /// What is done in `state` at step `t`, counted from 0, where it is not left to chance.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn action(&self, t: usize, state: usize) -> usize {
        assert!(state < self.states, "state {state} of {}", self.states);
        let row = t.min(self.chosen.len() / self.states - 1);
        self.chosen[row * self.states + state] as usize
    }

    /// What is done in `state` at step `t`.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn act(&self, t: usize, state: usize, key: Key) -> usize {
        if self.random > 0.0 && f64::from(key.child("explore").uniform()) < self.random {
            let u = f64::from(key.child("action").uniform());
            return ((u * self.actions as f64) as usize).min(self.actions - 1);
        }
        self.action(t, state)
    }

    /// V^π: what it earns in the mean in `horizon` steps of a world, without a discount.
    pub fn value(&self, mdp: &TabularMdp, horizon: usize) -> Result<f64> {
        if self.states < mdp.states() || self.actions != mdp.actions() {
            return Err(Error::invalid(format_args!(
                "a policy of {} states and {} actions in a world of {} and {}: give the one that it was made for",
                self.states,
                self.actions,
                mdp.states(),
                mdp.actions()
            )));
        }
        let (mut now, mut later) = (vec![0.0; mdp.states()], vec![0.0; mdp.states()]);
        for t in (0..horizon).rev() {
            // Terminal states stay at the 0 that both rows began with.
            for state in (0..mdp.states()).filter(|&state| !mdp.is_terminal(state)) {
                now[state] = action_value(mdp, state, self.action(t, state), &later);
                if self.random > 0.0 {
                    let any = (0..self.actions).map(|action| action_value(mdp, state, action, &later));
                    now[state] += self.random * (any.sum::<f64>() / self.actions as f64 - now[state]);
                }
            }
            std::mem::swap(&mut now, &mut later);
        }
        let value: f64 = mdp.start().iter().zip(&later).map(|(p, value)| p * value).sum();
        if !value.is_finite() {
            return Err(Error::non_finite(format_args!(
                "the value of a policy is {value}: use smaller rewards"
            )));
        }
        Ok(value)
    }
}

fn action_value(mdp: &TabularMdp, state: usize, action: usize, later: &[f64]) -> f64 {
    let moves = mdp.transition(state, action).iter().zip(mdp.reward(state, action)).zip(later);
    moves.map(|((p, reward), later)| p * (reward + later)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_envs::{Finite, Garnet, RiverSwim};
    use mbrl_plan::{TabularPolicy, backward_induction, finite_return_moments};

    #[test]
    fn values_are_those_of_the_planner() {
        let mdp = RiverSwim.mdp().unwrap();
        let plan = backward_induction(&mdp, 20, 1.0).unwrap();
        let policy = EpisodePolicy::to_horizon(&plan, &mdp);
        assert!((policy.value(&mdp, 20).unwrap() - plan.start_value(&mdp)).abs() < 1e-12);
        // Half at random, against the table of probabilities that this is.
        let garnet = Garnet::default().mdp().unwrap();
        let chosen: Vec<u32> = (0..10).map(|state| state % 4).collect();
        let policy = EpisodePolicy::new(4, 10, chosen.clone(), 0.5).unwrap();
        let mut rows = vec![0.125; 40];
        chosen.iter().enumerate().for_each(|(state, action)| rows[4 * state + *action as usize] += 0.5);
        let table = TabularPolicy::new(4, rows).unwrap();
        let moments = finite_return_moments(&garnet, |_| &table, 30, 1.0).unwrap();
        assert!((policy.value(&garnet, 30).unwrap() - moments.start_mean(&garnet)).abs() < 1e-12);
    }

    /// Each of 4 actions comes 1 in 8 times but the chosen one, which comes 5 in 8: six deviations of 20,000 draws have a
    /// false-alarm rate of 8e-9 over the four.
    #[test]
    fn actions_come_as_often_as_they_should() {
        const DRAWS: u64 = 20_000;
        let policy = EpisodePolicy::new(4, 1, vec![2], 0.5).unwrap();
        let mut counts = [0.0; 4];
        (0..DRAWS).for_each(|i| counts[policy.act(0, 0, Key::root(3).at(i))] += 1.0);
        for (action, count) in counts.into_iter().enumerate() {
            let p: f64 = if action == 2 { 0.625 } else { 0.125 };
            let deviation = (p * (1.0 - p) / DRAWS as f64).sqrt();
            assert!((count / DRAWS as f64 - p).abs() < 6.0 * deviation, "{counts:?}");
        }
    }

    #[test]
    fn policies_that_cannot_be_are_refused_by_name() {
        for (refused, says) in [
            (EpisodePolicy::new(2, 2, vec![0; 3], 0.0), "3 actions for 2 states"),
            (EpisodePolicy::new(2, 2, vec![], 0.0), "0 actions for 2 states"),
            (EpisodePolicy::new(2, 0, vec![0], 0.0), "1 actions for 0 states"),
            (EpisodePolicy::new(2, 1, vec![2], 0.0), "action 2 in a policy of 2 actions"),
            (EpisodePolicy::new(2, 1, vec![0], f64::NAN), "random with probability NaN: give 0 to 1"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let mdp = RiverSwim.mdp().unwrap();
        let error = EpisodePolicy::new(2, 1, vec![0], 0.0).unwrap().value(&mdp, 3).unwrap_err().to_string();
        assert!(error.contains("a policy of 1 states and 2 actions in a world of 6 and 2"), "{error}");
        let many = EpisodePolicy::new(3, 6, vec![0; 6], 0.0).unwrap();
        let error = many.value(&mdp, 3).unwrap_err().to_string();
        assert!(error.contains("a policy of 6 states and 3 actions in a world of 6 and 2"), "{error}");
        let vast = TabularMdp::new(1, vec![1.0], vec![1e308], vec![1.0], vec![false]).unwrap();
        let error = EpisodePolicy::new(1, 1, vec![0], 0.0).unwrap().value(&vast, 3).unwrap_err().to_string();
        assert!(error.contains("the value of a policy is inf: use smaller rewards"), "{error}");
    }

    #[test]
    fn policies_of_other_spaces_are_refused() {
        let spec = mbrl_envs::find("riverswim").unwrap().spec();
        let check =
            |actions, states| EpisodePolicy::new(actions, states, vec![0; states], 0.0).unwrap().check(&spec);
        // The end, where it is learnt, is one state more.
        assert!(check(2, 6).is_ok() && check(2, 7).is_ok());
        for (actions, states) in [(2, 5), (3, 6), (1, 6)] {
            let error = check(actions, states).unwrap_err().to_string();
            assert!(error.contains("there are 6 states and 2 actions"), "{error}");
        }
    }
}
