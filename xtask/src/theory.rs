//! The derivations of docs/theory as pages of the documentation of mbrl-bounds.
//!
//! The sources have formulas in LaTeX, which hosts of code draw and rustdoc does not. Here they become MathML, which browsers
//! draw without a script, and names of items become links, which rustdoc checks.

mod formula;

use crate::cargo;
use formula::{Place, mathml};
use mbrl_core::{Context, Error, Result};

/// A page of the crate's documentation.
#[derive(Debug)]
pub(crate) struct Page {
    /// Where it belongs, from the root.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A file of docs/theory, and the module that it becomes the page of.
const SOURCES: &[(&str, &str)] = &[
    ("README", "crate::theory"),
    ("divergences", "crate::theory::divergences"),
    ("mbpo", "crate::theory::mbpo"),
    ("mopo", "crate::theory::mopo"),
    ("psrl", "crate::theory::psrl"),
];

/// Every page, as its source says it now.
pub(crate) fn pages() -> Result<Vec<Page>> {
    let page = |(name, _): &(&str, &str)| {
        let source = format!("docs/theory/{name}.md");
        let text = std::fs::read_to_string(cargo::root().join(&source)).context(&source)?;
        // A folder of sources with a README would show one that is all tags.
        let stem = if *name == "README" { "overview" } else { name };
        let text = format!(
            "[//]: # \"Made by `cargo xtask theory` from {source}: edit that.\"\n{}",
            convert(&text, &source)?
        );
        Ok(Page { path: format!("crates/mbrl-bounds/src/theory/{stem}.md"), text })
    };
    SOURCES.iter().map(page).collect()
}

/// A document in LaTeX as one that rustdoc understands. `name` is what errors call it.
fn convert(source: &str, name: &str) -> Result<String> {
    let mut page = String::new();
    let mut lines = source.lines().enumerate().peekable();
    let mut fenced = false;
    while let Some((i, line)) = lines.next() {
        let place = || format!("{name}:{}", i + 1);
        let text = line.trim_start();
        fenced ^= text.starts_with("```");
        if fenced || text.starts_with("```") {
            page.push_str(line);
        } else if i == 0 && line.starts_with("# ") {
            // The page of a module has its title already.
            continue;
        } else if let Some(begun) = text.strip_prefix("$$") {
            let mut formula = begun.to_owned();
            while !formula.trim_end().ends_with("$$") {
                let (_, more) =
                    lines.next().ok_or_else(|| refused("a formula has no closing $$")).with_context(place)?;
                formula.push(' ');
                formula.push_str(more.trim());
            }
            let formula = formula.trim_end().trim_end_matches("$$");
            page.push_str(&line[..line.len() - text.len()]);
            // A block of tags lasts to the next blank line, and must have none inside.
            page.push_str("<div class=\"formula\">");
            page.push_str(&mathml(formula, Place::Block).with_context(place)?);
            page.push_str("</div>");
            if lines.peek().is_some_and(|(_, next)| !next.trim().is_empty()) {
                page.push('\n');
            }
        } else {
            page.push_str(&convert_line(line).with_context(place)?);
        }
        page.push('\n');
    }
    Ok(format!("{}\n\n{STYLE}\n", page.trim()))
}

/// Browsers have a good font for formulas more often than they choose it. Rustdoc lets every block scroll, which shows bars
/// beside lines with formulas that are a little higher than they say, and breaks code in the middle of a word where a table is
/// narrow.
const STYLE: &str = "<style>\
math { font-family: \"Latin Modern Math\", \"STIX Two Math\", \"Cambria Math\", \"DejaVu Math TeX Gyre\", math; } \
.docblock > p, .docblock > ul { overflow: visible !important; } \
.docblock > .formula { overflow: auto hidden; padding: 0.25em 0; margin-bottom: 0.75em; } \
.docblock .whole { white-space: nowrap; } \
.docblock code:has(wbr) { overflow-wrap: normal; } \
.docblock td code { font-size: 0.875em; } \
@media (max-width: 500px) { .docblock td, .docblock th { padding: 0.25em !important; } }\
</style>";

/// A line of running text: its formulas, its names of items and its links to other pages.
fn convert_line(line: &str) -> Result<String> {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '$', ']']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('`') {
            let (code, after) = closed(&rest[1..], '`')?;
            rest = push_whole(&mut text, &link(code), after);
        } else if rest.starts_with('$') {
            let (formula, after) = closed(&rest[1..], '$')?;
            rest = push_whole(&mut text, &mathml(formula, Place::Line)?, after);
        } else if let Some(target) = rest.strip_prefix("](") {
            let (target, after) = closed(target, ')')?;
            text.push_str(&page_of(target)?);
            rest = after;
        } else {
            text.push(']');
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// Appends what browsers take for a box, and keeps it on one line with what touches it: they break lines on both sides of a
/// box, even before a comma. Returns what is left of the text `after` it.
fn push_whole<'a>(text: &mut String, shown: &str, after: &'a str) -> &'a str {
    let touches = |c: char| !c.is_whitespace() && !"`$*[]|<>&\\".contains(c);
    let before = text.trim_end_matches(touches).len();
    let (close, rest) = after.split_at(after.len() - after.trim_start_matches(touches).len());
    if before == text.len() && close.is_empty() {
        text.push_str(shown);
    } else {
        let open = text.split_off(before);
        text.push_str(&format!("<span class=\"whole\">{open}{shown}{close}</span>"));
    }
    rest
}

