//! Networks that learn when episodes end.

use super::config::TerminationConfig;
use super::fit::check_parameters;
use super::stack::{Loss, Samples, Stack, Stepped};
use crate::Normalizer;
use crate::frozen::Ends;
use crate::prepare::Prepared;
use crate::snapshot::EndsSnapshot;
use mbrl_core::{Dims, Error, Key, Result};
use mbrl_nn::{Activation, Adam, Init, Mlp, decay_by_layer};
use rand::seq::SliceRandom;

/// One network a member, from observation, action and change to the logarithm of the odds that the episode ends.
#[derive(Debug)]
pub(crate) struct EndsTrainer {
    stack: Stack,
    input: Normalizer,
}

impl EndsTrainer {
    pub(crate) fn new(config: &TerminationConfig, dims: Dims, members: usize, key: Key) -> Result<Self> {
        let input = 2 * dims.obs + dims.act;
        let net = Mlp::new(input, &config.hidden, 1, Activation::Silu)?;
        let theta = Init::TruncatedNormal.parameters(&net, members, key);
        let decay = decay_by_layer(&net, &vec![0.0; net.layers().len()])?;
        Ok(EndsTrainer { stack: Stack::new(net, theta, decay), input: Normalizer::identity(input) })
    }

    /// What imagination asks.
    pub(crate) fn freeze(&self) -> Ends {
        Ends { net: self.stack.net.clone(), input: self.input.clone(), theta: self.stack.theta.clone() }
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self, key: Key) {
        let members = self.stack.members();
        self.stack.theta = Init::TruncatedNormal.parameters(&self.stack.net, members, key);
        self.stack.adam = Adam::new(self.stack.theta.len());
    }

    /// What training changes.
    pub(crate) fn snapshot(&self) -> EndsSnapshot {
        let Stack { theta, adam, .. } = &self.stack;
        EndsSnapshot { theta: theta.clone(), adam: adam.clone(), input: self.input.clone() }
    }

    pub(crate) fn restore(&mut self, EndsSnapshot { theta, adam, input }: EndsSnapshot) {
        (self.stack.theta, self.stack.adam, self.input) = (theta, adam, input);
    }

    /// Passes over all rows so many times, each member in an order of its own.
    pub(crate) fn train(
        &mut self,
        config: &TerminationConfig,
        data: &Prepared,
        (epochs, batch): (usize, usize),
        key: Key,
    ) -> Result<()> {
        let design = &data.train;
        let (inputs, targets) = (data.input.mean.len(), data.target.mean.len());
        let wide = self.stack.net.input();
        let changes = wide - inputs;
        let mut rows = vec![0.0; design.rows * wide];
        for (i, row) in rows.chunks_exact_mut(wide).enumerate() {
            row[..inputs].copy_from_slice(&design.input[i * inputs..][..inputs]);
            row[inputs..].copy_from_slice(&design.target[i * targets..][..changes]);
        }
        // These inputs are normalised already; what is kept is how to get there from raw ones.
        let own = Normalizer::of(&rows, wide);
        own.apply(&mut rows);
        self.input = data.input.then(&data.target, changes).followed_by(&own);
        let members = self.stack.members();
        let mut order: Vec<Vec<u32>> = vec![(0..design.rows as u32).collect(); members];
        let mut stepped = vec![Stepped::default(); members];
        for epoch in 0..epochs {
            let below = key.at(epoch as u64).below();
            for (member, order) in order.iter_mut().enumerate() {
                order.shuffle(&mut below.at(member as u64).rng());
            }
            for from in (0..design.rows).step_by(batch) {
                let to = (from + batch).min(design.rows);
                let samples = Samples { input: &rows, target: &design.ended, width: 1 };
                let order = |member: usize| &order[member][from..to];
                self.stack.step(&config.adam, samples, Loss::Logistic, order, &mut stepped)?;
                if let Some(member) = stepped.iter().position(|stepped| !stepped.loss.is_finite()) {
                    return Err(Error::non_finite(format_args!(
                        "member {member}, epoch {epoch}: the loss of the termination is {}: lower termination.adam.lr",
                        stepped[member].loss
                    )));
                }
            }
        }
        // A step past the last loss is seen by nobody else.
        check_parameters("parameter of the termination", epochs, &self.stack.theta, self.stack.net.params())
    }
}
