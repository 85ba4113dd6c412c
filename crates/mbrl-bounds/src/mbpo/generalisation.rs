//! ε_m from what a model loses on rows that it is tried on, and ε_π from divergences of policies.

use crate::check;
use crate::divergence::inequalities::total_variation_from_kl;
use mbrl_core::{Error, Result};

/// Losses of independent rows, all within a known range: what a mean loss in the world is bounded by.
///
/// ```
/// use mbrl_bounds::mbpo::{Losses, Risk, eps_m_from_log_loss};
///
/// // A model that gives every outcome a probability of at least 0.01 was tried on 10,000 moves of π_D, each of another
/// // episode, in a world whose outcomes have an entropy of 0.5 nats at least.
/// let losses = Losses::new(10_000, 0.51, 0.2, [0.0, 100f64.ln()])?;
/// let loss = losses.at_most(Risk::new(0.05)?);
/// assert!(loss > 0.51 && loss < 0.54);
/// let eps_m = eps_m_from_log_loss(loss, 0.5)?;
/// assert!(eps_m > 0.07 && eps_m < 0.15);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    n: usize,
    mean: f64,
    variance: f64,
    range: [f64; 2],
}

/// How likely it may be that a bound fails, and of how many choices it is to hold at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    delta: f64,
    /// The logarithm of the number of choices.
    log_choices: f64,
}

impl Losses {
    /// Losses that are known by their number, mean and variance (with n − 1 below); all lie in `range`.
    pub fn new(n: usize, mean: f64, variance: f64, range: [f64; 2]) -> Result<Self> {
        let [low, high] = check_rows(n, range)?;
        if !(low..=high).contains(&mean) {
            return Err(Error::invalid(format_args!("the mean loss is {mean}: expected {low} to {high}")));
        }
        // No losses spread further than those that are at the two ends.
        let most = (mean - low) * (high - mean) * n as f64 / (n - 1) as f64;
        let rounding = 1e-9 * (high - low).powi(2);
        if !(variance >= 0.0 && variance <= most + rounding) {
            return Err(Error::invalid(format_args!(
                "the variance of the losses is {variance}: expected 0 to {most}, by their mean and range"
            )));
        }
        Ok(Losses { n, mean, variance, range })
    }

    /// The losses of these rows.
    pub fn of(rows: &[f64], range: [f64; 2]) -> Result<Self> {
        let [low, high] = check_rows(rows.len(), range)?;
        if let Some(i) = rows.iter().position(|x| !(low..=high).contains(x)) {
            return Err(Error::invalid(format_args!("loss {i} is {}: expected {low} to {high}", rows[i])));
        }
        let n = rows.len();
        // Rounding may put the mean of equal rows beside them.
        let mean = (rows.iter().sum::<f64>() / n as f64).clamp(low, high);
        let variance = rows.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        Losses::new(n, mean, variance, range)
    }

    /// What the mean loss in the world is at most, by Hoeffding (1963): the mean and (high − low) √(ln(1/δ) / (2n)).
    pub fn hoeffding(&self, risk: Risk) -> f64 {
        self.above((self.width() * self.width() * risk.log(1.0) / (2.0 * self.n as f64)).sqrt())
    }

    /// What it is at most by an empirical Bernstein bound (Maurer and Pontil 2009): the mean, √(2 V ln(2/δ) / n) and
    /// 7 (high − low) ln(2/δ) / (3 (n − 1)). It is the smaller one where losses vary little in a wide range.
    pub fn empirical_bernstein(&self, risk: Risk) -> f64 {
        let (log, n) = (risk.log(2.0), self.n as f64);
        self.above((2.0 * self.variance * log / n).sqrt() + 7.0 * self.width() * log / (3.0 * (n - 1.0)))
    }

    /// The smaller of the two, each of which is given half of what may go wrong.
    pub fn at_most(&self, risk: Risk) -> f64 {
        let half = Risk { delta: 0.5 * risk.delta, ..risk };
        self.hoeffding(half).min(self.empirical_bernstein(half))
    }

    fn width(&self) -> f64 {
        self.range[1] - self.range[0]
    }

    fn above(&self, by: f64) -> f64 {
        (self.mean + by).min(self.range[1])
    }
}

