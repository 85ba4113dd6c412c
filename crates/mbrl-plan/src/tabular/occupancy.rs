//! Where a policy spends its discounted time: ρ(s, a) = (1 − γ) Σ_t γᵗ P(s_t = s, a_t = a).

use super::chain::{Chain, check_finite};
use super::policy::TabularPolicy;
use mbrl_core::{Result, TabularMdp};

/// The discounted occupancy measure of a policy, over the states in which it acts.
///
/// The shares sum to one where episodes never end. Where they end, time goes on without them: the shares sum to less by
/// [`ended`](Occupancy::ended).
#[derive(Clone, Debug, PartialEq)]
pub struct Occupancy {
    actions: usize,
    /// `[states]`
    states: Vec<f64>,
    /// `[states, actions]`
    pairs: Vec<f64>,
}

/// The discounted occupancy measure of a policy from the first states of `mdp` on, by a linear solve.
///
/// ```
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::{TabularPolicy, occupancy, return_moments};
///
/// let mdp = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0; 4], vec![1.0, 0.0], vec![false, true])?;
/// let policy = TabularPolicy::uniform(&mdp);
/// let rho = occupancy(&mdp, &policy, 0.9)?;
/// // Mean rewards under ρ give the value of the start, but for the factor 1 − γ.
/// let value = rho.mean_of(|state, action| mdp.mean_reward(state, action)) / (1.0 - 0.9);
/// assert!((value - return_moments(&mdp, &policy, 0.9)?.start_mean(&mdp)).abs() < 1e-12);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn occupancy(mdp: &TabularMdp, policy: &TabularPolicy, discount: f64) -> Result<Occupancy> {
    super::check_discount_below_one(
        discount,
        "count the visits of each step with `finite_occupancy`, or discount",
    )?;
    let chain = Chain::new(mdp, policy)?;
    let (starts, actions) = (mdp.start().iter().enumerate(), mdp.actions());
    let mut states: Vec<f64> =
        starts.map(|(state, p)| if mdp.is_terminal(state) { 0.0 } else { (1.0 - discount) * p }).collect();
    chain.system(discount)?.solve_transposed(&mut states);
    check_finite("occupancy", &states)?;
    let mut pairs = vec![0.0; states.len() * actions];
    for (state, share) in states.iter_mut().enumerate() {
        // The solve may leave a rounding error below zero.
        *share = share.max(0.0);
        chain.choices(state).for_each(|(action, p)| pairs[state * actions + action] = *share * p);
    }
    Ok(Occupancy { actions, states, pairs })
}

impl Occupancy {
    /// The share of each state, `[states]`.
    pub fn states(&self) -> &[f64] {
        &self.states
    }

    /// The shares of the actions in `state`, `[actions]`, which sum to its own.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn pairs(&self, state: usize) -> &[f64] {
        assert!(state < self.states.len(), "state {state} of {}", self.states.len());
        &self.pairs[state * self.actions..(state + 1) * self.actions]
    }

    /// Σ ρ(s, a) f(s, a), over the pairs that occur.
    pub fn mean_of(&self, f: impl Fn(usize, usize) -> f64) -> f64 {
        let occurs = self.pairs.iter().enumerate().filter(|(_, share)| **share > 0.0);
        occurs.map(|(i, share)| share * f(i / self.actions, i % self.actions)).sum()
    }

    /// The share of time after the end of the episode: what the others lack to sum to one.
    pub fn ended(&self) -> f64 {
        (1.0 - self.states.iter().sum::<f64>()).max(0.0)
    }
}
