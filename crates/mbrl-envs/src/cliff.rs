//! The cliff of Sutton & Barto (example 6.6): walk along it to the goal.
//!
//! A grid of 4 × 12 cells; cell (row, column) is state 12·row + column. Episodes start in (3, 0), and entering the goal
//! (3, 11) terminates. Actions 0 to 3 go up, right, down and left; a step off the grid stays where it is. Every step
//! costs 1, but one into the cliff, the cells between start and goal, costs 100 and leads back to the start, where the
//! episode goes on. It is cut at 100 steps.
//!
//! Cells of the cliff keep their numbers, as in Gymnasium's `CliffWalking`, though nobody is ever there.

use crate::{Finite, TableBuilder};
use mbrl_core::{Result, TabularMdp};

/// Walk to the goal along a cliff: the shortest way is 13 steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cliff;

const ROWS: usize = 4;
const COLUMNS: usize = 12;
const START: usize = COLUMNS * (ROWS - 1);
const GOAL: usize = COLUMNS * ROWS - 1;

impl Finite for Cliff {
    fn mdp(&self) -> Result<TabularMdp> {
        let mut tables = TableBuilder::new(ROWS * COLUMNS, 4)?;
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let goals = [
                    (row.saturating_sub(1), column),
                    (row, (column + 1).min(COLUMNS - 1)),
                    ((row + 1).min(ROWS - 1), column),
                    (row, column.saturating_sub(1)),
                ];
                for (action, (row_to, column_to)) in goals.into_iter().enumerate() {
                    let to = COLUMNS * row_to + column_to;
                    let falls = START < to && to < GOAL;
                    let (to, earned) = if falls { (START, -100.0) } else { (to, -1.0) };
                    tables.leads(COLUMNS * row + column, action, to, 1.0, earned);
                }
            }
        }
        tables.starts_in(START).ends_in(GOAL).build()
    }

    fn horizon(&self) -> u32 {
        100
    }
}
