//! The chain of Strens (2000): five states in a row, and hands that slip.
//!
//! Action 0 walks on: to the next state for nothing, and in state 4 it stays there for 10. Action 1 goes back to state
//! 0 for 2. With probability 0.2 the agent slips and does the other action, with its effect and its reward. Episodes
//! start in state 0 and have 100 steps.

use crate::{Finite, TableBuilder};
use mbrl_core::{Result, TabularMdp};

/// Walk to the end of a chain for a large reward, past a small one at its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chain;

const LAST: usize = 4;
const ON: usize = 0;
const BACK: usize = 1;
const SLIP: f64 = 0.2;

impl Finite for Chain {
    fn mdp(&self) -> Result<TabularMdp> {
        let mut tables = TableBuilder::new(LAST + 1, 2)?;
        for s in 0..=LAST {
            for (action, on) in [(ON, 1.0 - SLIP), (BACK, SLIP)] {
                let earned = if s == LAST { 10.0 } else { 0.0 };
                tables.leads(s, action, (s + 1).min(LAST), on, earned);
                tables.leads(s, action, 0, 1.0 - on, 2.0);
            }
        }
        tables.starts_in(0).build()
    }

    fn horizon(&self) -> u32 {
        100
    }
}
