//! Every file says what it is, holds one concept, and is clean at the ends of its lines.

use crate::cargo;
use mbrl_core::{Context, Result};
use std::path::{Path, PathBuf};

/// A text file of the tree.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path from the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// Where the tree's own files are.
const PLACES: &[&str] = &["crates", "xtask", "benches", "docs", ".ci", ".cargo"];
const KINDS: &[&str] = &["rs", "md", "toml", "py"];
/// Past this, inline tests included, a file holds two concepts.
const MOST_LINES: usize = 500;
/// What every tree has at its root.
const EXPECTED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    ".ci/run",
];

/// The text files of the tree.
pub(super) fn sources() -> Result<Vec<Source>> {
    let root = cargo::root();
    let mut paths = Vec::new();
    for place in PLACES {
        walk(&root.join(place), &mut paths)?;
    }
    for entry in std::fs::read_dir(&root).context("the root of the tree")? {
        paths.push(entry.context("the root of the tree")?.path());
    }
    paths.retain(|path| {
        path.is_file() && path.extension().is_some_and(|kind| KINDS.iter().any(|k| kind == *k))
    });
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let short = path.strip_prefix(&root).unwrap_or(&path);
            Ok(Source { path: short.display().to_string().replace('\\', "/"), text })
        })
        .collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        match path.is_dir() {
            true if path.ends_with("target") || path.ends_with("__pycache__") => {}
            true => walk(&path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let root = cargo::root();
    let mut complaints: Vec<String> = EXPECTED
        .iter()
        .filter(|name| !root.join(name).exists())
        .map(|name| format!("{name}: missing"))
        .collect();
    for Source { path, text } in sources {
        let lines = text.lines().count();
        if text.contains(char::REPLACEMENT_CHARACTER) {
            complaints.push(format!("{path}: not UTF-8: save it as such"));
        }
        if path.ends_with(".rs") && !text.starts_with("//!") {
            complaints.push(format!("{path}: begin with a //! line that says what the file holds"));
        }
        if path.ends_with(".rs") && lines > MOST_LINES {
            complaints
                .push(format!("{path}: {lines} lines; past {MOST_LINES} it holds two concepts: split it"));
        }
        if let Some(i) = text.lines().position(|line| line.ends_with([' ', '\t'])) {
            complaints.push(format!("{path}:{}: trailing whitespace", i + 1));
        }
        if !text.ends_with('\n') || text.ends_with("\n\n") {
            complaints.push(format!("{path}: end with one line break"));
        }
    }
    if let Some(log) = sources.iter().find(|source| source.path == "CHANGELOG.md")
        && !log.text.contains("### Value-changing")
    {
        complaints.push("CHANGELOG.md: keep the heading \"### Value-changing\"".to_owned());
    }
    complaints
}
