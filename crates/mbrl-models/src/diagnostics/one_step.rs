//! How far off a single prediction is.

use super::predictions::{Predictions, average};
use super::stats::Running;
use mbrl_core::{Dataset, Result, Spread};
use serde::{Deserialize, Serialize};

/// The errors of predicted means against what came, by column: those of the state, then the reward where it is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneStep {
    /// How many transitions were looked at.
    pub rows: usize,
    /// How many of the columns are the state; one more is the learnt reward.
    pub state_dim: usize,
    /// The variance of each column of what came.
    pub target_variance: Vec<f64>,
    /// The mean squared error, by column of the state, of the forecast that nothing moves: a model that is no better has
    /// learnt nothing, however high its R².
    pub standstill_mse: Vec<f64>,
    /// The errors of each member.
    pub members: Vec<OneStepError>,
    /// The errors of the average of the members.
    pub average: OneStepError,
}

/// The errors of one forecaster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneStepError {
    /// The mean squared error by column.
    pub mse: Vec<f64>,
    /// The mean absolute error by column.
    pub mae: Vec<f64>,
    /// 1 − mse / variance of what came, by column; none where a column never changes.
    pub r2: Vec<Option<f64>>,
    /// The mean over columns of `mse`.
    pub total_mse: f64,
    /// The mean over columns of `mae`.
    pub total_mae: f64,
    /// 1 − sum of `mse` / sum of variances; none where nothing ever changes.
    pub total_r2: Option<f64>,
}

/// Measures the errors of predicted means on these rows of the data: of each member, and of the members' average.
pub fn one_step(model: &dyn Spread, data: &dyn Dataset, rows: &[u32]) -> Result<OneStep> {
    let predictions = Predictions::new(model, data, rows)?;
    let (dim, state_dim, members) = (predictions.dim, predictions.state_dim, predictions.members());
    let mut came = vec![Running::default(); dim];
    let mut still = vec![0.0; state_dim];
    // The members, and their average behind them.
    let mut sums = vec![Sums { squares: vec![0.0; dim], sizes: vec![0.0; dim] }; members + 1];
    let mut mean = vec![0.0; dim];
    predictions.each(|chunk| {
        for (row, target) in chunk.target.iter().enumerate() {
            came.iter_mut().zip(target).for_each(|(came, x)| came.push(f64::from(*x)));
            for ((still, x), to) in still.iter_mut().zip(chunk.state.row(row)).zip(target) {
                *still += (f64::from(*x) - f64::from(*to)).powi(2);
            }
            for (member, sums) in sums[..members].iter_mut().enumerate() {
                sums.add(chunk.moments.mean(member, row).iter().map(|x| f64::from(*x)), target);
            }
            average(chunk.moments, row, &mut mean);
            sums[members].add(mean.iter().copied(), target);
        }
        Ok(())
    })?;
    let n = rows.len() as f64;
    let target_variance: Vec<f64> = came.iter().map(Running::variance).collect();
    let average = sums.pop().unwrap_or_default().errors(n, &target_variance);
    Ok(OneStep {
        rows: rows.len(),
        state_dim,
        standstill_mse: still.into_iter().map(|sum| sum / n).collect(),
        members: sums.into_iter().map(|sums| sums.errors(n, &target_variance)).collect(),
        average,
        target_variance,
    })
}

/// Sums over rows, by column.
#[derive(Clone, Default)]
struct Sums {
    squares: Vec<f64>,
    sizes: Vec<f64>,
}

impl Sums {
    fn add(&mut self, mean: impl Iterator<Item = f64>, target: &[f32]) {
        for (column, (mean, target)) in mean.zip(target).enumerate() {
            let error = mean - f64::from(*target);
            self.squares[column] += error * error;
            self.sizes[column] += error.abs();
        }
    }

    fn errors(self, n: f64, variance: &[f64]) -> OneStepError {
        let of_rows = |sums: Vec<f64>| sums.into_iter().map(|sum| sum / n).collect::<Vec<_>>();
        let (mse, mae) = (of_rows(self.squares), of_rows(self.sizes));
        let r2 = |mse: f64, variance: f64| (variance > 0.0).then(|| 1.0 - mse / variance);
        let dim = variance.len() as f64;
        OneStepError {
            r2: mse.iter().zip(variance).map(|(mse, variance)| r2(*mse, *variance)).collect(),
            total_mse: mse.iter().sum::<f64>() / dim,
            total_mae: mae.iter().sum::<f64>() / dim,
            total_r2: r2(mse.iter().sum(), variance.iter().sum()),
            mse,
            mae,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, four_members, member, played, recorded};
    use mbrl_core::{Key, Mode};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    /// By numpy: `reference/diagnostics.py`.
    #[test]
    fn numpy_says_the_same() {
        let rows: Vec<u32> = (0..1500).map(|i| (3 * i) % 1700).collect();
        let got = one_step(&four_members(), &recorded(2, 1700), &rows).unwrap();
        // For each member and then the average: mse, mae and R² by column.
        const REFERENCE: [[[f64; 3]; 3]; 5] = include!("../../reference/one_step.in");
        assert_eq!((got.rows, got.state_dim, got.members.len()), (1500, 2, 4));
        for (got, [mse, mae, r2]) in got.members.iter().chain([&got.average]).zip(REFERENCE) {
            for column in 0..3 {
                assert!(close(got.mse[column], mse[column]), "{got:?}");
                assert!(close(got.mae[column], mae[column]), "{got:?}");
                assert!(close(got.r2[column].unwrap(), r2[column]), "{got:?}");
            }
            assert!(close(got.total_mse, mse.iter().sum::<f64>() / 3.0));
            assert!(close(got.total_mae, mae.iter().sum::<f64>() / 3.0));
        }
    }

    #[test]
    fn the_true_model_is_perfect_and_a_shifted_one_is_off_by_its_shift() {
        let truth = Fake::of(2, vec![member(0.5, 0.25, 0.0, 0.0)]);
        let data = played(&truth, 300, Mode::Mean, Key::root(3));
        let rows: Vec<u32> = (0..300).collect();
        let shifted = Fake::of(2, vec![truth.members[0], member(0.5, 0.75, 0.0, 0.0)]);
        let got = one_step(&shifted, &data, &rows).unwrap();
        assert!(got.members[0].total_mse < 1e-12 && got.members[0].total_r2.unwrap() > 1.0 - 1e-9);
        for column in 0..3 {
            let off = 0.5 * (column + 1) as f64;
            assert!((got.members[1].mae[column] - off).abs() < 1e-6);
            assert!((got.members[1].mse[column] - off * off).abs() < 1e-6);
            // The average of the two is half as far off.
            assert!((got.average.mae[column] - off / 2.0).abs() < 1e-6);
        }
        let moved = data.iter().map(|t| f64::from(t.next_obs[1] - t.obs[1]).powi(2)).sum::<f64>() / 300.0;
        assert!((got.standstill_mse[1] - moved).abs() < 1e-6);
    }

    #[test]
    fn a_column_that_never_changes_has_no_r2() {
        let mut data = recorded(2, 20);
        (0..20).for_each(|row| data.next_obs.row_mut(row)[1] = 0.5);
        let got = one_step(&four_members(), &data, &[1, 5, 7]).unwrap();
        assert!(got.average.r2[1].is_none() && got.average.r2[0].is_some() && got.average.total_r2.is_some());
    }
}
