//! What a model imagines, row by row, and how unsure it is on the way.

use super::subject::Model;
use mbrl_core::{
    Dataset, End, Error, Key, Mode, MomentsMut, Policy, Result, RowBuf, Rows, Scratch, TransitionBatch,
};
use mbrl_models::{Reached, Uncertainty, Windows, uncertainty};
use mbrl_plan::{Acting, Assignment, Diverged, Rollout, Trace, Workspace};

/// Rollouts of one length, each from one of the starts.
pub(super) struct Dreams {
    workspace: Workspace<Trace>,
    starts: usize,
    length: usize,
}

/// One imagined rollout.
#[derive(Clone, Copy)]
pub(super) struct Dream<'a> {
    /// Of which start.
    pub(super) start: usize,
    /// `[steps + 1, state]`
    pub(super) states: Rows<'a>,
    /// `[steps, act]`
    pub(super) acts: Rows<'a>,
    pub(super) rewards: &'a [f32],
    pub(super) end: End,
    /// Whether it left all numbers there are.
    pub(super) is_lost: bool,
}

/// Who acts.
#[derive(Clone, Copy)]
pub(super) enum Acts<'a> {
    /// A policy.
    Policy(&'a dyn Policy, Mode),
    /// Whoever acted in recorded windows, without looking: `[starts, length · act]`.
    Recorded(Rows<'a>),
}

impl Dreams {
    /// Imagines each start so many times, by members that are drawn at every step.
    pub(super) fn of(
        model: Model<'_>,
        starts: Rows<'_>,
        acts: Acts<'_>,
        (length, replicas): (usize, usize),
        key: Key,
    ) -> Result<Self> {
        let rollout = Rollout {
            model: model.spread,
            assignment: Assignment::RandomEachStep(model.members),
            replicas,
            horizon: length,
            mode: Mode::Sample,
            diverged: Diverged::Drop,
        };
        let acting = match acts {
            Acts::Policy(policy, mode) => Acting::Policy { policy, mode },
            Acts::Recorded(plans) => Acting::Plans(plans),
        };
        let mut workspace = Workspace::new(Trace::default());
        rollout.run(starts, acting, key, &mut workspace)?;
        Ok(Dreams { workspace, starts: starts.len(), length })
    }

    /// Every rollout, the first of each start first.
    pub(super) fn each(&self) -> impl Iterator<Item = Dream<'_>> {
        let rows = self.workspace.sinks().flat_map(|sink| (0..sink.len()).map(move |row| (sink, row)));
        rows.enumerate().map(|(i, (sink, row))| Dream {
            start: i % self.starts,
            states: sink.states(row),
            acts: sink.actions(row),
            rewards: sink.rewards(row),
            end: sink.end(row),
            is_lost: sink.end(row) == End::Running && sink.steps(row) < self.length,
        })
    }

    /// The first rollout of each start.
    pub(super) fn first(&self) -> impl Iterator<Item = Dream<'_>> {
        self.each().take(self.starts)
    }
}

impl<'a> Dream<'a> {
    pub(super) fn reached(&self) -> Reached<'a> {
        Reached { states: self.states, end: self.end }
    }
}

/// Recorded windows: where they begin, what was done in them, and what it earned.
pub(super) struct Recordings {
    /// `[windows, obs]`
    pub(super) starts: RowBuf,
    /// `[windows, length · act]`
    pub(super) acts: RowBuf,
    /// Shorter than the others where the world terminated on the way.
    pub(super) rewards: Vec<Vec<f32>>,
    /// The episode that each is of.
    pub(super) episodes: Vec<usize>,
}

impl Recordings {
    /// At most so many windows, of which no two share a row.
    ///
    /// Where the world terminated before the end of a window, nothing is earned from there on, and the last action goes on: a
    /// model that overlooks the end earns more than the world. Where an episode was cut, nobody knows what it would have
    /// earned, and there is no window.
    pub(super) fn of(data: &TransitionBatch, length: usize, most: usize) -> Result<Self> {
        // Where no row continues another, which is an error there, all are windows of one row at most.
        let pairs = Windows::find(data, 2, 1).map_or_else(|_| Vec::new(), |pairs| pairs.first);
        let mut goes_on = vec![false; data.len()];
        pairs.into_iter().for_each(|row| goes_on[row as usize] = true);
        let (mut windows, mut first, mut episode) = (Vec::new(), 0, 0);
        for (row, (&goes_on, end)) in goes_on.iter().zip(&data.end).enumerate() {
            let steps = row + 1 - first;
            if steps == length || (!goes_on && *end == End::Terminated) {
                windows.push((first, steps, episode));
            }
            if steps == length || !goes_on {
                first = row + 1;
            }
            episode += usize::from(end.is_end());
        }
        if windows.is_empty() {
            return Err(Error::invalid(format_args!(
                "no held-out episode has {length} steps in a row, or terminates before: give a smaller --length"
            )));
        }
        let stride = windows.len().div_ceil(most);
        let dims = data.dims();
        let mut found = Recordings {
            starts: RowBuf::new(dims.obs),
            acts: RowBuf::new(length * dims.act),
            rewards: Vec::new(),
            episodes: Vec::new(),
        };
        let mut plan = Vec::new();
        for (first, steps, episode) in windows.into_iter().step_by(stride) {
            plan.clear();
            (0..length).for_each(|t| plan.extend_from_slice(data.act.row(first + t.min(steps - 1))));
            found.starts.push(data.obs.row(first));
            found.acts.push(&plan);
            found.rewards.push(data.reward[first..first + steps].to_vec());
            found.episodes.push(episode);
        }
        Ok(found)
    }
}

/// Observations as the model's states.
pub(super) fn encoded(model: Model<'_>, obs: Rows<'_>) -> Result<RowBuf> {
    let mut states = RowBuf::zeros(obs.len(), model.spread.state_dim());
    model.spread.encode(obs, states.view_mut(), &mut Scratch::default())?;
    Ok(states)
}

/// What each measure, as published, says of some moves: `[measures][rows]`.
pub(super) fn doubts(model: Model<'_>, states: Rows<'_>, acts: Rows<'_>) -> Result<Vec<Vec<f32>>> {
    let (rows, dim) = (states.len(), model.spread.moment_dim());
    let numbers = model.spread.members() * rows * dim;
    let (mut mean, mut variance) = (vec![0.0; numbers], vec![0.0; numbers]);
    let asked = MomentsMut::new(&mut mean, &mut variance, rows, dim);
    model.spread.moments(states, acts, asked, &mut Scratch::default())?;
    let moments = MomentsMut::new(&mut mean, &mut variance, rows, dim);
    let of = |measure: Uncertainty| -> Result<Vec<f32>> {
        let mut unsure = vec![0.0; rows];
        uncertainty(measure.published(), moments.view(), model.spread.state_dim(), &[], &mut unsure)?;
        Ok(unsure)
    };
    Uncertainty::ALL.into_iter().map(of).collect()
}

/// So many states of the data, drawn uniformly.
pub(super) fn drawn(data: &TransitionBatch, count: usize, key: Key) -> Result<TransitionBatch> {
    let (mut batch, keys) = (TransitionBatch::new(data.dims()), key.below());
    let last =
        data.len().checked_sub(1).ok_or_else(|| Error::invalid("nothing is held out to begin from"))?;
    let draw = |i| (f64::from(keys.at(i).uniform()) * data.len() as f64) as usize;
    let rows: Vec<u32> = (0..count as u64).map(|i| draw(i).min(last) as u32).collect();
    Dataset::gather(data, &rows, &mut batch)?;
    Ok(batch)
}
