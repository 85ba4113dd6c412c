//! What theory says of a run as it goes: the error of the model and the shift of the policy, and what the theorems make of
//! them.

use super::imagination::World;
use crate::{SacPolicy, keep};
use mbrl_bounds::Discounted;
use mbrl_bounds::estimate::{
    Deviations, Draws, GaussianRows, Predicted, Range, Smoothing, amounts, eps_m_smoothed, eps_m_w1,
    policy_shift,
};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Error, Key, MomentsMut, Recorder, Result, RowBuf, Rows, Scratch, Spread, TransitionBatch};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// How the symbols of the theorems are estimated as a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TheoryConfig {
    /// From at most so many of the newest transitions; 0 for no theory at all.
    pub rows: usize,
    /// σ₀, by which world and model are blurred alike before their total variation is taken, in deviations of each number of
    /// the observation, over all that is kept.
    pub smoothing: f64,
    /// Draws a row.
    pub draws: usize,
}

impl Default for TheoryConfig {
    fn default() -> Self {
        TheoryConfig { rows: 256, smoothing: 0.1, draws: 8 }
    }
}

impl TheoryConfig {
    pub(super) fn validate(&self) -> Result<()> {
        if self.rows == 1 {
            return Err(Error::invalid(
                "rows is 1, which has no interval: give 2 or more, or 0 for no theory",
            ));
        }
        if !(self.smoothing > 0.0 && self.smoothing.is_finite()) {
            return Err(Error::invalid(format_args!(
                "smoothing is {}: give a number above 0",
                self.smoothing
            )));
        }
        if self.draws == 0 {
            return Err(Error::invalid("draws is 0: give at least 1"));
        }
        Ok(())
    }
}

/// From about so many transitions, evenly spread over all that are kept, it is told how far the numbers of an observation
/// deviate. The newest alone would not do: where a policy has learnt to stand still, they hardly do.
const SCALE_ROWS: usize = 4096;

/// How often an interval is to cover what it estimates.
const CONFIDENCE: f64 = 0.95;

/// What is remembered from one fit of the model to the next.
#[derive(Debug, Default)]
pub(super) struct Theory {
    /// The largest reward seen, in size.
    r_max: f32,
    /// The policy's parameters when the model was fitted last: π_D, as those that collected data lie between it and now.
    fitted: Vec<f32>,
    scratch: Scratch,
    newest: TransitionBatch,
    spread_out: TransitionBatch,
    indices: Vec<u32>,
    moments: [Vec<f32>; 2],
    normals: [RowBuf; 4],
}

impl Theory {
    pub(super) fn observe(&mut self, reward: f32) {
        self.r_max = self.r_max.max(reward.abs());
    }

    /// The model is fitted while the policy is this one.
    pub(super) fn fitted(&mut self, policy: &SacPolicy) {
        self.fitted.clear();
        self.fitted.extend_from_slice(policy.theta());
    }

