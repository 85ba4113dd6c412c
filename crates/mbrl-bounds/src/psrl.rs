//! Posterior sampling (Wang, Chen and Murphy): what regret an approximate posterior costs.

mod regret;

pub use regret::{Episodes, regret_bound};
