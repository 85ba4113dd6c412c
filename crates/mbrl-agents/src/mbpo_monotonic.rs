//! MBPO with a monotonic improvement guarantee, the general Algorithm 1 of Janner et al. 2019, for continuous actions.
//!
//! In every epoch data are collected with the policy π_D, after a first `initial_steps` at random, the model is fitted to all
//! that was seen, and a policy is sought that maximises η̂(π) − C(ε_m, ε_π), with C as theorem 4.1 has it. Model, imagination
//! and soft actor-critic are those of [`MbpoAgent`](crate::MbpoAgent); what differs is:
//! - All updates of an epoch are made at once, after the fit, so that one policy collects the data of an epoch.
//! - The actor's loss gains what ε_π costs. C grows by dC/dε_π = 4 r_max / (1 − γ)² with ε_π. The loss is −Q in the mean over
//!   states, less what the entropy is worth. By the performance difference lemma (Kakade and Langford 2002) a small step of the
//!   policy *changes* the mean of Q over the states that it visits by (1 − γ) times what it changes η̂ by, so the term is
//!   (1 − γ) dC/dε_π = 4 r_max / (1 − γ) times ε_π. The states are those of the batch, most of them imagined from states that
//!   were seen. Q is soft here, and may be larger than r_max / (1 − γ): the term does not keep π_D by itself.
//! - ε_π is the largest bound on the total variation in any state that is looked at, by the smaller of Pinsker's and of
//!   Bretagnolle and Huber's: in the loss the states of the batch, in the judgement at most 1,024 that were seen. The supremum
//!   over all states is not known, so this is an estimate.
//! - π_D is one of the policies among which the maximum is sought: where what was found does not gain more than its ε_π costs,
//!   the actor and its temperature become what they were; the critics stay. The gain is that of pairs of imagined episodes,
//!   which have the same luck until the first of the episodes ends. Of the two, ε_m is the same.
//! - r_max is that of the rewards seen, and nothing is adopted while all of them were 0.
//!
//! With `c_scale` 1 that is the paper's C, with which theory has no policy leave π_D, in the model as in the world (see
//! [`mbrl_bounds::mbpo::Certificate`]). What is estimated here could: a model may imagine rewards larger than any that was
//! seen. In what was run it is the judgement that kept π_D, every time. Any other `c_scale` is a heuristic of which nothing is
//! proved.

mod agent;

pub use agent::MonotonicAgent;

use crate::mbpo::Mbpo;
use crate::{Agent, MbpoConfig, Method, Preset, Setup, Spaces};
use mbrl_core::{Context, Error, Key, Result};
use mbrl_models::Likelihood;
use serde::{Deserialize, Serialize};

/// The settings of [`MonotonicAgent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonotonicConfig {
    /// The model, imagination and learner, as MBPO has them. An epoch is `model_every` steps, and has `updates_per_step`
    /// updates for each of them.
    pub mbpo: MbpoConfig,
    /// By what C is multiplied. 1 is the paper, with which the policy stood still in what was run; any other number is a
    /// heuristic, of which nothing is proved.
    pub c_scale: f64,
    /// The largest size of a reward; that of those seen so far, where none is given or a larger one was seen.
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
        Preset {
            name: "paper",
            summary: "all of C, with which the policy stands still; a model by likelihood",
        },
    ];
    type Config = MonotonicConfig;

    fn preset(name: &str) -> Result<MonotonicConfig> {
        let mut mbpo = Mbpo::preset("fast")?;
        let c_scale = match name {
            "fast" => 1e-5,
            "paper" => {
                // Algorithm 1 fits by likelihood alone.
                if let Likelihood::Gaussian { beta, .. } = &mut mbpo.model.likelihood {
                    *beta = 0.0;
                }
                1.0
            }
            _ => return Err(Error::invalid(format_args!("mbpo-monotonic has no preset `{name}`"))),
        };
        Ok(MonotonicConfig { mbpo, c_scale, r_max: None })
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
