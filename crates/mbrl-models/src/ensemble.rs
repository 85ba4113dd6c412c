//! Ensembles of networks trained by maximum likelihood, as in PETS (Chua et al. 2018) and MBPO (Janner et al. 2019).

mod config;
pub(crate) mod ends;
pub(crate) mod fit;
pub(crate) mod stack;
#[cfg(test)]
mod tests;

pub use config::{
    Bounds, ENSEMBLE_PRESETS, EnsembleConfig, Holdout, Keep, Likelihood, Resampling, Start, Stop, Targets,
    TerminationConfig,
};

use crate::Normalizer;
use crate::design::Learnt;
use crate::frozen::{Head, NetworkModel};
use crate::prepare::prepare;
use crate::snapshot::Snapshot;
use crate::stored::Format;
use ends::EndsTrainer;
use mbrl_core::{Belief, DynamicsModel, Fit, FitData, Key, Recorder, Result, Spec, Spread, Task};
use mbrl_nn::{Adam, GaussianHead, Mlp, decay_by_layer};
use stack::Stack;

/// An ensemble of networks, each of which predicts how an observation changes, and the reward where it is not known.
///
/// Members differ by where they begin and by the rows they are trained on; what they disagree about is what the data does
/// not say. Of [`members`](EnsembleConfig::members) the [`elites`](EnsembleConfig::elites) with the least held-out error are
/// to be imagined with: [`Fit::elites`].
///
/// ```
/// use mbrl_core::{
///     Belief, Dims, End, FitData, Key, NullRecorder, Origin, Space, Spec, Task, Transition, TransitionBatch,
/// };
/// use mbrl_models::{Ensemble, EnsembleConfig, Stop};
///
/// # fn main() -> mbrl_core::Result<()> {
/// // A point that moves as it is told to.
/// let mut data = TransitionBatch::new(Dims { obs: 1, act: 1 });
/// for i in 0..200 {
///     let (x, u) = ((i % 20) as f32 / 10.0 - 1.0, (i % 7) as f32 / 7.0 - 0.5);
///     let (next_obs, end, origin) = ([x + 0.1 * u], End::Running, Origin::World);
///     data.push(Transition { obs: &[x], act: &[u], next_obs: &next_obs, reward: -x * x, end, origin });
/// }
/// let spec = Spec::new(Space::unbounded(1)?, Space::symmetric(1, 1.0)?);
/// let config = EnsembleConfig {
///     members: 3,
///     elites: 2,
///     hidden: vec![16],
///     decay: vec![],
///     stop: Stop { improvement: 0.01, patience: 5, max_epochs: Some(20) },
///     ..EnsembleConfig::default()
/// };
/// // The reward is to be learnt; no episode of this task terminates.
/// let task = Task::unknown().terminating(|_, _, _| false);
/// let mut ensemble = Ensemble::new(&spec, &task, config, Key::root(0))?;
/// let rows: Vec<u32> = (0..200).collect();
/// let fit = ensemble.fit(FitData { data: &data, train: &rows, holdout: &[] }, Key::root(1), &mut NullRecorder)?;
/// assert_eq!((fit.holdout.len(), fit.elites.len()), (3, 2));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Ensemble {
    config: EnsembleConfig,
    stack: Stack,
    bounds_adam: Adam,
    ends: Option<EndsTrainer>,
    model: NetworkModel,
}

impl Ensemble {
    /// An ensemble that has seen nothing, for a world and a task. What the task does not know is learnt.
    pub fn new(spec: &Spec, task: &Task, config: EnsembleConfig, key: Key) -> Result<Self> {
        config.validate()?;
        spec.validate()?;
        let learnt = Learnt { dims: spec.dims(), reward: task.reward.is_none() };
        let width = learnt.target();
        let (outputs, head) = match config.likelihood {
            Likelihood::Deterministic => (width, Head::Deterministic),
            Likelihood::Gaussian { .. } => {
                (2 * width, Head::Gaussian { bounds: GaussianHead { dim: width }.bounds() })
            }
        };
        let net = Mlp::new(learnt.input(), &config.hidden, outputs, config.activation)?;
        let theta = config.init.parameters(&net, config.members, key.child("init"));
        let decay = decay_by_layer(&net, &config.decay_by_layer())?;
        let ends = match task.termination {
            Some(_) => None,
            None => {
                Some(EndsTrainer::new(&config.termination, learnt.dims, config.members, key.child("ends"))?)
            }
        };
        let model = NetworkModel {
            head,
            theta: theta.clone(),
            input: Normalizer::identity(learnt.input()),
            target: Normalizer::identity(width),
            ends: ends.as_ref().map(EndsTrainer::freeze),
            learnt,
            rewards: config.rewards,
            task: task.clone(),
            net: net.clone(),
        };
        Ok(Ensemble {
            bounds_adam: Adam::new(model.log_var_bounds().map_or(0, <[f32]>::len)),
            stack: Stack::new(net, theta, decay),
            config,
            ends,
            model,
        })
    }

