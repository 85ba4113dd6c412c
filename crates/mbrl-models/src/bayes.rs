//! A network whose weights are believed rather than known: Bayes by Backprop (Blundell et al. 2015).

mod config;
#[cfg(test)]
mod tests;

pub use config::{BayesConfig, MinibatchWeights, TargetNoise};

use crate::Normalizer;
use crate::design::Learnt;
use crate::ensemble::ends::EndsTrainer;
use crate::ensemble::fit::holdout_errors;
use crate::ensemble::stack::{Loss, pick};
use crate::ensemble::{Holdout, Targets};
use crate::frozen::{Head, NetworkModel, Rewards};
use crate::prepare::{Prepared, prepare};
use crate::snapshot::Snapshot;
use crate::stored::Format;
use mbrl_core::{
    Belief, DynamicsModel, Error, Fit, FitData, Key, NoiseBuf, NoiseSpec, Recorder, Result, Spec, Spread,
    Task,
};
use mbrl_nn::{Adam, GaussianHead, Gradients, MeanField, Mlp, Pull, Tape};
use rand::seq::SliceRandom;

/// A posterior over the weights of one network: each is normal and by itself. A member of the model is a draw.
///
/// In training each minibatch is seen by one draw. In imagination a member that stays with a row holds its draw for the
/// whole rollout, and one that is chosen anew at each step draws per step: which of the two is a matter of who serves which
/// row.
#[derive(Debug)]
pub struct BayesianNetwork {
    config: BayesConfig,
    net: Mlp,
    posterior: MeanField,
    adam: Adam,
    bounds_adam: Adam,
    ends: Option<EndsTrainer>,
    model: NetworkModel,
}

impl BayesianNetwork {
    /// A network that has seen nothing. What the task does not know is learnt.
    pub fn new(spec: &Spec, task: &Task, config: BayesConfig, key: Key) -> Result<Self> {
        config.validate()?;
        spec.validate()?;
        let learnt = Learnt { dims: spec.dims(), reward: task.reward.is_none() };
        let width = learnt.target();
        let (outputs, head) = match config.noise {
            TargetNoise::Learnt => {
                (2 * width, Head::Gaussian { bounds: GaussianHead { dim: width }.bounds() })
            }
            TargetNoise::Known { deviation } => (width, Head::Known { deviation }),
        };
        let net = Mlp::new(learnt.input(), &config.hidden, outputs, config.activation)?;
        let mean = config.init.parameters(&net, 1, key.child("init"));
        let posterior = MeanField { rho: vec![config.rho; mean.len()], mean };
        let ends = match task.termination {
            Some(_) => None,
            None => {
                let (dims, members) = (learnt.dims, config.members);
                Some(EndsTrainer::new(&config.termination, dims, members, key.child("ends"))?)
            }
        };
        let mut this = BayesianNetwork {
            adam: Adam::new(2 * posterior.mean.len()),
            bounds_adam: Adam::new(if matches!(head, Head::Gaussian { .. }) { 2 * width } else { 0 }),
            model: NetworkModel {
                net: net.clone(),
                head,
                theta: vec![0.0; config.members * net.params()],
                input: Normalizer::identity(learnt.input()),
                target: Normalizer::identity(width),
                ends: ends.as_ref().map(EndsTrainer::freeze),
                learnt,
                rewards: Rewards::Drawn,
                task: task.clone(),
            },
            posterior,
            net,
            config,
            ends,
        };
        this.redraw(key.child("draw"))?;
        Ok(this)
    }

    /// What is believed of the weights.
    pub fn posterior(&self) -> &MeanField {
        &self.posterior
    }

    /// The networks drawn last.
    pub fn network(&self) -> &NetworkModel {
        &self.model
    }

    fn shape(&self) -> Vec<(&'static str, usize)> {
        let learnt = self.model.learnt;
        vec![
            ("observations", learnt.dims.obs),
            ("actions", learnt.dims.act),
            ("learnt rewards", usize::from(learnt.reward)),
            ("learnt terminations", usize::from(self.ends.is_some())),
            ("members", self.config.members),
            ("parameters of a member", self.net.params()),
        ]
    }

