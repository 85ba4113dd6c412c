//! RiverSwim (Strehl & Littman 2008), with the numbers of Osband, Russo & Van Roy (2013): six states in a row, a
//! current to the left.
//!
//! Action 0 swims left, with certainty. Action 1 swims right, against the current:
//!
//! | in state | left | stays | right |
//! |---|---|---|---|
//! | 0 | – | 0.4 | 0.6 |
//! | 1 to 4 | 0.05 | 0.6 | 0.35 |
//! | 5 | 0.4 | 0.6 | – |
//!
//! Swimming left in state 0 earns 0.005, swimming right in state 5 earns 1 wherever it leads, and nothing else earns
//! anything. Episodes start in state 0 and have 20 steps.

use crate::{Finite, TableBuilder};
use mbrl_core::{Result, TabularMdp};

/// Swim up a river of six states for a distant reward, past a small one that is near.
#[derive(Clone, Copy, Debug, Default)]
pub struct RiverSwim;

const LAST: usize = 5;
const LEFT: usize = 0;
const RIGHT: usize = 1;

impl Finite for RiverSwim {
    fn mdp(&self) -> Result<TabularMdp> {
        let mut tables = TableBuilder::new(LAST + 1, 2)?;
        for s in 0..=LAST {
            tables.leads(s, LEFT, s.saturating_sub(1), 1.0, if s == 0 { 0.005 } else { 0.0 });
        }
        tables.leads(0, RIGHT, 0, 0.4, 0.0).leads(0, RIGHT, 1, 0.6, 0.0);
        for s in 1..LAST {
            tables.leads(s, RIGHT, s - 1, 0.05, 0.0);
            tables.leads(s, RIGHT, s, 0.6, 0.0);
            tables.leads(s, RIGHT, s + 1, 0.35, 0.0);
        }
        tables.leads(LAST, RIGHT, LAST - 1, 0.4, 1.0).leads(LAST, RIGHT, LAST, 0.6, 1.0);
        tables.starts_in(0).build()
    }

    fn horizon(&self) -> u32 {
        20
    }
}
