//! Which policy of a population plays an episode: the distribution that it is drawn from.

use mbrl_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How likely each policy is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sampling {
    /// π ~ U({π₁, …}): PS.
    Uniform,
    /// p(π) ∝ exp(score(π) / τ): OPS, which gradually discards policies that have earned little.
    Optimistic {
        /// τ, above 0. Towards infinity all policies are alike; towards 0 the best ones alone are drawn.
        tau: f64,
        /// What a policy is known by.
        score: Score,
    },
}

/// What a policy is known by: something of the returns of the episodes that it played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Their sum, as the paper has it; episodes that others played count nothing. So whoever was drawn first gets ahead where
    /// returns are positive, and whoever was never drawn is preferred where they are negative.
    #[default]
    Sum,
    /// Their mean, and that of the best policy for one that has played none: adding a number to all returns changes nothing.
    Mean,
    /// The sum of their distances from the mean return of all episodes, in deviations of these: neither adding a number to all
    /// returns changes anything, nor multiplying them by one.
    Normalized,
}

impl Sampling {
    /// Refuses what is no distribution.
    pub fn validate(&self) -> Result<()> {
        match self {
            Sampling::Optimistic { tau, .. } if !(*tau > 0.0 && tau.is_finite()) => Err(Error::invalid(
                format_args!("tau is {tau}: give a finite number above 0, in the units of a return"),
            )),
            _ => Ok(()),
        }
    }
}

/// What each policy of a population has earned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Earned {
    each: Vec<Played>,
    /// Of all episodes: their mean return, and the sum of squared distances from it.
    mean: f64,
    squares: f64,
}

/// The episodes of one policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Played {
    episodes: u64,
    total: f64,
}

impl Earned {
    pub(crate) fn new(policies: usize) -> Self {
        Earned { each: vec![Played::default(); policies], mean: 0.0, squares: 0.0 }
    }

    /// How many policies there are.
    pub(crate) fn policies(&self) -> usize {
        self.each.len()
    }

    /// An episode is over, in which this policy earned so much.
    pub(crate) fn add(&mut self, policy: u16, total: f64) {
        let played = &mut self.each[usize::from(policy)];
        played.episodes += 1;
        played.total += total;
        let off = total - self.mean;
        self.mean += off / self.episodes() as f64;
        self.squares += off * (total - self.mean);
    }

    /// The probability of each policy.
    pub(crate) fn weights(&self, sampling: Sampling) -> Vec<f64> {
        let (scores, tau) = match sampling {
            Sampling::Uniform => (vec![0.0; self.policies()], 1.0),
            Sampling::Optimistic { tau, score } => (self.scores(score), tau),
        };
        // Of the distances from the largest none overflows to infinity over infinity, however small τ is.
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares = scores.iter().map(|score| ((score - most) / tau).exp()).collect::<Vec<_>>();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    }

    /// The likeliest policy; of equals the one that has earned most in the mean, and of these the first.
    pub(crate) fn favourite(&self, sampling: Sampling) -> u16 {
        let weights = self.weights(sampling);
        let mean = |i: usize| if self.each[i].episodes > 0 { self.each[i].mean() } else { f64::NEG_INFINITY };
        let mut best = 0;
        for i in 1..weights.len() {
            if weights[i].total_cmp(&weights[best]).then(mean(i).total_cmp(&mean(best))).is_gt() {
                best = i;
            }
        }
        best as u16
    }

    fn episodes(&self) -> u64 {
        self.each.iter().map(|played| played.episodes).sum()
    }

    fn scores(&self, score: Score) -> Vec<f64> {
        let of = |score: &dyn Fn(&Played) -> f64| self.each.iter().map(score).collect::<Vec<_>>();
        match score {
            Score::Sum => of(&|played| played.total),
            Score::Mean => {
                let tried = self.each.iter().filter(|played| played.episodes > 0).map(Played::mean);
                let best = tried.fold(f64::NEG_INFINITY, f64::max);
                let best = if best.is_finite() { best } else { 0.0 };
                of(&|played| if played.episodes > 0 { played.mean() } else { best })
            }
            Score::Normalized => {
                let deviation = (self.squares / self.episodes().max(1) as f64).sqrt();
                // Returns that are all alike tell no policy from another.
                let scale = if deviation > 0.0 { deviation.recip() } else { 0.0 };
                of(&|played| (played.total - played.episodes as f64 * self.mean) * scale)
            }
        }
    }
}

impl Played {
    fn mean(&self) -> f64 {
        self.total / self.episodes as f64
    }
}

/// How undecided a distribution is, in nats.
pub(crate) fn entropy(weights: &[f64]) -> f64 {
    weights.iter().filter(|weight| **weight > 0.0).map(|weight| -weight * weight.ln()).sum()
}

#[cfg(test)]
mod tests;
