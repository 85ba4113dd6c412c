//! A formula in LaTeX as MathML that may stand in Markdown.

use mbrl_core::{Error, Result};
use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, RenderConfig, Storage, push_mathml};

/// Where a formula stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In running text.
    Line,
    /// By itself.
    Block,
}

/// A formula as tags, on one line, in which Markdown finds nothing to do.
pub(super) fn mathml(formula: &str, place: Place) -> Result<String> {
    // A backslash before punctuation is an escape to Markdown, a bar ends the cell of a table, a star begins emphasis, and
    // these begin and end tags: hosts of code differ in which comes first, these or the formula.
    let mut follows_backslash = false;
    for c in formula.chars() {
        if matches!(c, '|' | '*' | '<' | '>' | '~') || follows_backslash && c.is_ascii_punctuation() {
            return Err(Error::invalid(format_args!(
                "`{c}` in ${formula}$ may be taken for Markdown: write \\lvert, \\mid, \\star, \\lt, \\gt, \\lbrace, \\cr or \\quad"
            )));
        }
        follows_backslash = c == '\\';
    }
    let (storage, mut tags) = (Storage::new(), String::new());
    let display_mode = if place == Place::Block { DisplayMode::Block } else { DisplayMode::Inline };
    let config = RenderConfig { display_mode, ..RenderConfig::default() };
    push_mathml(&mut tags, Parser::new(formula.trim(), &storage), config).map_err(Error::backend)?;
    if tags.contains("<merror") {
        return Err(Error::invalid(format_args!("${formula}$ is not understood: {tags}")));
    }
    Ok(guarded(&mended(&tags)))
}

/// Makes good what is amiss in the tags of pulldown-latex 0.8.
fn mended(tags: &str) -> String {
    // No blank between two attributes of \big.
    let mut tags = tags.replace("\"minsize", "\" minsize");
    // The space before the name of a function got inside its limits, as one child too many.
    let space = "<mspace width=\"0.1667em\" />";
    for with_limits in ["msub", "msup", "msubsup", "munder", "mover", "munderover"] {
        tags = tags.replace(&format!("<{with_limits}>{space}"), &format!("{space}<{with_limits}>"));
    }
    // The bars of \lvert and \lVert do not say that they are no relations, which have space on both sides.
    for bar in ['|', '‖'] {
        let bare = format!("<mo symmetric=\"false\" stretchy=\"false\">{bar}");
        tags = tags.replace(&bare, &bare.replace("<mo ", "<mo lspace=\"0\" rspace=\"0\" "));
    }
    // Text that looks like a tag, and a letter that is the sign of a millionth, of which there is no italic.
    let tags = tags.replace("><</", ">&lt;</").replace(">></", ">&gt;</").replace('\u{b5}', "\u{3bc}");
    tags.replace('\n', " ")
}

/// Tags whose text has its punctuation as entities.
fn guarded(tags: &str) -> String {
    let mut text = String::new();
    let (mut in_tag, mut in_entity) = (false, false);
    for c in tags.chars() {
        let in_text = !in_tag && !in_entity;
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            '&' if in_text => in_entity = true,
            ';' if in_entity => in_entity = false,
            c if in_text && c.is_ascii_punctuation() => {
                text.push_str(&format!("&#{};", u32::from(c)));
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Panics unless every tag is closed and every fraction, root and script has as many parts as it takes.
    pub(crate) fn assert_well_formed(tags: &str) {
        let mut open: Vec<(&str, usize)> = Vec::new();
        for tag in tags.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
            if let Some(name) = tag.strip_prefix('/') {
                let (opened, children) = open.pop().unwrap();
                assert_eq!(opened, name, "{tags}");
                let takes = match name {
                    "msub" | "msup" | "mfrac" | "munder" | "mover" | "mroot" => 2,
                    "msubsup" | "munderover" => 3,
                    _ => children,
                };
                assert_eq!(children, takes, "{name} in {tags}");
                continue;
            }
            if let Some((_, children)) = open.last_mut() {
                *children += 1;
            }
            if !tag.ends_with('/') {
                open.push((tag.split(' ').next().unwrap(), 0));
            }
        }
        assert!(open.is_empty(), "{tags}");
    }

    #[test]
    fn formulas_become_tags_that_are_sound_and_that_markdown_leaves_alone() {
        for (formula, has) in [
            (r"[a]_i", "&#91;"),
            (r"a \lt b \gt c", "<mo>&lt;</mo>"),
            (r"R^2 \operatorname{TV}^2", "<mspace width=\"0.1667em\" /><msup><mi>TV</mi><mn>2</mn></msup>"),
            (
                r"\lvert r \rvert \le 1",
                "<mo lspace=\"0\" rspace=\"0\" symmetric=\"false\" stretchy=\"false\">&#124;",
            ),
            (r"\bigl[ x \bigr]", "\" minsize"),
            (r"\mu", "\u{3bc}"),
        ] {
            let tags = mathml(formula, Place::Line).unwrap();
            assert!(tags.contains(has) && !tags.contains('\n'), "{tags}");
            assert_well_formed(&tags);
        }
        assert!(mathml("x", Place::Block).unwrap().starts_with("<math display=\"block\">"));
    }

    #[test]
    fn what_markdown_might_touch_and_what_is_no_formula_is_refused() {
        for (formula, says) in [
            ("a|b", "`|` in $a|b$ may be taken for Markdown"),
            (r"\{a\}", "`{` in"),
            (r"a \\ b", r"`\` in"),
            (r"\nonsense", "is not understood"),
        ] {
            let error = mathml(formula, Place::Line).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
