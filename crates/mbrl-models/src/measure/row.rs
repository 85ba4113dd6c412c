//! The formulas of the measures, of one row.

use super::{Columns, Members, Uncertainty, UncertaintySpec};
use mbrl_core::{Error, Moments, Result};

/// The moments that count.
pub(super) struct Chosen<'a> {
    moments: Moments<'a>,
    /// Of these columns the first so many count.
    columns: usize,
    /// These members count; `None` stands for all.
    elites: Option<&'a [u16]>,
}

/// So many members' deviations are summed side by side, in registers or close to them.
const BLOCK: usize = 16;

impl<'a> Chosen<'a> {
    /// Chooses from the moments of at least one row.
    pub(super) fn new(
        spec: UncertaintySpec,
        moments: Moments<'a>,
        state_dim: usize,
        elites: &'a [u16],
    ) -> Result<Self> {
        if moments.members() == 0 {
            return Err(Error::invalid("moments of no member: a single model is one"));
        }
        let dim = moments.mean(0, 0).len();
        if state_dim == 0 || state_dim > dim {
            return Err(Error::invalid(format_args!(
                "a state of {state_dim} columns in moments of {dim}: the state comes first, then the learnt reward"
            )));
        }
        let columns = match spec.columns {
            Columns::All => dim,
            Columns::State => state_dim,
        };
        let elites = match spec.members {
            Members::All => None,
            Members::Elites => Some(elites),
        };
        check_elites(elites, moments.members())?;
        Ok(Chosen { moments, columns, elites })
    }

    /// The formula of a measure, looked up once a batch.
    pub(super) fn formula(&self, measure: Uncertainty) -> fn(&Self, usize) -> f64 {
        match measure {
            Uncertainty::MaxCovarianceNorm => Self::max_covariance_norm,
            Uncertainty::MaxPairwiseDistance => Self::max_pairwise_distance,
            Uncertainty::EnsembleVariance => Self::ensemble_variance,
            Uncertainty::MaxStdNorm => Self::max_std_norm,
            Uncertainty::MaxDeviation => Self::max_deviation,
            Uncertainty::EnsembleStd => Self::ensemble_std,
        }
    }

    /// Refuses moments that are not finite, and variances below zero. The row is called `first` + `row`.
    pub(super) fn check(&self, row: usize, first: usize) -> Result<()> {
        check_moments(self.moments, row, first + row)
    }

    fn max_covariance_norm(&self, row: usize) -> f64 {
        self.max_over_members(|member| self.variance(member, row).map(|v| v * v).sum()).sqrt()
    }

    fn max_std_norm(&self, row: usize) -> f64 {
        self.max_over_members(|member| self.variance(member, row).sum()).sqrt()
    }

    fn max_pairwise_distance(&self, row: usize) -> f64 {
        let n = self.members();
        let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let squares = pairs.map(|(i, j)| {
            let pair = self.mean(self.member(i), row).zip(self.mean(self.member(j), row));
            pair.map(|(a, b)| (a - b) * (a - b)).sum()
        });
        squares.fold(0.0, f64::max).sqrt()
    }

    fn max_deviation(&self, row: usize) -> f64 {
        // The mean of a column serves a block of members at once.
        let mut most = 0.0;
        for start in (0..self.members()).step_by(BLOCK) {
            let end = self.members().min(start + BLOCK);
            let mut squares = [0.0; BLOCK];
            for column in 0..self.columns {
                let mean = self.mean_of(column, row);
                for (k, sum) in (start..end).zip(&mut squares) {
                    let deviation = self.mu(self.member(k), row, column) - mean;
                    *sum += deviation * deviation;
                }
            }
            most = squares.into_iter().fold(most, f64::max);
        }
        most.sqrt()
    }

    fn ensemble_variance(&self, row: usize) -> f64 {
        let aleatoric: f64 =
            (0..self.members()).map(|k| self.variance(self.member(k), row).sum::<f64>()).sum();
        aleatoric / self.members() as f64 + self.variance_of_means(row)
    }

    fn ensemble_std(&self, row: usize) -> f64 {
        (self.variance_of_means(row) / self.columns as f64).sqrt()
    }

    /// The variance of the means over members, summed over columns. Deviations are squared rather than squares
    /// subtracted, so that members who agree are at exactly zero.
    fn variance_of_means(&self, row: usize) -> f64 {
        let of_column = |column| {
            let mean = self.mean_of(column, row);
            let deviations = (0..self.members()).map(|k| self.mu(self.member(k), row, column) - mean);
            deviations.map(|d| d * d).sum::<f64>() / self.members() as f64
        };
        (0..self.columns).map(of_column).sum()
    }

    fn max_over_members(&self, of: impl Fn(usize) -> f64) -> f64 {
        (0..self.members()).map(|k| of(self.member(k))).fold(0.0, f64::max)
    }

    fn mean_of(&self, column: usize, row: usize) -> f64 {
        let sum: f64 = (0..self.members()).map(|k| self.mu(self.member(k), row, column)).sum();
        sum / self.members() as f64
    }

    /// The number of members that count.
    fn members(&self) -> usize {
        self.elites.map_or(self.moments.members(), <[u16]>::len)
    }

    /// The `k`th of them.
    fn member(&self, k: usize) -> usize {
        self.elites.map_or(k, |elites| usize::from(elites[k]))
    }

    fn mu(&self, member: usize, row: usize, column: usize) -> f64 {
        f64::from(self.moments.mean(member, row)[column])
    }

    fn mean(&self, member: usize, row: usize) -> impl Iterator<Item = f64> + use<'a> {
        self.moments.mean(member, row)[..self.columns].iter().map(|&x| f64::from(x))
    }

    fn variance(&self, member: usize, row: usize) -> impl Iterator<Item = f64> + use<'a> {
        self.moments.variance(member, row)[..self.columns].iter().map(|&x| f64::from(x))
    }
}

/// Refuses moments of `row` that are not finite, and variances below zero; in errors the row is called `called`.
pub(crate) fn check_moments(moments: Moments<'_>, row: usize, called: usize) -> Result<()> {
    for member in 0..moments.members() {
        let (mean, variance) = (moments.mean(member, row), moments.variance(member, row));
        if let Some(column) = mean.iter().position(|x| !x.is_finite()) {
            return Err(Error::non_finite(format_args!(
                "member {member} predicts the mean {} for column {column} of row {called}",
                mean[column]
            )));
        }
        if let Some(column) = variance.iter().position(|x| !(x.is_finite() && *x >= 0.0)) {
            let message = format_args!(
                "member {member} predicts the variance {} for column {column} of row {called}",
                variance[column]
            );
            return Err(match variance[column].is_finite() {
                true => Error::invalid(format_args!("{message}: it must be at least 0")),
                false => Error::non_finite(message),
            });
        }
    }
    Ok(())
}

/// Refuses elites that are none, no members, or there twice; `None` stands for all members.
pub(super) fn check_elites(elites: Option<&[u16]>, members: usize) -> Result<()> {
    let Some(elites) = elites else { return Ok(()) };
    if elites.is_empty() {
        return Err(Error::invalid(
            "an uncertainty of the elites, and no elites: name some, or take all members",
        ));
    }
    for (k, &elite) in elites.iter().enumerate() {
        if usize::from(elite) >= members {
            return Err(Error::invalid(format_args!(
                "elite {elite} of {members} members: they count from 0"
            )));
        }
        if elites[..k].contains(&elite) {
            return Err(Error::invalid(format_args!("elite {elite} is named twice: name each once")));
        }
    }
    Ok(())
}
