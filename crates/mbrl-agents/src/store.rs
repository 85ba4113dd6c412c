//! Run directories: the one part of the crate that touches files.

mod checkpoints;
mod journal;
mod policy_file;
mod run_dir;
mod tensorboard;

pub(crate) use checkpoints::Found;
pub(crate) use journal::{Journal, Lengths};
pub use run_dir::{Line, RunDir, Timing};
