//! Where a sketch stands in a frame, and in which inks.

use super::scene::{Box2, Ink, Mark, Stroke};
use mbrl_envs::{Form, Role, Sketch};
use std::f64::consts::{PI, TAU};

/// The part of a world that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    low: [f64; 2],
    high: [f64; 2],
}

/// What leaves the view is followed so many times as far as the view is wide; beyond that, all else would be too small.
const FOLLOWED: f64 = 1.0;
/// Thinner rods and smaller discs would not be seen.
const THINNEST: f64 = 1.2;
const LINE: f64 = 1.2;
/// A circle is drawn with so many corners, and each end of a rod with half as many.
const CORNERS: usize = 32;

impl View {
    /// What these sketches want to be seen, and the bodies that left it.
    pub(super) fn of<'a>(sketches: impl Iterator<Item = &'a Sketch>) -> View {
        let mut view: Option<View> = None;
        for Sketch { view: [low, high], shapes } in sketches {
            let view = view.get_or_insert(View { low: *low, high: *high });
            for form in shapes.iter().filter(|shape| shape.role == Role::Body).map(|shape| &shape.form) {
                for (i, x) in form.points().iter().flat_map(|point| point.iter().enumerate()) {
                    let far = FOLLOWED * (high[i] - low[i]);
                    view.low[i] = view.low[i].min((x - form.radius()).max(low[i] - far));
                    view.high[i] = view.high[i].max((x + form.radius()).min(high[i] + far));
                }
            }
        }
        view.unwrap_or(View { low: [-1.0; 2], high: [1.0; 2] })
    }

    fn size(&self, i: usize) -> f64 {
        (self.high[i] - self.low[i]).max(f64::MIN_POSITIVE)
    }

    /// How many times as wide as high.
    pub(super) fn aspect(&self) -> f64 {
        self.size(0) / self.size(1)
    }
}

/// A frame that a view is shown in.
pub(super) struct Stage {
    view: View,
    frame: Box2,
    /// Pixels of a unit of the world.
    scale: f64,
}

impl Stage {
    /// The frame has the view's aspect.
    pub(super) fn new(view: &View, frame: Box2) -> Stage {
        Stage { view: *view, frame, scale: frame.width / view.size(0) }
    }

    /// Where a point of the world is in the frame.
    pub(super) fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            self.frame.left + (x - self.view.low[0]) * self.scale,
            self.frame.bottom() - (y - self.view.low[1]) * self.scale,
        ]
    }

    /// How long a radius is in the frame.
    pub(super) fn radius(&self, radius: f64) -> f64 {
        (radius * self.scale).max(THINNEST)
    }

    /// Whether some of a form may be seen.
    pub(super) fn shows(&self, form: &Form) -> bool {
        let View { low, high } = self.view;
        (0..2).all(|i| {
            let along = || form.points().iter().map(|point| point[i]);
            let least = along().fold(f64::INFINITY, f64::min) - form.radius();
            let most = along().fold(f64::NEG_INFINITY, f64::max) + form.radius();
            least <= high[i] && most >= low[i]
        })
    }

    /// A sketch as marks.
    pub(super) fn marks(&self, sketch: &Sketch) -> Vec<Mark> {
        let seen = sketch.shapes.iter().zip(inks(sketch)).filter(|(shape, _)| self.shows(&shape.form));
        let mark = |form: &Form, ink, opacity| match form {
            Form::Line(points) => Mark::Line {
                points: points.iter().map(|point| self.place(*point)).collect(),
                stroke: Stroke::solid(ink, LINE),
            },
            form => Mark::Area { points: self.outline(form), ink, opacity, outline: None },
        };
        seen.map(|(shape, ink)| mark(&shape.form, ink, opacity(shape.role))).collect()
    }

    fn outline(&self, form: &Form) -> Vec<[f64; 2]> {
        let points: Vec<[f64; 2]> = form.points().iter().map(|point| self.place(*point)).collect();
        let radius = self.radius(form.radius());
        match form {
            Form::Line(_) | Form::Polygon(_) => points,
            Form::Disc { .. } => arc(points[0], radius, 0.0, TAU).collect(),
            Form::Rod { .. } => {
                let [from, to] = [points[0], points[1]];
                let across = (to[1] - from[1]).atan2(to[0] - from[0]) + 0.5 * PI;
                arc(from, radius, across, PI).chain(arc(to, radius, across + PI, PI)).collect()
            }
        }
    }
}

/// Points on a circle, along an angle from a first one.
fn arc([x, y]: [f64; 2], radius: f64, first: f64, along: f64) -> impl Iterator<Item = [f64; 2]> {
    let pieces = (CORNERS as f64 * along / TAU).round();
    (0..=pieces as usize).map(move |i| {
        let (sin, cos) = (first + along * i as f64 / pieces).sin_cos();
        [x + radius * cos, y + radius * sin]
    })
}

/// Each body has an ink of its own, in which it is told from the one that it hangs on.
pub(super) fn inks(sketch: &Sketch) -> Vec<Ink> {
    const BODIES: [usize; 4] = [0, 1, 3, 4];
    const GOAL: usize = 2;
    let mut bodies = BODIES.iter().cycle();
    let ink = |role| match role {
        Role::Scenery => Ink::Muted,
        Role::Goal => Ink::Series(GOAL),
        Role::Body => Ink::Series(bodies.next().copied().unwrap_or(0)),
    };
    sketch.shapes.iter().map(|shape| shape.role).map(ink).collect()
}

/// A body that has reached its goal is seen to be there.
pub(super) fn opacity(role: Role) -> f64 {
    if role == Role::Goal { 0.65 } else { 1.0 }
}
