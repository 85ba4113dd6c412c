//! What is believed of the mean reward of one move: conjugate, so that prior and posterior are the same thing.

use super::config::check_positive;
use crate::sampling::{draw_dirichlet, draw_ln_gamma};
use crate::special::ln_gamma;
use mbrl_core::{ChaCha8Rng, Error, Result};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// A distribution over the mean reward of a move, before or after data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RewardBelief {
    /// Rewards lie between two bounds: (reward − low) / (high − low) counts as that much of a success of a Bernoulli
    /// trial, and the rest as a failure (Agrawal & Goyal 2012, section 1, without their coin toss).
    Beta {
        /// The least reward there can be.
        low: f64,
        /// The largest reward there can be.
        high: f64,
        /// Successes, with those of the prior.
        a: f64,
        /// Failures, with those of the prior.
        b: f64,
    },
    /// Rewards are normal with unknown mean and precision: the precision is gamma(shape, rate), the mean is normal around
    /// `mean` with `count` times that precision.
    NormalGamma {
        /// Where the mean is expected.
        mean: f64,
        /// How many observations that expectation is worth.
        count: f64,
        /// The shape of the precision's distribution.
        shape: f64,
        /// Its rate.
        rate: f64,
    },
}

/// What the rewards of one move have been, in a form that does not depend on the prior.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Earned {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    /// Kept beside the sum because the squared deviations need it (Welford 1962): no difference of large squares is taken.
    pub(crate) mean: f64,
    pub(crate) squares: f64,
}

impl Earned {
    pub(crate) fn add(&mut self, reward: f64) {
        self.count += 1;
        self.sum += reward;
        let before = reward - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (reward - self.mean);
    }
}

impl RewardBelief {
    /// Refuses numbers that are no distribution.
    pub fn validate(&self) -> Result<()> {
        match *self {
            RewardBelief::Beta { low, high, a, b } => {
                if !(low.is_finite() && high.is_finite() && (high - low).is_finite() && low < high) {
                    return Err(Error::invalid(format_args!(
                        "rewards from {low} to {high}: give finite bounds, the lower one first"
                    )));
                }
                check_positive("a", a)?;
                check_positive("b", b)
            }
            RewardBelief::NormalGamma { mean, count, shape, rate } => {
                if !mean.is_finite() {
                    return Err(Error::invalid(format_args!("mean is {mean}: give a finite number")));
                }
                check_positive("count", count)?;
                check_positive("shape", shape)?;
                check_positive("rate", rate)
            }
        }
    }

    /// Refuses a reward that cannot be.
    pub(crate) fn check(&self, reward: f32) -> Result<()> {
        if !reward.is_finite() {
            return Err(Error::non_finite(format_args!("the reward is {reward}")));
        }
        match *self {
            // Compared as `f32`, in which a reward of exactly the bound arrives rounded.
            RewardBelief::Beta { low, high, .. } if reward < low as f32 || reward > high as f32 => {
                Err(Error::invalid(format_args!(
                    "the reward {reward} is outside [{low}, {high}]: widen the bounds of the reward's prior"
                )))
            }
            _ => Ok(()),
        }
    }

    /// What is believed after these rewards, each of which counts as `power` of them.
    pub(crate) fn after(&self, earned: &Earned, power: f64) -> RewardBelief {
        let n = power * earned.count as f64;
        match *self {
            RewardBelief::Beta { low, high, a, b } => {
                // Rounding may carry the sum past its bounds.
                let successes = ((power * earned.sum - n * low) / (high - low)).clamp(0.0, n);
                RewardBelief::Beta { low, high, a: a + successes, b: b + (n - successes) }
            }
            RewardBelief::NormalGamma { mean, count, shape, rate } => {
                let total = count + n;
                let apart = earned.mean - mean;
                RewardBelief::NormalGamma {
                    mean: mean + n / total * apart,
                    count: total,
                    shape: shape + 0.5 * n,
                    rate: rate + 0.5 * (power * earned.squares + count * n / total * apart * apart),
                }
            }
        }
    }

    /// The expected mean reward.
    pub fn mean(&self) -> f64 {
        match *self {
            RewardBelief::Beta { low, high, a, b } => low + (high - low) * (a / (a + b)),
            RewardBelief::NormalGamma { mean, .. } => mean,
        }
    }

    /// A mean reward drawn from the belief.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> Result<f64> {
        match *self {
            RewardBelief::Beta { low, high, a, b } => {
                let mut parts = [a, b];
                draw_dirichlet(&mut parts, rng)?;
                Ok(low + (high - low) * parts[0])
            }
            RewardBelief::NormalGamma { mean, count, shape, rate } => {
                let ln_precision = draw_ln_gamma(shape, rng)? - rate.ln();
                let normal: f64 = StandardNormal.sample(rng);
                Ok(mean + normal * (-0.5 * (count.ln() + ln_precision)).exp())
            }
        }
    }

    /// The logarithm of the density of these rewards under this prior, its parameters integrated out. Of a beta prior it is
    /// that of the scaled rewards taken for (fractional) outcomes of trials.
    pub(crate) fn log_marginal_likelihood(&self, earned: &Earned) -> f64 {
        match (*self, self.after(earned, 1.0)) {
            (RewardBelief::Beta { a: a0, b: b0, .. }, RewardBelief::Beta { a, b, .. }) => {
                let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
                ln_beta(a, b) - ln_beta(a0, b0)
            }
            (
                RewardBelief::NormalGamma { count: count0, shape: shape0, rate: rate0, .. },
                RewardBelief::NormalGamma { count, shape, rate, .. },
            ) => {
                let n = earned.count as f64;
                ln_gamma(shape) - ln_gamma(shape0) + shape0 * rate0.ln() - shape * rate.ln()
                    + 0.5 * (count0.ln() - count.ln())
                    - 0.5 * n * std::f64::consts::TAU.ln()
            }
            // A posterior is of the kind of its prior.
            _ => f64::NAN,
        }
    }

    /// A number for the kind, and the parameters: what tells one prior from another in a saved belief.
    pub(crate) fn numbers(&self) -> [f64; 5] {
        match *self {
            RewardBelief::Beta { low, high, a, b } => [0.0, low, high, a, b],
            RewardBelief::NormalGamma { mean, count, shape, rate } => [1.0, mean, count, shape, rate],
        }
    }
}
