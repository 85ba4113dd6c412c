//! Whether a model is right as often as it says.

use super::predictions::Predictions;
use super::stats::normal_cdf;
use mbrl_core::{Dataset, Error, Moments, Result, Spread};
use serde::{Deserialize, Serialize};

/// The levels of a reliability curve: 5 %, 10 %, …, 95 %.
pub const CALIBRATION_LEVELS: [f64; 19] =
    [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

/// How often what came lies within what was predicted: by column of the state, then of the reward where it is learnt.
///
/// The prediction is the equal mixture of the members' Gaussians, column by column, and everything is read from its
/// distribution function at what came, u = F(x). A sound prediction makes u uniform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How many transitions were looked at.
    pub rows: usize,
    /// How many of the columns are the state; one more is the learnt reward.
    pub state_dim: usize,
    /// The levels of the curves below: what ought to be.
    pub levels: Vec<f64>,
    /// The curves of each column.
    pub columns: Vec<Reliability>,
    /// The curves of all columns together.
    pub pooled: Reliability,
    /// Sharpness: the mean over rows of the mixture's standard deviation, by column. Of two calibrated models the sharper
    /// one knows more.
    pub sharpness: Vec<f64>,
}

/// What is at each level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// The share of what came that lies in the central interval of each level, |2u − 1| ≤ level: below the level the model is
    /// overconfident.
    pub coverage: Vec<f64>,
    /// The share that lies below the quantile of each level, u ≤ level: off to one side where the model is biased.
    pub below: Vec<f64>,
    /// Expected calibration error: the mean over levels of |coverage − level|.
    pub coverage_error: f64,
    /// The mean over levels of |below − level|.
    pub below_error: f64,
}

/// Measures how often these rows of the data are where the mixture of the members says.
///
/// A member without variance is sure of its mean; what comes exactly there counts as the middle. `levels` lie between 0
/// and 1 and ascend: [`CALIBRATION_LEVELS`], say.
pub fn calibration(
    model: &dyn Spread,
    data: &dyn Dataset,
    rows: &[u32],
    levels: &[f64],
) -> Result<Calibration> {
    let inside = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
    if levels.is_empty() || !inside || levels.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::invalid(format_args!(
            "levels {levels:?}: give some between 0 and 1, in ascending order"
        )));
    }
    let predictions = Predictions::new(model, data, rows)?;
    let dim = predictions.dim;
    let mut counts = vec![Counts::new(levels.len()); dim];
    let mut sharpness = vec![0.0; dim];
    predictions.each(|chunk| {
        for (row, target) in chunk.target.iter().enumerate() {
            for column in 0..dim {
                let (u, std) = mixture_at(chunk.moments, row, column, f64::from(target[column]));
                counts[column].add(u, levels);
                sharpness[column] += std;
            }
        }
        Ok(())
    })?;
    let pooled = counts.iter().fold(Counts::new(levels.len()), Counts::plus);
    Ok(Calibration {
        rows: rows.len(),
        state_dim: predictions.state_dim,
        levels: levels.to_vec(),
        columns: counts.iter().map(|counts| counts.reliability(levels)).collect(),
        pooled: pooled.reliability(levels),
        sharpness: sharpness.into_iter().map(|sum| sum / rows.len() as f64).collect(),
    })
}

/// The mixture's distribution function at `x`, and its standard deviation.
fn mixture_at(moments: Moments<'_>, row: usize, column: usize, x: f64) -> (f64, f64) {
    let members = moments.members();
    let n = members as f64;
    let mean = |member| f64::from(moments.mean(member, row)[column]);
    let centre = (0..members).map(mean).sum::<f64>() / n;
    let (mut u, mut total) = (0.0, 0.0);
    for member in 0..members {
        let variance = f64::from(moments.variance(member, row)[column]);
        let z = (x - mean(member)) / variance.sqrt();
        // 0/0 is a member that is sure, and right.
        u += if z.is_nan() { 0.5 } else { normal_cdf(z) };
        total += variance + (mean(member) - centre).powi(2);
    }
    (u / n, (total / n).sqrt())
}

#[derive(Clone)]
struct Counts {
    rows: u64,
    within: Vec<u64>,
    below: Vec<u64>,
}

impl Counts {
    fn new(levels: usize) -> Self {
        Counts { rows: 0, within: vec![0; levels], below: vec![0; levels] }
    }

    fn add(&mut self, u: f64, levels: &[f64]) {
        self.rows += 1;
        let from_middle = (2.0 * u - 1.0).abs();
        for (i, level) in levels.iter().enumerate() {
            self.within[i] += u64::from(from_middle <= *level);
            self.below[i] += u64::from(u <= *level);
        }
    }

    fn plus(mut self, other: &Counts) -> Self {
        self.rows += other.rows;
        self.within.iter_mut().zip(&other.within).for_each(|(sum, x)| *sum += x);
        self.below.iter_mut().zip(&other.below).for_each(|(sum, x)| *sum += x);
        self
    }

    fn reliability(&self, levels: &[f64]) -> Reliability {
        let share = |counts: &[u64]| counts.iter().map(|n| *n as f64 / self.rows as f64).collect::<Vec<_>>();
        let error = |shares: &[f64]| {
            shares.iter().zip(levels).map(|(share, level)| (share - level).abs()).sum::<f64>()
                / levels.len() as f64
        };
        let (coverage, below) = (share(&self.within), share(&self.below));
        Reliability { coverage_error: error(&coverage), below_error: error(&below), coverage, below }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, Member, four_members, member, played, recorded};
    use mbrl_core::{Key, Mode};

