//! Crates see only what is below them, and those that promise it are free of candle.

use crate::cargo::{Dependency, Metadata, printed};
use mbrl_core::Result;

/// A crate, the layer it is in, and what it may see of the others in its normal and build dependencies.
struct Layer {
    name: &'static str,
    level: u8,
    sees: &'static [&'static str],
}

const ALL_LIBRARIES: &[&str] = &[
    "mbrl-core",
    "mbrl-testkit",
    "mbrl-buffer",
    "mbrl-envs",
    "mbrl-plan",
    "mbrl-nn",
    "mbrl-models",
    "mbrl-bounds",
    "mbrl-agents",
];

const LAYERS: &[Layer] = &[
    Layer { name: "mbrl-core", level: 0, sees: &[] },
    Layer { name: "mbrl-testkit", level: 1, sees: &["mbrl-core"] },
    Layer { name: "mbrl-buffer", level: 2, sees: &["mbrl-core"] },
    Layer { name: "mbrl-envs", level: 2, sees: &["mbrl-core"] },
    Layer { name: "mbrl-plan", level: 2, sees: &["mbrl-core"] },
    Layer { name: "mbrl-nn", level: 2, sees: &["mbrl-core"] },
    Layer { name: "mbrl-models", level: 3, sees: &["mbrl-core", "mbrl-buffer", "mbrl-nn"] },
    Layer { name: "mbrl-bounds", level: 3, sees: &["mbrl-core", "mbrl-plan"] },
    Layer {
        name: "mbrl-agents",
        level: 4,
        sees: &["mbrl-core", "mbrl-buffer", "mbrl-plan", "mbrl-nn", "mbrl-models", "mbrl-bounds"],
    },
    Layer { name: "mbrl-bench", level: 5, sees: ALL_LIBRARIES },
    Layer {
        name: "xtask",
        level: 6,
        sees: &[
            "mbrl-core",
            "mbrl-buffer",
            "mbrl-envs",
            "mbrl-plan",
            "mbrl-nn",
            "mbrl-models",
            "mbrl-bounds",
            "mbrl-agents",
            "mbrl-bench",
        ],
    },
];

/// The one crate whose manifest may name candle, in whatever role.
const WITH_CANDLE: &str = "mbrl-nn";
/// Those that a user may take alone, without a tensor library behind them.
const WITHOUT_CANDLE: &[&str] = &["mbrl-core", "mbrl-buffer", "mbrl-envs", "mbrl-plan", "mbrl-bounds"];

pub(super) fn check(metadata: &Metadata) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for package in metadata.members() {
        let name = package.name.as_str();
        let Some(layer) = find(name) else {
            complaints.push(format!("{name}: not in the table of layers (xtask/src/tidy/layers.rs)"));
            continue;
        };
        for dependency in &package.dependencies {
            if dependency.name.starts_with("candle") && name != WITH_CANDLE {
                complaints.push(format!(
                    "{name}: its manifest names {}: only that of {WITH_CANDLE} may",
                    dependency.name
                ));
            }
            if !allowed(layer, dependency) {
                complaints.push(format!("{name} may not depend on {}: arrows point down", dependency.name));
            }
        }
        if !package.manifest_path.with_file_name("README.md").exists() && name.starts_with("mbrl-") {
            complaints.push(format!("{name}: has no README.md"));
        }
    }
    for name in WITHOUT_CANDLE {
        let tree = printed(&["tree", "--edges", "normal", "--prefix", "none", "--package", name])?;
        if let Some(line) = tree.lines().find(|line| line.starts_with("candle")) {
            complaints.push(format!("{name} depends on {line}: only {WITH_CANDLE} may"));
        }
    }
    Ok(complaints)
}

fn find(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

/// Whether a crate may have this dependency: a stranger; one that it sees; for its tests, any that is below it.
fn allowed(layer: &Layer, dependency: &Dependency) -> bool {
    let Some(other) = find(&dependency.name) else {
        return true;
    };
    match dependency.kind.as_deref() {
        Some("dev") => other.level < layer.level,
        _ => layer.sees.contains(&other.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_down() {
        let may = |from, to: &str, kind: Option<&str>| {
            let dependency = Dependency { name: to.to_owned(), kind: kind.map(str::to_owned) };
            allowed(find(from).unwrap(), &dependency)
        };
        assert!(may("mbrl-buffer", "mbrl-core", None) && may("mbrl-buffer", "serde", None));
        assert!(may("mbrl-agents", "mbrl-envs", Some("dev")) && !may("mbrl-agents", "mbrl-envs", None));
        assert!(may("mbrl-envs", "mbrl-testkit", Some("dev")) && !may("mbrl-envs", "mbrl-testkit", None));
        for kind in [None, Some("dev"), Some("build")] {
            assert!(
                !may("mbrl-plan", "mbrl-buffer", kind) && !may("mbrl-core", "mbrl-plan", kind),
                "{kind:?}"
            );
        }
    }
}
