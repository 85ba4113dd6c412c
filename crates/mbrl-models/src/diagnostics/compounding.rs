//! How errors add up when a model is left to itself.

use super::predictions::{check_batch, check_dims};
use super::stats::quantile;
use super::windows::{Windows, breach};
use mbrl_core::{
    Context, Dataset, DynamicsModel, End, Error, Key, Mode, ModelInput, ModelOutput, NoiseBuf, Result,
    RowBuf, Scratch, TransitionBatch,
};
use serde::{Deserialize, Serialize};

/// How a model goes on from its own successors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenLoop {
    /// With the mean.
    Mean,
    /// With a draw, each window and member with noise of its own.
    Sample(Key),
}

/// The error of states foretold so many steps ahead with the recorded actions, by number of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compounding {
    /// Of each member, 1 step ahead first.
    pub members: Vec<Vec<HorizonError>>,
    /// Of all members' forecasts together.
    pub pooled: Vec<HorizonError>,
}

/// The error of forecasts so many steps ahead: the 2-norm of foretold less recorded state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonError {
    /// How many steps ahead, from 1.
    pub step: usize,
    /// How many forecasts there are.
    pub count: usize,
    /// The mean error.
    pub mean: f64,
    /// The error that 5 % of the forecasts stay below.
    pub p05: f64,
    /// The lower quartile.
    pub p25: f64,
    /// The median.
    pub median: f64,
    /// The upper quartile.
    pub p75: f64,
    /// The error that 95 % of the forecasts stay below.
    pub p95: f64,
    /// The root of the mean squared error, by column of the state.
    pub rms: Vec<f64>,
    /// The root of the mean squared error of the reward of this step.
    pub reward_rms: f64,
}

/// So many windows are rolled out at a time, each by every member.
const CHUNK: usize = 256;

/// Starts every member at the first row of each window and lets it go on from its own successors with the recorded actions.
///
/// Ends that the model foretells are not heeded. Refused are windows whose rows do not follow each other, naming the row;
/// and a forecast that is not finite, which is what a model does that blows up, naming the step.
pub fn compounding(
    model: &dyn DynamicsModel,
    data: &dyn Dataset,
    windows: &Windows,
    how: OpenLoop,
) -> Result<Compounding> {
    windows.check(data)?;
    check_dims(model.obs_dim(), model.act_dim(), data)?;
    let (members, dim) = (model.members(), model.state_dim());
    if members == 0 {
        return Err(Error::invalid("the model has no member: a single model is one"));
    }
    let mut sums = vec![Sums::new(dim); members * windows.horizon];
    for (i, first) in windows.first.chunks(CHUNK).enumerate() {
        let how = match how {
            OpenLoop::Mean => OpenLoop::Mean,
            OpenLoop::Sample(key) => OpenLoop::Sample(key.at(i as u64)),
        };
        roll(model, data, first, windows, how, &mut sums)?;
    }
    let sums: Vec<Vec<Sums>> = sums.chunks(windows.horizon).map(<[Sums]>::to_vec).collect();
    let pooled =
        (0..windows.horizon).map(|t| Sums::pool(dim, sums.iter().map(|member| &member[t])).finish(t));
    Ok(Compounding {
        pooled: pooled.collect(),
        members: sums
            .into_iter()
            .map(|member| member.into_iter().enumerate().map(|(t, sums)| sums.finish(t)).collect())
            .collect(),
    })
}

