//! `psrl`: posterior sampling for reinforcement learning (Strens 2000; Osband, Russo & Van Roy 2013), exact and not so exact.
//!
//! Before each episode a world is drawn from what is believed, and the episode is played as is best in that world. What is
//! believed is Dirichlet successors and conjugate mean rewards, or an approximation of that ([`Posterior`]); and the policy
//! may be drawn from the flexible posterior q(π | M, D, λ) of Wang, Chen & Murphy (2024) in the place of δ(π | M).

mod config;
mod ensemble;
mod given_data;
mod learner;
#[cfg(test)]
mod tests;

pub use config::{Concentration, Flexible, Posterior, PsrlConfig, PsrlPrior};
pub use given_data::gibbs_policy;

use crate::tabular::TabularAgent;
use crate::{Agent, Method, Preset, Setup, Spaces, TabularLearner};
use learner::PsrlLearner;
use mbrl_core::{Error, Key, Result};

/// The method.
pub(crate) struct Psrl;

impl Method for Psrl {
    const NAME: &'static str = "psrl";
    const SUMMARY: &'static str =
        "before each episode draw a finite world from the posterior, and play what is best in it";
    const SOURCE: &'static str = "Strens 2000; Osband, Russo & Van Roy 2013; Wang, Chen & Murphy 2024";
    const SPACES: Spaces = Spaces::Discrete;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "exact", summary: "Bayes' rule, and the best policy of the world drawn" },
        Preset {
            name: "greedy",
            summary: "no draw: the best policy of the mean world (certainty equivalence)",
        },
        Preset { name: "tempered", summary: "overconfident: each observation counts as four" },
        Preset { name: "bootstrap", summary: "an ensemble of five, one of them drawn an episode" },
        Preset { name: "wrong", summary: "ten pseudo-observations that every move leads nowhere" },
        Preset { name: "mixture", summary: "one policy in four is drawn by the data alone" },
        Preset { name: "data", summary: "a quarter of all imagined moves are those of the data" },
    ];
    type Config = PsrlConfig;

    fn preset(name: &str) -> Result<PsrlConfig> {
        let plain = PsrlConfig::default();
        let believing = |posterior| PsrlConfig { posterior, ..plain };
        let with = |construction| PsrlConfig { lambda: 0.25, construction, ..plain };
        Ok(match name {
            "exact" => plain,
            "greedy" => believing(Posterior::Mean),
            "tempered" => believing(Posterior::Tempered { power: 4.0 }),
            "bootstrap" => believing(Posterior::Bootstrap { members: 5 }),
            "wrong" => believing(Posterior::Wrong { stays: 10.0 }),
            "mixture" => with(Flexible::Mixture),
            "data" => with(Flexible::Data),
            _ => return Err(Error::invalid(format_args!("psrl has no preset `{name}`"))),
        })
    }

    fn quick(config: PsrlConfig) -> PsrlConfig {
        PsrlConfig { sweeps: config.sweeps.min(1), ..config }
    }

    fn validate(config: &PsrlConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: PsrlConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(TabularAgent::new(setup.spec.clone(), PsrlLearner::new(config, setup, key)?)))
    }
}

impl PsrlConfig {
    /// A learner of these settings that has seen nothing yet. The key draws what an ensemble is made of.
    pub fn learner(self, setup: &Setup, key: Key) -> Result<Box<dyn TabularLearner>> {
        self.validate()?;
        Ok(Box::new(PsrlLearner::new(self, setup, key)?))
    }
}
