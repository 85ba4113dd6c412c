//! The exact dynamics of a world whose observation determines its state.

use crate::{Noise, NoiseSpec, Result, Rows, RowsMut};

/// The exact dynamics of a world, as a batched pure function of observations: what an oracle model is made of.
///
/// Observations are `f32`, so an exact successor is exact to the rounding of what went in.
pub trait Physics: Send + Sync {
    /// The random numbers used a row.
    fn noise_spec(&self) -> NoiseSpec;

    /// Writes what is observed after doing `act` where `obs` was observed: `[rows, obs]`, `[rows, act]`, `[rows, obs]`.
    fn successors(&self, obs: Rows<'_>, act: Rows<'_>, noise: Noise<'_>, next_obs: RowsMut<'_>)
    -> Result<()>;
}
