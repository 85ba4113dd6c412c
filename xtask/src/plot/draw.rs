//! What is drawn in the frame of a panel and along its sides, and the samples of the legend.

use super::axis::Tick;
use super::font::Font;
use super::layout::{LABEL_SIZE, Part, TICK_SIZE};
use super::scene::{Anchor, Box2, DASHES, Ink, Mark, Stroke};
use super::{Point, Reference, Style};
use mbrl_core::Result;
use std::f64::consts::{PI, TAU};

const CURVE: f64 = 1.8;
const BAND_OPACITY: f64 = 0.18;
const BAR: f64 = 1.1;
const MARKER: f64 = 3.6;
const DOT: f64 = 1.2;
/// Labels of references are at least so far apart.
const REFERENCE_LINE: f64 = 13.0;
/// What is cut off far outside the frame anyway is kept within what single precision can draw.
const FAR: f64 = 1e5;

/// Draws a panel whose axes cross in the lower left corner of `frame`. The label of the y axis stands `left` of it.
pub(super) fn panel(
    part: &Part<'_>,
    names: &[&str],
    frame: Box2,
    left: f64,
    font: &Font,
    marks: &mut Vec<Mark>,
) -> Result<()> {
    let across = |x: f64| frame.left + (part.x.place(x) * frame.width).clamp(-FAR, FAR);
    let down = |y: f64| frame.bottom() - (part.y.place(y) * frame.height).clamp(-FAR, FAR);
    let x_ticks = x_ticks(part, frame.width, font)?;
    let rule = |from: [f64; 2], to: [f64; 2], ink, width| Mark::Line {
        points: vec![from, to],
        stroke: Stroke::solid(ink, width),
    };
    let large = |tick: &&Tick| !tick.label.is_empty();
    for x in x_ticks.iter().filter(large).map(|tick| across(tick.value)) {
        marks.push(rule([x, frame.top], [x, frame.bottom()], Ink::Grid, 1.0));
    }
    for y in part.y_ticks.iter().filter(large).map(|tick| down(tick.value)) {
        marks.push(rule([frame.left, y], [frame.right(), y], Ink::Grid, 1.0));
    }

    let mut inside = Vec::new();
    for Reference { y, .. } in &part.panel.lines {
        let stroke = Stroke { ink: Ink::Muted, width: 1.2, dashes: &[5.0, 4.0] };
        inside.push(Mark::Line { points: vec![[frame.left, down(*y)], [frame.right(), down(*y)]], stroke });
    }
    let place = |point: &Point| Spot {
        x: across(point.x),
        y: down(point.y),
        low: down(point.low),
        high: down(point.high),
    };
    let all: Vec<(usize, Style, Vec<Spot>)> = part
        .panel
        .series
        .iter()
        .map(|series| {
            let number = names.iter().position(|name| *name == series.name).unwrap_or(0);
            (number, series.style, series.points.iter().map(place).collect())
        })
        .collect();
    // In layers over all series, so that no band dims another's curve and no bar crosses another's marker; dots are behind
    // everything, as there are many.
    for layer in [dots, bands, bars, curves, markers] {
        all.iter().for_each(|(number, style, spots)| layer(*number, *style, spots, &mut inside));
    }
    marks.push(Mark::Inside(frame, inside));

    marks.push(Mark::Line {
        points: vec![[frame.left, frame.top], [frame.left, frame.bottom()], [frame.right(), frame.bottom()]],
        stroke: Stroke::solid(Ink::Muted, 1.0),
    });
    let text = |text: &str, at, size, ink, anchor| Mark::Text {
        text: text.to_owned(),
        at,
        size,
        ink,
        anchor,
        turned: false,
    };
    for tick in &x_ticks {
        let (x, length) = (across(tick.value), if tick.label.is_empty() { 2.5 } else { 4.5 });
        marks.push(rule([x, frame.bottom()], [x, frame.bottom() + length], Ink::Muted, 1.0));
        let at = [x, frame.bottom() + 16.0];
        marks.push(text(&tick.label, at, TICK_SIZE, Ink::Muted, Anchor::Middle));
    }
    for tick in &part.y_ticks {
        let (y, length) = (down(tick.value), if tick.label.is_empty() { 2.5 } else { 4.5 });
        marks.push(rule([frame.left - length, y], [frame.left, y], Ink::Muted, 1.0));
        marks.push(text(&tick.label, [frame.left - 8.0, y + 3.9], TICK_SIZE, Ink::Muted, Anchor::End));
    }
    let middle = [frame.left + 0.5 * frame.width, frame.top + 0.5 * frame.height];
    marks.push(text(part.x_label, [middle[0], frame.bottom() + 35.0], LABEL_SIZE, Ink::Text, Anchor::Middle));
    marks.push(Mark::Text {
        text: part.y_label.to_owned(),
        at: [frame.left - left, middle[1]],
        size: LABEL_SIZE,
        ink: Ink::Text,
        anchor: Anchor::Middle,
        turned: true,
    });
    let levels: Vec<f64> = part.panel.lines.iter().map(|line| down(line.y)).collect();
    for (line, y) in part.panel.lines.iter().zip(apart(&levels, frame.bottom())) {
        marks.push(text(&line.label, [frame.right() + 6.0, y + 3.9], TICK_SIZE, Ink::Muted, Anchor::Start));
    }
    Ok(())
}

