//! The neural engine: networks as flat parameter vectors with a leading member axis.
//!
//! A network is a shape, [`Mlp`]; its parameters are a slice `[members, params]` that is passed in. An actor is one member,
//! twin critics are two, an ensemble is seven, a population of agents is as many as there are agents.
//!
//! | what | where |
//! |---|---|
//! | outputs; outputs with a tape; the way back; a tangent | [`Mlp::forward`], [`Mlp::forward_saved`], [`Mlp::backward`], [`Mlp::jvp`] |
//! | parameters to begin with | [`Init`] |
//! | a step of Adam or AdamW, clipping, targets that follow | [`Adam`], [`clip_norm`], [`polyak`] |
//! | means and bounded variances, with their loss | [`GaussianHead`] |
//! | the tanh-Gaussian policy of SAC | [`SquashedHead`] |
//! | weights that are drawn: Bayes by Backprop | [`MeanField`] |
//! | losses of numbers and of odds | [`squared_loss`], [`logistic_loss`] |
//! | parameters by name, in safetensors | [`Store`], [`Loaded`] |
#![cfg_attr(
    feature = "candle",
    doc = "| the same as operations of candle | [`Network`], [`Parameters`], [`Mlp::apply`] |"
)]
//!
//! Everything gives the same bits at any number of threads. Passes, heads, losses and the optimizer allocate nothing after
//! their first call on one thread. A number that is not finite comes out of a network or a head as one that is not finite.

mod activation;
mod adam;
mod backward;
mod blocks;
#[cfg(feature = "candle")]
mod composite;
mod forward;
mod gaussian;
mod init;
mod jvp;
mod kernel;
#[cfg(test)]
mod kernel_tests;
mod loss;
mod math;
mod mean_field;
mod mlp;
#[cfg(feature = "candle")]
mod network;
mod norm;
#[cfg(feature = "candle")]
mod op;
mod passes;
mod scratch;
mod squashed;
#[cfg(feature = "candle")]
mod squashed_op;
mod store;
mod tape;
mod transpose;
mod vectorized;

#[cfg(feature = "candle")]
pub use candle_core;

pub use activation::Activation;
pub use adam::{Adam, AdamConfig, Decay, DecayMode, Pace, clip_norm, decay_by_layer, polyak};
pub use backward::Gradients;
pub use gaussian::{GaussianHead, GaussianLoss};
pub use init::Init;
pub use jvp::Direction;
pub use loss::{logistic_loss, squared_loss};
pub use mean_field::{Divergence, MeanField, Prior, Pull};
pub use mlp::{Layer, Mlp, Norm};
#[cfg(feature = "candle")]
pub use network::{Network, Parameters, rows_of, tensor_of};
#[cfg(feature = "candle")]
pub use op::{backend, gradients};
pub use squashed::{ActionUnits, LogStd, SquashedHead};
pub use store::{Loaded, Store};
pub use tape::Tape;

/// The examples of the crate's page run here.
#[cfg(all(doctest, feature = "candle"))]
#[doc = include_str!("../README.md")]
struct Readme;
