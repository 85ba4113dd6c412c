//! What holds an actor near the one that collected its data: a bound on how far the two are apart, as a term of the actor's
//! loss.

use super::SacLearner;
use mbrl_core::{Error, Result};
use mbrl_nn::{Adam, LogStd, Mlp, SquashedHead};

#[cfg(test)]
mod tests;

/// Actors to stay near to. An agent's loss gains `weight` · max_i TV⁺(π(·|s_i), π_D(·|s_i)) over the rows s_i of a batch.
///
/// TV⁺ is the bound on the total variation that [`tv_bound`] gives by KL(π ‖ π_D) of the normal distributions before the
/// tangent, which moves no two distributions nearer or further: what is done to both alike and can be undone changes
/// neither distance. As ε_π is a maximum over states, only the row that is furthest off has a gradient. Beyond KL of about
/// 1.6, where the second of the two bounds is the smaller, that gradient falls as e^−KL: an actor that one step has thrown
/// far off is pulled back by nothing, since no distance costs more than 1. So this holds an actor that moves by small steps,
/// and what got away is for a judgement to take back.
#[derive(Debug, Default)]
pub(super) struct Anchor {
    /// Nothing is held where this is 0.
    pub(super) weight: f32,
    /// π_D, `[agents, params]`.
    theta: Vec<f32>,
    /// Its temperatures, `[agents]`.
    log_temperature: Vec<f32>,
    log_std: LogStd,
    y: Vec<f32>,
    normals: [Vec<f32>; 4],
}

impl SacLearner {
    /// Holds every actor near what it is now, until it is let go: its loss gains `weight` times a bound on the largest total
    /// variation in any row of a batch.
    pub(crate) fn hold(&mut self, weight: f32) {
        let mut anchor = std::mem::take(self.anchor_and_theta().0);
        anchor.theta.clone_from(&self.policy().theta);
        anchor.log_temperature.clone_from(&self.log_temperature);
        (anchor.weight, anchor.log_std) = (weight, self.config().log_std);
        *self.anchor_and_theta().0 = anchor;
    }

    /// Holds no actor any more.
    pub(crate) fn let_go(&mut self) {
        self.anchor_and_theta().0.weight = 0.0;
    }

    /// Makes the actors and their temperatures what they were when they were last held. What their optimizers remember is of
    /// the way that is taken back.
    ///
    /// The critics stay as they are. They learnt from the newest model, and who took them back as often as the actors would
    /// have critics that never learn; the next updates turn them to what the actors do again.
    pub(crate) fn take_back(&mut self) {
        let anchor = std::mem::take(self.anchor_and_theta().0);
        // Who was never held has nowhere to go back to.
        if !anchor.theta.is_empty() {
            self.policy_mut().theta.clone_from(&anchor.theta);
            self.log_temperature.clone_from(&anchor.log_temperature);
            self.adams.actor = Adam::new(anchor.theta.len());
            self.adams.temperature = Adam::new(anchor.log_temperature.len());
        }
        *self.anchor_and_theta().0 = anchor;
    }
}

