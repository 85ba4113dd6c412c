//! Reading HDF5: the tables of D4RL and the episodes of Minari.
//!
//! A file may say anything of itself, so what it says is held against its length before memory is asked for: no filter that
//! is in use makes more than a thousand bytes of one.

mod write;

pub(super) use write::write_episodes;

use super::episodes::{self, Episodes};
use super::{ReadOptions, Recording, columns, flat};
use hdf5_pure::{DType, Dataset, File, FormatError, Group, Layout};
use mbrl_core::{Context, Error, Result, RowBuf};
use std::cell::Cell;
use std::path::Path;

/// The most that deflate makes of a byte, from its format: 258 bytes of two bits.
const MOST_INFLATED: u64 = 1032;

/// The table of a D4RL file.
pub(super) fn read_d4rl(path: &Path, options: &ReadOptions) -> Result<Recording> {
    let file = Hdf5::open(path)?;
    if file.file.dataset("observations").is_err() && file.file.group("episode_0").is_ok() {
        return Err(Error::invalid(
            "these are episodes of Minari without their metadata.json: name the folder of the dataset",
        ));
    }
    flat::read(file, path, options)
}

/// The episodes of a Minari file, in the order of their numbers.
pub(super) fn read_minari(path: &Path, into: &mut Episodes) -> Result<()> {
    let file = Hdf5::open(path)?;
    // Not compressed, a step takes at least a byte of each of the four arrays.
    into.at_most(file.length / 4);
    let mut groups = Vec::new();
    for (name, group) in file.file.root().iter_groups().map_err(broken)? {
        if let Some(number) = name.strip_prefix("episode_").and_then(|number| number.parse::<u64>().ok()) {
            groups.push((number, name, group));
        }
    }
    groups.sort_by_key(|(number, ..)| *number);
    for (_, name, group) in groups {
        let arrays = file.episode(&group).with_context(|| &name)?;
        into.push(&name, arrays)?;
    }
    Ok(())
}

/// A file, how many bytes it has, and how many of them no array has taken yet.
struct Hdf5 {
    file: File,
    length: u64,
    left: Cell<u64>,
}

impl Hdf5 {
    fn open(path: &Path) -> Result<Self> {
        let length = std::fs::metadata(path).map_err(Error::io)?.len();
        Ok(Hdf5 { file: File::open_streaming(path).map_err(broken)?, length, left: Cell::new(length) })
    }

    /// The arrays of an episode. One walk over the group finds them all; asking for each by name would walk five times.
    fn episode(&self, group: &Group) -> Result<episodes::Arrays> {
        let mut found = [const { None }; 5];
        for (name, dataset) in group.iter_datasets().map_err(broken)? {
            if let Some(i) = episodes::KEYS.iter().position(|key| *key == name) {
                found[i] = Some(self.rows_of(&dataset, &name)?);
            }
        }
        if let Some(i) = found.iter().position(Option::is_none) {
            return Err(Error::invalid(format_args!(
                "{}: the episode has no array of this name; Dict and Tuple spaces are to be flattened first",
                episodes::KEYS[i]
            )));
        }
        Ok(found.map(Option::unwrap_or_default))
    }

    fn rows_of(&self, dataset: &Dataset, key: &str) -> Result<RowBuf> {
        self.read(dataset).with_context(|| key)
    }

    fn read(&self, dataset: &Dataset) -> Result<RowBuf> {
        let kind = dataset.dtype().map_err(broken)?;
        if !is_number(&kind) {
            return Err(Error::invalid(format_args!(
                "it holds {kind} where numbers are expected: convert it first"
            )));
        }
        let shape = dataset.shape().map_err(broken)?;
        let Some((&rows, rest)) = shape.split_first() else {
            return Err(Error::invalid("it is a single number where one a row is expected"));
        };
        let width = rest.iter().try_fold(1u64, |product, side| product.checked_mul(*side));
        let width = width.filter(|width| *width > 0).and_then(|width| usize::try_from(width).ok());
        let width =
            width.ok_or_else(|| Error::invalid(format_args!("rows of shape {rest:?} hold no numbers")))?;
        if rows == 0 {
            return Ok(RowBuf::new(width));
        }
        self.check_size(dataset, &shape)?;
        let numbers = dataset.read_f32().map_err(broken)?;
        if matches!(kind, DType::F64) && numbers.iter().any(|x| x.is_infinite()) {
            let wide = dataset.read_f64().map_err(broken)?;
            columns::narrow(wide.into_iter(), |at| (at / width, at % width))?;
        }
        RowBuf::from_vec(numbers, width)
    }

