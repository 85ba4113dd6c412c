//! An axis: from where to where it goes, and the numbers that are written along it.

use super::{Axis, LARGEST, NARROWEST, Panel, Scale, Style};

/// A scale with its two ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    scale: Scale,
    low: f64,
    high: f64,
}

/// A place on an axis that is marked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    /// Empty for the small ticks between decades.
    pub(super) label: String,
}

impl Extent {
    /// The x axis of a panel. Curves run from edge to edge; markers keep away from the frame.
    pub(super) fn of_x(panel: &Panel) -> Extent {
        let numbers = panel.series.iter().flat_map(|series| &series.points).map(|point| point.x);
        let markers = panel.series.iter().any(|series| series.style == Style::Bars);
        Extent::new(&panel.x, numbers, if markers { 0.05 } else { 0.0 })
    }

    /// The y axis of a panel: what is drawn in it, and the references.
    pub(super) fn of_y(panel: &Panel) -> Extent {
        let drawn = panel.series.iter().flat_map(|series| {
            series.points.iter().flat_map(|point| series.style.interval(point).chain([point.y]))
        });
        Extent::new(&panel.y, drawn.chain(panel.lines.iter().map(|line| line.y)), 0.06)
    }

    fn new(axis: &Axis, numbers: impl Iterator<Item = f64>, margin: f64) -> Extent {
        let scale = axis.scale;
        if let Some([low, high]) = axis.range {
            return Extent { scale, low, high };
        }
        let ends =
            numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = (scale.forward(ends.0), scale.forward(ends.1));
        let size = low.abs().max(high.abs());
        let room = match scale {
            _ if high - low > NARROWEST * size.max(f64::from(scale == Scale::Log)) => margin * (high - low),
            // A single value, or a spread that could not be divided into ticks.
            Scale::Linear if size > LARGEST.recip() => 0.1 * size,
            Scale::Linear => 1.0,
            Scale::Log => 0.5,
        };
        Extent { scale, low: scale.back(low - room), high: scale.back(high + room) }
    }

    /// Where a number lies: 0 at the low end and 1 at the high one.
    pub(super) fn place(&self, number: f64) -> f64 {
        let [low, high, x] = [self.low, self.high, number].map(|number| self.scale.forward(number));
        (x - low) / (high - low)
    }

    /// The ticks, about `most` of them with a label.
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        match self.scale {
            Scale::Linear => self.even_ticks(most),
            Scale::Log => self.decade_ticks(most),
        }
    }

    fn contains(&self, number: f64) -> bool {
        // An end that is a round number keeps its tick although the logarithm and back may have moved it by a bit.
        (-1e-9..=1.0 + 1e-9).contains(&self.place(number))
    }

    /// Multiples of a round number: of the least that is large enough, or of one below it that gives two ticks.
    fn even_ticks(&self, most: usize) -> Vec<Tick> {
        let raw = (self.high - self.low) / most.max(2) as f64;
        let power = raw.log10().floor() as i32;
        let sizes = [(1.0, power), (2.0, power), (2.5, power), (5.0, power), (1.0, power + 1)];
        let enough = sizes.iter().position(|size| size.0 * ten(size.1) >= 0.8 * raw).unwrap_or(4);
        let multiples = |(digit, power): (f64, i32)| {
            let step = digit * ten(power);
            let first = (self.low / step - 1e-9).ceil() as i64;
            first..=(self.high / step + 1e-9).floor() as i64
        };
        let two = |size: &&(f64, i32)| multiples(**size).nth(1).is_some();
        let &(digit, power) = sizes[..=enough].iter().rev().find(two).unwrap_or(&sizes[0]);
        let values: Vec<f64> =
            multiples((digit, power)).map(|i| times_ten(i as f64 * digit, power)).collect();
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let label = |value| even_label(value, digit * ten(power), largest);
        values.into_iter().map(|value| Tick { value, label: label(value) }).collect()
    }

    /// Powers of ten; on a short axis also their doubles and halves; on a very short one, even steps.
    fn decade_ticks(&self, most: usize) -> Vec<Tick> {
        let powers = (self.low.log10() - 1.0).floor() as i32..=(self.high.log10() + 1.0).ceil() as i32;
        let at = |digits: &[f64]| {
            let all =
                powers.clone().flat_map(|power| digits.iter().map(move |digit| times_ten(*digit, power)));
            all.filter(|value| self.contains(*value)).collect::<Vec<f64>>()
        };
        let tens = at(&[1.0]);
        if tens.len() > most {
            let every = tens.len().div_ceil(most.max(1));
            return tens
                .into_iter()
                .step_by(every)
                .map(|value| Tick { value, label: short(value) })
                .collect();
        }
        let finer = [&[1.0, 2.0, 5.0][..], &[1.0, 3.0]].map(at);
        let fits = |ticks: &&Vec<f64>| (2..=most).contains(&ticks.len());
        let labelled = match tens.len() {
            0..=2 => finer.iter().find(fits).or(Some(&tens).filter(fits)),
            _ => Some(&tens),
        };
        let Some(labelled) = labelled else { return self.even_ticks(most) };
        let mut ticks: Vec<Tick> =
            labelled.iter().map(|&value| Tick { value, label: short(value) }).collect();
        let between = at(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        let small = between
            .into_iter()
            .filter(|value| !labelled.iter().any(|other| (value / other - 1.0).abs() < 1e-9));
        ticks.extend(small.map(|value| Tick { value, label: String::new() }));
        ticks
    }
}

