//! One flat table of transitions, as D4RL keeps them, made into whole episodes.
//!
//! `observations`, `actions`, `rewards` and `terminals` are always there; `timeouts` and `next_observations` are not, and
//! what follows from that is decided here. Where `next_observations` are missing a successor is the observation of the row
//! below, but not across the end of an episode: the last row of each episode has none and is left out. (`qlearning_dataset`
//! of D4RL takes the first observation of the next episode for the successor of a termination, which no model should learn.)

use super::columns::{finite, flags, single};
use super::d4rl::Task;
use super::{About, ReadOptions, Recording};
use mbrl_core::{End, Error, Origin, Result, RowBuf, TransitionBatch};
use std::path::Path;

/// Where the arrays of a flat table are.
pub(super) trait Arrays {
    /// The array of this name as rows, each flattened, where there is one.
    fn rows(&mut self, key: &str) -> Result<Option<RowBuf>>;

    /// What the file says who acted.
    fn made_by(&mut self) -> Option<String>;
}

/// The table of a file.
pub(super) fn read(mut arrays: impl Arrays, path: &Path, options: &ReadOptions) -> Result<Recording> {
    let obs = needed(&mut arrays, "observations")?;
    let act = fitting(&mut arrays, "actions", obs.len())?;
    let reward = single(fitting(&mut arrays, "rewards", obs.len())?, "rewards")?;
    let terminals = flags(fitting(&mut arrays, "terminals", obs.len())?, "terminals")?;
    let timeouts =
        optional(&mut arrays, "timeouts", obs.len())?.map(|rows| flags(rows, "timeouts")).transpose()?;
    let next_obs = optional(&mut arrays, "next_observations", obs.len())?;
    if obs.is_empty() {
        return Err(Error::invalid("observations: there is no row in it: record some"));
    }
    if let Some(next) = next_obs.as_ref().filter(|next| next.dim() != obs.dim()) {
        return Err(Error::invalid(format_args!(
            "next_observations are {} numbers wide, and observations {}: one of them is wrong",
            next.dim(),
            obs.dim()
        )));
    }
    let task = Task::named_by(path, obs.dim(), act.dim());
    let mut about = About { made_by: arrays.made_by(), ..About::default() };
    if let Some(task) = task {
        task.describe(&mut about);
    }
    about.name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
    // What was observed next tells an end better than a rule does.
    let by_rule = options.time_limit.or(task.map(|task| task.time_limit));
    let time_limit = by_rule.filter(|_| next_obs.is_none());
    let mut notes = Vec::new();
    let end = ends(&terminals, timeouts.as_deref(), time_limit, (&obs, next_obs.as_ref()), &mut notes)?;
    drop((terminals, timeouts));
    let rows = obs.len();
    let mut table = TransitionBatch { obs, act, reward, end, ..TransitionBatch::default() };
    match next_obs {
        Some(next_obs) => table.next_obs = next_obs,
        None => notes.push(leave_out(&mut table)?),
    }
    if table.end.last().is_some_and(|end| !end.is_end()) {
        notes.push(format!("the last episode breaks off at row {}, and was cut there", rows - 1));
    }
    table.origin = vec![Origin::World; table.reward.len()];
    let mut recording = Recording::new(table, about)?;
    notes.into_iter().for_each(|note| recording.note(note));
    Ok(recording)
}

fn needed(arrays: &mut impl Arrays, key: &str) -> Result<RowBuf> {
    let rows = arrays.rows(key)?.ok_or_else(|| {
        Error::invalid(format_args!(
            "{key}: the file has no such key: this is no dataset in the layout of D4RL"
        ))
    })?;
    finite(&rows, key)?;
    Ok(rows)
}

fn fitting(arrays: &mut impl Arrays, key: &str, len: usize) -> Result<RowBuf> {
    let rows = needed(arrays, key)?;
    as_long(&rows, key, len)?;
    Ok(rows)
}

fn optional(arrays: &mut impl Arrays, key: &str, len: usize) -> Result<Option<RowBuf>> {
    let rows = arrays.rows(key)?;
    if let Some(rows) = &rows {
        finite(rows, key)?;
        as_long(rows, key, len)?;
    }
    Ok(rows)
}

