//! The Gaussian head as an operation, for losses of one's own with learnt bounds.

use super::{Read, Second, backend, flat, refused};
use crate::GaussianHead;
use crate::composite::{softplus, spoiled_by};
use crate::gaussian::clamp;
use crate::vectorized::vectorized;
use candle_core::{CpuStorage, CustomOp2, D, DType, Layout, Shape, Tensor};
use mbrl_core::{Error, Result};
use std::sync::OnceLock;

impl GaussianHead {
    /// The means and the log-variances within their bounds, `[.., dim]` each, of outputs `[.., 2·dim]`. The bounds are a
    /// tensor `[2·dim]`, laid out like [`bounds`](GaussianHead::bounds): where it is a variable they are learnt.
    pub fn apply(&self, y: &Tensor, bounds: &Tensor) -> Result<(Tensor, Tensor)> {
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
        spoiled_by(min.broadcast_add(&softplus(&below.broadcast_sub(&min)?)?)?, raw)
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

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_operation_and_the_composite_agree() {
        let head = GaussianHead { dim: 3 };
        let raw: Vec<f32> = (0..42).map(|i| (i as f32 * 0.7).sin() * 14.0).collect();
        let y = Var::from_vec(raw, (1, 7, 6), &Device::Cpu).unwrap();
        let bounds = Var::from_vec(vec![0.5f32, 1.0, -1.0, -10.0, -3.0, -2.0], 6, &Device::Cpu).unwrap();
        let raw = y.narrow(2, 3, 3).unwrap();
        let results =
            [head.apply(&y, &bounds).unwrap().1, head.composite(&raw, &bounds).unwrap()].map(|log_var| {
                let weight =
                    Tensor::arange(-10.0f32, 11.0, &Device::Cpu).unwrap().reshape((1, 7, 3)).unwrap();
                let found = (&log_var * weight).unwrap().sum_all().unwrap().backward().unwrap();
                let gradients = [&y, &bounds].map(|of| numbers(found.get(of).unwrap()));
                (numbers(&log_var), gradients)
            });
        let [(a, [dy, dbounds]), (b, [composite_dy, composite_dbounds])] = results;
        for (ours, theirs) in [(a, b), (dy, composite_dy), (dbounds, composite_dbounds)] {
            assert!(ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-5 * b.abs().max(1.0)));
            assert!(theirs.iter().any(|number| number.abs() > 0.1));
        }
    }

    #[test]
    fn bounds_may_change_before_the_way_back_but_not_be_gone_through_twice() {
        let head = GaussianHead { dim: 1 };
        let y = Tensor::new(&[[0.0f32, 0.3]], &Device::Cpu).unwrap();
        let bounds = Var::from_vec(head.bounds(), 2, &Device::Cpu).unwrap();
        let loss = head.apply(&y, &bounds).unwrap().1.sum_all().unwrap();
        let before = loss.backward().unwrap();
        bounds.set(&(bounds.as_tensor() * 0.5).unwrap()).unwrap();
        let after = loss.backward().unwrap();
        let [before, after] = [before, after].map(|found| found.get(&bounds).unwrap().clone());
        assert_eq!(numbers(&before), numbers(&after));
        let error = crate::gradients(&after.sqr().unwrap().sum_all().unwrap()).unwrap_err();
        assert!(error.is_unsupported(), "{error}");
    }
}
