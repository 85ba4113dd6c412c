//! A learnt network as a plain function of `f32`: what imagination asks.

use crate::design::Learnt;
use crate::{Normalizer, question};
use mbrl_core::{
    Dims, DynamicsModel, End, Error, Lent, Mode, ModelInput, ModelOutput, MomentsMut, Moves, NoiseSpec,
    Result, Rows, Scratch, ScratchSpec, Spread, Task,
};
use mbrl_nn::{GaussianHead, Mlp};
use serde::{Deserialize, Serialize};

/// Networks that predict how an observation changes (and the reward, where it is not known), with their parameters: one for
/// each member of an ensemble, or of each draw from a posterior over weights.
///
/// Rows are grouped by their member, so that each costs one network. Nothing is allocated once the scratch has grown.
#[derive(Clone, Debug)]
pub struct NetworkModel {
    pub(crate) net: Mlp,
    pub(crate) head: Head,
    /// `[members, params]`
    pub(crate) theta: Vec<f32>,
    pub(crate) input: Normalizer,
    pub(crate) target: Normalizer,
    pub(crate) ends: Option<Ends>,
    pub(crate) learnt: Learnt,
    /// What is imagined of a learnt reward.
    pub(crate) rewards: Rewards,
    pub(crate) task: Task,
}

/// What is imagined of a learnt reward where successors are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewards {
    /// It is drawn like them.
    #[default]
    Drawn,
    /// Its mean. Successors are those that they are anyhow.
    Mean,
}

/// What the outputs of a network mean.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Head {
    /// Numbers.
    Deterministic,
    /// Means and log-variances, within bounds.
    Gaussian { bounds: Vec<f32> },
    /// Means, around which targets are normal with this deviation, in the units in which they are learnt.
    Known { deviation: f32 },
}

/// Networks that predict whether an episode ends: the logarithm of the odds, of observation, action and change.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) net: Mlp,
    pub(crate) input: Normalizer,
    /// `[members, params]`
    pub(crate) theta: Vec<f32>,
}

impl NetworkModel {
    /// The members' network.
    pub fn net(&self) -> &Mlp {
        &self.net
    }

    /// The members' parameters, `[members, params]`.
    pub fn theta(&self) -> &[f32] {
        &self.theta
    }

    /// How inputs (observation, then action) are normalised before the network sees them.
    pub fn input_normalizer(&self) -> &Normalizer {
        &self.input
    }

    /// How targets (change of the observation, then the reward where it is learnt) were normalised when the network was
    /// fitted.
    pub fn target_normalizer(&self) -> &Normalizer {
        &self.target
    }

    /// The bounds of log-variances, the upper of each target and then the lower; none where the network is deterministic.
    pub fn log_var_bounds(&self) -> Option<&[f32]> {
        match &self.head {
            Head::Deterministic | Head::Known { .. } => None,
            Head::Gaussian { bounds } => Some(bounds),
        }
    }

    fn dims(&self) -> Dims {
        self.learnt.dims
    }

    /// Means and variances of targets in their own units, from outputs `[rows, out]`.
    fn targets(&self, y: &[f32], mean: &mut [f32], variance: &mut [f32]) {
        let width = self.learnt.target();
        match &self.head {
            Head::Deterministic => {
                mean.copy_from_slice(y);
                variance.fill(0.0);
            }
            Head::Known { deviation } => {
                mean.copy_from_slice(y);
                variance.fill(deviation * deviation);
            }
            Head::Gaussian { bounds } => GaussianHead { dim: width }.moments(y, bounds, mean, variance),
        }
        if self.target.is_identity() {
            return;
        }
        for (mean, variance) in mean.chunks_exact_mut(width).zip(variance.chunks_exact_mut(width)) {
            for i in 0..width {
                let (center, scale) = (self.target.mean[i], self.target.deviation[i]);
                mean[i] = (f64::from(mean[i]) * scale + center) as f32;
                variance[i] = (f64::from(variance[i]) * scale * scale) as f32;
            }
        }
    }

    fn write_input(&self, state: &[f32], act: &[f32], x: &mut [f32]) {
        let (front, back) = x.split_at_mut(state.len());
        front.copy_from_slice(state);
        back.copy_from_slice(act);
        self.input.apply_row(x);
    }
}

impl DynamicsModel for NetworkModel {
    fn state_dim(&self) -> usize {
        self.dims().obs
    }

    fn act_dim(&self) -> usize {
        self.dims().act
    }

