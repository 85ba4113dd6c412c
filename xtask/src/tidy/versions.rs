//! One copy of the libraries whose types cross crates, and a `rust-version` that is true.

use crate::cargo::{self, Metadata};
use mbrl_core::{Context, Result};
use std::collections::BTreeMap;

/// Libraries of which two copies would not understand each other, or would be compiled twice for nothing.
const ONE_COPY: &[&str] = &[
    "candle-core",
    "candle-nn",
    "gemm",
    "half",
    "ndarray",
    "rand",
    "rand_chacha",
    "rand_core",
    "rand_distr",
    "rayon",
    "serde",
];

pub(super) fn check(metadata: &Metadata) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let mut versions = BTreeMap::<&str, Vec<&str>>::new();
    for package in &metadata.packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    for (name, versions) in
        versions.iter().filter(|(name, versions)| ONE_COPY.contains(name) && versions.len() > 1)
    {
        complaints
            .push(format!("{name}: {} in one tree: choose versions that share one", versions.join(" and ")));
    }
    let manifest = std::fs::read_to_string(cargo::root().join("Cargo.toml")).context("Cargo.toml")?;
    let ours = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap_or_default();
    let ours = ours.trim_matches('"');
    for package in &metadata.packages {
        if let Some(theirs) = package.rust_version.as_deref().filter(|theirs| number(theirs) > number(ours)) {
            complaints.push(format!(
                "Cargo.toml: rust-version is {ours} and {} {} needs {theirs}: raise it",
                package.name, package.version
            ));
        }
    }
    Ok(complaints)
}

/// Major and minor of a version, as numbers that compare.
fn number(version: &str) -> Vec<u32> {
    version.split('.').take(2).map(|part| part.parse().unwrap_or(0)).collect()
}
