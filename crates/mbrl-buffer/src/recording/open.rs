//! A recording from a file of whatever format it is in.

use super::{About, Format, Recording, format, minari};
use crate::ReplayBuffer;
use mbrl_core::{Context, End, Error, Result, Transition, TransitionBatch};
use std::path::Path;

/// What a file may not say by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// After how many steps the environment cuts an episode. Asked for only where a file says neither where that happened
    /// nor what was observed next, as the oldest files of D4RL do; those of its four locomotion tasks are known by name.
    pub time_limit: Option<usize>,
}

impl Recording {
    /// Reads a dataset: a file of any [`Format`], or the folder of a Minari dataset.
    ///
    /// What is read holds what is promised of every [`Recording`]; what had to be left out or mended for it is in its
    /// [notes](Recording::notes). Whatever cannot be learnt from is refused by file, key and row.
    ///
    /// HDF5 needs the feature `hdf5`, npz `npz`, and Parquet `parquet`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Recording::open_with(path, &ReadOptions::default())
    }

    /// The same, where something is known that the file does not say.
    pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self> {
        let path = path.as_ref();
        open(path, options).with_context(|| path.display())
    }
}

fn open(path: &Path, options: &ReadOptions) -> Result<Recording> {
    if options.time_limit == Some(0) {
        return Err(Error::invalid("a time limit of 0 steps: give one of at least 1"));
    }
    match format::told(path)? {
        Format::Recording => Recording::load_from(path),
        Format::ReplayBuffer => replayed(path),
        #[cfg(feature = "hdf5")]
        Format::D4rl => super::hdf5::read_d4rl(path, options),
        #[cfg(feature = "npz")]
        Format::Npz => super::npz::read(path, options),
        Format::MinariHdf5 | Format::MinariArrow | Format::MinariParquet => minari::read(path),
        #[cfg(not(all(feature = "hdf5", feature = "npz")))]
        other => Err(switched_off(other)),
    }
}

/// A format that this build does not read.
#[cfg_attr(
    all(feature = "hdf5", feature = "npz", feature = "parquet"),
    allow(dead_code, reason = "all are read")
)]
#[cold]
pub(super) fn switched_off(format: Format) -> Error {
    let feature = match format {
        Format::Npz => "npz",
        Format::MinariParquet => "parquet",
        _ => "hdf5",
    };
    Error::unsupported(format_args!(
        "this is {format}, which the feature `{feature}` of mbrl-buffer reads: build with it"
    ))
}

/// The rows of a replay buffer, oldest first; of several lanes side by side one after the other.
fn replayed(path: &Path) -> Result<Recording> {
    let file = std::fs::File::open(path).map_err(Error::io)?;
    Recording::from_replay(&ReplayBuffer::load(std::io::BufReader::new(file))?)
}

impl Recording {
    /// What a replay buffer holds, lane after lane. Where an episode was given up half-way, it was cut.
    pub fn from_replay(buffer: &ReplayBuffer) -> Result<Self> {
        let lanes = buffer.lanes();
        let mut rows = TransitionBatch::new(buffer.dims());
        let mut cut = 0;
        for i in (0..lanes).flat_map(|lane| (lane..buffer.len()).step_by(lanes)) {
            let row = buffer.get(i);
            let goes_on = i + lanes < buffer.len() && !buffer.starts_episode(i + lanes);
            let is_cut = !row.end.is_end() && !goes_on;
            cut += usize::from(is_cut);
            rows.push(Transition { end: if is_cut { End::Truncated } else { row.end }, ..row });
        }
        let mut recording = Recording::new(rows, About::default())?;
        if cut > 0 {
            recording.note(format_args!("episodes that break off without an end, and were cut there: {cut}"));
        }
        Ok(recording)
    }
}
