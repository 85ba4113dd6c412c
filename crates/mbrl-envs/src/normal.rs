//! Normal numbers for starts: few, and in double precision.

use mbrl_core::ChaCha8Rng;
use rand::Rng;
use std::f64::consts::TAU;

/// A standard normal number, by Box and Muller's formula.
///
/// A step's noise comes in blocks from `mbrl_core::NoiseBuf`; a start needs a handful.
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // 1 − u is in (0, 1], where the logarithm is finite.
    let u: f64 = rng.random();
    let turn: f64 = rng.random();
    (-2.0 * (1.0 - u).ln()).sqrt() * (TAU * turn).cos()
}
