//! Files that are either the old one or the new one, whatever happens.

use mbrl_core::{Context, Error, Result};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file beside `path` and renames it into place once all of it is on the disk.
///
/// Whoever reads `path` at any instant, also after a crash, finds the whole old file or the whole new one. Where
/// something fails, a full disk say, the old file is as it was and nothing new is left behind.
///
/// ```
/// use mbrl_buffer::write_aside;
/// use mbrl_core::Context;
///
/// # let path = std::env::temp_dir().join(format!("mbrl-write-aside-{}", std::process::id()));
/// write_aside(&path, |out| out.write_all(b"all of it").context("writing notes"))?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"all of it");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn write_aside(path: impl AsRef<Path>, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let path = path.as_ref();
    replace(path, write).with_context(|| format!("writing {}", path.display()))
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    // A link stays a link: what is replaced is the file that it names.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(&target).is_ok_and(|there| !there.is_file()) {
        return Err(Error::invalid("this is no regular file: name another"));
    }
    let Some(name) = target.file_name() else {
        return Err(Error::invalid("the path has no file name: add one"));
    };
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let (mut aside, file) = Aside::create(folder, name.to_os_string()).map_err(Error::io)?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush().map_err(Error::io)?;
    out.get_ref().sync_all().map_err(Error::io)?;
    drop(out);
    fs::rename(&aside.path, &target).map_err(Error::io)?;
    aside.in_place = true;
    // The new name is in the folder's own data, which is to be on the disk too.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io)?;
    Ok(())
}

/// The file that is being written; removed unless it came into place.
struct Aside {
    path: PathBuf,
    in_place: bool,
}

impl Aside {
    fn create(folder: &Path, name: OsString) -> io::Result<(Self, File)> {
        // Numbers keep writers of one process apart, the process id those of several.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut aside = OsString::from(".");
            aside.push(&name);
            aside.push(format!(".{}-{count}.part", std::process::id()));
            let path = folder.join(aside);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Aside { path, in_place: false }, file)),
                // Left behind by a process that was killed and had the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.in_place {
            // Nothing better can be done about a failure to clean up after a failure.
            let _ = fs::remove_file(&self.path);
        }
    }
}
