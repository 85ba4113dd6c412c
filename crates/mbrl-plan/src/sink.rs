//! What becomes of imagined steps.

mod endpoints;
mod returns;
mod trace;
mod transitions;

pub use endpoints::Endpoints;
pub use returns::Returns;
pub use trace::Trace;
pub use transitions::Transitions;

use mbrl_core::{End, Result, Rows};
use std::ops::Range;

/// Takes what is imagined, one step of many rows at a time.
///
/// A rollout is cut into chunks of a fixed number of rows and each chunk has a sink of its own, so that chunks may be
/// imagined on several threads; what they hold is read in the order of the chunks, which is that of the rows.
pub trait Sink: Send {
    /// These rows are about to be imagined from `starts`, `[rows, state]`, for so many steps at most; what was taken before
    /// is forgotten.
    fn begin(&mut self, rows: Range<usize>, starts: Rows<'_>, horizon: usize);

    /// Takes one step of the rows that are still running.
    fn take(&mut self, moves: Imagined<'_>) -> Result<()>;

    /// Row `row` has no finite successor and goes no further. Only a rollout that [drops](crate::Diverged::Drop) such rows
    /// says so.
    fn lose(&mut self, row: usize) {
        let _ = row;
    }
}

/// One imagined step of some rows: equally many of everything.
#[derive(Clone, Copy, Debug)]
pub struct Imagined<'a> {
    /// Which step this is, counted from 0.
    pub t: usize,
    /// Which rows of the rollout these are, in rising order.
    pub rows: &'a [u32],
    /// Where they were, `[rows, state]`.
    pub state: Rows<'a>,
    /// What they did, `[rows, act]`.
    pub act: Rows<'a>,
    /// Where they went, `[rows, state]`.
    pub next_state: Rows<'a>,
    /// What that earned.
    pub reward: &'a [f32],
    /// Whether they go on.
    pub end: &'a [End],
    /// The member of the model that carried them on.
    pub member: &'a [u16],
    /// The member of the policy that acted for them.
    pub policy: &'a [u16],
}

/// Two sinks that take the same steps.
impl<A: Sink, B: Sink> Sink for (A, B) {
    fn begin(&mut self, rows: Range<usize>, starts: Rows<'_>, horizon: usize) {
        self.0.begin(rows.clone(), starts, horizon);
        self.1.begin(rows, starts, horizon);
    }

    fn take(&mut self, moves: Imagined<'_>) -> Result<()> {
        self.0.take(moves)?;
        self.1.take(moves)
    }

    fn lose(&mut self, row: usize) {
        self.0.lose(row);
        self.1.lose(row);
    }
}
