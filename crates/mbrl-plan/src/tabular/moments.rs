//! Mean and variance of the discounted return of a policy (Sobel 1982).
//!
//! By the law of total variance over the first move, with V the mean,
//! Var(s) = E[(r + γ V(s') − V(s))² + γ² Var(s')]: linear in Var, and a sum of what cannot be negative.

use super::at_start;
use super::chain::{Chain, check_finite};
use super::policy::TabularPolicy;
use mbrl_core::{Result, TabularMdp};

/// Mean and variance of the return from each state.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnMoments {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// Mean and variance of the discounted return of a policy that is followed until the episode ends, by linear solves.
///
/// A discount of 1 is accepted where the policy reaches an end from every state.
///
/// ```
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::{TabularPolicy, return_moments};
///
/// // Every step earns 1 and ends the episode with probability ½: returns are geometric, of mean 2 and variance 2.
/// let mdp = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0; 4], vec![1.0, 0.0], vec![false, true])?;
/// let moments = return_moments(&mdp, &TabularPolicy::uniform(&mdp), 1.0)?;
/// assert!((moments.mean()[0] - 2.0).abs() < 1e-12 && (moments.variance()[0] - 2.0).abs() < 1e-12);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn return_moments(mdp: &TabularMdp, policy: &TabularPolicy, discount: f64) -> Result<ReturnMoments> {
    super::check_discount(discount)?;
    let chain = Chain::new(mdp, policy)?;
    let mut mean = vec![0.0; mdp.states()];
    chain.expect(&mut mean, |_, _, reward| reward);
    chain.system(discount)?.solve(&mut mean);
    check_finite("mean return", &mean)?;
    let mut variance = vec![0.0; mdp.states()];
    chain.expect(&mut variance, |state, next, reward| (reward + discount * mean[next] - mean[state]).powi(2));
    chain.system(discount * discount)?.solve(&mut variance);
    check_finite("variance of the return", &variance)?;
    // The solve may leave a rounding error below zero.
    variance.iter_mut().for_each(|variance| *variance = variance.max(0.0));
    Ok(ReturnMoments { mean, variance })
}

impl ReturnMoments {
    /// The mean return from each state, `[states]`: the value of the policy.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The variance of the return from each state, `[states]`.
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// The mean return of an episode that starts as `mdp` says.
    ///
    /// # Panics
    ///
    /// Where `mdp` has another number of states.
    pub fn start_mean(&self, mdp: &TabularMdp) -> f64 {
        at_start(mdp, &self.mean)
    }

    /// The variance of the return of an episode that starts as `mdp` says; the first state contributes to it.
    ///
    /// # Panics
    ///
    /// Where `mdp` has another number of states.
    pub fn start_variance(&self, mdp: &TabularMdp) -> f64 {
        start_variance(mdp, &self.mean, &self.variance)
    }
}

pub(super) fn start_variance(mdp: &TabularMdp, mean: &[f64], variance: &[f64]) -> f64 {
    let centre = at_start(mdp, mean);
    let states = mdp.start().iter().zip(mean.iter().zip(variance));
    states.map(|(p, (mean, variance))| p * (variance + (mean - centre).powi(2))).sum()
}
