//! Example 1 of posterior sampling, in both of its readings.

use super::text;
use crate::out;
use crate::plot::{Axis, Figure, Panel, Point, Reference, Scale, Series, Style};
use mbrl_bounds::divergence::discrete::kl;
use mbrl_bounds::psrl::{Example1, Reading};
use mbrl_core::Result;
use serde::Serialize;

/// What the example has that a bound has not.
#[derive(Serialize)]
pub(super) struct Keys {
    readings: [Numbers; 2],
    /// The divergence of the policy that is uncertain given the model, in the reading that agrees with itself.
    flexible_kl: f64,
}

/// The source gives the posterior over models twice, and the two differ.
#[derive(Serialize)]
struct Numbers {
    reading: &'static str,
    /// How probable each policy is to be optimal.
    p: [f64; 2],
    /// The same where the model is believed to be the second for sure.
    q: [f64; 2],
    /// The divergence of that.
    kl: f64,
    /// The largest divergence that there is.
    largest_kl: f64,
    /// The divergence of the poster's policy that is uncertain given the model.
    flexible_kl: f64,
    /// The part of the poster.
    #[serde(skip)]
    part: &'static str,
    #[serde(skip)]
    label: String,
}

impl Keys {
    pub(super) fn new() -> Result<Self> {
        let readings = [
            Numbers::of("matrix", "equation", Reading::Matrix)?,
            Numbers::of("prose", "text", Reading::Prose)?,
        ];
        Ok(Keys { flexible_kl: readings[0].flexible_kl, readings })
    }
}

impl Numbers {
    /// Each model has a policy of its own that is optimal, so that a belief over models is one over policies.
    fn of(reading: &'static str, part: &'static str, which: Reading) -> Result<Self> {
        let example = Example1::new(which);
        Ok(Numbers {
            reading,
            p: example.exact_models(),
            q: example.approximate_models(),
            kl: example.kl_delta()?,
            largest_kl: example.largest_kl(),
            flexible_kl: example.kl_flexible()?,
            part,
            // Both are thirds.
            label: match which {
                Reading::Matrix => format!("p = (2/3, 1/3), the {part}"),
                Reading::Prose => format!("p = (1/3, 2/3), the {part}"),
            },
        })
    }
}

pub(super) fn print() -> Result<()> {
    let rows: Vec<Vec<String>> = Keys::new()?
        .readings
        .iter()
        .map(|reading| {
            let numbers = [reading.kl, reading.largest_kl, reading.flexible_kl];
            let numbers = numbers.map(|number| text::digits(if number < 1e-12 { 0.0 } else { number }, 6));
            [reading.label.clone()].into_iter().chain(numbers).collect()
        })
        .collect();
    out::table(&["", ">KL(q^δ ‖ p)", ">largest", ">uncertain given the model"], &rows)?;
    out::line(
        "\nThe source gives p twice and differently: what it claims of log 3 and of 0 is true of the equation's p.",
    )
}

/// The divergence of every belief, in both readings.
pub(super) fn draw() -> Result<Figure> {
    const POINTS: usize = 200;
    let Keys { readings, .. } = Keys::new()?;
    let mut series: Vec<Series> = readings
        .iter()
        .map(|reading| {
            let at = |i: usize| {
                let q = i as f64 / POINTS as f64;
                Ok(point(q, kl(&[q, 1.0 - q], &reading.p)?))
            };
            let points = (0..=POINTS).map(at).collect::<Result<Vec<Point>>>()?;
            Ok(Series { name: reading.label.clone(), style: Style::Line, points })
        })
        .collect::<Result<_>>()?;
    let believed = |reading: &Numbers| Series {
        name: format!("q^δ by the {}: {}", reading.part, text::digits(reading.kl, 4)),
        style: Style::Bars,
        points: vec![point(reading.q[0], reading.kl)],
    };
    series.extend(readings.iter().map(believed));
    Ok(Figure {
        title: "psrl-example-1: how far a belief q is from the posterior p over policies".to_owned(),
        panels: vec![Panel {
            title: String::new(),
            x: Axis { label: "q(π₁)".to_owned(), scale: Scale::Linear, range: None },
            y: Axis { label: "KL(q ‖ p), nats".to_owned(), scale: Scale::Linear, range: None },
            series,
            lines: vec![Reference { label: "log 3".to_owned(), y: 3f64.ln() }],
        }],
        columns: 1,
    })
}

fn point(x: f64, y: f64) -> Point {
    Point { x, y, low: y, high: y }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readings_are_what_the_source_says_of_one_and_not_of_the_other() {
        let Keys { readings: [matrix, prose], flexible_kl } = Keys::new().unwrap();
        assert!((matrix.kl - 3f64.ln()).abs() < 1e-12 && flexible_kl.abs() < 1e-12);
        assert!((prose.kl - 1.5f64.ln()).abs() < 1e-12 && prose.flexible_kl > 0.1);
        // The curve that is drawn goes through the numbers that are printed.
        for reading in [matrix, prose] {
            let divergence = |q: f64| kl(&[q, 1.0 - q], &reading.p).unwrap();
            assert!((divergence(reading.q[0]) - reading.kl).abs() < 1e-12);
            assert!((divergence(2.0 / 3.0) - reading.flexible_kl).abs() < 1e-12);
            let ends = divergence(0.0).max(divergence(1.0));
            assert!((ends - reading.largest_kl).abs() < 1e-12);
        }
    }
}
