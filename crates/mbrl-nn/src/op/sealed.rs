//! What our operations share: slices of tensors, errors, and gradients that cannot be differentiated again.

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Storage, StorageRef, Tensor};
use mbrl_core::{Error, Result};
use std::sync::{Mutex, PoisonError};

/// candle hands errors on as text, so these are known by their words.
pub(crate) const STALE: &str =
    "the parameters were changed after this forward pass: go forward again before backward";
const SECOND: &str = "a gradient has no derivative of its own here: `detach` it to use its value; for products with a \
                     Fisher matrix there is `jvp`";

/// An error of candle as ours.
pub fn backend(error: candle_core::Error) -> Error {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => backend(*inner),
        candle_core::Error::Msg(text) if text == STALE => Error::stale(text),
        candle_core::Error::Msg(text) if text == SECOND => Error::unsupported(text),
        error => Error::backend(error),
    }
}

/// The gradients of a loss, one number: candle's `backward` with errors of ours.
pub fn gradients(loss: &Tensor) -> Result<GradStore> {
    if loss.elem_count() != 1 {
        return Err(Error::invalid(format_args!(
            "a loss of shape {:?}: reduce it to one number, by its mean for example",
            loss.dims()
        )));
    }
    loss.backward().map_err(backend)
}

/// An error of ours on its way through candle.
pub(crate) fn inner(error: Error) -> candle_core::Error {
    candle_core::Error::wrap(error)
}

/// One of the errors that [`backend`] knows again.
pub(crate) fn refused(words: &str) -> candle_core::Error {
    candle_core::Error::msg(words)
}

/// The numbers of a contiguous tensor.
pub(crate) fn flat<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let numbers = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&numbers[from..to]),
        None => Err(refused("a strided tensor: make it contiguous")),
    }
}

/// A tensor on the CPU, locked to be read.
pub(crate) struct Read<'a> {
    storage: StorageRef<'a>,
    layout: &'a Layout,
}

impl<'a> Read<'a> {
    pub(crate) fn of(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Read { storage, layout }
    }

    pub(crate) fn flat(&self) -> candle_core::Result<&[f32]> {
        match &*self.storage {
            Storage::Cpu(storage) => flat(storage, self.layout),
            _ => Err(refused("a tensor on another device: move it to the CPU")),
        }
    }
}

/// The end of the road: a gradient as the result of an operation that has none.
///
/// candle detaches gradients on their way, yet the last operations before a variable stay in the graph of what it returns.
/// Whoever differentiates through them meets an error, where values without a graph would count as constants.
pub(crate) struct Second(Mutex<Option<(Vec<f32>, Shape)>>);

impl Second {
    /// Values that depend on three tensors, in a way that is not known.
    pub(crate) fn derivative_of(
        [a, b, c]: [&Tensor; 3],
        values: Vec<f32>,
        shape: &Shape,
    ) -> candle_core::Result<Tensor> {
        a.apply_op3(b, c, Second(Mutex::new(Some((values, shape.clone())))))
    }
}

impl CustomOp3 for Second {
    fn name(&self) -> &'static str {
        "network gradient"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (values, shape) = given.ok_or_else(|| refused("a gradient that was handed out already"))?;
        Ok((CpuStorage::F32(values), shape))
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Err(refused(SECOND))
    }
}
