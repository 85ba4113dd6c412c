//! Run directories: the one part of the crate that touches files.

mod checkpoints;
mod journal;
mod run_dir;

pub(crate) use checkpoints::Found;
pub(crate) use journal::{Journal, Lengths};
pub use run_dir::{Line, RunDir, Timing};
