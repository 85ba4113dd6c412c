//! Soft actor-critic (Haarnoja et al. 2018): learns from the world alone, and is the part of MBPO that learns to act.
//!
//! The presets are what others run:
//! - `sb3`: Stable-Baselines3's defaults.
//! - `softlearning`: the authors', which MBPO's SAC has too: it begins with Glorot's parameters and 1,000 random steps.
//! - `many-updates`: `sb3` with 20 updates a step, as many as MBPO makes.
//! - `fast`: all of the preset `fast` of MBPO but the model, to see what the model is good for.

mod agent;
mod anchor;
mod batch;
mod cloning;
mod config;
mod keep;
mod learner;
mod policy;
#[cfg(test)]
mod tests;

pub(crate) use agent::SacTally;
pub use agent::{SacAgent, SacAgentConfig};
pub(crate) use anchor::{is_above, kl, tv_bound};
pub use batch::{Discount, SacBatch};
pub(crate) use cloning::Cloning;
pub use config::{SacConfig, TargetEntropy, Temperature};
pub use learner::{SacLearner, SacLosses};
pub use policy::SacPolicy;

use crate::{Agent, Method, Preset, Setup, Spaces};
use mbrl_core::{Error, Key, Result};
use mbrl_nn::Init;

/// The method.
pub(crate) struct Sac;

impl Method for Sac {
    const NAME: &'static str = "sac";
    const SUMMARY: &'static str = "soft actor-critic, without a model";
    const SOURCE: &'static str = "Haarnoja et al. 2018";
    const SPACES: Spaces = Spaces::Continuous;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "sb3", summary: "Stable-Baselines3: 100 random steps, an update a step" },
        Preset { name: "softlearning", summary: "the authors': Glorot's parameters, 1,000 random steps" },
        Preset { name: "many-updates", summary: "sb3 with 20 updates a step, as many as MBPO makes" },
        Preset { name: "fast", summary: "MBPO's fast without its model: small networks, 20 updates a step" },
        Preset { name: "study", summary: "for figures: fast with 5 updates a step" },
    ];
    type Config = SacAgentConfig;

    fn preset(name: &str) -> Result<SacAgentConfig> {
        let sb3 = SacAgentConfig {
            sac: SacConfig { init: Init::UniformFanIn, ..SacConfig::default() },
            initial_steps: 100,
            ..SacAgentConfig::default()
        };
        match name {
            "sb3" => Ok(sb3),
            "softlearning" => Ok(SacAgentConfig::default()),
            "many-updates" => Ok(SacAgentConfig { updates_per_step: 20, ..sb3 }),
            "fast" => Ok(SacAgentConfig {
                sac: SacConfig::fast(),
                initial_steps: 200,
                updates_per_step: 20,
                ..SacAgentConfig::default()
            }),
            "study" => Ok(SacAgentConfig { updates_per_step: 5, ..Sac::preset("fast")? }),
            _ => Err(Error::invalid(format_args!("sac has no preset `{name}`"))),
        }
    }

    fn quick(config: SacAgentConfig) -> SacAgentConfig {
        config.quick()
    }

    fn validate(config: &SacAgentConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: SacAgentConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(SacAgent::new(config, setup, key)?))
    }
}
