//! What a model predicts for the rows of a holdout, and how distances from it are drawn.

use mbrl_core::{Error, Key, Moments, NoiseBuf, NoiseSpec, Result, Rows};

/// The successors that a model predicts: for each row the mixture of its members in use, each a Gaussian of independent
/// columns. It is the kernel of which imagination samples, which asks a random one of them at every step.
#[derive(Clone, Copy, Debug)]
pub struct Predicted<'a> {
    moments: Moments<'a>,
    members: &'a [u16],
    dim: usize,
}

impl<'a> Predicted<'a> {
    /// The first `dim` columns of these moments, by these members; a reward behind them is left out. A member that is named
    /// twice counts twice.
    pub fn new(moments: Moments<'a>, members: &'a [u16], dim: usize) -> Result<Self> {
        let (rows, count) = (moments.rows(), moments.members());
        if let Some(bad) = members.iter().find(|member| usize::from(**member) >= count) {
            return Err(Error::invalid(format_args!(
                "member {bad} is in use: there are {count} members, counted from 0"
            )));
        }
        if members.is_empty() || rows == 0 || dim == 0 {
            let used = members.len();
            return Err(Error::invalid(format_args!(
                "predictions of {used} members for {rows} rows of {dim} columns: give one at least of each"
            )));
        }
        let width = moments.mean(0, 0).len();
        if dim > width {
            return Err(Error::invalid(format_args!(
                "predictions are {width} columns wide: {dim} columns of an observation are not among them"
            )));
        }
        for &member in members {
            for row in 0..rows {
                let (mean, variance) =
                    (moments.mean(member.into(), row), moments.variance(member.into(), row));
                for (column, (mean, variance)) in mean.iter().zip(variance).take(dim).enumerate() {
                    if !(mean.is_finite() && variance.is_finite() && *variance >= 0.0) {
                        return Err(Error::non_finite(format_args!(
                            "member {member} predicts for row {row}, column {column} a mean of {mean} and a variance of \
                             {variance}: expected finite numbers, and no variance below 0"
                        )));
                    }
                }
            }
        }
        Ok(Predicted { moments, members, dim })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.moments.rows()
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The mean and the variance that each member in use predicts for a row.
    pub(super) fn of(&self, row: usize) -> impl Iterator<Item = (&'a [f32], &'a [f32])> + use<'a> {
        let (moments, dim) = (self.moments, self.dim);
        self.members.iter().map(move |&member| {
            (&moments.mean(member.into(), row)[..dim], &moments.variance(member.into(), row)[..dim])
        })
    }

    /// Refuses a table that is not as long and as wide, or that holds what is no number.
    pub(super) fn check_beside(&self, name: &str, table: Rows<'_>) -> Result<()> {
        check_shape(name, table, [self.rows(), self.dim])
    }
}

/// How many draws an error is made of in each row, and from what randomness. More draws make it less noisy; a row counts
/// as one in any case, so that few draws widen an interval and do not bias it.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    /// The number of draws: 8, say.
    pub per_row: usize,
    /// The randomness; row i takes its own from below it, whatever the other rows are.
    pub key: Key,
}

impl Draws {
    /// Calls `f` for each row with as many rows of `dim` standard normal numbers as there are draws.
    pub(super) fn for_each_row(
        self,
        rows: usize,
        dim: usize,
        mut f: impl FnMut(usize, Rows<'_>) -> f64,
    ) -> Result<Vec<f64>> {
        if self.per_row == 0 {
            return Err(Error::invalid("0 draws per row: take 1 at least, such as 8"));
        }
        let (below, mut noise) = (self.key.below(), NoiseBuf::default());
        let errors = (0..rows).map(|row| {
            noise.fill(NoiseSpec { normals: dim, uniforms: 0 }, self.per_row, below.at(row as u64));
            let error = f(row, noise.view().normals);
            if !error.is_finite() {
                return Err(Error::non_finite(format_args!(
                    "the error of row {row} comes to {error}: the numbers are too far apart for f64"
                )));
            }
            Ok(error)
        });
        errors.collect()
    }
}

/// TV(P, Q) = E_{x ~ P}[(1 − q(x) / p(x))₊], by draws, where P is a Gaussian of independent columns and Q a mixture of such.
/// Its buffers are kept from row to row.
#[derive(Debug, Default)]
pub(super) struct TvByDraws {
    /// Where P is seen from a component, in deviations of P, and how many times wider that one's variance is:
    /// `[components, dim]`.
    columns: Vec<(f64, f64)>,
}

impl TvByDraws {
    /// Forgets the components.
    pub(super) fn clear(&mut self) {
        self.columns.clear();
    }

    /// Adds a column of a component: what the mean of P is above its own, in deviations of P, and the ratio of the
    /// variances.
    pub(super) fn push(&mut self, above: f64, wider: f64) {
        self.columns.push((above, wider));
    }

    /// The mean over draws, of which each lies in 0 to 1.
    pub(super) fn mean(&self, draws: Rows<'_>) -> f64 {
        let components = self.columns.chunks_exact(draws.dim());
        let count = components.len() as f64;
        let missed = draws.iter().map(|z| {
            let density = |component: &[(f64, f64)]| {
                let columns = component.iter().zip(z);
                let log: f64 = columns
                    .map(|(&(above, wider), &z)| {
                        let z = f64::from(z);
                        z * z - (above + z).powi(2) / wider - wider.ln()
                    })
                    .sum();
                (0.5 * log).exp()
            };
            // A ratio that is too large for its exponential is infinite, and as far from missing as one of 1.
            1.0 - (components.clone().map(density).sum::<f64>() / count).min(1.0)
        });
        missed.sum::<f64>() / draws.len() as f64
    }
}

pub(super) fn check_shape(name: &str, table: Rows<'_>, [rows, dim]: [usize; 2]) -> Result<()> {
    if [table.len(), table.dim()] != [rows, dim] {
        let has = [table.len(), table.dim()];
        return Err(Error::invalid(format_args!(
            "{name}: {has:?} rows and columns beside {:?}: give as many",
            [rows, dim]
        )));
    }
    if let Some((row, column)) = table.find_non_finite() {
        let bad = table.row(row)[column];
        return Err(Error::non_finite(format_args!("{name}: row {row}, column {column} is {bad}")));
    }
    Ok(())
}
