//! What an agent may believe of the world.

use crate::Setup;
use crate::quick;
use mbrl_core::{Belief, Error, Key, Result, Task};
use mbrl_models::{BayesConfig, BayesianNetwork, Ensemble, EnsembleConfig, Oracle, Targets};
use serde::{Deserialize, Serialize};

/// What is believed of the world, and how it is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelConfig {
    /// An ensemble of networks.
    Ensemble(EnsembleConfig),
    /// A posterior over the weights of a network; each fit draws networks from it.
    BayesianNetwork(BayesConfig),
    /// The world itself: what the agent is worth where nothing has to be learnt.
    Oracle,
}

/// An ensemble whose targets are normalised: early in a run a column of the observation may hardly move, which targets in their
/// own units do not allow for. (What an ensemble in a file leaves out is as [`EnsembleConfig`] has it.)
impl Default for ModelConfig {
    fn default() -> Self {
        ModelConfig::Ensemble(EnsembleConfig { targets: Targets::Normalized, ..EnsembleConfig::default() })
    }
}

impl ModelConfig {
    pub(super) fn is_oracle(&self) -> bool {
        *self == ModelConfig::Oracle
    }

    /// How many networks are imagined with.
    pub(super) fn imagined(&self) -> usize {
        match self {
            // Not nothing, also where the configuration is still to be refused.
            ModelConfig::Ensemble(config) => config.elites.max(1),
            ModelConfig::BayesianNetwork(config) => config.members.max(1),
            ModelConfig::Oracle => 1,
        }
    }

    pub(super) fn validate(&self) -> Result<()> {
        match self {
            ModelConfig::Ensemble(config) => config.validate(),
            ModelConfig::BayesianNetwork(config) => config.validate(),
            ModelConfig::Oracle => Ok(()),
        }
    }

    /// The belief before anything was seen. `task` says what need not be learnt.
    pub(super) fn build(&self, setup: &Setup, task: &Task, key: Key) -> Result<Box<dyn Belief>> {
        Ok(match self {
            ModelConfig::Ensemble(config) => Box::new(Ensemble::new(&setup.spec, task, config.clone(), key)?),
            ModelConfig::BayesianNetwork(config) => {
                Box::new(BayesianNetwork::new(&setup.spec, task, config.clone(), key)?)
            }
            ModelConfig::Oracle => {
                let physics = setup.oracle.clone().ok_or_else(|| {
                    Error::invalid("model is `oracle`, and this environment has none: learn an ensemble")
                })?;
                Box::new(Oracle::new(&setup.spec, task, physics)?)
            }
        })
    }

    /// The same cut down: small networks, a few passes.
    pub(super) fn quick(self) -> Self {
        match self {
            ModelConfig::Ensemble(config) => ModelConfig::Ensemble(quick::ensemble(config)),
            ModelConfig::BayesianNetwork(config) => {
                ModelConfig::BayesianNetwork(BayesConfig { hidden: vec![8], epochs: 2, ..config })
            }
            ModelConfig::Oracle => ModelConfig::Oracle,
        }
    }
}
