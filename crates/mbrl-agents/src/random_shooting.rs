//! Random shooting: the first planner of the lecture notes, and that of Nagabandi et al. 2018.
//!
//! A deterministic network is fitted to everything seen so far, and every action is the first of the best of many plans
//! drawn uniformly. It is the same agent as PETS with nothing improved: one network, one particle, blind candidates.

use crate::planning::{ModelConfig, PlanningAgent, PlanningConfig};
use crate::{Agent, Method, Preset, Setup, Spaces};
use mbrl_core::{Error, Key, Result};
use mbrl_models::{EnsembleConfig, Holdout, Keep, Likelihood, Resampling, Stop, Targets};
use mbrl_plan::{PlannerConfig, RandomShootingConfig};

/// The method.
pub(crate) struct RandomShooting;

impl Method for RandomShooting {
    const NAME: &'static str = "random-shooting";
    const SUMMARY: &'static str = "plan by blind candidates in one deterministic network";
    const SOURCE: &'static str = "MBRL lecture notes; Nagabandi et al. 2018";
    const SPACES: Spaces = Spaces::Continuous;
    const PRESETS: &'static [Preset] = &[Preset {
        name: "naive",
        summary: "1000 candidates of 20 steps, one deterministic network of 2×500 fitted after each episode",
    }];
    type Config = PlanningConfig;

    fn preset(name: &str) -> Result<PlanningConfig> {
        match name {
            "naive" => Ok(PlanningConfig {
                planner: PlannerConfig::RandomShooting(RandomShootingConfig { population: 1000 }),
                horizon: 20,
                particles: 1,
                model: ModelConfig::Ensemble(EnsembleConfig {
                    members: 1,
                    elites: 1,
                    hidden: vec![500; 2],
                    likelihood: Likelihood::Deterministic,
                    decay: vec![],
                    batch: 512,
                    resampling: Resampling::Shared,
                    holdout: Holdout { share: 0.0, cap: 0 },
                    stop: Stop { max_epochs: Some(60), ..EnsembleConfig::default().stop },
                    keep: Keep::Last,
                    targets: Targets::Normalized,
                    ..EnsembleConfig::default()
                }),
                ..PlanningConfig::default()
            }),
            _ => Err(Error::invalid(format_args!("random-shooting has no preset `{name}`"))),
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
