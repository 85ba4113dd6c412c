//! What a dataset holds: whole episodes, and what is known of them.

mod about;
mod columns;
#[cfg(any(feature = "hdf5", feature = "npz"))]
mod d4rl;
mod episodes;
mod file;
#[cfg(any(feature = "hdf5", feature = "npz"))]
mod flat;
mod format;
#[cfg(feature = "hdf5")]
mod hdf5;
mod minari;
#[cfg(feature = "npz")]
mod npz;
mod open;
#[cfg(test)]
mod tests;

pub use about::{About, Reference};
pub use format::Format;
pub use open::ReadOptions;

use crate::ReplayBuffer;
use mbrl_core::{Dataset, Dims, End, Error, Result, RowBuf, Space, Spec, TransitionBatch};
use std::ops::Range;

/// Transitions of whole episodes, one episode after the other, and what is known of them.
///
/// Whatever file it was read from, this holds of it:
/// - there is at least one transition, and every number is finite;
/// - within an episode all rows but the last are [`Running`](End::Running), and the last one is not: where the file breaks
///   off, the episode was cut;
/// - a successor is what was observed next in the same episode. Where a file does not say it, the transition is left out,
///   and a [note](Recording::notes) says how many were.
///
/// ```
/// use mbrl_buffer::{About, Dims, End, Origin, Recording, Transition, TransitionBatch};
///
/// let mut rows = TransitionBatch::new(Dims { obs: 1, act: 1 });
/// for (x, end) in [(0.0, End::Running), (1.0, End::Terminated), (5.0, End::Running)] {
///     let (obs, next_obs) = (&[x][..], &[x + 1.0][..]);
///     rows.push(Transition { obs, act: &[0.5], next_obs, reward: x, end, origin: Origin::World });
/// }
/// let recording = Recording::new(rows, About::named("steps"))?;
/// assert_eq!(recording.episodes().collect::<Vec<_>>(), [0..2, 2..3]);
/// assert_eq!(recording.returns(), [1.0, 5.0]);
/// assert_eq!(recording.rows().end[2], End::Truncated); // it breaks off there
/// # Ok::<(), mbrl_buffer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    rows: TransitionBatch,
    about: About,
    notes: Vec<String>,
}

/// An action this much outside of its bounds was inside before it was rounded: in units of their distance, and where that
/// is infinite, of the size of the bound, or of one where that is less.
const ROUNDING: f32 = 1e-5;

impl Recording {
    /// A recording of these rows, the episodes one after the other; the last one is cut where it has not ended.
    ///
    /// Refused are columns that are not equally long and, naming the row, numbers that are not finite, actions outside of the
    /// space that `about` names, and observations that are none of its choices. An action that is only just outside is taken
    /// for one of the bound. Observations outside of a box are kept: bounds of observations are seldom meant.
    pub fn new(mut rows: TransitionBatch, about: About) -> Result<Self> {
        check_shape(&rows)?;
        let Some(last) = rows.end.last_mut() else {
            return Err(Error::invalid("there is no transition in it: record some"));
        };
        if !last.is_end() {
            *last = End::Truncated;
        }
        for (key, width, numbers) in [
            ("observations", rows.obs.dim(), rows.obs.as_slice()),
            ("actions", rows.act.dim(), rows.act.as_slice()),
            ("next_observations", rows.next_obs.dim(), rows.next_obs.as_slice()),
            ("rewards", 1, &rows.reward),
        ] {
            if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
                let (row, column) = (at / width.max(1), at % width.max(1));
                return Err(Error::non_finite(format_args!(
                    "{key}: row {row}, column {column} is {}: leave that episode out",
                    numbers[at]
                )));
            }
        }
        let mut recording = Recording { rows, about, notes: Vec::new() };
        if let Some(space) = recording.about.obs.clone() {
            fits("observations", recording.rows.obs.dim(), &space)?;
            for (key, values) in
                [("observations", &recording.rows.obs), ("next_observations", &recording.rows.next_obs)]
            {
                check_choices(key, values, &space)?;
            }
        }
        if let Some(space) = recording.about.act.clone() {
            recording.keep_within(&space)?;
        }
        Ok(recording)
    }

    /// The transitions, the episodes one after the other.
    pub fn rows(&self) -> &TransitionBatch {
        &self.rows
    }

    /// What is known of them.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The same, to say more of them.
    pub fn about_mut(&mut self) -> &mut About {
        &mut self.about
    }

    /// What was found and mended when it was read, a sentence each. It is not written to files.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The rows of each episode.
    pub fn episodes(&self) -> impl Iterator<Item = Range<usize>> {
        let mut first = 0;
        self.rows.end.iter().enumerate().filter(|(_, end)| end.is_end()).map(move |(row, _)| {
            let episode = first..row + 1;
            first = row + 1;
            episode
        })
    }

    /// What each episode earned, undiscounted.
    pub fn returns(&self) -> Vec<f64> {
        let earned = |rows: Range<usize>| self.rows.reward[rows].iter().map(|r| f64::from(*r)).sum();
        self.episodes().map(earned).collect()
    }

    /// The same transitions as a replay buffer that holds just these.
    pub fn to_replay(&self) -> Result<ReplayBuffer> {
        let mut buffer = ReplayBuffer::new(self.rows.dims(), self.rows.len())?;
        buffer.extend(&self.rows)?;
        Ok(buffer)
    }

    /// Refuses to be learnt from in a world of other spaces.
    pub fn check_fits(&self, spec: &Spec) -> Result<()> {
        let (found, expected) = (self.rows.dims(), spec.dims());
        if found != expected {
            return Err(Error::invalid(format_args!(
                "{} of {} numbers and actions of {} are recorded, and the environment has {} and {}: choose the environment \
                 that it was recorded in",
                "observations", found.obs, found.act, expected.obs, expected.act
            )));
        }
        if let Some(about) = self.about.act.as_ref().filter(|about| about.choices() != spec.act.choices()) {
            return Err(Error::invalid(format_args!(
                "actions are recorded as {}, and those of the environment are {}: choose the environment that it was recorded in",
                kind(about),
                kind(&spec.act)
            )));
        }
        outside(&self.rows, &spec.act).map_or(Ok(()), |row| Err(not_in(&self.rows, row, &spec.act)))
    }

    /// Notes what was found and mended.
    pub(crate) fn note(&mut self, note: impl std::fmt::Display) {
        self.notes.push(note.to_string());
    }

    /// Refuses actions outside of `space`; those that rounding has carried over a bound are put on it.
    fn keep_within(&mut self, space: &Space) -> Result<()> {
        fits("actions", self.rows.act.dim(), space)?;
        if let Some(row) = outside(&self.rows, space) {
            return Err(not_in(&self.rows, row, space));
        }
        let Space::Box(bounds) = space else {
            return Ok(());
        };
        let mut moved = 0;
        for row in 0..self.rows.len() {
            let limits = bounds.low().iter().zip(bounds.high());
            let mut is_moved = false;
            for (x, (low, high)) in self.rows.act.row_mut(row).iter_mut().zip(limits) {
                is_moved |= *x < *low || *x > *high;
                *x = x.clamp(*low, *high);
            }
            moved += usize::from(is_moved);
        }
        if moved > 0 {
            self.note(format_args!(
                "{moved} actions were outside of their bounds by rounding, and were put on them"
            ));
        }
        Ok(())
    }
}

