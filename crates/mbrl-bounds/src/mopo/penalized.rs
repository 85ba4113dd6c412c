//! The penalised model M̃ = (T̂, r − λ u), and the best policy in it.

use super::ErrorEstimate;
use super::telescope::met_in_model;
use crate::{ModelledMdp, check};
use mbrl_core::{Context, Result, TabularMdp};
use mbrl_plan::{TabularPolicy, policy_iteration};

/// M̃, the model with rewards r(s, a) − λ u(s, a).
///
/// If u is admissible and λ = γ c, no policy does worse in the world than here. The slides leave c out, which puts it
/// into u: with u a bare distance the statement is false wherever a value matters by more than 1.
///
/// ```
/// use mbrl_bounds::{ModelledMdp, mopo};
/// use mbrl_core::TabularMdp;
///
/// let truth = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0; 4], vec![1.0, 0.0], vec![false; 2])?;
/// let worlds = ModelledMdp::new(&truth, vec![0.75, 0.25, 0.0, 1.0])?;
/// let u = mopo::ErrorEstimate::total_variation(&worlds);
/// let lambda = mopo::penalty_weight(worlds.discounted(0.5)?);
/// assert_eq!(mopo::penalized(&worlds, &u, lambda)?.mean_reward(0, 0), 1.0 - 2.0 * 0.25);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn penalized(worlds: &ModelledMdp, u: &ErrorEstimate, lambda: f64) -> Result<TabularMdp> {
    let lambda = check::at_least_zero("lambda", lambda)?;
    u.check_fits(worlds)?;
    let model = worlds.model();
    let (states, actions) = (model.states(), model.actions());
    let pairs = || (0..states).flat_map(move |state| (0..actions).map(move |action| (state, action)));
    let reward = |(s, a)| std::iter::repeat_n(worlds.reward(s, a) - lambda * u.of(s, a), states);
    TabularMdp::new(
        actions,
        pairs().flat_map(|(s, a)| model.transition(s, a).iter().copied()).collect(),
        pairs().flat_map(reward).collect(),
        model.start().to_vec(),
        (0..states).map(|state| model.is_terminal(state)).collect(),
    )
    .context("the penalised model")
}

/// The best policy of the penalised model, and what it is worth there.
#[derive(Clone, Debug, PartialEq)]
pub struct PenalizedOptimum {
    /// π̂ of theorem 4.4.
    pub policy: TabularPolicy,
    /// η_M̃(π̂): where u is admissible and λ = γ c, it is worth at least that in the world.
    pub value: f64,
}

/// The optimum of the penalised model.
pub fn penalized_optimum(
    worlds: &ModelledMdp,
    u: &ErrorEstimate,
    lambda: f64,
    gamma: f64,
) -> Result<PenalizedOptimum> {
    let gamma = check::exact_discount("gamma", gamma)?;
    let mdp = penalized(worlds, u, lambda)?;
    let plan = policy_iteration(&mdp, gamma)?;
    Ok(PenalizedOptimum { policy: plan.policy(), value: plan.start_value(&mdp) })
}

/// ε_u(π) = E_ρ\[u\]: the discounted sum of the error estimates that a policy meets in the model.
///
/// ρ is unnormalised, so that η_M̃(π) = η_T̂(π) − λ ε_u(π).
pub fn eps_u(worlds: &ModelledMdp, policy: &TabularPolicy, u: &ErrorEstimate, gamma: f64) -> Result<f64> {
    check::exact_discount("gamma", gamma)?;
    let returns = worlds.discounted(gamma)?;
    worlds.check_policy("the policy", policy)?;
    u.check_fits(worlds)?;
    met_in_model(worlds, policy, returns, u.as_slice())
}
