//! Behaviour cloning (Pomerleau 1991): do what the data did. It knows no reward, and is what offline learning has to beat.
//!
//! The policy is that of soft actor-critic, and its actions without noise learn to be the recorded ones by least squares, as
//! in the benchmarks of offline learning. By likelihood the actions on the bounds, where the tangent has no inverse, would
//! outweigh all others.

mod agent;

pub use agent::BcAgent;

use crate::{Agent, Method, Preset, SacConfig, Setup, Spaces};
use mbrl_core::{Context, Error, Key, Result};
use serde::{Deserialize, Serialize};

/// The settings of [`BcAgent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BcConfig {
    /// The policy and how it learns: of soft actor-critic's settings the networks, `actor` and `batch` count.
    pub policy: SacConfig,
    /// After how many updates it is recorded how they went.
    pub record_every: u64,
}

/// The method.
pub(crate) struct Bc;

impl Method for Bc {
    const NAME: &'static str = "bc";
    const SUMMARY: &'static str = "behaviour cloning: do what the data did";
    const SOURCE: &'static str = "Pomerleau 1991";
    const SPACES: Spaces = Spaces::Continuous;
    const OFFLINE: bool = true;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "fast", summary: "ours, for two cores: 2×64, batches of 128" },
        Preset { name: "wide", summary: "2×256, batches of 256, a rate of 3e-4: what benchmarks use" },
    ];
    type Config = BcConfig;

    fn preset(name: &str) -> Result<BcConfig> {
        let policy = match name {
            "fast" => SacConfig::fast(),
            "wide" => SacConfig::default(),
            _ => return Err(Error::invalid(format_args!("bc has no preset `{name}`"))),
        };
        Ok(BcConfig { policy, record_every: 1_000 })
    }

    fn quick(config: BcConfig) -> BcConfig {
        BcConfig { policy: config.policy.quick(), record_every: config.record_every.min(30) }
    }

    fn validate(config: &BcConfig) -> Result<()> {
        if config.record_every == 0 {
            return Err(Error::invalid("record_every is 0: give at least 1 update"));
        }
        config.policy.validate().context("policy")
    }

    fn build(config: BcConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(BcAgent::new(config, setup, key)?))
    }
}
