//! Distances between distributions: of finitely many outcomes, Gaussians, and samples.
//!
//! Logarithms are natural. Total variation TV is half the L1 distance and lies in 0 to 1, as does the Hellinger distance
//! H = √(1 − BC), where BC is the integral of √(pq).

pub mod discrete;
mod excess;
pub mod gaussian;
pub mod inequalities;
pub mod samples;
pub mod wasserstein;

pub(crate) use discrete::half_l1 as total_variation;

use mbrl_core::{Error, Result};

/// Refuses two sides that are not of one size.
fn same(what: &str, p: usize, q: usize) -> Result<()> {
    if p != q {
        return Err(Error::invalid(format_args!("p has {p} {what}, q has {q}: give as many of both")));
    }
    Ok(())
}
