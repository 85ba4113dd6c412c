//! Paints a scene and encodes it as PNG.

use super::font::Font;
use super::scene::{Anchor, Ink, Mark, Scene, Stroke, Theme};
use mbrl_core::{Error, Result};
use tiny_skia::{Color, FillRule, Mask, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform};

/// Sixteen times as large on each side is more than any printer asks for.
const LARGEST_SCALE: f32 = 16.0;
/// 400 MB while it is painted.
const MOST_PIXELS: u64 = 100_000_000;

pub(super) fn paint(scene: &Scene, theme: Theme, scale: f32) -> Result<Vec<u8>> {
    if !(0.1..=LARGEST_SCALE).contains(&scale) {
        return Err(Error::invalid(format_args!("scale {scale} is not between 0.1 and {LARGEST_SCALE}")));
    }
    let pixels = |length: f64| (length * f64::from(scale)).ceil() as u32;
    let (width, height) = (pixels(scene.width), pixels(scene.height));
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(too_large(width, height));
    }
    let pixmap = Pixmap::new(width, height).ok_or_else(|| too_large(width, height))?;
    let transform = Transform::from_scale(scale, scale);
    let mut canvas = Canvas { pixmap, font: Font::load()?, theme, transform };
    // The last row and column of pixels may stick out of the scene.
    canvas.pixmap.fill(color(Ink::Ground, theme, 1.0));
    canvas.marks(&scene.marks, None)?;
    canvas.pixmap.encode_png().map_err(Error::backend)
}

#[cold]
fn too_large(width: u32, height: u32) -> Error {
    Error::invalid(format_args!("{width} x {height} pixels are too many for a picture: take a smaller scale"))
}

struct Canvas {
    pixmap: Pixmap,
    font: Font,
    theme: Theme,
    transform: Transform,
}

impl Canvas {
    fn marks(&mut self, marks: &[Mark], mask: Option<&Mask>) -> Result<()> {
        for mark in marks {
            match mark {
                Mark::Line { points, stroke } => self.stroke(through(points, Ends::Open), stroke, mask),
                Mark::Area { points, ink, opacity, outline } => {
                    let path = through(points, Ends::Joined);
                    self.fill(path.clone(), *ink, *opacity, mask);
                    if let Some(outline) = outline {
                        self.stroke(path, outline, mask);
                    }
                }
                Mark::Disc { center: [x, y], radius, ink, outline } => {
                    let path = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32);
                    self.fill(path.clone(), *ink, 1.0, mask);
                    self.stroke(path, outline, mask);
                }
                Mark::Text { text, at, size, ink, anchor, turned } => {
                    let width = self.font.width(text, *size)?;
                    let start = match anchor {
                        Anchor::Start => 0.0,
                        Anchor::Middle => -0.5 * width,
                        Anchor::End => -width,
                    };
                    let path = self.outline(text, *size, start)?;
                    let turn = if *turned { Transform::from_rotate(-90.0) } else { Transform::identity() };
                    let place = turn.post_translate(at[0] as f32, at[1] as f32);
                    self.fill(path.and_then(|path| path.transform(place)), *ink, 1.0, mask);
                }
                Mark::Inside(frame, marks) => {
                    let mask = self.mask(through(&frame.corners(), Ends::Joined))?;
                    self.marks(marks, Some(&mask))?;
                }
            }
        }
        Ok(())
    }

    fn mask(&self, path: Option<Path>) -> Result<Mask> {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        let mut mask = Mask::new(width, height).ok_or_else(|| too_large(width, height))?;
        if let Some(path) = path {
            mask.fill_path(&path, FillRule::Winding, true, self.transform);
        }
        Ok(mask)
    }

    // A path that has no extent is no path to tiny-skia, and there is nothing to paint.

    fn fill(&mut self, path: Option<Path>, ink: Ink, opacity: f64, mask: Option<&Mask>) {
        let Some(path) = path else { return };
        let paint = paint_of(ink, self.theme, opacity);
        self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.transform, mask);
    }

    fn stroke(&mut self, path: Option<Path>, stroke: &Stroke, mask: Option<&Mask>) {
        let Some(path) = path else { return };
        let dashes: Vec<f32> = stroke.dashes.iter().map(|length| *length as f32).collect();
        let pen = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_join: tiny_skia::LineJoin::Round,
            dash: StrokeDash::new(dashes, 0.0),
            ..Default::default()
        };
        let paint = paint_of(stroke.ink, self.theme, 1.0);
        self.pixmap.stroke_path(&path, &paint, &pen, self.transform, mask);
    }

    /// The outlines of a text whose baseline begins `start` right of the origin.
    fn outline(&self, text: &str, size: f64, start: f64) -> Result<Option<Path>> {
        let mut pen = Pen { path: PathBuilder::new(), left: 0.0, scale: self.font.scale(size) as f32 };
        for (glyph, right) in self.font.glyphs(text, size)? {
            pen.left = (start + right) as f32;
            self.font.outline(glyph, &mut pen);
        }
        Ok(pen.path.finish())
    }
}

/// Whether a line comes back to where it began.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Open,
    Joined,
}

fn through(points: &[[f64; 2]], ends: Ends) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, [x, y]) in points.iter().enumerate() {
        match i {
            0 => path.move_to(*x as f32, *y as f32),
            _ => path.line_to(*x as f32, *y as f32),
        }
    }
    if ends == Ends::Joined {
        path.close();
    }
    path.finish()
}

fn paint_of(ink: Ink, theme: Theme, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(color(ink, theme, opacity as f32));
    paint
}

fn color(ink: Ink, theme: Theme, opacity: f32) -> Color {
    let hex = ink.color(theme);
    let part = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap_or(0);
    let mut color = Color::from_rgba8(part(1), part(3), part(5), 255);
    color.set_alpha(opacity);
    color
}

/// Turns outlines of the font, in its units and y upwards, into a path.
struct Pen {
    path: PathBuilder,
    left: f32,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.left + x * self.scale, -y * self.scale)
    }
}

impl ttf_parser::OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
