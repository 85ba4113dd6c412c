//! Where everything stands: the title and the legend above, the panels in a grid below, each with room for its labels.
//!
//! Nothing is set over anything else: the panels grow until the longest text has its place.

use super::axis::{Extent, Tick};
use super::draw;
use super::font::Font;
use super::scene::{Anchor, Box2, Ink, Mark, Scene};
use super::{Figure, Panel};
use mbrl_core::Result;

pub(super) const TICK_SIZE: f64 = 11.0;
pub(super) const LABEL_SIZE: f64 = 12.0;
const PANEL_TITLE_SIZE: f64 = 13.0;
pub(super) const TITLE_SIZE: f64 = 16.0;

const EDGE: f64 = 16.0;
/// Between a column's labels and the column before it.
const GAP: f64 = 16.0;
/// What a line of labels needs, along an axis.
const LINE: f64 = 19.0;
const LEGEND_LINE: f64 = 22.0;
/// The sample of a series in the legend, and the room around its name.
const SAMPLE: f64 = 30.0;
const BEFORE_NAME: f64 = 7.0;
const AFTER_NAME: f64 = 22.0;
/// A reader's font may be wider than ours.
const SLACK: f64 = 1.1;

/// A panel with what it takes to place it.
pub(super) struct Part<'a> {
    pub(super) panel: &'a Panel,
    pub(super) x: Extent,
    pub(super) y: Extent,
    pub(super) y_ticks: Vec<Tick>,
    /// Empty where a neighbor says the same.
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
}

/// The room that a column or a row of panels needs around its frames.
#[derive(Clone, Copy, Default)]
struct Room {
    before: f64,
    after: f64,
}

pub(super) fn lay_out(figure: &Figure) -> Result<Scene> {
    let font = Font::load()?;
    let columns = figure.columns.min(figure.panels.len());
    let widest = |texts: &[&str], size: f64| -> Result<f64> {
        let mut widths = texts.iter().map(|text| font.width(text, size));
        widths.try_fold(0.0, |widest: f64, width| Ok(widest.max(SLACK * width?)))
    };
    let of_panels = |text: fn(&Panel) -> &str, size: f64| {
        widest(&figure.panels.iter().map(text).collect::<Vec<_>>(), size)
    };

    let usual = [280.0, 220.0, 180.0][columns.min(3) - 1];
    let height = of_panels(|panel| &panel.y.label, LABEL_SIZE)?.max(usual);
    let parts = parts(figure, columns, height);

    let mut across = vec![Room { before: 0.0, after: 8.0 }; columns];
    let mut down = vec![Room { before: 10.0, after: LINE }; parts.len().div_ceil(columns)];
    for (i, part) in parts.iter().enumerate() {
        let (column, row) = (&mut across[i % columns], &mut down[i / columns]);
        let numbers: Vec<&str> = part.y_ticks.iter().map(|tick| tick.label.as_str()).collect();
        let numbers = widest(&numbers, TICK_SIZE)?;
        let label = if part.y_label.is_empty() { 0.0 } else { LINE };
        column.before = column.before.max(numbers + 8.0 + label);
        let references: Vec<&str> = part.panel.lines.iter().map(|line| line.label.as_str()).collect();
        let references = widest(&references, TICK_SIZE)?;
        column.after = column.after.max(if references > 0.0 { references + 8.0 } else { 0.0 });
        row.before = row.before.max(if part.panel.title.is_empty() { 0.0 } else { LINE + 12.0 });
        row.after = row.after.max(if part.x_label.is_empty() { LINE } else { 2.0 * LINE + 2.0 });
    }

    let total = [660.0, 800.0, 900.0][columns.min(3) - 1];
    let gaps = 2.0 * EDGE + GAP * (columns - 1) as f64;
    let rooms: f64 = across.iter().map(|room| room.before + room.after).sum();
    let names = figure.names();
    let head = widest(&names, LABEL_SIZE)? + SAMPLE + BEFORE_NAME;
    let head = head.max(widest(&[&figure.title], TITLE_SIZE)?);
    let width = ((total - gaps - rooms) / columns as f64)
        .max(180.0)
        .max(of_panels(|panel| &panel.title, PANEL_TITLE_SIZE)?)
        .max(of_panels(|panel| &panel.x.label, LABEL_SIZE)?)
        .max((head + across[0].before - rooms - GAP * (columns - 1) as f64) / columns as f64);

    let mut scene = Scene { width: gaps + rooms + width * columns as f64, height: 0.0, marks: Vec::new() };
    let left = EDGE + across[0].before;
    let mut top = EDGE;
    if !figure.title.is_empty() {
        scene.marks.push(text(&figure.title, [left, top + 14.0], TITLE_SIZE, Ink::Text));
        top += 28.0;
    }
    top = legend(figure, &font, left, top, &mut scene)?;
    for (row, cells) in down.iter().zip(parts.chunks(columns)) {
        top += row.before;
        let mut left = EDGE;
        for (column, part) in across.iter().zip(cells) {
            left += column.before;
            let frame = Box2 { left, top, width, height };
            if !part.panel.title.is_empty() {
                let at = [left, top - 10.0];
                scene.marks.push(text(&part.panel.title, at, PANEL_TITLE_SIZE, Ink::Text));
            }
            let left_of_frame = column.before - LABEL_SIZE;
            draw::panel(part, &names, frame, left_of_frame, &font, &mut scene.marks)?;
            left += width + column.after + GAP;
        }
        top += height + row.after;
    }
    scene.height = top + EDGE - 4.0;
    let ground = Box2 { left: 0.0, top: 0.0, width: scene.width, height: scene.height }.corners();
    scene.marks.insert(0, Mark::Area { points: ground, ink: Ink::Ground, opacity: 1.0, outline: None });
    Ok(scene)
}

