//! Forward with everything kept, and back.

use crate::blocks::{self, each_block, each_block_of_two, worth};
use crate::forward::affine;
use crate::kernel::{Left, Shape, Start, matmul};
use crate::mlp::{Layer, Mlp};
use crate::tape::{Hidden, Tape};
use crate::transpose::transpose;
use crate::{norm, passes, scratch};
use mbrl_core::{Error, Result};
use rayon::prelude::*;

/// Where gradients go; each is overwritten.
#[derive(Debug, Default)]
pub struct Gradients<'a> {
    /// Of the parameters, `[members, params]`.
    pub theta: Option<&'a mut [f32]>,
    /// Of the input, `[groups, rows, in]`: summed over the members that share it.
    pub x: Option<&'a mut [f32]>,
}

impl Mlp {
    /// The same as [`forward`](Mlp::forward), and keeps on the tapes, one a member, what the way back needs.
    pub fn forward_saved(
        &self,
        theta: &[f32],
        x: &[f32],
        rows: usize,
        tapes: &mut [Tape],
        y: &mut [f32],
    ) -> Result<()> {
        let share = self.shapes(theta, x, rows, y)?;
        self.one_tape_a_member(theta, tapes)?;
        if rows == 0 {
            // Without outputs there is nothing to walk along; but a tape must not keep an older pass.
            for tape in tapes {
                tape.fit(self, 0);
                tape.live = true;
            }
            return Ok(());
        }
        let group = rows * self.input();
        let work = |(member, (tape, y)): (usize, (&mut Tape, &mut [f32]))| {
            let x = &x[member / share * group..][..group];
            self.member_forward(self.member(theta, member), x, tape, y);
        };
        let outputs = rows * self.output();
        if worth(y.len() / self.output() * self.products()) {
            tapes.par_iter_mut().zip(y.par_chunks_mut(outputs)).enumerate().for_each(work);
        } else {
            tapes.iter_mut().zip(y.chunks_mut(outputs)).enumerate().for_each(work);
        }
        Ok(())
    }

    /// The way back: from the gradient of the outputs, `dy` `[members, rows, out]`, to those that are asked for.
    ///
    /// The tapes must be those of the last [`forward_saved`](Mlp::forward_saved) with the same `theta` and `x`, and are
    /// used up.
    pub fn backward(
        &self,
        theta: &[f32],
        x: &[f32],
        tapes: &mut [Tape],
        dy: &[f32],
        gradients: Gradients<'_>,
    ) -> Result<()> {
        self.one_tape_a_member(theta, tapes)?;
        let rows = tapes.first().map_or(0, |tape| tape.rows);
        if !tapes.iter().all(|tape| tape.holds(self, rows)) {
            return Err(Error::stale(
                "these tapes hold no pass through this network that was not gone back through: go forward first",
            ));
        }
        let share = self.shapes(theta, x, rows, dy)?;
        let Gradients { theta: dtheta, x: dx } = gradients;
        let group = rows * self.input();
        let wants = |name, got: Option<usize>, len: usize| match got {
            Some(got) if got != len => Err(Error::invalid(format_args!(
                "room for {got} numbers of the gradient of {name}: give {len}"
            ))),
            _ => Ok(()),
        };
        wants("the parameters", dtheta.as_ref().map(|d| d.len()), theta.len())?;
        wants("the input", dx.as_ref().map(|d| d.len()), x.len())?;

        let wants_dx = dx.is_some();
        let outputs = rows * self.output();
        let part =
            |member: usize| (&x[member / share * group..][..group], &dy[member * outputs..][..outputs]);
        let work = |member: usize, tape: &mut Tape, dtheta: Option<&mut [f32]>| {
            let (x, dy) = part(member);
            self.member_backward(self.member(theta, member), x, tape, dy, dtheta, wants_dx);
        };
        let shared = worth(2 * tapes.len() * rows * self.products());
        match dtheta {
            Some(d) if shared => {
                let parts = tapes.par_iter_mut().zip(d.par_chunks_mut(self.params()));
                parts.enumerate().for_each(|(member, (tape, d))| work(member, tape, Some(d)));
            }
            Some(d) => {
                let parts = tapes.iter_mut().zip(d.chunks_mut(self.params()));
                parts.enumerate().for_each(|(member, (tape, d))| work(member, tape, Some(d)));
            }
            None if shared => {
                tapes.par_iter_mut().enumerate().for_each(|(member, tape)| work(member, tape, None));
            }
            None => tapes.iter_mut().enumerate().for_each(|(member, tape)| work(member, tape, None)),
        }
        if let Some(dx) = dx.filter(|_| group > 0) {
            for (dx, tapes) in dx.chunks_exact_mut(group).zip(tapes.chunks_exact(share)) {
                dx.copy_from_slice(&tapes[0].input[..group]);
                tapes[1..].iter().for_each(|tape| passes::add(dx, &tape.input[..group]));
            }
        }
        Ok(())
    }

