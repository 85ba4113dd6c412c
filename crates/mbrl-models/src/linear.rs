//! Bayesian linear-Gaussian dynamics in closed form: a matrix of weights with a normal posterior, and the noise of each
//! output with an inverse-gamma one (Bishop 2006, section 3.3; Murphy 2012, section 7.6.3).
//!
//! A next observation is linear in the features φ of observation and action, with φ's last number a constant: each output j
//! is wⱼᵀφ + εⱼ. All outputs share φ, so they share the precision Λ of the weights, in units of each output's noise.

mod belief;
mod config;
mod model;
mod regression;
#[cfg(test)]
mod tests;

pub use config::{LinearConfig, LinearFeatures, LinearTarget, NoisePrior};
pub use model::LinearModel;

use crate::sampling::draw_ln_gamma;
use crate::special::ln_gamma;
use mbrl_core::{Error, Key, Result, Spec, Task, Transition};
use rand_distr::{Distribution, StandardNormal};
use regression::Regression;
use std::f64::consts::TAU;

/// What is believed of linear dynamics.
///
/// The model to imagine with has the weight matrices drawn last, and before any is drawn the prior mean in every member.
///
/// ```
/// use mbrl_core::{End, Origin, Space, Spec, Task, Transition};
/// use mbrl_models::{LinearConfig, LinearPosterior, LinearTarget};
///
/// # fn main() -> mbrl_core::Result<()> {
/// let spec = Spec::new(Space::unbounded(1)?, Space::symmetric(1, 1.0)?);
/// let task = Task::unknown().rewarding(|_, _, next| -next[0].abs());
/// let config = LinearConfig { target: LinearTarget::Next, ..LinearConfig::default() };
/// let mut posterior = LinearPosterior::new(&spec, &task, config)?;
/// for i in 0..100 {
///     let (x, u) = ((i % 10) as f32 - 5.0, (i % 7) as f32 - 3.0);
///     let next_obs = [0.5 * x + 2.0 * u];
///     posterior.observe(Transition {
///         obs: &[x], act: &[u], next_obs: &next_obs, reward: 0.0, end: End::Running, origin: Origin::World,
///     })?;
/// }
/// // [0.5, 2, 0] of observation, action and constant.
/// assert!((posterior.mean()[1] - 2.0).abs() < 1e-4);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct LinearPosterior {
    config: LinearConfig,
    regression: Regression,
    model: LinearModel,
}

/// What is predicted of each output of a move, the weights integrated out: Student's t distributions with `dof` degrees of
/// freedom. Where the noise is known these are infinitely many, and the distributions are normal.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictive {
    /// Where each is centred: the next observation, and the reward behind it where that is learnt.
    pub mean: Vec<f64>,
    /// How wide each is.
    pub scale: Vec<f64>,
    /// Their degrees of freedom.
    pub dof: f64,
}

/// More numbers than this in a matrix are a mistake.
const MOST_NUMBERS: usize = 1 << 26;

impl LinearPosterior {
    /// The prior over dynamics between the boxes of `spec`. A reward that the task does not know is learnt too.
    pub fn new(spec: &Spec, task: &Task, config: LinearConfig) -> Result<Self> {
        config.validate()?;
        spec.validate()?;
        if spec.obs.choices().is_some() || spec.act.choices().is_some() {
            return Err(Error::invalid(
                "linear dynamics are between boxes, and this spec has a discrete space: use a tabular posterior",
            ));
        }
        let dims = spec.dims();
        let outputs = dims.obs + usize::from(task.reward.is_none());
        if let NoisePrior::Known { variance } = &config.noise
            && variance.len() != outputs
        {
            let len = variance.len();
            return Err(Error::invalid(format_args!(
                "{len} known noise variances for {outputs} outputs: give one for each"
            )));
        }
        let inputs = config.features.count(dims.obs + dims.act).filter(|inputs| {
            let numbers = |rows: usize| rows.checked_mul(inputs.saturating_add(outputs));
            let fits = |rows: Option<usize>| rows.and_then(numbers).is_some_and(|n| n <= MOST_NUMBERS);
            fits(Some(*inputs)) && fits(config.members.checked_mul(outputs))
        });
        let Some(inputs) = inputs.filter(|_| outputs > 0) else {
            return Err(Error::invalid(format_args!(
                "{} observations, {} actions and {} members make matrices of no or more than {MOST_NUMBERS} numbers: choose linear features and fewer members",
                dims.obs, dims.act, config.members
            )));
        };
        let regression = Regression::new(inputs, outputs, config.prior_precision);
        let model = LinearModel {
            dims,
            target: config.target,
            features: config.features,
            inputs,
            outputs,
            weights: vec![0.0; config.members * outputs * inputs],
            deviations: vec![0.0; config.members * outputs],
            task: task.clone(),
        };
        let mut prior = LinearPosterior { config, regression, model };
        let deviations: Vec<f64> =
            (0..outputs).map(|j| prior.variance(&prior.regression, j).sqrt()).collect();
        prior.model.deviations = deviations.repeat(prior.config.members);
        Ok(prior)
    }