fn as_long(rows: &RowBuf, key: &str, len: usize) -> Result<()> {
    match rows.len() {
        found if found == len => Ok(()),
        found => Err(Error::invalid(format_args!(
            "{key}: there are {found} rows, and {len} of observations: record it again, or cut the longer one"
        ))),
    }
}

/// How each row leaves its episode; a termination counts where both flags are set.
fn ends(
    terminals: &[bool],
    timeouts: Option<&[bool]>,
    time_limit: Option<usize>,
    (obs, next_obs): (&RowBuf, Option<&RowBuf>),
    notes: &mut Vec<String>,
) -> Result<Vec<End>> {
    let rows = terminals.len();
    let mut cut: Box<dyn FnMut(usize) -> bool> = match (timeouts, time_limit, next_obs) {
        (Some(timeouts), ..) => Box::new(|row| timeouts[row]),
        (None, Some(limit), _) => {
            notes.push(format!("timeouts are not in the file: episodes were cut after {limit} steps"));
            let mut steps = 0;
            Box::new(move |row| {
                steps += 1;
                let is_over = steps >= limit;
                if is_over || terminals[row] {
                    steps = 0;
                }
                is_over
            })
        }
        (None, None, Some(next)) => {
            notes.push(
                "timeouts are not in the file: episodes were cut where the next row goes on elsewhere"
                    .to_owned(),
            );
            Box::new(move |row| row + 1 < rows && !same(next.row(row), obs.row(row + 1)))
        }
        (None, None, None) => {
            return Err(Error::invalid(
                "timeouts: neither they nor next_observations are in the file, so that it does not say where episodes were \
                 cut: give the time limit of its environment, such as --time-limit 1000",
            ));
        }
    };
    let end = |row: usize| match (terminals[row], cut(row)) {
        (true, _) => End::Terminated,
        (false, true) => End::Truncated,
        (false, false) => End::Running,
    };
    Ok((0..rows).map(end).collect())
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// Takes for the successor of each row the observation below, and leaves out the rows that have none in their episode.
fn leave_out(table: &mut TransitionBatch) -> Result<String> {
    let rows = table.reward.len();
    let (obs, act) = (std::mem::take(&mut table.obs), std::mem::take(&mut table.act));
    let (obs_dim, act_dim) = (obs.dim(), act.dim());
    let (mut obs, mut act) = (obs.into_vec(), act.into_vec());
    let kept = (0..rows.saturating_sub(1)).filter(|&row| !table.end[row].is_end()).count();
    let mut next_obs = Vec::with_capacity(kept * obs_dim);
    let (mut to, mut lost) = (0, 0);
    for row in 0..rows {
        if row + 1 == rows || table.end[row].is_end() {
            lost += usize::from(table.end[row] == End::Terminated);
            continue;
        }
        next_obs.extend_from_slice(&obs[(row + 1) * obs_dim..(row + 2) * obs_dim]);
        obs.copy_within(row * obs_dim..(row + 1) * obs_dim, to * obs_dim);
        act.copy_within(row * act_dim..(row + 1) * act_dim, to * act_dim);
        table.reward[to] = table.reward[row];
        let goes_on = row + 2 < rows && !table.end[row + 1].is_end();
        table.end[to] = if goes_on { End::Running } else { End::Truncated };
        to += 1;
    }
    if to == 0 {
        return Err(Error::invalid(
            "no row is followed by another one of its episode, so that no successor is known",
        ));
    }
    obs.truncate(to * obs_dim);
    act.truncate(to * act_dim);
    table.reward.truncate(to);
    table.end.truncate(to);
    table.obs = RowBuf::from_vec(obs, obs_dim)?;
    table.act = RowBuf::from_vec(act, act_dim)?;
    table.next_obs = RowBuf::from_vec(next_obs, obs_dim)?;
    Ok(format!(
        "next_observations are not in the file: rows that end an episode have no known successor and were left out, {}, \
         of which {lost} terminated",
        rows - to
    ))
}
