//! What a figure consists of once it is laid out: marks in their order, each in an ink. And what the inks look like.

/// The marks of a figure, from the back to the front. Lengths are CSS pixels; y grows downwards.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
}

/// Something that is drawn.
#[derive(Debug)]
pub(super) enum Mark {
    /// A line through points.
    Line { points: Vec<[f64; 2]>, stroke: Stroke },
    /// A filled polygon, perhaps with an outline.
    Area { points: Vec<[f64; 2]>, ink: Ink, opacity: f64, outline: Option<Stroke> },
    /// A filled circle with an outline.
    Disc { center: [f64; 2], radius: f64, ink: Ink, outline: Stroke },
    /// A line of text on the baseline `at`.
    Text { text: String, at: [f64; 2], size: f64, ink: Ink, anchor: Anchor, turned: bool },
    /// Marks of which only what lies in the box is seen.
    Inside(Box2, Vec<Mark>),
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) ink: Ink,
    pub(super) width: f64,
    /// Lengths of dashes and gaps; none for a line without gaps.
    pub(super) dashes: &'static [f64],
}

impl Stroke {
    pub(super) fn solid(ink: Ink, width: f64) -> Stroke {
        Stroke { ink, width, dashes: &[] }
    }
}

/// Which point of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Box2 {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Box2 {
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(super) fn corners(&self) -> Vec<[f64; 2]> {
        vec![
            [self.left, self.top],
            [self.right(), self.top],
            [self.right(), self.bottom()],
            [self.left, self.bottom()],
        ]
    }
}

/// What a mark is drawn for; the theme says in which color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ink {
    /// What everything stands on.
    Ground,
    /// Titles and labels.
    Text,
    /// Numbers, axes and references.
    Muted,
    /// Lines that should hardly be seen.
    Grid,
    /// The series of this number.
    Series(usize),
}

/// On what ground a figure is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// The colors of Okabe and Ito (2008), which the color-blind can tell apart, those first that are seen best on either
/// ground. Their yellow is left out, which is not seen on white; their black is the color of text.
///
/// Light, then dark. On the dark ground the blue is lightened; the others have contrast enough.
pub(super) const PALETTE: [[&str; 2]; 7] = [
    ["#0072b2", "#3a95d0"],
    ["#d55e00", "#e0701a"],
    ["#009e73", "#12ab80"],
    ["#cc79a7", "#cc79a7"],
    ["#e69f00", "#e69f00"],
    ["#56b4e9", "#8fd0f5"],
    ["#1f2328", "#e6edf3"],
];

/// What tells lines apart in grey, by series.
pub(super) const DASHES: [&[f64]; PALETTE.len()] = [
    &[],
    &[7.0, 2.5],
    &[2.0, 2.0],
    &[8.0, 2.5, 2.0, 2.5],
    &[4.0, 2.0],
    &[12.0, 3.0],
    &[8.0, 2.0, 2.0, 2.0, 2.0, 2.0],
];

impl Ink {
    /// The color as `#rrggbb`.
    pub(super) fn color(self, theme: Theme) -> &'static str {
        let [light, dark] = match self {
            Ink::Ground => ["#ffffff", "#0d1117"],
            Ink::Text => PALETTE[6],
            Ink::Muted => ["#59636e", "#9198a1"],
            Ink::Grid => ["#e4e8ec", "#262c34"],
            Ink::Series(i) => PALETTE[i % PALETTE.len()],
        };
        match theme {
            Theme::Light => light,
            Theme::Dark => dark,
        }
    }
}
