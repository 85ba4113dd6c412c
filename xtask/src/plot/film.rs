//! Sketches of a world as time goes by: as a strip of stills, and moving.
//!
//! What moves needs no script: all shots are drawn below each other, and a style sheet shows one after the other through
//! a window.

use super::Theme;
use super::scene::{Anchor, Box2, Ink, Mark, Scene, Stroke};
use super::stage::{Stage, View, inks, opacity};
use super::svg::{self, Class, Escaped, Num};
use super::{layout, png};
use mbrl_core::{Context, Error, Result};
use mbrl_envs::{Form, Shape, Sketch};
use std::fmt::{self, Write};

/// Shots of one world, in the order in which they were taken.
#[derive(Clone, Debug)]
pub(crate) struct Film {
    /// What is shown; it may be empty.
    pub(crate) title: String,
    pub(crate) shots: Vec<Shot>,
}

/// A world in a moment.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    /// When it was.
    pub(crate) caption: String,
    pub(crate) sketch: Sketch,
}

/// So many stills tell what happened and can still be looked at one by one.
const STILLS: usize = 8;
/// Wider pictures than this stand four in a row, others eight.
const WIDE: f64 = 1.6;
const STRIP_WIDTH: f64 = 800.0;
const EDGE: f64 = 16.0;
const GAP: f64 = 8.0;
const CAPTION: f64 = 20.0;
/// What moves is so wide at most, and so high.
const WINDOW: [f64; 2] = [600.0, 280.0];
const SHOTS_A_SECOND: f64 = 20.0;
/// So many seconds the last shot stays, before the first one comes again.
const HOLD: f64 = 1.0;
const LINE: f64 = 1.5;

impl Film {
    /// Stills from the first shot to the last, as an SVG document in the theme of the reader's system.
    pub(crate) fn strip_svg(&self) -> Result<String> {
        Ok(svg::write(&self.strip()?, &self.title))
    }

    /// The same stills as a PNG, `scale` pixels for each unit of the SVG.
    pub(crate) fn strip_png(&self, theme: Theme, scale: f32) -> Result<Vec<u8>> {
        png::paint(&self.strip()?, theme, scale)
    }

    /// The moving picture, as an SVG for within a page. Names in it end with `name`, which no other film on the page may
    /// have, and what moves has the class `runs`, by which a page can make it pause.
    pub(crate) fn moving(&self, name: &str) -> Result<String> {
        let view = self.view()?;
        let [width, height] = WINDOW;
        let (width, height) = (width.min(height * view.aspect()), height.min(width / view.aspect()));
        let window = Box2 { left: 0.0, top: 0.0, width, height };
        let mut reel = Reel { stage: Stage::new(&view, window), name, height, text: String::new() };
        // A `String` takes everything.
        let _ = reel.document(self, width);
        Ok(reel.text)
    }

    fn view(&self) -> Result<View> {
        self.check().with_context(|| format!("film `{}`", self.title))?;
        Ok(View::of(self.shots.iter().map(|shot| &shot.sketch)))
    }

    fn check(&self) -> Result<()> {
        let Some(first) = self.shots.first() else {
            return Err(Error::invalid("it has no shots: take one at least"));
        };
        let kinds = |sketch: &Sketch| -> Vec<_> {
            sketch.shapes.iter().map(|shape| (shape.role, std::mem::discriminant(&shape.form))).collect()
        };
        for (i, Shot { sketch, .. }) in self.shots.iter().enumerate() {
            if kinds(sketch) != kinds(&first.sketch) {
                return Err(Error::invalid(format_args!("shot {i} has other shapes than the first one")));
            }
            let points = sketch.shapes.iter().flat_map(|shape| shape.form.points());
            if !points.chain(&sketch.view).flatten().all(|number| number.is_finite()) {
                return Err(Error::non_finite(format_args!("shot {i} is out of this world: {sketch:?}")));
            }
        }
        Ok(())
    }

    fn strip(&self) -> Result<Scene> {
        let view = self.view()?;
        let columns: usize = if view.aspect() > WIDE { STILLS / 2 } else { STILLS };
        let width = (STRIP_WIDTH - 2.0 * EDGE - GAP * (columns - 1) as f64) / columns as f64;
        let height = width / view.aspect();
        let mut scene = Scene { width: STRIP_WIDTH, height: 0.0, marks: Vec::new() };
        let mut top = EDGE;
        if !self.title.is_empty() {
            let at = [EDGE, top + 14.0];
            scene.marks.push(layout::text(&self.title, at, layout::TITLE_SIZE, Ink::Text));
            top += 32.0;
        }
        let stills: Vec<&Shot> = stills(self.shots.len()).map(|i| &self.shots[i]).collect();
        for row in stills.chunks(columns) {
            for (column, shot) in row.iter().enumerate() {
                let left = EDGE + (width + GAP) * column as f64;
                let frame = Box2 { left, top, width, height };
                scene.marks.push(Mark::Inside(frame, Stage::new(&view, frame).marks(&shot.sketch)));
                let mut border = frame.corners();
                border.push(border[0]);
                scene.marks.push(Mark::Line { points: border, stroke: Stroke::solid(Ink::Grid, 1.0) });
                scene.marks.push(Mark::Text {
                    text: shot.caption.clone(),
                    at: [left + 0.5 * width, top + height + 14.0],
                    size: layout::TICK_SIZE,
                    ink: Ink::Muted,
                    anchor: Anchor::Middle,
                    turned: false,
                });
            }
            top += height + CAPTION;
        }
        scene.height = top + EDGE - 4.0;
        let ground = Box2 { left: 0.0, top: 0.0, width: scene.width, height: scene.height }.corners();
        scene.marks.insert(0, Mark::Area { points: ground, ink: Ink::Ground, opacity: 1.0, outline: None });
        Ok(scene)
    }
}

