//! The page of results, whose tables are written by the commands that measured them.

use mbrl_core::{Context, Error, Result};
use std::path::Path;

/// The page, from the root of the tree.
pub(super) const FILE: &str = "docs/results.md";

/// Puts a table between the two marks of its figure.
pub(super) fn put(file: &Path, name: &str, table: &str) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let page = between(&text, name, table).ok_or_else(|| {
        Error::invalid(format_args!("{}: has no `{}` … `{}`", file.display(), begin(name), end(name)))
    })?;
    mbrl_buffer::write_aside(file, |out| out.write_all(page.as_bytes()).context("writing"))
}

fn begin(name: &str) -> String {
    format!("<!-- {name}: cargo xtask reproduce {name} -->")
}

fn end(name: &str) -> String {
    format!("<!-- end of {name} -->")
}

fn between(text: &str, name: &str, table: &str) -> Option<String> {
    let (front, rest) = text.split_once(&begin(name))?;
    let (_, back) = rest.split_once(&end(name))?;
    Some(format!("{front}{}\n{}\n{}{back}", begin(name), table.trim(), end(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let page = |inner: &str| format!("a\n{}\n{inner}\n{}\nb\n", begin("x"), end("x"));
        assert_eq!(between(&page("old\nrows"), "x", "\nnew\n"), Some(page("new")));
        assert_eq!(between("a\nb\n", "x", "new"), None);
    }
}
