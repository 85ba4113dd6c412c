//! The theory of model-based reinforcement learning as an instrument.

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
