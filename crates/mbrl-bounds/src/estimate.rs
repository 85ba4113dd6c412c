//! The symbols of the bounds, estimated from data, each with its interval.
//!
//! ε_m is a mean over rows of a total variation, ε_π one over states. The errors of the rows come first
//! ([`smoothed_errors`], [`gaussian_errors`], [`w1_errors`]), and an [`Estimate`] is made of them, for all rows or
//! [by step](by_step). An interval takes the rows to be independent: steps of one
//! episode are not, but those of different episodes are, of which a single step has one row each.

mod amounts;
mod gaussian;
mod interval;
mod policy;
mod predicted;
mod scale;
mod smoothed;
mod steps;
mod wasserstein;

#[cfg(test)]
mod tests;

pub use amounts::{Amounts, Range, amounts};
pub use gaussian::{GaussianRows, eps_m_gaussian, gaussian_errors};
pub use interval::{Coverage, Estimate};
pub use policy::{PolicyShift, categorical_policy_shift, policy_shift};
pub use predicted::{Draws, Predicted};
pub use scale::{Deviations, Smoothing};
pub use smoothed::{eps_m_smoothed, smoothed_errors};
pub use steps::{StepBin, StepErrors, by_step};
pub use wasserstein::{eps_m_w1, w1_errors};
