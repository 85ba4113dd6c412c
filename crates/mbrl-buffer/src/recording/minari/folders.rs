//! Episodes of Minari that have a folder each, as they have in Arrow and in Parquet.

use crate::recording::episodes::{Arrays, Episodes, KEYS};
use mbrl_core::{Context, Error, Result, RowBuf};
use std::path::{Path, PathBuf};

/// Reads the episodes in the order of their numbers. `columns` gives the five columns of a file, of equal length.
pub(super) fn read(
    data: &Path,
    extension: &str,
    into: &mut Episodes,
    columns: impl Fn(&Path) -> Result<Arrays>,
) -> Result<()> {
    let mut folders: Vec<(u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(data).map_err(Error::io)? {
        let path = entry.map_err(Error::io)?.path();
        let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        if let Some(number) = number.filter(|_| path.is_dir()) {
            folders.push((number, path));
        }
    }
    folders.sort();
    let (mut parts, mut bytes) = (Vec::new(), 0u64);
    for (number, folder) in folders {
        let name = format!("episode {number}");
        let part = part_of(&folder, extension).context(&name)?;
        bytes = bytes.saturating_add(part.metadata().map_err(Error::io)?.len());
        parts.push((name, part));
    }
    // A step takes more than a byte, so that no more are coming, whatever was said.
    into.at_most(bytes);
    for (name, part) in parts {
        let arrays = episode(&part, &columns).with_context(|| format!("{name}: {}", shown(&part)))?;
        into.push(&name, arrays)?;
    }
    Ok(())
}

/// The one file of an episode's folder.
fn part_of(folder: &Path, extension: &str) -> Result<PathBuf> {
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io)? {
        let path = entry.map_err(Error::io)?.path();
        if path.extension().is_some_and(|found| found == extension) {
            parts.push(path);
        }
    }
    match (parts.pop(), parts.len()) {
        (Some(part), 0) => Ok(part),
        (found, more) => Err(Error::corrupt(format_args!(
            "there are {} files .{extension} in its folder, and one is expected: copy it again",
            more + usize::from(found.is_some())
        ))),
    }
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The columns of an episode, whose last row is padding in all but the observations.
fn episode(part: &Path, columns: impl Fn(&Path) -> Result<Arrays>) -> Result<Arrays> {
    let mut arrays = columns(part)?;
    let rows = arrays[0].len();
    for (key, array) in KEYS.iter().zip(&mut arrays) {
        if array.len() != rows {
            return Err(Error::corrupt(format_args!("{key}: there are {} rows of {rows}", array.len())));
        }
        if *key != KEYS[0] {
            array.resize(rows.saturating_sub(1));
        }
    }
    Ok(arrays)
}

/// All five columns, or which is missing.
pub(super) fn all(found: [Option<RowBuf>; 5]) -> Result<Arrays> {
    match found.iter().position(Option::is_none) {
        None => Ok(found.map(Option::unwrap_or_default)),
        Some(i) => Err(Error::invalid(format_args!("{}: the file has no such column", KEYS[i]))),
    }
}