    fn one_tape_a_member(&self, theta: &[f32], tapes: &[Tape]) -> Result<()> {
        let members = self.members(theta)?;
        if tapes.len() != members {
            return Err(Error::invalid(format_args!("{} tapes for {members} members", tapes.len())));
        }
        Ok(())
    }

    fn member_forward(&self, theta: &[f32], x: &[f32], tape: &mut Tape, y: &mut [f32]) {
        let rows = x.len() / self.input();
        tape.fit(self, rows);
        let mut done: &[Hidden] = &[];
        for (i, layer) in self.hidden().iter().enumerate() {
            passes::fetch(&theta[layer.weight.clone()]);
            let (before, rest) = tape.hidden.split_at_mut(i);
            let from = before.last().map_or(x, |hidden| &hidden.out);
            self.hidden_forward(layer, theta, from, &mut rest[0]);
            done = &tape.hidden[..=i];
        }
        let from = done.last().map_or(x, |hidden| &hidden.out);
        let last = &self.layers()[self.layers().len() - 1];
        let cost = rows * last.input * last.output;
        each_block(y, blocks::ROWS * last.output, cost, |block, y| {
            affine(last, theta, &from[block * blocks::ROWS * last.input..], y);
        });
        tape.live = true;
    }

    fn hidden_forward(&self, layer: &Layer, theta: &[f32], from: &[f32], kept: &mut Hidden) {
        let len = blocks::ROWS * layer.output;
        let cost = from.len() * layer.output;
        let Hidden { out, slope, standard, over, .. } = kept;
        if layer.gain.is_empty() {
            each_block_of_two((out, len), (slope, len), cost, |block, z, slope| {
                affine(layer, theta, &from[block * blocks::ROWS * layer.input..], z);
                self.activation().apply_with_slope(z, slope);
            });
        } else {
            let (gain, shift) = (&theta[layer.gain.clone()], &theta[layer.shift.clone()]);
            each_block(out, len, cost, |block, z| {
                affine(layer, theta, &from[block * blocks::ROWS * layer.input..], z);
            });
            norm::forward_saved(out, gain, shift, standard, over);
            self.activation().apply_with_slope(out, slope);
        }
    }

    fn member_backward(
        &self,
        theta: &[f32],
        x: &[f32],
        tape: &mut Tape,
        dy: &[f32],
        mut dtheta: Option<&mut [f32]>,
        wants_dx: bool,
    ) {
        let Tape { hidden, turned, input, live, .. } = tape;
        *live = false;
        for (i, layer) in self.layers().iter().enumerate().rev() {
            let (before, here) = hidden.split_at_mut(i);
            let dz = here.first().map_or(dy, |kept| kept.gradient());
            let from = before.last().map_or(x, |kept| &kept.out);
            if let Some(dtheta) = dtheta.as_deref_mut() {
                weight_gradient(layer, from, dz, turned, &mut dtheta[layer.weight.clone()]);
                passes::column_sums(dz, layer.output, &mut dtheta[layer.bias.clone()]);
            }
            if let Some(kept) = before.last_mut() {
                turn(layer, theta, turned);
                self.hidden_backward(layer, theta, dz, turned, kept, &self.layers()[i - 1]);
                if let Some(dtheta) = dtheta.as_deref_mut() {
                    norm_gradient(&self.layers()[i - 1], kept, dtheta);
                }
            } else if wants_dx {
                turn(layer, theta, turned);
                input.resize(x.len(), 0.0);
                let cost = x.len() * layer.output;
                each_block(input, blocks::ROWS * layer.input, cost, |block, dx| {
                    input_gradient(layer, dz, turned, block, dx);
                });
            }
        }
    }

    /// From the gradient of a layer's product to that of the hidden layer's before it, a block of rows at a time: what lies
    /// between the two never leaves the cache.
    fn hidden_backward(
        &self,
        layer: &Layer,
        theta: &[f32],
        dz: &[f32],
        turned: &[f32],
        kept: &mut Hidden,
        previous: &Layer,
    ) {
        let len = blocks::ROWS * layer.input;
        let cost = dz.len() * layer.input;
        let through = |block: usize, slope: &mut [f32]| {
            scratch::with(slope.len(), |carried| {
                input_gradient(layer, dz, turned, block, carried);
                passes::multiply(slope, carried);
            });
        };
        let Hidden { slope, standard, over, before, .. } = kept;
        if before.is_empty() {
            return each_block(slope, len, cost, through);
        }
        let gain = &theta[previous.gain.clone()];
        each_block_of_two((slope, len), (before, len), cost, |block, slope, before| {
            through(block, slope);
            let rows = block * blocks::ROWS..block * blocks::ROWS + slope.len() / layer.input;
            let standard = &standard[rows.start * layer.input..rows.end * layer.input];
            norm::backward(slope, gain, standard, &over[rows], before);
        });
    }
}

