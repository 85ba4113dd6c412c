//! The training of an ensemble: epochs over resampled rows, held-out errors, and when to stop.

use super::config::{Bounds, EnsembleConfig, Keep, Likelihood, Resampling, Stop};
use super::stack::{Loss, Samples, Stack, Stepped};
use crate::design::Design;
use crate::frozen::Head;
use crate::prepare::Prepared;
use mbrl_core::{Error, Key, Recorder, Result};
use mbrl_nn::{Adam, GaussianHead, Mlp};
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Uniform};

/// What training came to.
pub(super) struct Trained {
    pub(super) epochs: usize,
    /// The mean squared error on held-out rows, by member.
    pub(super) holdout: Vec<f64>,
}

/// Trains `stack` until it stops improving. Bounds of log-variances are those of `head`, and are learnt beside it.
pub(super) fn train(
    config: &EnsembleConfig,
    stack: &mut Stack,
    head: &mut Head,
    bounds_adam: &mut Adam,
    data: &Prepared,
    key: Key,
    recorder: &mut dyn Recorder,
) -> Result<Trained> {
    if data.holdout.rows == 0 && config.stop.max_epochs.is_none() {
        return Err(Error::invalid(
            "nothing is held out, so training would not know when to stop: set stop.max_epochs, or holdout.share",
        ));
    }
    let members = stack.members();
    let width = data.target.mean.len();
    let mut rows = resample(config.resampling, members, data.train.rows, key.child("rows"));
    let mut stepped = vec![Stepped::default(); members];
    let at_first = match config.keep {
        Keep::BestOfAll => holdout_errors(&stack.net, &stack.theta, head, &data.holdout, width)?,
        Keep::BestOfEach | Keep::Last => Vec::new(),
    };
    let mut watch = Watch::new(config, at_first, members);
    let mut errors = Vec::new();
    for epoch in 0.. {
        let order = key.child("epoch").at(epoch as u64).below();
        for (member, rows) in rows.iter_mut().enumerate() {
            rows.shuffle(&mut order.at(member as u64).rng());
        }
        let mut loss = 0.0;
        for from in (0..data.train.rows).step_by(config.batch) {
            let to = (from + config.batch).min(data.train.rows);
            let samples = Samples { input: &data.train.input, target: &data.train.target, width };
            let objective = match &*head {
                Head::Deterministic | Head::Known { .. } => Loss::Squares,
                Head::Gaussian { bounds } => Loss::Gaussian {
                    head: GaussianHead { dim: width },
                    bounds,
                    beta: config.likelihood.beta(),
                },
            };
            stack.step(&config.adam, samples, objective, |member| &rows[member][from..to], &mut stepped)?;
            for (member, stepped) in stepped.iter().enumerate() {
                if !stepped.loss.is_finite() {
                    return Err(exploded(member, epoch, "loss", stepped.loss));
                }
                loss += stepped.loss * (to - from) as f64;
            }
            learn_bounds(config, head, bounds_adam, &stepped)?;
        }
        errors = holdout_errors(&stack.net, &stack.theta, head, &data.holdout, width)?;
        if let Some(member) = errors.iter().position(|error| !error.is_finite()) {
            return Err(exploded(member, epoch, "held-out error", errors[member]));
        }
        recorder.scalar("model/train_loss", loss / (data.train.rows * members) as f64);
        if watch.stop_after(epoch, &errors, &stack.theta) {
            break;
        }
    }
    let epochs = watch.epochs;
    // A step past the last loss is seen by nobody else where nothing is held out.
    check_parameters("parameter", epochs, &stack.theta, stack.net.params())?;
    if let Head::Gaussian { bounds } = &*head
        && let Some(bound) = bounds.iter().find(|bound| !bound.is_finite())
    {
        return Err(Error::non_finite(format_args!(
            "epoch {}: a bound of log-variances is {bound}: lower adam.lr, or look for outliers in the data",
            epochs - 1
        )));
    }
    if watch.put_back(&mut stack.theta) {
        errors = holdout_errors(&stack.net, &stack.theta, head, &data.holdout, width)?;
    }
    Ok(Trained { epochs, holdout: errors })
}

fn exploded(member: usize, epoch: usize, what: &str, value: f64) -> Error {
    Error::non_finite(format_args!(
        "member {member}, epoch {epoch}: the {what} is {value}: lower adam.lr, or look for outliers in the data"
    ))
}

/// Refuses parameters `[members, params]` that are not finite after so many epochs.
pub(crate) fn check_parameters(what: &str, epochs: usize, theta: &[f32], params: usize) -> Result<()> {
    match theta.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(i) => Err(exploded(i / params, epochs.saturating_sub(1), what, f64::from(theta[i]))),
    }
}

/// The rows of each member.
pub(super) fn resample(resampling: Resampling, members: usize, rows: usize, key: Key) -> Vec<Vec<u32>> {
    let below = key.below();
    let draw = |member: usize| match resampling {
        Resampling::Shared => (0..rows as u32).collect(),
        Resampling::Bootstrap => match Uniform::new(0, rows as u32) {
            Ok(any) => any.sample_iter(below.at(member as u64).rng()).take(rows).collect(),
            // Of no row there is none to draw.
            Err(_) => Vec::new(),
        },
    };
    (0..members).map(draw).collect()
}