/// What is before the next `close`, and what is behind it.
fn closed(text: &str, close: char) -> Result<(&str, &str)> {
    let missing = || refused(format_args!("`{text}` has no closing {close} on its line"));
    text.split_once(close).ok_or_else(missing)
}

/// A span of code; where it names an item of mbrl-bounds, a link to it.
fn link(code: &str) -> String {
    match code.strip_prefix("mbrl_bounds::") {
        Some(item) => format!("[{}][crate::{item}]", path(item)),
        None if code.contains("::") => path(code),
        None => format!("`{code}`"),
    }
}

/// A path as code that may go on in the next line behind a `::`, and nowhere else.
fn path(code: &str) -> String {
    let guarded = code.replace('&', "&amp;").replace('<', "&lt;").replace('_', "&#95;");
    format!("<code>{}</code>", guarded.replace("::", "::<wbr>"))
}

/// The end of a link to this file, in the crate's documentation.
fn page_of(target: &str) -> Result<String> {
    if target.contains("://") {
        return Ok(format!("]({target})"));
    }
    let (file, place) = target.split_once('#').unwrap_or((target, ""));
    let module = SOURCES.iter().find(|(name, _)| file.strip_suffix(".md") == Some(name));
    let Some((_, module)) = module else {
        return Err(refused(format_args!(
            "no page is made of {target}: link to one of docs/theory, or to the web"
        )));
    };
    let hash = if place.is_empty() { "" } else { "#" };
    Ok(format!("][{module}{hash}{place}]"))
}

fn refused(why: impl std::fmt::Display) -> Error {
    Error::invalid(format_args!("{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_has_the_pages_that_the_sources_say() {
        for page in pages().unwrap() {
            let has = std::fs::read_to_string(cargo::root().join(&page.path)).unwrap_or_default();
            assert!(has == page.text, "{} is older than its source: run `cargo xtask theory`", page.path);
        }
    }

    #[test]
    fn every_formula_of_the_pages_is_sound() {
        for page in pages().unwrap() {
            for formula in page.text.split("<math").skip(1) {
                let (tags, _) = formula.split_once("</math>").unwrap();
                assert!(!tags.contains('\n'), "{tags}");
                formula::tests::assert_well_formed(&format!("<math{tags}</math>"));
            }
        }
    }

    #[test]
    fn formulas_are_converted_outside_code() {
        let page = convert("# Title\n\nSo $a_i$ and `$x$`.\n\n$$\nx\n= y\n$$\n\n```text\n$z$\n```\n", "x.md")
            .unwrap();
        assert!(
            page.starts_with("So <math")
                && page.contains("</math> and <span class=\"whole\">`$x$`.</span>\n\n<div"),
            "{page}"
        );
        assert!(page.contains("</math></div>\n\n```text\n$z$\n```\n"), "{page}");
        assert!(!page.contains("Title") && page.matches("<math").count() == 2, "{page}");
    }

    #[test]
    fn names_of_items_and_of_pages_become_links() {
        let line = "`mbrl_bounds::mbpo::k_star` `mbrl_plan::mix` `f` [a](mbpo.md#theorem-41), [b], [c](https://doi.org/10).";
        let links = "[<code>mbpo::<wbr>k&#95;star</code>][crate::mbpo::k_star] <code>mbrl&#95;plan::<wbr>mix</code> `f` \
                     [a][crate::theory::mbpo#theorem-41], [b], [c](https://doi.org/10).";
        assert_eq!(convert_line(line).unwrap(), links);
    }

    #[test]
    fn what_touches_a_formula_or_a_name_stays_on_its_line() {
        let x = mathml("x", Place::Line).unwrap();
        for (line, converted) in [
            ("in $x$ now", format!("in {x} now")),
            ("in $x$, now", format!("in <span class=\"whole\">{x},</span> now")),
            ("the ($x$-th) of", format!("the <span class=\"whole\">({x}-th)</span> of")),
            ("($x$)$x$.", format!("<span class=\"whole\">({x})</span><span class=\"whole\">{x}.</span>")),
            ("*$x$*, [$x$].", format!("*{x}*, [{x}].")),
            ("| $x$ | `f`; |", format!("| {x} | <span class=\"whole\">`f`;</span> |")),
        ] {
            assert_eq!(convert_line(line).unwrap(), converted);
        }
    }

    #[test]
    fn what_cannot_be_converted_is_refused_with_its_line() {
        for (source, says) in [
            ("\n$a", "x.md:2: `a` has no closing $"),
            ("$$\na", "x.md:1: a formula has no closing $$"),
            ("\n\n$a|b$", "x.md:3: `|` in $a|b$"),
            ("[a](mbpp.md)", "no page is made of mbpp.md"),
        ] {
            let error = convert(source, "x.md").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
