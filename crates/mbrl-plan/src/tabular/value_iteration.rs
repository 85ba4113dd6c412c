//! The discounted optimum by successive approximation, with a bound on how far from it one is.
//!
//! If every value rose by at least m and at most M in one sweep, from V to TV, the optimum V* lies between
//! TV + γ/(1−γ) m and TV + γ/(1−γ) M (MacQueen 1966; Puterman 1994, theorem 6.6.3). Where episodes can end, a terminal
//! state counts as one whose value rose by 0. The sweeps stop when the middle of that interval is near enough to both of
//! its ends.

use super::action_value;
use super::chain::check_finite;
use super::stationary::StationaryPlan;
use mbrl_core::{Error, Result, TabularMdp};

/// The optimum for ever, each of its values to `tolerance`; of equally good actions, the first.
///
/// Rounding comes on top of the tolerance: about the spacing of `f64` at the largest value, divided by 1 − γ. A policy
/// that is greedy for values so near to the optimum loses at most 2γ/(1−γ) times the tolerance.
///
/// ```
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::value_iteration;
///
/// // One state: action 0 earns 0.5 a step, action 1 earns 1.
/// let mdp = TabularMdp::new(2, vec![1.0, 1.0], vec![0.5, 1.0], vec![1.0], vec![false])?;
/// let plan = value_iteration(&mdp, 0.9, 1e-9)?;
/// assert_eq!(plan.action(0), 1);
/// assert!((plan.value(0) - 10.0).abs() < 1e-9);
/// assert!((plan.action_values(0)[0] - 9.5).abs() < 1e-9);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn value_iteration(mdp: &TabularMdp, discount: f64, tolerance: f64) -> Result<StationaryPlan> {
    super::check_discount_below_one(discount, "plan to a horizon with `backward_induction`, or discount")?;
    let mut values = vec![0.0; mdp.states()];
    let mut next = values.clone();
    let live: Vec<bool> = (0..mdp.states()).map(|state| !mdp.is_terminal(state)).collect();
    let rest = iterate(discount, tolerance, live.contains(&false), || {
        let mut rise = (f64::INFINITY, f64::NEG_INFINITY);
        for state in (0..mdp.states()).filter(|&state| live[state]) {
            let worths = (0..mdp.actions()).map(|action| action_value(mdp, state, action, discount, &values));
            next[state] = worths.fold(f64::NEG_INFINITY, f64::max);
            let rose = next[state] - values[state];
            rise = (rise.0.min(rose), rise.1.max(rose));
        }
        std::mem::swap(&mut values, &mut next);
        rise
    })?;
    values.iter_mut().zip(live).filter(|(_, live)| *live).for_each(|(value, _)| *value += rest);
    // One sweep more brings them nearer still, and makes each value the largest of its action values.
    let plan = StationaryPlan::greedy(mdp, discount, &values);
    check_finite("value", plan.values())?;
    Ok(plan)
}

/// Far more sweeps than anyone waits for.
const MOST_SWEEPS: f64 = 1e7;

/// Calls `sweep`, which says by how much values rose, at least and at most, until the middle of MacQueen's interval is
/// within `tolerance` of the optimum; returns what is to be added to each value to get there.
pub(crate) fn iterate(
    discount: f64,
    tolerance: f64,
    may_end: bool,
    mut sweep: impl FnMut() -> (f64, f64),
) -> Result<f64> {
    if !(tolerance > 0.0 && tolerance.is_finite()) {
        return Err(Error::invalid(format_args!("tolerance is {tolerance}: expected a positive number")));
    }
    let factor = discount / (1.0 - discount);
    let (mut sweeps, mut most) = (0.0, f64::INFINITY);
    loop {
        let (mut low, mut high) = sweep();
        if may_end {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let (rest, error) = (factor * (high + low) / 2.0, factor * (high - low) / 2.0);
        if !(rest.is_finite() && error.is_finite()) {
            return Err(Error::non_finite("the values overflow: use a smaller discount or smaller rewards"));
        }
        if error <= tolerance {
            return Ok(rest);
        }
        if sweeps < 1.0 {
            // A sweep shrinks the largest rise by γ, and it bounds both ends; only rounding takes longer than that.
            let largest = factor * low.abs().max(high.abs());
            most = ((tolerance / largest).ln() / discount.ln()).max(0.0).ceil() + 1.0;
        }
        sweeps += 1.0;
        if sweeps > most.min(MOST_SWEEPS) {
            return Err(Error::invalid(format_args!(
                "after {sweeps} sweeps the values are known to {error:e}, not to {tolerance:e}: ask for a larger tolerance, \
                 or a smaller discount"
            )));
        }
    }
}
