//! The report that stood here before, and the figures that it leaves behind.

use super::page::PLOTS;
use crate::out;
use mbrl_core::{Context, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// The files of figures that a report wrote, by name, with checksums of what it wrote. They stand in the head of its page,
/// and there the next report finds them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Files(BTreeMap<String, u64>);

/// What the line in the head of a page begins with.
const LINE: &str = "<meta name=\"mbrl-figures\" content=\"";

impl Files {
    pub(super) fn of<'a>(files: impl Iterator<Item = (String, &'a [u8])>) -> Self {
        Files(files.map(|(name, bytes)| (name, checksum(bytes))).collect())
    }

    /// Those of the report in `page`; none if there is no report of ours.
    pub(super) fn read(page: &Path) -> Self {
        // Whoever reads a pipe or a terminal waits for ever.
        if !page.is_file() {
            return Files::default();
        }
        match fs::read(page) {
            Ok(text) => Files::listed(&String::from_utf8_lossy(&text)),
            Err(error) => {
                stay(format_args!("{}: {error}", page.display()));
                Files::default()
            }
        }
    }

    /// Removes what an earlier report wrote and the present one did not. A file stays if its content is no longer what was
    /// written, or if any file in `folder` names it, since it may be another report, or somebody's note. What stands
    /// elsewhere is not asked.
    pub(super) fn remove(mut self, written: &Files, folder: &Path) {
        self.0.retain(|name, _| !written.0.contains_key(name));
        if self.0.is_empty() {
            return;
        }
        if let Err(error) = self.forget_named(folder) {
            return stay(error);
        }
        for (name, sum) in &self.0 {
            match remove_unchanged(&folder.join(PLOTS).join(name), *sum) {
                Err(error) if error.kind() != ErrorKind::NotFound => stay(format_args!("{name}: {error}")),
                _ => {}
            }
        }
    }

    /// Forgets those that a file in `folder` names. Pages may have any ending.
    fn forget_named(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let file = entry.with_context(|| folder.display().to_string())?.path();
            let text = text(&file).with_context(|| file.display().to_string())?;
            let text = String::from_utf8_lossy(&text);
            self.0.retain(|name, _| !text.contains(&format!("{PLOTS}/{name}")));
        }
        Ok(())
    }

    fn listed(page: &str) -> Self {
        let head = page.split("</head>").next().unwrap_or_default();
        let list = head.split(LINE).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let file = |file: &str| {
            let (name, sum) = file.split_once('=').filter(|(name, _)| is_figure(name))?;
            Some((name.to_owned(), u64::from_str_radix(sum, 16).ok()?))
        };
        Files(list.split(' ').filter_map(file).collect())
    }
}

/// As the line in the head of a page.
impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(LINE)?;
        for (i, (name, sum)) in self.0.iter().enumerate() {
            let between = if i == 0 { "" } else { " " };
            write!(f, "{between}{name}={sum:016x}")?;
        }
        f.write_str("\">")
    }
}

/// Whether a report could have given a figure this name, which leads nowhere else.
fn is_figure(name: &str) -> bool {
    let stem = name.strip_suffix(".svg").or_else(|| name.strip_suffix(".png")).unwrap_or_default();
    !stem.is_empty() && stem.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
}

/// FNV-1a: it is to tell a file from another that somebody put in its place, and nobody gains by deceiving it.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What stands in a file; nothing where it is no regular file, or is gone by now.
fn text(file: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(file) {
        Ok(about) if about.is_file() => fs::read(file),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(Vec::new()),
    }
}

fn remove_unchanged(file: &Path, sum: u64) -> io::Result<()> {
    // A report makes no links: one that is here is somebody's own, whatever it leads to.
    let is_ours = fs::symlink_metadata(file)?.is_file() && checksum(&fs::read(file)?) == sum;
    if is_ours { fs::remove_file(file) } else { Ok(()) }
}

fn stay(why: impl fmt::Display) {
    out::progress(format_args!("warning: figures of the report before stay: {why}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_lists_is_read_again_and_leads_nowhere_else() {
        let files = [("returns.svg", &b"<svg>"[..]), ("1-sac.png", b"")];
        let files = Files::of(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)));
        assert_eq!(Files::listed(&format!("<head>{files}</head>")), files);
        // A line outside the head, a link, and a page without either say nothing.
        assert_eq!(
            Files::listed(&format!("<head></head>{files}<a href=\"plots/bounds.svg\">")),
            Files::default()
        );
        let hostile = "../secret.png=1 notes.txt=2 .svg=3 a/b.svg=4 bounds.svg bounds.png=five 1-a.svg=6";
        let listed = Files::listed(&format!("{LINE}{hostile}\"></head>"));
        assert_eq!(listed, Files(BTreeMap::from([("1-a.svg".to_owned(), 6)])));
    }

    #[test]
    fn the_checksum_is_the_published_one() {
        // From the test vectors of draft-eastlake-fnv.
        assert_eq!(checksum(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(checksum(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(checksum(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
