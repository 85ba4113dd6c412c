//! What every member of a model thinks of the same moves: the ground of every measure of uncertainty.

use crate::{DynamicsModel, Result, Rows, Scratch};

/// A model that can say what each of its members predicts.
pub trait Spread: DynamicsModel {
    /// How wide a predicted moment is: the state, and the reward behind it where that is learnt.
    fn moment_dim(&self) -> usize;

    /// Writes the mean and the variance that each member predicts for each row: `[rows, state]` and `[rows, act]` to
    /// `[members, rows, moment]`.
    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        out: MomentsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()>;
}

/// Means and variances by member and row, borrowed: each `[members, rows, dim]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments<'a> {
    mean: &'a [f32],
    variance: &'a [f32],
    rows: usize,
    dim: usize,
}

/// Means and variances by member and row, to be written: each `[members, rows, dim]`.
#[derive(Debug, PartialEq)]
pub struct MomentsMut<'a> {
    mean: &'a mut [f32],
    variance: &'a mut [f32],
    rows: usize,
    dim: usize,
}

impl<'a> Moments<'a> {
    /// The number of members.
    pub fn members(&self) -> usize {
        self.mean.len().checked_div(self.rows * self.dim).unwrap_or(0)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The mean that `member` predicts for `row`, `[dim]`.
    ///
    /// # Panics
    ///
    /// Where there is no such member or row.
    #[inline]
    pub fn mean(&self, member: usize, row: usize) -> &'a [f32] {
        &self.mean[self.range(member, row)]
    }

    /// The variance that `member` predicts for `row`, `[dim]`.
    ///
    /// # Panics
    ///
    /// Where there is no such member or row.
    #[inline]
    pub fn variance(&self, member: usize, row: usize) -> &'a [f32] {
        &self.variance[self.range(member, row)]
    }

    #[inline]
    fn range(&self, member: usize, row: usize) -> std::ops::Range<usize> {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let start = (member * self.rows + row) * self.dim;
        start..start + self.dim
    }
}

impl<'a> MomentsMut<'a> {
    /// The moments of `rows` rows of width `dim` over two slices of equal length: memory that a [`Scratch`] lent, say.
    ///
    /// # Panics
    ///
    /// Where the slices do not hold the same whole number of members.
    pub fn new(mean: &'a mut [f32], variance: &'a mut [f32], rows: usize, dim: usize) -> Self {
        let whole = mean.len().checked_rem(rows * dim).unwrap_or(mean.len()) == 0;
        assert!(whole && mean.len() == variance.len(), "means and variances, [members, rows, dim]");
        MomentsMut { mean, variance, rows, dim }
    }

    /// The same moments to read from.
    pub fn view(&self) -> Moments<'_> {
        Moments { mean: self.mean, variance: self.variance, rows: self.rows, dim: self.dim }
    }

    /// The means and the variances of each member in turn, each `[rows · dim]`: they may be handed to different threads.
    pub fn members_mut(&mut self) -> impl ExactSizeIterator<Item = (&mut [f32], &mut [f32])> {
        // Chunks of nothing are not allowed, and of no member there are none.
        let len = (self.rows * self.dim).max(1);
        self.mean.chunks_mut(len).zip(self.variance.chunks_mut(len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_member_is_read_by_member_and_row() {
        let (mut mean, mut variance) = ([0.0; 12], [0.0; 12]);
        let mut moments = MomentsMut::new(&mut mean, &mut variance, 2, 3);
        for (member, (mean, variance)) in moments.members_mut().enumerate() {
            mean.iter_mut().enumerate().for_each(|(i, x)| *x = (10 * member + i) as f32);
            variance.fill(member as f32);
        }
        let moments = moments.view();
        assert_eq!((moments.members(), moments.rows()), (2, 2));
        assert_eq!(moments.mean(1, 1).iter().map(|x| *x as i32).collect::<Vec<_>>(), [13, 14, 15]);
        assert_eq!(moments.variance(1, 0).len(), 3);
        assert_eq!(MomentsMut::new(&mut [], &mut [], 0, 3).view().members(), 0);
    }
}
