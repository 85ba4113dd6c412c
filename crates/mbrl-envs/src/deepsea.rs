//! Deep sea of bsuite (Osband et al. 2019), deterministic: one treasure, and only one way to it.
//!
//! A grid of N × N cells; cell (row, column) is state N·row + column, and episodes start in (0, 0). Every step sinks
//! one row. The action that means "right" in a cell moves one column right, at most to the last, and costs 0.01/N; the
//! other moves one left, at least to the first, for nothing. Which of the two it is was drawn for every cell by a fair
//! coin, from the key. Right in the last column earns 1 more, and that column is only reached in the last row: the best
//! return is 0.99. Sinking below the last row is state N², which is terminal: an episode has N steps.

use crate::{Finite, TableBuilder};
use mbrl_core::{Error, Key, Result, TabularMdp};

/// Find the one sequence of N actions that is rewarded, though each of its steps has a price.
#[derive(Clone, Copy, Debug)]
pub struct DeepSea {
    size: u32,
    key: Key,
}

const MOVE_COST: f64 = 0.01;

impl DeepSea {
    /// A sea of `size` × `size` cells, whose actions are drawn from `key`.
    pub fn new(size: u32, key: Key) -> Result<Self> {
        // Tables of a larger one would not fit.
        if !(1..=64).contains(&size) {
            return Err(Error::invalid(format_args!("a deep sea of size {size}: expected 1 to 64")));
        }
        Ok(DeepSea { size, key })
    }

    /// The action that means "right" in a cell.
    pub fn right(&self, row: u32, column: u32) -> usize {
        let cell = u64::from(self.size) * u64::from(row) + u64::from(column);
        usize::from(self.key.at(cell).bits() >> 63 == 1)
    }
}

/// Ten by ten.
impl Default for DeepSea {
    fn default() -> Self {
        DeepSea { size: 10, key: Key::root(0).child("deepsea") }
    }
}

impl Finite for DeepSea {
    fn mdp(&self) -> Result<TabularMdp> {
        let n = self.size as usize;
        let mut tables = TableBuilder::new(n * n + 1, 2)?;
        for row in 0..n {
            for column in 0..n {
                let below = |column: usize| if row + 1 < n { n * (row + 1) + column } else { n * n };
                let right = self.right(row as u32, column as u32);
                let treasure = if column == n - 1 { 1.0 } else { 0.0 };
                let earned = treasure - MOVE_COST / n as f64;
                let state = n * row + column;
                tables.leads(state, right, below((column + 1).min(n - 1)), 1.0, earned);
                tables.leads(state, 1 - right, below(column.saturating_sub(1)), 1.0, 0.0);
            }
        }
        tables.starts_in(0).ends_in(n * n).build()
    }

    fn horizon(&self) -> u32 {
        self.size
    }
}
