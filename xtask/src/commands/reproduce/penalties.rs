//! What the penalties of offline learning say of a model's error, on a line where the error is known.

use super::caption::said;
use super::chart::{at, linear, log, panel, series};
use super::line::{self, ENDS, Foretold, SEEDS, noise, truth};
use super::{Made, Scale};
use crate::plot::{Figure, Point, Series, Style};
use mbrl_agents::mean;
use mbrl_bounds::divergence::gaussian::Gaussian;
use mbrl_core::{Error, Key, Result};
use mbrl_models::{RankSpec, Uncertainty, rank_correlation};
use serde::Serialize;
use std::fmt::Write;

/// Where coverage is told, each as the intervals that it is made of.
const REGIONS: [(&str, &[[f64; 2]]); 4] = [
    ("everywhere", &[ENDS]),
    ("data", &[[-4.0, -1.0], [1.0, 4.0]]),
    ("gap", &[[-1.0, 1.0]]),
    ("beyond", &[[ENDS[0], -4.0], [4.0, ENDS[1]]]),
];
/// A weight is enough if it covers this share of the points.
const ENOUGH: f64 = 0.95;

/// What a fit of one seed says along the line.
#[derive(Serialize)]
struct Seed {
    x: Vec<f64>,
    /// How far the members' mean is from the line.
    error: Vec<f64>,
    /// How far what is imagined is from what would be drawn: the root of the members' mean W₂², which W₂ of their mixture,
    /// and so W₁, is never above.
    distance: Vec<f64>,
    /// By measure, in the order of `Uncertainty::ALL`.
    measures: Vec<Measured>,
}

#[derive(Serialize)]
struct Measured {
    measure: Uncertainty,
    u: Vec<f64>,
    /// Spearman's correlation with the error, over the points.
    rho: Option<f64>,
}

pub(super) fn make(scale: Scale) -> Result<Made> {
    let seeds = if scale == Scale::Quick { 2 } else { SEEDS };
    let all = crate::jobs::each(seeds, |seed| Seed::of(Key::root(seed), scale))?;
    let data = serde_json::to_value(&all).map_err(Error::backend)?;
    Ok(Made { figure: figure(&all), found: found(&all), table: table(&all), data })
}

/// What is to be covered: the error, or the distance.
type Column = fn(&Seed) -> &Vec<f64>;

impl Seed {
    fn of(key: Key, scale: Scale) -> Result<Self> {
        let (_, ensemble) = line::fitted(key, scale)?;
        let mut foretold = Foretold::by(ensemble.network())?;
        let (moves, x) = (line::true_moves(), foretold.xs.clone());
        let rows: Vec<u32> = (0..moves.len() as u32).collect();
        let ranks = rank_correlation(ensemble.network(), &moves, &rows, RankSpec::default())?;
        let (mut error, mut distance) = (Vec::new(), Vec::new());
        for (row, &x) in x.iter().enumerate() {
            let drawn = Gaussian::new(vec![truth(x)], vec![noise(x).powi(2)])?;
            let squares = foretold
                .at(row)
                .map(|[mean, variance]| Ok(Gaussian::new(vec![mean], vec![variance])?.w2(&drawn)?.powi(2)));
            distance.push(mean(&squares.collect::<Result<Vec<_>>>()?).sqrt());
            let means: Vec<f64> = foretold.at(row).map(|[mean, _]| mean).collect();
            error.push((mean(&means) - truth(x)).abs());
        }
        let measured = |measure: Uncertainty| {
            let spec = measure.published();
            let rank = ranks.measures.iter().find(|rank| rank.spec == spec);
            let rho = rank.and_then(|rank| Some(rank.correlation?.rho));
            Ok(Measured { measure, u: foretold.measured(spec)?, rho })
        };
        let measures = Uncertainty::ALL.into_iter().map(measured).collect::<Result<_>>()?;
        Ok(Seed { x, error, distance, measures })
    }

