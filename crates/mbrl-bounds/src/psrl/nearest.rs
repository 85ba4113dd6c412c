//! The conditional over policies that makes wrong weights of models right.

use super::conditional::Conditional;
use crate::check;
use crate::divergence::discrete::kl;
use crate::divergence::total_variation;
use mbrl_core::{Error, Result};

/// What [`best_conditional`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct BestConditional {
    /// q(π|M).
    pub conditional: Conditional,
    /// KL(Σ_M q(M) q(π|M) ‖ p(π)) that it leaves.
    pub kl: f64,
    /// Rounds of proportional fitting.
    pub iterations: usize,
}

/// The fit is good when the mixture is this near to p in total variation; the divergence is then about its square.
const TOLERANCE: f64 = 1e-13;

/// More rounds than this are not waited for.
const MOST_ITERATIONS: usize = 1_000_000;

/// The q(π|M) that minimizes KL(Σ_M q(M) q(π|M) ‖ p(π)) for weights q(M) of the models, however wrong these are.
///
/// Where the policy may depend on the model by chance there is always one that leaves nothing. With no `reference` it is
/// p(π) in every model. With one it is, of all that leave nothing, that of the smallest Σ_M q(M) KL(q(·|M) ‖ ref(·|M)):
/// the joint distribution of the reference is fitted to the marginals q(M) and p(π) in turn (Sinkhorn's algorithm),
/// which leads to just that one (Csiszár 1975). Models that do not count, q(M) = 0, keep their row of the reference.
///
/// A reference has to give some probability to each policy that p has, in each model that counts: one as certain as
/// δ(π|M) has nothing near it that leaves nothing.
pub fn best_conditional(
    weights: &[f64],
    p: &[f64],
    reference: Option<&Conditional>,
) -> Result<BestConditional> {
    check::distribution("p", p)?;
    let Some(reference) = reference else {
        let conditional = Conditional::constant(weights.len().max(1), p)?;
        let kl = kl(&conditional.marginal(weights)?, p)?;
        return Ok(BestConditional { conditional, kl, iterations: 0 });
    };
    reference.check_weights(weights)?;
    reference.check_policies("p", p)?;
    // Sums that are one but for the slack they may have would never meet.
    let (p, weights) = (&normalized(p)[..], &normalized(weights)[..]);
    let policies = p.len();
    let mut rows: Vec<f64> = (0..weights.len()).flat_map(|model| reference.row(model)).copied().collect();
    for (model, row) in counted(&mut rows, policies, weights) {
        if let Some(policy) = row.iter().zip(p).position(|(have, p)| *have <= 0.0 && *p > 0.0) {
            let needs = p[policy];
            return Err(Error::invalid(format_args!(
                "the reference has nothing of policy {policy} in model {model}, and p has {needs}: mix some of every \
                 policy into it"
            )));
        }
    }
    let mut iterations = 0;
    loop {
        let mut marginal = vec![0.0; policies];
        for (model, row) in counted(&mut rows, policies, weights) {
            marginal.iter_mut().zip(row).for_each(|(sum, q)| *sum += weights[model] * *q);
        }
        let left = total_variation(&marginal, p);
        if left <= TOLERANCE {
            return Ok(BestConditional {
                kl: kl(&marginal, p)?,
                conditional: Conditional::new(policies, rows)?,
                iterations,
            });
        }
        if iterations == MOST_ITERATIONS || left.is_nan() {
            return Err(Error::invalid(format_args!(
                "after {iterations} rounds of fitting the mixture is {left:e} from p in total variation: mix \
                 some of every policy into the reference"
            )));
        }
        for (_, row) in counted(&mut rows, policies, weights) {
            for ((q, p), marginal) in row.iter_mut().zip(p).zip(&marginal) {
                *q *= if *p > 0.0 { p / marginal } else { 0.0 };
            }
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|q| *q /= sum);
        }
        iterations += 1;
    }
}

fn normalized(row: &[f64]) -> Vec<f64> {
    let sum: f64 = row.iter().sum();
    row.iter().map(|p| p / sum).collect()
}

/// The rows of the models that have any weight.
fn counted<'a>(
    rows: &'a mut [f64],
    policies: usize,
    weights: &'a [f64],
) -> impl Iterator<Item = (usize, &'a mut [f64])> {
    rows.chunks_exact_mut(policies).enumerate().filter(|(model, _)| weights[*model] > 0.0)
}

#[cfg(test)]
mod tests;