    /// How it is trained.
    pub fn config(&self) -> &EnsembleConfig {
        &self.config
    }

    /// The model that imagination asks.
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
            ("parameters of a member", self.stack.net.params()),
        ]
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            theta: vec![self.stack.theta.clone()],
            adam: self.stack.adam.clone(),
            bounds: self.model.log_var_bounds().map(<[f32]>::to_vec).unwrap_or_default(),
            bounds_adam: self.bounds_adam.clone(),
            input: self.model.input.clone(),
            target: self.model.target.clone(),
            ends: self.ends.as_ref().map(EndsTrainer::snapshot),
        }
    }

    /// Goes back to a snapshot of this ensemble, or of one of its shape.
    fn restore(&mut self, snapshot: Snapshot) {
        let Snapshot { theta, adam, bounds, bounds_adam, input, target, ends } = snapshot;
        for theta in theta {
            self.model.theta.copy_from_slice(&theta);
            self.stack.theta = theta;
        }
        (self.stack.adam, self.bounds_adam) = (adam, bounds_adam);
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
        let EnsembleConfig { holdout, targets, .. } = self.config;
        let prepared = prepare(self.model.learnt, data, holdout, targets, key)?;
        if self.config.start == Start::Fresh {
            self.stack.theta =
                self.config.init.parameters(&self.stack.net, self.config.members, key.child("init"));
            self.stack.adam = Adam::new(self.stack.theta.len());
            self.bounds_adam = Adam::new(self.bounds_adam.mean.len());
            if let Head::Gaussian { bounds } = &mut self.model.head {
                *bounds = GaussianHead { dim: bounds.len() / 2 }.bounds();
            }
            if let Some(ends) = &mut self.ends {
                ends.reset(key.child("ends").child("init"));
            }
        }
        let Ensemble { config, stack, bounds_adam, ends, model } = self;
        let trained = fit::train(config, stack, &mut model.head, bounds_adam, &prepared, key, recorder)?;
        if let Some(ends) = ends {
            ends.train(&config.termination, &prepared, (trained.epochs, config.batch), key.child("ends"))?;
            model.ends = Some(ends.freeze());
        }
        model.theta.copy_from_slice(&stack.theta);
        model.input = prepared.input;
        model.target = prepared.target;
        let elites = elites(&trained.holdout, config);
        recorder.scalar("model/epochs", trained.epochs as f64);
        if !trained.holdout.is_empty() {
            let best = elites.iter().map(|member| trained.holdout[usize::from(*member)]).sum::<f64>();
            recorder.scalar("model/holdout_mse", best / elites.len() as f64);
        }
        Ok(Fit { epochs: trained.epochs, holdout: trained.holdout, elites })
    }
}

const FORMAT: Format = Format { tag: *b"mbrlensm", version: 1, what: "saved ensemble" };

/// The members with the least held-out error, best first; the first ones, where nothing was held out.
fn elites(holdout: &[f64], config: &EnsembleConfig) -> Vec<u16> {
    let mut members: Vec<u16> = (0..config.members as u16).collect();
    if !holdout.is_empty() {
        members.sort_by(|a, b| holdout[usize::from(*a)].total_cmp(&holdout[usize::from(*b)]));
    }
    members.truncate(config.elites);
    members
}

impl Belief for Ensemble {
    /// Trains on the rows until held-out errors stop falling. Where training fails, everything is as it was before.
    fn fit(&mut self, data: FitData<'_>, key: Key, recorder: &mut dyn Recorder) -> Result<Fit> {
        let before = self.snapshot();
        let fit = recorder.span("model/fit", |recorder| self.train(data, key, recorder));
        if fit.is_err() {
            self.restore(before);
        }
        fit
    }

    /// An ensemble has nothing to draw.
    fn redraw(&mut self, _: Key) -> Result<()> {
        Ok(())
    }

    fn model(&self) -> &dyn DynamicsModel {
        &self.model
    }

    fn spread(&self) -> Option<&dyn Spread> {
        Some(&self.model)
    }

    /// The configuration is not written. Load into an ensemble of the same.
    fn save(&self, out: &mut dyn std::io::Write) -> Result<()> {
        self.snapshot().save(&FORMAT, &self.shape(), out)
    }

    fn load(&mut self, from: &mut dyn std::io::Read) -> Result<()> {
        let snapshot = self.snapshot().load(&FORMAT, &self.shape(), from)?;
        self.restore(snapshot);
        Ok(())
    }
}
