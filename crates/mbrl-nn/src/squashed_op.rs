//! The tanh-Gaussian head as an operation of candle, for losses of one's own.

use crate::composite::softplus;
use crate::op::{Read, Second, backend, flat};
use crate::squashed::{EDGE, HALF_LN_TAU};
use crate::{LogStd, SquashedHead};
use candle_core::{CpuStorage, CustomOp2, D, DType, Layout, Shape, Tensor};
use mbrl_core::{Error, Result};
use std::f64::consts::LN_2;

impl SquashedHead {
    /// The actions `[.., dim]` and their log-probabilities `[..]` for outputs `[.., 2·dim]` and standard normal noise
    /// `[.., dim]`: [`sample`](SquashedHead::sample) with the gradient of the outputs. Without noise, zeros, the action is
    /// that of the mean.
    pub fn apply(&self, y: &Tensor, noise: &Tensor) -> Result<(Tensor, Tensor)> {
        self.check_tensors(y, noise, "noise")?;
        let run = || {
            if !y.device().is_cpu() {
                return self.composite(y, noise);
            }
            let both = y.contiguous()?.apply_op2(&noise.contiguous()?, Sample(self.clone()))?;
            Ok((
                both.narrow(D::Minus1, 0, self.dim())?,
                both.narrow(D::Minus1, self.dim(), 1)?.squeeze(D::Minus1)?,
            ))
        };
        run().map_err(backend)
    }

    /// The log-probabilities `[..]` of actions from elsewhere, `[.., dim]`: [`log_prob`](SquashedHead::log_prob) with the
    /// gradient of the outputs.
    pub fn apply_log_prob(&self, y: &Tensor, action: &Tensor) -> Result<Tensor> {
        self.check_tensors(y, action, "actions")?;
        let run = || {
            if !y.device().is_cpu() {
                return self.composite_log_prob(y, action);
            }
            y.contiguous()?.apply_op2(&action.contiguous()?, Score(self.clone()))
        };
        run().map_err(backend)
    }

    fn check_tensors(&self, y: &Tensor, other: &Tensor, name: &str) -> Result<()> {
        let dim = self.dim();
        let fits = match (y.dims(), other.dims()) {
            ([rows @ .., outputs], [others @ .., width]) => {
                rows == others && *outputs == 2 * dim && *width == dim
            }
            _ => false,
        };
        if !fits {
            return Err(Error::invalid(format_args!(
                "outputs {:?} and {name} {:?}: a tanh policy over {dim} numbers reads [.., {}] and [.., {dim}]",
                y.dims(),
                other.dims(),
                2 * dim
            )));
        }
        for (name, tensor) in [("outputs", y), (name, other)] {
            if tensor.dtype() != DType::F32 {
                let dtype = tensor.dtype();
                return Err(Error::invalid(format_args!("the {name} are {dtype:?}: convert to F32")));
            }
        }
        if other.track_op() {
            // Nobody should take a gradient that is missing for one that is zero.
            return Err(Error::unsupported(format_args!("the {name} get no gradient here: `detach` them")));
        }
        Ok(())
    }

    fn composite(&self, y: &Tensor, noise: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let (mean, log_std) = self.composite_parts(y)?;
        let u = (mean + (log_std.exp()? * noise)?)?;
        let [scale, center, low, high] = [&self.scale[..], &self.center, self.space.low(), self.space.high()]
            .map(|row| Tensor::from_slice(row, row.len(), y.device()));
        let action = u.tanh()?.broadcast_mul(&scale?)?.broadcast_add(&center?)?;
        // Rounding may carry actions past a bound. Bringing them back is no part of the gradient.
        let inside = action.broadcast_maximum(&low?)?.broadcast_minimum(&high?)?;
        let action = (&action + (inside - &action)?.detach())?;
        Ok((action, self.composite_density(noise, &log_std, &u)?))
    }

    fn composite_log_prob(&self, y: &Tensor, action: &Tensor) -> candle_core::Result<Tensor> {
        let (mean, log_std) = self.composite_parts(y)?;
        let [scale, center] =
            [&self.scale, &self.center].map(|row| Tensor::from_slice(row, row.len(), y.device()));
        let tangent = action.broadcast_sub(&center?)?.broadcast_div(&scale?)?;
        let tangent = cut(&tangent, -EDGE, EDGE)?;
        let u = (((1.0 + &tangent)? / (1.0 - &tangent)?)?.log()? * 0.5)?;
        let z = ((&u - mean)? * log_std.neg()?.exp()?)?;
        self.composite_density(&z, &log_std, &u)
    }

