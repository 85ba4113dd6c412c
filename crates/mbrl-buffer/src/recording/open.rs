//! A recording from a file of whatever format it is in.

use super::{Recording, file};
use mbrl_core::{Context, Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

impl Recording {
    /// Reads a dataset; its format is told by its first bytes.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        open(path).with_context(|| path.display())
    }
}

fn open(path: &Path) -> Result<Recording> {
    let mut first = Vec::new();
    File::open(path).and_then(|file| file.take(8).read_to_end(&mut first)).map_err(Error::io)?;
    if first == file::MAGIC {
        return Recording::load_from(path);
    }
    Err(Error::unsupported(format_args!(
        "it begins with \"{}\", which is no format of datasets that is known here",
        first.escape_ascii()
    )))
}
