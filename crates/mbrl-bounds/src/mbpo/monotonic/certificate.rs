//! What is subtracted from a return in the model, so that what is left is earned in the world.

use super::model_return;
use crate::mbpo::{Drift, model_error_under, policy_shift, theorem_4_1};
use crate::mopo::{ErrorEstimate, eps_u, penalty_weight};
use crate::{Discounted, ModelledMdp};
use mbrl_core::Result;
use mbrl_plan::TabularPolicy;

/// C(π), with which η(π) ≥ η̂(π) − C(π) for every policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// [`theorem_4_1`], which is what the paper's Algorithm 1 subtracts:
    /// C = 2 γ r_max (ε_m + 2 ε_π) / (1 − γ)² + 4 r_max ε_π / (1 − γ).
    ///
    /// A policy gains at most 2 r_max ε_π / (1 − γ)² in any model, and pays twice that. So nothing is better than π_D, and
    /// nothing is certified to earn more than it does.
    Published,
    /// What the proof of theorem 4.1 needs, [`Drift::of_4_1`] with the discounted mean of the model's error:
    /// C = 2 γ r_max (ε_m + 2 ε_π) / (1 − γ)².
    ///
    /// That is 2 γ times what a policy can gain in a model, so that π_D is the best for γ ≥ ½.
    Drift,
    /// The same with no drift above one, [`Drift::capped_amount`]. As that costs no more the further one goes, it can
    /// certify the jump from a policy that is nearly as bad as can be, under any discount.
    CappedDrift,
    /// Errors that are known of every move, where π makes it in the model: C = 2 γ r_max / (1 − γ) · E_ρ̂ TV(p, p̂), with
    /// ρ̂ the unnormalised occupancy of π in the model.
    ///
    /// This is [`Drift::of_4_3`] for a rollout without end, as the rule for chains of moves lets the mean be taken along
    /// either of the two. Taken in the model, as the telescoping lemma of [`mopo`](crate::mopo) has it, it is a penalty on
    /// each move that can be planned with.
    EveryMove,
}

impl Certificate {
    /// All of them.
    pub const ALL: [Certificate; 4] =
        [Certificate::Published, Certificate::Drift, Certificate::CappedDrift, Certificate::EveryMove];

    /// η̂(π) − C(π), which is never more than η(π), where `data_policy` is the π_D that ε_m and ε_π speak of.
    pub fn bound(
        self,
        worlds: &ModelledMdp,
        policy: &TabularPolicy,
        data_policy: &TabularPolicy,
        gamma: f64,
    ) -> Result<f64> {
        let modelled = model_return(worlds, policy, gamma)?;
        Ok(match self.by_shift(worlds, data_policy, gamma)? {
            Some(by_shift) => modelled - by_shift.amount(policy_shift(worlds, policy, data_policy)?)?,
            None => {
                let met = eps_u(worlds, policy, &ErrorEstimate::total_variation(worlds), gamma)?;
                modelled - penalty_weight(worlds.discounted(gamma)?) * met
            }
        })
    }

    /// C as a function of ε_π, where it is one.
    pub(super) fn by_shift(
        self,
        worlds: &ModelledMdp,
        data_policy: &TabularPolicy,
        gamma: f64,
    ) -> Result<Option<ByShift>> {
        if self == Certificate::EveryMove {
            return Ok(None);
        }
        let error = model_error_under(worlds, data_policy, gamma)?;
        // A cap on a mean is no mean of caps, so that one asks for the largest.
        let eps_m = if self == Certificate::Drift { error.mean } else { error.largest };
        Ok(Some(ByShift { certificate: self, returns: worlds.discounted(gamma)?, eps_m }))
    }
}

/// C(ε_m, ε_π) for one ε_m: it grows with ε_π, and is linear or concave.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByShift {
    certificate: Certificate,
    pub(super) returns: Discounted,
    eps_m: f64,
}

impl ByShift {
    pub(super) fn amount(&self, eps_pi: f64) -> Result<f64> {
        let ByShift { certificate, returns, eps_m } = *self;
        match certificate {
            Certificate::Published => theorem_4_1(returns, eps_m, eps_pi),
            Certificate::CappedDrift => Drift::of_4_1(eps_m, eps_pi)?.capped_amount(returns),
            Certificate::Drift | Certificate::EveryMove => Drift::of_4_1(eps_m, eps_pi)?.amount(returns),
        }
    }
}
