//! Model-based offline policy optimisation (Yu et al. 2020): returns under a penalty for what a model does not know.

mod error;
mod lambda;
mod metric;
mod penalized;
mod telescope;
#[cfg(test)]
mod tests;
mod theorem;

pub use error::ErrorEstimate;
pub use lambda::{smallest_lambda, smallest_lambda_of_all};
pub use metric::StateMetric;
pub use penalized::{PenalizedOptimum, eps_u, penalized, penalized_optimum};
pub use telescope::{Telescope, telescope};
pub use theorem::{penalty_weight, theorem_4_4};