    /// Arrays lie side by side, so that all of them are no longer than the file. One that is linked to under many names would
    /// take memory that the file never had.
    fn take(&self, bytes: u64) -> Result<()> {
        let left = self.left.get().checked_sub(bytes).ok_or_else(|| {
            Error::corrupt("the arrays so far are longer than the file, so that some are one array: copy what is linked to")
        })?;
        self.left.set(left);
        Ok(())
    }

    /// Refuses what cannot be in the file, and what was never written, which would be read as zeros.
    fn check_size(&self, dataset: &Dataset, shape: &[u64]) -> Result<()> {
        let element = dataset.element_size().map_err(broken)?;
        let wanted = shape.iter().try_fold(element, |product, side| product.checked_mul(*side));
        let stored = match dataset.layout().map_err(broken)? {
            Layout::Compact { size } | Layout::Contiguous { address: Some(_), size } => Some((size, 1)),
            Layout::Chunked { chunk_shape, .. } => {
                let chunks = dataset.chunks().map_err(broken)?;
                let sides = shape.iter().zip(&chunk_shape).map(|(all, one)| all.div_ceil((*one).max(1)));
                let needed = sides.fold(1u64, u64::saturating_mul);
                let whole = chunks.len() as u64 >= needed;
                let most = if dataset.filters().is_empty() { 1 } else { MOST_INFLATED };
                let bytes = chunks.iter().map(|chunk| chunk.storage_size).fold(0u64, u64::saturating_add);
                // Chunks lie side by side, so that all of them are no longer than the file.
                let one = chunk_shape.iter().fold(element, |product, side| product.saturating_mul(*side));
                let fits = bytes <= self.length && one.div_ceil(most) <= self.length;
                (whole && fits).then_some((bytes, most))
            }
            _ => None,
        };
        match (wanted, stored) {
            (Some(wanted), Some((bytes, most)))
                if wanted <= bytes.saturating_mul(most) && wanted.div_ceil(MOST_INFLATED) <= self.length =>
            {
                self.take(bytes)
            }
            _ => Err(Error::corrupt(format_args!(
                "its {} rows are not all in the file: copy it again, or record it again",
                shape[0]
            ))),
        }
    }
}

impl flat::Arrays for Hdf5 {
    fn rows(&mut self, key: &str) -> Result<Option<RowBuf>> {
        match self.file.dataset(key) {
            Ok(dataset) => self.rows_of(&dataset, key).map(Some),
            Err(hdf5_pure::Error::Format(FormatError::PathNotFound(_))) => Ok(None),
            Err(hdf5_pure::Error::NotADataset(_)) => Err(Error::invalid(format_args!(
                "{key}: this is a group where an array is expected: flatten what is in it first"
            ))),
            Err(error) => Err(broken(error)).context(key),
        }
    }

    fn made_by(&mut self) -> Option<String> {
        let dataset = self.file.dataset("metadata/algorithm").ok()?;
        let is_one = dataset.shape().ok()?.iter().all(|side| *side == 1);
        let names = (is_one && dataset.element_size().ok()? <= 256).then(|| dataset.read_string().ok())??;
        names
            .into_iter()
            .next()
            .map(|name| name.trim_end_matches('\0').to_owned())
            .filter(|name| !name.is_empty())
    }
}

/// Whether this becomes a number: h5py writes what is true or false as an enumeration of those two.
fn is_number(kind: &DType) -> bool {
    match kind {
        DType::F32 | DType::F64 => true,
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => true,
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => true,
        DType::Enum(names) => names.iter().all(|name| ["FALSE", "TRUE"].contains(&name.as_str())),
        _ => false,
    }
}

#[cold]
fn broken(error: hdf5_pure::Error) -> Error {
    match error {
        hdf5_pure::Error::Io(error) => Error::io(error),
        // The library explains at length.
        error => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            Error::corrupt(format_args!(
                "the HDF5 file cannot be read: {line}: copy it again, or record it again"
            ))
        }
    }
}
