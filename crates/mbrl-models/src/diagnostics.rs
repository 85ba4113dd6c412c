//! How far to trust a model, measured on transitions that it was not fitted to.
//!
//! Each function takes a model, a [`Dataset`](mbrl_core::Dataset) and the numbers of the rows to look at, and returns plain
//! data for a report. Rows are looked at in chunks of a fixed number, and sums are in double precision and in the order of
//! the rows, so that equal input gives equal bits. What is predicted is a *model state*: successors are encoded where the
//! model has an encoder.

mod calibration;
mod compounding;
mod doubt;
mod edge_of_reach;
mod error_curve;
mod log_likelihood;
mod one_step;
mod predictions;
mod rank_correlation;
mod stats;
mod windows;

#[cfg(test)]
pub(crate) mod fake;

pub use calibration::{CALIBRATION_LEVELS, Calibration, Reliability, calibration};
pub use compounding::{Compounding, HorizonError, OpenLoop, compounding};
pub use edge_of_reach::{EdgeOfReach, EdgeSpec, Reached, edge_of_reach};
pub use error_curve::{ErrorBin, ErrorCurve, error_curve};
pub use log_likelihood::{LogLikelihood, log_likelihood};
pub use one_step::{OneStep, OneStepError, one_step};
pub use rank_correlation::{MeasureRank, RankCorrelation, RankSpec, Spearman, rank_correlation};
pub use windows::Windows;
