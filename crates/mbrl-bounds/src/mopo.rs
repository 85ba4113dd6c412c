//! Model-based offline policy optimisation (Yu et al. 2020): returns under a penalty for what a model does not know.

mod theorem;

pub use theorem::{penalty_weight, theorem_4_4};
