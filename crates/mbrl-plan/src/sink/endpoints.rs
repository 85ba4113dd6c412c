//! How far rows came: what they earned, where they stopped and after how many steps.

use super::{Imagined, Sink};
use mbrl_core::{End, Error, Result, RowBuf, Rows};
use std::ops::Range;

/// Of each row, unreduced: the discounted sum of its rewards, where it stopped, after how many steps, and whether there its
/// episode was over. What an *H*-step return with a value behind it is made of.
#[derive(Clone, Debug)]
pub struct Endpoints {
    discount: f64,
    first: usize,
    returns: Vec<f64>,
    last: RowBuf,
    steps: Vec<u32>,
    end: Vec<End>,
}

impl Endpoints {
    /// Rewards `t` steps ahead are worth `discount`^t.
    pub fn new(discount: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&discount) {
            return Err(Error::invalid(format_args!("discount is {discount}: expected 0 to 1")));
        }
        let (returns, last, steps, end) = Default::default();
        Ok(Endpoints { discount, first: 0, returns, last, steps, end })
    }

    /// Discounted sums of rewards, in the order of the chunk's rows; NaN where the row was lost.
    pub fn returns(&self) -> &[f64] {
        &self.returns
    }

    /// The states in which they stopped, `[rows, state]`; of a row that was lost, the one before that.
    pub fn last(&self) -> &RowBuf {
        &self.last
    }

    /// After how many steps.
    pub fn steps(&self) -> &[u32] {
        &self.steps
    }

    /// Whether the last step ended the episode; if not, what a value says of the last state is still to be earned.
    pub fn end(&self) -> &[End] {
        &self.end
    }
}

impl Sink for Endpoints {
    fn begin(&mut self, rows: Range<usize>, starts: Rows<'_>, _: usize) {
        self.first = rows.start;
        self.last.reshape(starts.len(), starts.dim());
        self.last.view_mut().copy_from(starts);
        self.returns.clear();
        self.returns.resize(rows.len(), 0.0);
        self.steps.clear();
        self.steps.resize(rows.len(), 0);
        self.end.clear();
        self.end.resize(rows.len(), End::Running);
    }

    fn take(&mut self, moves: Imagined<'_>) -> Result<()> {
        let worth = self.discount.powi(moves.t as i32);
        for (i, &row) in moves.rows.iter().enumerate() {
            let row = row as usize - self.first;
            self.returns[row] += worth * f64::from(moves.reward[i]);
            self.last.row_mut(row).copy_from_slice(moves.next_state.row(i));
            self.steps[row] = moves.t as u32 + 1;
            self.end[row] = moves.end[i];
        }
        Ok(())
    }

    fn lose(&mut self, row: usize) {
        self.returns[row - self.first] = f64::NAN;
    }
}