/// Which of so many shots are shown as stills: the first, the last, and those evenly between.
fn stills(shots: usize) -> impl Iterator<Item = usize> {
    let count = shots.min(STILLS);
    (0..count).map(move |i| if count < 2 { 0 } else { (i * (shots - 1) + (count - 1) / 2) / (count - 1) })
}

/// Writes a film down.
struct Reel<'a> {
    /// The window that it is seen through.
    stage: Stage,
    name: &'a str,
    height: f64,
    text: String,
}

impl Reel<'_> {
    fn document(&mut self, film: &Film, width: f64) -> fmt::Result {
        let (wide, high, name) = (Num(width), Num(self.height), self.name);
        writeln!(
            self.text,
            r#"<svg width="{wide}" height="{high}" viewBox="0 0 {wide} {high}" role="img">"#
        )?;
        if !film.title.is_empty() {
            writeln!(self.text, "<title>{}</title>", Escaped(&film.title))?;
        }
        svg::dark_style(&mut self.text)?;
        let steps = film.shots.len() - 1;
        if steps > 0 {
            let seconds = steps as f64 / SHOTS_A_SECOND;
            let whole = seconds + HOLD;
            let (share, far) = (Num(100.0 * seconds / whole), Num(self.pitch() * steps as f64));
            writeln!(
                self.text,
                "<style>@keyframes film-{name} {{ {share}%, to {{ transform: translateY(-{far}px) }} }}\n\
                 @keyframes bar-{name} {{ from {{ transform: scaleX(0) }} {share}%, to {{ transform: scaleX(1) }} }}\n\
                 .film-{name} {{ animation: film-{name} {whole}s steps({steps}) infinite }}\n\
                 .bar-{name} {{ animation: bar-{name} {whole}s linear infinite }}</style>",
                whole = Num(whole)
            )?;
        }
        let ground = Ink::Ground.color(Theme::Light);
        writeln!(self.text, r#"<rect width="{wide}" height="{high}" fill="{ground}" class="f-ground"/>"#)?;
        let first = &film.shots[0].sketch;
        for (slot, (shape, ink)) in first.shapes.iter().zip(inks(first)).enumerate() {
            let forms: Vec<&Form> = film.shots.iter().map(|shot| &shot.sketch.shapes[slot].form).collect();
            let moves = forms.iter().any(|form| **form != shape.form);
            self.slot(shape, ink, if moves { &forms } else { &forms[..1] })?;
        }
        if steps > 0 {
            let (top, color, class) =
                (Num(self.height - 3.0), Ink::Muted.color(Theme::Light), Class(Ink::Muted));
            writeln!(
                self.text,
                r#"<rect y="{top}" width="{wide}" height="3" fill="{color}" class="runs bar-{name} f-{class}"/>"#
            )?;
        }
        self.text.write_str("</svg>\n")
    }

    /// One shape in all shots, as one path.
    fn slot(&mut self, shape: &Shape, ink: Ink, forms: &[&Form]) -> fmt::Result {
        let (color, class) = (ink.color(Theme::Light), Class(ink));
        self.text.write_str("<path")?;
        match &shape.form {
            Form::Polygon(_) => write!(self.text, r#" fill="{color}" class="f-{class}"#)?,
            Form::Line(_) | Form::Rod { .. } | Form::Disc { .. } => {
                let across = match shape.form.radius() {
                    radius if radius > 0.0 => 2.0 * self.stage.radius(radius),
                    _ => LINE,
                };
                write!(
                    self.text,
                    r#" fill="none" stroke="{color}" stroke-width="{}" stroke-linecap="round" stroke-linejoin="round" class="s-{class}"#,
                    Num(across)
                )?;
            }
        }
        if forms.len() > 1 {
            write!(self.text, " runs film-{}", self.name)?;
        }
        self.text.write_char('"')?;
        if opacity(shape.role) < 1.0 {
            write!(self.text, r#" opacity="{}""#, Num(opacity(shape.role)))?;
        }
        self.text.write_str(" d=\"")?;
        for (i, form) in forms.iter().enumerate() {
            if self.stage.shows(form) {
                self.form(form, self.pitch() * i as f64)?;
            }
        }
        self.text.write_str("\"/>\n")
    }

    /// Shots stand apart by their own height, so that what sticks out of one is not seen in the next.
    fn pitch(&self) -> f64 {
        2.0 * self.height.ceil()
    }

    fn form(&mut self, form: &Form, down: f64) -> fmt::Result {
        for (i, point) in form.points().iter().enumerate() {
            let [x, y] = self.stage.place(*point);
            let letter = if i == 0 { "M" } else { " " };
            write!(self.text, "{letter}{} {}", Tenth(x), Tenth(y + down))?;
        }
        match form {
            // A line that leads nowhere has round ends too.
            Form::Disc { .. } => self.text.write_str("h0"),
            Form::Polygon(_) => self.text.write_char('Z'),
            Form::Line(_) | Form::Rod { .. } => Ok(()),
        }
    }
}

/// A length, to a tenth of a pixel: there are many.
struct Tenth(f64);

impl fmt::Display for Tenth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding zero turns a negative zero into zero.
        write!(f, "{}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

#[cfg(test)]
mod tests;
