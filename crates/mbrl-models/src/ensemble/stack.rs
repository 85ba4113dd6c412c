//! Members of one shape that are trained side by side, each on its own rows.

use mbrl_core::{Error, Result};
use mbrl_nn::{Adam, AdamConfig, Decay, GaussianHead, Gradients, Mlp, Tape, logistic_loss, squared_loss};
use rayon::prelude::*;
use std::sync::Mutex;

/// Networks with their parameters and their optimizer.
#[derive(Debug)]
pub struct Stack {
    /// Their shape.
    pub net: Mlp,
    /// Their parameters, `[members, params]`.
    pub theta: Vec<f32>,
    /// Their optimizer.
    pub adam: Adam,
    /// The decay of each member's parameters.
    pub decay: Vec<Decay>,
    /// What a member's step is worked out in. Whoever takes a step takes one and puts it back, so that there are about as
    /// many as threads (one that waits may take another), and one thread's stays in its cache.
    lanes: Mutex<Vec<Lane>>,
}

/// Where one member's step is worked out.
#[derive(Debug, Default)]
struct Lane {
    x: Vec<f32>,
    target: Vec<f32>,
    y: Vec<f32>,
    dy: Vec<f32>,
    gradient: Vec<f32>,
    tape: Tape,
}

/// What is fitted, in rows that members pick from.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// `[rows, in]`
    pub input: &'a [f32],
    /// `[rows, targets]`
    pub target: &'a [f32],
    /// How wide a target is.
    pub width: usize,
}

/// What a member's outputs are held against, its mean over rows and numbers.
#[derive(Clone, Copy, Debug)]
pub enum Loss<'a> {
    /// (μ − y)²·e^(−lv) + lv.
    Gaussian {
        /// What the outputs mean.
        head: GaussianHead,
        /// The bounds of log-variances.
        bounds: &'a [f32],
        /// The power of the variance that weighs its gradient.
        beta: f32,
    },
    /// (μ − y)².
    Squares,
    /// The negative log-likelihood of a yes or no, by the logarithm of the odds.
    Logistic,
}

/// How a member's step went.
#[derive(Clone, Debug, Default)]
pub struct Stepped {
    /// Its loss before the step.
    pub loss: f64,
    /// The gradient of the bounds of log-variances, where there are any.
    pub dbounds: Vec<f32>,
}

impl Stack {
    /// Members that have not been trained.
    pub fn new(net: Mlp, theta: Vec<f32>, decay: Vec<Decay>) -> Self {
        let adam = Adam::new(theta.len());
        Stack { net, theta, adam, decay, lanes: Mutex::default() }
    }

    /// How many there are.
    pub fn members(&self) -> usize {
        self.theta.len() / self.net.params()
    }

    /// One step of every member on its rows, which `rows` says by member.
    pub fn step<'r>(
        &mut self,
        config: &AdamConfig,
        samples: Samples<'_>,
        loss: Loss<'_>,
        rows: impl Fn(usize) -> &'r [u32] + Sync,
        out: &mut [Stepped],
    ) -> Result<()> {
        if out.len() != self.members() {
            return Err(Error::invalid(format_args!(
                "room for {} members' steps: there are {}",
                out.len(),
                self.members()
            )));
        }
        let pace = self.adam.advance(config);
        let Stack { net, theta, adam, decay, lanes } = self;
        let params = net.params();
        theta
            .par_chunks_mut(params)
            .zip(adam.mean.par_chunks_mut(params))
            .zip(adam.square.par_chunks_mut(params))
            .zip(out)
            .enumerate()
            .try_for_each(|(member, (((theta, mean), square), out))| {
                let mut lane = with(lanes, Vec::pop).unwrap_or_default();
                let done = lane.step(net, theta, samples, loss, rows(member), out);
                if done.is_ok() {
                    pace.step(theta, &lane.gradient, mean, square, decay);
                }
                with(lanes, |lanes| lanes.push(lane));
                done
            })
    }
}

/// Does something with the lanes. A thread that panicked while it held them left them whole.
fn with<T>(lanes: &Mutex<Vec<Lane>>, work: impl FnOnce(&mut Vec<Lane>) -> T) -> T {
    work(&mut lanes.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

impl Lane {
    /// The gradient of one member on its rows.
    fn step(
        &mut self,
        net: &Mlp,
        theta: &[f32],
        samples: Samples<'_>,
        loss: Loss<'_>,
        rows: &[u32],
        out: &mut Stepped,
    ) -> Result<()> {
        let Lane { x, target, y, dy, gradient, tape } = self;
        pick(samples.input, net.input(), rows, x);
        pick(samples.target, samples.width, rows, target);
        let outputs = rows.len() * net.output();
        y.resize(outputs, 0.0);
        dy.resize(outputs, 0.0);
        gradient.resize(net.params(), 0.0);
        net.forward_saved(theta, x, rows.len(), std::slice::from_mut(tape), y)?;
        out.loss = loss.gradient(y, target, dy, &mut out.dbounds);
        let gradients = Gradients { theta: Some(gradient), x: None };
        net.backward(theta, x, std::slice::from_mut(tape), dy, gradients)
    }
}

impl Loss<'_> {
    /// The loss, with its gradient by outputs, and by bounds where there are any.
    pub(crate) fn gradient(self, y: &[f32], target: &[f32], dy: &mut [f32], dbounds: &mut Vec<f32>) -> f64 {
        match self {
            Loss::Gaussian { head, bounds, beta } => {
                dbounds.clear();
                dbounds.resize(bounds.len(), 0.0);
                head.loss(y, target, bounds, beta, dy, dbounds).loss
            }
            Loss::Squares => squared_loss(y, target, dy),
            Loss::Logistic => logistic_loss(y, target, dy),
        }
    }
}

/// Copies rows by number, one after the other.
pub(crate) fn pick(from: &[f32], width: usize, rows: &[u32], to: &mut Vec<f32>) {
    to.resize(rows.len() * width, 0.0);
    for (to, &row) in to.chunks_exact_mut(width).zip(rows) {
        to.copy_from_slice(&from[row as usize * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_without_room_for_its_step_is_not_left_out_in_silence() {
        let net = Mlp::new(1, &[], 1, mbrl_nn::Activation::Relu).unwrap();
        let mut stack = Stack::new(net, vec![0.5; 6], Vec::new());
        let samples = Samples { input: &[1.0], target: &[0.0], width: 1 };
        let mut step = |out: &mut [Stepped]| {
            stack
                .step(&AdamConfig::default(), samples, Loss::Squares, |_| &[0][..], out)
                .map(|()| stack.adam.steps)
        };
        assert!(step(&mut vec![Stepped::default(); 2]).unwrap_err().to_string().contains("there are 3"));
        assert_eq!(step(&mut vec![Stepped::default(); 3]).unwrap(), 1);
    }
}
