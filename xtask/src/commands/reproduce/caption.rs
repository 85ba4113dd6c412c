//! What stands with a figure: what its source shows, and what was found here.

use super::learning::Earned;
use super::welch::welch95;
use crate::plot::Reference;
use mbrl_agents::ci95;
use serde::Serialize;

/// The words of a figure, which stand above its table and in its JSON.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Caption<'a> {
    pub(super) source: &'a str,
    pub(super) found: &'a str,
}

impl Caption<'_> {
    /// The caption, and under it the table.
    pub(super) fn above(self, table: &str) -> String {
        let Caption { source, found } = self;
        format!("In the source: {source}\n\nFound here: {found}\n\n{}", table.trim())
    }
}

/// A mean with so many digits behind the point, Student's interval of it where there is one, and of how many it is.
pub(super) fn said(numbers: &[f64], digits: usize) -> String {
    let n = numbers.len();
    let mean = mbrl_agents::mean(numbers);
    match ci95(numbers) {
        Some([low, high]) => format!("{mean:.digits$} ({low:.digits$} to {high:.digits$}, n = {n})"),
        None => format!("{mean:.digits$} (n = {n})"),
    }
}

/// A name within a sentence, where a comma of its own would be taken for one of the sentence.
pub(super) fn named(name: &str) -> String {
    if name.contains(',') { format!("“{name}”") } else { name.to_owned() }
}

/// What some curves came to: who reached the first level that they are compared with, what each earned at its end, and
/// how much more than the others the first earned at the last point that both have. `x` is what its points count.
pub(super) fn of_curves(x: &str, curves: &[Vec<Earned>], lines: &[Reference]) -> String {
    let mut sentences = Vec::new();
    for curve in curves {
        let Some(last) = curve.last() else { continue };
        let end = format!("{} at {}", said(&last.returns, 1), at(x, last.x));
        sentences.push(match lines.first() {
            Some(level) => {
                format!("{} {}; it ends with {end}.", named(last.group()), reached(x, curve, level))
            }
            None => format!("{} ends with {end}.", named(last.group())),
        });
    }
    sentences.extend(curves.iter().skip(1).filter_map(|other| apart(x, curves.first()?, other)));
    sentences.join(" ")
}

/// A place on the axis in words.
fn at(x: &str, place: u64) -> String {
    if x.ends_with('s') { format!("{place} {x}") } else { format!("{x} {place}") }
}

/// How many of the seeds got to a level, and after how long the median one.
fn reached(x: &str, curve: &[Earned], level: &Reference) -> String {
    let seeds = curve.iter().map(|earned| earned.returns.len()).min().unwrap_or(0);
    let first = |seed: usize| curve.iter().find(|earned| earned.returns[seed] >= level.y);
    let mut places: Vec<u64> = (0..seeds).filter_map(|seed| Some(first(seed)?.x)).collect();
    places.sort_unstable();
    let who = format!("reaches {} ({}) with {} of {seeds} seeds", level.y, level.label, places.len());
    // Those that never got there are behind all others.
    match places.get(seeds / 2) {
        Some(median) => format!("{who}, the median at {}", at(x, *median)),
        None => who,
    }
}

/// How much more or less the first curve earns than another at the last point that both have.
fn apart(x: &str, first: &[Earned], other: &[Earned]) -> Option<String> {
    let here = first.iter().rev().find(|earned| other.iter().any(|point| point.x == earned.x))?;
    let there = other.iter().find(|point| point.x == here.x)?;
    let (difference, interval) = (here.mean - there.mean, welch95(&here.returns, &there.returns));
    Some(format!(
        "At {}, the last that both have, {} earns {:.1} {} than {}{}.",
        at(x, here.x),
        named(here.group()),
        difference.abs(),
        if difference < 0.0 { "less" } else { "more" },
        named(there.group()),
        interval.map_or(String::new(), |[low, high]| {
            format!(" (Welch's 95 % interval of the difference {low:.1} to {high:.1})")
        })
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &'static str, points: &[(u64, &[f64])]) -> Vec<Earned> {
        points.iter().map(|(x, returns)| Earned::of(name, *x, returns.to_vec())).collect()
    }

    #[test]
    fn curves_are_told_by_their_own_numbers() {
        let one = curve("one", &[(5, &[1.0, 2.0, 9.0]), (10, &[8.0, 3.0, 9.5])]);
        let other = curve("other", &[(10, &[1.0, 2.0, 3.0]), (20, &[0.0, 1.0, 2.0])]);
        let level = Reference { label: "aim".to_owned(), y: 8.0 };
        let curves = [one.clone(), other];
        let text = of_curves("steps", &curves, std::slice::from_ref(&level));
        assert!(
            text.starts_with("one reaches 8 (aim) with 2 of 3 seeds, the median at 10 steps; it ends with 6.8 (-1.6 to 15.3, n = 3) at 10 steps."),
            "{text}"
        );
        assert!(text.contains("other reaches 8 (aim) with 0 of 3 seeds; it ends with 1.0"), "{text}");
        assert!(
            text.contains("At 10 steps, the last that both have, one earns 4.8 more than other (Welch's"),
            "{text}"
        );
        let text = of_curves("trial", &[one], &[]);
        assert_eq!(text, "one ends with 6.8 (-1.6 to 15.3, n = 3) at trial 10.");
    }

    #[test]
    fn a_caption_says_whose_words_are_whose() {
        let caption = Caption { source: "It rises.", found: "It falls." };
        assert_eq!(caption.above("\n| x |\n"), "In the source: It rises.\n\nFound here: It falls.\n\n| x |");
    }
}
