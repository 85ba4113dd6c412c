//! Weights that are drawn: w = μ + softplus(ρ)·ε, the posterior of Bayes by Backprop (Blundell et al. 2015).

use crate::math::{sigmoid, softplus, softplus_and_slope};
use crate::vectorized::vectorized;
use mbrl_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// What is believed of a weight before any data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Prior {
    /// Normal around zero.
    Gaussian {
        /// Its deviation.
        deviation: f32,
    },
    /// Normal around zero with one of two deviations: mostly small, sometimes not.
    Mixture {
        /// The probability of the first.
        share: f32,
        /// The first deviation, the larger.
        wide: f32,
        /// The second.
        narrow: f32,
    },
}

/// How the divergence of the posterior from the prior is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Divergence {
    /// By its formula, which only a Gaussian prior has.
    #[default]
    ClosedForm,
    /// By the weights drawn: log q(w) − log p(w).
    MonteCarlo,
}

/// The normal posterior of each weight by itself: a mean and a ρ each, the deviation being softplus(ρ).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanField {
    /// The means.
    pub mean: Vec<f32>,
    /// What the deviations are the softplus of.
    pub rho: Vec<f32>,
}

/// The weight of a prior on a gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pull {
    /// What is believed.
    pub prior: Prior,
    /// How its divergence is told.
    pub divergence: Divergence,
    /// The share of the divergence that belongs to this step.
    pub weight: f32,
}

impl Prior {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        let (share, deviations) = match *self {
            Prior::Gaussian { deviation } => (0.5, [deviation; 2]),
            Prior::Mixture { share, wide, narrow } => (share, [wide, narrow]),
        };
        if deviations.iter().any(|d| !(*d > 0.0 && d.is_finite())) || !(share > 0.0 && share < 1.0) {
            return Err(Error::invalid(format_args!(
                "{self:?}: give positive deviations, and a share between 0 and 1"
            )));
        }
        Ok(())
    }

    /// log p(w).
    pub fn log_density(&self, w: f64) -> f64 {
        let log_normal = |deviation: f32| {
            let s = f64::from(deviation);
            -0.5 * (w / s).powi(2) - s.ln() - 0.5 * std::f64::consts::TAU.ln()
        };
        match *self {
            Prior::Gaussian { deviation } => log_normal(deviation),
            Prior::Mixture { share, wide, narrow } => {
                let (a, b) = (
                    f64::from(share).ln() + log_normal(wide),
                    (1.0 - f64::from(share)).ln() + log_normal(narrow),
                );
                let top = a.max(b);
                top + ((a - top).exp() + (b - top).exp()).ln()
            }
        }
    }

    /// The precisions of both parts, and the logarithm of the odds of the first at zero.
    fn parts(&self) -> Parts {
        match *self {
            Prior::Gaussian { deviation } => {
                let precision = 1.0 / (deviation * deviation);
                Parts { wide: precision, narrow: precision, log_odds: 0.0 }
            }
            Prior::Mixture { share, wide, narrow } => Parts {
                wide: 1.0 / (wide * wide),
                narrow: 1.0 / (narrow * narrow),
                log_odds: (share / (1.0 - share)).ln() + (narrow / wide).ln(),
            },
        }
    }
}

impl MeanField {
    /// Weights drawn with this noise, one number each.
    ///
    /// # Panics
    ///
    /// Where the lengths differ.
    pub fn draw(&self, noise: &[f32], theta: &mut [f32]) {
        let len = self.mean.len();
        assert!(self.rho.len() == len && noise.len() == len && theta.len() == len, "one number a weight");
        draw(&self.mean, &self.rho, noise, theta);
    }

