//! The numbers of a run once more, for TensorBoard.

mod event;
mod record;

use super::journal::Lines;
use super::{Lengths, Line, RunDir, Timing};
use mbrl_core::{Context, Result};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::SystemTime;

/// The file of a run that TensorBoard reads: every line of `metrics.jsonl` as an event, its numbers as `f32`, and NaN for what
/// is null. The time of an event is that of the run's beginning and the seconds spent on the run since, whatever lies between
/// sittings.
///
/// There is nothing in it that is not in `metrics.jsonl` and `timing.jsonl`, so that a run is gone on with by making it anew
/// from these, whatever has become of it. How long an event is does not depend on its time: a TensorBoard that is reading
/// while a run is gone on with finds every event where it was.
pub(super) struct Events {
    file: Lines,
    // Seconds since 1970 when the run began.
    began: u64,
    // Seconds spent on the run up to the last line of which that is known.
    wall_s: f64,
}

/// What the name of the file begins with; TensorBoard looks for the word in the middle.
const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".mbrl";
/// How much is encoded before it is written.
const CHUNK: usize = 1 << 16;

impl Events {
    /// The file of `run`, which began when `since`, a file of its first moment, was made. What is in it stays there until it
    /// is [made anew](Events::rebuild).
    pub(super) fn open(run: &RunDir, since: &File) -> Result<Self> {
        let folder = run.events_folder();
        let place = || folder.display().to_string();
        std::fs::create_dir_all(&folder).with_context(place)?;
        // One that is there is gone on with, so that a run has one of them even where it was copied and its dates were not.
        let there = began(&folder).with_context(place)?;
        let began = there.unwrap_or_else(|| made(since));
        let file = Lines::open(folder.join(format!("{PREFIX}{began:010}{SUFFIX}")))?;
        Ok(Events { file, began, wall_s: 0.0 })
    }

    /// Makes it anew of what the run has recorded up to these lengths.
    pub(super) fn rebuild(&mut self, run: &RunDir, lengths: Lengths) -> Result<()> {
        self.file.rewind(0)?;
        self.wall_s = 0.0;
        let open = |path: &Path, len| {
            let file = File::open(path).with_context(|| path.display().to_string())?;
            Ok(BufReader::new(file.take(len)))
        };
        let mut metrics = open(&run.metrics_path(), lengths.metrics)?;
        let mut timing = open(&run.timing_path(), lengths.timing)?;
        self.append(&mut metrics, &mut timing)
    }

    /// Appends the lines of `metrics`, whose times are in `timing`. Where it fails, some of them may be in the file.
    pub(super) fn append(&mut self, metrics: &mut dyn BufRead, timing: &mut dyn BufRead) -> Result<()> {
        let mut records = Vec::new();
        if self.file.len() == 0 {
            record::put(&mut records, &event::version(self.began as f64));
        }
        let reading = "reading what was recorded";
        let (mut text, mut time) = (Vec::new(), None);
        while let Some(line) = next::<Line>(metrics, &mut text).context(reading)? {
            // Some times may be missing, and a line of numbers then has the time of the one before it.
            while time.as_ref().is_none_or(|time: &Timing| time.env_steps < line.env_steps) {
                time = next(timing, &mut text).context(reading)?;
                if time.is_none() {
                    break;
                }
            }
            if let Some(time) = time.as_ref().filter(|time| time.env_steps == line.env_steps) {
                self.wall_s = time.wall_s;
            }
            let scalars = line.scalars.iter().map(|(name, value)| {
                // What is too large for an f32 becomes infinite: the format has no wider number.
                (name.as_str(), value.map_or(f32::NAN, |value| value as f32))
            });
            record::put(
                &mut records,
                &event::scalars(self.began as f64 + self.wall_s, line.env_steps, scalars),
            );
            if records.len() >= CHUNK {
                self.file.append(&records)?;
                records.clear();
            }
        }
        self.file.append(&records)
    }

    pub(super) fn len(&self) -> u64 {
        self.file.len()
    }

    /// Cuts the file after so many bytes as far as it can be.
    pub(super) fn take_back(&mut self, len: u64) {
        self.file.take_back(len);
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync()
    }

    #[cfg(test)]
    pub(super) fn lines(&mut self) -> &mut Lines {
        &mut self.file
    }
}

/// The next line that says something; `None` at the end. Others are passed over: they are no reason to stop a run.
fn next<T: DeserializeOwned>(lines: &mut dyn BufRead, text: &mut Vec<u8>) -> io::Result<Option<T>> {
    loop {
        text.clear();
        if lines.read_until(b'\n', text)? == 0 {
            return Ok(None);
        }
        if let Ok(line) = serde_json::from_slice(text) {
            return Ok(Some(line));
        }
    }
}

/// When the run of the first event file in `folder` began, as its name says.
fn began(folder: &Path) -> io::Result<Option<u64>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let seconds = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        all.extend(seconds.and_then(|seconds| seconds.parse::<u64>().ok()));
    }
    Ok(all.into_iter().min())
}

/// When a file was last written to, in seconds since 1970: a library has no calendar, and the file system does. Without one
/// times count from the beginning of the run.
fn made(file: &File) -> u64 {
    let date = file.metadata().and_then(|data| data.modified()).ok();
    date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