impl Risk {
    /// A bound that may fail with probability `delta`, such as 0.05.
    pub fn new(delta: f64) -> Result<Self> {
        let delta = check::positive("delta", delta)?;
        if delta >= 1.0 {
            return Err(Error::invalid(format_args!("delta is {delta}: expected a number between 0 and 1")));
        }
        Ok(Risk { delta, log_choices: 0.0 })
    }

    /// For every model of a finite class at once, of which `log_count` is the logarithm of the number (Occam's bound).
    ///
    /// The losses of a model that was chosen by these very rows are bounded only so: by rows that it was trained on, or
    /// by which the best of several was kept. A model of w parameters of b bits each has w b ln 2.
    pub fn over_hypotheses(self, log_count: f64) -> Result<Self> {
        let log_count = check::at_least_zero("the logarithm of the number of hypotheses", log_count)?;
        Ok(Risk { log_choices: self.log_choices + log_count, ..self })
    }

    /// For so many steps t at once.
    pub fn over_steps(self, steps: usize) -> Result<Self> {
        if steps == 0 {
            return Err(Error::invalid("0 steps have no losses: give those of 1 at least"));
        }
        Ok(Risk { log_choices: self.log_choices + (steps as f64).ln(), ..self })
    }

    /// ln(events · choices / δ): by the union bound, each of them may fail with δ divided by their number.
    fn log(&self, events: f64) -> f64 {
        // The quotient of a small δ need not exist, its logarithm does.
        events.ln() - self.delta.ln() + self.log_choices
    }
}

/// What max_t of the mean loss of step t is at most, of losses for each of the steps that matter: the rows of a step
/// are independent where each is of another episode. As with [`Losses::at_most`], rows of different steps may depend on
/// each other.
pub fn largest_loss(steps: &[Losses], risk: Risk) -> Result<f64> {
    let each = risk.over_steps(steps.len())?;
    Ok(steps.iter().map(|losses| losses.at_most(each)).fold(f64::NEG_INFINITY, f64::max))
}

/// ε_m by the log loss −ln p̂(s'|s, a), whose mean under π_D is `loss` at most, in a world of at least this `entropy`.
///
/// The mean log loss is the entropy of the world, given (s, a), and KL(p ‖ p̂), both in the mean over the moves of π_D;
/// so the mean of KL is at most loss − entropy. Pinsker has TV ≤ √(KL/2), Bretagnolle and Huber √(1 − e^(−KL)): both
/// are concave, and so is the smaller of them, so by Jensen it bounds the mean of TV where it is taken of the mean of
/// KL. The loss of each step is to be bounded, as [`largest_loss`] does, since ε_m is the largest of them.
///
/// Of densities, entropy and loss may be negative. A world without noise has no lower bound on its differential
/// entropy, and no ε_m by this way.
pub fn eps_m_from_log_loss(loss: f64, entropy: f64) -> Result<f64> {
    for (name, value) in [("the log loss", loss), ("the entropy", entropy)] {
        if !value.is_finite() {
            return Err(Error::invalid(format_args!("{name} is {value}: expected a finite number")));
        }
    }
    if loss < entropy {
        return Err(Error::invalid(format_args!(
            "the log loss is at most {loss}, and no model loses less than the entropy, {entropy}: give a lower bound on \
             the entropy"
        )));
    }
    total_variation_from_kl(loss - entropy)
}

/// ε_π by the largest KL divergence of the two policies in any state, in either direction.
///
/// The mean divergence over states, which is easier to measure, bounds the mean of the total variation instead, again by
/// Jensen: it is no ε_π, but does for [`Drift::amount`](super::Drift::amount) where it is the discounted mean.
pub fn eps_pi_from_kl(largest_kl: f64) -> Result<f64> {
    total_variation_from_kl(largest_kl)
}

/// Refuses what is no range, and rows of which there are too few to vary.
fn check_rows(n: usize, [low, high]: [f64; 2]) -> Result<[f64; 2]> {
    if !(low <= high && low.is_finite() && high.is_finite()) {
        return Err(Error::invalid(format_args!(
            "the range of losses is {low} to {high}: give two finite numbers, the smaller first"
        )));
    }
    if n < 2 {
        return Err(Error::invalid(format_args!("{n} losses have no variance: give 2 at least")));
    }
    Ok([low, high])
}

#[cfg(test)]
mod tests;
