//! What rows earned in all.

use super::{Imagined, Sink};
use mbrl_core::{Error, Result, Rows};
use std::ops::Range;

/// The discounted sum of each row's rewards. Of a row that was lost it is NaN, which ranks last.
#[derive(Clone, Debug)]
pub struct Returns {
    discount: f64,
    first: usize,
    sums: Vec<f64>,
}

impl Returns {
    /// Rewards `t` steps ahead are worth `discount`^t.
    pub fn new(discount: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&discount) {
            return Err(Error::invalid(format_args!("discount is {discount}: expected 0 to 1")));
        }
        Ok(Returns { discount, first: 0, sums: Vec::new() })
    }

    /// The sums, in the order of the chunk's rows.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }
}

impl Sink for Returns {
    fn begin(&mut self, rows: Range<usize>, _: Rows<'_>, _: usize) {
        self.first = rows.start;
        self.sums.clear();
        self.sums.resize(rows.len(), 0.0);
    }

    fn take(&mut self, moves: Imagined<'_>) -> Result<()> {
        let worth = self.discount.powi(moves.t as i32);
        for (&row, &reward) in moves.rows.iter().zip(moves.reward) {
            self.sums[row as usize - self.first] += worth * f64::from(reward);
        }
        Ok(())
    }

    fn lose(&mut self, row: usize) {
        self.sums[row - self.first] = f64::NAN;
    }
}
