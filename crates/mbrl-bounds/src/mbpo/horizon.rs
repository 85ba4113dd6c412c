//! The length of rollouts at which theorem 4.3 subtracts least.

use super::theorems::{Form, theorem_4_3};
use crate::{Discounted, check};
use mbrl_core::{Error, Result};

/// k*, the shortest length of rollouts at which theorem 4.3 subtracts least.
///
/// A step more changes the bracket by (ε_m′ − γᵏ ε_π) / (1 − γ), which grows with k. So it pays until γᵏ ε_π ≤ ε_m′, and
/// k* is the smallest such k: 0 where the model is no better than the policy is near, and ⌈ln(ε_m′ / ε_π) / ln γ⌉
/// otherwise. Both forms of the theorem agree, as their difference does not depend on k.
///
/// That it is neither none nor all is due to what the theorem rounds up, k for γ (1 − γᵏ) / (1 − γ). By
/// [`Drift`](super::Drift), whose amount is a mean of the two errors with weights γᵏ and 1 − γᵏ, a model whose ε_m′ is
/// below ε_π is the better the longer it is used.
///
/// ```
/// use mbrl_bounds::mbpo::k_star;
///
/// assert_eq!(k_star(0.5, 0.1, 0.4)?, 2);
/// assert_eq!(k_star(0.99, 0.2, 0.1)?, 0);
/// assert!(k_star(0.99, 0.0, 0.1).unwrap_err().to_string().contains("unbounded"));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn k_star(gamma: f64, eps_m_prime: f64, eps_pi: f64) -> Result<u64> {
    let gamma = check::discount("gamma", gamma)?;
    let (eps_m_prime, eps_pi) = (check::unit("eps-m", eps_m_prime)?, check::unit("eps-pi", eps_pi)?);
    let enough = |k: u64| gamma.powf(k as f64) * eps_pi <= eps_m_prime;
    if enough(0) {
        return Ok(0);
    }
    if eps_m_prime <= 0.0 && gamma > 0.0 {
        return Err(Error::invalid(format_args!(
            "k* is unbounded: eps-m is 0 and eps-pi is {eps_pi}, so a longer rollout is always better: give eps-m above 0"
        )));
    }
    if enough(1) {
        return Ok(1);
    }
    // By halving, as the quotient of logarithms may be rounded to the wrong side of a whole number, and is far from where
    // γᵏ ε_π and ε_m′ meet if these are so small that f64 has few digits left for them.
    let (mut short, mut k) = (1, 2);
    while !enough(k) {
        (short, k) = (k, k.saturating_mul(2));
    }
    while k - short > 1 {
        let middle = short + (k - short) / 2;
        if enough(middle) {
            k = middle;
        } else {
            short = middle;
        }
    }
    Ok(k)
}

/// The shortest of the lengths 0 to `longest` at which theorem 4.3 subtracts least, by looking at each.
pub fn k_star_by_search(gamma: f64, eps_m_prime: f64, eps_pi: f64, longest: u64) -> Result<u64> {
    let returns = Discounted::new(gamma, 1.0)?;
    let mut best = (theorem_4_3(returns, Form::Published, eps_m_prime, eps_pi, 0)?, 0);
    for k in 1..=longest {
        let amount = theorem_4_3(returns, Form::Published, eps_m_prime, eps_pi, k)?;
        if amount < best.0 {
            best = (amount, k);
        }
    }
    Ok(best.1)
}
