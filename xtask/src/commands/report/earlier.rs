//! The report that stood here before, and the figures that it leaves behind.

use super::page::PLOTS;
use crate::out;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

/// By this line in its head a page is known as one of ours.
pub(super) const MARK: &str = "<meta name=\"generator\" content=\"mbrl report\">";

/// The files of figures that the report in `file` links to, if there is one.
pub(super) fn figures(file: &Path) -> BTreeSet<String> {
    // A page that cannot be read is none of ours; whether it can be written is seen soon enough.
    std::fs::read_to_string(file).map_or_else(|_| BTreeSet::new(), |page| linked(&page))
}

/// Removes those of an earlier report's figures that no report in `folder` links to any more. A file that no report of
/// ours has linked to is never touched: it is somebody's own.
pub(super) fn remove(earlier: BTreeSet<String>, folder: &Path) {
    if earlier.is_empty() {
        return;
    }
    let pages = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ending| ending == "html"));
    let shown: BTreeSet<String> = pages.flat_map(|page| figures(&page)).collect();
    for name in earlier.difference(&shown) {
        match std::fs::remove_file(folder.join(PLOTS).join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                out::progress(format_args!("warning: the earlier figure {name} stays: {error}"));
            }
            _ => {}
        }
    }
}

fn linked(page: &str) -> BTreeSet<String> {
    let head = page.split("</head>").next().unwrap_or_default();
    if !head.contains(MARK) {
        return BTreeSet::new();
    }
    let link = format!("href=\"{PLOTS}/");
    let links = page.split(&link).skip(1).filter_map(|rest| rest.split('"').next());
    links.filter(|name| is_ours(name)).map(str::to_owned).collect()
}

/// Whether a report could have given a figure this name, which leads nowhere else.
fn is_ours(name: &str) -> bool {
    let stem = name.strip_suffix(".svg").or_else(|| name.strip_suffix(".png")).unwrap_or_default();
    !stem.is_empty() && stem.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_report_of_ours_links_to_is_its_own() {
        let links = "<a href=\"plots/bounds.svg\"><a href=\"plots/1-sac.png\"><a href=\"plots/../secret.png\">\
                     <a href=\"plots/notes.txt\"><a href=\"plots/.svg\"><a href=\"other/x.svg\">";
        let page = format!("<head>{MARK}</head>{links}");
        assert_eq!(linked(&page), BTreeSet::from(["1-sac.png".to_owned(), "bounds.svg".to_owned()]));
        assert!(linked(&format!("<head></head>{MARK}{links}")).is_empty());
        assert!(figures(Path::new("no/such/report.html")).is_empty());
    }
}
