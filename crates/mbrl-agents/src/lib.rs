//! Algorithms, one a file, and the trainer that runs them.
//!
//! | to | look at |
//! |---|---|
//! | run an algorithm by name | [`RunConfig`], [`find`], [`ALL`] |
//! | train in an environment of one's own | [`Trainer`], and `examples/own_env.rs` |
//! | act with what was trained | [`Policy::load`], and `examples/act.rs`; [`load_agent`], [`evaluate`] |
//! | know what a learner of tables loses by learning | [`regret`], [`TabularLearner`] |
//! | watch a run, or end it | [`Callback`], [`StopFlag`], [`TargetReturn`] |
//! | read what it recorded | [`RunDir::metrics`], [`RunDir::timing`] |
//! | add an algorithm | [`Method`], [`Agent`] |
//!
//! # Example
//!
//! ```
//! use mbrl_agents::{EvalConfig, RunConfig, Setup, Trainer};
//!
//! # fn main() -> mbrl_core::Result<()> {
//! let entry = mbrl_envs::find("pendulum")?;
//! let mut config = RunConfig::new("random", None)?;
//! config.steps = 1_000;
//! config.eval = EvalConfig { every: 500, episodes: 2, target: None };
//! let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
//! let agent = config.build(&setup)?;
//! let trainer = Trainer::new(config.training(), entry.make(), agent)?;
//! let summary = trainer.evaluate_in(entry.make())?.run()?;
//! assert_eq!((summary.env_steps, summary.episodes), (1_000, 5));
//! assert!(summary.last.is_some_and(|last| last.mean_return() < 0.0));
//! # Ok(()) }
//! ```

#![doc(test(attr(deny(warnings))))]

mod agent;
mod algorithm;
mod bc;
mod callback;
mod checkpoint;
mod collect;
mod config;
mod evaluation;
mod keep;
mod known;
mod load;
mod manifest;
mod mbpo;
mod mbpo_monotonic;
mod method;
mod mopo;
mod morel;
mod offline;
mod pets;
mod planning;
mod policy;
mod policy_actor;
mod ps_mbpo;
mod psrl;
mod q_learning;
mod quick;
mod random;
mod random_shooting;
mod recorder;
mod sac;
mod setup;
mod stats;
mod store;
mod tabular;
mod train_config;
mod trainer;
mod ucbvi;

pub use agent::{Actor, Agent, Mind};
pub use algorithm::{ALL, Algorithm, QUICK_STEPS, find};
pub use bc::{BcAgent, BcConfig};
pub use callback::{Callback, Event, Flow, Standing, StopFlag, TargetReturn};
pub use collect::{Amount, collect};
pub use config::{RunConfig, leaves};
pub use evaluation::{Evaluation, evaluate, evaluate_watched};
pub use known::Known;
pub use load::{Trained, load_agent};
pub use manifest::{Build, Manifest};
pub use mbpo::{MbpoAgent, MbpoConfig, RolloutConfig, Schedule, TheoryConfig};
pub use mbpo_monotonic::{MonotonicAgent, MonotonicConfig};
pub use method::{Method, Preset, Spaces};
pub use mopo::{ImaginedConfig, MopoAgent, MopoConfig, Pessimism};
pub use planning::{FitAt, ModelConfig, PlanningActor, PlanningAgent, PlanningConfig, Propagation};
pub use policy::Policy;
pub use policy_actor::{PolicyActor, SingleRow};
pub use ps_mbpo::{Draw, PsMbpoAgent, PsMbpoConfig, Sampling, Score};
pub use psrl::{Concentration, Flexible, Posterior, PsrlConfig, PsrlPrior, gibbs_policy};
pub use q_learning::{Epsilon, QLearningConfig, StepSize};
pub use random::RandomConfig;
pub use recorder::JsonlRecorder;
pub use sac::{
    Discount, SacAgent, SacAgentConfig, SacBatch, SacConfig, SacLearner, SacLosses, SacPolicy, TargetEntropy,
    Temperature,
};
pub use setup::Setup;
pub use stats::{ci95, mean, sample_std, student_975};
pub use store::{Line, RunDir, Timing};
pub use tabular::{EpisodePolicy, Play, RewardLaw, TabularLearner, draw_index, draw_unit, regret};
pub use train_config::{CheckpointConfig, EvalConfig, TrainConfig};
pub use trainer::{Stopped, Summary, Trainer};
pub use ucbvi::UcbviConfig;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
