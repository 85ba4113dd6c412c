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
    let weight = theta
        .narrow(1, layer.weight.start, layer.weight.len())?
        .reshape((members, layer.input, layer.output))?;
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
    match activation {
        // Not candle's own, which turns what is not a number into zero.
        Activation::Relu => z.le(0.0)?.where_cond(&z.zeros_like()?, z),
        Activation::Silu => z.silu(),
        Activation::Tanh => z.tanh(),
        Activation::Elu => z.elu(1.0),
    }
}

/// ln(1 + eˣ), without overflow.
pub(crate) fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}
