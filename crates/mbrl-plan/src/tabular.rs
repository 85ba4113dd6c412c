//! Exact quantities of tabular MDPs: optima, moments of the return, and occupancy measures, all in `f64`.
//!
//! Throughout, a reward belongs to a whole move, entering a terminal state ends the episode, and a terminal state has
//! value 0 and is never acted in. An episode that starts in one is over before it begins.

mod backward_induction;
mod chain;
mod finite_moments;
mod finite_occupancy;
mod lu;
mod moments;
mod occupancy;
mod policy;
mod policy_iteration;
mod stationary;
mod value_iteration;

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use backward_induction::{FinitePlan, backward_induction};
pub use finite_moments::{FiniteReturnMoments, finite_return_moments};
pub use finite_occupancy::{FiniteOccupancy, finite_occupancy};
pub use moments::{ReturnMoments, return_moments};
pub use occupancy::{Occupancy, occupancy};
pub use policy::TabularPolicy;
pub use policy_iteration::policy_iteration;
pub use stationary::StationaryPlan;
pub(crate) use value_iteration::iterate;
pub use value_iteration::value_iteration;

use mbrl_core::{Error, Result, TabularMdp};

/// More numbers than this in a table (two gigabytes) are a slip of the hand.
const MOST_VALUES: usize = 1 << 28;

/// What an action is worth, where `later` says what the states after it are worth.
fn action_value(mdp: &TabularMdp, state: usize, action: usize, discount: f64, later: &[f64]) -> f64 {
    let successors = mdp.transition(state, action).iter().zip(mdp.reward(state, action)).zip(later);
    // Terminal states have the value 0 in `later`.
    successors.map(|((p, reward), value)| p * (reward + discount * value)).sum()
}

/// The mean of `values` over the first states.
fn at_start(mdp: &TabularMdp, values: &[f64]) -> f64 {
    assert_eq!(mdp.states(), values.len(), "states of the MDP and of the values");
    mdp.start().iter().zip(values).map(|(p, value)| p * value).sum()
}

pub(crate) fn check_discount(discount: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&discount) {
        return Err(Error::invalid(format_args!("discount is {discount}: expected 0 to 1")));
    }
    Ok(())
}

/// Refuses a discount of 1 as well: what is asked for need not exist there.
pub(crate) fn check_discount_below_one(discount: f64, mend: &str) -> Result<()> {
    check_discount(discount)?;
    if discount >= 1.0 {
        return Err(Error::invalid(format_args!("discount is 1, and episodes may last for ever: {mend}")));
    }
    Ok(())
}

/// The length of a table of `rows` rows of `columns` numbers, where it can be held.
fn table_len(rows: Option<usize>, columns: usize) -> Result<usize> {
    match rows.and_then(|rows| rows.checked_mul(columns)) {
        Some(len @ ..=MOST_VALUES) => Ok(len),
        _ => Err(Error::invalid(format_args!(
            "too many steps for tables of {columns} numbers a step: at most {MOST_VALUES} numbers are held, so take \
             fewer steps"
        ))),
    }
}
