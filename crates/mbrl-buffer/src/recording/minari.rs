//! Datasets of Minari: a folder with what is known of them in `metadata.json`, and episodes in one of three formats.

mod arrow;
mod flatbuffer;
mod folders;
#[cfg(feature = "parquet")]
mod parquet;
mod spaces;
#[cfg(feature = "hdf5")]
mod write;

use super::episodes::Episodes;
use super::{About, Format, Recording, Reference, format, open};
use mbrl_core::{Context, Error, Result};
use serde_json::Value;
use spaces::{Held, space};
use std::path::Path;

/// What is known of a dataset.
pub(super) const METADATA: &str = "metadata.json";
/// The episodes, where they are groups of one file.
pub(super) const MAIN_FILE: &str = "main_data.hdf5";

/// What `metadata.json` says.
#[derive(Debug)]
pub(super) struct Metadata {
    data_format: String,
    pub(super) episodes: Option<u64>,
    pub(super) steps: Option<u64>,
    pub(super) about: About,
    /// What the first choice is called, where actions are choices; the same of observations.
    first: [f32; 2],
    notes: Vec<String>,
}

/// The dataset in a folder, or whose HDF5 file is named.
pub(super) fn read(path: &Path) -> Result<Recording> {
    let data = match (path.is_dir(), path.parent()) {
        (false, Some(folder)) => folder.to_path_buf(),
        _ => format::minari_data(path)?,
    };
    let metadata = Metadata::read(&data)?;
    let mut episodes = Episodes::new(metadata.steps);
    match metadata.format()? {
        #[cfg(feature = "hdf5")]
        Format::MinariHdf5 => {
            super::hdf5::read_minari(&data.join(MAIN_FILE), &mut episodes).context(MAIN_FILE)?
        }
        Format::MinariArrow => arrow::read_minari(&data, &mut episodes)?,
        #[cfg(feature = "parquet")]
        Format::MinariParquet => parquet::read_minari(&data, &mut episodes)?,
        #[allow(unreachable_patterns, reason = "with all features there is no other")]
        other => return Err(open::switched_off(other)),
    }
    metadata.into_recording(episodes)
}

impl Metadata {
    pub(super) fn read(data: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(data.join(METADATA)).context(METADATA)?;
        Metadata::parse(&text).context(METADATA)
    }

    fn parse(text: &str) -> Result<Self> {
        let json = json(text)?;
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| json.get(key).and_then(Value::as_f64);
        let mut notes = Vec::new();
        let mut held = |key: &str| -> Result<Held> {
            let Some(text) = json.get(key).and_then(Value::as_str) else {
                return Ok(Held::default());
            };
            let is_jpeg = json.get("jpeg_encoding").and_then(Value::as_bool).unwrap_or(true);
            let held = self::json(text).and_then(|json| space(&json, is_jpeg)).context(key)?;
            notes.extend(held.note.as_ref().map(|note| format!("{key}: {note}")));
            Ok(held)
        };
        let (obs, act) = (held("observation_space")?, held("action_space")?);
        let spec = text("env_spec").and_then(|spec| self::json(&spec).ok());
        let (min, max) = (number("ref_min_score"), number("ref_max_score"));
        let reference = min.zip(max).filter(|(min, max)| min.is_finite() && max.is_finite() && min < max);
        let about = About {
            name: text("dataset_id"),
            env: spec.and_then(|spec| spec.get("id")?.as_str().map(str::to_owned)),
            made_by: made_by(&json),
            obs: obs.space,
            act: act.space,
            reference: reference.map(|(min, max)| Reference { min, max }),
        };
        let count = |key: &str| json.get(key).and_then(Value::as_u64);
        Ok(Metadata {
            data_format: text("data_format").unwrap_or_else(|| "hdf5".to_owned()),
            episodes: count("total_episodes"),
            steps: count("total_steps"),
            about,
            first: [obs.first, act.first],
            notes,
        })
    }

    pub(super) fn format(&self) -> Result<Format> {
        match self.data_format.as_str() {
            "hdf5" => Ok(Format::MinariHdf5),
            "arrow" => Ok(Format::MinariArrow),
            "parquet" => Ok(Format::MinariParquet),
            other => Err(Error::unsupported(format_args!(
                "{METADATA}: data_format is `{other}`: expected hdf5, arrow or parquet"
            ))),
        }
    }

    fn into_recording(self, episodes: Episodes) -> Result<Recording> {
        let found = (episodes.count() as u64, episodes.steps() as u64);
        let mut notes = self.notes;
        for (what, said, found) in [("episodes", self.episodes, found.0), ("steps", self.steps, found.1)] {
            if let Some(said) = said.filter(|said| *said != found) {
                notes.push(format!("{METADATA} says {said} {what}, and there are {found}"));
            }
        }
        let (mut rows, more) = episodes.finish()?;
        // A choice is a number from 0 on here.
        for (numbers, first) in [
            (&mut rows.obs, self.first[0]),
            (&mut rows.next_obs, self.first[0]),
            (&mut rows.act, self.first[1]),
        ] {
            if first.abs() > 0.0 {
                numbers.as_mut_slice().iter_mut().for_each(|x| *x -= first);
            }
        }
        let mut recording = Recording::new(rows, self.about)?;
        notes.into_iter().chain(more).for_each(|note| recording.note(note));
        Ok(recording)
    }
}

