//! The Gaussian head as an operation, for losses of one's own with learnt bounds.

use super::{Read, Second, backend, flat, refused};
use crate::GaussianHead;
use crate::composite::softplus;
use crate::gaussian::clamp;
use crate::vectorized::vectorized;
use candle_core::{CpuStorage, CustomOp2, D, DType, Layout, Shape, Tensor};
use mbrl_core::{Error, Result};
use std::sync::OnceLock;

impl GaussianHead {
    /// The means and the log-variances within their bounds, `[.., dim]` each, of outputs `[.., 2·dim]`. The bounds are a
    /// tensor `[2·dim]`, laid out like [`bounds`](GaussianHead::bounds): where it is a variable they are learnt.
    pub fn split(&self, y: &Tensor, bounds: &Tensor) -> Result<(Tensor, Tensor)> {
        let wide = 2 * self.dim;
        if y.dims().last() != Some(&wide) || bounds.dims() != [wide] {
            return Err(Error::invalid(format_args!(
                "outputs {:?} and bounds {:?}: a Gaussian head over {} numbers reads [.., {wide}] and [{wide}]",
                y.dims(),
                bounds.dims(),
                self.dim
            )));
        }
        for (name, tensor) in [("outputs", y), ("bounds", bounds)] {
            if tensor.dtype() != DType::F32 {
                let dtype = tensor.dtype();
                return Err(Error::invalid(format_args!("the {name} are {dtype:?}: convert to F32")));
            }
        }
        self.halves(y, bounds).map_err(backend)
    }

    fn halves(&self, y: &Tensor, bounds: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let mean = y.narrow(D::Minus1, 0, self.dim)?;
        let raw = y.narrow(D::Minus1, self.dim, self.dim)?;
        let log_var = if y.device().is_cpu() {
            let bounded = Bounded { dim: self.dim, bounds: OnceLock::new() };
            raw.contiguous()?.apply_op2(&bounds.contiguous()?, bounded)?
        } else {
            self.composite(&raw, bounds)?
        };
        Ok((mean, log_var))
    }

    fn composite(&self, raw: &Tensor, bounds: &Tensor) -> candle_core::Result<Tensor> {
        let bounds = bounds.copy()?;
        let (max, min) = (bounds.narrow(0, 0, self.dim)?, bounds.narrow(0, self.dim, self.dim)?);
        let below = max.broadcast_sub(&softplus(&max.broadcast_sub(raw)?)?)?;
        min.broadcast_add(&softplus(&below.broadcast_sub(&min)?)?)
    }
}

struct Bounded {
    dim: usize,
    /// As they were on the way forward: the way back is along the same slopes, whatever became of the variable.
    bounds: OnceLock<Vec<f32>>,
}

impl CustomOp2 for Bounded {
    fn name(&self) -> &'static str {
        "gaussian head"
    }

    fn cpu_fwd(
        &self,
        raw: &CpuStorage,
        raw_layout: &Layout,
        bounds: &CpuStorage,
        bounds_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let raw = flat(raw, raw_layout)?;
        let given = flat(bounds, bounds_layout)?;
        let bounds = self.bounds.get_or_init(|| given.to_vec());
        let mut out = vec![0.0; raw.len()];
        within(self.dim, raw, bounds, &mut out);
        Ok((CpuStorage::F32(out), raw_layout.shape().clone()))
    }

    fn bwd(
        &self,
        raw: &Tensor,
        bounds: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let slopes_of = self.bounds.get().ok_or_else(|| refused("a way back without a way forward"))?;
        let straight = dy.contiguous()?;
        let mut draw = vec![0.0; raw.elem_count()];
        let mut dbounds = vec![0.0f64; 2 * self.dim];
        {
            let (raw, dy) = (Read::of(raw), Read::of(&straight));
            back(self.dim, raw.flat()?, slopes_of, dy.flat()?, &mut draw, &mut dbounds);
        }
        let dbounds = dbounds.into_iter().map(|sum| sum as f32).collect();
        let from = [raw, bounds, dy];
        let draw = Second::derivative_of(from, draw, raw.shape())?;
        let dbounds = Second::derivative_of(from, dbounds, bounds.shape())?;
        Ok((Some(draw), Some(dbounds)))
    }
}

vectorized! {
    fn within(dim: usize, raw: &[f32], bounds: &[f32], out: &mut [f32]) -> () {
        let (max, min) = bounds.split_at(dim);
        for (raw, out) in raw.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            for i in 0..dim {
                out[i] = clamp(raw[i], max[i], min[i]).0;
            }
        }
    }

    /// Writes the gradient before the bounds, and adds that of the bounds.
    fn back(dim: usize, raw: &[f32], bounds: &[f32], dy: &[f32], draw: &mut [f32], dbounds: &mut [f64]) -> () {
        let (max, min) = bounds.split_at(dim);
        let (dmax, dmin) = dbounds.split_at_mut(dim);
        let rows = raw.chunks_exact(dim).zip(dy.chunks_exact(dim)).zip(draw.chunks_exact_mut(dim));
        for ((raw, dy), draw) in rows {
            for i in 0..dim {
                let (_, upper, lower) = clamp(raw[i], max[i], min[i]);
                draw[i] = dy[i] * lower * upper;
                dmax[i] += f64::from(dy[i] * lower * (1.0 - upper));
                dmin[i] += f64::from(dy[i] * (1.0 - lower));
            }
        }
    }
}
