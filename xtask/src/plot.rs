//! Figures for documents and reports: line charts, small multiples and films, as SVG and as PNG.
//!
//! A figure is laid out once, as a list of marks ([`scene`]); the SVG writes that list down and the PNG paints it, so
//! that the two cannot tell different stories. The same figure gives the same bytes.

mod axis;
mod draw;
mod film;
mod font;
mod layout;
mod png;
mod scene;
mod stage;
mod svg;
#[cfg(test)]
mod tests;

pub(crate) use film::{Film, Shot};
pub(crate) use scene::Theme;

use mbrl_core::{Context, Error, Result};

/// Panels in a grid under one title and one legend.
///
/// Series of one name are one series: they share a color, a line style and a marker in all panels, and an entry of the
/// legend, which stands in the order of first appearance and outside the panels, where it covers nothing.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What the figure shows; it may be empty.
    pub(crate) title: String,
    /// From left to right, then down.
    pub(crate) panels: Vec<Panel>,
    /// How many panels stand side by side.
    pub(crate) columns: usize,
}

/// One pair of axes and what is drawn in it.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// It may be empty.
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
    /// Levels to compare with.
    pub(crate) lines: Vec<Reference>,
}

/// What an axis measures, and how.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// It is left out where the neighboring panel, to the left or below, says the same.
    pub(crate) label: String,
    pub(crate) scale: Scale,
    /// From where to where; without it, what the data need. Data outside are cut off at the frame.
    pub(crate) range: Option<[f64; 2]>,
}

/// How numbers become lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long. Numbers must be positive.
    Log,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// It may be empty where the figure has no other series: then there is no legend.
    pub(crate) name: String,
    pub(crate) style: Style,
    /// In ascending order of `x`.
    pub(crate) points: Vec<Point>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A line; the intervals are not drawn.
    Line,
    /// A line in a shaded band, for curves of many points.
    Band,
    /// Markers with error bars, joined by a line, for a few points that were each measured.
    Bars,
    /// Small dots and no line, for many points; the intervals are not drawn.
    Dots,
}

/// A value and the interval around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A level that holds for every `x`, such as the optimum; its label stands to the right of the frame.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) label: String,
    pub(crate) y: f64,
}

/// Past this a reader cannot tell series apart, in grey or in color.
pub(crate) const MOST_SERIES: usize = scene::PALETTE.len();

/// What lies beyond is surely a mistake, and would be lost in the arithmetic of an axis.
const LARGEST: f64 = 1e100;
/// An axis of fewer parts of its largest number could not be divided into ticks in f64.
const NARROWEST: f64 = 1e-9;

impl Figure {
    /// The figure as an SVG document. It wears the light theme, or the dark one where the reader's system prefers it,
    /// and brings its own ground: a page may be dark although the system is light.
    pub(crate) fn svg(&self) -> Result<String> {
        Ok(svg::write(&self.scene()?, &self.title))
    }

    /// The same figure as a PNG, `scale` pixels for each unit of the SVG.
    pub(crate) fn png(&self, theme: Theme, scale: f32) -> Result<Vec<u8>> {
        png::paint(&self.scene()?, theme, scale)
    }

    fn scene(&self) -> Result<scene::Scene> {
        self.check().with_context(|| format!("figure `{}`", self.title))?;
        layout::lay_out(self).with_context(|| format!("figure `{}`", self.title))
    }

    /// The names of all series, in order of first appearance: a series' place here is its color and style.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for series in self.panels.iter().flat_map(|panel| &panel.series) {
            if !names.contains(&series.name.as_str()) {
                names.push(&series.name);
            }
        }
        names
    }

    fn check(&self) -> Result<()> {
        if self.panels.is_empty() || self.columns == 0 {
            return Err(Error::invalid("it has no panels or no columns: give one at least"));
        }
        let names = self.names().len();
        if names > MOST_SERIES {
            return Err(Error::invalid(format_args!(
                "{names} series cannot be told apart: show at most {MOST_SERIES}, or make two figures"
            )));
        }
        if names > 1 && self.names().contains(&"") {
            return Err(Error::invalid("series ``: the legend needs its name, unless there is no other"));
        }
        let mut panels = self.panels.iter().enumerate();
        panels
            .try_for_each(|(i, panel)| panel.check().with_context(|| format!("panel {i} `{}`", panel.title)))
    }
}

impl Panel {
    fn check(&self) -> Result<()> {
        self.x.check().context("x axis")?;
        self.y.check().context("y axis")?;
        if self.series.is_empty() {
            return Err(Error::invalid("it has no series: give one at least"));
        }
        for (i, series) in self.series.iter().enumerate() {
            if self.series[..i].iter().any(|other| other.name == series.name) {
                return Err(Error::invalid(format_args!("two series are called `{}`", series.name)));
            }
            self.check_series(series).with_context(|| format!("series `{}`", series.name))?;
        }
        for Reference { label, y } in &self.lines {
            self.y.check_number(*y).with_context(|| format!("reference `{label}`"))?;
            if self.y.range.is_some_and(|[low, high]| !(low..=high).contains(y)) {
                return Err(Error::invalid(format_args!(
                    "reference `{label}` at {y} is outside the y range"
                )));
            }
        }
        Ok(())
    }

    fn check_series(&self, series: &Series) -> Result<()> {
        if series.points.is_empty() {
            return Err(Error::invalid("it has no points: leave it out, or find out where they went"));
        }
        for (i, point) in series.points.iter().enumerate() {
            self.x.check_number(point.x).with_context(|| format!("x of point {i}"))?;
            self.y.check_number(point.y).with_context(|| format!("y of point {i}"))?;
            for end in series.style.interval(point) {
                self.y.check_number(end).with_context(|| format!("interval of point {i}"))?;
            }
            if series.style.interval(point).count() > 0 && point.low > point.high {
                return Err(Error::invalid(format_args!(
                    "point {i} has the interval {} to {}: low comes first",
                    point.low, point.high
                )));
            }
        }
        match series.points.windows(2).position(|pair| pair[0].x >= pair[1].x) {
            Some(i) => Err(Error::invalid(format_args!(
                "point {} is not to the right of point {i}: sort by x",
                i + 1
            ))),
            None => Ok(()),
        }
    }
}

impl Axis {
    fn check(&self) -> Result<()> {
        let Some([low, high]) = self.range else { return Ok(()) };
        self.check_number(low).context("range")?;
        self.check_number(high).context("range")?;
        if high - low > (NARROWEST * low.abs().max(high.abs())).max(LARGEST.recip()) {
            return Ok(());
        }
        Err(Error::invalid(format_args!(
            "range {low} to {high} has no room for ticks: give two ends further apart, the lesser first"
        )))
    }

    fn check_number(&self, number: f64) -> Result<()> {
        if !number.is_finite() || number.abs() > LARGEST {
            return Err(Error::invalid(format_args!("{number} cannot be drawn: leave such points out")));
        }
        if self.scale == Scale::Log && number < LARGEST.recip() {
            return Err(Error::invalid(format_args!(
                "{number} has no place on a log scale: use a linear one"
            )));
        }
        Ok(())
    }
}

impl Style {
    /// The ends of the interval, where it is drawn at all.
    fn interval(self, point: &Point) -> impl Iterator<Item = f64> {
        let drawn = matches!(self, Style::Band | Style::Bars);
        [point.low, point.high].into_iter().filter(move |_| drawn)
    }
}
