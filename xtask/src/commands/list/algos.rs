//! The algorithms, and their presets.

use crate::out;
use mbrl_agents::{ALL, Preset, Spaces, leaves};
use mbrl_core::Result;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An algorithm as others script against it: more may be added, none renamed.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    summary: &'static str,
    source: &'static str,
    spaces: Spaces,
    offline: bool,
    presets: &'static [Preset],
}

pub(super) fn algos(json: bool) -> Result<()> {
    let listed = ALL.iter().map(|algorithm| Listed {
        name: algorithm.name,
        summary: algorithm.summary,
        source: algorithm.source,
        spaces: algorithm.spaces,
        offline: algorithm.offline,
        presets: algorithm.presets,
    });
    let listed: Vec<Listed> = listed.collect();
    if json {
        return out::json(&listed);
    }
    let cells = |algorithm: &Listed| {
        let spaces = match algorithm.spaces {
            Spaces::Any => "any",
            Spaces::Continuous => "numbers",
            Spaces::Discrete => "choices",
        };
        let from = if algorithm.offline { "a dataset" } else { "the world" };
        let presets: Vec<&str> = algorithm.presets.iter().map(|preset| preset.name).collect();
        [algorithm.name, algorithm.summary, spaces, from, &presets.join(", "), algorithm.source]
            .map(str::to_owned)
            .to_vec()
    };
    let rows: Vec<Vec<String>> = listed.iter().map(cells).collect();
    out::table(&["name", "summary", "actions", "learns from", "presets", "source"], &rows)
}

/// A preset, with all that is set in it.
#[derive(Serialize)]
struct ListedPreset {
    algo: &'static str,
    name: &'static str,
    summary: &'static str,
    config: Value,
}

pub(super) fn presets(json: bool) -> Result<()> {
    let mut listed = Vec::new();
    for algorithm in ALL {
        for Preset { name, summary } in algorithm.presets {
            listed.push(ListedPreset {
                algo: algorithm.name,
                name,
                summary,
                config: algorithm.config(name)?,
            });
        }
    }
    if json {
        return out::json(&listed);
    }
    let rows =
        listed.iter().map(|preset| [preset.algo, preset.name, preset.summary].map(str::to_owned).to_vec());
    out::table(&["algorithm", "preset", "where it is from"], &rows.collect::<Vec<_>>())?;
    for algorithm in ALL {
        let of_it: Vec<&ListedPreset> =
            listed.iter().filter(|preset| preset.algo == algorithm.name).collect();
        differences(algorithm.name, &of_it)?;
    }
    Ok(())
}

/// The settings in which presets of one algorithm differ, a row each.
fn differences(algo: &str, presets: &[&ListedPreset]) -> Result<()> {
    let mut values = BTreeMap::<String, Vec<String>>::new();
    for (i, preset) in presets.iter().enumerate() {
        for (path, value) in leaves(&preset.config) {
            let row = values.entry(path).or_insert_with(|| vec!["-".to_owned(); presets.len()]);
            row[i] = value.to_string();
        }
    }
    values.retain(|_, row| row.windows(2).any(|pair| pair[0] != pair[1]));
    if values.is_empty() {
        return Ok(());
    }
    out::line("")?;
    let headings: Vec<&str> = std::iter::once(algo).chain(presets.iter().map(|preset| preset.name)).collect();
    let rows = values.into_iter().map(|(path, row)| std::iter::once(path).chain(row).collect::<Vec<_>>());
    out::table(&headings, &rows.collect::<Vec<_>>())
}
