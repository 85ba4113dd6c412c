//! Imagined steps as data to learn from.

use super::{Imagined, Sink};
use mbrl_core::{Dims, Origin, Result, Rows, Transition, TransitionBatch};
use std::ops::Range;

/// Every step as a transition with its origin, step after step and within a step in the order of rows.
///
/// A row that was cut at the horizon is still running: only the world truncates.
#[derive(Clone, Debug, Default)]
pub struct Transitions {
    batch: TransitionBatch,
}

impl Transitions {
    /// What was imagined.
    pub fn batch(&self) -> &TransitionBatch {
        &self.batch
    }
}

impl Sink for Transitions {
    fn begin(&mut self, _: Range<usize>, _: Rows<'_>, _: usize) {
        self.batch.clear();
    }

    fn take(&mut self, moves: Imagined<'_>) -> Result<()> {
        if self.batch.is_empty() {
            self.batch.reshape(0, Dims { obs: moves.state.dim(), act: moves.act.dim() });
        }
        for i in 0..moves.rows.len() {
            self.batch.push(Transition {
                obs: moves.state.row(i),
                act: moves.act.row(i),
                next_obs: moves.next_state.row(i),
                reward: moves.reward[i],
                end: moves.end[i],
                origin: Origin::Model { member: moves.member[i], policy: moves.policy[i] },
            });
        }
        Ok(())
    }
}
