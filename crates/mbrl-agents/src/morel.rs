//! MOReL: model-based offline reinforcement learning (Kidambi et al. 2020).
//!
//! What it is beside MOPO: the model does not pay for its doubt step by step. Where its members disagree more than they do
//! anywhere in the data, the episode ends, and what is earned there for ever is less than anything that was recorded, and
//! less than nothing.
//!
//! What departs from the paper:
//! - The policy learns by soft actor-critic, as in the other methods here, not by natural policy gradients.
//! - HALT is no state. The move that leads there earns what an eternity in it is worth, γ/(1 − γ) times the least recorded
//!   reward (or 0, where that is less) less `below`, and has no future.

use crate::mopo;
use crate::{Agent, Method, MopoAgent, MopoConfig, Pessimism, Preset, Setup, Spaces};
use mbrl_core::{Error, Key, Result};
use mbrl_models::UncertaintySpec;

/// The method.
pub(crate) struct Morel;

impl Method for Morel {
    const NAME: &'static str = "morel";
    const SUMMARY: &'static str = "learn from a dataset, in a model that stops where it is too unsure";
    const SOURCE: &'static str = "Kidambi et al. 2020";
    const SPACES: Spaces = Spaces::Continuous;
    const OFFLINE: bool = true;
    const PRESETS: &'static [Preset] = &[Preset {
        name: "fast",
        summary: "mopo's fast, halting past the most that members disagree in the data",
    }];
    type Config = MopoConfig;

    fn preset(name: &str) -> Result<MopoConfig> {
        if name != "fast" {
            return Err(Error::invalid(format_args!("morel has no preset `{name}`")));
        }
        mopo::fast(Pessimism::Halt { multiple: 1.0, below: 1.0, uncertainty: UncertaintySpec::MOREL })
    }

    fn quick(config: MopoConfig) -> MopoConfig {
        config.quick()
    }

    fn validate(config: &MopoConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: MopoConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(MopoAgent::new("morel", config, setup, key)?))
    }
}
