//! Agents that plan: a belief about the world, fitted to what was seen, and model-predictive control in it.
//!
//! PETS and random shooting are two settings of this one agent; what tells them apart is in their files.

mod actor;
mod agent;
mod believed;
mod config;
mod keep;

pub use actor::PlanningActor;
pub use agent::PlanningAgent;
pub use believed::ModelConfig;
pub use config::{FitAt, PlanningConfig, Propagation};
