//! How wrong a model is where it is sure, and where it is unsure.

use super::doubt::Doubt;
use super::rank_correlation::RankSpec;
use super::stats::quantile;
use crate::measure::UncertaintySpec;
use mbrl_core::{Dataset, Error, Result, Spread};
use serde::{Deserialize, Serialize};

/// True errors by how unsure a measure is: what a rank correlation sums up in a number, as a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorCurve {
    /// The measure.
    pub spec: UncertaintySpec,
    /// Transitions that are about equally uncertain, the surest first.
    pub bins: Vec<ErrorBin>,
}

/// Transitions that are about equally uncertain, and their true errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorBin {
    /// How many transitions these are.
    pub rows: usize,
    /// The median of the measure.
    pub uncertainty: f64,
    /// The mean of the true errors.
    pub mean: f64,
    /// Their lower quartile.
    pub p25: f64,
    /// Their median.
    pub median: f64,
    /// Their upper quartile.
    pub p75: f64,
}

/// Parts these rows of the data by each measure into as many equal parts as asked for, and says how large the true error
/// is in each.
///
/// The error is that of [`rank_correlation`](super::rank_correlation()). Rows of equal uncertainty stay together, so that
/// parts may be fewer, and of a measure that is the same everywhere there is one.
pub fn error_curve(
    model: &dyn Spread,
    data: &dyn Dataset,
    rows: &[u32],
    spec: RankSpec<'_>,
    bins: usize,
) -> Result<Vec<ErrorCurve>> {
    if bins == 0 {
        return Err(Error::invalid("errors in no parts: ask for one at least"));
    }
    let Doubt { errors, unsure } = Doubt::of(model, data, rows, spec)?;
    let of_measure = |(spec, unsure): (&UncertaintySpec, Vec<f64>)| ErrorCurve {
        spec: *spec,
        bins: parted(&unsure, &errors, bins),
    };
    Ok(spec.measures.iter().zip(unsure).map(of_measure).collect())
}

fn parted(unsure: &[f64], errors: &[f64], bins: usize) -> Vec<ErrorBin> {
    let n = unsure.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_unstable_by(|&a, &b| unsure[a].total_cmp(&unsure[b]).then(a.cmp(&b)));
    let mut first = 0;
    let mut found = Vec::with_capacity(bins);
    for bin in 1..=bins {
        let mut last = (bin * n).div_ceil(bins);
        // No measure is below zero, so that equal numbers are equal in their order too.
        while last > first && last < n && unsure[order[last]] <= unsure[order[last - 1]] {
            last += 1;
        }
        if last > first {
            found.push(ErrorBin::of(&order[first..last], unsure, errors));
            first = last;
        }
    }
    found
}

impl ErrorBin {
    /// Of these rows, which are in ascending order of uncertainty.
    fn of(rows: &[usize], unsure: &[f64], errors: &[f64]) -> Self {
        let by_measure: Vec<f64> = rows.iter().map(|&row| unsure[row]).collect();
        let mut errors: Vec<f64> = rows.iter().map(|&row| errors[row]).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        errors.sort_unstable_by(f64::total_cmp);
        ErrorBin {
            rows: rows.len(),
            uncertainty: quantile(&by_measure, 0.5),
            mean,
            p25: quantile(&errors, 0.25),
            median: quantile(&errors, 0.5),
            p75: quantile(&errors, 0.75),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, member, played};
    use mbrl_core::{Key, Mode};

    #[test]
    fn parts_are_equal_and_equal_uncertainty_is_not_parted() {
        let unsure = [3.0, 1.0, 2.0, 2.0, 2.0, 5.0, 4.0, 0.0];
        let errors = [30.0, 10.0, 20.0, 21.0, 25.0, 50.0, 40.0, 0.0];
        let rows = |bins| parted(&unsure, &errors, bins).iter().map(|bin| bin.rows).collect::<Vec<_>>();
        assert_eq!(rows(1), [8]);
        // The second part would begin amid the three that are alike.
        assert_eq!(rows(2), [5, 3]);
        assert_eq!(rows(8), [1, 1, 3, 1, 1, 1]);
        let bins = parted(&unsure, &errors, 8);
        assert!((bins[2].uncertainty - 2.0).abs() < 1e-12 && (bins[2].mean - 22.0).abs() < 1e-12, "{bins:?}");
        assert!((bins[2].p25 - 20.5).abs() < 1e-12 && (bins[2].median - 21.0).abs() < 1e-12);
        assert!((bins[2].p75 - 23.0).abs() < 1e-12 && (bins[5].p75 - 50.0).abs() < 1e-12);
        assert_eq!(parted(&[1.0; 6], &[2.0; 6], 3).len(), 1);
    }

    #[test]
    fn the_error_of_a_model_that_knows_where_it_errs_rises_with_its_doubt() {
        let truth = Fake::of(1, vec![member(0.5, 0.0, 0.25, 0.0)]);
        let data = played(&truth, 2000, Mode::Mean, Key::root(8));
        let rows: Vec<u32> = (0..2000).collect();
        let knows = Fake::of(1, vec![member(0.5, 4.0, 1.0, 8.0), member(0.5, 8.0, 1.0, 8.0)]);
        for curve in error_curve(&knows, &data, &rows, RankSpec::default(), 10).unwrap() {
            assert_eq!(curve.bins.iter().map(|bin| bin.rows).sum::<usize>(), 2000);
            assert!(curve.bins.windows(2).all(|pair| pair[0].median < pair[1].median), "{curve:?}");
            assert!(curve.bins.iter().all(|bin| bin.p25 <= bin.median && bin.median <= bin.p75));
        }
        assert!(error_curve(&knows, &data, &rows, RankSpec::default(), 0).unwrap_err().is_invalid());
    }
}