impl Scale {
    /// From numbers to lengths.
    fn forward(self, number: f64) -> f64 {
        match self {
            Scale::Linear => number,
            Scale::Log => number.log10(),
        }
    }

    fn back(self, length: f64) -> f64 {
        match self {
            Scale::Linear => length,
            Scale::Log => 10f64.powf(length),
        }
    }
}

fn ten(power: i32) -> f64 {
    10f64.powi(power)
}

fn times_ten(number: f64, power: i32) -> f64 {
    // Division rounds correctly where a product with the inverse does not: 3/10, and not 3 x 0.1.
    if power < 0 { number / ten(-power) } else { number * ten(power) }
}

const UNITS: [(f64, &str); 3] = [(1e9, "G"), (1e6, "M"), (1e3, "k")];

/// A number that stands for itself: 200, 1k, 5M.
fn short(value: f64) -> String {
    let unit = UNITS.iter().find(|unit| value.abs() >= unit.0 * (1.0 - 1e-9));
    let (size, name) = unit.copied().unwrap_or((1.0, ""));
    match value.abs() {
        x if !(0.9e-3..1e12).contains(&x) => minus(&format!("{value:.0e}")),
        _ => minus(&format!("{}{name}", trimmed(value / size, 4))),
    }
}

/// A number among its multiples: all of an axis have one unit, that of the largest.
fn even_label(value: f64, step: f64, largest: f64) -> String {
    if value.abs() < 0.5 * step {
        return "0".to_owned();
    }
    if !(1e-3..1e12).contains(&largest) {
        let digits = (value.abs().log10().floor() - step.log10().floor() + 1.0).clamp(0.0, 16.0);
        let text = format!("{value:.*e}", digits as usize);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return minus(&format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.')));
    }
    // Four digits are read more easily than a unit, and a step far below the unit would make for a long fraction.
    let unit =
        UNITS.iter().find(|unit| largest >= 0.999 * unit.0 && step >= 0.009 * unit.0 && largest >= 1e4);
    let (size, name) = unit.copied().unwrap_or((1.0, ""));
    let digits = (1.0 - (step / size).log10().floor()).clamp(0.0, 16.0);
    minus(&format!("{}{name}", trimmed(value / size, digits as usize)))
}

/// A number with at most so many digits after the point, and no zeros at its end.
fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// With the minus that is as wide as a plus, instead of the hyphen.
fn minus(text: &str) -> String {
    text.replace('-', "\u{2212}")
}
