//! Writes a scene down as SVG.
//!
//! Colors are attributes, which every reader of SVG knows, and the dark theme is a style sheet on top, which browsers
//! follow where the reader's system is dark.

use super::scene::{Anchor, Box2, Ink, Mark, PALETTE, Scene, Stroke, Theme};
use std::fmt::{self, Write};

const FONTS: &str = "Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

pub(super) fn write(scene: &Scene, title: &str) -> String {
    let mut svg = Svg { text: String::new(), boxes: 0 };
    // A `String` takes everything.
    let _ = svg.document(scene, title);
    svg.text
}

struct Svg {
    text: String,
    /// How many boxes there are that cut marks off.
    boxes: usize,
}

impl Svg {
    fn document(&mut self, scene: &Scene, title: &str) -> fmt::Result {
        let (width, height) = (Num(scene.width), Num(scene.height));
        writeln!(
            self.text,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{FONTS}" role="img">"#
        )?;
        if !title.is_empty() {
            writeln!(self.text, "<title>{}</title>", Escaped(title))?;
        }
        dark_style(&mut self.text)?;
        scene.marks.iter().try_for_each(|mark| self.mark(mark))?;
        self.text.write_str("</svg>\n")
    }

    fn mark(&mut self, mark: &Mark) -> fmt::Result {
        match mark {
            Mark::Line { points, stroke } => {
                write!(self.text, r#"<path d="{}" fill="none""#, Path(points))?;
                self.pen(&[], Some(stroke))
            }
            Mark::Area { points, ink, opacity, outline } => {
                write!(self.text, r#"<path d="{}Z" fill="{}""#, Path(points), ink.color(Theme::Light))?;
                if *opacity < 1.0 {
                    write!(self.text, r#" fill-opacity="{}""#, Num(*opacity))?;
                }
                self.pen(&[*ink], outline.as_ref())
            }
            Mark::Disc { center: [x, y], radius, ink, outline } => {
                let (x, y, radius) = (Num(*x), Num(*y), Num(*radius));
                let color = ink.color(Theme::Light);
                write!(self.text, r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}""#)?;
                self.pen(&[*ink], Some(outline))
            }
            Mark::Text { text, .. } if text.is_empty() => Ok(()),
            Mark::Text { text, at: [x, y], size, ink, anchor, turned } => {
                let (x, y, size) = (Num(*x), Num(*y), Num(*size));
                write!(self.text, r#"<text x="{x}" y="{y}" font-size="{size}""#)?;
                match anchor {
                    Anchor::Start => {}
                    Anchor::Middle => self.text.write_str(r#" text-anchor="middle""#)?,
                    Anchor::End => self.text.write_str(r#" text-anchor="end""#)?,
                }
                if *turned {
                    write!(self.text, r#" transform="rotate(-90 {x} {y})""#)?;
                }
                let color = ink.color(Theme::Light);
                writeln!(self.text, r#" fill="{color}" class="f-{}">{}</text>"#, Class(*ink), Escaped(text))
            }
            Mark::Inside(Box2 { left, top, width, height }, marks) => {
                let number = self.boxes;
                self.boxes += 1;
                writeln!(
                    self.text,
                    r#"<clipPath id="frame-{number}"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath>"#,
                    Num(*left),
                    Num(*top),
                    Num(*width),
                    Num(*height)
                )?;
                writeln!(self.text, r##"<g clip-path="url(#frame-{number})">"##)?;
                marks.iter().try_for_each(|mark| self.mark(mark))?;
                self.text.write_str("</g>\n")
            }
        }
    }

    /// Ends a shape: its stroke and its classes.
    fn pen(&mut self, fills: &[Ink], stroke: Option<&Stroke>) -> fmt::Result {
        if let Some(Stroke { ink, width, dashes }) = stroke {
            let color = ink.color(Theme::Light);
            write!(self.text, r#" stroke="{color}" stroke-width="{}""#, Num(*width))?;
            self.text.write_str(r#" stroke-linejoin="round""#)?;
            if !dashes.is_empty() {
                let lengths: Vec<String> = dashes.iter().map(|length| Num(*length).to_string()).collect();
                write!(self.text, r#" stroke-dasharray="{}""#, lengths.join(" "))?;
            }
        }
        let fills = fills.iter().map(|ink| format!("f-{}", Class(*ink)));
        let strokes = stroke.iter().map(|stroke| format!("s-{}", Class(stroke.ink)));
        let classes: Vec<String> = fills.chain(strokes).collect();
        writeln!(self.text, r#" class="{}"/>"#, classes.join(" "))
    }
}

/// What is different in the dark.
pub(super) fn dark_style(text: &mut String) -> fmt::Result {
    text.write_str("<style>@media (prefers-color-scheme: dark) {\n")?;
    let neutral = [Ink::Ground, Ink::Text, Ink::Muted, Ink::Grid];
    for ink in neutral.into_iter().chain((0..PALETTE.len()).map(Ink::Series)) {
        let (name, color) = (Class(ink), ink.color(Theme::Dark));
        if color != ink.color(Theme::Light) {
            writeln!(text, ".f-{name} {{ fill: {color} }} .s-{name} {{ stroke: {color} }}")?;
        }
    }
    text.write_str("}</style>\n")
}

/// A length, to a hundredth of a pixel.
pub(super) struct Num(pub(super) f64);

impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding zero turns a negative zero into zero.
        write!(f, "{}", (self.0 * 100.0).round() / 100.0 + 0.0)
    }
}

/// What goes into the `d` of a path, without the `Z`.
struct Path<'a>(&'a [[f64; 2]]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, [x, y]) in self.0.iter().enumerate() {
            // After the first point, lines are understood.
            let start = if i == 0 { "M" } else { " " };
            write!(f, "{start}{} {}", Num(*x), Num(*y))?;
        }
        Ok(())
    }
}

/// An ink's name in the style sheet.
pub(super) struct Class(pub(super) Ink);

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ink::Ground => f.write_str("ground"),
            Ink::Text => f.write_str("text"),
            Ink::Muted => f.write_str("muted"),
            Ink::Grid => f.write_str("grid"),
            Ink::Series(i) => write!(f, "{}", i % PALETTE.len()),
        }
    }
}

pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            letter => f.write_char(letter),
        })
    }
}
