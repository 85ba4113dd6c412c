//! The shape of a network, and where each layer's parameters lie in its flat vector.

use crate::Activation;
use mbrl_core::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A multilayer perceptron as a shape: its parameters are a slice that is passed in.
///
/// The parameters of one member lie layer after layer: the weight `[in, out]` row by row, the bias `[out]`, and with layer
/// norm, of hidden layers, its gain `[out]` and its shift `[out]`. Members follow each other.
///
/// ```
/// use mbrl_nn::{Activation, Mlp};
///
/// // Seven of these are the ensemble of MBPO on half-cheetah: 17 observations, 6 actions, and a mean and a log-variance
/// // for each of 17 observations and the reward.
/// let net = Mlp::new(23, &[200; 4], 36, Activation::Silu)?;
/// assert_eq!(net.params(), 23 * 200 + 3 * 200 * 200 + 200 * 36 + 4 * 200 + 36);
/// assert_eq!(net.layers()[0].weight, 0..23 * 200);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Mlp {
    form: Form,
    layers: Vec<Layer>,
    params: usize,
}

/// What a network is built from, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    input: usize,
    hidden: Vec<usize>,
    output: usize,
    #[serde(default)]
    activation: Activation,
    #[serde(default)]
    norm: Norm,
}

/// Whether a hidden layer is normalised before its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// It is not.
    #[default]
    None,
    /// By the mean and the deviation of its own row, with a learnt gain and shift.
    Layer,
}

/// A layer's sizes, and where its parameters are in those of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Numbers in.
    pub input: usize,
    /// Numbers out.
    pub output: usize,
    /// The weight, `[in, out]`.
    pub weight: Range<usize>,
    /// The bias, `[out]`.
    pub bias: Range<usize>,
    /// The gain of layer norm, `[out]`; empty where there is none.
    pub gain: Range<usize>,
    /// The shift of layer norm, `[out]`; empty where there is none.
    pub shift: Range<usize>,
}

/// Beyond this a size is a slip, and its products would overflow.
const WIDEST: usize = 1 << 20;

impl Mlp {
    /// A network from `input` numbers through layers as wide as `hidden` says to `output` numbers.
    pub fn new(input: usize, hidden: &[usize], output: usize, activation: Activation) -> Result<Self> {
        Form { input, hidden: hidden.to_vec(), output, activation, norm: Norm::None }.try_into()
    }

    /// The same network with its hidden layers normalised, or not.
    #[must_use]
    pub fn with_norm(self, norm: Norm) -> Self {
        lay_out(Form { norm, ..self.form })
    }

    /// Numbers in.
    pub fn input(&self) -> usize {
        self.form.input
    }

    /// Numbers out.
    pub fn output(&self) -> usize {
        self.form.output
    }

    /// What hidden layers end in.
    pub fn activation(&self) -> Activation {
        self.form.activation
    }

    /// Whether hidden layers are normalised.
    pub fn norm(&self) -> Norm {
        self.form.norm
    }

    /// Parameters of one member.
    pub fn params(&self) -> usize {
        self.params
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Multiplications with addition that one row costs on its way forward: half the FLOPs of its matrix products.
    pub fn products(&self) -> usize {
        self.layers.iter().map(|layer| layer.input * layer.output).sum()
    }

    /// The widest of what lies between layers.
    pub(crate) fn widest(&self) -> usize {
        self.layers.iter().map(|layer| layer.output).max().unwrap_or(0)
    }

    /// All layers but the last.
    pub(crate) fn hidden(&self) -> &[Layer] {
        &self.layers[..self.layers.len() - 1]
    }

    /// The number of members whose parameters these are.
    pub(crate) fn members(&self, theta: &[f32]) -> Result<usize> {
        if theta.is_empty() || !theta.len().is_multiple_of(self.params) {
            return Err(Error::invalid(format_args!(
                "{} parameters for a network of {}: pass [members, parameters]",
                theta.len(),
                self.params
            )));
        }
        Ok(theta.len() / self.params)
    }
}

impl TryFrom<Form> for Mlp {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        for (name, size) in [("input", form.input), ("output", form.output)]
            .into_iter()
            .chain(form.hidden.iter().map(|width| ("hidden layer", *width)))
        {
            if size == 0 || size > WIDEST {
                return Err(Error::invalid(format_args!(
                    "a network whose {name} is {size} wide: choose from 1 to {WIDEST}"
                )));
            }
        }
        // Gains and shifts are counted in any event, so that they may be added later.
        let sizes = || {
            let mut total = 0usize;
            let mut input = form.input;
            for &output in form.hidden.iter().chain([&form.output]) {
                total = total.checked_add(input.checked_mul(output)?)?.checked_add(3 * output)?;
                input = output;
            }
            Some(total)
        };
        match sizes() {
            Some(total) if total <= isize::MAX as usize / size_of::<f32>() => Ok(lay_out(form)),
            _ => Err(Error::invalid(
                "a network with more parameters than there are addresses: make it narrower",
            )),
        }
    }
}

impl From<Mlp> for Form {
    fn from(net: Mlp) -> Self {
        net.form
    }
}

fn lay_out(form: Form) -> Mlp {
    let mut at = 0;
    let mut take = |len: usize| {
        at += len;
        at - len..at
    };
    let mut layers = Vec::with_capacity(form.hidden.len() + 1);
    let mut input = form.input;
    for (i, &output) in form.hidden.iter().chain([&form.output]).enumerate() {
        let normed = if form.norm == Norm::Layer && i < form.hidden.len() { output } else { 0 };
        layers.push(Layer {
            input,
            output,
            weight: take(input * output),
            bias: take(output),
            gain: take(normed),
            shift: take(normed),
        });
        input = output;
    }
    Mlp { form, layers, params: at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_tile_the_parameters() {
        for norm in [Norm::None, Norm::Layer] {
            let net = Mlp::new(3, &[5, 4], 2, Activation::Relu).unwrap().with_norm(norm);
            let mut at = 0;
            for layer in net.layers() {
                for range in [&layer.weight, &layer.bias, &layer.gain, &layer.shift] {
                    assert_eq!(range.start, at);
                    at = range.end;
                }
            }
            assert_eq!(at, net.params());
            let json = serde_json::to_string(&net).unwrap();
            assert_eq!(serde_json::from_str::<Mlp>(&json).unwrap(), net);
        }
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        assert!(Mlp::new(0, &[4], 1, Activation::Relu).unwrap_err().to_string().contains("input is 0"));
        assert!(Mlp::new(3, &[4, 0], 1, Activation::Relu).unwrap_err().is_invalid());
        assert!(Mlp::new(3, &[], usize::MAX, Activation::Relu).unwrap_err().is_invalid());
        // Each layer is narrow enough; all of them together are too many to count.
        let endless = vec![WIDEST; 1 << 22];
        assert!(Mlp::new(3, &endless, 1, Activation::Relu).unwrap_err().to_string().contains("addresses"));
        assert!(serde_json::from_str::<Mlp>(r#"{"input":0,"hidden":[],"output":1}"#).is_err());
    }
}
