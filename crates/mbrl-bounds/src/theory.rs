//! Where the bounds come from: derivations of all of them, with what is loose or false in the published statements.
//!
#![doc = include_str!("theory/overview.md")]

#[doc = include_str!("theory/divergences.md")]
pub mod divergences {}

#[doc = include_str!("theory/mbpo.md")]
pub mod mbpo {}

#[doc = include_str!("theory/mopo.md")]
pub mod mopo {}

#[doc = include_str!("theory/psrl.md")]
pub mod psrl {}