fn parts<'a>(figure: &'a Figure, columns: usize, height: f64) -> Vec<Part<'a>> {
    let panels = figure.panels.as_slice();
    let part = |(i, panel): (usize, &'a Panel)| {
        let (x, y) = (Extent::of_x(panel), Extent::of_y(panel));
        let left = (i % columns > 0).then(|| &panels[i - 1].y.label);
        let below = panels.get(i + columns).map(|panel| &panel.x.label);
        Part {
            panel,
            x,
            y,
            y_ticks: y.ticks((height / 34.0) as usize),
            x_label: if below == Some(&panel.x.label) { "" } else { &panel.x.label },
            y_label: if left == Some(&panel.y.label) { "" } else { &panel.y.label },
        }
    };
    panels.iter().enumerate().map(part).collect()
}

/// Writes the legend in as many lines as it needs, and returns where the panels may begin.
fn legend(figure: &Figure, font: &Font, start: f64, top: f64, scene: &mut Scene) -> Result<f64> {
    if figure.names() == [""] {
        return Ok(top);
    }
    let (mut left, mut line) = (start, top + 8.0);
    for (i, name) in figure.names().into_iter().enumerate() {
        let width = SAMPLE + BEFORE_NAME + SLACK * font.width(name, LABEL_SIZE)?;
        if left > start && left + width > scene.width - EDGE {
            (left, line) = (start, line + LEGEND_LINE);
        }
        let mut all = figure.panels.iter().flat_map(|panel| &panel.series);
        if let Some(series) = all.find(|series| series.name == name) {
            let sample = Box2 { left, top: line - 6.0, width: SAMPLE, height: 12.0 };
            draw::sample(i, series.style, sample, &mut scene.marks);
        }
        scene.marks.push(text(name, [left + SAMPLE + BEFORE_NAME, line + 4.0], LABEL_SIZE, Ink::Text));
        left += width + AFTER_NAME;
    }
    Ok(line + 0.5 * LEGEND_LINE)
}

pub(super) fn text(text: &str, at: [f64; 2], size: f64, ink: Ink) -> Mark {
    Mark::Text { text: text.to_owned(), at, size, ink, anchor: Anchor::Start, turned: false }
}
