//! `random`: acts uniformly at random and learns nothing, which is what everything else is compared with.

use crate::{Actor, Agent, Method, PolicyActor, Preset, Setup, SingleRow, Spaces};
use mbrl_core::{Key, Mode, Recorder, Result, Transition, UniformPolicy};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// The method.
pub(crate) struct Random;

/// There is nothing to set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomConfig {}

impl Method for Random {
    const NAME: &'static str = "random";
    const SUMMARY: &'static str = "act uniformly at random and learn nothing";
    const SOURCE: &'static str = "the usual baseline";
    const SPACES: Spaces = Spaces::Any;
    const PRESETS: &'static [Preset] = &[Preset { name: "plain", summary: "there is nothing to set" }];
    type Config = RandomConfig;

    fn preset(_: &str) -> Result<RandomConfig> {
        Ok(RandomConfig {})
    }

    fn quick(config: RandomConfig) -> RandomConfig {
        config
    }

    fn validate(_: &RandomConfig) -> Result<()> {
        Ok(())
    }

    fn build(_: RandomConfig, setup: &Setup, _: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(RandomAgent { policy: UniformPolicy::new(&setup.spec)?, row: SingleRow::default() }))
    }
}

struct RandomAgent {
    policy: UniformPolicy,
    row: SingleRow,
}

impl Agent for RandomAgent {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        self.row.act(&self.policy, Mode::Sample, obs, key, act)
    }

    fn observe(&mut self, _: Transition<'_>) -> Result<()> {
        Ok(())
    }

    fn learn(&mut self, _: u64, _: Key, _: &mut dyn Recorder) -> Result<()> {
        Ok(())
    }

    /// The mean of a uniform distribution is no baseline, so that it draws here too.
    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Ok(Box::new(PolicyActor::sampling(&self.policy)))
    }

    fn save(&self, _: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    fn load(&mut self, _: &mut dyn Read) -> Result<()> {
        Ok(())
    }
}
