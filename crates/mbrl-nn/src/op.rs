//! A network call as one candle operation.

mod bounded;
mod sealed;

pub(crate) use sealed::{Read, Second, flat, inner, refused};
pub use sealed::{backend, gradients};

use crate::composite;
use crate::{Gradients, Mlp, Tape};
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Shape, Tensor};
use mbrl_core::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

impl Mlp {
    /// The outputs of all members, `[members, rows, out]`, for inputs `[groups, rows, in]` and parameters
    /// `[members, params]`: [`forward`](Mlp::forward) as one node in candle's graph, with gradients of both.
    ///
    /// The parameters may be any tensor: those of a [`Network`](crate::Network), which has a `forward` of its own, or what
    /// other operations made, such as a draw from a distribution over parameters.
    ///
    /// ```
    /// use mbrl_core::Key;
    /// use mbrl_nn::candle_core::{Device, Tensor, Var};
    /// use mbrl_nn::{Activation, Init, Mlp, backend, gradients};
    ///
    /// let net = Mlp::new(3, &[8], 2, Activation::Silu)?;
    /// let theta = Init::default().parameters(&net, 5, Key::root(0));
    /// let theta = Var::from_vec(theta, (5, net.params()), &Device::Cpu).map_err(backend)?;
    /// let x = Tensor::full(0.5f32, (1, 10, 3), &Device::Cpu).map_err(backend)?;
    ///
    /// let y = net.apply(&x, &theta)?;
    /// assert_eq!(y.dims(), [5, 10, 2]);
    /// let loss = y.sqr().and_then(|squares| squares.mean_all()).map_err(backend)?;
    /// assert_eq!(gradients(&loss)?.get(&theta).unwrap().dims(), theta.dims());
    /// # Ok::<(), mbrl_core::Error>(())
    /// ```
    pub fn apply(&self, x: &Tensor, theta: &Tensor) -> Result<Tensor> {
        call(&Arc::new(self.clone()), x, theta, None)
    }
}

/// What a [`Network`](crate::Network) lends to its calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    /// How often the parameters were changed in place. Read and raised under the lock of their storage.
    pub(crate) generation: Arc<AtomicU64>,
    /// Tapes whose graphs are gone: their memory is the next call's.
    shelf: Arc<Mutex<Vec<Vec<Tape>>>>,
}

/// More graphs than these are rarely alive at once, and more memory need not be kept.
const SHELF: usize = 4;

/// Calls the network by its kernels on the CPU, and by candle's operations elsewhere.
pub(crate) fn call(net: &Arc<Mlp>, x: &Tensor, theta: &Tensor, shared: Option<&Shared>) -> Result<Tensor> {
    check(net, x, theta)?;
    if !x.device().is_cpu() {
        return composite::forward(net, x, theta).map_err(backend);
    }
    let tracked = x.track_op() || theta.track_op();
    let call = Call { net: net.clone(), shared: shared.cloned(), tracked, kept: Mutex::default() };
    let run = || {
        let (x, theta) = (x.contiguous()?, theta.contiguous()?);
        if tracked { x.apply_op2(&theta, call) } else { x.apply_op2_no_bwd(&theta, &call) }
    };
    run().map_err(backend)
}

/// Refuses in our own words what candle would refuse in its.
fn check(net: &Mlp, x: &Tensor, theta: &Tensor) -> Result<()> {
    for (name, tensor) in [("input", x), ("parameters", theta)] {
        if tensor.dtype() != DType::F32 {
            return Err(Error::invalid(format_args!(
                "the {name} of a network hold {:?}: convert to F32",
                tensor.dtype()
            )));
        }
    }
    if !x.device().same_device(theta.device()) {
        return Err(Error::invalid(format_args!(
            "an input on {:?} for parameters on {:?}: move one to the other",
            x.device().location(),
            theta.device().location()
        )));
    }
    let (groups, members) = match (x.dims(), theta.dims()) {
        (&[groups, _, input], &[members, params]) if input == net.input() && params == net.params() => {
            (groups, members)
        }
        (x, theta) => {
            return Err(Error::invalid(format_args!(
                "an input {x:?} and parameters {theta:?}: give [groups, rows, {}] and [members, {}]",
                net.input(),
                net.params()
            )));
        }
    };
    if members == 0 || groups == 0 || !members.is_multiple_of(groups) {
        return Err(Error::invalid(format_args!(
            "{groups} groups of inputs for {members} members: give a number of groups that divides the members"
        )));
    }
    Ok(())
}