    /// Means and log-deviations within their bounds.
    fn composite_parts(&self, y: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let dim = self.dim();
        let (mean, raw) = (y.narrow(D::Minus1, 0, dim)?, y.narrow(D::Minus1, dim, dim)?);
        let log_std = match self.log_std {
            LogStd::Clamped { low, high } => cut(&raw, low, high)?,
            LogStd::Soft { low, high } => {
                let half = 0.5 * f64::from(high - low);
                raw.tanh()?.affine(half, half + f64::from(low))?
            }
        };
        Ok((mean, log_std))
    }

    fn composite_density(&self, z: &Tensor, log_std: &Tensor, u: &Tensor) -> candle_core::Result<Tensor> {
        // log(1 − tanh²u) = 2·(log 2 − u − softplus(−2u))
        let slope = ((LN_2 - u)? - softplus(&(u * -2.0)?)?)?;
        let density = ((z.sqr()? * -0.5)? - log_std)? - (slope * 2.0)?;
        let sum = (density? - f64::from(HALF_LN_TAU))?.sum(D::Minus1)?;
        sum - f64::from(self.log_volume)
    }
}

/// Cuts numbers off at bounds. What is not finite comes out as not a number: it must reach whoever checks.
fn cut(x: &Tensor, low: f32, high: f32) -> candle_core::Result<Tensor> {
    let full = |value: f32| Tensor::full(value, x.shape(), x.device());
    let below = x.gt(high)?.where_cond(&full(high)?, x)?;
    below.lt(low)?.where_cond(&full(low)?, &below)? + (x * 0.0)?
}

struct Sample(SquashedHead);

impl CustomOp2 for Sample {
    fn name(&self) -> &'static str {
        "tanh-gaussian sample"
    }

    fn cpu_fwd(
        &self,
        y: &CpuStorage,
        y_layout: &Layout,
        noise: &CpuStorage,
        noise_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (y, noise, dim) = (flat(y, y_layout)?, flat(noise, noise_layout)?, self.0.dim());
        let rows = noise.len() / dim;
        let (mut action, mut log_prob) = (vec![0.0; noise.len()], vec![0.0; rows]);
        self.0.sample(y, noise, &mut action, Some(&mut log_prob));
        let mut both = Vec::with_capacity(rows * (dim + 1));
        for (action, log_prob) in action.chunks_exact(dim).zip(log_prob) {
            both.extend_from_slice(action);
            both.push(log_prob);
        }
        Ok((CpuStorage::F32(both), with_last(y_layout, Some(dim + 1))))
    }

    fn bwd(
        &self,
        y: &Tensor,
        noise: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let dim = self.0.dim();
        let d_action = gradient.narrow(D::Minus1, 0, dim)?.contiguous()?;
        let d_log_prob = gradient.narrow(D::Minus1, dim, 1)?.contiguous()?;
        let mut dy = vec![0.0; y.elem_count()];
        {
            let [y, noise, d_action, d_log_prob] = [y, noise, &d_action, &d_log_prob].map(Read::of);
            self.0.backward(y.flat()?, noise.flat()?, d_action.flat()?, d_log_prob.flat()?, &mut dy);
        }
        Ok((Some(Second::derivative_of([y, noise, gradient], dy, y.shape())?), None))
    }
}

struct Score(SquashedHead);

impl CustomOp2 for Score {
    fn name(&self) -> &'static str {
        "tanh-gaussian log-probability"
    }

    fn cpu_fwd(
        &self,
        y: &CpuStorage,
        y_layout: &Layout,
        action: &CpuStorage,
        action_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (y, action) = (flat(y, y_layout)?, flat(action, action_layout)?);
        let mut log_prob = vec![0.0; action.len() / self.0.dim()];
        self.0.log_prob(y, action, &mut log_prob);
        Ok((CpuStorage::F32(log_prob), with_last(y_layout, None)))
    }

    fn bwd(
        &self,
        y: &Tensor,
        action: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let straight = gradient.contiguous()?;
        let mut dy = vec![0.0; y.elem_count()];
        {
            let [y, action, d_log_prob] = [y, action, &straight].map(Read::of);
            self.0.log_prob_backward(y.flat()?, action.flat()?, d_log_prob.flat()?, &mut dy);
        }
        Ok((Some(Second::derivative_of([y, action, gradient], dy, y.shape())?), None))
    }
}