/// A series' sample in the legend.
pub(super) fn sample(number: usize, style: Style, frame: Box2, marks: &mut Vec<Mark>) {
    let middle = frame.top + 0.5 * frame.height;
    let spot =
        |x: f64| Spot { x: frame.left + x * frame.width, y: middle, low: frame.bottom(), high: frame.top };
    let ends = [spot(0.0), spot(1.0)];
    bands(number, style, &ends, marks);
    curves(number, style, &ends, marks);
    dots(number, style, &[spot(0.5)], marks);
    if style == Style::Bars {
        markers(number, style, &[spot(0.5)], marks);
    }
}

/// A point's place in the picture.
#[derive(Clone, Copy)]
struct Spot {
    x: f64,
    y: f64,
    low: f64,
    high: f64,
}

fn dots(number: usize, style: Style, spots: &[Spot], marks: &mut Vec<Mark>) {
    if style == Style::Dots {
        let (radius, ink) = (DOT, Ink::Series(number));
        let outline = Stroke::solid(ink, 0.5);
        marks.extend(spots.iter().map(|spot| Mark::Disc { center: [spot.x, spot.y], radius, ink, outline }));
    }
}

fn bands(number: usize, style: Style, spots: &[Spot], marks: &mut Vec<Mark>) {
    if style == Style::Band {
        let there = spots.iter().map(|spot| [spot.x, spot.high]);
        let points = there.chain(spots.iter().rev().map(|spot| [spot.x, spot.low])).collect();
        marks.push(Mark::Area { points, ink: Ink::Series(number), opacity: BAND_OPACITY, outline: None });
    }
}

fn bars(number: usize, style: Style, spots: &[Spot], marks: &mut Vec<Mark>) {
    // The band of a single point would have no area.
    if style == Style::Bars || (style == Style::Band && spots.len() == 1) {
        let stroke = Stroke::solid(Ink::Series(number), BAR);
        for &Spot { x, low, high, .. } in spots {
            marks.push(Mark::Line { points: vec![[x, low], [x, high]], stroke });
            for end in [low, high] {
                marks.push(Mark::Line { points: vec![[x - 3.0, end], [x + 3.0, end]], stroke });
            }
        }
    }
}

fn curves(number: usize, style: Style, spots: &[Spot], marks: &mut Vec<Mark>) {
    if style == Style::Dots {
        return;
    }
    // Where there are markers, they tell the series apart.
    let dashes = if style == Style::Bars { &[] } else { DASHES[number % DASHES.len()] };
    let stroke = Stroke { ink: Ink::Series(number), width: CURVE, dashes };
    marks.push(Mark::Line { points: spots.iter().map(|spot| [spot.x, spot.y]).collect(), stroke });
}

fn markers(number: usize, style: Style, spots: &[Spot], marks: &mut Vec<Mark>) {
    // The line through a single point would not be seen.
    if style == Style::Bars || (spots.len() == 1 && style != Style::Dots) {
        marks.extend(spots.iter().map(|spot| marker(number, [spot.x, spot.y])));
    }
}

/// A marker, each series' own, of about equal areas.
fn marker(number: usize, center: [f64; 2]) -> Mark {
    let (ink, outline) = (Ink::Series(number), Stroke::solid(Ink::Ground, 1.0));
    // Corners on a circle, the first of them straight above the center, or turned by an angle.
    let regular = |corners: usize, size: f64, turn: f64| {
        (0..corners).map(move |i| (size * MARKER, turn + TAU * i as f64 / corners as f64)).collect::<Vec<_>>()
    };
    let corners = match number % 7 {
        0 => return Mark::Disc { center, radius: MARKER, ink, outline },
        1 => regular(4, 1.25, PI / 4.0),
        2 => regular(3, 1.4, 0.0),
        3 => regular(4, 1.35, 0.0),
        4 => regular(3, 1.4, PI),
        5 => regular(8, 1.75, 0.0)
            .into_iter()
            .enumerate()
            .map(|(i, c)| if i % 2 == 1 { (0.45 * c.0, c.1) } else { c })
            .collect(),
        _ => regular(6, 1.15, 0.0),
    };
    let points = corners
        .into_iter()
        .map(|(size, angle)| [center[0] + size * angle.sin(), center[1] - size * angle.cos()])
        .collect();
    Mark::Area { points, ink, opacity: 1.0, outline: Some(outline) }
}

/// The labelled ticks of the x axis, as many as have room beside each other.
fn x_ticks(part: &Part<'_>, length: f64, font: &Font) -> Result<Vec<Tick>> {
    let most = (length / 52.0) as usize;
    for most in (2..=most).rev() {
        let ticks = part.x.ticks(most);
        let labelled: Vec<&Tick> = ticks.iter().filter(|tick| !tick.label.is_empty()).collect();
        let mut fits = true;
        for pair in labelled.windows(2) {
            let widths = font.width(&pair[0].label, TICK_SIZE)? + font.width(&pair[1].label, TICK_SIZE)?;
            let distance = length * (part.x.place(pair[1].value) - part.x.place(pair[0].value));
            fits &= 0.5 * widths + 8.0 <= distance;
        }
        if fits {
            return Ok(ticks);
        }
    }
    Ok(part.x.ticks(1))
}

/// Moves heights apart so that a line of text fits between each two, in their order and none below `bottom`.
fn apart(heights: &[f64], bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights.to_vec();
    // Down where it is too tight, and up again from the bottom where that went too far.
    for pair in order.windows(2) {
        moved[pair[1]] = moved[pair[1]].max(moved[pair[0]] + REFERENCE_LINE);
    }
    let mut limit = bottom;
    for &i in order.iter().rev() {
        moved[i] = moved[i].min(limit);
        limit = moved[i] - REFERENCE_LINE;
    }
    moved
}
