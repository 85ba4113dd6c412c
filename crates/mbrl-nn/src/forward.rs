//! From inputs to outputs, keeping nothing.

use crate::blocks::{self, each_member_block};
use crate::kernel::{Left, Shape, Start, matmul};
use crate::mlp::{Layer, Mlp};
use crate::{norm, passes, scratch};
use mbrl_core::{Error, Result};

impl Mlp {
    /// Writes the outputs of all members, `[members, rows, out]`.
    ///
    /// The inputs are `[groups, rows, in]`, and members fall to groups in turn: with one group all members see the same
    /// rows, with as many groups as members each sees its own, and with two members a group twin critics share theirs.
    ///
    /// ```
    /// use mbrl_core::Key;
    /// use mbrl_nn::{Activation, Init, Mlp};
    ///
    /// let net = Mlp::new(3, &[16, 16], 2, Activation::Silu)?;
    /// let theta = Init::TruncatedNormal.parameters(&net, 5, Key::root(0));
    /// let mut y = vec![0.0; 5 * 10 * 2];
    /// net.forward(&theta, &[0.5; 10 * 3], 10, &mut y)?;
    /// # Ok::<(), mbrl_core::Error>(())
    /// ```
    pub fn forward(&self, theta: &[f32], x: &[f32], rows: usize, y: &mut [f32]) -> Result<()> {
        let share = self.shapes(theta, x, rows, y)?;
        if rows == 0 {
            return Ok(());
        }
        let products = y.len() / self.output() * self.products();
        let lens = (rows * self.output(), blocks::ROWS * self.output());
        each_member_block(y, lens, products, |member, block, y| {
            self.block(self.member(theta, member), input(self, x, rows, member / share, block), y);
        });
        Ok(())
    }

    /// One member's parameters.
    pub(crate) fn member<'a>(&self, theta: &'a [f32], member: usize) -> &'a [f32] {
        &theta[member * self.params()..][..self.params()]
    }

    /// Refuses slices that do not fit each other; says how many members share an input.
    pub(crate) fn shapes(&self, theta: &[f32], x: &[f32], rows: usize, y: &[f32]) -> Result<usize> {
        let members = self.members(theta)?;
        if y.len() != members * rows * self.output() {
            return Err(Error::invalid(format_args!(
                "an output of {} numbers for {members} members of {rows} rows of {}",
                y.len(),
                self.output()
            )));
        }
        let group = rows * self.input();
        if rows == 0 && x.is_empty() {
            return Ok(1);
        }
        let groups = x.len().checked_div(group).unwrap_or(0);
        if groups == 0 || groups * group != x.len() || !members.is_multiple_of(groups) {
            return Err(Error::invalid(format_args!(
                "an input of {} numbers for {members} members of {rows} rows of {}: pass [groups, rows, in] with \
                 members a multiple of groups",
                x.len(),
                self.input()
            )));
        }
        Ok(members / groups)
    }

    /// Takes a block of rows through all layers.
    fn block(&self, theta: &[f32], x: &[f32], y: &mut [f32]) {
        let rows = x.len() / self.input();
        let [hidden @ .., last] = self.layers() else { return };
        let len = rows * self.widest();
        scratch::with(2 * len, |between| {
            let (mut from, mut to) = between.split_at_mut(len);
            for (i, layer) in hidden.iter().enumerate() {
                let z = &mut to[..rows * layer.output];
                affine(layer, theta, if i == 0 { x } else { from }, z);
                if !layer.gain.is_empty() {
                    norm::forward(z, &theta[layer.gain.clone()], &theta[layer.shift.clone()]);
                }
                self.activation().apply(z);
                std::mem::swap(&mut from, &mut to);
            }
            affine(last, theta, if hidden.is_empty() { x } else { from }, y);
        });
    }
}

/// The rows of one block of a group's input.
fn input<'a>(net: &Mlp, x: &'a [f32], rows: usize, group: usize, block: usize) -> &'a [f32] {
    let (first, last) = (block * blocks::ROWS, ((block + 1) * blocks::ROWS).min(rows));
    &x[(group * rows + first) * net.input()..(group * rows + last) * net.input()]
}

/// z = x·W + b for as many rows as `z` has.
pub(crate) fn affine(layer: &Layer, theta: &[f32], x: &[f32], z: &mut [f32]) {
    let (weight, bias) = (&theta[layer.weight.clone()], &theta[layer.bias.clone()]);
    let rows = z.len() / layer.output;
    if layer.output == 1 {
        return passes::dots(&x[..rows * layer.input], weight, bias[0], z);
    }
    let shape = Shape { m: rows, k: layer.input, n: layer.output };
    matmul(shape, Left { data: x, row: layer.input, col: 1 }, weight, Start::Bias(bias), z);
}
