//! What stands between two layers.

use crate::math::{exp, sigmoid, tanh};
use crate::vectorized::vectorized;
use serde::{Deserialize, Serialize};

/// The function that a hidden layer ends in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x·σ(x), also known as swish: smooth, which learnt dynamics like.
    #[default]
    Silu,
    /// The hyperbolic tangent.
    Tanh,
    /// x where positive, else eˣ − 1.
    Elu,
}

impl Activation {
    /// Applies itself to every number.
    pub(crate) fn apply(self, z: &mut [f32]) {
        match self {
            Activation::Relu => apply_relu(z),
            Activation::Silu => apply_silu(z),
            Activation::Tanh => apply_tanh(z),
            Activation::Elu => apply_elu(z),
        }
    }

    /// Applies itself to every number, and writes its slope there.
    pub(crate) fn apply_with_slope(self, z: &mut [f32], slope: &mut [f32]) {
        match self {
            Activation::Relu => slope_relu(z, slope),
            Activation::Silu => slope_silu(z, slope),
            Activation::Tanh => slope_tanh(z, slope),
            Activation::Elu => slope_elu(z, slope),
        }
    }
}

vectorized! {
    fn apply_relu(z: &mut [f32]) -> () { z.iter_mut().for_each(|z| *z = relu(*z).0) }
    fn apply_silu(z: &mut [f32]) -> () { z.iter_mut().for_each(|z| *z = silu(*z).0) }
    fn apply_tanh(z: &mut [f32]) -> () { z.iter_mut().for_each(|z| *z = tanh(*z)) }
    fn apply_elu(z: &mut [f32]) -> () { z.iter_mut().for_each(|z| *z = elu(*z).0) }

    fn slope_relu(z: &mut [f32], slope: &mut [f32]) -> () { both(z, slope, relu) }
    fn slope_silu(z: &mut [f32], slope: &mut [f32]) -> () { both(z, slope, silu) }
    fn slope_elu(z: &mut [f32], slope: &mut [f32]) -> () { both(z, slope, elu) }
    fn slope_tanh(z: &mut [f32], slope: &mut [f32]) -> () {
        both(z, slope, |z| {
            let h = tanh(z);
            (h, 1.0 - h * h)
        })
    }
}

#[inline(always)]
fn both(z: &mut [f32], slope: &mut [f32], f: impl Fn(f32) -> (f32, f32)) {
    for (z, slope) in z.iter_mut().zip(slope) {
        (*z, *slope) = f(*z);
    }
}

/// Not `max`, which would turn what is not a number into zero; nor does minus infinity become zero.
#[inline(always)]
fn relu(z: f32) -> (f32, f32) {
    (if z < 0.0 { z * -0.0 } else { z }, if z > 0.0 { 1.0 } else { 0.0 })
}

#[inline(always)]
fn silu(z: f32) -> (f32, f32) {
    let s = sigmoid(z);
    let h = z * s;
    (h, s + h * (1.0 - s))
}

#[inline(always)]
fn elu(z: f32) -> (f32, f32) {
    if z > 0.0 {
        return (z, 1.0);
    }
    // Minus infinity becomes what is not a number.
    let h = exp(z) - 1.0 + z * 0.0;
    (h, h + 1.0)
}
