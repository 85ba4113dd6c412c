//! What one writes to add an algorithm.

use crate::{Agent, Setup};
use mbrl_core::{Key, Result, Spec};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An algorithm. It is one file that implements this, and one line in [`ALL`](crate::ALL); the tests of every algorithm
/// (smoke on each environment that it serves, equal bits, resume, configuration) iterate that table.
///
/// `Config` is a plain struct with `serde(deny_unknown_fields)`, and with `serde(default)` where its default is the first
/// preset: what a configuration leaves out is not to be taken from another algorithm's.
pub trait Method: 'static {
    /// The name that it is chosen by.
    const NAME: &'static str;
    /// What it does, in a line.
    const SUMMARY: &'static str;
    /// The paper that it is from.
    const SOURCE: &'static str;
    /// Where it can act.
    const SPACES: Spaces;
    /// Whether it learns from a dataset alone, [`Setup::data`](crate::Setup::data): a step is then an update, and none is
    /// made in an environment but to evaluate.
    const OFFLINE: bool = false;
    /// The settings to choose from; the first is the default.
    const PRESETS: &'static [Preset];

    /// All its settings.
    type Config: Serialize + DeserializeOwned;

    /// The settings of one of [`PRESETS`](Method::PRESETS), by name.
    fn preset(name: &str) -> Result<Self::Config>;

    /// The same settings cut down, so that within [`QUICK_STEPS`](crate::QUICK_STEPS) steps everything that the algorithm
    /// does has been done at least once, in a few seconds: short warm-ups, small networks, few candidates. It learns
    /// nothing of worth. The tests of every algorithm use it, and `--quick` does.
    fn quick(config: Self::Config) -> Self::Config;

    /// The settings that the source of a preset uses on the dataset of this name; the same ones, where it says nothing of it.
    fn suited(preset: &str, dataset: &str, config: Self::Config) -> Self::Config {
        let _ = (preset, dataset);
        config
    }

    /// Refuses settings that cannot be used, naming the field and the mend.
    fn validate(config: &Self::Config) -> Result<()>;

    /// The most bytes that its transitions and networks come to take in such a world; 0 for one that never needs much.
    fn bytes(config: &Self::Config, spec: &Spec) -> Result<u64> {
        let _ = (config, spec);
        Ok(0)
    }

    /// An agent that has learnt nothing yet. The configuration has been validated, and the spec has a space that it serves.
    fn build(config: Self::Config, setup: &Setup, key: Key) -> Result<Box<dyn Agent>>;
}

/// The spaces of actions that an algorithm serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spaces {
    /// Boxes and choices.
    Any,
    /// Boxes.
    Continuous,
    /// One of several choices.
    Discrete,
}

/// Settings with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Preset {
    /// The name that they are chosen by.
    pub name: &'static str,
    /// Where they are from, or what they are for.
    pub summary: &'static str,
}
