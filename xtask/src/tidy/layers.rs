//! Crates see only what is below them, and those that promise it are free of candle.

use crate::cargo::{Metadata, printed};
use mbrl_core::Result;

/// What each crate may see of the others in its normal dependencies.
const LAYERS: &[(&str, &[&str])] = &[
    ("mbrl-core", &[]),
    ("mbrl-testkit", &["mbrl-core"]),
    ("mbrl-buffer", &["mbrl-core"]),
    ("mbrl-envs", &["mbrl-core"]),
    ("mbrl-plan", &["mbrl-core"]),
    ("mbrl-bench", &["mbrl-core", "mbrl-buffer", "mbrl-envs", "mbrl-plan"]),
    ("xtask", &["mbrl-core", "mbrl-buffer", "mbrl-envs", "mbrl-plan", "mbrl-bench"]),
];

/// Those that a user may take alone, without a tensor library behind them.
const WITHOUT_CANDLE: &[&str] = &["mbrl-core", "mbrl-buffer", "mbrl-envs", "mbrl-plan"];

pub(super) fn check(metadata: &Metadata) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let ours: Vec<&str> = metadata.members().map(|package| package.name.as_str()).collect();
    for package in metadata.members() {
        let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
            complaints
                .push(format!("{}: not in the table of layers (xtask/src/tidy/layers.rs)", package.name));
            continue;
        };
        for dependency in
            package.dependencies.iter().filter(|d| d.kind.is_none() && ours.contains(&d.name.as_str()))
        {
            if !below.contains(&dependency.name.as_str()) {
                complaints.push(format!(
                    "{} may not depend on {}: arrows point down",
                    package.name, dependency.name
                ));
            }
        }
        if !package.manifest_path.with_file_name("README.md").exists() && package.name.starts_with("mbrl-") {
            complaints.push(format!("{}: has no README.md", package.name));
        }
    }
    for name in WITHOUT_CANDLE {
        let tree = printed(&["tree", "--edges", "normal", "--prefix", "none", "--package", name])?;
        if let Some(line) = tree.lines().find(|line| line.starts_with("candle")) {
            complaints.push(format!("{name} depends on {line}: only mbrl-nn may"));
        }
    }
    Ok(complaints)
}
