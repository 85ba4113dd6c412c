//! Files that are either the old one or the new one, whatever happens.

use mbrl_core::{Context, Error, Result};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Writes a file beside `path` and renames it into place once all of it is on the disk.
///
/// Whoever reads `path` at any instant, also after a crash, finds the whole old file or the whole new one, also where
/// several write at once. Where this returns an error, a full disk say, the old file is as it was and nothing new is left
/// behind. The new file has the permissions of the old one; where `path` is a link, what it names is replaced or made.
///
/// Once the new file is in place nothing fails any more. The folder is asked to bring the new name to the disk; on a file
/// system that cannot, a power cut may bring back the old file, whole.
///
/// A process that is killed while it writes leaves a file `.mbrl-….part` beside, which the next writing of the same file
/// removes.
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
    let target = named_by(path)?;
    let old = fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return Err(Error::invalid("this is no regular file: name another"));
    }
    let Some(name) = target.file_name() else {
        return Err(Error::invalid("the path has no file name: add one"));
    };
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // However long the name is, this is short. Two names that share it share their leftovers, which does no harm.
    let prefix = format!(".mbrl-{:08x}-", crc32fast::hash(name.as_encoded_bytes()));
    let (mut aside, file) = Aside::create(folder, &prefix).map_err(Error::io)?;
    sweep(folder, &prefix, &file);
    keep_permissions(old.as_ref(), &file).map_err(Error::io)?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush().map_err(Error::io)?;
    out.get_ref().sync_all().map_err(Error::io)?;
    drop(out);
    fs::rename(&aside.path, &target).map_err(Error::io)?;
    aside.in_place = true;
    // The new name is in the folder's own data, which is to be on the disk too. The new file is in place and whole
    // whatever comes of it, and some file systems refuse, so that a failure here is none of the writing.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// The file that a path names in the end: a link stays a link, also one to a file that is not there yet.
fn named_by(path: &Path) -> Result<PathBuf> {
    /// As many as Linux follows.
    const LINKS: usize = 40;
    if let Ok(target) = fs::canonicalize(path) {
        return Ok(target);
    }
    let mut target = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&target) else {
            return Ok(target);
        };
        // A relative one begins at the folder that the link is in.
        target = target.parent().unwrap_or(Path::new("")).join(next);
    }
    Err(Error::invalid("its links lead in a circle: name a file"))
}

/// Gives a new file the permissions of the one that it is to replace, before anything is written to it.
#[cfg(unix)]
fn keep_permissions(old: Option<&fs::Metadata>, new: &File) -> io::Result<()> {
    let Some(old) = old else {
        return Ok(());
    };
    // Not asked for where nothing is to change: some file systems refuse whatever it is.
    match new.metadata()?.permissions() == old.permissions() {
        true => Ok(()),
        false => new.set_permissions(old.permissions()),
    }
}

#[cfg(not(unix))]
fn keep_permissions(_old: Option<&fs::Metadata>, _new: &File) -> io::Result<()> {
    Ok(())
}

/// The file that is being written; removed unless it came into place.
struct Aside {
    path: PathBuf,
    in_place: bool,
}

impl Aside {
    /// A file that nobody else writes to, named `prefix`, process id, a number that no other process has, and a count.
    fn create(folder: &Path, prefix: &str) -> io::Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{prefix}{}-{:016x}-{count}.part", std::process::id(), token()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = options.open(&path)?;
        Ok((Aside { path, in_place: false }, file))
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

/// A number of this process: ids are given again, in a container most often the same one.
fn token() -> u64 {
    static TOKEN: OnceLock<u64> = OnceLock::new();
    *TOKEN.get_or_init(|| RandomState::new().hash_one(std::process::id()))
}

/// Removes what processes that were killed left behind. Nothing hangs on it, so that failures are passed over.
///
/// What time it is tells the file that was made just now: by the clock that the others were made by.
fn sweep(folder: &Path, prefix: &str, made_now: &File) {
    let now = made_now.metadata().and_then(|made| made.modified()).ok();
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let part = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(".part"));
        if part.is_some_and(|part| is_left_behind(part, &entry, now)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether nobody writes to a file of this name, `pid-token-count`, any more: its process is gone or, where that cannot
/// be known, it has been left alone for long.
fn is_left_behind(part: &str, file: &fs::DirEntry, now: Option<SystemTime>) -> bool {
    const LONG: Duration = Duration::from_secs(3600);
    let mut parts = part.split('-');
    let pid = parts.next().and_then(|pid| pid.parse::<u32>().ok());
    let is_ours = parts.next() == Some(&format!("{:016x}", token()));
    if is_ours {
        return false;
    }
    let gone = pid.is_some_and(|pid| {
        pid == std::process::id()
            || (Path::new("/proc/self").exists() && !Path::new("/proc").join(pid.to_string()).exists())
    });
    let age = || now?.duration_since(file.metadata().ok()?.modified().ok()?).ok();
    gone || age().is_some_and(|age| age > LONG)
}
