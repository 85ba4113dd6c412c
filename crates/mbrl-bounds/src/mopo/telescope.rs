//! Lemma 4.1: what a model gets wrong about a return, move by move.

use crate::{Discounted, ModelledMdp, check};
use mbrl_core::Result;
use mbrl_plan::{TabularPolicy, occupancy, return_moments};

use super::StateMetric;

/// η_T̂(π) − η_T(π) = γ E_ρ\[G\], with its two sides computed apart.
///
/// G(s, a) = E_{s' ~ T̂}[V(s')] − E_{s' ~ T}[V(s')] is what the model overrates a move by, where V is the value of π in the
/// *world*; ρ is where π spends its discounted time in the *model*, unnormalised: Σ_t γᵗ P(s_t = s, a_t = a).
#[derive(Clone, Debug, PartialEq)]
pub struct Telescope {
    /// η_T̂(π), the return in the model.
    pub model_return: f64,
    /// η_T(π), the return in the world.
    pub true_return: f64,
    /// γ E_ρ\[G\]: by how much the model overrates the policy. It is exactly 0 where no move that is made is modelled wrong,
    /// which the difference of the returns is to rounding only.
    pub gap: f64,
    actions: usize,
    values: Vec<f64>,
    g: Vec<f64>,
}

/// Lemma 4.1 of a policy.
///
/// ```
/// use mbrl_bounds::{ModelledMdp, mopo};
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::TabularPolicy;
///
/// // State 0 earns nothing and leads to state 1, which earns 1 for ever; the model thinks that half the moves fail.
/// let rewards = vec![0.0, 0.0, 1.0, 1.0];
/// let truth = TabularMdp::new(1, vec![0.0, 1.0, 0.0, 1.0], rewards, vec![1.0, 0.0], vec![false; 2])?;
/// let worlds = ModelledMdp::new(&truth, vec![0.5, 0.5, 0.0, 1.0])?;
/// let lemma = mopo::telescope(&worlds, &TabularPolicy::uniform(&truth), 0.5)?;
/// // V is 1 and 2, so the model underrates the first move by half of the difference.
/// assert_eq!(lemma.g(0, 0), -0.5);
/// assert!((lemma.model_return - lemma.true_return - lemma.gap).abs() < 1e-12);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn telescope(worlds: &ModelledMdp, policy: &TabularPolicy, gamma: f64) -> Result<Telescope> {
    check::exact_discount("gamma", gamma)?;
    let returns = worlds.discounted(gamma)?;
    worlds.check_policy("the policy", policy)?;
    let (truth, model) = (worlds.truth(), worlds.model());
    let (states, actions) = (truth.states(), truth.actions());
    let in_truth = return_moments(truth, policy, gamma)?;
    let values = in_truth.mean().to_vec();
    let mut g = vec![0.0; states * actions];
    for (state, action) in worlds.acted() {
        // The difference of the probabilities first: moves that are modelled right have a G of exactly 0.
        let rows = model.transition(state, action).iter().zip(truth.transition(state, action));
        g[state * actions + action] = rows.zip(&values).map(|((q, p), value)| (q - p) * value).sum();
    }
    Ok(Telescope {
        model_return: return_moments(model, policy, gamma)?.start_mean(model),
        true_return: in_truth.start_mean(truth),
        gap: gamma * met_in_model(worlds, policy, returns, &g)?,
        actions,
        values,
        g,
    })
}

impl Telescope {
    /// G(s, a); 0 in a terminal state, where nobody acts.
    ///
    /// # Panics
    ///
    /// Where there is no such state or action.
    pub fn g(&self, state: usize, action: usize) -> f64 {
        assert!(action < self.actions, "action {action} of {}", self.actions);
        self.g[state * self.actions + action]
    }

    /// V, the value of the policy in the world, `[states]`; 0 of terminal states.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// max V − min V, the c of this policy: |G(s, a)| is at most this times the total variation of the move. It is at most
    /// 2 r_max / (1 − γ), the c of all policies.
    pub fn span(&self) -> f64 {
        let (low, high) = self
            .values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
        high - low
    }

    /// The Lipschitz constant of V, the c of this policy for the Wasserstein distance: |G(s, a)| is at most this times W1.
    pub fn lipschitz(&self, metric: &StateMetric) -> Result<f64> {
        metric.lipschitz(&self.values)
    }
}

/// E_ρ\[f\] for a table f of `[states, actions]`, with ρ the unnormalised occupancy of `policy` in the model.
pub(super) fn met_in_model(
    worlds: &ModelledMdp,
    policy: &TabularPolicy,
    returns: Discounted,
    f: &[f64],
) -> Result<f64> {
    let actions = worlds.truth().actions();
    let rho = occupancy(worlds.model(), policy, returns.gamma())?;
    Ok(returns.horizon() * rho.mean_of(|state, action| f[state * actions + action]))
}