    fn snapshot(&self) -> Snapshot {
        let MeanField { mean, rho } = self.posterior.clone();
        Snapshot {
            theta: vec![mean, rho, self.model.theta.clone()],
            adam: self.adam.clone(),
            bounds: self.model.log_var_bounds().map(<[f32]>::to_vec).unwrap_or_default(),
            bounds_adam: self.bounds_adam.clone(),
            input: self.model.input.clone(),
            target: self.model.target.clone(),
            ends: self.ends.as_ref().map(EndsTrainer::snapshot),
        }
    }

    /// Goes back to a snapshot of this network, or of one of its shape.
    fn restore(&mut self, snapshot: Snapshot) {
        let Snapshot { theta, adam, bounds, bounds_adam, input, target, ends } = snapshot;
        let parts = [&mut self.posterior.mean, &mut self.posterior.rho, &mut self.model.theta];
        parts.into_iter().zip(theta).for_each(|(own, theta)| *own = theta);
        (self.adam, self.bounds_adam) = (adam, bounds_adam);
        (self.model.input, self.model.target) = (input, target);
        if let Head::Gaussian { bounds: own } = &mut self.model.head {
            *own = bounds;
        }
        if let (Some(own), Some(ends)) = (&mut self.ends, ends) {
            own.restore(ends);
            self.model.ends = Some(own.freeze());
        }
    }

    fn train(&mut self, data: FitData<'_>, key: Key, recorder: &mut dyn Recorder) -> Result<Fit> {
        let holdout = Holdout { share: 0.0, cap: 0 };
        let data = prepare(self.model.learnt, data, holdout, Targets::Normalized, key)?;
        for epoch in 0..self.config.epochs {
            let loss = self.epoch(&data, epoch, key.child("epoch").at(epoch as u64))?;
            recorder.scalar("model/train_loss", loss);
        }
        self.check_finite()?;
        if let Some(ends) = &mut self.ends {
            let BayesConfig { epochs, batch, termination, .. } = &self.config;
            ends.train(termination, &data, (*epochs, *batch), key.child("ends"))?;
            self.model.ends = Some(ends.freeze());
        }
        self.redraw(key.child("draw"))?;
        let (model, width) = (&mut self.model, data.target.mean.len());
        let holdout = holdout_errors(&model.net, &model.theta, &model.head, &data.holdout, width)?;
        (model.input, model.target) = (data.input, data.target);
        let elites = (0..self.config.members as u16).collect();
        Ok(Fit { epochs: self.config.epochs, holdout, elites })
    }

    /// Refuses what a step past the last loss may have left.
    fn check_finite(&self) -> Result<()> {
        let bounds = self.model.log_var_bounds().unwrap_or_default();
        match self.posterior.mean.iter().chain(&self.posterior.rho).chain(bounds).find(|x| !x.is_finite()) {
            None => Ok(()),
            Some(x) => Err(Error::non_finite(format_args!(
                "epoch {}: a parameter is {x}: lower adam.lr, or look for outliers in the data",
                self.config.epochs - 1
            ))),
        }
    }

