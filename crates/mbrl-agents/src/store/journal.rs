//! The files that a run writes while it goes on.

use super::RunDir;
use crate::JsonlRecorder;
use mbrl_buffer::write_aside;
use mbrl_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The files that a run writes while it goes on. One process at a time holds them.
pub(crate) struct Journal {
    run: RunDir,
    metrics: Lines,
    timing: Lines,
    // Held for as long as this lives; a process that is killed gives it back.
    _lock: File,
}

/// How long the files were, in bytes, when a checkpoint was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lengths {
    pub(crate) metrics: u64,
    pub(crate) timing: u64,
}

impl Journal {
    pub(crate) fn open(run: &RunDir) -> Result<Self> {
        let folder = run.checkpoints();
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Journal {
            _lock: lock(&folder.join("lock"), run)?,
            metrics: Lines::open(run.metrics_path())?,
            timing: Lines::open(run.timing_path())?,
            run: run.clone(),
        })
    }

    /// Takes back what was written past these lengths.
    pub(crate) fn rewind(&mut self, lengths: Lengths) -> Result<()> {
        self.metrics.rewind(lengths.metrics)?;
        // Nothing is promised of times, so that a lack of them is no reason to stop.
        self.timing.rewind(lengths.timing.min(self.timing.len))
    }

    /// Appends the lines that are complete. Where it fails, none of them stands in the files.
    pub(crate) fn append(&mut self, recorder: &mut JsonlRecorder) -> Result<()> {
        if recorder.metrics().is_empty() {
            return Ok(());
        }
        self.metrics.append(recorder.metrics())?;
        self.timing.append(recorder.timing())?;
        recorder.clear();
        Ok(())
    }

    /// How long the files are, now that all of them is on the disk.
    pub(crate) fn sync(&self) -> Result<Lengths> {
        self.metrics.sync()?;
        self.timing.sync()?;
        Ok(Lengths { metrics: self.metrics.len, timing: self.timing.len })
    }

    /// Writes a checkpoint, and forgets all but the one before it.
    pub(crate) fn checkpoint(
        &self,
        env_steps: u64,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        write_aside(self.run.checkpoint_path(env_steps), write)?;
        self.run.prune_checkpoints();
        Ok(())
    }
}

fn lock(path: &Path, run: &RunDir) -> Result<File> {
    let place = || path.display().to_string();
    let file = OpenOptions::new().create(true).write(true).truncate(false).open(path).with_context(place)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::invalid(format_args!(
            "{} is being trained by another process: wait for it, or stop it",
            run.path().display()
        ))),
        // A file system without locks cannot keep two processes apart; that is no reason to refuse the only one.
        Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// A file that grows by whole lines.
struct Lines {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Lines {
    fn open(path: PathBuf) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(false).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        let len = file.metadata().with_context(|| path.display().to_string())?.len();
        let mut lines = Lines { path, file, len };
        lines.seek()?;
        Ok(lines)
    }

    fn seek(&mut self) -> Result<()> {
        let end = SeekFrom::Start(self.len);
        self.file.seek(end).map(|_| ()).with_context(|| self.path.display().to_string())
    }

    fn rewind(&mut self, len: u64) -> Result<()> {
        if self.len < len {
            return Err(Error::corrupt(format_args!(
                "{} has {} bytes, and the checkpoint knows of {len}: put back what was cut off it, or begin anew \
                 in another folder",
                self.path.display(),
                self.len
            )));
        }
        if self.len > len {
            self.file.set_len(len).with_context(|| format!("shortening {}", self.path.display()))?;
        }
        self.len = len;
        self.seek()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Half a line would be worse than none; where even this fails, resuming takes it back.
            let _ = self.file.set_len(self.len);
            return Err(Error::io(error).wrap(format_args!("writing {}", self.path.display())));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().with_context(|| format!("writing {}", self.path.display()))
    }
}
