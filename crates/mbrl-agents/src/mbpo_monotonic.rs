//! MBPO with a monotonic improvement guarantee, the general Algorithm 1 of Janner et al. 2019, for continuous actions.
//!
//! In every epoch data are collected with the policy π_D, the model is fitted to all that was seen, and a policy is sought
//! that maximises η̂(π) − C(ε_m, ε_π), with C as theorem 4.1 has it. Model, imagination and soft actor-critic are those of
//! [`MbpoAgent`](crate::MbpoAgent); what differs is:
//! - All updates of an epoch are made at once, after the fit, so that one policy collects the data of an epoch.
//! - The actor's loss gains what ε_π costs. C grows by dC/dε_π = 4 r_max / (1 − γ)² with ε_π. The loss is −Q in the mean over
//!   states, and by the performance difference lemma (Kakade and Langford 2002) that mean is (1 − γ) η̂ to first order, so
//!   the term is (1 − γ) dC/dε_π = 4 r_max / (1 − γ) times ε_π. The lemma asks for the states that the policy visits; these
//!   are those of the batch, most of them imagined from states that were seen.
//! - ε_π is the largest bound on the total variation in any of these states, by the smaller of Pinsker's and of Bretagnolle
//!   and Huber's. The supremum over all states is not known, so this is an estimate.
//! - π_D is one of the policies among which the maximum is sought: where what was found does not gain more than its ε_π costs,
//!   by episodes imagined with the same luck for both, the actor becomes π_D again. Of the two, ε_m is the same.
//!
//! With `c_scale` 1 that is the paper's C, and the policy never moves, as theory says (see
//! [`mbrl_bounds::mbpo::Certificate`]). Any other `c_scale` is a heuristic that proves nothing.

mod agent;

pub use agent::MonotonicAgent;

use crate::mbpo::Mbpo;
use crate::{Agent, MbpoConfig, Method, Preset, Setup, Spaces};
use mbrl_core::{Context, Error, Key, Result};
use serde::{Deserialize, Serialize};

/// The settings of [`MonotonicAgent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonotonicConfig {
    /// The model, imagination and learner, as MBPO has them. An epoch is `model_every` steps, and has `updates_per_step`
    /// updates for each of them.
    pub mbpo: MbpoConfig,
    /// By what C is multiplied. 1 is the paper, with which nothing moves; any other number is a heuristic, of which nothing is
    /// proved.
    pub c_scale: f64,
    /// The largest size of a reward; that of those seen so far, where none is given.
    pub r_max: Option<f64>,
}

/// The method.
pub(crate) struct MbpoMonotonic;

impl Method for MbpoMonotonic {
    const NAME: &'static str = "mbpo-monotonic";
    const SUMMARY: &'static str = "improve a policy by as much as a model's return exceeds what may be lost";
    const SOURCE: &'static str = "Janner et al. 2019, algorithm 1";
    const SPACES: Spaces = Spaces::Continuous;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "fast", summary: "a heuristic: a hundred-thousandth of C; the rest is mbpo's fast" },
        Preset { name: "paper", summary: "all of C, which proves that nothing gets worse as nothing moves" },
    ];
    type Config = MonotonicConfig;

    fn preset(name: &str) -> Result<MonotonicConfig> {
        let c_scale = match name {
            "fast" => 1e-5,
            "paper" => 1.0,
            _ => return Err(Error::invalid(format_args!("mbpo-monotonic has no preset `{name}`"))),
        };
        Ok(MonotonicConfig { mbpo: Mbpo::preset("fast")?, c_scale, r_max: None })
    }

    fn quick(config: MonotonicConfig) -> MonotonicConfig {
        MonotonicConfig { mbpo: config.mbpo.quick(), ..config }
    }

    fn validate(config: &MonotonicConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: MonotonicConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(MonotonicAgent::new(config, setup, key)?))
    }
}

impl MonotonicConfig {
    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        self.mbpo.validate().context("mbpo")?;
        if !(self.c_scale >= 0.0 && self.c_scale.is_finite()) {
            return Err(Error::invalid(format_args!(
                "c_scale is {}: give 1, as the paper has it, or another finite number of at least 0",
                self.c_scale
            )));
        }
        if let Some(r_max) = self.r_max
            && !(r_max > 0.0 && r_max.is_finite())
        {
            return Err(Error::invalid(format_args!(
                "r_max is {r_max}: give a finite number above 0, or none for the largest seen"
            )));
        }
        Ok(())
    }
}
