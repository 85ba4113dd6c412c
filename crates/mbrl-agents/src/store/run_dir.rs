//! A run as a folder.

use crate::{Manifest, RunConfig};
use mbrl_buffer::write_aside;
use mbrl_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// A run as a folder:
///
/// | file | holds |
/// |---|---|
/// | `config.json` | the [configuration](RunConfig), complete: whoever has it can run it again |
/// | `manifest.json` | [what made it](Manifest) |
/// | `metrics.jsonl` | a line for each number of steps at which something was recorded |
/// | `timing.jsonl` | how long it took; joined on `env_steps` |
/// | `tb/` | the numbers of `metrics.jsonl` once more, as a file of events that TensorBoard reads |
/// | `checkpoint/` | the last two states of the run, each whole |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Line {
    /// Steps in the real environment.
    pub env_steps: u64,
    /// The numbers, by name; what was not finite is absent.
    #[serde(flatten)]
    pub scalars: BTreeMap<String, Option<f64>>,
}

/// A line of `timing.jsonl`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Timing {
    /// Steps in the real environment.
    pub env_steps: u64,
    /// Seconds spent on the run so far.
    pub wall_s: f64,
    /// Steps a second since the line before.
    pub steps_per_s: Option<f64>,
    /// Seconds in each span of work since the line before: `a > b` is within `a`.
    pub spans: BTreeMap<String, f64>,
}

const CONFIG: &str = "config.json";
const MANIFEST: &str = "manifest.json";

impl RunDir {
    /// Makes a folder for a new run, or uses one that is there and holds none. What is written is all there afterwards, or
    /// nothing is.
    pub fn create(path: impl AsRef<Path>, config: &RunConfig, manifest: &Manifest) -> Result<Self> {
        let run = RunDir { path: path.as_ref().to_path_buf() };
        let place = || run.path.display().to_string();
        config.validate()?;
        if RunDir::exists(&run.path) {
            return Err(Error::invalid(format_args!(
                "{} holds a run already: go on with it by --resume, or name another folder by --out",
                place()
            )));
        }
        // What is left of a run would be taken for the beginning of this one.
        let is_recorded =
            [run.metrics_path(), run.timing_path(), run.events_folder()].iter().any(|path| path.exists());
        if is_recorded || !run.checkpoint_paths()?.is_empty() {
            return Err(Error::invalid(format_args!(
                "{} holds what is left of a run without {CONFIG}: name another folder",
                place()
            )));
        }
        // A process that is killed as it begins a run leaves a manifest, which the next may write anew; no other.
        let has_manifest = run.path.join(MANIFEST).exists();
        if has_manifest && run.manifest().is_err() {
            return Err(Error::invalid(format_args!(
                "{} holds a {MANIFEST} that is not of a run: name another folder",
                place()
            )));
        }
        let is_new = !run.path.exists();
        let made = fs::create_dir_all(run.checkpoints()).with_context(place).and_then(|()| {
            run.write_manifest(manifest)?;
            // The last of all, because it is what makes the folder a run.
            run.write_config(config)
        });
        if made.is_err() {
            // Nothing better can be done about a failure to clean up after a failure.
            if !has_manifest {
                let _ = fs::remove_file(run.path.join(MANIFEST));
            }
            let _ = fs::remove_dir(run.checkpoints());
            if is_new {
                let _ = fs::remove_dir(&run.path);
            }
        }
        made.map(|()| run)
    }

    /// Whether a folder holds a run.
    pub fn exists(path: impl AsRef<Path>) -> bool {
        path.as_ref().join(CONFIG).exists()
    }

    /// The run that a folder holds.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !RunDir::exists(path) {
            return Err(Error::invalid(format_args!(
                "{} holds no run: there is no {CONFIG} in it",
                path.display()
            )));
        }
        Ok(RunDir { path: path.to_path_buf() })
    }

    /// The run that a folder holds, to go on with, if it is of this configuration; a new one if it holds none.
    pub fn open_or_create(path: impl AsRef<Path>, config: &RunConfig, manifest: &Manifest) -> Result<Self> {
        if !RunDir::exists(&path) {
            return RunDir::create(path, config, manifest);
        }
        let run = RunDir::open(path)?;
        if run.config()? != *config {
            return Err(Error::invalid(format_args!(
                "{} holds a run of another configuration: name another folder",
                run.path.display()
            )));
        }
        Ok(run)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its configuration.
    pub fn config(&self) -> Result<RunConfig> {
        let path = self.path.join(CONFIG);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        RunConfig::from_json(&text).map_err(|error| self.unreadable(error).wrap(path.display()))
    }

    /// What made it.
    pub fn manifest(&self) -> Result<Manifest> {
        let path = self.path.join(MANIFEST);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(error).wrap(path.display()))
    }

    /// What to do about a document of the run that makes no sense. It is most likely of another version, where that is what
    /// began the run, and else was edited or damaged.
    fn unreadable(&self, error: impl Display) -> Error {
        let this = env!("CARGO_PKG_VERSION");
        match self.version() {
            Some(version) if version != this => Error::version(format_args!(
                "{error}: the run was begun by version {version}, and this build is {this}: use the build that began it"
            )),
            _ => Error::corrupt(format_args!("{error}: mend the file, or begin anew in another folder")),
        }
    }

    /// The version that began the run, as far as its manifest can be read at all: another version may have written other
    /// fields.
    fn version(&self) -> Option<String> {
        let text = fs::read_to_string(self.path.join(MANIFEST)).ok()?;
        let manifest: Value = serde_json::from_str(&text).ok()?;
        Some(manifest.get("build")?.get("version")?.as_str()?.to_owned())
    }

    pub(crate) fn write_config(&self, config: &RunConfig) -> Result<()> {
        write_json(&self.path.join(CONFIG), config)
    }

    pub(crate) fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        write_json(&self.path.join(MANIFEST), manifest)
    }

    /// What was recorded, in order. A last line that is not whole, because it is being written or never will be, is left
    /// out.
    pub fn metrics(&self) -> Result<Vec<Line>> {
        let path = self.metrics_path();
        let parse = |(i, line): (usize, &[u8])| {
            serde_json::from_slice(line).map_err(|error| {
                Error::corrupt(error).wrap(format_args!("{}: line {}", path.display(), i + 1))
            })
        };
        lines(&read(&path)?).enumerate().map(parse).collect()
    }

    /// How long it took, in order. Lines that are not whole are left out: nothing is promised of times, so that a lack of them
    /// is no reason to stop.
    pub fn timing(&self) -> Result<Vec<Timing>> {
        let text = read(&self.timing_path())?;
        Ok(lines(&text).filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    pub(super) fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    pub(super) fn timing_path(&self) -> PathBuf {
        self.path.join("timing.jsonl")
    }

    /// The folder of the file for TensorBoard.
    pub(super) fn events_folder(&self) -> PathBuf {
        self.path.join("tb")
    }

    /// The folder of checkpoints.
    pub(super) fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoint")
    }
}

fn write_json(path: &Path, document: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(document).map_err(Error::backend)?;
    text.push('\n');
    write_aside(path, |out| out.write_all(text.as_bytes()).context("writing"))
}

/// A file; nothing where it is not there, because nothing has been recorded yet.
fn read(path: &Path) -> Result<Vec<u8>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    fs::read(path).with_context(|| path.display().to_string())
}

/// The lines of a text that are whole.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}