    /// The gradient of means and ρs (`[2, params]`), from that of the weights that this noise drew, with the pull of the
    /// prior.
    ///
    /// # Panics
    ///
    /// Where the lengths differ, or a mixture is asked for its divergence in closed form.
    pub fn gradient(&self, pull: &Pull, noise: &[f32], theta: &[f32], dtheta: &[f32], out: &mut [f32]) {
        let len = self.mean.len();
        assert!(self.rho.len() == len && noise.len() == len, "one number a weight");
        assert!(theta.len() == len && dtheta.len() == len && out.len() == 2 * len, "one number a weight");
        let closed = pull.divergence == Divergence::ClosedForm;
        assert!(!(closed && matches!(pull.prior, Prior::Mixture { .. })), "a mixture has no closed form");
        let (dmean, drho) = out.split_at_mut(len);
        let (parts, weight) = (pull.prior.parts(), pull.weight);
        match pull.divergence {
            Divergence::ClosedForm => {
                closed_form(&self.mean, &self.rho, noise, dtheta, parts.wide, weight, dmean, drho);
            }
            Divergence::MonteCarlo => {
                monte_carlo(&self.rho, noise, theta, dtheta, parts, weight, dmean, drho)
            }
        }
    }

    /// The divergence of the posterior from a Gaussian prior.
    pub fn divergence(&self, deviation: f32) -> f64 {
        let prior = f64::from(deviation);
        let term = |(mean, rho): (&f32, &f32)| {
            let (mean, s) = (f64::from(*mean), f64::from(softplus(*rho)));
            0.5 * ((s * s + mean * mean) / (prior * prior) - 1.0) - (s / prior).ln()
        };
        self.mean.iter().zip(&self.rho).map(term).sum()
    }
}

#[derive(Clone, Copy)]
struct Parts {
    wide: f32,
    narrow: f32,
    log_odds: f32,
}

vectorized! {
    fn draw(mean: &[f32], rho: &[f32], noise: &[f32], theta: &mut [f32]) -> () {
        for (((theta, mean), rho), noise) in theta.iter_mut().zip(mean).zip(rho).zip(noise) {
            *theta = mean + softplus(*rho) * noise;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a pass over six vectors")]
    fn closed_form(
        mean: &[f32],
        rho: &[f32],
        noise: &[f32],
        dtheta: &[f32],
        precision: f32,
        weight: f32,
        dmean: &mut [f32],
        drho: &mut [f32],
    ) -> () {
        let from = mean.iter().zip(rho).zip(noise).zip(dtheta);
        for ((((mean, rho), noise), d), (dmean, drho)) in from.zip(dmean.iter_mut().zip(drho)) {
            let (deviation, slope) = softplus_and_slope(*rho);
            *dmean = d + weight * mean * precision;
            *drho = (d * noise + weight * (deviation * precision - 1.0 / deviation)) * slope;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a pass over six vectors")]
    fn monte_carlo(
        rho: &[f32],
        noise: &[f32],
        theta: &[f32],
        dtheta: &[f32],
        parts: Parts,
        weight: f32,
        dmean: &mut [f32],
        drho: &mut [f32],
    ) -> () {
        let Parts { wide, narrow, log_odds } = parts;
        let from = theta.iter().zip(rho).zip(noise).zip(dtheta);
        for ((((w, rho), noise), d), (dmean, drho)) in from.zip(dmean.iter_mut().zip(drho)) {
            let (deviation, slope) = softplus_and_slope(*rho);
            // −d log p / dw: the weight over the variance of whichever part it came from.
            let first = sigmoid(log_odds + 0.5 * w * w * (narrow - wide));
            let score = w * (first * wide + (1.0 - first) * narrow);
            *dmean = d + weight * score;
            *drho = ((d + weight * score) * noise - weight / deviation) * slope;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a mixture has no closed form")]
    fn a_mixture_is_not_taken_for_one_of_its_parts() {
        let prior = Prior::Mixture { share: 0.5, wide: 1.0, narrow: 0.1 };
        let pull = Pull { prior, divergence: Divergence::ClosedForm, weight: 1.0 };
        let posterior = MeanField { mean: vec![0.0], rho: vec![0.0] };
        posterior.gradient(&pull, &[0.0], &[0.0], &[0.0], &mut [0.0; 2]);
    }
}
