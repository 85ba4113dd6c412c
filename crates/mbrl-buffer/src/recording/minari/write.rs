//! Writing datasets of Minari: a folder that `minari.load_dataset` loads.

use crate::recording::{Recording, hdf5};
use crate::write_aside;
use mbrl_core::{Context, Error, Result, Space};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The version of Minari whose layout is written.
const MINARI: &str = "0.5.4";

impl Recording {
    /// Writes it as a dataset of Minari in HDF5: a new folder, which is renamed into place once all of it is there.
    ///
    /// The last part of the path is the id of the dataset, and is named as Minari wants it, `cartpole-expert-v0` say.
    /// `minari.load_dataset` finds it where `MINARI_DATASETS_PATH` is the folder that it is in. A folder that is there
    /// already is never touched. Refused are recordings whose episodes have gaps, which the format cannot say.
    pub fn save_minari(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        write(self, folder).with_context(|| format!("writing {}", folder.display()))
    }
}

fn write(recording: &Recording, folder: &Path) -> Result<()> {
    let id = folder.file_name().and_then(|name| name.to_str()).filter(|name| is_id(name)).ok_or_else(|| {
        Error::invalid("Minari wants letters, digits, - and _, and a version at the end: name it as in cartpole-expert-v0")
    })?;
    if folder.symlink_metadata().is_ok() {
        return Err(Error::invalid("it is there already: name another folder, or remove it"));
    }
    let episodes: Vec<Range<usize>> = recording.episodes().collect();
    let rows = recording.rows();
    for row in episodes.iter().flat_map(|episode| episode.start..episode.end - 1) {
        if rows.next_obs.row(row) != rows.obs.row(row + 1) {
            return Err(Error::invalid(format_args!(
                "row {row} was followed by another observation than that of the next row, which Minari cannot say: write \
                 .npz or .hdf5"
            )));
        }
    }
    let obs = space(recording.about().obs.as_ref(), rows.obs.dim())?;
    let act = space(recording.about().act.as_ref(), rows.act.dim())?;
    let aside = Aside::beside(folder)?;
    let data = aside.0.join("data");
    std::fs::create_dir_all(&data).map_err(Error::io)?;
    let file = data.join(super::MAIN_FILE);
    write_aside(&file, |out| hdf5::write_episodes(rows, &episodes, (&obs, &act), out))?;
    let bytes = file.metadata().map_err(Error::io)?.len();
    let metadata = metadata(recording, id, episodes.len(), (&obs, &act), bytes)?;
    write_aside(data.join(super::METADATA), |out| out.write_all(metadata.as_bytes()).map_err(Error::io))?;
    std::fs::rename(&aside.0, folder).map_err(Error::io)
}

/// Whether Minari takes this for the id of a dataset: a name and a version, `-v0` say.
fn is_id(name: &str) -> bool {
    let is_of =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    let version = name.rsplit_once("-v");
    version.is_some_and(|(name, version)| {
        is_of(name) && !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The space that is known, or one that everything of this width is in.
fn space(known: Option<&Space>, width: usize) -> Result<Space> {
    known.map_or_else(|| Space::unbounded(width), |space| Ok(space.clone()))
}

/// A folder beside the one that is to be made, removed unless it took its place.
struct Aside(PathBuf);

impl Aside {
    fn beside(folder: &Path) -> Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let aside = folder.with_file_name(format!(".{name}-{}.part", std::process::id()));
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(Error::io)?;
        }
        std::fs::create_dir(&aside).with_context(|| aside.display())?;
        Ok(Aside(aside))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // After the renaming there is nothing left to remove.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `metadata.json` is to say.
fn metadata(
    recording: &Recording,
    id: &str,
    episodes: usize,
    (obs, act): (&Space, &Space),
    bytes: u64,
) -> Result<String> {
    let about = recording.about();
    let mut said = Map::new();
    let mut say = |key: &str, value: Value| said.insert(key.to_owned(), value);
    say("total_episodes", json!(episodes));
    say("total_steps", json!(recording.rows().len()));
    say("data_format", json!("hdf5"));
    say("jpeg_encoding", json!(false));
    say("observation_space", json!(written(obs)));
    say("action_space", json!(written(act)));
    say("dataset_id", json!(id));
    say("minari_version", json!(MINARI));
    // In megabytes, as Minari counts.
    say("dataset_size", json!((bytes as f64 / 1e5).round() / 10.0));
    if let Some(env) =
        about.env.as_ref().filter(|env| env.chars().all(|c| c.is_alphanumeric() || "-_.:/".contains(c)))
    {
        say("env_spec", json!(json!({ "id": env, "additional_wrappers": [] }).to_string()));
    }
    if let Some(made_by) = &about.made_by {
        say("algorithm_name", json!(made_by));
    }
    if let Some(reference) = about.reference {
        say("ref_min_score", json!(reference.min));
        say("ref_max_score", json!(reference.max));
    }
    serde_json::to_string_pretty(&said).map_err(Error::backend)
}

/// A space in the words of Minari, whose JSON knows infinity.
fn written(space: &Space) -> String {
    match space {
        Space::Discrete { n } => {
            json!({ "type": "Discrete", "dtype": "int64", "start": 0, "n": n }).to_string()
        }
        Space::Box(bounds) => {
            let (low, high) = (list(bounds.low()), list(bounds.high()));
            let shape = bounds.low().len();
            format!(
                r#"{{"type": "Box", "dtype": "float32", "shape": [{shape}], "low": {low}, "high": {high}}}"#
            )
        }
    }
}

fn list(bounds: &[f32]) -> String {
    let mut text = String::from("[");
    for (i, bound) in bounds.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        // Writing to a text cannot fail.
        let _ = match bound.is_infinite() {
            true if *bound > 0.0 => write!(text, "{comma}Infinity"),
            true => write!(text, "{comma}-Infinity"),
            false => write!(text, "{comma}{bound:?}"),
        };
    }
    text + "]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_minari() {
        assert!(["a-v0", "cartpole-expert-v12", "A_b-c-v1"].into_iter().all(is_id));
        assert!(!["a", "a-v", "-v0", "a-v0x", "a b-v0", "a.b-v0", ""].into_iter().any(is_id));
    }

    #[test]
    fn spaces_are_written_as_they_are_read() {
        for space in [
            Space::discrete(3).unwrap(),
            Space::unbounded(2).unwrap(),
            Space::bounded(&[-0.1, f32::NEG_INFINITY], &[1e-30, 3.4e38]).unwrap(),
        ] {
            let json = super::super::json(&written(&space)).unwrap();
            assert_eq!(super::super::space(&json, false).unwrap().space, Some(space));
        }
    }
}
