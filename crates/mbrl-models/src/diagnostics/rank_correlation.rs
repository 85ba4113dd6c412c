//! Whether a model is unsure where it is wrong.

use super::doubt::Doubt;
use crate::measure::{Columns, Uncertainty, UncertaintySpec};
use mbrl_core::{Dataset, Error, Result, Spread};
use serde::{Deserialize, Serialize};

/// Which measures of uncertainty are held against which error. By default the six as published, against the error of the
/// state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankSpec<'a> {
    /// The measures.
    pub measures: &'a [UncertaintySpec],
    /// The elites of those measures that look at elites.
    pub elites: &'a [u16],
    /// The columns whose error counts.
    pub error: Columns,
}

/// How well each measure of uncertainty ranks transitions by their true error, the 2-norm of what the members predict on
/// average less what came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankCorrelation {
    /// How many transitions were looked at.
    pub rows: usize,
    /// The columns whose error counts.
    pub error: Columns,
    /// The mean error.
    pub mean_error: f64,
    /// Each measure, in the order asked for.
    pub measures: Vec<MeasureRank>,
}

/// How well a measure ranks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureRank {
    /// The measure.
    pub spec: UncertaintySpec,
    /// The correlation; none where the measure is the same of every row, as that of variances is of a model without.
    pub correlation: Option<Spearman>,
}

/// Spearman's rank correlation, with a 95 % interval.
///
/// The interval is Fisher's with the standard error of Bonett and Wright (2000), √((1 + ρ²/2)/(n − 3)). It takes rows for
/// independent: those of an episode are not, so it is too narrow for them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spearman {
    /// ρ, between -1 and 1.
    pub rho: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// Ranks these rows of the data, at least four, by uncertainty and by true error.
///
/// Refused is an error that is the same of every row, and where no measure tells any two rows apart: such have no ranks.
pub fn rank_correlation(
    model: &dyn Spread,
    data: &dyn Dataset,
    rows: &[u32],
    spec: RankSpec<'_>,
) -> Result<RankCorrelation> {
    let Doubt { errors, unsure } = Doubt::of(model, data, rows, spec)?;
    if rows.len() < 4 {
        return Err(Error::invalid(format_args!(
            "a rank correlation of {} rows: give at least 4",
            rows.len()
        )));
    }
    let Some(by_error) = Ranks::of(&errors) else {
        return Err(Error::invalid(format_args!(
            "the model is off by {} in every one of {} rows: rows that err alike have no ranks",
            errors[0],
            rows.len()
        )));
    };
    let of_measure = |(spec, unsure): (&UncertaintySpec, Vec<f64>)| MeasureRank {
        spec: *spec,
        correlation: Ranks::of(&unsure).map(|ranks| ranks.correlation(&by_error)),
    };
    let measures: Vec<MeasureRank> = spec.measures.iter().zip(unsure).map(of_measure).collect();
    if measures.iter().all(|measure| measure.correlation.is_none()) {
        return Err(Error::invalid(format_args!(
            "none of {} measures of uncertainty tells any two of {} rows apart: the model has one member or no variance",
            measures.len(),
            rows.len()
        )));
    }
    let mean_error = errors.iter().sum::<f64>() / rows.len() as f64;
    Ok(RankCorrelation { rows: rows.len(), error: spec.error, mean_error, measures })
}

impl Default for RankSpec<'_> {
    fn default() -> Self {
        const PUBLISHED: [UncertaintySpec; 6] = [
            Uncertainty::ALL[0].published(),
            Uncertainty::ALL[1].published(),
            Uncertainty::ALL[2].published(),
            Uncertainty::ALL[3].published(),
            Uncertainty::ALL[4].published(),
            Uncertainty::ALL[5].published(),
        ];
        RankSpec { measures: &PUBLISHED, elites: &[], error: Columns::State }
    }
}

/// Ranks less their mean: numbers that are equal share the average of their places.
struct Ranks {
    centred: Vec<f64>,
    squares: f64,
}

impl Ranks {
    /// None where all numbers are equal.
    fn of(numbers: &[f64]) -> Option<Self> {
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_unstable_by(|&a, &b| numbers[a].total_cmp(&numbers[b]).then(a.cmp(&b)));
        let middle = (numbers.len() - 1) as f64 / 2.0;
        let mut centred = vec![0.0; numbers.len()];
        let mut place = 0;
        for tied in order.chunk_by(|&a, &b| numbers[a] >= numbers[b]) {
            let rank = place as f64 + (tied.len() - 1) as f64 / 2.0;
            tied.iter().for_each(|&i| centred[i] = rank - middle);
            place += tied.len();
        }
        let squares = centred.iter().map(|x| x * x).sum();
        (squares > 0.0).then_some(Ranks { centred, squares })
    }

