//! The files that a run writes while it goes on.

use super::RunDir;
use super::tensorboard::Events;
use crate::JsonlRecorder;
use mbrl_buffer::write_aside;
use mbrl_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The files that a run writes while it goes on. One process at a time holds them.
pub(crate) struct Journal {
    run: RunDir,
    metrics: Lines,
    timing: Lines,
    events: Events,
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
        let lock = lock(&folder.join("lock"), run)?;
        let journal = Journal {
            metrics: Lines::open(run.metrics_path())?,
            timing: Lines::open(run.timing_path())?,
            // Nothing is ever written to the lock, so that its date is that of the run.
            events: Events::open(run, &lock)?,
            run: run.clone(),
            _lock: lock,
        };
        sync_folder(run.path());
        sync_folder(&run.events_folder());
        Ok(journal)
    }

    /// Takes back what was written past these lengths.
    pub(crate) fn rewind(&mut self, lengths: Lengths) -> Result<()> {
        self.metrics.rewind(lengths.metrics)?;
        // Nothing is promised of times, so that a lack of them is no reason to stop. What comes next begins a line.
        let whole = self.timing.whole(lengths.timing.min(self.timing.len))?;
        self.timing.rewind(whole)?;
        self.events.rebuild(&self.run, self.lengths())
    }

    /// Appends the lines that are complete. Where it fails, they are taken back out of the files; where that fails too,
    /// resuming does it.
    pub(crate) fn append(&mut self, recorder: &mut JsonlRecorder) -> Result<()> {
        if recorder.metrics().is_empty() {
            return Ok(());
        }
        let before = (self.metrics.len, self.timing.len, self.events.len());
        let (metrics, timing) = (recorder.metrics(), recorder.timing());
        self.metrics.append(metrics)?;
        let appended = self.timing.append(timing);
        let appended = appended.and_then(|()| self.events.append(&mut { metrics }, &mut { timing }));
        if let Err(error) = appended {
            // They are still in the recorder, and would stand there twice when they are appended again.
            self.metrics.take_back(before.0);
            self.timing.take_back(before.1);
            self.events.take_back(before.2);
            return Err(error);
        }
        recorder.clear();
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.metrics.len == 0
    }

    pub(crate) fn lengths(&self) -> Lengths {
        Lengths { metrics: self.metrics.len, timing: self.timing.len }
    }

    /// How long the files are, now that all of them is on the disk.
    pub(crate) fn sync(&self) -> Result<Lengths> {
        self.metrics.sync()?;
        self.timing.sync()?;
        self.events.sync()?;
        Ok(self.lengths())
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

/// Brings the names of new files to the disk. The files are there whatever comes of it, and some file systems refuse.
fn sync_folder(path: &Path) {
    if cfg!(unix) {
        let _ = File::open(path).and_then(|folder| folder.sync_all());
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

/// A file that grows by whole lines, or by whole records of another kind.
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Lines {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).read(true).write(true).truncate(false).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        let len = file.metadata().with_context(|| path.display().to_string())?.len();
        let mut lines = Lines { path, file, len };
        lines.seek()?;
        Ok(lines)
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    fn seek(&mut self) -> Result<()> {
        let end = SeekFrom::Start(self.len);
        self.file.seek(end).map(|_| ()).with_context(|| self.path.display().to_string())
    }

    pub(super) fn rewind(&mut self, len: u64) -> Result<()> {
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

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Half a line would be worse than none.
            self.take_back(self.len);
            return Err(Error::io(error).wrap(format_args!("writing {}", self.path.display())));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Cuts the file after so many bytes as far as it can be: it has failed before, and that is what is told.
    pub(super) fn take_back(&mut self, len: u64) {
        let _ = self.file.set_len(len);
        self.len = len;
        let _ = self.seek();
    }

    /// Where the last line ends that is whole within the first `len` bytes.
    fn whole(&mut self, len: u64) -> Result<u64> {
        let place = || self.path.display().to_string();
        let (mut end, mut chunk) = (len, [0; 4096]);
        while end > 0 {
            let chunk = &mut chunk[..end.min(4096) as usize];
            let start = end - chunk.len() as u64;
            self.file.seek(SeekFrom::Start(start)).with_context(place)?;
            self.file.read_exact(chunk).with_context(place)?;
            if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
                return Ok(start + at as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data().with_context(|| format!("writing {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests;