    /// Takes one transition into account. The weights drawn last stay as they are.
    pub fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        let mut row = vec![0.0; self.regression.inputs + self.regression.outputs];
        self.write_row(transition, &mut row)?;
        self.regression.add(&mut row);
        Ok(())
    }

    /// The prior.
    pub fn config(&self) -> &LinearConfig {
        &self.config
    }

    /// The mean of the weights, `[outputs, features]`: a row for each number of the observation, and the reward's behind them
    /// where that is learnt; a column for each number of observation and action, products where the features have them, and
    /// the constant.
    pub fn mean(&self) -> Vec<f64> {
        self.regression.mean()
    }

    /// The precision of each output's weights, `[features, features]`, in units of 1 / (the noise variance of the output).
    pub fn precision(&self) -> Vec<f64> {
        self.regression.precision()
    }

    /// The shape a of the distribution of the noise variances, where these are unknown.
    pub fn noise_shape(&self) -> Option<f64> {
        self.shape_of(&self.regression)
    }

    /// The scale b of the distribution of each noise variance, `[outputs]`, where these are unknown.
    pub fn noise_scale(&self) -> Option<Vec<f64>> {
        match self.config.noise {
            NoisePrior::InverseGamma { scale, .. } => {
                Some(self.regression.residual.iter().map(|sum| scale + 0.5 * sum).collect())
            }
            NoisePrior::Known { .. } => None,
        }
    }

    /// What follows from doing `act` where `obs` is observed.
    pub fn predictive(&self, obs: &[f32], act: &[f32]) -> Result<Predictive> {
        let dims = self.model.dims;
        for (name, numbers, expected) in [("observation", obs, dims.obs), ("action", act, dims.act)] {
            if numbers.len() != expected {
                let len = numbers.len();
                return Err(Error::invalid(format_args!("{name} has {len} numbers: expected {expected}")));
            }
            check_finite(name, numbers)?;
        }
        let mut features = vec![0.0; self.regression.inputs];
        self.config.features.write(obs, act, &mut features);
        let weights = self.mean();
        let mean = (0..self.model.outputs).map(|j| self.model.mean(&weights, &features, obs, j)).collect();
        let spread = 1.0 + self.regression.leverage(&mut features);
        let of_output = |j| (self.variance(&self.regression, j) * spread).sqrt();
        let scale = (0..self.model.outputs).map(of_output).collect();
        Ok(Predictive { mean, scale, dof: self.noise_shape().map_or(f64::INFINITY, |shape| 2.0 * shape) })
    }

    /// The logarithm of the density of all that was observed, with weights and noise integrated out.
    pub fn log_marginal_likelihood(&self) -> f64 {
        let (regression, n) = (&self.regression, self.regression.rows as f64);
        let shrunk = regression.inputs as f64 * self.config.prior_precision.ln() - regression.ln_det();
        let of_output = |(j, residual): (usize, &f64)| match &self.config.noise {
            NoisePrior::InverseGamma { shape: a0, scale: b0 } => {
                let (a, b) = (a0 + 0.5 * n, b0 + 0.5 * residual);
                ln_gamma(a) - ln_gamma(*a0) + a0 * b0.ln() - a * b.ln() - 0.5 * n * TAU.ln()
            }
            NoisePrior::Known { variance } => -0.5 * (n * (TAU * variance[j]).ln() + residual / variance[j]),
        };
        let outputs = regression.residual.iter().enumerate().map(of_output).sum::<f64>();
        outputs + 0.5 * shrunk * regression.outputs as f64
    }

    /// The weights drawn last, as a model.
    pub fn drawn(&self) -> &LinearModel {
        &self.model
    }

    fn shape_of(&self, regression: &Regression) -> Option<f64> {
        match self.config.noise {
            NoisePrior::InverseGamma { shape, .. } => Some(shape + 0.5 * regression.rows as f64),
            NoisePrior::Known { .. } => None,
        }
    }

    /// The noise variance of output `j`: known, or b / a, which is that of the predictive distribution.
    fn variance(&self, regression: &Regression, j: usize) -> f64 {
        match &self.config.noise {
            NoisePrior::InverseGamma { shape, scale } => {
                (scale + 0.5 * regression.residual[j]) / (shape + 0.5 * regression.rows as f64)
            }
            NoisePrior::Known { variance } => variance[j],
        }
    }

    /// Weights `[members, outputs, features]` and noise deviations `[members, outputs]` drawn from a posterior.
    fn draw(&self, regression: &Regression, key: Key) -> Result<(Vec<f64>, Vec<f64>)> {
        let (mean, outputs) = (regression.mean(), regression.outputs);
        let keys = key.child("weights").below();
        let mut weights = vec![0.0; self.config.members * mean.len()];
        let mut deviations = vec![0.0; self.config.members * outputs];
        let rows = weights.chunks_exact_mut(regression.inputs).zip(&mut deviations);
        for (i, (weights, deviation)) in rows.enumerate() {
            // A generator of its own for each output of each member, so that none depends on what another used up.
            let (rng, j) = (&mut keys.at(i as u64).rng(), i % outputs);
            *deviation = match self.shape_of(regression) {
                // The variance is b / Γ(a, 1), which is (b / a) · a / Γ(a, 1).
                Some(a) => {
                    (0.5 * (self.variance(regression, j).ln() + a.ln() - draw_ln_gamma(a, rng)?)).exp()
                }
                None => self.variance(regression, j).sqrt(),
            };
            weights.iter_mut().for_each(|w| *w = StandardNormal.sample(rng));
            regression.solve(weights);
            let mean = &mean[j * regression.inputs..][..regression.inputs];
            weights.iter_mut().zip(mean).for_each(|(w, mean)| *w = mean + *deviation * *w);
        }
        match weights.iter().chain(&deviations).all(|x| x.is_finite()) {
            true => Ok((weights, deviations)),
            false => Err(Error::non_finite(
                "drawn weights are not finite: choose a larger noise shape, or scale the data down",
            )),
        }
    }

    /// Writes features and targets of a transition, `[features + outputs]`.
    fn write_row(&self, transition: Transition<'_>, row: &mut [f64]) -> Result<()> {
        let Transition { obs, act, next_obs, reward, .. } = transition;
        let dims = self.model.dims;
        for (name, numbers, expected) in
            [("obs", obs, dims.obs), ("act", act, dims.act), ("next_obs", next_obs, dims.obs)]
        {
            if numbers.len() != expected {
                let len = numbers.len();
                return Err(Error::invalid(format_args!("{name} has {len} numbers: expected {expected}")));
            }
            check_finite(name, numbers)?;
        }
        let (features, targets) = row.split_at_mut(self.regression.inputs);
        self.config.features.write(obs, act, features);
        for (i, (target, next)) in targets.iter_mut().zip(next_obs).enumerate() {
            let from = if self.config.target == LinearTarget::Delta { f64::from(obs[i]) } else { 0.0 };
            *target = f64::from(*next) - from;
        }
        if let Some(target) = targets.get_mut(dims.obs) {
            if !reward.is_finite() {
                return Err(Error::non_finite(format_args!("the reward is {reward}")));
            }
            *target = f64::from(reward);
        }
        Ok(())
    }
}

fn check_finite(name: &str, numbers: &[f32]) -> Result<()> {
    match numbers.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(i) => Err(Error::non_finite(format_args!("{name}[{i}] is {}", numbers[i]))),
    }
}
