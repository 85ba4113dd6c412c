//! The smallest penalty that keeps a promise: what a λ would have to be, where both worlds are known.

use super::{ErrorEstimate, eps_u, telescope};
use crate::ModelledMdp;
use mbrl_core::{Error, Result};
use mbrl_plan::TabularPolicy;

/// The smallest λ ≥ 0 under which the penalised return of a policy is at most its true return.
///
/// η_M̃(π) = η_T̂(π) − λ ε_u(π), so it is max(0, (η_T̂(π) − η_T(π)) / ε_u(π)). It is infinite where the model overrates the
/// policy and u is 0 on all that the policy does: then no penalty is enough. λ = γ c with an admissible u is never below
/// it, but often far above.
///
/// ```
/// use mbrl_bounds::{ModelledMdp, mopo};
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::TabularPolicy;
///
/// // State 0 earns 1, state 1 nothing for ever; the model thinks that one stays in state 0 more often than is true.
/// let truth = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0, 1.0, 0.0, 0.0], vec![1.0, 0.0], vec![false; 2])?;
/// let worlds = ModelledMdp::new(&truth, vec![1.0, 0.0, 0.0, 1.0])?;
/// let u = mopo::ErrorEstimate::total_variation(&worlds);
/// // The returns are 2 in the model and 4/3 in the world; an error of ½ is met for ever, which is worth 1.
/// let lambda = mopo::smallest_lambda(&worlds, &TabularPolicy::uniform(&truth), &u, 0.5)?;
/// assert!((lambda - 2.0 / 3.0).abs() < 1e-12);
/// assert!(lambda < mopo::penalty_weight(worlds.discounted(0.5)?));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn smallest_lambda(
    worlds: &ModelledMdp,
    policy: &TabularPolicy,
    u: &ErrorEstimate,
    gamma: f64,
) -> Result<f64> {
    let met = eps_u(worlds, policy, u, gamma)?;
    let gap = telescope(worlds, policy, gamma)?.gap;
    // What rounding makes of a gap of 0 needs no penalty, which it could not have where u is 0.
    let rounding = 1e-12 * worlds.discounted(gamma)?.widest_gap();
    Ok(if gap <= rounding { 0.0 } else { gap / met })
}

/// The smallest λ under which the penalised return of each of these policies is at most its true return.
pub fn smallest_lambda_of_all<'a>(
    worlds: &ModelledMdp,
    policies: impl IntoIterator<Item = &'a TabularPolicy>,
    u: &ErrorEstimate,
    gamma: f64,
) -> Result<f64> {
    let mut largest: Option<f64> = None;
    for policy in policies {
        let lambda = smallest_lambda(worlds, policy, u, gamma)?;
        largest = Some(largest.map_or(lambda, |largest| largest.max(lambda)));
    }
    largest
        .ok_or_else(|| Error::invalid("no policy is given, of which any lambda is enough: give one at least"))
}
