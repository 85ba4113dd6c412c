//! What a pass forward keeps for the pass back.

use crate::mlp::{Mlp, Norm};

/// One member's pass forward, kept so that [`Mlp::backward`] can go back through it. Its memory is reused.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    pub(crate) rows: usize,
    pub(crate) hidden: Vec<Hidden>,
    /// A weight turned on its side.
    pub(crate) turned: Vec<f32>,
    /// The gradient of the input.
    pub(crate) input: Vec<f32>,
}

/// A hidden layer: each `[rows, width]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden {
    /// What it gave to the next.
    pub(crate) out: Vec<f32>,
    /// The slope of its activation; on the way back it becomes the gradient before the activation.
    pub(crate) slope: Vec<f32>,
    /// With layer norm: the standardised rows.
    pub(crate) standard: Vec<f32>,
    /// With layer norm: the reciprocal deviation of each row, `[rows]`.
    pub(crate) over: Vec<f32>,
    /// With layer norm: the gradient before the norm.
    pub(crate) before: Vec<f32>,
}

impl Tape {
    /// As many empty tapes as there are members.
    pub fn of(members: usize) -> Vec<Tape> {
        vec![Tape::default(); members]
    }

    /// Makes room for so many rows through `net`.
    pub(crate) fn fit(&mut self, net: &Mlp, rows: usize) {
        let hidden = net.hidden();
        self.rows = rows;
        self.hidden.resize_with(hidden.len(), Hidden::default);
        for (layer, kept) in hidden.iter().zip(&mut self.hidden) {
            let len = rows * layer.output;
            let (normed, deviations) = if net.norm() == Norm::Layer { (len, rows) } else { (0, 0) };
            for (part, len) in [
                (&mut kept.out, len),
                (&mut kept.slope, len),
                (&mut kept.standard, normed),
                (&mut kept.over, deviations),
                (&mut kept.before, normed),
            ] {
                part.resize(len, 0.0);
            }
        }
    }
}

impl Hidden {
    /// The gradient of the product of this layer, once the way back has passed it.
    pub(crate) fn gradient(&self) -> &[f32] {
        if self.before.is_empty() { &self.slope } else { &self.before }
    }
}
