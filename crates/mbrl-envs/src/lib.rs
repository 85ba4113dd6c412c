//! Environments: classic control equal to the reference implementations, LQR with its exact optimum, tabular MDPs.
//!
//! ```
//! use mbrl_core::{Env, Key, Result};
//!
//! # fn main() -> Result<()> {
//! let mut env = mbrl_envs::make("pendulum")?;
//! let mut obs = vec![0.0; env.spec().obs.dim()];
//! let key = Key::root(0);
//! env.reset(key.child("reset"), &mut obs)?;
//! let step = env.step(&[0.5], key.child("world").at(0), &mut obs)?;
//! assert!(step.reward <= 0.0);
//! # Ok(()) }
//! ```
//!
//! An environment is one file that implements [`System`]: how it starts, moves, is observed and is judged. [`Sim`]
//! makes an [`Env`](mbrl_core::Env), a [`Task`](mbrl_core::Task) and, where the observation determines the state, a
//! [`Physics`](mbrl_core::Physics) of it, so that the world and imagination use the same code. [`Lanes`] runs many side
//! by side, [`TimeLimit`] cuts episodes, [`ALL`] names those that come with the crate.
//!
//! Nothing here knows that learning exists.

#![doc(test(attr(deny(warnings))))]

mod acrobot_swingup;
mod cartpole;
mod cartpole_swingup;
mod chain;
mod cliff;
mod deepsea;
mod garnet;
mod lanes;
mod lqr;
mod mountain_car;
mod normal;
mod pendulum;
mod pendulum_sparse;
mod pendulum_spin;
mod point_mass;
mod reacher;
mod reference;
mod registry;
mod riccati;
mod riverswim;
mod sim;
mod sketch;
mod system;
mod tables;
mod tabular;
mod time_limit;
mod two_joints;

pub use acrobot_swingup::AcrobotSwingup;
pub use cartpole::Cartpole;
pub use cartpole_swingup::CartpoleSwingup;
pub use chain::Chain;
pub use cliff::Cliff;
pub use deepsea::DeepSea;
pub use garnet::Garnet;
pub use lanes::Lanes;
pub use lqr::Lqr;
pub use mountain_car::MountainCar;
pub use pendulum::Pendulum;
pub use pendulum_sparse::PendulumSparse;
pub use pendulum_spin::PendulumSpin;
pub use point_mass::PointMass;
pub use reacher::Reacher;
pub use reference::Estimate;
pub use registry::{ALL, Entry, find, make};
pub use riccati::{Riccati, Stage};
pub use riverswim::RiverSwim;
pub use sim::Sim;
pub use sketch::{Form, Role, Shape, Sketch};
pub use system::{Chance, Observed, System};
pub use tables::TableBuilder;
pub use tabular::{Finite, Tabular};
pub use time_limit::TimeLimit;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
