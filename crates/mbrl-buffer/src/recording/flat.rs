//! One flat table of transitions, as D4RL keeps them, made into whole episodes.
//!
//! `observations`, `actions`, `rewards` and `terminals` are always there; `timeouts` and `next_observations` are not, and
//! what follows from that is decided here. Where `next_observations` are missing a successor is the observation of the row
//! below, but not across the end of an episode: the last row of each episode has none and is left out. (`qlearning_dataset`
//! of D4RL takes the first observation of the next episode for the successor of a termination, which no model should learn:
//! in a file that was saved from it, these rows are left out too.)

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
    notes.extend(leave_out(&mut table, next_obs)?);
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

/// Makes the table of those rows whose successor in their episode is known, and says which others there were.
///
/// Where no `next_obs` is given, the successor is the observation below. Where it is, the last row of an episode may still
/// name the first observation of the next one: that is what `qlearning_dataset` gives. An episode that happens to begin just
/// where the one before ended looks the same, and loses its last row too.
fn leave_out(table: &mut TransitionBatch, next_obs: Option<RowBuf>) -> Result<Option<String>> {
    let rows = table.reward.len();
    let is_known: Vec<bool> = (0..rows)
        .map(|row| match &next_obs {
            None => row + 1 < rows && !table.end[row].is_end(),
            Some(next) => {
                row + 1 == rows || !table.end[row].is_end() || !same(next.row(row), table.obs.row(row + 1))
            }
        })
        .collect();
    let lost = || (0..rows).filter(|&row| !is_known[row]);
    let count = lost().count();
    if count == rows {
        return Err(Error::invalid(
            "no row is followed by another one of its episode, so that no successor is known",
        ));
    }
    let why = match &next_obs {
        None => {
            "next_observations are not in the file: rows that end an episode have no known successor and were left out"
        }
        Some(_) => {
            "next_observations of rows that end an episode are what the next one begins with, which is no successor, and \
             those rows were left out"
        }
    };
    let terminated = lost().filter(|&row| table.end[row] == End::Terminated).count();
    let earned: f64 = lost().map(|row| f64::from(table.reward[row])).sum();
    // Shown in as many digits as a reward has.
    let note = format!(
        "{why}, {count}, of which {terminated} terminated; the rewards of these rows sum to {}, and returns and scores are \
         without them",
        earned as f32
    );
    table.next_obs = match next_obs {
        None => below(&table.obs, &is_known)?,
        Some(next) if count == 0 => next,
        Some(next) => only(next, &is_known)?,
    };
    if count == 0 {
        return Ok(None);
    }
    table.obs = only(std::mem::take(&mut table.obs), &is_known)?;
    table.act = only(std::mem::take(&mut table.act), &is_known)?;
    let mut to = 0;
    for row in (0..rows).filter(|&row| is_known[row]) {
        let is_cut = !table.end[row].is_end() && row + 1 < rows && !is_known[row + 1];
        table.end[to] = if is_cut { End::Truncated } else { table.end[row] };
        table.reward[to] = table.reward[row];
        to += 1;
    }
    table.reward.truncate(to);
    table.end.truncate(to);
    Ok(Some(note))
}

/// The rows that are kept, in the memory of all.
fn only(rows: RowBuf, is_kept: &[bool]) -> Result<RowBuf> {
    let width = rows.dim();
    let mut numbers = rows.into_vec();
    let mut to = 0;
    for row in (0..is_kept.len()).filter(|&row| is_kept[row]) {
        numbers.copy_within(row * width..(row + 1) * width, to * width);
        to += 1;
    }
    numbers.truncate(to * width);
    RowBuf::from_vec(numbers, width)
}

/// The rows below those that are kept.
fn below(rows: &RowBuf, is_kept: &[bool]) -> Result<RowBuf> {
    let kept = || (0..is_kept.len()).filter(|&row| is_kept[row]);
    let mut numbers = Vec::with_capacity(kept().count() * rows.dim());
    kept().for_each(|row| numbers.extend_from_slice(rows.row(row + 1)));
    RowBuf::from_vec(numbers, rows.dim())
}
