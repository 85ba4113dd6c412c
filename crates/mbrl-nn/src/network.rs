//! A network with parameters on a device: what a loss of one's own is written with.

mod parameters;
mod rows;

pub use parameters::Parameters;
pub use rows::{rows_of, tensor_of};

use crate::op::call;
use crate::{Adam, AdamConfig, Decay, Init, Mlp};
use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor};
use mbrl_core::{Context, Error, Key, Result};
use std::sync::Arc;

/// A network and its parameters, a candle variable `[members, params]` that is changed in place.
///
/// ```
/// use mbrl_core::{Key, RowBuf, Rows};
/// use mbrl_nn::candle_core::Device;
/// use mbrl_nn::{Activation, Adam, AdamConfig, Init, Mlp, Network, backend, gradients, tensor_of};
///
/// let net = Mlp::new(2, &[32], 1, Activation::Tanh)?;
/// let mut network = Network::new(net, 3, Init::default(), Key::root(0), &Device::Cpu)?;
/// let mut adam = Adam::new(network.theta()?.len());
/// let x = tensor_of(Rows::new(&[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 2)?, 1, &Device::Cpu)?;
/// let target = tensor_of(Rows::new(&[0.0, 1.0, 1.0, 0.0], 1)?, 1, &Device::Cpu)?;
///
/// let mut last = f32::INFINITY;
/// for _ in 0..300 {
///     let y = network.forward(&x)?;
///     let loss = y.broadcast_sub(&target).and_then(|e| e.sqr()?.mean_all()).map_err(backend)?;
///     let config = AdamConfig { lr: 1e-2, ..AdamConfig::default() };
///     network.step(&mut adam, &config, &gradients(&loss)?, &[])?;
///     last = loss.to_scalar().map_err(backend)?;
/// }
/// assert!(last < 0.01, "{last}");
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Network {
    net: Arc<Mlp>,
    parameters: Parameters,
}

impl Network {
    /// A network of `members` members with fresh parameters.
    pub fn new(net: Mlp, members: usize, init: Init, key: Key, device: &Device) -> Result<Self> {
        let theta = init.parameters(&net, members, key);
        Network::from_theta(net, theta, device)
    }

    /// A network with these parameters, `[members, params]`.
    pub fn from_theta(net: Mlp, theta: Vec<f32>, device: &Device) -> Result<Self> {
        let members = net.members(&theta)?;
        let parameters = Parameters::new(&[members, net.params()], theta, device)?;
        Ok(Network { net: Arc::new(net), parameters })
    }

    /// A network of its own with the same parameters: what target networks begin as.
    pub fn duplicate(&self) -> Result<Self> {
        Network::from_theta(self.shape().clone(), self.theta()?, self.device())
    }

    /// The shape.
    pub fn shape(&self) -> &Mlp {
        &self.net
    }

    /// How many members there are.
    pub fn members(&self) -> usize {
        self.parameters.tensor().dims()[0]
    }

    /// Where the parameters are.
    pub fn device(&self) -> &Device {
        self.parameters.tensor().device()
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The parameters, to change them in place.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// The outputs of all members, `[members, rows, out]`, for inputs `[groups, rows, in]`: members fall to groups in turn,
    /// as in [`Mlp::forward`]. The parameters must not change before the way back, which is refused if they did.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        call(&self.net, x, self.parameters.tensor(), Some(self.parameters.shared())).context("network")
    }

    /// The same with parameters that get no gradient: an actor's loss goes through its critic so, and an evaluation costs no
    /// more than the way forward.
    pub fn forward_frozen(&self, x: &Tensor) -> Result<Tensor> {
        let theta = self.parameters.tensor().detach();
        call(&self.net, x, &theta, Some(self.parameters.shared())).context("network")
    }

    /// A copy of the parameters, `[members, params]`: with [`Mlp::forward`], all that imagination and planning need.
    pub fn theta(&self) -> Result<Vec<f32>> {
        let mut theta = Vec::new();
        self.copy_theta(&mut theta)?;
        Ok(theta)
    }

    /// The same into memory that is kept.
    pub fn copy_theta(&self, theta: &mut Vec<f32>) -> Result<()> {
        self.parameters.copy_to(theta)
    }

    /// Replaces all parameters.
    pub fn set_theta(&mut self, theta: &[f32]) -> Result<()> {
        self.parameters.set(theta)
    }

    /// Takes a step of Adam along the gradient of these parameters; `decay` says which of each member's shrink.
    pub fn step(
        &mut self,
        adam: &mut Adam,
        config: &AdamConfig,
        gradients: &GradStore,
        decay: &[Decay],
    ) -> Result<()> {
        self.parameters.step(adam, config, gradients, decay).context("network")
    }

    /// Scales the gradient of these parameters down to the norm `max`, where it is longer; returns the norm that it had.
    pub fn clip(&self, gradients: &mut GradStore, max: f32) -> Result<f64> {
        self.parameters.clip(gradients, max).context("network")
    }

    /// Moves a target network towards this one: θ' ← θ' + τ·(θ − θ').
    pub fn polyak_onto(&self, target: &mut Network, tau: f32) -> Result<()> {
        if self.net != target.net || self.members() != target.members() {
            return Err(Error::invalid(format_args!(
                "a target of {} members of {:?} for a network of {} members of {:?}: make it with `duplicate`",
                target.members(),
                target.shape(),
                self.members(),
                self.shape()
            )));
        }
        self.parameters.polyak_onto(&mut target.parameters, tau)
    }
}