/// One step of the bounds, on the gradient of all members.
fn learn_bounds(
    config: &EnsembleConfig,
    head: &mut Head,
    adam: &mut Adam,
    stepped: &[Stepped],
) -> Result<()> {
    let (Head::Gaussian { bounds }, Likelihood::Gaussian { bounds: Bounds::Learnt, bounds_penalty, .. }) =
        (head, config.likelihood)
    else {
        return Ok(());
    };
    let mut gradient = vec![0.0; bounds.len()];
    for stepped in stepped {
        gradient.iter_mut().zip(&stepped.dbounds).for_each(|(sum, d)| *sum += d);
    }
    let (max, min) = gradient.split_at_mut(bounds.len() / 2);
    max.iter_mut().for_each(|d| *d += bounds_penalty);
    min.iter_mut().for_each(|d| *d -= bounds_penalty);
    let len = bounds.len();
    adam.step(&config.adam, bounds, &gradient, len, &[])
}

/// The mean squared error of each member's means on held-out rows; empty, where nothing is held out.
pub(crate) fn holdout_errors(
    net: &Mlp,
    theta: &[f32],
    head: &Head,
    holdout: &Design,
    width: usize,
) -> Result<Vec<f64>> {
    /// Rows asked at a time.
    const CHUNK: usize = 1024;
    if holdout.rows == 0 {
        return Ok(Vec::new());
    }
    let (wide, outputs, members) = (net.input(), net.output(), theta.len() / net.params());
    debug_assert!(outputs == width || matches!(head, Head::Gaussian { .. }));
    let mut sums = vec![0.0; members];
    let mut y = vec![0.0; members * CHUNK.min(holdout.rows) * outputs];
    for (x, target) in holdout.input.chunks(CHUNK * wide).zip(holdout.target.chunks(CHUNK * width)) {
        let rows = x.len() / wide;
        let y = &mut y[..members * rows * outputs];
        net.forward(theta, x, rows, y)?;
        for (sum, y) in sums.iter_mut().zip(y.chunks_exact(rows * outputs)) {
            for (y, target) in y.chunks_exact(outputs).zip(target.chunks_exact(width)) {
                *sum += y.iter().zip(target).map(|(y, t)| f64::from(y - t).powi(2)).sum::<f64>();
            }
        }
    }
    let count = (holdout.rows * width) as f64;
    Ok(sums.into_iter().map(|sum| sum / count).collect())
}

/// Remembers the best parameters, and when there was the last improvement.
struct Watch<'a> {
    config: &'a EnsembleConfig,
    best: Vec<f64>,
    /// Empty, as long as there was no improvement.
    kept: Vec<f32>,
    since: usize,
    epochs: usize,
}

impl<'a> Watch<'a> {
    /// `errors` are those on held-out rows before the first step.
    fn new(config: &'a EnsembleConfig, errors: Vec<f64>, members: usize) -> Self {
        // MBPO's code begins each call with an error beyond all others, so that the first epoch is an improvement;
        // mbrl-lib begins with that of the parameters it is given.
        let best = if config.keep == Keep::BestOfAll { errors } else { vec![f64::INFINITY; members] };
        Watch { config, best, kept: Vec::new(), since: 0, epochs: 0 }
    }

    /// Whether training ends after this epoch, whose held-out errors these are.
    fn stop_after(&mut self, epoch: usize, errors: &[f64], theta: &[f32]) -> bool {
        let Stop { improvement, patience, max_epochs } = self.config.stop;
        self.epochs = epoch + 1;
        // The first epoch improves on nothing; an error of zero cannot be improved on.
        let improves =
            |(best, error): (&f64, &f64)| best.is_infinite() || (best - error) / best > improvement;
        let improved: Vec<bool> = self.best.iter().zip(errors).map(improves).collect();
        let any = improved.contains(&true);
        if any && (self.kept.is_empty() || self.config.keep == Keep::BestOfAll) {
            self.kept = theta.to_vec();
        }
        if any && self.config.keep == Keep::BestOfAll {
            // Also of those that did not improve by enough, as mbrl-lib does.
            self.best.iter_mut().zip(errors).for_each(|(best, error)| *best = best.min(*error));
        } else if any {
            let params = theta.len() / self.best.len();
            for (member, _) in improved.iter().enumerate().filter(|(_, improved)| **improved) {
                self.best[member] = errors[member];
                let own = member * params..(member + 1) * params;
                self.kept[own.clone()].copy_from_slice(&theta[own]);
            }
        }
        self.since = if any { 0 } else { self.since + 1 };
        let enough = !errors.is_empty() && self.since > patience;
        enough || max_epochs.is_some_and(|max| self.epochs >= max)
    }

    /// Goes back to the best parameters, if any were held against held-out rows.
    fn put_back(self, theta: &mut [f32]) -> bool {
        let known = self.config.keep != Keep::Last && !self.kept.is_empty();
        if known {
            theta.copy_from_slice(&self.kept);
        }
        known
    }
}
