//! What every member of a model thinks of the same moves: the ground of every measure of uncertainty.

use crate::{DynamicsModel, Result, Rows, Scratch};

/// A model that can say what each of its members predicts.
pub trait Spread: DynamicsModel {
    /// Writes the mean and the variance that each member predicts for each row: `[rows, state]` and `[rows, act]` to
    /// `[members, rows, out]`.
    fn moments(&self, state: Rows<'_>, act: Rows<'_>, out: &mut Moments, scratch: &mut Scratch)
    -> Result<()>;

    /// How wide a predicted moment is: the state, and the reward behind it where that is learnt.
    fn moment_dim(&self) -> usize;
}

/// Means and variances by member and row. Its memory is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    members: usize,
    rows: usize,
    dim: usize,
    mean: Vec<f32>,
    variance: Vec<f32>,
}

impl Moments {
    /// Makes room for exactly these; what they hold afterwards is unspecified.
    pub fn reshape(&mut self, members: usize, rows: usize, dim: usize) {
        (self.members, self.rows, self.dim) = (members, rows, dim);
        self.mean.resize(members * rows * dim, 0.0);
        self.variance.resize(members * rows * dim, 0.0);
    }

    /// The number of members.
    pub fn members(&self) -> usize {
        self.members
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How wide a moment is.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The mean that `member` predicts for `row`, `[dim]`.
    pub fn mean(&self, member: usize, row: usize) -> &[f32] {
        &self.mean[self.range(member, row)]
    }

    /// The variance that `member` predicts for `row`, `[dim]`.
    pub fn variance(&self, member: usize, row: usize) -> &[f32] {
        &self.variance[self.range(member, row)]
    }

    /// Means and variances of `member`, each `[rows · dim]`, to write to.
    pub fn member_mut(&mut self, member: usize) -> (&mut [f32], &mut [f32]) {
        let range = member * self.rows * self.dim..(member + 1) * self.rows * self.dim;
        (&mut self.mean[range.clone()], &mut self.variance[range])
    }

    fn range(&self, member: usize, row: usize) -> std::ops::Range<usize> {
        assert!(
            member < self.members && row < self.rows,
            "member {member} of {}, row {row} of {}",
            self.members,
            self.rows
        );
        let start = (member * self.rows + row) * self.dim;
        start..start + self.dim
    }
}
