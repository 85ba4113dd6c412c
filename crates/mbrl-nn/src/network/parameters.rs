//! Parameters as a candle variable that is changed in place.

use super::rows::with_numbers;
use crate::op::{Shared, backend, flat, refused};
use crate::{Adam, AdamConfig, Decay, clip_norm, polyak};
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Tensor, Var};
use mbrl_core::{Error, Result};
use std::cell::RefCell;
use std::sync::atomic::Ordering;

/// A variable of any shape: those of a network, `[members, params]`, or a small vector such as the bounds of a
/// [`GaussianHead`](crate::GaussianHead) or a temperature. Its rows are members.
///
/// candle does not notice when a variable changes between a pass forward and its way back. Calls of networks do, where they
/// were given these parameters themselves; for other operations, do one after the other.
#[derive(Debug)]
pub struct Parameters {
    var: Var,
    shared: Shared,
}

impl Parameters {
    /// Parameters with these values.
    pub fn new(shape: &[usize], values: Vec<f32>, device: &Device) -> Result<Self> {
        if shape.iter().product::<usize>() != values.len() || values.is_empty() {
            return Err(Error::invalid(format_args!("{} parameters for the shape {shape:?}", values.len())));
        }
        let var = Var::from_vec(values, shape, device).map_err(backend)?;
        Ok(Parameters { var, shared: Shared::default() })
    }

    /// The variable, to compute with. Change it through these parameters only.
    pub fn tensor(&self) -> &Tensor {
        self.var.as_tensor()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Writes all values to `out`, whatever its length was.
    pub fn copy_to(&self, out: &mut Vec<f32>) -> Result<()> {
        out.clear();
        with_numbers(&self.var, |numbers| out.extend_from_slice(numbers))
    }

    /// Replaces all values.
    pub fn set(&mut self, values: &[f32]) -> Result<()> {
        self.edit(|own| {
            if own.len() != values.len() {
                return Err(Error::invalid(format_args!(
                    "{} values for {} parameters",
                    values.len(),
                    own.len()
                )));
            }
            own.copy_from_slice(values);
            Ok(())
        })
    }

    /// Changes the values in place. Graphs that were made of them are stale from then on.
    pub fn edit(&mut self, f: impl FnOnce(&mut [f32]) -> Result<()>) -> Result<()> {
        if self.var.device().is_cpu() {
            let edit = Edit { work: RefCell::new(Work::Todo(f)), shared: &self.shared };
            self.var.inplace_op1(&edit).map_err(backend)?;
            return match edit.work.into_inner() {
                Work::Done(result) => result,
                Work::Todo(_) | Work::Doing => Err(backend(refused("parameters that were not changed"))),
            };
        }
        let mut values = Vec::new();
        self.copy_to(&mut values)?;
        f(&mut values)?;
        self.shared.raise();
        let values = Tensor::from_vec(values, self.var.shape(), self.var.device());
        values.and_then(|values| self.var.set(&values)).map_err(backend)
    }

    /// A step of Adam along the gradient of these parameters. A gradient that is not finite is refused, and nothing is
    /// changed.
    pub fn step(
        &mut self,
        adam: &mut Adam,
        config: &AdamConfig,
        gradients: &GradStore,
        decay: &[Decay],
    ) -> Result<()> {
        let gradient = self.gradient(gradients)?.clone();
        let row = self.row();
        with_numbers(&gradient, |gradient| {
            finite(gradient, row)?;
            self.edit(|theta| adam.step(config, theta, gradient, row, decay))
        })?
    }

    /// Scales the gradient of these parameters down to the norm `max`, where it is longer; returns the norm that it had.
    pub fn clip(&self, gradients: &mut GradStore, max: f32) -> Result<f64> {
        let gradient = self.gradient(gradients)?;
        let mut values = with_numbers(gradient, <[f32]>::to_vec)?;
        let norm = clip_norm(&mut values, max);
        if norm > f64::from(max) {
            let clipped = Tensor::from_vec(values, self.var.shape(), self.var.device()).map_err(backend)?;
            gradients.insert(self.tensor(), clipped);
        }
        Ok(norm)
    }

    /// Moves others towards these: θ' ← θ' + τ·(θ − θ').
    pub fn polyak_onto(&self, target: &mut Parameters, tau: f32) -> Result<()> {
        with_numbers(&self.var, |theta| target.edit(|target| polyak(target, theta, tau)))?
    }

    /// The gradient of these parameters among those of a loss.
    pub fn gradient<'a>(&self, gradients: &'a GradStore) -> Result<&'a Tensor> {
        gradients.get(self.tensor()).ok_or_else(|| {
            Error::invalid(
                "the loss has no gradient of these parameters: compute it from what `forward` returned",
            )
        })
    }

    /// Parameters of one member.
    fn row(&self) -> usize {
        self.var.dims().last().copied().unwrap_or(1)
    }
}

/// Refuses a gradient that is not finite.
fn finite(gradient: &[f32], row: usize) -> Result<()> {
    const EXPONENT: u32 = 0x7f80_0000;
    // The sum over a block is computed without branches; only a bad block is searched.
    let bad = |block: &[f32]| block.iter().fold(false, |bad, g| bad | (g.to_bits() & EXPONENT == EXPONENT));
    for (i, block) in gradient.chunks(1024).enumerate().filter(|(_, block)| bad(block)) {
        if let Some((at, g)) = block.iter().enumerate().find(|(_, g)| !g.is_finite()) {
            let at = i * 1024 + at;
            return Err(Error::non_finite(format_args!(
                "the gradient of parameter {} of member {} is {g}: lower the learning rate or clip",
                at % row,
                at / row
            )));
        }
    }
    Ok(())
}

impl Shared {
    fn raise(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }
}

struct Edit<'a, F> {
    work: RefCell<Work<F>>,
    shared: &'a Shared,
}

enum Work<F> {
    Todo(F),
    Doing,
    Done(Result<()>),
}

impl<F: FnOnce(&mut [f32]) -> Result<()>> InplaceOp1 for Edit<'_, F> {
    fn name(&self) -> &'static str {
        "change of parameters"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let len = flat(storage, layout)?.len();
        let CpuStorage::F32(values) = storage else {
            return Err(refused("parameters that are not F32"));
        };
        if let Work::Todo(f) = self.work.replace(Work::Doing) {
            // The lock is held: no pass forward reads between the two.
            self.shared.raise();
            let from = layout.start_offset();
            self.work.replace(Work::Done(f(&mut values[from..from + len])));
        }
        Ok(())
    }
}
