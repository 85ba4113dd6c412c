//! The theory of model-based reinforcement learning as an instrument: the bounds of MBPO, MOPO and posterior sampling as
//! functions of numbers, beside the exact quantities that they bound.
//!
//! | to | look at |
//! |---|---|
//! | know how far a return in a model can be trusted | [`mbpo`] |
//! | know what a penalty is to weigh, and what it guarantees | [`mopo`] |
//! | know what an approximate posterior costs in regret | [`psrl`] |
//! | measure how far two distributions are apart | [`divergence`] |
//! | estimate ε_m and ε_π from data, with an interval | [`estimate`] |
//! | hold a bound to the truth, in a world that is a table | [`ModelledMdp`] |
//! | evaluate any bound by its name | [`BOUNDS`], [`Bound::find`], [`Symbols`] |
//! | read where a bound comes from | [`theory`], in formulas |
//!
//! # Conventions
//!
//! |r| ≤ r_max, and the model shares the rewards r(s, a); total variation is half the L1 distance, so at most 1; occupancies
//! are not normalised, so they sum to 1 / (1 − γ); divergences are in nats; a terminal state is never left, earns nothing,
//! and nobody acts in it. The table of symbols is on the page of [`theory`].
//!
//! # Example
//!
//! ```
//! use mbrl_bounds::{Discounted, mbpo};
//!
//! # fn main() -> mbrl_core::Result<()> {
//! let returns = Discounted::new(0.99, 1.0)?;
//! // Of policies that differ by 0.05, and a model that errs by 0.001 under the new one.
//! let (eps_m, eps_pi) = (0.001, 0.05);
//! let k = mbpo::k_star(returns.gamma(), eps_m, eps_pi)?;
//! let amount = mbpo::theorem_4_3(returns, mbpo::Form::Published, eps_m, eps_pi, k)?;
//! assert_eq!(k, 390);
//! // Returns differ by at most 200: this says something, if not much.
//! assert!(amount < 101.0 && !returns.is_vacuous(amount));
//! # Ok(()) }
//! ```

#![doc(test(attr(deny(warnings))))]

#[cfg(test)]
mod arbitrary;
mod check;
mod discounted;
pub mod divergence;
pub mod estimate;
pub mod mbpo;
mod modelled;
pub mod mopo;
mod named;
pub mod psrl;
pub mod theory;

pub use discounted::Discounted;
pub use modelled::ModelledMdp;
pub use named::{BOUNDS, Bound, Family, Quantity, Symbol, Symbols, Value};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