/// The shape of rows with another last axis, or none.
fn with_last(layout: &Layout, last: Option<usize>) -> Shape {
    let (_, rows) = layout.dims().split_last().unwrap_or((&0, &[]));
    rows.iter().copied().chain(last).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActionUnits, gradients};
    use candle_core::{Device, Var};
    use mbrl_core::{BoxSpace, Key, NoiseBuf, NoiseSpec};

    fn normals(shape: &[usize], scale: f64, key: Key) -> Tensor {
        let mut noise = NoiseBuf::default();
        noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, shape.iter().product(), key);
        let noise = Tensor::from_slice(noise.view().normals.as_slice(), shape, &Device::Cpu).unwrap();
        (noise * scale).unwrap()
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn heads() -> impl Iterator<Item = SquashedHead> {
        let kinds = [LogStd::Clamped { low: -1.5, high: 0.5 }, LogStd::Soft { low: -5.0, high: 2.0 }];
        let space = BoxSpace::new(vec![-1.0, 1.0], vec![1.0, 4.5]).unwrap();
        kinds
            .into_iter()
            .zip([ActionUnits::Tanh, ActionUnits::Environment])
            .map(move |(kind, units)| SquashedHead::new(&space, kind, units).unwrap())
    }

    fn near(ours: &Tensor, theirs: &Tensor) {
        assert_eq!(ours.dims(), theirs.dims());
        let (ours, theirs) = (numbers(ours), numbers(theirs));
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() < 2e-5 * b.abs().max(1.0), "{a} for {b}");
        }
        assert!(theirs.iter().any(|b| b.abs() > 0.1));
    }

    #[test]
    fn the_operations_and_the_composites_agree() {
        for head in heads() {
            let y = Var::from_tensor(&normals(&[3, 40, 4], 1.5, Key::root(1))).unwrap();
            let noise = normals(&[3, 40, 2], 1.0, Key::root(2));
            let weight = normals(&[3, 40, 2], 1.0, Key::root(3));
            let gradient = |action: &Tensor, log_prob: &Tensor| {
                let loss = (action * &weight).unwrap().sum_all().unwrap();
                let loss = (loss + (log_prob.sqr().unwrap() * 0.3).unwrap().sum_all().unwrap()).unwrap();
                gradients(&loss).unwrap().get(&y).unwrap().clone()
            };
            let (action, log_prob) = head.apply(&y, &noise).unwrap();
            let (other, other_log_prob) = head.composite(&y, &noise).unwrap();
            near(&action, &other);
            near(&log_prob, &other_log_prob);
            near(&gradient(&action, &log_prob), &gradient(&other, &other_log_prob));
            let (mut plain, mut log_probs) = (vec![0.0; 240], vec![0.0; 120]);
            head.sample(&numbers(&y), &numbers(&noise), &mut plain, Some(&mut log_probs));
            assert_eq!((numbers(&action), numbers(&log_prob)), (plain, log_probs));

            // Actions well within their bounds, at them, and beyond.
            let data = Tensor::cat(&[action.detach(), other.detach().affine(1.7, 0.3).unwrap()], 1).unwrap();
            let y =
                Var::from_tensor(&Tensor::cat(&[y.as_tensor(), y.as_tensor()], 1).unwrap().detach()).unwrap();
            let ours = head.apply_log_prob(&y, &data).unwrap();
            let theirs = head.composite_log_prob(&y, &data).unwrap();
            let found = [&ours, &theirs].map(|log_prob| {
                let found = gradients(&log_prob.mean_all().unwrap()).unwrap();
                found.get(&y).unwrap().clone()
            });
            let inside = |tensor: &Tensor| tensor.narrow(1, 0, 40).unwrap();
            near(&inside(&ours), &inside(&theirs));
            // At the edge one unit in the last place of the tangent is worth 0.03 of what it came from.
            let [a, b] = [&ours, &theirs].map(numbers);
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.02 * b.abs().max(1.0)));
            let [a, b] = found.each_ref().map(numbers);
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.02 * b.abs().max(1.0)));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let Some(head) = heads().next() else { return };
        let of = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let error = |y: &Tensor, noise: &Tensor| head.apply(y, noise).unwrap_err().to_string();
        assert!(error(&of(&[5, 4]), &of(&[4, 2])).contains("outputs [5, 4] and noise [4, 2]"));
        assert!(error(&of(&[5, 3]), &of(&[5, 2])).contains("reads [.., 4] and [.., 2]"));
        assert!(error(&of(&[]), &of(&[])).contains("reads"));
        assert!(error(&of(&[5, 4]), &of(&[5, 2]).to_dtype(DType::F64).unwrap()).contains("F64"));
        let noise = Var::from_tensor(&of(&[5, 2])).unwrap();
        assert!(error(&of(&[5, 4]), &noise).contains("`detach`"));
        let (y, noise) = (Var::from_tensor(&of(&[5, 4])).unwrap(), of(&[5, 2]));
        let loss = head.apply(&y, &noise).unwrap().1.sum_all().unwrap();
        let gradient = gradients(&loss).unwrap().get(&y).unwrap().sum_all().unwrap();
        assert!(gradients(&gradient).unwrap_err().is_unsupported());
    }
}
