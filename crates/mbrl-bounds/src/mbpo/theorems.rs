//! Theorems 4.1 to 4.3: how much is to be subtracted from a return in the model.

use crate::{Discounted, check};
use mbrl_core::Result;

/// Which statement of theorem 4.3 is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// (γᵏ + 2) ε_π / (1 − γ) in the middle, as the lecture notes have it, where the term of theorem 4.2 was kept. It is
    /// looser than the published one by 4 r_max ε_π / (1 − γ), whatever k is.
    Seed,
    /// γᵏ ε_π / (1 − γ) in the middle, as in the paper and its appendix.
    Published,
}

/// Theorem 4.1: η(π) ≥ η̂(π) − C(ε_m, ε_π). This C is what Algorithm 1 subtracts.
///
/// C = 2 γ r_max (ε_m + 2 ε_π) / (1 − γ)² + 4 r_max ε_π / (1 − γ), where ε_m is the largest mean total variation of any
/// step under π_D in the world, and ε_π the largest total variation between π and π_D in any state. It holds in both
/// directions: |η(π) − η̂(π)| ≤ C.
///
/// C never shows that a policy is better than the one that collected the data. It is the sum of what η(π) and η(π_D)
/// can be apart and of what η(π_D) and η̂(π) can, so η̂(π) − C ≤ η(π_D) − 2 r_max ε_π / (1 − γ)², whatever the policy
/// and the model are. To gain more than C under the model does guarantee a gain in the world, but no policy ever does,
/// whether η(π_D) or η̂(π_D) is what it is to exceed. A bound by the error under π itself has no such limit: see
/// [`Drift::of_4_3`](super::Drift::of_4_3).
///
/// ```
/// use mbrl_bounds::{Discounted, mbpo};
///
/// let returns = Discounted::new(0.99, 1.0)?;
/// let amount = mbpo::theorem_4_1(returns, 0.1, 0.0)?;
/// // A model that is wrong in a tenth of its mass is a model of which the theorem knows nothing.
/// assert!((amount - 1980.0).abs() < 1e-6 && returns.is_vacuous(amount));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn theorem_4_1(returns: Discounted, eps_m: f64, eps_pi: f64) -> Result<f64> {
    let (eps_m, eps_pi) = (check::unit("eps-m", eps_m)?, check::unit("eps-pi", eps_pi)?);
    let (gamma, horizon) = (returns.gamma(), returns.horizon());
    let bracket = gamma * horizon * (eps_m + 2.0 * eps_pi) + 2.0 * eps_pi;
    // The rewards last, which may be so large that a return has no number.
    let amount = 2.0 * (horizon * bracket) * returns.r_max();
    check::finite("theorem 4.1", amount)
}

/// Theorem 4.2: η(π) ≥ η^branch(π) − this, for rollouts of `k` steps that branch off from π_D.
///
/// 2 r_max [γᵏ⁺¹ ε_π / (1 − γ)² + (γᵏ + 2) ε_π / (1 − γ) + k (ε_m + 2 ε_π) / (1 − γ)], with ε_m and ε_π as in
/// [`theorem_4_1`]. It grows with k: by it, no model is worth using.
pub fn theorem_4_2(returns: Discounted, eps_m: f64, eps_pi: f64, k: u64) -> Result<f64> {
    let (eps_m, eps_pi) = (check::unit("eps-m", eps_m)?, check::unit("eps-pi", eps_pi)?);
    check::finite("theorem 4.2", branched(returns, eps_pi, 2.0, eps_m + 2.0 * eps_pi, k))
}

/// Theorem 4.3: η(π) ≥ η^branch(π) − this, where the error of the model is known for the policy π itself.
///
/// 2 r_max [γᵏ⁺¹ ε_π / (1 − γ)² + (γᵏ + c) ε_π / (1 − γ) + k ε_m′ / (1 − γ)], with c = 2 in [`Form::Seed`] and 0 in
/// [`Form::Published`]. ε_m′ is the largest mean total variation of any step under π in the world, or its supremum over
/// all moves. Taken under π_D, as both sources write, the statement is false: a model may be right wherever π_D goes,
/// and wrong about the only move that π adds.
pub fn theorem_4_3(returns: Discounted, form: Form, eps_m_prime: f64, eps_pi: f64, k: u64) -> Result<f64> {
    let (eps_m_prime, eps_pi) = (check::unit("eps-m", eps_m_prime)?, check::unit("eps-pi", eps_pi)?);
    let kept = match form {
        Form::Seed => 2.0,
        Form::Published => 0.0,
    };
    check::finite("theorem 4.3", branched(returns, eps_pi, kept, eps_m_prime, k))
}

/// 2 r_max [γᵏ⁺¹ ε_π / (1 − γ)² + (γᵏ + kept) ε_π / (1 − γ) + k step / (1 − γ)].
fn branched(returns: Discounted, eps_pi: f64, kept: f64, step: f64, k: u64) -> f64 {
    let (gamma, horizon) = (returns.gamma(), returns.horizon());
    let branching = gamma.powf(k as f64);
    let bracket = (gamma * horizon + 1.0) * branching * eps_pi + kept * eps_pi + k as f64 * step;
    2.0 * (horizon * bracket) * returns.r_max()
}
