//! Model-based offline policy optimisation (Yu et al. 2020): returns under a penalty for what a model does not know.
//!
//! | to | look at |
//! |---|---|
//! | say how wrong the model may be about each move | [`ErrorEstimate`], with [`StateMetric`] where states are near or far |
//! | know what the penalty is to weigh | [`penalty_weight`]; [`Telescope::span`] and [`Telescope::lipschitz`] for one policy |
//! | find the best policy under the penalty, and what it promises | [`penalized_optimum`], [`penalized`] |
//! | know by how much another policy can be better | [`eps_u`], [`theorem_4_4`] |
//! | see where a model goes wrong about a return | [`telescope`] |
//! | know how small the weight could have been | [`smallest_lambda`], [`smallest_lambda_of_all`] |
//! | estimate that from returns, where nothing is a table | [`lambda_from_returns`] |
//!
//! # Example
//!
//! There is a safe way to a place that earns 1 a day for ever, and a short cut. The model hardly knows the ditch beside it.
//!
//! ```
//! use mbrl_bounds::{ModelledMdp, mbpo, mopo};
//! use mbrl_core::TabularMdp;
//! use mbrl_plan::TabularPolicy;
//!
//! # fn main() -> mbrl_core::Result<()> {
//! // States: on the way, there, in the ditch. Actions: the safe way and
//! // the short cut.
//! let moves = |cut: [f64; 3]| {
//!     let (there, ditch) = ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]);
//!     [[0.7, 0.3, 0.0], cut, there, there, ditch, ditch].concat()
//! };
//! let (truth, model) = (moves([0.0, 0.375, 0.625]), moves([0.0, 0.875, 0.125]));
//! let rewards = [[0.0; 6], [1.0; 6], [0.0; 6]].concat();
//! let (start, ends) = (vec![1.0, 0.0, 0.0], vec![false, false, true]);
//! let truth = TabularMdp::new(2, truth, rewards, start, ends)?;
//! let (worlds, gamma) = (ModelledMdp::new(&truth, model)?, 0.9);
//! let safe = TabularPolicy::deterministic(2, &[0, 0, 0])?;
//! let cut = TabularPolicy::deterministic(2, &[1, 0, 0])?;
//!
//! // The model gets the short cut wrong, by a half, and so its return.
//! let u = mopo::ErrorEstimate::total_variation(&worlds);
//! assert_eq!(u.as_slice(), [0.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
//! let lemma = mopo::telescope(&worlds, &cut, gamma)?;
//! assert!((lemma.gap - 4.5).abs() < 1e-9);
//!
//! // Under the penalty the safe way is best, and earns what it promises,
//! // as its moves are modelled right.
//! let lambda = mopo::penalty_weight(worlds.discounted(gamma)?);
//! let best = mopo::penalized_optimum(&worlds, &u, lambda, gamma)?;
//! let earned = mbpo::true_return(&worlds, &best.policy, gamma)?;
//! assert!(best.policy == safe && (earned - best.value).abs() < 1e-9);
//!
//! // Theorem 4.4: who takes the short cut earns no more than this.
//! let eps_u = mopo::eps_u(&worlds, &cut, &u, gamma)?;
//! let amount = mopo::theorem_4_4(lambda, eps_u)?;
//! assert!(mbpo::true_return(&worlds, &cut, gamma)? <= earned + amount);
//!
//! // λ is for every world with this γ and r_max. Here, half would do.
//! let enough = mopo::smallest_lambda(&worlds, &cut, &u, gamma)?;
//! assert!((lambda - 18.0).abs() < 1e-9 && (enough - 9.0).abs() < 1e-9);
//! # Ok(()) }
//! ```

mod error;
mod lambda;
mod measured;
mod metric;
mod penalized;
mod telescope;
#[cfg(test)]
mod tests;
mod theorem;

pub use error::ErrorEstimate;
pub use lambda::{smallest_lambda, smallest_lambda_of_all};
pub use measured::{LambdaEstimate, lambda_from_returns};
pub use metric::StateMetric;
pub use penalized::{PenalizedOptimum, eps_u, penalized, penalized_optimum};
pub use telescope::{Telescope, telescope};
pub use theorem::{penalty_weight, theorem_4_4};
