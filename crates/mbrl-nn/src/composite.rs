//! A network call as operations of candle over views of the parameters, for devices that our kernels do not know.

use crate::mlp::Layer;
use crate::norm::EPSILON;
use crate::{Activation, Mlp};
use candle_core::{D, Result, Tensor};

/// The same as the kernels, for shapes that are known to fit.
///
/// It works on a copy of the parameters: whoever changes them afterwards does not change this graph.
pub(crate) fn forward(net: &Mlp, x: &Tensor, theta: &Tensor) -> Result<Tensor> {
    let ((groups, rows, input), (members, _)) = (x.dims3()?, theta.dims2()?);
    let theta = theta.copy()?;
    let mut h = x
        .unsqueeze(1)?
        .broadcast_as((groups, members / groups, rows, input))?
        .reshape((members, rows, input))?;
    for (i, layer) in net.layers().iter().enumerate() {
        h = affine(layer, &h, &theta)?;
        if i < net.hidden().len() {
            if !layer.gain.is_empty() {
                h = normalized(layer, &h, &theta)?;
            }
            h = activated(net.activation(), &h)?;
        }
    }
    Ok(h)
}

fn affine(layer: &Layer, h: &Tensor, theta: &Tensor) -> Result<Tensor> {
    let members = theta.dim(0)?;
    let weight = theta.narrow(1, layer.weight.start, layer.weight.len())?.reshape((
        members,
        layer.input,
        layer.output,
    ))?;
    h.matmul(&weight)?.broadcast_add(&row(theta, &layer.bias)?)
}

fn normalized(layer: &Layer, h: &Tensor, theta: &Tensor) -> Result<Tensor> {
    let centered = h.broadcast_sub(&h.mean_keepdim(D::Minus1)?)?;
    let deviation = (centered.sqr()?.mean_keepdim(D::Minus1)? + f64::from(EPSILON))?.sqrt()?;
    let standard = centered.broadcast_div(&deviation)?;
    standard.broadcast_mul(&row(theta, &layer.gain)?)?.broadcast_add(&row(theta, &layer.shift)?)
}

/// One number for each column of each member, `[members, 1, width]`.
fn row(theta: &Tensor, range: &std::ops::Range<usize>) -> Result<Tensor> {
    theta.narrow(1, range.start, range.len())?.unsqueeze(1)
}

fn activated(activation: Activation, z: &Tensor) -> Result<Tensor> {
    let h = match activation {
        // Not candle's own, which turns what is not a number into zero.
        Activation::Relu => z.le(0.0)?.where_cond(&z.zeros_like()?, z),
        Activation::Silu => z.silu(),
        Activation::Tanh => z.tanh(),
        Activation::Elu => z.elu(1.0),
    };
    spoiled_by(h?, z)
}

/// Nothing to what is finite; but an infinity must not look like an end that was reached.
pub(crate) fn spoiled_by(h: Tensor, z: &Tensor) -> Result<Tensor> {
    h + (z.detach() * 0.0)?
}

/// ln(1 + eˣ), without overflow.
pub(crate) fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}

#[cfg(test)]
mod tests {
    use crate::{Init, Mlp, Norm};
    use candle_core::{Device, Tensor, Var};
    use mbrl_core::{Key, NoiseBuf, NoiseSpec};

    fn normals(len: usize, key: Key) -> Vec<f32> {
        let mut noise = NoiseBuf::default();
        noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, len, key);
        noise.view().normals.as_slice().to_vec()
    }

    fn difference(a: &Tensor, b: &Tensor) -> f32 {
        assert_eq!(a.dims(), b.dims());
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn the_operation_and_the_composite_agree() {
        use crate::Activation::{Elu, Relu, Silu, Tanh};
        let cases = [Relu, Silu, Tanh, Elu].into_iter().flat_map(|activation| {
            [Norm::None, Norm::Layer].into_iter().flat_map(move |norm| {
                [(1, 1, 5), (1, 3, 70), (3, 3, 4), (2, 4, 1)].map(|groups| (activation, norm, groups))
            })
        });
        for (activation, norm, (groups, members, rows)) in cases {
            for hidden in [&[][..], &[9], &[17, 8]] {
                let case = format!("{activation:?} {norm:?} {groups} {members} {rows} {hidden:?}");
                let net = Mlp::new(5, hidden, 3, activation).unwrap().with_norm(norm);
                let key = Key::root(7);
                let mut theta = Init::UniformFanIn.parameters(&net, members, key.child("theta"));
                // Gains and shifts away from one and zero.
                let noise = normals(theta.len(), key.child("noise"));
                theta.iter_mut().zip(noise).for_each(|(theta, noise)| *theta += 0.1 * noise);
                let theta = Var::from_vec(theta, (members, net.params()), &Device::Cpu).unwrap();
                let x = normals(groups * rows * 5, key.child("x"));
                let x = Var::from_vec(x, (groups, rows, 5), &Device::Cpu).unwrap();
                let weight = normals(members * rows * 3, key.child("weight"));
                let weight = Tensor::from_vec(weight, (members, rows, 3), &Device::Cpu).unwrap();

                let ours = net.apply(&x, &theta).unwrap();
                let theirs = super::forward(&net, &x, &theta).unwrap();
                assert!(difference(&ours, &theirs) < 1e-5, "{case}");
                let gradients =
                    [ours, theirs].map(|y| (y * &weight).unwrap().sum_all().unwrap().backward().unwrap());
                for of in [&x, &theta] {
                    let [ours, theirs] = gradients.each_ref().map(|gradients| gradients.get(of).unwrap());
                    let scale = theirs.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                    assert!(difference(ours, theirs) < 1e-5 * scale.max(1.0), "{case}");
                }
            }
        }
    }

    #[test]
    fn a_changed_variable_does_not_reach_the_composite() {
        let net = Mlp::new(2, &[4], 1, crate::Activation::Tanh).unwrap();
        let theta = Init::default().parameters(&net, 1, Key::root(1));
        let theta = Var::from_vec(theta, (1, net.params()), &Device::Cpu).unwrap();
        let x = Tensor::full(0.5f32, (1, 3, 2), &Device::Cpu).unwrap();
        let gradient = |change: bool| {
            let y = super::forward(&net, &x, &theta).unwrap();
            if change {
                theta.set(&theta.affine(2.0, 0.0).unwrap()).unwrap();
            }
            let gradients = y.sum_all().unwrap().backward().unwrap();
            gradients.get(&theta).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(gradient(false), gradient(true));
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        use crate::Activation::{Elu, Relu, Silu, Tanh};
        for (activation, x) in [Relu, Silu, Tanh, Elu]
            .into_iter()
            .flat_map(|a| [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(|x| (a, x)))
        {
            let z = Tensor::full(x, 1, &Device::Cpu).unwrap();
            let h = super::activated(activation, &z).unwrap().to_vec1::<f32>().unwrap();
            assert!(!h[0].is_finite(), "{activation:?} of {x} is {}", h[0]);
        }
    }
}
