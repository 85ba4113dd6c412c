//! Where a policy is at each step before a horizon.

use super::chain::Chain;
use super::policy::TabularPolicy;
use mbrl_core::{Context, Result, TabularMdp};

/// The probability of each state, and of each action in it, at each step.
///
/// An episode that has ended is nowhere: what the states of a step lack to sum to one is the probability that it was over
/// before.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteOccupancy {
    shape: [usize; 2],
    /// `[steps + 1, states]`
    states: Vec<f64>,
    /// `[steps, states, actions]`
    pairs: Vec<f64>,
}

/// Where episodes are that start as `mdp` says and of which step `t` is by `policy_at(t)`, for `steps` steps.
///
/// ```
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::{TabularPolicy, finite_occupancy};
///
/// let mdp = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0; 4], vec![1.0, 0.0], vec![false, true])?;
/// let policy = TabularPolicy::uniform(&mdp);
/// let visits = finite_occupancy(&mdp, |_| &policy, 3)?;
/// assert_eq!([0, 1, 2, 3].map(|t| visits.states(t)[0]), [1.0, 0.5, 0.25, 0.125]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn finite_occupancy<'a>(
    mdp: &TabularMdp,
    policy_at: impl Fn(usize) -> &'a TabularPolicy,
    steps: usize,
) -> Result<FiniteOccupancy> {
    let shape @ [states, actions] = [mdp.states(), mdp.actions()];
    let pair_count = super::table_len(Some(steps), states * actions)?;
    let mut visits = vec![0.0; super::table_len(steps.checked_add(1), states)?];
    let mut pairs = vec![0.0; pair_count];
    let live = |state: usize, p: f64| if mdp.is_terminal(state) { 0.0 } else { p };
    visits.iter_mut().zip(mdp.start()).enumerate().for_each(|(state, (visits, p))| *visits = live(state, *p));
    for t in 0..steps {
        let chain = Chain::new(mdp, policy_at(t)).with_context(|| format!("step {t}"))?;
        let (now, later) = visits[t * states..(t + 2) * states].split_at_mut(states);
        let pairs = &mut pairs[t * states * actions..(t + 1) * states * actions];
        for (state, here) in now.iter().enumerate() {
            for (action, chosen) in chain.choices(state) {
                let share = here * chosen;
                pairs[state * actions + action] = share;
                for (next, p) in mdp.transition(state, action).iter().enumerate() {
                    later[next] += live(next, share * p);
                }
            }
        }
    }
    Ok(FiniteOccupancy { shape, states: visits, pairs })
}

impl FiniteOccupancy {
    /// The probability of each state at step `t`, `[states]`; at the horizon too, where no more is done.
    ///
    /// # Panics
    ///
    /// Where `t` is past the horizon.
    pub fn states(&self, t: usize) -> &[f64] {
        let (states, steps) = (self.shape[0], self.states.len() / self.shape[0] - 1);
        assert!(t <= steps, "states at step {t} of {steps}");
        &self.states[t * states..(t + 1) * states]
    }

    /// The probabilities at step `t` of being in `state` and doing each action, `[actions]`.
    ///
    /// # Panics
    ///
    /// Where there is no such state, or `t` is not before the horizon.
    pub fn pairs(&self, t: usize, state: usize) -> &[f64] {
        let ([states, actions], steps) = (self.shape, self.states.len() / self.shape[0] - 1);
        assert!(state < states && t < steps, "state {state} of {states} at step {t} of {steps}");
        &self.pairs[(t * states + state) * actions..][..actions]
    }

    /// How often each state is expected to be acted in before the horizon, `[states]`.
    pub fn expected_visits(&self) -> Vec<f64> {
        let states = self.shape[0];
        let acting = &self.states[..self.states.len() - states];
        (0..states).map(|state| acting.iter().skip(state).step_by(states).sum()).collect()
    }
}
