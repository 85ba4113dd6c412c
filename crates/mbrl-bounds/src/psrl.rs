//! Posterior sampling (Wang, Chen and Murphy): what regret an approximate posterior costs.
//!
//! Everything here is exact, for finitely many models ([`FiniteBelief`]) and policies ([`Policies`]). A posterior over
//! policies is made of weights of models and a [`Conditional`] q(π|M); [`Flexible`] has the family between δ(π|M) and
//! q(π|D), [`best_conditional`] the member of all conditionals that cannot be improved. [`bayesian_regret`] plays every
//! history, and so says what [`regret_bound`] is worth.

#[cfg(test)]
mod arbitrary;
mod conditional;
mod empirical;
mod exact;
mod example;
mod factorization;
mod nearest;
mod outcomes;
mod policies;
mod posterior;
mod regret;

pub use conditional::Conditional;
pub use empirical::{Counts, mixed_mdp};
pub use exact::{ExactRegret, Moment, bayesian_regret};
pub use example::{Example1, Reading};
pub use factorization::{BestLambda, Construction, Flexible, softmax_policies};
pub use nearest::{BestConditional, best_conditional};
pub use policies::{MOST_POLICIES, Policies};
pub use posterior::{FiniteBelief, Move};
pub use regret::{Episodes, regret_bound, sharper_regret_bound, worst_information_ratio};
