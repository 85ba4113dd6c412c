//! Mean and variance of the return of a policy up to a horizon: the backward recursion of Sobel's equation.

use super::at_start;
use super::chain::{Chain, check_finite};
use super::moments::start_variance;
use super::policy::TabularPolicy;
use mbrl_core::{Context, Result, TabularMdp};

/// Mean and variance of what is still earned before a horizon, from each state and step.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteReturnMoments {
    states: usize,
    /// `[steps + 1, states]`; the last row is zero, as of the variance.
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// Mean and variance of the discounted return of `steps` steps, of which step `t` is by `policy_at(t)`.
///
/// ```
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::{backward_induction, finite_return_moments};
///
/// // Action 0 earns 0 or 1 by the toss of a coin that also decides where one is; action 1 earns 0.25 and stays.
/// let mdp = TabularMdp::new(
///     2,
///     vec![0.5, 0.5, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0],
///     vec![0.0, 1.0, 0.25, 0.25, 0.0, 1.0, 0.25, 0.25],
///     vec![1.0, 0.0],
///     vec![false; 2],
/// )?;
/// let plan = backward_induction(&mdp, 3, 1.0)?;
/// let policies: Vec<_> = (0..3).map(|t| plan.policy(t)).collect();
/// let moments = finite_return_moments(&mdp, |t| &policies[t], 3, 1.0)?;
/// assert!((moments.start_mean(&mdp) - plan.start_value(&mdp)).abs() < 1e-12);
/// assert!((moments.start_variance(&mdp) - 0.75).abs() < 1e-12);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn finite_return_moments<'a>(
    mdp: &TabularMdp,
    policy_at: impl Fn(usize) -> &'a TabularPolicy,
    steps: usize,
    discount: f64,
) -> Result<FiniteReturnMoments> {
    super::check_discount(discount)?;
    let states = mdp.states();
    let size = super::table_len(steps.checked_add(1), states)?;
    let (mut mean, mut variance) = (vec![0.0; size], vec![0.0; size]);
    for t in (0..steps).rev() {
        let chain = Chain::new(mdp, policy_at(t)).with_context(|| format!("step {t}"))?;
        let (mean, mean_later) = now_and_later(&mut mean, t, states);
        let (variance, variance_later) = now_and_later(&mut variance, t, states);
        chain.expect(mean, |_, next, reward| reward + discount * mean_later[next]);
        chain.expect(variance, |state, next, reward| {
            let surprise = reward + discount * mean_later[next] - mean[state];
            surprise * surprise + discount * discount * variance_later[next]
        });
    }
    check_finite("mean return", &mean[..states])?;
    check_finite("variance of the return", &variance[..states])?;
    Ok(FiniteReturnMoments { states, mean, variance })
}

fn now_and_later(rows: &mut [f64], t: usize, states: usize) -> (&mut [f64], &[f64]) {
    let (now, later) = rows.split_at_mut((t + 1) * states);
    (&mut now[t * states..], &later[..states])
}

impl FiniteReturnMoments {
    /// The mean of what is still earned from each state at step `t`, `[states]`: nothing at the horizon.
    ///
    /// # Panics
    ///
    /// Where `t` is past the horizon.
    pub fn mean(&self, t: usize) -> &[f64] {
        self.row(&self.mean, t)
    }

    /// The variance of what is still earned from each state at step `t`, `[states]`.
    ///
    /// # Panics
    ///
    /// Where `t` is past the horizon.
    pub fn variance(&self, t: usize) -> &[f64] {
        self.row(&self.variance, t)
    }

    /// The mean return of an episode that starts as `mdp` says.
    ///
    /// # Panics
    ///
    /// Where `mdp` has another number of states.
    pub fn start_mean(&self, mdp: &TabularMdp) -> f64 {
        at_start(mdp, self.mean(0))
    }

    /// The variance of the return of an episode that starts as `mdp` says; the first state contributes to it.
    ///
    /// # Panics
    ///
    /// Where `mdp` has another number of states.
    pub fn start_variance(&self, mdp: &TabularMdp) -> f64 {
        start_variance(mdp, self.mean(0), self.variance(0))
    }

    fn row<'a>(&self, rows: &'a [f64], t: usize) -> &'a [f64] {
        let steps = rows.len() / self.states - 1;
        assert!(t <= steps, "step {t} of {steps}");
        &rows[t * self.states..(t + 1) * self.states]
    }
}
