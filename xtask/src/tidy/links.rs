//! Links in documents that point into the tree point at something.

use super::files::Source;
use crate::cargo;
use std::path::Path;

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let root = cargo::root();
    let mut complaints = Vec::new();
    for Source { path, text } in sources.iter().filter(|source| source.path.ends_with(".md")) {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        for (i, line) in text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = target.split('#').next().unwrap_or_default();
                if file.is_empty() || target.contains("://") || root.join(folder).join(file).exists() {
                    continue;
                }
                complaints.push(format!("{path}:{}: the link to {target} leads nowhere", i + 1));
            }
        }
    }
    complaints
}
