//! PETS: probabilistic ensembles with trajectory sampling (Chua et al. 2018).
//!
//! An ensemble of Gaussian networks is fitted to everything seen so far. Every action is the first of a plan that CEM found
//! by imagining each candidate in particles, each of which is carried on by a member of the ensemble. The reward is given as
//! a function of what is observed, unless `reward` says that it is to be learnt.
//!
//! Where the presets depart from what they are named after:
//! - `paper` (kchua/handful-of-trials, its cartpole): candidates without a finite score rank last, where that code gives
//!   them a cost of 1e6; the end of a plan that goes on is filled with the middle of the action space, where it appends
//!   zeros; targets are normalised, where it learns them in their own units; terminations of the task are imagined.
//! - `mbrl-lib` (its `pets_cartpole`): all seven networks are imagined with, where that code takes the five with the best
//!   training score; what is kept is the last epoch's, where it goes back to the epoch with the best training score; targets
//!   are normalised; rows that ended are not imagined further.
//! - `fast` is ours, for small machines: iCEM, which needs a tenth of the candidates, and smaller networks.

use crate::planning::{FitAt, ModelConfig, PlanningAgent, PlanningConfig, Propagation};
use crate::{Agent, Method, Preset, Setup, Spaces};
use mbrl_core::{Error, Key, Result};
use mbrl_models::{Bounds, EnsembleConfig, Holdout, Keep, Likelihood, Stop, Targets};
use mbrl_nn::AdamConfig;
use mbrl_plan::PlannerConfig;

/// The method.
pub(crate) struct Pets;

impl Method for Pets {
    const NAME: &'static str = "pets";
    const SUMMARY: &'static str = "plan with CEM in an ensemble of probabilistic networks";
    const SOURCE: &'static str = "Chua et al. 2018";
    const SPACES: Spaces = Spaces::Continuous;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "fast", summary: "ours, for two cores: iCEM, 5 networks of 3×128, 10 particles" },
        Preset { name: "paper", summary: "handful-of-trials: CEM 400×5, 25 steps, 5 networks of 3×500" },
        Preset {
            name: "mbrl-lib", summary: "pets_cartpole: CEM 350×5, 15 steps, 7 networks of 4×200, TS1"
        },
    ];
    type Config = PlanningConfig;

    fn preset(name: &str) -> Result<PlanningConfig> {
        match name {
            "fast" => Ok(PlanningConfig {
                planner: PlannerConfig::preset("icem", "fast")?,
                horizon: 20,
                particles: 10,
                model: ModelConfig::Ensemble(EnsembleConfig {
                    members: 5,
                    hidden: vec![128; 3],
                    decay: vec![2.5e-5, 5e-5, 7.5e-5, 1e-4],
                    batch: 64,
                    holdout: Holdout { share: 0.0, cap: 0 },
                    stop: Stop { max_epochs: Some(40), ..EnsembleConfig::default().stop },
                    keep: Keep::Last,
                    targets: Targets::Normalized,
                    ..EnsembleConfig::default()
                }),
                ..PlanningConfig::default()
            }),
            "paper" => Ok(PlanningConfig {
                model: ModelConfig::Ensemble(EnsembleConfig {
                    members: 5,
                    hidden: vec![500; 3],
                    decay: vec![1e-4, 2.5e-4, 2.5e-4, 5e-4],
                    batch: 32,
                    holdout: Holdout { share: 0.0, cap: 0 },
                    stop: Stop { max_epochs: Some(5), ..EnsembleConfig::default().stop },
                    keep: Keep::Last,
                    targets: Targets::Normalized,
                    ..EnsembleConfig::default()
                }),
                ..PlanningConfig::default()
            }),
            "mbrl-lib" => Ok(PlanningConfig {
                planner: PlannerConfig::preset("cem", "mbrl-lib")?,
                horizon: 15,
                propagation: Propagation::Ts1,
                model: ModelConfig::Ensemble(EnsembleConfig {
                    elites: 7,
                    adam: AdamConfig { lr: 7.5e-4, ..AdamConfig::default() },
                    decay: vec![3e-5],
                    likelihood: Likelihood::Gaussian {
                        bounds: Bounds::Fixed,
                        bounds_penalty: 0.0,
                        beta: 0.0,
                    },
                    holdout: Holdout { share: 0.0, cap: 0 },
                    stop: Stop { max_epochs: Some(25), ..EnsembleConfig::default().stop },
                    keep: Keep::Last,
                    targets: Targets::Normalized,
                    ..EnsembleConfig::default()
                }),
                fit: FitAt::Steps(50),
                ..PlanningConfig::default()
            }),
            _ => Err(Error::invalid(format_args!("pets has no preset `{name}`"))),
        }
    }

    fn quick(config: PlanningConfig) -> PlanningConfig {
        config.quick()
    }

    fn validate(config: &PlanningConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: PlanningConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(PlanningAgent::new(config, setup, key)?))
    }
}
