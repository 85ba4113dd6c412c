//! The flexible factorization of a posterior over policies, between δ(π|M) and q(π|D).

use super::conditional::Conditional;
use super::empirical::mixed_mdp;
use super::policies::Policies;
use super::posterior::FiniteBelief;
use crate::check;
use crate::divergence::discrete::kl;
use mbrl_core::{Error, Result, TabularMdp};

/// What q(π|M, D, λ) is between λ = 0, where it is δ(π|M), and λ = 1, where M no longer matters. Its source defines these
/// two ends, and nothing between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Construction {
    /// (1 − λ) δ(π|M) + λ q̂(π|D), with q̂ as [`softmax_policies`] has it.
    Mixture,
    /// δ(π | λ M̂_D + (1 − λ) M): the policy that is best for moves of which a share λ is from the data. It is what the
    /// algorithm does that goes with the factorization. At λ = 1 it is δ(π|M̂_D).
    Data,
}

/// q(π|D, λ) = Σ_M q(M|D) q(π|M, D, λ): the flexible factorization, for every λ.
///
/// ```
/// use mbrl_bounds::psrl::{Construction, FiniteBelief, Flexible, Policies};
/// use mbrl_core::TabularMdp;
///
/// // Either of two arms may be the one that pays, and three trials of the first have paid twice.
/// let bandit = |pays: [f64; 2]| TabularMdp::new(2, vec![1.0; 2], pays.to_vec(), vec![1.0], vec![false]);
/// let q = FiniteBelief::new(vec![bandit([1.0, 0.0])?, bandit([0.0, 1.0])?], vec![0.25, 0.75])?;
/// let (policies, empirical) = (Policies::deterministic(1, 2)?, bandit([2.0 / 3.0, 0.5])?);
/// let flexible = Flexible::new(&q, &policies, 1, &empirical, 0.1)?;
/// assert_eq!(flexible.policies(Construction::Mixture, 0.0)?, [0.25, 0.75]);
/// assert_eq!(flexible.policies(Construction::Data, 1.0)?, [1.0, 0.0]);
/// let best = flexible.best_lambda(Construction::Mixture, &[0.5, 0.5])?;
/// assert!(best.kl < 1e-15 && best.lambda > 0.4 && best.lambda < 0.5);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Flexible<'a> {
    belief: &'a FiniteBelief,
    policies: &'a Policies,
    horizon: u64,
    empirical: &'a TabularMdp,
    delta: Conditional,
    given_data: Vec<f64>,
}

/// The λ at which a factorization is nearest to a posterior.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestLambda {
    /// It; of equals, the smallest.
    pub lambda: f64,
    /// KL(q(·|D, λ) ‖ p), which may be infinite at every λ.
    pub kl: f64,
}

/// Of the data construction, which is constant in λ but for jumps, this many steps between 0 and 1 are tried.
const GRID: u32 = 1000;

impl<'a> Flexible<'a> {
    /// The factorization for the approximate posterior `belief` over models, policies that act for `horizon` steps, the
    /// MDP M̂_D that the data describe, and the `temperature` of q̂(π|D).
    pub fn new(
        belief: &'a FiniteBelief,
        policies: &'a Policies,
        horizon: u64,
        empirical: &'a TabularMdp,
        temperature: f64,
    ) -> Result<Self> {
        let given_data = softmax_policies(policies, empirical, horizon, temperature)?;
        let delta = Conditional::delta(belief.mdps(), policies, horizon)?;
        super::posterior::check_alike("the empirical MDP", empirical, "the model", &belief.mdps()[0])?;
        Ok(Flexible { belief, policies, horizon, empirical, delta, given_data })
    }

    /// δ(π|M).
    pub fn delta(&self) -> &Conditional {
        &self.delta
    }

    /// q̂(π|D).
    pub fn given_data(&self) -> &[f64] {
        &self.given_data
    }

    /// q(π|M, D, λ).
    pub fn conditional(&self, construction: Construction, lambda: f64) -> Result<Conditional> {
        let lambda = check::unit("lambda", lambda)?;
        match construction {
            Construction::Mixture => {
                let rows = (0..self.delta.models()).flat_map(|model| {
                    let pairs = self.delta.row(model).iter().zip(&self.given_data);
                    pairs.map(|(delta, data)| (1.0 - lambda) * delta + lambda * data)
                });
                Conditional::new(self.delta.policies(), rows.collect())
            }
            Construction::Data => {
                let mixed = self.belief.mdps().iter().map(|mdp| mixed_mdp(mdp, self.empirical, lambda));
                Conditional::delta(&mixed.collect::<Result<Vec<_>>>()?, self.policies, self.horizon)
            }
        }
    }

    /// q(π|D, λ).
    pub fn policies(&self, construction: Construction, lambda: f64) -> Result<Vec<f64>> {
        self.conditional(construction, lambda)?.marginal(self.belief.weights())
    }

    /// The λ that minimizes KL(q(·|D, λ) ‖ p), for a posterior p over the policies.
    ///
    /// Of a mixture it is found by bisection, as the divergence is convex in λ; of the data construction by looking at
    /// λ = 0, 0.001, …, 1.
    pub fn best_lambda(&self, construction: Construction, p: &[f64]) -> Result<BestLambda> {
        self.delta.check_policies("p", p)?;
        let at = |lambda: f64| Ok(BestLambda { lambda, kl: kl(&self.policies(construction, lambda)?, p)? });
        let tried: Vec<f64> = match construction {
            Construction::Mixture => {
                let delta = self.delta.marginal(self.belief.weights())?;
                vec![0.0, bisect(&delta, &self.given_data, p), 1.0]
            }
            Construction::Data => (0..=GRID).map(|i| f64::from(i) / f64::from(GRID)).collect(),
        };
        let mut best: BestLambda = at(0.0)?;
        for lambda in tried.into_iter().skip(1) {
            let other = at(lambda)?;
            if other.kl < best.kl {
                best = other;
            }
        }
        Ok(best)
    }
}

/// Where between 0 and 1 the slope in λ of KL((1 − λ) from + λ to ‖ p), which is Σ (to − from) ln(m / p) for the mixture
/// m, changes its sign; nowhere in particular, where p excludes what the mixtures have.
fn bisect(from: &[f64], to: &[f64], p: &[f64]) -> f64 {
    let slope = |lambda: f64| -> f64 {
        let terms = from.iter().zip(to).zip(p).filter(|((from, to), _)| **from > 0.0 || **to > 0.0);
        terms.map(|((from, to), p)| (to - from) * (((1.0 - lambda) * from + lambda * to) / p).ln()).sum()
    };
    if slope(0.0) >= 0.0 {
        return 0.0;
    }
    if slope(1.0) <= 0.0 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    // As many halvings as leave less than the spacing of f64 below 1.
    for _ in 0..54 {
        let middle = 0.5 * (low + high);
        if slope(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// q̂(π|D) ∝ exp(V^π / τ): policies by their values in an MDP, at a temperature τ above 0.
pub fn softmax_policies(
    policies: &Policies,
    mdp: &TabularMdp,
    horizon: u64,
    temperature: f64,
) -> Result<Vec<f64>> {
    let temperature = check::positive("temperature", temperature)?;
    let values = policies.values(mdp, horizon)?;
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut row: Vec<f64> = values.iter().map(|value| ((value - best) / temperature).exp()).collect();
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|weight| *weight /= sum);
    if row.iter().any(|weight| !weight.is_finite()) {
        return Err(Error::non_finite(format_args!(
            "the values of the policies over the temperature {temperature} overflow: use a larger one"
        )));
    }
    Ok(row)
}

#[cfg(test)]
mod tests;
