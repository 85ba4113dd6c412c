//! What is measured, and against what: one table of [`Case`]s, run by criterion (`cargo bench -p mbrl-bench`) and by the
//! driver (`cargo xtask bench`).
//!
//! The machines that run this are shared and noisy, so a time alone says little: each case has a floor, work that the
//! machine must do in any event, and the two are timed in turn within the same seconds. The share is floor / median.

mod buffer;
mod case;
mod envs;
mod mbpo;
mod measure;
mod nn;
mod plan;
mod posterior;
mod run;
mod sac;

pub use case::{CASES, Case, Pair, Share};
pub use mbpo::CYCLE;
pub use measure::{Measured, calls_lasting, measure, time_round};

/// The examples of the page that a newcomer reads first run here, because this crate sees all others.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