    /// The share of the points of a region at which `weight` times a measure is at least what is to be covered.
    fn coverage(&self, measure: usize, of: Column, weight: f64, region: &[[f64; 2]]) -> f64 {
        let inside = |i: &usize| region.iter().any(|[low, high]| (*low..=*high).contains(&self.x[*i]));
        let covered = (0..self.x.len()).filter(inside);
        let covered = covered.map(|i| f64::from(weight * self.measures[measure].u[i] >= of(self)[i]));
        mean(&covered.collect::<Vec<_>>())
    }

    /// The least weight with which a measure covers enough of the points.
    fn weight(&self, measure: usize, of: Column) -> f64 {
        let mut ratios: Vec<f64> =
            of(self).iter().zip(&self.measures[measure].u).map(|(error, u)| error / u).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[((ENOUGH * ratios.len() as f64).ceil() as usize).clamp(1, ratios.len()) - 1]
    }
}

fn name(measure: Uncertainty) -> &'static str {
    match measure {
        Uncertainty::MaxCovarianceNorm => "largest variance",
        Uncertainty::MaxPairwiseDistance => "distance of two means",
        Uncertainty::EnsembleVariance => "variance of the mixture",
        Uncertainty::MaxStdNorm => "largest deviation",
        Uncertainty::MaxDeviation => "largest distance from the mean",
        Uncertainty::EnsembleStd => "deviation of the means",
    }
}

/// A number of each seed.
fn over(all: &[Seed], of: impl Fn(&Seed) -> f64) -> Vec<f64> {
    all.iter().map(of).collect()
}

/// Correlations where there are any.
fn rho(all: &[Seed], measure: usize) -> Vec<f64> {
    all.iter().filter_map(|seed| seed.measures[measure].rho).collect()
}

fn figure(all: &[Seed]) -> Figure {
    let first = &all[0];
    // Below the axis nothing is to be seen, and zero has no place on it.
    let curve = |name: &str, of: &[f64]| -> Series {
        let points = first.x.iter().zip(of).map(|(x, y)| at(*x, y.max(LEAST))).collect();
        series(name, Style::Line, points)
    };
    let picture = |title: &str, compares: bool| {
        let mut curves = vec![curve("error of the model", &first.error)];
        let measures = first.measures.iter().filter(|of| of.measure.compares_members() == compares);
        curves.extend(measures.map(|of| curve(name(of.measure), &of.u)));
        let (mut x, mut y) = (linear("x; data on −4 to −1 and on 1 to 4"), log("error, and u(x)"));
        (x.range, y.range) = (Some(ENDS), Some([LEAST, 10.0]));
        panel(title, x, y, curves)
    };
    let covered = |(i, measure): (usize, Uncertainty)| -> Series {
        let weight = |j: i32| 10f64.powf(f64::from(j) / 10.0);
        let share = |j| mean(&over(all, |seed| seed.coverage(i, |seed| &seed.error, weight(j), &[ENDS])));
        let points: Vec<Point> = (-10..=20).map(|j| at(weight(j), share(j))).collect();
        series(name(measure), Style::Line, points)
    };
    let covered = Uncertainty::ALL.into_iter().enumerate().map(covered).collect();
    let mut share = linear("share of points with λu ≥ error");
    share.range = Some([0.0, 1.0]);
    let panels = vec![
        picture("by what the members foretell", false),
        picture("by what they disagree about", true),
        panel("coverage, all seeds", log("weight λ"), share, covered),
    ];
    Figure { title: "What MOPO's penalties say of the error".to_owned(), panels, columns: 3 }
}

const LEAST: f64 = 1e-3;

