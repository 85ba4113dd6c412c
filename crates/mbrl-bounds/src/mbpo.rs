//! Model-based policy optimisation (Janner et al. 2019): what a return in a model says of the return in the world.

mod horizon;
mod theorems;

pub use horizon::{k_star, k_star_by_search};
pub use theorems::{Form, theorem_4_1, theorem_4_2, theorem_4_3};