/// The algorithm and its author, as far as they are said.
fn made_by(json: &Value) -> Option<String> {
    let algorithm = json.get("algorithm_name").and_then(Value::as_str);
    let authors: Vec<&str> = match json.get("author") {
        Some(Value::String(author)) => vec![author],
        Some(Value::Array(authors)) => authors.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    match (algorithm, authors.is_empty()) {
        (Some(algorithm), true) => Some(algorithm.to_owned()),
        (Some(algorithm), false) => Some(format!("{algorithm}, {}", authors.join(", "))),
        (None, true) => None,
        (None, false) => Some(authors.join(", ")),
    }
}

/// JSON as Python writes it, whose numbers may be infinite or none: those become strings.
fn json(text: &str) -> Result<Value> {
    let mut clean = String::with_capacity(text.len());
    let (mut rest, mut is_text) = (text, false);
    while let Some(first) = rest.chars().next() {
        let name =
            ["-Infinity", "Infinity", "NaN"].into_iter().find(|name| !is_text && rest.starts_with(name));
        let taken = match name {
            Some(name) => {
                clean.extend(["\"", name, "\""]);
                name.len()
            }
            None => {
                // What follows a backslash ends no text.
                let escaped =
                    if is_text && first == '\\' { rest.chars().nth(1).map_or(0, char::len_utf8) } else { 0 };
                is_text ^= first == '"';
                clean.push_str(&rest[..first.len_utf8() + escaped]);
                first.len_utf8() + escaped
            }
        };
        rest = &rest[taken..];
    }
    serde_json::from_str(&clean).map_err(|error| Error::corrupt(format_args!("it is no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::Space;

    #[test]
    fn numbers_that_json_does_not_know_are_read() {
        let value = json(r#"{"a": [NaN, -Infinity, 1.5], "b": "NaN \" Infinity", "c": "\\"}"#).unwrap();
        assert_eq!(value["a"][1], "-Infinity");
        assert_eq!(value["b"], "NaN \" Infinity");
        assert_eq!(value["c"], "\\");
        assert!(json("{").unwrap_err().to_string().starts_with("it is no JSON"));
    }

    #[test]
    fn metadata_says_what_is_known() {
        let metadata = Metadata::parse(
            r#"{"data_format": "arrow", "total_steps": 28, "dataset_id": "a/b-v0", "author": ["A", "B"],
            "observation_space": "{\"type\": \"Box\", \"shape\": [2, 1], \"low\": [[-Infinity], [0.0]], \"high\": [[Infinity], [1.0]]}",
            "action_space": "{\"type\": \"Discrete\", \"start\": -1, \"n\": 3}", "env_spec": "{\"id\": \"E-v1\"}",
            "algorithm_name": "SAC", "ref_min_score": 0, "ref_max_score": 10}"#,
        )
        .unwrap();
        assert_eq!(metadata.format().unwrap(), Format::MinariArrow);
        let About { name, env, made_by, obs, act, reference } = metadata.about;
        assert_eq!(name.as_deref(), Some("a/b-v0"));
        assert_eq!(env.as_deref(), Some("E-v1"));
        assert_eq!(made_by.as_deref(), Some("SAC, A, B"));
        assert_eq!(obs, Some(Space::bounded(&[f32::NEG_INFINITY, 0.0], &[f32::INFINITY, 1.0]).unwrap()));
        assert_eq!(act, Some(Space::discrete(3).unwrap()));
        assert_eq!(reference, Some(Reference { min: 0.0, max: 10.0 }));
        assert_eq!(metadata.first.map(f32::to_bits), [0.0, -1.0f32].map(f32::to_bits));
    }

    #[test]
    fn spaces_that_are_no_vectors_are_refused_by_name() {
        let refused = |space: &str| {
            let json = serde_json::json!({ "observation_space": space });
            Metadata::parse(&json.to_string()).unwrap_err().to_string()
        };
        assert!(
            refused(r#"{"type": "Dict", "subspaces": {}}"#).starts_with("observation_space: it is a Dict")
        );
        assert!(
            refused(r#"{"type": "Box", "shape": [64, 64, 3], "dtype": "uint8", "low": 0, "high": 255}"#)
                .starts_with("observation_space: these are images")
        );
        assert!(
            refused(r#"{"type": "Box", "shape": [2], "low": [0.0], "high": [1.0]}"#).contains("2 numbers")
        );
    }
}
