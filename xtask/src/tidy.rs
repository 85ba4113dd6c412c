//! The invariants of the tree that can be checked. ARCHITECTURE.md states them; each check says what to mend.

mod files;
mod layers;
mod links;
mod versions;
mod words;

use crate::cargo::Metadata;
use mbrl_core::Result;

/// Everything that is untidy, one line each: the file, what is wrong, and the mend.
pub(crate) fn complaints() -> Result<Vec<String>> {
    let metadata = Metadata::read()?;
    let sources = files::sources()?;
    let mut complaints = Vec::new();
    complaints.extend(files::check(&sources));
    complaints.extend(words::check(&sources));
    complaints.extend(links::check(&sources));
    complaints.extend(layers::check(&metadata)?);
    complaints.extend(versions::check(&metadata)?);
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let complaints = super::complaints().unwrap();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