    fn members(&self) -> usize {
        self.theta.len() / self.net.params()
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec {
            normals: if self.head == Head::Deterministic { 0 } else { self.learnt.target() },
            uniforms: usize::from(self.ends.is_some()),
        }
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        question::check(self, &input, &out)?;
        let rows = input.state.len();
        let (obs, wide, width) = (self.dims().obs, self.net.input(), self.learnt.target());
        let outputs = self.net.output();
        let widest = self.ends.as_ref().map_or(wide, |ends| ends.net.input());
        let Lent { floats, indices, .. } = scratch.lend(ScratchSpec {
            floats: rows * (widest + outputs + 2 * width),
            indices: rows + self.members() + 1,
            ..ScratchSpec::default()
        });
        let (x, rest) = floats.split_at_mut(rows * widest);
        let (y, rest) = rest.split_at_mut(rows * outputs);
        let (mean, variance) = rest.split_at_mut(rows * width);
        let (order, first) = indices.split_at_mut(rows);
        group(input.member, order, first);

        for (x, &row) in x.chunks_exact_mut(wide).zip(&*order) {
            let row = row as usize;
            self.write_input(input.state.row(row), input.act.row(row), x);
        }
        by_member(&self.net, &self.theta, first, x, y)?;
        self.targets(y, mean, variance);
        let moments = mean.chunks_exact(width).zip(variance.chunks_exact(width));
        for ((mean, variance), &row) in moments.zip(&*order) {
            let row = row as usize;
            let (state, next) = (input.state.row(row), out.next_state.row_mut(row));
            let drawn = |i: usize| match (input.mode, &self.head) {
                (Mode::Mean, _) | (_, Head::Deterministic) => mean[i],
                (Mode::Sample, _) => mean[i] + variance[i].sqrt() * input.noise.normals.row(row)[i],
            };
            for i in 0..obs {
                next[i] = state[i] + drawn(i);
            }
            if self.learnt.reward {
                out.reward[row] = match self.rewards {
                    Rewards::Drawn => drawn(obs),
                    Rewards::Mean => mean[obs],
                };
            }
        }
        question::check_finite("successor", out.next_state.view(), input.member)?;
        let moves = Moves { obs: input.state, act: input.act, next_obs: out.next_state.view() };
        if let Some(reward) = &self.task.reward {
            reward.reward(moves, out.reward)?;
        }
        question::check_rewards(out.reward, input.member)?;
        match (&self.task.termination, &self.ends) {
            (Some(termination), _) => termination.end(moves, out.end)?,
            (None, None) => out.end.fill(End::Running),
            (None, Some(ends)) => {
                for (x, &row) in x.chunks_exact_mut(ends.net.input()).zip(&*order) {
                    let row = row as usize;
                    ends.write_input(moves.obs.row(row), moves.act.row(row), moves.next_obs.row(row), x);
                }
                by_member(&ends.net, &ends.theta, first, x, y)?;
                for (log_odds, &row) in y.iter().zip(&*order) {
                    let row = row as usize;
                    if !log_odds.is_finite() {
                        return Err(Error::non_finite(format_args!(
                            "member {}, row {row}: the log-odds of a termination are {log_odds}",
                            input.member[row]
                        )));
                    }
                    let ended = match input.mode {
                        Mode::Mean => *log_odds > 0.0,
                        // u < σ(x) without an exponential that may overflow.
                        Mode::Sample => {
                            let u = input.noise.uniforms.row(row)[0];
                            u * (1.0 + (-log_odds).exp()) < 1.0
                        }
                    };
                    out.end[row] = if ended { End::Terminated } else { End::Running };
                }
            }
        }
        Ok(())
    }
}

impl Spread for NetworkModel {
    fn moment_dim(&self) -> usize {
        self.learnt.target()
    }

    /// Of the next observation, not of its change.
    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        mut out: MomentsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        question::check_moments(self, state, act, &out)?;
        let (rows, wide, obs) = (state.len(), self.net.input(), self.dims().obs);
        let outputs = rows * self.net.output();
        let Lent { floats, .. } = scratch
            .lend(ScratchSpec { floats: rows * wide + self.members() * outputs, ..ScratchSpec::default() });
        let (x, y) = floats.split_at_mut(rows * wide);
        for (row, x) in x.chunks_exact_mut(wide).enumerate() {
            self.write_input(state.row(row), act.row(row), x);
        }
        self.net.forward(&self.theta, x, rows, y)?;
        for ((mean, variance), y) in out.members_mut().zip(y.chunks(outputs.max(1))) {
            self.targets(y, mean, variance);
            for (row, mean) in mean.chunks_exact_mut(self.learnt.target()).enumerate() {
                mean[..obs].iter_mut().zip(state.row(row)).for_each(|(mean, state)| *mean += state);
            }
        }
        Ok(())
    }
}

impl Ends {
    pub(crate) fn write_input(&self, obs: &[f32], act: &[f32], next_obs: &[f32], x: &mut [f32]) {
        let (front, rest) = x.split_at_mut(obs.len());
        let (middle, back) = rest.split_at_mut(act.len());
        front.copy_from_slice(obs);
        middle.copy_from_slice(act);
        for ((x, next), obs) in back.iter_mut().zip(next_obs).zip(obs) {
            *x = next - obs;
        }
        self.input.apply_row(x);
    }
}

/// Writes the rows by member, in their order, and where each member's begin (and the last one's end).
fn group(member: &[u16], order: &mut [u32], first: &mut [u32]) {
    first.fill(0);
    for &member in member {
        first[usize::from(member) + 1] += 1;
    }
    for i in 1..first.len() {
        first[i] += first[i - 1];
    }
    for (row, &member) in member.iter().enumerate() {
        let at = &mut first[usize::from(member)];
        order[*at as usize] = row as u32;
        *at += 1;
    }
    // Each has run to where the next began.
    first.copy_within(0..first.len() - 1, 1);
    first[0] = 0;
}

/// Each member's rows through its own network.
fn by_member(net: &Mlp, theta: &[f32], first: &[u32], x: &[f32], y: &mut [f32]) -> Result<()> {
    for (theta, bounds) in theta.chunks_exact(net.params()).zip(first.windows(2)) {
        let (from, to) = (bounds[0] as usize, bounds[1] as usize);
        let (x, y) =
            (&x[from * net.input()..to * net.input()], &mut y[from * net.output()..to * net.output()]);
        net.forward(theta, x, to - from, y)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