struct Call {
    net: Arc<Mlp>,
    shared: Option<Shared>,
    tracked: bool,
    kept: Mutex<Kept>,
}

/// What a call keeps for its way back.
#[derive(Default)]
struct Kept {
    tapes: Vec<Tape>,
    /// The parameters of the way forward, where nobody watches whether they change.
    theta: Option<Vec<f32>>,
    /// Whether the tapes are yet to be used up.
    fresh: bool,
    /// The generation of the parameters on the way forward.
    generation: u64,
}

impl Call {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Where a thread panicked on its way, the tapes are not fresh, and are made anew.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self) -> u64 {
        self.shared.as_ref().map_or(0, |shared| shared.generation.load(Ordering::Relaxed))
    }
}

impl CustomOp2 for Call {
    fn name(&self) -> &'static str {
        "network"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        theta: &CpuStorage,
        theta_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (_, rows, _) = x_layout.shape().dims3()?;
        let (members, _) = theta_layout.shape().dims2()?;
        let (x, theta) = (flat(x, x_layout)?, flat(theta, theta_layout)?);
        let mut y = vec![0.0; members * rows * self.net.output()];
        if self.tracked {
            let mut kept = self.kept();
            // The lock of the parameters is held here, so that this is the generation of what is read.
            kept.generation = self.generation();
            kept.tapes = self.shared.as_ref().and_then(Shared::take).unwrap_or_default();
            kept.tapes.resize_with(members, Tape::default);
            self.net.forward_saved(theta, x, rows, &mut kept.tapes, &mut y).map_err(inner)?;
            kept.theta = self.shared.is_none().then(|| theta.to_vec());
            kept.fresh = true;
        } else {
            self.net.forward(theta, x, rows, &mut y).map_err(inner)?;
        }
        Ok((CpuStorage::F32(y), (members, rows, self.net.output()).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        theta: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let rows = x.dim(1)?;
        let straight = dy.contiguous()?;
        let room = |tensor: &Tensor| tensor.track_op().then(|| vec![0.0; tensor.elem_count()]);
        let (mut dx, mut dtheta) = (room(x), room(theta));
        {
            let (x, theta, dy) = (Read::of(x), Read::of(theta), Read::of(&straight));
            let (x, theta, dy) = (x.flat()?, theta.flat()?, dy.flat()?);
            // Taken out and put back, for no lock may be held while threads share the work: one that waits may meet this
            // very call in another graph.
            let (mut tapes, own, fresh) = {
                let mut kept = self.kept();
                if self.generation() != kept.generation {
                    return Err(refused(sealed::STALE));
                }
                let Kept { tapes, theta, fresh, .. } = &mut *kept;
                (std::mem::take(tapes), theta.clone(), std::mem::take(fresh))
            };
            let theta = own.as_deref().unwrap_or(theta);
            // Without rows nothing is written to the tapes, and the gradients stay zero.
            if rows > 0 {
                if !fresh {
                    tapes.resize_with(theta.len() / self.net.params(), Tape::default);
                    let mut again = vec![0.0; y.elem_count()];
                    self.net.forward_saved(theta, x, rows, &mut tapes, &mut again).map_err(inner)?;
                }
                let gradients = Gradients { theta: dtheta.as_deref_mut(), x: dx.as_deref_mut() };
                self.net.backward(theta, x, &mut tapes, dy, gradients).map_err(inner)?;
            }
            self.kept().tapes = tapes;
        }
        let seal = |values: Option<Vec<f32>>, like: &Tensor| {
            values.map(|values| Second::derivative_of([x, theta, dy], values, like.shape())).transpose()
        };
        Ok((seal(dx, x)?, seal(dtheta, theta)?))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let tapes = std::mem::take(&mut self.kept().tapes);
        if let Some(shared) = self.shared.as_ref().filter(|_| !tapes.is_empty()) {
            shared.put(tapes);
        }
    }
}

impl Shared {
    fn take(&self) -> Option<Vec<Tape>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, tapes: Vec<Tape>) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.len() < SHELF {
            shelf.push(tapes);
        }
    }
}
