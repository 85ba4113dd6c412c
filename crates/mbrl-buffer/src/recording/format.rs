//! The formats of datasets, told apart by what is in a file and not by its name.

use super::file;
use crate::file::RING;
use mbrl_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A format in which datasets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// The project's own, of [`Recording::save_to`](crate::Recording::save_to).
    Recording,
    /// A replay buffer by itself, of [`ReplayBuffer::save_to`](crate::ReplayBuffer::save_to).
    ReplayBuffer,
    /// One flat table in HDF5, as D4RL has it.
    D4rl,
    /// The same table as arrays of numpy.
    Npz,
    /// A dataset of Minari whose episodes are groups of one HDF5 file.
    MinariHdf5,
    /// A dataset of Minari whose episodes are Arrow files.
    MinariArrow,
    /// A dataset of Minari whose episodes are Parquet files.
    MinariParquet,
}

impl Format {
    /// The format of a file or a folder.
    pub fn of(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        told(path).with_context(|| path.display())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Recording => "a recording in the project's own format",
            Format::ReplayBuffer => "a replay buffer",
            Format::D4rl => "HDF5 as D4RL has it",
            Format::Npz => "npz",
            Format::MinariHdf5 => "Minari, HDF5",
            Format::MinariArrow => "Minari, Arrow",
            Format::MinariParquet => "Minari, Parquet",
        })
    }
}

const HDF5: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
/// What an archive begins with, and one that is empty.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

pub(super) fn told(path: &Path) -> Result<Format> {
    if path.is_dir() {
        let data = minari_data(path)?;
        return super::minari::Metadata::read(&data)?.format();
    }
    let mut first = Vec::new();
    let mut file = File::open(path).map_err(Error::io)?;
    file.by_ref().take(8).read_to_end(&mut first).map_err(Error::io)?;
    if first == file::MAGIC {
        return Ok(Format::Recording);
    }
    if first == RING {
        return Ok(Format::ReplayBuffer);
    }
    if ZIP.iter().any(|start| first.starts_with(start)) {
        return Ok(Format::Npz);
    }
    if first == HDF5 || has_user_block(&mut file)? {
        // The file of a Minari dataset, named by itself.
        let is_minari = path.file_name().is_some_and(|name| name == super::minari::MAIN_FILE)
            && path.parent().is_some_and(|folder| folder.join(super::minari::METADATA).is_file());
        return Ok(if is_minari { Format::MinariHdf5 } else { Format::D4rl });
    }
    if first.is_empty() {
        return Err(Error::corrupt("the file is empty: copy it again"));
    }
    Err(Error::unsupported(format_args!(
        "it begins with \"{}\", which is no format of datasets that is known here",
        first.escape_ascii()
    )))
}

/// Whether HDF5 begins after a block of somebody else's, whose size is a power of two from 512 on.
fn has_user_block(file: &mut File) -> Result<bool> {
    let length = file.metadata().map_err(Error::io)?.len();
    let mut at = 512;
    while at + 8 <= length {
        let mut found = [0; 8];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut found)).map_err(Error::io)?;
        if found == HDF5 {
            return Ok(true);
        }
        at *= 2;
    }
    Ok(false)
}

/// The folder `data` of a dataset of Minari, of which it or the one around it is named.
pub(super) fn minari_data(path: &Path) -> Result<PathBuf> {
    [path.join("data"), path.to_path_buf()]
        .into_iter()
        .find(|folder| folder.join(super::minari::METADATA).is_file())
        .ok_or_else(|| {
            Error::unsupported(
                "no data/metadata.json is in this folder, so that it is no dataset of Minari: name a file",
            )
        })
}