    /// Records what is to be said of the newest transitions, which the model was not fitted to: they were made by policies
    /// from the one it was fitted under to the present one, so that its error on them is ε_m′.
    ///
    /// Rows are steps of a few episodes and not independent; the intervals are those of independent ones.
    pub(super) fn record(
        &mut self,
        config: &TheoryConfig,
        now: Now<'_>,
        key: Key,
        recorder: &mut dyn Recorder,
    ) -> Result<()> {
        let Now { world, spread, policy, real, .. } = now;
        let rows = now.unseen.min(config.rows).min(real.len());
        if rows < 2 || self.fitted.len() != policy.theta().len() {
            return Ok(());
        }
        real.copy_rows(real.len() - rows..real.len(), &mut self.newest)?;
        let draws = |role| Draws { per_row: config.draws, key: key.child(role) };

        let (width, [mean, variance]) = (spread.moment_dim(), &mut self.moments);
        for buffer in [&mut *mean, &mut *variance] {
            buffer.resize(spread.members() * rows * width, 0.0);
        }
        let (state, act) = (self.newest.obs.view(), self.newest.act.view());
        spread.moments(state, act, MomentsMut::new(mean, variance, rows, width), &mut self.scratch)?;
        let moments = MomentsMut::new(mean, variance, rows, width);
        let predicted = Predicted::new(moments.view(), world.elites, real.dims().obs)?;
        self.indices.clear();
        self.indices.extend((0..real.len() as u32).step_by(real.len().div_ceil(SCALE_ROWS)));
        real.gather(&self.indices, &mut self.spread_out)?;
        let (next, scale) = (self.newest.next_obs.view(), deviations(self.spread_out.obs.view())?);
        let smoothing = Smoothing::new(&scale, config.smoothing)?;
        let eps_m = eps_m_smoothed(next, &predicted, &smoothing, draws("smoothed"), CONFIDENCE)?;
        let w1 = eps_m_w1(next, &predicted, &scale, draws("w1"), CONFIDENCE)?;

        let [mean, std, old_mean, old_std] = &mut self.normals;
        policy.normals(policy.theta(), state, [mean, std], &mut self.scratch)?;
        policy.normals(&self.fitted, state, [old_mean, old_std], &mut self.scratch)?;
        let present = GaussianRows::new(mean.view(), std.view())?;
        let before = GaussianRows::new(old_mean.view(), old_std.view())?;
        let shift = policy_shift(&present, &before, draws("shift"), CONFIDENCE)?;

        for (name, value) in [
            ("theory/eps_m_smoothed", eps_m.value),
            ("theory/eps_m_smoothed_low", eps_m.low),
            ("theory/eps_m_smoothed_high", eps_m.high),
            ("theory/eps_m_w1", w1.value),
            ("theory/eps_pi_mean", shift.mean_tv.value),
            ("theory/eps_pi_max", shift.max_tv[1]),
        ] {
            recorder.scalar(name, value);
        }
        // A discount of 1 has no such theorems.
        let Ok(returns) = Discounted::new(now.gamma, f64::from(self.r_max)) else {
            return Ok(());
        };
        let [low, high] = shift.max_tv;
        let eps_pi = Range { low, value: high, high };
        let found = amounts(returns, Range::from(&eps_m), eps_pi, now.length as u64)?;
        for (name, amount) in [
            ("theory/mbpo-4.1", found.theorem_4_1),
            ("theory/mbpo-4.2", found.theorem_4_2),
            ("theory/mbpo-4.3", found.theorem_4_3),
            ("theory/mbpo-4.3-published", found.theorem_4_3_published),
        ] {
            recorder.scalar(name, amount.value);
        }
        recorder.scalar("theory/vacuous_above", returns.widest_gap());
        // Without an error k* is unbounded.
        if let Some(k) = found.k_star.value {
            recorder.scalar("theory/k_star", k as f64);
        }
        Ok(())
    }

    pub(super) fn save(&self, out: &mut dyn Write) -> Result<()> {
        keep::write(&self.r_max, out)?;
        keep::write_numbers(&self.fitted, out)
    }

    pub(super) fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let r_max = keep::read(from)?;
        self.fitted = keep::read_numbers(from)?;
        self.r_max = r_max;
        Ok(())
    }
}

/// What there is to look at.
#[derive(Clone, Copy)]
pub(super) struct Now<'a> {
    pub(super) world: World<'a>,
    pub(super) spread: &'a dyn Spread,
    pub(super) policy: &'a SacPolicy,
    pub(super) real: &'a ReplayBuffer,
    /// How many of the newest transitions the model was not fitted to.
    pub(super) unseen: usize,
    /// k.
    pub(super) length: usize,
    pub(super) gamma: f64,
}

/// The deviation of each column; of one that does not vary, 1.
fn deviations(rows: Rows<'_>) -> Result<Deviations> {
    let count = rows.len() as f64;
    let columns = (0..rows.dim()).map(|i| {
        let column = || rows.iter().map(move |row| f64::from(row[i]));
        let mean = column().sum::<f64>() / count;
        let deviation = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        // The rounding of f32 is no variation.
        if deviation > 1e-6 * mean.abs().max(1e-6) { deviation } else { 1.0 }
    });
    Deviations::new(columns.collect())
}
