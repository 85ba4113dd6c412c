//! The symbols of the theorems, exactly: how wrong a model is, and how far two policies are apart.

use super::branch::{apply, moves};
use crate::{ModelledMdp, check};
use mbrl_core::{Error, Result};
use mbrl_plan::{TabularPolicy, occupancy};

/// A total variation that is met step after step, of which e_t is the mean of step t; no error is met after an end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepError {
    /// max_t e_t, which is what the theorems ask for.
    ///
    /// It is taken over the steps that matter, and always over the first. What goes wrong in step t reaches the rewards
    /// from t + 1 on, whose share of a return is γᵗ⁺¹: steps for which that is below 1e-14 can change no return by more
    /// than rounding does.
    pub largest: f64,
    /// (1 − γ) Σ_t γᵗ e_t: the discounted mean, which is never more, and which [`Drift::amount`](super::Drift::amount)
    /// takes in the place of the largest.
    pub mean: f64,
}

/// The error of the model under a policy in the world: e_t = E TV(p, p̂) of the moves that this policy makes in step t.
///
/// Under the data policy π_D its largest is ε_m, of theorems 4.1 and 4.2; under the policy π that is to be judged it is
/// ε_m′, of theorem 4.3.
///
/// The steps that matter are about 32 / (1 − γ). Fewer are looked at where it is plain that none that follows has a
/// larger error, or where errors have settled or go round in a circle. Where they do neither for too long, that is said.
pub fn model_error_under(worlds: &ModelledMdp, policy: &TabularPolicy, gamma: f64) -> Result<StepError> {
    worlds.check_policy("the policy", policy)?;
    let mut errors = vec![0.0; worlds.truth().states()];
    for (state, action) in worlds.acted() {
        errors[state] += policy.probabilities(state)[action] * worlds.total_variation(state, action);
    }
    along(worlds, policy, gamma, errors)
}

/// The largest error of the model in any move: ε_m and ε_m′ of whatever policy are at most this.
pub fn model_error_supremum(worlds: &ModelledMdp) -> f64 {
    let errors = worlds.acted().map(|(state, action)| worlds.total_variation(state, action));
    at_most_one(errors.fold(0.0, f64::max))
}

/// ε_π: the largest total variation between two policies in any state that is not terminal.
pub fn policy_shift(
    worlds: &ModelledMdp,
    policy: &TabularPolicy,
    data_policy: &TabularPolicy,
) -> Result<f64> {
    Ok(at_most_one(shifts(worlds, policy, data_policy)?.into_iter().fold(0.0, f64::max)))
}

/// How far two policies are apart where `visitor` goes in the world: e_t = E TV(π, π_D) of the states of step t.
///
/// With `visitor` π_D, these are the states that there are data of.
pub fn policy_shift_under(
    worlds: &ModelledMdp,
    visitor: &TabularPolicy,
    policy: &TabularPolicy,
    data_policy: &TabularPolicy,
    gamma: f64,
) -> Result<StepError> {
    worlds.check_policy("the visiting policy", visitor)?;
    along(worlds, visitor, gamma, shifts(worlds, policy, data_policy)?)
}

/// TV(π, π_D) in each state, 0 in terminal ones.
fn shifts(worlds: &ModelledMdp, policy: &TabularPolicy, data_policy: &TabularPolicy) -> Result<Vec<f64>> {
    worlds.check_policy("the policy", policy)?;
    worlds.check_policy("the data policy", data_policy)?;
    let truth = worlds.truth();
    let shift =
        |state| if truth.is_terminal(state) { 0.0 } else { policy.total_variation(data_policy, state) };
    Ok((0..truth.states()).map(shift).collect())
}

/// Steps whose share of a return is less than this are not looked at.
const NEGLIGIBLE: f64 = 1e-14;

/// So many products of numbers take some seconds, and no error is looked for longer. A step costs as much as this many
/// beside its own.
const MOST_PRODUCTS: f64 = 2e9;
const STEP: f64 = 64.0;

/// What remains may change no error by more than this.
const SETTLED: f64 = 1e-12;

/// The error of each step along the way of a policy in the world, where `errors` has that of each state.
fn along(worlds: &ModelledMdp, policy: &TabularPolicy, gamma: f64, errors: Vec<f64>) -> Result<StepError> {
    let gamma = check::exact_discount("gamma", gamma)?;
    let visits = occupancy(worlds.truth(), policy, gamma)?;
    let mean = visits.states().iter().zip(&errors).map(|(share, error)| share * error).sum();
    let (start, moves) = (worlds.truth().start(), moves(worlds, worlds.truth(), policy));
    let visited = visited(start, &moves);
    // What a state's visitor is to meet t steps later: an average of what was to be met one step earlier, so its
    // maximum over the states that are ever visited falls with t, and bounds all errors to come.
    let mut ahead = errors;
    let (mut largest, mut weight) = (0.0f64, gamma);
    // What was ahead some steps ago, to see whether it has settled or goes round in a circle (Brent 1980).
    let (mut earlier, mut since, mut circle) = (ahead.clone(), 0.0, 1.0);
    let steps = (MOST_PRODUCTS / ((start.len() as f64).powi(2) + STEP)) as u64;
    for _ in 0..steps {
        largest = largest.max(start.iter().zip(&ahead).map(|(p, error)| p * error).sum());
        let to_come = visited.iter().map(|&state| ahead[state]).fold(0.0, f64::max);
        weight *= gamma;
        if weight < NEGLIGIBLE || to_come <= largest * (1.0 + NEGLIGIBLE) {
            return Ok(StepError { largest: at_most_one(largest), mean: at_most_one(mean) });
        }
        ahead = apply(&moves, &ahead);
        since += 1.0;
        let changed = ahead.iter().zip(&earlier).map(|(now, then)| (now - then).abs()).fold(0.0, f64::max);
        // As often as it may still change by this.
        let rounds = (NEGLIGIBLE / weight).ln() / gamma.ln() / since;
        if changed * rounds <= SETTLED {
            return Ok(StepError { largest: at_most_one(largest), mean: at_most_one(mean) });
        }
        if since >= circle {
            (since, circle) = (0.0, 2.0 * circle);
            earlier.copy_from_slice(&ahead);
        }
    }
    Err(Error::invalid(format_args!(
        "gamma is {gamma}, and in {steps} steps the errors along this policy have not settled: take a smaller discount, or \
         the supremum over all moves"
    )))
}

/// Rounding may leave a sum of probabilities a little above one, which the theorems would refuse.
fn at_most_one(total_variation: f64) -> f64 {
    total_variation.min(1.0)
}

/// The states that can be reached from the first ones.
fn visited(start: &[f64], moves: &[f64]) -> Vec<usize> {
    let mut seen: Vec<bool> = start.iter().map(|p| *p > 0.0).collect();
    let mut visited: Vec<usize> = (0..start.len()).filter(|&state| seen[state]).collect();
    let mut looked_at = 0;
    while let Some(&state) = visited.get(looked_at) {
        looked_at += 1;
        for (next, seen) in seen.iter_mut().enumerate().filter(|(_, seen)| !**seen) {
            if moves[state * start.len() + next] > 0.0 {
                *seen = true;
                visited.push(next);
            }
        }
    }
    visited
}
