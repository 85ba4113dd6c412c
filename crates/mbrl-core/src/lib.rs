//! The vocabulary of the workspace: what every other crate says, and nothing that any of them does.
//!
//! Data is concrete ([`Rows`], [`Space`], [`Spec`], [`TransitionBatch`]), behaviour is a small trait that is called
//! once per batch ([`Env`], [`DynamicsModel`], [`Policy`], …), randomness is a value ([`Key`], [`Noise`]), and whatever
//! goes wrong is one [`Error`].
//!
//! # Example
//!
//! A world of one's own, driven by the uniformly random policy:
//!
//! ```
//! use mbrl_core::{Env, Error, Key, Mode, NoiseBuf, Policy, Result, Rows, RowBuf, Scratch, Space, Spec, End, Step, UniformPolicy};
//!
//! /// A number that should be pushed to zero.
//! struct Nudge { spec: Spec, x: Option<f32> }
//!
//! impl Env for Nudge {
//!     fn spec(&self) -> &Spec { &self.spec }
//!     fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
//!         obs[0] = *self.x.insert(key.uniform());
//!         Ok(())
//!     }
//!     fn step(&mut self, act: &[f32], _: Key, obs: &mut [f32]) -> Result<Step> {
//!         let x = self.x.ok_or_else(|| Error::invalid("no episode is running: reset first"))?;
//!         self.spec.check_action(act)?;
//!         obs[0] = x + 0.1 * act[0];
//!         let end = if obs[0].abs() > 2.0 { End::Terminated } else { End::Running };
//!         self.x = (!end.is_end()).then_some(obs[0]);
//!         Ok(Step { reward: -obs[0].abs(), end })
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let spec = Spec::new(Space::unbounded(1)?, Space::symmetric(1, 1.0)?);
//! let policy = UniformPolicy::new(&spec)?;
//! let mut world = Nudge { spec, x: None };
//!
//! let key = Key::root(7);
//! let (mut obs, mut act) = ([0.0], RowBuf::zeros(1, 1));
//! let (mut noise, mut scratch) = (NoiseBuf::default(), Scratch::default());
//! world.reset(key.child("reset"), &mut obs)?;
//! for t in 0..10 {
//!     noise.fill(policy.noise_spec(), 1, key.child("policy").at(t));
//!     policy.act(Rows::single(&obs), &[0], noise.view(), Mode::Sample, act.view_mut(), &mut scratch)?;
//!     let step = world.step(act.row(0), key.child("world").at(t), &mut obs)?;
//!     assert!(step.reward <= 0.0);
//! }
//! # Ok(()) }
//! ```

#![doc(test(attr(deny(warnings))))]

mod batch;
mod belief;
mod clock;
mod dataset;
mod end;
mod env;
mod error;
mod key;
mod mdp;
mod model;
mod noise;
mod origin;
mod physics;
mod policy;
mod recorder;
mod rows;
mod scratch;
mod space;
mod spec;
mod spread;
mod suggest;
mod task;
mod vec_env;

pub use batch::{Dims, Transition, TransitionBatch};
pub use belief::{Belief, Fit, FitData};
pub use clock::{Clock, SystemClock};
pub use dataset::Dataset;
pub use end::End;
pub use env::{Env, Snapshot, Step};
pub use error::{Context, Error, ErrorKind, Result};
pub use key::{Below, Key};
pub use mdp::TabularMdp;
pub use model::{DynamicsModel, Mode, ModelInput, ModelOutput};
pub use noise::{Noise, NoiseBuf, NoiseSpec};
pub use origin::Origin;
pub use physics::Physics;
pub use policy::{Policy, UniformPolicy};
pub use rand_chacha::ChaCha8Rng;
pub use rand_chacha::rand_core::RngCore;
pub use recorder::{NullRecorder, Recorder};
pub use rows::{RowBuf, Rows, RowsMut};
pub use scratch::{Lent, Scratch, ScratchSpec};
pub use space::{BoxSpace, Space};
pub use spec::Spec;
pub use spread::{Moments, MomentsMut, Spread};
pub use suggest::nearest;
pub use task::{Moves, RewardFn, Task, TerminationFn};
pub use vec_env::{LaneSteps, VecEnv};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
