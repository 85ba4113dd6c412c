//! Distances between distributions.

mod discrete;

pub use discrete::total_variation;
