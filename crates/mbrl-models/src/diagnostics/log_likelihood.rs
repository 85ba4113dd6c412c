//! How likely a model finds what came.

use super::predictions::Predictions;
use mbrl_core::{Dataset, Error, Result, Spread};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// The mean log-likelihood of a transition, in nats, over all columns together: of the state, and of the reward where it is
/// learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLikelihood {
    /// How many transitions were looked at.
    pub rows: usize,
    /// Under each member.
    pub members: Vec<f64>,
    /// Under the equal mixture of the members; at least the mean of those.
    pub mixture: f64,
}

/// Measures how likely these rows of the data are under the members' Gaussians and under their mixture.
///
/// A variance of zero is refused: a deterministic model has no likelihood.
pub fn log_likelihood(model: &dyn Spread, data: &dyn Dataset, rows: &[u32]) -> Result<LogLikelihood> {
    let predictions = Predictions::new(model, data, rows)?;
    let members = predictions.members();
    let mut sums = vec![0.0; members];
    let mut mixture = 0.0;
    let mut of_row = vec![0.0; members];
    predictions.each(|chunk| {
        for (row, target) in chunk.target.iter().enumerate() {
            for (member, out) in of_row.iter_mut().enumerate() {
                let (mean, variance) = (chunk.moments.mean(member, row), chunk.moments.variance(member, row));
                if let Some(column) = variance.iter().position(|v| *v <= 0.0) {
                    return Err(Error::invalid(format_args!(
                        "member {member} predicts the variance 0 for column {column} of row {}: a deterministic model has no likelihood",
                        chunk.rows[row]
                    )));
                }
                let of_columns = mean.iter().zip(variance).zip(target);
                *out = of_columns.map(|((mean, variance), x)| log_density(*x, *mean, *variance)).sum();
            }
            sums.iter_mut().zip(&of_row).for_each(|(sum, x)| *sum += x);
            mixture += log_mean_exp(&of_row);
        }
        Ok(())
    })?;
    let n = rows.len() as f64;
    Ok(LogLikelihood {
        rows: rows.len(),
        members: sums.into_iter().map(|sum| sum / n).collect(),
        mixture: mixture / n,
    })
}

fn log_density(x: f32, mean: f32, variance: f32) -> f64 {
    let (variance, off) = (f64::from(variance), f64::from(x) - f64::from(mean));
    -0.5 * ((TAU * variance).ln() + off * off / variance)
}

/// ln of the mean of exp(x), with the largest taken out so that nothing overflows and not everything underflows.
fn log_mean_exp(x: &[f64]) -> f64 {
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + (x.iter().map(|x| (x - most).exp()).sum::<f64>() / x.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, four_members, member, played, recorded};
    use mbrl_core::{Key, Mode};

    /// By `scipy.stats.norm.logpdf` and `scipy.special.logsumexp`: `reference/diagnostics.py`.
    #[test]
    fn scipy_says_the_same() {
        const REFERENCE: ([f64; 4], f64) = include!("../../reference/log_likelihood.in");
        let rows: Vec<u32> = (0..1500).map(|i| (3 * i) % 1700).collect();
        let got = log_likelihood(&four_members(), &recorded(2, 1700), &rows).unwrap();
        for (got, expected) in got.members.iter().zip(REFERENCE.0) {
            assert!((got - expected).abs() < 1e-11, "{got} for {expected}");
        }
        assert!((got.mixture - REFERENCE.1).abs() < 1e-11, "{got:?}");
    }

    #[test]
    fn a_row_that_is_impossible_under_every_member_is_still_a_number() {
        let model = Fake::of(1, vec![member(0.0, 1e4, 1e-3, 0.0), member(0.0, 2e4, 1e-3, 0.0)]);
        let got = log_likelihood(&model, &recorded(1, 9), &[0, 1, 2]).unwrap();
        // The nearer member, less ln 2: the other adds nothing.
        assert!((got.mixture / (got.members[0] - 2f64.ln()) - 1.0).abs() < 1e-12 && got.mixture < -1e12);
    }

    #[test]
    fn the_truth_is_likelier_than_what_is_too_wide_or_too_narrow() {
        let truth = member(0.5, 0.25, 0.5, 0.0);
        let data = played(&Fake::of(1, vec![truth]), 2000, Mode::Sample, Key::root(1));
        let members = vec![truth, member(0.5, 0.25, 1.0, 0.0), member(0.5, 0.25, 0.25, 0.0)];
        let got = log_likelihood(&Fake::of(1, members), &data, &(0..2000).collect::<Vec<_>>()).unwrap();
        assert!(got.members[0] > got.members[1] + 0.5 && got.members[0] > got.members[2] + 0.5, "{got:?}");
        assert!(got.mixture < got.members[0] && got.mixture > got.members[0] - 3f64.ln());
    }

    #[test]
    fn a_deterministic_member_is_refused() {
        let model = Fake::of(1, vec![member(0.5, 0.0, 1.0, 0.0), member(0.5, 0.0, 0.0, 0.0)]);
        let error = log_likelihood(&model, &recorded(1, 9), &[7]).unwrap_err();
        assert!(error.is_invalid());
        assert!(
            error.to_string().starts_with("member 1 predicts the variance 0 for column 0 of row 7"),
            "{error}"
        );
    }
}
