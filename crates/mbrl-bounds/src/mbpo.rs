//! Model-based policy optimisation (Janner et al. 2019): what a return in a model says of the return in the world.
//!
//! | to | look at |
//! |---|---|
//! | know what is to be subtracted, from numbers | [`theorem_4_1`], [`theorem_4_2`], [`theorem_4_3`] |
//! | subtract no more than their proofs do | [`Drift`] |
//! | choose how long rollouts are | [`k_star`] |
//! | know the returns and the symbols exactly, of tables | [`branched_return`], [`model_error_under`], [`policy_shift`] |
//! | bound the symbols by what was measured | [`Losses`], [`eps_m_from_log_loss`], [`eps_pi_from_kl`] |
//! | guess the error of a model under a policy to come | [`LinearModelError`] |
//! | improve a policy, so that it never gets worse | [`algorithm_1`], [`most_certified`], [`Certificate`] |

mod branch;
mod drift;
mod errors;
mod generalisation;
mod horizon;
mod linear;
mod monotonic;
mod theorems;

#[cfg(test)]
mod tests;

pub use branch::{branched_return, model_return, true_return};
pub use drift::Drift;
pub use errors::{StepError, model_error_supremum, model_error_under, policy_shift, policy_shift_under};
pub use generalisation::{Losses, Risk, eps_m_from_log_loss, eps_pi_from_kl, largest_loss};
pub use horizon::{k_star, k_star_by_search};
pub use linear::LinearModelError;
pub use monotonic::{Certificate, Certified, Epoch, algorithm_1, collect, most_certified};
pub use theorems::{Form, theorem_4_1, theorem_4_2, theorem_4_3};