/// Rolls out some windows, and adds up the errors by member and step: `[members, horizon]`.
fn roll(
    model: &dyn DynamicsModel,
    data: &dyn Dataset,
    first: &[u32],
    windows: &Windows,
    how: OpenLoop,
    sums: &mut [Sums],
) -> Result<()> {
    let (n, members, dim) = (first.len(), model.members(), model.state_dim());
    let rows = n * members;
    let who: Vec<u16> = (0..members as u16).flat_map(|member| std::iter::repeat_n(member, n)).collect();
    let (mut state, mut next, mut came) =
        (RowBuf::zeros(rows, dim), RowBuf::zeros(rows, dim), RowBuf::zeros(n, dim));
    let mut act = RowBuf::zeros(rows, model.act_dim());
    let (mut reward, mut end) = (vec![0.0; rows], vec![End::Running; rows]);
    let (mut batch, mut before) = (TransitionBatch::default(), TransitionBatch::default());
    let (mut noise, mut scratch) = (NoiseBuf::default(), Scratch::default());
    let mut numbers = first.to_vec();
    for t in 0..windows.horizon {
        std::mem::swap(&mut batch, &mut before);
        data.gather(&numbers, &mut batch)?;
        check_batch(&batch, &numbers)?;
        if t == 0 {
            model.encode(batch.obs.view(), came.view_mut(), &mut scratch)?;
            (0..rows).for_each(|row| state.row_mut(row).copy_from_slice(came.row(row % n)));
        } else {
            check_continues(&before, &batch, &numbers, windows)?;
        }
        (0..rows).for_each(|row| act.row_mut(row).copy_from_slice(batch.act.row(row % n)));
        let mode = match how {
            OpenLoop::Mean => {
                // Nobody looks at it, but a block of the shape that the model names has to be there.
                if t == 0 {
                    noise.fill(model.noise_spec(), rows, Key::root(0));
                }
                Mode::Mean
            }
            OpenLoop::Sample(key) => {
                noise.fill(model.noise_spec(), rows, key.at(t as u64));
                Mode::Sample
            }
        };
        let input =
            ModelInput { state: state.view(), act: act.view(), member: &who, noise: noise.view(), mode };
        let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
        model.step(input, out, &mut scratch).with_context(|| {
            format!("forecasting step {} of the windows from row {} to row {}", t + 1, first[0], first[n - 1])
        })?;
        model.encode(batch.next_obs.view(), came.view_mut(), &mut scratch)?;
        for row in 0..rows {
            let window = row % n;
            if !(next.row(row).iter().all(|x| x.is_finite()) && reward[row].is_finite()) {
                return Err(Error::non_finite(format_args!(
                    "member {} forecasts no number for step {} of the window from row {}",
                    who[row],
                    t + 1,
                    first[window]
                )));
            }
            let reward_error = f64::from(reward[row]) - f64::from(batch.reward[window]);
            sums[row / n * windows.horizon + t].add(next.row(row), came.row(window), reward_error);
        }
        std::mem::swap(&mut state, &mut next);
        numbers.iter_mut().for_each(|number| *number = number.saturating_add(windows.lanes));
    }
    Ok(())
}

/// Refuses rows that do not continue those before them. `numbers` are what they are called.
fn check_continues(
    before: &TransitionBatch,
    batch: &TransitionBatch,
    numbers: &[u32],
    windows: &Windows,
) -> Result<()> {
    for (window, &number) in numbers.iter().enumerate() {
        if let Some(why) = breach(before.get(window), batch.get(window)) {
            let row = number - windows.lanes;
            return Err(Error::invalid(format_args!(
                "row {row} {why}, so row {number} does not continue it: take windows within an episode, as `Windows::find` does"
            )));
        }
    }
    Ok(())
}

/// Errors of one member at one step.
#[derive(Clone)]
struct Sums {
    norms: Vec<f64>,
    squares: Vec<f64>,
    reward: f64,
}

impl Sums {
    fn new(dim: usize) -> Self {
        Sums { norms: Vec::new(), squares: vec![0.0; dim], reward: 0.0 }
    }

    fn add(&mut self, foretold: &[f32], came: &[f32], reward_error: f64) {
        let mut norm = 0.0;
        for (sum, (a, b)) in self.squares.iter_mut().zip(foretold.iter().zip(came)) {
            let square = (f64::from(*a) - f64::from(*b)).powi(2);
            *sum += square;
            norm += square;
        }
        self.norms.push(norm.sqrt());
        self.reward += reward_error * reward_error;
    }

    fn pool<'a>(dim: usize, all: impl Iterator<Item = &'a Sums>) -> Sums {
        all.fold(Sums::new(dim), |mut pooled, one| {
            pooled.norms.extend_from_slice(&one.norms);
            pooled.squares.iter_mut().zip(&one.squares).for_each(|(sum, x)| *sum += x);
            pooled.reward += one.reward;
            pooled
        })
    }

    fn finish(mut self, t: usize) -> HorizonError {
        let n = self.norms.len() as f64;
        let mean = self.norms.iter().sum::<f64>() / n;
        self.norms.sort_unstable_by(f64::total_cmp);
        let at = |p| quantile(&self.norms, p);
        HorizonError {
            step: t + 1,
            count: self.norms.len(),
            mean,
            p05: at(0.05),
            p25: at(0.25),
            median: at(0.5),
            p75: at(0.75),
            p95: at(0.95),
            rms: self.squares.iter().map(|sum| (sum / n).sqrt()).collect(),
            reward_rms: (self.reward / n).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests;
