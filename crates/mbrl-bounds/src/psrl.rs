//! Posterior sampling (Wang, Chen and Murphy): what regret an approximate posterior costs.
//!
//! | to | look at |
//! |---|---|
//! | bound the regret, from numbers | [`Episodes`], [`regret_bound`], [`worst_information_ratio`] |
//! | pay no more for approximation than the proof does | [`sharper_regret_bound`] |
//! | know the regret exactly, in a small world | [`bayesian_regret`] |
//! | know the true posterior over worlds and over policies | [`FiniteBelief`], [`Policies`] |
//! | make a posterior over policies from one over models | [`Conditional`] |
//! | choose how far to go by the model and how far by the data | [`Flexible`], [`Construction`] |
//! | mend wrong weights of models | [`best_conditional`] |
//! | see why δ(π\|M) is not enough | [`Example1`] |
//!
//! Everything here is exact, for finitely many models and policies. A posterior over policies is made of weights of models
//! and a conditional q(π|M); [`Flexible`] has the family between δ(π|M) and q(π|D), [`best_conditional`] the member of all
//! conditionals that cannot be improved.
//!
//! # Example
//!
//! Two models are possible, each with a best policy of its own. The true weights are 2/3 and 1/3; an approximation has come to
//! believe in the second alone.
//!
//! ```
//! use mbrl_bounds::divergence::discrete;
//! use mbrl_bounds::psrl::{
//!     Conditional, Episodes, best_conditional, regret_bound, worst_information_ratio,
//! };
//!
//! # fn main() -> mbrl_core::Result<()> {
//! let (p, q) = ([2.0 / 3.0, 1.0 / 3.0], [0.0, 1.0]);
//! // Who solves the model that was drawn plays the second policy always:
//! // no distribution is further from the truth.
//! let delta = Conditional::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
//! let exact = delta.marginal(&p)?;
//! let played = discrete::kl(&delta.marginal(&q)?, &exact)?;
//! assert!((played - 3f64.ln()).abs() < 1e-15);
//! // Who does not trust the model to the end can play as is right.
//! let best = best_conditional(&q, &exact, None)?;
//! assert!(best.kl < 1e-15 && best.conditional.row(1) == exact);
//!
//! // In 100 episodes whose returns lie in [0, 1] no more than 100 can be
//! // lost, and the bound is 8 instead of 218.
//! let episodes = Episodes::new(100, 1, 1.0)?;
//! let (entropy, c) = (discrete::entropy(&exact)?, worst_information_ratio(2)?);
//! let regret = |kl: f64| regret_bound(episodes, entropy, c, &[kl]);
//! let (wrong, right) = (regret(played)?, regret(best.kl)?);
//! assert!((right - 7.98).abs() < 0.01 && (wrong - 217.61).abs() < 0.01);
//! assert!(episodes.is_vacuous(wrong) && !episodes.is_vacuous(right));
//! # Ok(()) }
//! ```

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
