//! The checkpoints of a run: the newest, and the one before it to fall back to.

use super::RunDir;
use crate::checkpoint::{self, Check, Head};
use crate::{Agent, RunConfig};
use mbrl_core::{Context, Error, Result};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// How many are kept.
const KEPT: usize = 2;
const SUFFIX: &str = "mbrl";

/// A checkpoint that is whole, and those newer ones that are not.
pub(crate) struct Found {
    pub(crate) head: Head,
    pub(crate) damaged: Vec<(PathBuf, Error)>,
}

impl Found {
    /// What to say of those that are damaged.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warn = |(path, error): &(PathBuf, Error)| {
            format!(
                "{}: {error}: going on from the one before, at step {}",
                path.display(),
                self.head.state.progress.env_steps
            )
        };
        self.damaged.iter().map(warn).collect()
    }
}

impl RunDir {
    /// Loads the newest checkpoint that is whole; `None` where none has been written yet. One of another version is an
    /// error, and so it is if all are damaged, or `check` refuses the one that is whole.
    pub(crate) fn load_newest(&self, agent: &mut dyn Agent, check: Check<'_>) -> Result<Option<Found>> {
        let mut damaged = Vec::new();
        for path in self.checkpoint_paths()? {
            match verify(&path) {
                Ok(len) => {
                    let mut file = open(&path)?;
                    let head = checkpoint::read(&mut file, len, agent, check)
                        .with_context(|| path.display().to_string())?;
                    return Ok(Some(Found { head, damaged }));
                }
                Err(error) if error.is_corrupt() => damaged.push((path, error)),
                Err(error) => return Err(error.wrap(path.display())),
            }
        }
        match damaged.pop() {
            Some((path, error)) => Err(error.wrap(format_args!(
                "{}, the last of the checkpoints: none is whole, so begin anew in another folder",
                path.display()
            ))),
            None => Ok(None),
        }
    }

    /// Refuses a run without checkpoints that must have had some, by what it has recorded: without them it would begin anew,
    /// and what it has done would be lost.
    pub(crate) fn check_never_saved(&self, config: &RunConfig) -> Result<()> {
        let metrics = self.metrics()?.last().map_or(0, |line| line.env_steps);
        let timing = self.timing()?.last().map_or(0, |line| line.env_steps);
        let recorded = metrics.max(timing);
        // The line of a step is completed by the one after it, and so after the checkpoint of that step.
        let first = config.checkpoint.every.min(config.steps);
        if recorded < first && self.manifest()?.resumes == 0 {
            return Ok(());
        }
        Err(Error::invalid(format_args!(
            "the checkpoints of {} are gone, which has recorded step {recorded}: put its folder `checkpoint` back, or \
                 begin in another folder",
            self.path().display()
        )))
    }

    pub(crate) fn has_checkpoints(&self) -> bool {
        self.checkpoint_paths().is_ok_and(|paths| !paths.is_empty())
    }

    /// Puts a damaged checkpoint out of the way, for whoever wants to look into it.
    pub(crate) fn put_aside(&self, damaged: &Path) -> Result<()> {
        let aside = damaged.with_extension("damaged");
        fs::rename(damaged, aside).with_context(|| damaged.display().to_string())
    }

    pub(super) fn checkpoint_path(&self, env_steps: u64) -> PathBuf {
        // As many digits as the largest number has, so that the order of names is that of steps.
        self.checkpoints().join(format!("{env_steps:020}.{SUFFIX}"))
    }

    /// Removes all but the newest. What cannot be removed takes up space and does no other harm.
    pub(super) fn prune_checkpoints(&self) {
        let old = self.checkpoint_paths().unwrap_or_default().into_iter().skip(KEPT);
        old.for_each(|path| {
            let _ = fs::remove_file(path);
        });
    }

    /// The newest first.
    pub(super) fn checkpoint_paths(&self) -> Result<Vec<PathBuf>> {
        let folder = self.checkpoints();
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry.with_context(|| folder.display().to_string())?.path();
            let is_number = |stem: &std::ffi::OsStr| stem.as_encoded_bytes().iter().all(u8::is_ascii_digit);
            if path.extension().is_some_and(|kind| kind == SUFFIX) && path.file_stem().is_some_and(is_number)
            {
                paths.push(path);
            }
        }
        paths.sort_unstable_by(|a, b| b.cmp(a));
        Ok(paths)
    }
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| path.display().to_string())?))
}

/// The length of a checkpoint that is whole.
fn verify(path: &Path) -> Result<u64> {
    let mut file = open(path)?;
    let len = file.get_ref().metadata().with_context(|| path.display().to_string())?.len();
    checkpoint::verify(&mut file, len)?;
    Ok(len)
}
