//! What the trained model is worth on fresh steps, which it was not fitted to.

use super::group::Run;
use crate::commands::train::setup;
use crate::out;
use mbrl_agents::{Amount, Mind, RunDir, Trained, collect, load_agent, mean};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Context, DynamicsModel, Env, Error, Key, Result, RowBuf, Scratch, TransitionBatch};
use mbrl_models::{
    CALIBRATION_LEVELS, Calibration, Compounding, OneStep, OpenLoop, Windows, calibration, compounding,
    one_step,
};

/// What came of looking at a trained model.
pub(super) enum Probe {
    /// It was not asked for, or there is no model.
    Nothing(&'static str),
    /// It could not be done.
    Failed(Error),
    /// What was found.
    Found(Box<Found>),
}

/// What was found.
pub(super) struct Found {
    /// Fresh steps in the environment.
    pub(super) steps: usize,
    pub(super) episodes: usize,
    /// Errors of forecasts by how far they look ahead; an error where they leave all bounds.
    pub(super) compounding: Result<Ahead>,
    /// Nothing where the model cannot say what its members predict.
    pub(super) spread: Option<Result<Spread>>,
    /// The members that the agent imagines with.
    pub(super) members: Vec<u16>,
}

pub(super) struct Ahead {
    pub(super) errors: Compounding,
    /// The median distance between a state and the one so many steps later: the error of who says that nothing moves.
    pub(super) standstill: Vec<f64>,
    /// The mean of the same.
    pub(super) standstill_mean: Vec<f64>,
    pub(super) windows: usize,
}

pub(super) struct Spread {
    pub(super) calibration: Calibration,
    pub(super) one_step: OneStep,
}

/// Forecasts look so far ahead, or further where the agent does, but no further than episodes last.
const HORIZON: usize = 25;
const LONGEST_HORIZON: usize = 100;
/// From so many starts, at most.
const WINDOWS: usize = 200;

/// The agent as its run left it.
pub(super) fn load(run: &Run) -> Result<Trained> {
    let entry = mbrl_envs::find(&run.config.env)?;
    let trained = load_agent(&RunDir::open(&run.dir)?, &setup(entry))?;
    trained
        .warnings
        .iter()
        .for_each(|warning| out::progress(format_args!("warning: {}: {warning}", run.dir)));
    Ok(trained)
}

/// Lets the agent of a run act for so many steps, and judges its model by them.
pub(super) fn probe(run: &Run, trained: &Trained, steps: usize) -> Probe {
    look(run, trained, steps).unwrap_or_else(Probe::Failed)
}

fn look(run: &Run, trained: &Trained, steps: usize) -> Result<Probe> {
    let entry = mbrl_envs::find(&run.config.env)?;
    let Some(mind) = trained.agent.mind() else {
        return Ok(Probe::Nothing("The agent has no model, or had none yet when it was saved."));
    };
    if steps == 0 {
        return Ok(Probe::Nothing("No fresh steps were asked for (`--fresh 0`)."));
    }
    out::progress(format_args!("judging the model of {} by {steps} fresh steps", run.dir));
    let key = run.config.training().key().child("report");
    let data = fresh(trained.agent.as_ref(), entry.make().as_mut(), steps, key).context("acting afresh")?;
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    let spread = mind.belief.spread().map(|spread| {
        let calibration = calibration(spread, &data, &rows, &CALIBRATION_LEVELS)?;
        Ok(Spread { calibration, one_step: one_step(spread, &data, &rows)? })
    });
    Ok(Probe::Found(Box::new(Found {
        steps: data.len(),
        episodes: (0..data.len()).filter(|row| data.starts_episode(*row)).count(),
        compounding: ahead(mind, &data, horizon(run)),
        spread,
        members: mind.members.to_vec(),
    })))
}

/// How far ahead it is worth looking: as far as the agent did.
fn horizon(run: &Run) -> usize {
    let rollout =
        run.scalars("rollout/length").into_iter().map(|(_, length)| length as usize).max().unwrap_or(0);
    let plan = run.config.agent["horizon"].as_u64().map_or(0, |horizon| horizon as usize);
    HORIZON.max(rollout).max(plan).min(LONGEST_HORIZON)
}

/// Steps of the agent, as in an evaluation, from start states of their own.
fn fresh(agent: &dyn mbrl_agents::Agent, env: &mut dyn Env, steps: usize, key: Key) -> Result<ReplayBuffer> {
    let mut data = ReplayBuffer::new(env.spec().dims(), steps)?;
    data.extend(&collect(agent.actor()?.as_mut(), env, Amount::Steps(steps), key)?)?;
    Ok(data)
}

fn ahead(mind: Mind<'_>, data: &ReplayBuffer, horizon: usize) -> Result<Ahead> {
    let windows = Windows::find(data, horizon.min(longest_episode(data)), 1)?;
    let stride = windows.first.len().div_ceil(WINDOWS);
    let windows = windows.every(stride);
    let model = mind.belief.model();
    let (standstill, standstill_mean) = standstill(model, data, &windows)?.into_iter().unzip();
    Ok(Ahead {
        errors: compounding(model, data, &windows, OpenLoop::Mean)?,
        standstill,
        standstill_mean,
        windows: windows.first.len(),
    })
}

fn longest_episode(data: &ReplayBuffer) -> usize {
    let (mut longest, mut length) = (0, 0);
    for row in 0..data.len() {
        length = if data.starts_episode(row) { 1 } else { length + 1 };
        longest = longest.max(length);
    }
    longest
}

/// By how far the states of windows have moved after 1, 2, … steps: the median and the mean.
fn standstill(model: &dyn DynamicsModel, data: &ReplayBuffer, windows: &Windows) -> Result<Vec<(f64, f64)>> {
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    let mut batch = TransitionBatch::new(data.dims());
    data.gather(&rows, &mut batch)?;
    let mut scratch = Scratch::default();
    let mut encoded = |obs: &RowBuf| -> Result<RowBuf> {
        let mut states = RowBuf::zeros(obs.len(), model.state_dim());
        model.encode(obs.view(), states.view_mut(), &mut scratch)?;
        Ok(states)
    };
    let (from, to) = (encoded(&batch.obs)?, encoded(&batch.next_obs)?);
    let distance = |first: u32, step: usize| {
        let pairs = from.row(first as usize).iter().zip(to.row(first as usize + step));
        pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
    };
    let moved = |step| {
        let mut moved: Vec<f64> = windows.first.iter().map(|first| distance(*first, step)).collect();
        moved.sort_by(f64::total_cmp);
        (moved[moved.len() / 2], mean(&moved))
    };
    Ok((0..windows.horizon).map(moved).collect())
}