/// Rows that a product sums over in one go: more would not stay in the cache.
const RUN: usize = 256;
/// Rows of a weight that one task takes.
const STRIP: usize = 128;

/// dW = fromᵀ·dz.
fn weight_gradient(layer: &Layer, from: &[f32], dz: &[f32], spare: &mut Vec<f32>, dw: &mut [f32]) {
    let &Layer { input, output, .. } = layer;
    let rows = dz.len() / output;
    if output < 8 && output < input {
        // Few columns would leave vectors empty: turn the product round.
        let out: &mut [f32] = if output == 1 {
            dw
        } else {
            spare.resize(input * output, 0.0);
            spare
        };
        let shape = Shape { m: output, k: rows, n: input };
        matmul(shape, Left { data: dz, row: 1, col: output }, from, Start::Zero, out);
        if output > 1 {
            transpose(spare, output, input, dw);
        }
        return;
    }
    each_block(dw, STRIP * output, rows * input * output, |strip, dw| {
        for run in (0..rows.max(1)).step_by(RUN) {
            let k = RUN.min(rows - run);
            let data = &from[(run * input + strip * STRIP).min(from.len())..];
            let start = if run == 0 { Start::Zero } else { Start::Output };
            let shape = Shape { m: dw.len() / output, k, n: output };
            matmul(shape, Left { data, row: 1, col: input }, &dz[run * output..], start, dw);
        }
    });
}

/// The gradients of gain and shift of a layer that is normalised, once the way back has passed it.
fn norm_gradient(layer: &Layer, kept: &mut Hidden, dtheta: &mut [f32]) {
    if layer.gain.is_empty() {
        return;
    }
    passes::column_sums(&kept.slope, layer.output, &mut dtheta[layer.shift.clone()]);
    // The standardised rows are not needed any more.
    passes::multiply(&mut kept.standard, &kept.slope);
    passes::column_sums(&kept.standard, layer.output, &mut dtheta[layer.gain.clone()]);
}

/// A weight on its side.
fn turn(layer: &Layer, theta: &[f32], turned: &mut Vec<f32>) {
    turned.resize(layer.input * layer.output, 0.0);
    passes::fetch(&theta[layer.weight.clone()]);
    transpose(&theta[layer.weight.clone()], layer.input, layer.output, turned);
}

/// dx = dz·Wᵀ for the rows of a block.
fn input_gradient(layer: &Layer, dz: &[f32], turned: &[f32], block: usize, dx: &mut [f32]) {
    let &Layer { input, output, .. } = layer;
    let data = &dz[block * blocks::ROWS * output..];
    let shape = Shape { m: dx.len() / input, k: output, n: input };
    matmul(shape, Left { data, row: output, col: 1 }, turned, Start::Zero, dx);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Init, Norm};
    use mbrl_core::Key;

    #[test]
    fn a_tape_serves_one_way_back_through_its_own_network() {
        let net = Mlp::new(2, &[4], 3, Activation::Tanh).unwrap();
        let theta = Init::UniformFanIn.parameters(&net, 1, Key::root(0));
        let (x, mut y, dy) = ([0.5; 10], [0.0; 15], [1.0; 15]);
        let mut tapes = Tape::of(1);
        let back = |net: &Mlp, theta: &[f32], tapes: &mut [Tape]| {
            net.backward(
                theta,
                &x,
                tapes,
                &dy,
                Gradients { theta: Some(&mut vec![0.0; theta.len()]), x: None },
            )
        };
        assert!(back(&net, &theta, &mut tapes).unwrap_err().is_stale());
        net.forward_saved(&theta, &x, 5, &mut tapes, &mut y).unwrap();
        for other in [
            Mlp::new(2, &[5], 3, Activation::Tanh).unwrap(),
            Mlp::new(2, &[4, 4], 3, Activation::Tanh).unwrap(),
            net.clone().with_norm(Norm::Layer),
        ] {
            let theta = Init::UniformFanIn.parameters(&other, 1, Key::root(0));
            assert!(back(&other, &theta, &mut tapes).unwrap_err().is_stale(), "{other:?}");
        }
        back(&net, &theta, &mut tapes).unwrap();
        assert!(back(&net, &theta, &mut tapes).unwrap_err().is_stale());
    }
}