    const TRUTH: Member = Member { gain: 0.5, shift: 0.25, sigma: 0.5, growth: 0.5 };

    /// What `members` make of 20,000 rows that the truth played.
    fn judged(members: Vec<Member>) -> Calibration {
        let data = played(&Fake::of(2, vec![TRUTH]), 20_000, Mode::Sample, Key::root(11));
        let rows: Vec<u32> = (0..20_000).collect();
        calibration(&Fake::of(2, members), &data, &rows, &CALIBRATION_LEVELS).unwrap()
    }

    /// By SciPy: `reference/diagnostics.py`.
    #[test]
    fn scipy_says_the_same() {
        // By column: coverage and share below at each level; then sharpness.
        const REFERENCE: ([[[f64; 19]; 2]; 3], [f64; 3]) = include!("../../reference/calibration.in");
        let rows: Vec<u32> = (0..1500).map(|i| (3 * i) % 1700).collect();
        let got = calibration(&four_members(), &recorded(2, 1700), &rows, &CALIBRATION_LEVELS).unwrap();
        for (column, [coverage, below]) in REFERENCE.0.iter().enumerate() {
            let curves = &got.columns[column];
            for level in 0..19 {
                assert!((curves.coverage[level] - coverage[level]).abs() < 1e-12, "{column} {level}");
                assert!((curves.below[level] - below[level]).abs() < 1e-12, "{column} {level}");
            }
            let error: f64 =
                coverage.iter().zip(CALIBRATION_LEVELS).map(|(c, l)| (c - l).abs()).sum::<f64>() / 19.0;
            assert!((curves.coverage_error - error).abs() < 1e-12);
            assert!((got.sharpness[column] - REFERENCE.1[column]).abs() < 1e-12);
        }
        let mean: f64 = REFERENCE.0.iter().map(|column| column[0][9]).sum::<f64>() / 3.0;
        assert!((got.pooled.coverage[9] - mean).abs() < 1e-12);
    }

    /// A share of n independent rows at level p is off by more than 6.5·√(p(1 − p)/n) once in 1e10; of 3 columns and pooled
    /// (which only averages), at 19 levels, twice over: below 1e-7.
    #[test]
    fn the_truth_is_calibrated() {
        let got = judged(vec![TRUTH]);
        for curves in &got.columns {
            for (level, (within, below)) in got.levels.iter().zip(curves.coverage.iter().zip(&curves.below)) {
                let bound = 6.5 * (level * (1.0 - level) / 20_000.0).sqrt();
                assert!((within - level).abs() < bound && (below - level).abs() < bound, "{curves:?}");
            }
        }
        assert!(got.pooled.coverage_error < 0.01 && got.pooled.below_error < 0.01, "{:?}", got.pooled);
        // Members that agree are one.
        let again = judged(vec![TRUTH; 3]);
        assert!((again.pooled.coverage_error - got.pooled.coverage_error).abs() < 1e-9);
    }

    #[test]
    fn too_sure_too_unsure_and_off_to_a_side() {
        let sure = judged(vec![Member { sigma: 0.25, ..TRUTH }]);
        let unsure = judged(vec![Member { sigma: 1.0, ..TRUTH }]);
        let biased = judged(vec![Member { shift: 0.0, ..TRUTH }]);
        // Half and twice the true deviation: 2Φ(z/2) − 1 and 2Φ(2z) − 1 at the z of 90 %.
        let at_90 = |calibration: &Calibration| calibration.pooled.coverage[17];
        assert!((at_90(&sure) - 0.5891).abs() < 0.015 && (at_90(&unsure) - 0.99899).abs() < 0.002);
        assert!(sure.pooled.coverage_error > 0.15 && unsure.pooled.coverage_error > 0.15);
        assert!(sure.pooled.below_error < 0.15, "no side is favoured");
        // What came is above what was predicted, so that too little is below each quantile.
        assert!(
            biased.columns.iter().all(|column| column.below.iter().zip(&biased.levels).all(|(b, l)| b < l))
        );
        assert!((unsure.sharpness[0] / sure.sharpness[0] - 4.0).abs() < 1e-6);
    }

    #[test]
    fn a_model_without_variance_is_right_or_wrong() {
        let model = Fake::of(1, vec![member(0.5, 0.25, 0.0, 0.0)]);
        let data = played(&model, 50, Mode::Mean, Key::root(4));
        let rows: Vec<u32> = (0..50).collect();
        let coverage = |model: &Fake| calibration(model, &data, &rows, &[0.5]).unwrap().pooled.coverage[0];
        assert!((coverage(&model) - 1.0).abs() < 1e-12);
        assert!(coverage(&Fake::of(1, vec![member(0.5, 0.5, 0.0, 0.0)])).abs() < 1e-12);
    }

    #[test]
    fn levels_that_are_none_are_refused() {
        for levels in [&[][..], &[0.0], &[1.0], &[0.5, 0.5], &[0.9, 0.1], &[f64::NAN]] {
            let error = calibration(&four_members(), &recorded(2, 9), &[0], levels).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains("levels"), "{error}");
        }
    }
}