    fn correlation(&self, other: &Ranks) -> Spearman {
        let product: f64 = self.centred.iter().zip(&other.centred).map(|(a, b)| a * b).sum();
        let rho = (product / (self.squares * other.squares).sqrt()).clamp(-1.0, 1.0);
        /// The 97.5 % quantile of the standard normal law.
        const Z: f64 = 1.959_963_984_540_054;
        let error = ((1.0 + rho * rho / 2.0) / (self.centred.len() - 3) as f64).sqrt();
        let end = |side: f64| (rho.atanh() + side * Z * error).tanh();
        Spearman { rho, low: end(-1.0), high: end(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, four_members, member, played, recorded};
    use crate::measure::Members;
    use mbrl_core::{Key, Mode};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    /// By `scipy.stats.spearmanr`: `reference/diagnostics.py`.
    #[test]
    fn scipy_says_the_same() {
        // For each measure: ρ and the interval against the error of the state, then against that of all columns.
        const REFERENCE: [[[f64; 3]; 2]; 6] = include!("../../reference/rank_correlation.in");
        let rows: Vec<u32> = (0..1500).map(|i| (3 * i) % 1700).collect();
        for (i, error) in [Columns::State, Columns::All].into_iter().enumerate() {
            let spec = RankSpec { error, ..RankSpec::default() };
            let got = rank_correlation(&four_members(), &recorded(2, 1700), &rows, spec).unwrap();
            for (got, expected) in got.measures.iter().zip(REFERENCE) {
                let (found, [rho, low, high]) = (got.correlation.unwrap(), expected[i]);
                assert!(
                    close(found.rho, rho) && close(found.low, low) && close(found.high, high),
                    "{got:?} for {expected:?}"
                );
            }
        }
    }

    #[test]
    fn ties_share_their_places() {
        let ranks = Ranks::of(&[3.0, 1.0, 3.0, 2.0, 3.0, 1.0]).unwrap();
        assert_eq!(ranks.centred.iter().map(|x| (2.0 * x) as i32).collect::<Vec<_>>(), [3, -4, 3, -1, 3, -4]);
        assert!(Ranks::of(&[2.0; 5]).is_none() && Ranks::of(&[0.0, -0.0, 0.0]).is_none());
        let perfect = ranks.correlation(&ranks);
        assert!(close(perfect.rho, 1.0) && close(perfect.low, 1.0) && close(perfect.high, 1.0));
    }

    #[test]
    fn a_model_that_knows_where_it_errs_ranks_well_and_one_that_errs_anywhere_does_not() {
        let truth = Fake::of(1, vec![member(0.5, 0.0, 0.25, 0.0)]);
        let data = played(&truth, 4000, Mode::Sample, Key::root(8));
        let rows: Vec<u32> = (0..4000).collect();
        // Both members are wrong by as much more as |s| is larger, and say so.
        let knows = Fake::of(1, vec![member(0.5, 4.0, 1.0, 8.0), member(0.5, 8.0, 1.0, 8.0)]);
        let got = rank_correlation(&knows, &data, &rows, RankSpec::default()).unwrap();
        assert!(got.measures.iter().all(|measure| measure.correlation.unwrap().rho > 0.95), "{got:?}");
        // The error is the world's noise, of which the members' spread says nothing. An independent ranking has a standard
        // error of 1/√n: at 6 of them a false alarm is below 2e-9, of six measures below 1e-7.
        let blind = Fake::of(1, vec![member(0.5, 0.5, 0.25, 8.0), member(0.5, -0.5, 0.25, 8.0)]);
        let got = rank_correlation(&blind, &data, &rows, RankSpec::default()).unwrap();
        let bound = 6.0 / 4000f64.sqrt();
        assert!(got.measures.iter().all(|measure| measure.correlation.unwrap().rho.abs() < bound), "{got:?}");
    }

    #[test]
    fn what_has_no_ranks_is_said() {
        let (data, rows) = (recorded(2, 100), (0..100).collect::<Vec<u32>>());
        let ranked = |model: &Fake, rows| rank_correlation(model, &data, rows, RankSpec::default());
        // Members that are sure but differ: what looks at variances alone is constant, and the rest is not lost.
        let sure = Fake::of(2, vec![member(0.5, 0.25, 0.0, 0.0), member(0.25, -0.25, 0.0, 0.0)]);
        let got = ranked(&sure, &rows).unwrap();
        for measure in got.measures {
            let constant =
                matches!(measure.spec.measure, Uncertainty::MaxCovarianceNorm | Uncertainty::MaxStdNorm);
            assert_eq!(measure.correlation.is_none(), constant, "{measure:?}");
        }
        let one = Fake::of(2, vec![member(0.5, 0.25, 0.5, 0.0)]);
        let error = ranked(&one, &rows).unwrap_err().to_string();
        assert!(error.contains("none of 6 measures") && error.contains("any two of 100 rows"), "{error}");
        let error = ranked(&sure, &[7, 7, 7, 7]).unwrap_err().to_string();
        assert!(error.contains("in every one of 4 rows"), "{error}");
        assert!(ranked(&sure, &rows[..3]).unwrap_err().to_string().contains("at least 4"));
    }

    #[test]
    fn elites_are_looked_at_where_they_are_asked_for() {
        let (data, rows) = (recorded(2, 100), (0..100).collect::<Vec<u32>>());
        let spec = UncertaintySpec { members: Members::Elites, ..Uncertainty::MaxStdNorm.published() };
        let ranked = |elites| {
            let spec = RankSpec { measures: &[spec], elites, error: Columns::State };
            let model = Fake::of(2, vec![member(0.5, 0.25, 0.5, 0.5), member(0.5, 0.25, 0.5, 0.0)]);
            rank_correlation(&model, &data, &rows, spec)
        };
        // Member 1 is as unsure everywhere.
        assert!(ranked(&[0]).unwrap().measures[0].correlation.is_some());
        assert!(ranked(&[1]).unwrap_err().to_string().contains("none of 1 measures"));
        assert!(ranked(&[2]).unwrap_err().to_string().contains("elite 2 of 2"));
    }
}
