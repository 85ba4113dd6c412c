//! What the proofs of the theorems give before it is rounded up: how fast two ways to act can drift apart.

use crate::{Discounted, check};
use mbrl_core::Result;

/// How far apart the states of a policy in the world, and those of a rollout, can be in each step.
///
/// The proofs bound the total variation d_t of the two states of step t, by what is added to it in each step:
///
/// - the last min(t, k) steps of a rollout were in the model, and add the error of the model under π, which is ε_m′;
///   or, where that is known under π_D alone, at most ε_m + 2 ε_π: the errors of the model under π_D, and twice the
///   step from one policy to the other, as π is followed in the world and in the model;
/// - the max(t − k, 0) steps before were in the world, by π_D in the place of π, and add ε_π each.
///
/// The action of step t is by π on both sides and adds nothing. So |η − η^branch| ≤ 2 r_max Σ_t γᵗ d_t with
/// d_t ≤ max(t − k, 0) ε_π + min(t, k) ε_m′, and as Σ_t γᵗ max(t − k, 0) = γᵏ⁺¹ / (1 − γ)² and
/// Σ_t γᵗ min(t, k) = γ (1 − γᵏ) / (1 − γ)²,
///
/// |η − η^branch| ≤ 2 r_max [γᵏ⁺¹ ε_π + γ (1 − γᵏ) ε_m′] / (1 − γ)².
///
/// Theorem 4.3 has k (1 − γ) for γ (1 − γᵏ), and adds a term in γᵏ ε_π for the action. Besides, no total variation is
/// above one: [`capped_amount`](Drift::capped_amount) has min(1, d_t).
///
/// ```
/// use mbrl_bounds::mbpo::{Drift, Form, theorem_4_3};
/// use mbrl_bounds::Discounted;
///
/// let returns = Discounted::new(0.99, 1.0)?;
/// let drift = Drift::of_4_3(0.02, 0.1, 1000)?;
/// let published = theorem_4_3(returns, Form::Published, 0.02, 0.1, 1000)?;
/// assert!(drift.amount(returns)? < 0.1 * published);
/// // The theorem subtracts twenty times what returns can differ by; after 50 steps no two states can be further apart.
/// assert!(returns.is_vacuous(published));
/// assert!(drift.capped_amount(returns)? < 0.8 * returns.widest_gap());
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// What each step before the branch adds, counted back from step t.
    before: f64,
    /// What each of the last `k` steps adds.
    since: f64,
    k: u64,
}

/// A rollout that is in the model from the first step on: 2⁶⁴ steps are too many for any discount below one to leave a
/// rest.
const ENDLESS: u64 = u64::MAX;

impl Drift {
    /// Of a rollout all in the model, where its error is known under π_D: theorem 4.1.
    ///
    /// Its amount, 2 γ r_max (ε_m + 2 ε_π) / (1 − γ)², lacks the 4 r_max ε_π / (1 − γ) of the theorem, whose proof goes
    /// by way of the return of π_D. By way of the states of π_D and the actions of π, no action is ever compared.
    pub fn of_4_1(eps_m: f64, eps_pi: f64) -> Result<Self> {
        Drift::of_4_2(eps_m, eps_pi, ENDLESS)
    }

    /// Of rollouts of `k` steps that branch off from π_D, where the error of the model is known under π_D: theorem 4.2.
    pub fn of_4_2(eps_m: f64, eps_pi: f64, k: u64) -> Result<Self> {
        let (eps_m, eps_pi) = (check::unit("eps-m", eps_m)?, check::unit("eps-pi", eps_pi)?);
        Ok(Drift { before: eps_pi, since: eps_m + 2.0 * eps_pi, k })
    }

    /// Of rollouts of `k` steps that branch off from π_D, where the error of the model is known under π: theorem 4.3.
    ///
    /// With `eps_pi` 0 and `k` without end, this is the drift of the model itself: 2 γ r_max ε_m′ / (1 − γ)².
    pub fn of_4_3(eps_m_prime: f64, eps_pi: f64, k: u64) -> Result<Self> {
        let (eps_m_prime, eps_pi) = (check::unit("eps-m", eps_m_prime)?, check::unit("eps-pi", eps_pi)?);
        Ok(Drift { before: eps_pi, since: eps_m_prime, k })
    }

    /// The bound on d_t, the total variation of the states of step t.
    pub fn at(&self, t: u64) -> f64 {
        let (before, since) = (t.saturating_sub(self.k) as f64, t.min(self.k) as f64);
        (before * self.before + since * self.since).min(1.0)
    }

    /// 2 r_max Σ_t γᵗ d_t, with d_t as it is added up: what |η − η^branch|, or |η − η̂|, is at most.
    ///
    /// This also holds where the discounted means of errors ([`StepError::mean`](super::StepError::mean)) were given in
    /// the place of their largest: the error of step i is in d_t for all t > i, or for i < t ≤ i + k, so it is summed
    /// with weight γⁱ⁺¹ / (1 − γ), or γⁱ⁺¹ (1 − γᵏ) / (1 − γ), whatever i is. ε_m and its ε_π are then means under π_D,
    /// and ε_m′ is one under π, with an ε_π under either.
    pub fn amount(&self, returns: Discounted) -> Result<f64> {
        let gamma = returns.gamma();
        let before = gamma * gamma.powf(self.k as f64) * returns.horizon() * self.before;
        let since = gamma * geometric(gamma, self.k as f64) * self.since;
        check::finite("the drift", 2.0 * returns.r_max() * (returns.horizon() * (before + since)))
    }

    /// 2 r_max Σ_t γᵗ min(1, d_t), exactly to rounding: never more than γ times the
    /// [widest gap](Discounted::widest_gap), which is what all rewards after the first step can differ by. So it is never
    /// vacuous as the theorems are, but says the less, the nearer it is to that.
    ///
    /// It asks for the largest errors; discounted means do not do here, as a cap on the mean is no mean of caps.
    pub fn capped_amount(&self, returns: Discounted) -> Result<f64> {
        let gamma = returns.gamma();
        // What step i adds stays for all steps after it: its weight is γⁱ⁺¹ / (1 − γ). Steps add until the sum is one.
        let (mut steps, mut left, mut sum) = (0.0, 1.0, 0.0);
        for (added, count) in [(self.since, self.k as f64), (self.before, f64::INFINITY)] {
            if added <= 0.0 {
                steps += count;
                continue;
            }
            let whole = (left / added).floor().min(count);
            sum += gamma * gamma.powf(steps) * geometric(gamma, whole) * added;
            (steps, left) = (steps + whole, (left - whole * added).max(0.0));
            if whole < count {
                sum += gamma * gamma.powf(steps) * left;
                break;
            }
        }
        check::finite("the capped drift", 2.0 * returns.r_max() * (returns.horizon() * sum))
    }
}

/// Σ_{i < count} γⁱ.
fn geometric(gamma: f64, count: f64) -> f64 {
    if count < 1.0 {
        return 0.0;
    }
    // 1 − γⁿ as a difference would lose up to half of its digits where γⁿ is near one.
    -(count * gamma.ln()).exp_m1() / (1.0 - gamma)
}
