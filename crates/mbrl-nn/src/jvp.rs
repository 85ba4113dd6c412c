//! Derivatives along a direction, forward through all layers.
//!
//! With [`Mlp::backward`] this gives products with Fisher and Gauss–Newton matrices, `Jᵀ(M(Jv))`, which trust regions need.

use crate::blocks::{self, each_member_block_of_two};
use crate::forward::affine;
use crate::kernel::{Left, Shape, Start, matmul};
use crate::mlp::{Layer, Mlp};
use crate::vectorized::vectorized;
use crate::{norm, passes, scratch};
use mbrl_core::{Error, Result};

/// The direction of a derivative; what is absent stands still.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direction<'a> {
    /// Of the parameters, `[members, params]`.
    pub theta: Option<&'a [f32]>,
    /// Of the input, `[groups, rows, in]`.
    pub x: Option<&'a [f32]>,
}

impl Mlp {
    /// Writes the outputs as [`forward`](Mlp::forward) does, to the bit, and to `dy` their derivative along a direction.
    ///
    /// ```
    /// use mbrl_nn::{Activation, Direction, Mlp};
    ///
    /// // y = 2x + 1, so dy = 2·dx + x·dw + db.
    /// let net = Mlp::new(1, &[], 1, Activation::Tanh)?;
    /// let (mut y, mut dy) = ([0.0], [0.0]);
    /// let along = Direction { theta: Some(&[1.0, 0.5]), x: Some(&[10.0]) };
    /// net.jvp(&[2.0, 1.0], &[3.0], 1, along, &mut y, &mut dy)?;
    /// assert_eq!((y, dy), ([7.0], [23.5]));
    /// # Ok::<(), mbrl_core::Error>(())
    /// ```
    pub fn jvp(
        &self,
        theta: &[f32],
        x: &[f32],
        rows: usize,
        along: Direction<'_>,
        y: &mut [f32],
        dy: &mut [f32],
    ) -> Result<()> {
        let share = self.shapes(theta, x, rows, y)?;
        for (name, got, len) in [
            ("the direction of the parameters", along.theta.map_or(theta.len(), <[f32]>::len), theta.len()),
            ("the direction of the input", along.x.map_or(x.len(), <[f32]>::len), x.len()),
            ("the derivative", dy.len(), y.len()),
        ] {
            if got != len {
                return Err(Error::invalid(format_args!("{got} numbers for {name}: give {len}")));
            }
        }
        if rows == 0 {
            return Ok(());
        }
        let products = 3 * (y.len() / self.output()) * self.products();
        let work = |member: usize, block: usize, y: &mut [f32], dy: &mut [f32]| {
            let (first, last) = (block * blocks::ROWS, ((block + 1) * blocks::ROWS).min(rows));
            let group = member / share * rows;
            let input = (group + first) * self.input()..(group + last) * self.input();
            let along = Direction {
                theta: along.theta.map(|dtheta| self.member(dtheta, member)),
                x: along.x.map(|dx| &dx[input.clone()]),
            };
            self.block_along(self.member(theta, member), &x[input], along, y, dy);
        };
        each_member_block_of_two(
            (y, dy),
            (rows * self.output(), blocks::ROWS * self.output()),
            products,
            work,
        );
        Ok(())
    }

    /// Takes a block of rows and its derivative through all layers.
    fn block_along(&self, theta: &[f32], x: &[f32], along: Direction<'_>, y: &mut [f32], dy: &mut [f32]) {
        let rows = x.len() / self.input();
        let [hidden @ .., last] = self.layers() else { return };
        let len = rows * self.widest();
        scratch::with(5 * len, |between| {
            let (mut from, rest) = between.split_at_mut(2 * len);
            let (mut to, slope) = rest.split_at_mut(2 * len);
            for (i, layer) in hidden.iter().enumerate() {
                let size = rows * layer.output;
                let (z, dz) = to.split_at_mut(len);
                let (z, dz, slope) = (&mut z[..size], &mut dz[..size], &mut slope[..size]);
                let (h, dh) = if i == 0 { (x, along.x) } else { (&from[..len], Some(&from[len..])) };
                affine(layer, theta, h, z);
                affine_along(layer, theta, along.theta, h, dh, dz);
                if !layer.gain.is_empty() {
                    let part = |range: &std::ops::Range<usize>| along.theta.map(|d| &d[range.clone()]);
                    let (gain, shift) = (&theta[layer.gain.clone()], &theta[layer.shift.clone()]);
                    norm_along(z, dz, gain, shift, part(&layer.gain), part(&layer.shift));
                }
                self.activation().apply_with_slope(z, slope);
                passes::multiply(dz, slope);
                std::mem::swap(&mut from, &mut to);
            }
            let (h, dh) = if hidden.is_empty() { (x, along.x) } else { (&from[..len], Some(&from[len..])) };
            affine(last, theta, h, y);
            affine_along(last, theta, along.theta, h, dh, dy);
        });
    }
}

/// dz = h·dW + db + dh·W.
fn affine_along(
    layer: &Layer,
    theta: &[f32],
    dtheta: Option<&[f32]>,
    h: &[f32],
    dh: Option<&[f32]>,
    dz: &mut [f32],
) {
    let shape = Shape { m: dz.len() / layer.output, k: layer.input, n: layer.output };
    let rows = |data| Left { data, row: layer.input, col: 1 };
    let mut start = Start::Zero;
    if let Some(dtheta) = dtheta {
        let bias = Start::Bias(&dtheta[layer.bias.clone()]);
        matmul(shape, rows(h), &dtheta[layer.weight.clone()], bias, dz);
        start = Start::Output;
    }
    match dh {
        Some(dh) => matmul(shape, rows(dh), &theta[layer.weight.clone()], start, dz),
        None if dtheta.is_none() => dz.fill(0.0),
        None => {}
    }
}

vectorized! {
    /// Layer norm of each row of `z` and of its derivative `dz`, both in place.
    fn norm_along(
        z: &mut [f32],
        dz: &mut [f32],
        gain: &[f32],
        shift: &[f32],
        dgain: Option<&[f32]>,
        dshift: Option<&[f32]>,
    ) -> () {
        let width = gain.len();
        for (z, dz) in z.chunks_exact_mut(width).zip(dz.chunks_exact_mut(width)) {
            let over = norm::standardize(z);
            norm::tangent(dz, z, over);
            dz.iter_mut().zip(gain).for_each(|(dz, gain)| *dz *= gain);
            if let (Some(dgain), Some(dshift)) = (dgain, dshift) {
                for (dz, ((z, dgain), dshift)) in dz.iter_mut().zip(z.iter().zip(dgain).zip(dshift)) {
                    *dz += z * dgain + dshift;
                }
            }
            for ((z, gain), shift) in z.iter_mut().zip(gain).zip(shift) {
                *z = *z * gain + shift;
            }
        }
    }
}