impl Dataset for Recording {
    fn dims(&self) -> Dims {
        self.rows.dims()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn gather(&self, indices: &[u32], batch: &mut TransitionBatch) -> Result<()> {
        Dataset::gather(&self.rows, indices, batch)
    }
}

/// Refuses columns that are not equally long, and successors that are not as wide as observations.
fn check_shape(rows: &TransitionBatch) -> Result<()> {
    let len = rows.obs.len();
    for (key, found) in [
        ("actions", rows.act.len()),
        ("next_observations", rows.next_obs.len()),
        ("rewards", rows.reward.len()),
        ("ends", rows.end.len()),
        ("origins", rows.origin.len()),
    ] {
        if found != len {
            return Err(Error::invalid(format_args!(
                "{key}: there are {found} rows, and {len} of observations: a recording has as many of each"
            )));
        }
    }
    match (rows.next_obs.dim(), rows.obs.dim()) {
        (next, obs) if next == obs => Ok(()),
        (next, obs) => Err(Error::invalid(format_args!(
            "next_observations are {next} numbers wide, and observations {obs}: one of them is wrong"
        ))),
    }
}

/// Refuses what is none of the choices, where there are choices.
fn check_choices(key: &str, values: &RowBuf, space: &Space) -> Result<()> {
    let Some(n) = space.choices() else {
        return Ok(());
    };
    match (0..values.len()).find(|&row| !space.contains(values.row(row))) {
        None => Ok(()),
        Some(row) => Err(Error::invalid(format_args!(
            "{key}: row {row} is {:?}, which is none of {n} choices: leave that episode out",
            values.row(row)
        ))),
    }
}

/// What a space is of, in words.
fn kind(space: &Space) -> String {
    space.choices().map_or_else(|| "vectors".to_owned(), |n| format!("one of {n} choices"))
}

fn fits(key: &str, width: usize, space: &Space) -> Result<()> {
    match space.dim() {
        dim if dim == width => Ok(()),
        dim => Err(Error::invalid(format_args!(
            "{key} are {width} numbers wide, and the space that the file names has {dim}: one of them is wrong"
        ))),
    }
}

/// The first row whose action is none of `space`, by more than rounding.
fn outside(rows: &TransitionBatch, space: &Space) -> Option<usize> {
    (0..rows.len()).find(|&row| match space {
        Space::Discrete { .. } => !space.contains(rows.act.row(row)),
        Space::Box(bounds) => {
            rows.act.row(row).iter().zip(bounds.low().iter().zip(bounds.high())).any(|(x, (low, high))| {
                let distance = high - low;
                let unit = |bound: &f32| if distance.is_finite() { distance } else { bound.abs().max(1.0) };
                *x < low - ROUNDING * unit(low) || *x > high + ROUNDING * unit(high)
            })
        }
    })
}

#[cold]
fn not_in(rows: &TransitionBatch, row: usize, space: &Space) -> Error {
    Error::invalid(format_args!(
        "actions: row {row} is {:?}, which is not in {space:?}: scale the actions, or leave that episode out",
        rows.act.row(row)
    ))
}
