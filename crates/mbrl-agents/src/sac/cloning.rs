//! The update of behaviour cloning: a policy of soft actor-critic's shape towards what others did.

use super::{SacConfig, SacPolicy};
use mbrl_core::{Context, Error, Key, Result, Spec, TransitionBatch};
use mbrl_nn::{Adam, AdamConfig, Gradients, Loaded, Store, Tape};
use std::io::{Read, Write};

/// A tanh-Gaussian policy that learns by the likelihood of actions, and its optimizer.
pub(crate) struct Cloning {
    policy: SacPolicy,
    adam: Adam,
    config: AdamConfig,
    y: Vec<f32>,
    dy: Vec<f32>,
    log_prob: Vec<f32>,
    dlog_prob: Vec<f32>,
    dtheta: Vec<f32>,
    tapes: Vec<Tape>,
}

impl Cloning {
    /// One policy that has learnt nothing yet.
    pub(crate) fn new(config: &SacConfig, spec: &Spec, key: Key) -> Result<Self> {
        let policy = SacPolicy::new(config, spec, 1, key)?;
        Ok(Cloning {
            adam: Adam::new(policy.theta.len()),
            dtheta: vec![0.0; policy.theta.len()],
            config: config.actor,
            policy,
            y: Vec::new(),
            dy: Vec::new(),
            log_prob: Vec::new(),
            dlog_prob: Vec::new(),
            tapes: vec![Tape::default()],
        })
    }

    /// What it does by now.
    pub(crate) fn policy(&self) -> &SacPolicy {
        &self.policy
    }

    /// A step towards the actions of `batch`; says by how many nats these were unexpected, in the mean.
    pub(crate) fn update(&mut self, batch: &TransitionBatch) -> Result<f64> {
        let (rows, outputs) = (batch.len(), self.policy.net.output());
        self.y.resize(rows * outputs, 0.0);
        self.dy.resize(rows * outputs, 0.0);
        self.log_prob.resize(rows, 0.0);
        self.dlog_prob.resize(rows, 0.0);
        let SacPolicy { net, head, theta, .. } = &mut self.policy;
        let (obs, act) = (batch.obs.as_slice(), batch.act.as_slice());
        net.forward_saved(theta, obs, rows, &mut self.tapes, &mut self.y)?;
        head.log_prob(&self.y, act, &mut self.log_prob);
        let loss = -self.log_prob.iter().map(|x| f64::from(*x)).sum::<f64>() / rows as f64;
        if !loss.is_finite() {
            return Err(Error::non_finite(format_args!(
                "the actions are unexpected by {loss} nats: lower the learning rate"
            )));
        }
        self.dlog_prob.fill(-1.0 / rows as f32);
        head.log_prob_backward(&self.y, act, &self.dlog_prob, &mut self.dy);
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
