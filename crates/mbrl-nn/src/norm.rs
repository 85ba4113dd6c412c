//! Layer norm: a row minus its mean, over its deviation, times a gain, plus a shift.

use crate::passes::{dot, sum};
use crate::vectorized::vectorized;

/// Keeps a row of equal numbers from being divided by zero; PyTorch's value.
pub(crate) const EPSILON: f32 = 1e-5;

vectorized! {
    /// Normalises each row of `z` in place.
    pub(crate) fn forward(z: &mut [f32], gain: &[f32], shift: &[f32]) -> () {
        for z in z.chunks_exact_mut(gain.len()) {
            standardize(z);
            scale_and_shift(z, gain, shift);
        }
    }

    /// The same, keeping what [`backward`] needs: the standardised rows and the reciprocal deviation of each.
    pub(crate) fn forward_saved(
        z: &mut [f32],
        gain: &[f32],
        shift: &[f32],
        standard: &mut [f32],
        over: &mut [f32],
    ) -> () {
        let width = gain.len();
        for ((z, standard), over) in
            z.chunks_exact_mut(width).zip(standard.chunks_exact_mut(width)).zip(over)
        {
            *over = standardize(z);
            standard.copy_from_slice(z);
            scale_and_shift(z, gain, shift);
        }
    }

    /// Turns the gradient of each row after the norm into that before it, from the standardised rows and their
    /// reciprocal deviations.
    pub(crate) fn backward(
        after: &[f32],
        gain: &[f32],
        standard: &[f32],
        over: &[f32],
        before: &mut [f32],
    ) -> () {
        let width = gain.len();
        let rows = after.chunks_exact(width).zip(standard.chunks_exact(width)).zip(over);
        for (((after, standard), over), before) in rows.zip(before.chunks_exact_mut(width)) {
            for i in 0..width {
                before[i] = after[i] * gain[i];
            }
            tangent(before, standard, *over);
        }
    }
}

/// The derivative of standardising a row, applied to `dz`. It is symmetric, so forward and back are the same.
#[inline(always)]
pub(crate) fn tangent(dz: &mut [f32], standard: &[f32], over: f32) {
    let width = dz.len() as f32;
    let mean = sum(dz) / width;
    let slope = dot(dz, standard) / width;
    for (dz, standard) in dz.iter_mut().zip(standard) {
        *dz = (*dz - mean - standard * slope) * over;
    }
}

/// Subtracts the mean and divides by the deviation, whose reciprocal is returned.
#[inline(always)]
pub(crate) fn standardize(z: &mut [f32]) -> f32 {
    let width = z.len() as f32;
    let mean = sum(z) / width;
    z.iter_mut().for_each(|z| *z -= mean);
    let over = 1.0 / (dot(z, z) / width + EPSILON).sqrt();
    z.iter_mut().for_each(|z| *z *= over);
    over
}

#[inline(always)]
fn scale_and_shift(z: &mut [f32], gain: &[f32], shift: &[f32]) {
    for ((z, gain), shift) in z.iter_mut().zip(gain).zip(shift) {
        *z = *z * gain + shift;
    }
}
