//! Theorem 4.4: how far the best policy of the penalised model falls short.

use crate::{Discounted, check};
use mbrl_core::Result;

/// λ = γ c, with c = 2 r_max / (1 − γ): the weight of the penalty under which a return in the model bounds the true one
/// from below, where the error of a move is its total variation, at most one.
///
/// Values lie within ± r_max / (1 − γ), and the distance over functions of at most this size is this size times ‖P − Q‖₁,
/// which is twice the total variation: hence the 2.
pub fn penalty_weight(returns: Discounted) -> f64 {
    // The rewards last, which may be so large that a return has no number.
    2.0 * (returns.gamma() * returns.horizon()) * returns.r_max()
}

/// Theorem 4.4: η(π̂) ≥ η(π) − 2 λ ε_u(π) for every policy π, where π̂ is the best of the penalised model.
///
/// ε_u(π) is the discounted sum of the error estimate u that π meets in the model; this is 2 λ ε_u.
///
/// ```
/// assert_eq!(mbrl_bounds::mopo::theorem_4_4(0.5, 0.25)?, 0.25);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn theorem_4_4(lambda: f64, eps_u: f64) -> Result<f64> {
    let (lambda, eps_u) = (check::at_least_zero("lambda", lambda)?, check::at_least_zero("eps-u", eps_u)?);
    check::finite("theorem 4.4", 2.0 * lambda * eps_u)
}