impl Anchor {
    /// Adds the gradient of the term to `dy`, where the actors answer `y` to `obs`; `[agents, rows, ..]`.
    pub(super) fn pull(
        &mut self,
        net: &Mlp,
        head: &SquashedHead,
        obs: &[f32],
        y: &[f32],
        dy: &mut [f32],
    ) -> Result<()> {
        let (dim, agents) = (head.dim(), self.theta.len() / net.params());
        let rows = y.len() / (2 * dim) / agents;
        self.y.resize(y.len(), 0.0);
        net.forward(&self.theta, obs, rows, &mut self.y)?;
        self.normals.iter_mut().for_each(|normals| normals.resize(y.len() / 2, 0.0));
        let [mean, deviation, old_mean, old_deviation] = &mut self.normals;
        head.normals(y, mean, deviation);
        head.normals(&self.y, old_mean, old_deviation);
        let at = |row: usize| row * dim..(row + 1) * dim;
        let kl_of = |row: usize| {
            kl([&mean[at(row)], &deviation[at(row)]], [&old_mean[at(row)], &old_deviation[at(row)]])
        };
        for agent in 0..agents {
            let (furthest, kl) = (agent * rows..(agent + 1) * rows)
                .map(|row| (row, kl_of(row)))
                .fold((0, 0.0), |most, other| if is_above(other.1, most.1) { other } else { most });
            if kl.is_nan() {
                return Err(Error::non_finite(format_args!(
                    "agent {agent}, row {}: how far its actor is from the one before: lower the actor's learning rate",
                    furthest - agent * rows
                )));
            }
            let pull = f64::from(self.weight) * tv_bound(kl).1;
            // Where nothing has moved, or so far that no step could be told by, there is nothing to add.
            if pull > 0.0 {
                let (raw, out) =
                    (&y[2 * dim * furthest..][..2 * dim], &mut dy[2 * dim * furthest..][..2 * dim]);
                for (i, j) in at(furthest).enumerate() {
                    let [mean, deviation, old_mean, old_deviation] =
                        [mean[j], deviation[j], old_mean[j], old_deviation[j]].map(f64::from);
                    let precision = old_deviation.powi(-2);
                    out[i] += (pull * (mean - old_mean) * precision) as f32;
                    let by_log = deviation * deviation * precision - 1.0;
                    out[dim + i] += (pull * by_log * slope(self.log_std, raw[dim + i])) as f32;
                }
            }
        }
        Ok(())
    }
}

/// KL(p ‖ q) of normal distributions with independent columns, as means and deviations.
pub(crate) fn kl(p: [&[f32]; 2], q: [&[f32]; 2]) -> f64 {
    let columns = p[0].iter().zip(p[1]).zip(q[0].iter().zip(q[1]));
    let sum = columns.map(|((mean, deviation), (other_mean, other_deviation))| {
        let [mean, deviation, other_mean, other_deviation] =
            [mean, deviation, other_mean, other_deviation].map(|x| f64::from(*x));
        let ratio = deviation / other_deviation;
        let shift = (mean - other_mean) / other_deviation;
        // Of a ratio near one, ½(r² − 1) − ln r keeps its digits in this form.
        let off = ratio - 1.0;
        off + 0.5 * off * off - off.ln_1p() + 0.5 * shift * shift
    });
    let sum = sum.sum::<f64>();
    // Rounding may fall below 0. Not `f64::max`, which makes 0 of NaN.
    if sum < 0.0 { 0.0 } else { sum }
}

/// Whether a distance takes the place of the largest so far: NaN of any number, and nothing of NaN.
pub(crate) fn is_above(distance: f64, most: f64) -> bool {
    !most.is_nan() && (distance > most || distance.is_nan())
}

/// What the total variation is at most where KL is so large, and its slope: the smaller of √(KL / 2), of Pinsker, and
/// √(1 − e^−KL), of Bretagnolle and Huber. The second still has a slope where the first would have to be cut off at 1. NaN
/// stays NaN.
pub(crate) fn tv_bound(kl: f64) -> (f64, f64) {
    if kl <= 0.0 {
        return (0.0, 0.0);
    }
    let (pinsker, other) = ((0.5 * kl).sqrt(), (-(-kl).exp_m1()).sqrt());
    if pinsker <= other { (pinsker, 0.25 / pinsker) } else { (other, 0.5 * (-kl).exp() / other) }
}

/// How the logarithm of a deviation changes with the number that it is made of.
fn slope(log_std: LogStd, raw: f32) -> f64 {
    match log_std {
        LogStd::Clamped { low, high } => f64::from(u8::from((low..=high).contains(&raw))),
        LogStd::Soft { low, high } => 0.5 * f64::from(high - low) * (1.0 - f64::from(raw).tanh().powi(2)),
    }
}