fn found(all: &[Seed]) -> String {
    let mut text =
        "Rank correlation with the error, and the weight with which 95 % of the line is covered:".to_owned();
    for (i, measure) in Uncertainty::ALL.into_iter().enumerate() {
        let weight = over(all, |seed| seed.weight(i, |seed| &seed.error));
        let comma = if i == 0 { "" } else { ";" };
        let _ =
            write!(text, "{comma} {} {} and λ = {}", name(measure), said(&rho(all, i), 2), said(&weight, 1));
    }
    let best = |region: usize| {
        let share = |i| mean(&over(all, |seed| seed.coverage(i, |seed| &seed.error, 1.0, REGIONS[region].1)));
        let shares = (0..Uncertainty::ALL.len()).map(|i| (i, share(i)));
        shares.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(String::new(), |(i, share)| {
            format!("{:.0} % by the {}", 100.0 * share, name(Uncertainty::ALL[i]))
        })
    };
    let _ = write!(
        text,
        ". At λ = 1 what is covered at most is, where there are data, {}; in the gap {}; beyond {}.",
        best(1),
        best(2),
        best(3)
    );
    text
}

fn table(all: &[Seed]) -> String {
    format!(
        "Means over n = {} seeds (95 % interval), on {} points from {} to {}. ρ is Spearman's correlation of u with the error of \
         the members' mean; coverage is the share of points with u ≥ error; λ is the least weight that covers 95 % of all points.\n\n\
         | u | ρ | coverage | with data | in the gap | beyond | λ |\n|---|---|---|---|---|---|---|\n{}\n\
         The same for the distance W₂ of what is imagined from what would be drawn, of which noise is a part.\n\n\
         | u | coverage | with data | in the gap | beyond | λ |\n|---|---|---|---|---|---|\n{}",
        all.len(),
        all[0].x.len(),
        ENDS[0],
        ENDS[1],
        rows(all, |seed| &seed.error, |i| format!(" {} |", cell(&rho(all, i), 2))),
        rows(all, |seed| &seed.distance, |_| String::new())
    )
}

/// A row for each measure, with a cell before the coverage.
fn rows(all: &[Seed], of: Column, before: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for (i, measure) in Uncertainty::ALL.into_iter().enumerate() {
        let covered =
            |(_, region): &(&str, &[[f64; 2]])| cell(&over(all, |seed| seed.coverage(i, of, 1.0, region)), 2);
        let regions: Vec<String> = REGIONS.iter().map(covered).collect();
        let weight = cell(&over(all, |seed| seed.weight(i, of)), 1);
        let _ = writeln!(text, "| {} |{} {} | {weight} |", name(measure), before(i), regions.join(" | "));
    }
    text
}

/// A mean and its interval, where the table says of how many.
fn cell(numbers: &[f64], digits: usize) -> String {
    said(numbers, digits).replace(&format!(", n = {}", numbers.len()), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_covers_the_points_where_it_is_at_least_the_error() {
        let u = vec![1.0, 1.0, 0.5, 2.0];
        let seed = Seed {
            x: vec![-5.0, -2.0, 0.0, 2.0],
            error: vec![3.0, 1.0, 0.6, 0.1],
            distance: vec![9.0, 9.0, 0.5, 9.0],
            measures: vec![Measured { measure: Uncertainty::MaxStdNorm, u, rho: None }],
        };
        let share = |of, weight, region: usize| seed.coverage(0, of, weight, REGIONS[region].1);
        let (error, distance): (Column, Column) = (|seed| &seed.error, |seed| &seed.distance);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(share(error, 1.0, 0), 0.5) && close(share(error, 2.0, 0), 0.75));
        assert!(close(share(error, 1.0, 1), 1.0) && close(share(error, 1.0, 2), 0.0));
        assert!(close(share(error, 1.0, 3), 0.0) && close(share(distance, 1.0, 0), 0.25));
        // To cover 95 % of four points is to cover all of them.
        assert!(close(seed.weight(0, error), 3.0));
    }

    #[test]
    fn the_deviation_of_the_means_never_covers_the_distance_of_what_is_imagined() {
        // W₂² of a member is at least the square of its mean's error, and their mean at least the variance of the means.
        let seed = Seed::of(Key::root(0), Scale::Quick).unwrap();
        let measure = seed.measures.iter().find(|of| of.measure == Uncertainty::EnsembleStd).unwrap();
        assert!(measure.u.iter().zip(&seed.distance).all(|(u, distance)| u <= distance));
    }
}
