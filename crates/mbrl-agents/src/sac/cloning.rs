//! The update of behaviour cloning: a policy of soft actor-critic's shape towards what others did, by least squares.

use super::{SacConfig, SacPolicy};
use mbrl_core::{Context, Error, Key, Result, Spec, TransitionBatch};
use mbrl_nn::{Adam, AdamConfig, Gradients, Loaded, Store, Tape};
use std::io::{Read, Write};

/// A policy whose actions without noise learn to be those of the data, by least squares, and its optimizer.
pub(crate) struct Cloning {
    policy: SacPolicy,
    adam: Adam,
    config: AdamConfig,
    y: Vec<f32>,
    dy: Vec<f32>,
    act: Vec<f32>,
    dact: Vec<f32>,
    nothing: Vec<f32>,
    /// Half the distance of the bounds of each number of an action.
    halves: Vec<f32>,
    dtheta: Vec<f32>,
    tapes: Vec<Tape>,
}

impl Cloning {
    /// One policy that has learnt nothing yet.
    pub(crate) fn new(config: &SacConfig, spec: &Spec, key: Key) -> Result<Self> {
        let policy = SacPolicy::new(config, spec, 1, key)?;
        let bounds = policy.space().low().iter().zip(policy.space().high());
        let halves = bounds.map(|(low, high)| 0.5 * (high - low)).collect();
        Ok(Cloning {
            adam: Adam::new(policy.theta.len()),
            dtheta: vec![0.0; policy.theta.len()],
            config: config.actor,
            policy,
            y: Vec::new(),
            dy: Vec::new(),
            act: Vec::new(),
            dact: Vec::new(),
            nothing: Vec::new(),
            halves,
            tapes: vec![Tape::default()],
        })
    }

    /// What it does by now.
    pub(crate) fn policy(&self) -> &SacPolicy {
        &self.policy
    }

    /// A step towards the actions of `batch`; says by how much these were missed: the mean square, of actions from −1 to 1.
    pub(crate) fn update(&mut self, batch: &TransitionBatch) -> Result<f64> {
        let (rows, outputs) = (batch.len(), self.policy.net.output());
        let numbers = batch.act.as_slice().len();
        for (buffer, len) in [
            (&mut self.y, rows * outputs),
            (&mut self.dy, rows * outputs),
            (&mut self.act, numbers),
            (&mut self.dact, numbers),
            (&mut self.nothing, numbers),
        ] {
            buffer.resize(len, 0.0);
        }
        let SacPolicy { net, head, theta, .. } = &mut self.policy;
        let obs = batch.obs.as_slice();
        net.forward_saved(theta, obs, rows, &mut self.tapes, &mut self.y)?;
        head.mean(&self.y, &mut self.act);
        let mut loss = 0.0;
        let asked = self.act.iter().zip(batch.act.as_slice()).zip(self.halves.iter().cycle());
        for (((act, done), half), slope) in asked.zip(&mut self.dact) {
            let error = (act - done) / half;
            loss += f64::from(error) * f64::from(error);
            *slope = 2.0 * error / (half * numbers as f32);
        }
        let loss = loss / numbers as f64;
        if !loss.is_finite() {
            return Err(Error::non_finite(format_args!(
                "actions are missed by {loss}: lower the learning rate"
            )));
        }
        // Without noise the deviations have no part in an action, and their slopes are zero.
        head.backward(&self.y, &self.nothing, &self.dact, &self.nothing[..rows], &mut self.dy);
        let gradients = Gradients { theta: Some(&mut self.dtheta), x: None };
        net.backward(theta, obs, &mut self.tapes, &self.dy, gradients)?;
        let params = net.params();
        self.adam.step(&self.config, theta, &self.dtheta, params, &[])?;
        Ok(loss)
    }

    /// Writes the policy and what its optimizer remembers.
    pub(crate) fn save(&self, out: &mut dyn Write) -> Result<()> {
        let mut store = Store::default();
        store.put_network("actor", &self.policy.net, &self.policy.theta)?;
        store.put_adam("adam/actor", &self.adam)?;
        let mut bytes = Vec::new();
        store.write(&mut bytes)?;
        // What was written is read to its end, so it says where that is.
        out.write_all(&(bytes.len() as u64).to_le_bytes()).context("writing the policy")?;
        out.write_all(&bytes).context("writing the policy")
    }

    /// Reads what one that was built alike has saved.
    pub(crate) fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let mut len = [0; 8];
        from.read_exact(&mut len).context("reading the policy")?;
        let mut loaded = Loaded::read(from.take(u64::from_le_bytes(len)))?;
        let theta = loaded.take_network("actor", &self.policy.net, 1)?;
        self.adam = loaded.take_adam("adam/actor", theta.len())?;
        self.policy.theta = theta;
        Ok(())
    }
}
