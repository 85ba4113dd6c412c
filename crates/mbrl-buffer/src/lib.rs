//! Replay for reinforcement learning: one preallocated ring, every way of sampling it, and files that are never half
//! written.
//!
//! # Example
//!
//! Used alone it is three lines: make one, push, sample.
//!
//! ```
//! use mbrl_buffer::{Dims, End, Key, Origin, ReplayBuffer, Transition, TransitionBatch};
//!
//! # fn main() -> mbrl_buffer::Result<()> {
//! # let step = Transition {
//! #     obs: &[0.0, 1.0], act: &[0.5], next_obs: &[0.1, 1.0], reward: 1.0, end: End::Running, origin: Origin::World,
//! # };
//! # let (key, mut batch) = (Key::root(0), TransitionBatch::default());
//! let mut buffer = ReplayBuffer::new(Dims { obs: 2, act: 1 }, 1_000_000)?;
//! buffer.push(step)?;
//! buffer.sample(256, key, &mut batch)?;
//! # assert_eq!(batch.obs.len(), 256);
//! # Ok(()) }
//! ```
//!
//! What is sampled is a [`TransitionBatch`], a struct of arrays whose memory is kept from one call to the next: neither
//! pushing nor sampling allocates. All randomness is a [`Key`], so equal keys give equal batches.
//!
//! # Ways to sample
//!
//! | what | how |
//! |---|---|
//! | uniformly, with replacement | [`ReplayBuffer::sample`] |
//! | uniformly, all different | [`ReplayBuffer::sample_distinct`] |
//! | rows that one names | [`ReplayBuffer::gather`], [`ReplayBuffer::copy_rows`] |
//! | with any weights | [`SumTree`] and [`ReplayBuffer::gather`] |
//! | by priority | [`PrioritizedBuffer`] |
//! | windows within an episode | [`ReplayBuffer::sample_windows`], [`ReplayBuffer::gather_windows`] |
//! | n-step returns | [`ReplayBuffer::sample_n_step`], [`ReplayBuffer::gather_n_step`] |
//! | rows that continue nothing | [`ReplayBuffer::unordered`] |
//! | several buffers at exact ratios | [`Mixture`] |
//! | for each member of an ensemble | [`Bootstrap`] |
//! | a training and a holdout part | [`Split`] |
//!
//! # Datasets
//!
//! A [`Recording`] is what a dataset holds: whole episodes, and what is known of them. [`Recording::open`] reads one from a
//! file of any known [`Format`], and refuses, by file, key and row, what cannot be learnt from.
//!
//! | format | read by [`Recording::open`] | written by | feature |
//! |---|---|---|---|
//! | HDF5 as D4RL has it | yes | `Recording::save_d4rl` | `hdf5` |
//! | the same keys as npz | yes | `Recording::save_npz` | `npz` |
//! | Minari in HDF5 | yes | `Recording::save_minari` | `hdf5` |
//! | Minari in Arrow | yes | | |
//! | Minari in Parquet | yes | | `parquet` |
//! | the project's own | yes | [`Recording::save_to`] | |
//!
//! # Files
//!
//! [`ReplayBuffer::save_to`] writes a versioned, checksummed file aside and renames it into place, so that a full disk
//! or a crash leaves the old one; [`ReplayBuffer::load_from`] refuses whatever is damaged. [`PrioritizedBuffer`] has the same
//! pair, which keeps priorities and ids. [`write_aside`] does the same
//! for any file. [`ReplayBuffer::write_to`] and [`ReplayBuffer::read_from`] share a stream with whatever else is in it.
//!
//! # How rows lie in memory
//!
//! As interleaved records, one after the other, because a random row is then three or four cache lines instead of
//! eight. Gathering 256 random rows (17 observations, 6 actions) out of a million takes about 50 ns a row,
//! 0.6 to 0.8 of the speed of merely copying the records (which depends on how warm the caches are); from arrays it would be
//! half as fast. Returns of 3 steps take about 90 ns. Measured by
//! `cargo run --release -p mbrl-buffer --example layout`. A row takes `4 · (2 · obs + act + 3)` bytes, and its priority
//! 16 to 32 more.

#![doc(test(attr(deny(warnings))))]

mod bootstrap;
mod bytes;
mod draw;
mod file;
mod gather;
mod mixture;
mod n_step;
mod prioritized;
mod record;
mod recording;
mod ring;
mod sample;
mod split;
mod sum_tree;
mod window;
mod write_aside;

pub use bootstrap::{Bootstrap, Minibatch};
pub use mbrl_core::{Dataset, Dims, End, Error, Key, Origin, Result, Transition, TransitionBatch};
pub use mixture::{Mixture, Rounding};
pub use n_step::NStepBatch;
pub use prioritized::{PrioritizedBatch, PrioritizedBuffer, PrioritizedConfig};
pub use recording::{About, Format, ReadOptions, Recording, Reference};
pub use ring::ReplayBuffer;
pub use split::Split;
pub use sum_tree::SumTree;
pub use window::WindowBatch;
pub use write_aside::write_aside;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