    /// One pass over the rows; returns the mean negative log-likelihood of a row.
    fn epoch(&mut self, data: &Prepared, epoch: usize, key: Key) -> Result<f64> {
        let Prepared { train, .. } = data;
        let width = data.target.mean.len();
        let head = GaussianHead { dim: width };
        let params = self.net.params();
        let mut order: Vec<u32> = (0..train.rows as u32).collect();
        order.shuffle(&mut key.child("order").rng());
        let batches = train.rows.div_ceil(self.config.batch);
        let mut work = Work::default();
        let (mut theta, mut dtheta, mut gradient) =
            (vec![0.0; params], vec![0.0; params], vec![0.0; 2 * params]);
        let mut total = 0.0;
        let draws = key.child("draw").below();
        for (i, rows) in order.chunks(self.config.batch).enumerate() {
            work.noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, params, draws.at(i as u64));
            let noise = work.noise.view().normals;
            self.posterior.draw(noise.as_slice(), &mut theta);
            pick(&train.input, self.net.input(), rows, &mut work.x);
            pick(&train.target, width, rows, &mut work.target);
            let outputs = rows.len() * self.net.output();
            work.y.resize(outputs, 0.0);
            work.dy.resize(outputs, 0.0);
            let tape = std::slice::from_mut(&mut work.tape);
            self.net.forward_saved(&theta, &work.x, rows.len(), tape, &mut work.y)?;
            let objective = match &self.model.head {
                Head::Gaussian { bounds } => Loss::Gaussian { head, bounds, beta: 0.0 },
                Head::Deterministic | Head::Known { .. } => Loss::Squares,
            };
            let mut loss = objective.gradient(&work.y, &work.target, &mut work.dy, &mut work.dbounds);
            if let Head::Known { deviation } = self.model.head {
                let variance = deviation * deviation;
                loss = loss / f64::from(variance) + f64::from(variance).ln();
                work.dy.iter_mut().for_each(|d| *d /= variance);
            }
            if !loss.is_finite() {
                return Err(Error::non_finite(format_args!(
                    "the weights drawn in epoch {epoch}: the loss is {loss}: lower adam.lr, or look for outliers in the \
                     data"
                )));
            }
            // The loss is a mean over rows and numbers. What is stepped down is an estimate of ½·Σ over all rows and their
            // numbers, from this minibatch of M, and the whole of it is divided by the number of all rows. To divide by
            // the rows of this minibatch instead would let the prior rule a last one of a single row.
            let scale = batches as f64 / train.rows as f64;
            let half = 0.5 * width as f64 * rows.len() as f64;
            work.dy.iter_mut().for_each(|d| *d *= (half * scale) as f32);
            total += loss * half;
            let gradients = Gradients { theta: Some(&mut dtheta), x: None };
            self.net.backward(&theta, &work.x, tape, &work.dy, gradients)?;
            let share = self.config.weights.of(i, batches) * scale;
            let BayesConfig { prior, divergence, adam, .. } = self.config;
            let pull = Pull { prior, divergence, weight: share as f32 };
            self.posterior.gradient(&pull, noise.as_slice(), &theta, &dtheta, &mut gradient);
            work.flat.clear();
            work.flat.extend_from_slice(&self.posterior.mean);
            work.flat.extend_from_slice(&self.posterior.rho);
            self.adam.step(&adam, &mut work.flat, &gradient, 2 * params, &[])?;
            self.posterior.mean.copy_from_slice(&work.flat[..params]);
            self.posterior.rho.copy_from_slice(&work.flat[params..]);
            if let Head::Gaussian { bounds } = &mut self.model.head {
                work.dbounds.iter_mut().for_each(|d| *d *= (half * scale) as f32);
                self.bounds_adam.step(&adam, bounds, &work.dbounds, 2 * width, &[])?;
            }
        }
        Ok(total / train.rows as f64)
    }
}

/// Where a step is worked out.
#[derive(Default)]
struct Work {
    noise: NoiseBuf,
    x: Vec<f32>,
    target: Vec<f32>,
    y: Vec<f32>,
    dy: Vec<f32>,
    dbounds: Vec<f32>,
    flat: Vec<f32>,
    tape: Tape,
}

impl Belief for BayesianNetwork {
    /// Goes on from the posterior as it is. Where training fails, everything is as it was before.
    fn fit(&mut self, data: FitData<'_>, key: Key, recorder: &mut dyn Recorder) -> Result<Fit> {
        let before = self.snapshot();
        let fit = recorder.span("model/fit", |recorder| self.train(data, key, recorder));
        if fit.is_err() {
            self.restore(before);
        }
        fit
    }

    /// Draws the weights of every member anew.
    fn redraw(&mut self, key: Key) -> Result<()> {
        let (below, params) = (key.below(), self.net.params());
        let mut noise = NoiseBuf::default();
        for (member, theta) in self.model.theta.chunks_exact_mut(params).enumerate() {
            noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, params, below.at(member as u64));
            self.posterior.draw(noise.view().normals.as_slice(), theta);
        }
        Ok(())
    }

    fn model(&self) -> &dyn DynamicsModel {
        &self.model
    }

    fn spread(&self) -> Option<&dyn Spread> {
        Some(&self.model)
    }

    /// The configuration is not written. Load into a network of the same.
    fn save(&self, out: &mut dyn std::io::Write) -> Result<()> {
        self.snapshot().save(&FORMAT, &self.shape(), out)
    }

    fn load(&mut self, from: &mut dyn std::io::Read) -> Result<()> {
        let snapshot = self.snapshot().load(&FORMAT, &self.shape(), from)?;
        self.restore(snapshot);
        Ok(())
    }
}

const FORMAT: Format = Format { tag: *b"mbrlbnn ", version: 1, what: "saved Bayesian network" };
