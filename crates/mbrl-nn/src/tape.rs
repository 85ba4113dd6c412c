//! What a pass forward keeps for the pass back.

use crate::mlp::{Mlp, Norm};

/// One member's pass forward, kept so that [`Mlp::backward`] can go back through it. Its memory is reused.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    pub(crate) rows: usize,
    /// Whether a pass forward is on it that no pass back has used up.
    pub(crate) live: bool,
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

impl Tape {
    /// Whether it holds a pass of so many rows through `net` that is yet to be gone back through.
    pub(crate) fn holds(&self, net: &Mlp, rows: usize) -> bool {
        let same = |(kept, layer): (&Hidden, &crate::Layer)| {
            kept.out.len() == rows * layer.output
                && kept.before.is_empty() == (rows == 0 || layer.gain.is_empty())
        };
        let hidden = net.hidden();
        self.live
            && self.rows == rows
            && self.hidden.len() == hidden.len()
            && self.hidden.iter().zip(hidden).all(same)
    }
}

impl Hidden {
    /// The gradient of the product of this layer, once the way back has passed it.
    pub(crate) fn gradient(&self) -> &[f32] {
        if self.before.is_empty() { &self.slope } else { &self.before }
    }
}
