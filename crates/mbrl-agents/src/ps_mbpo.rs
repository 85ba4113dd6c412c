//! PS-MBPO and OPS-MBPO: model-based policy optimisation by posterior sampling (Wang, Chen & Murphy 2024).
//!
//! *N* models are fitted to everything seen so far, and each has *M* policies of its own, which learn from what they imagine
//! in it and from a share λ of real transitions: δ(π|M) at λ = 0, a posterior that knows no model at λ = 1. One policy is drawn
//! for the whole of an episode, so that it explores as far as its model says is worth it: uniformly (PS), or the likelier the
//! more it has earned (OPS).
//!
//! What MBPO does otherwise: its one policy meets another network of the ensemble at every imagined step, and plays always.
//! A population of one, N = M = 1, is MBPO with one network, to the bit.
//!
//! Neither N, M, λ nor τ were published, nor any code. What the presets are:
//! - `fast` is ours, for two cores: 3 models of 2 policies each, networks as MBPO's `fast` has, 10 updates a step.
//! - `study` is for figures: 3 models of 3 policies, actors and critics of 2×64, 5 updates a step.
//!
//! Both fit the models before each episode, as the paper does, by a likelihood whose gradients are weighed by variances, as
//! MBPO's `fast` does. Where the paper imagines from one state in every step, they imagine from 500 states every 50 steps, and
//! keep what was imagined for 1,000.

mod agent;
mod config;
mod population;
mod sampling;

pub use agent::PsMbpoAgent;
pub use config::{Draw, PsMbpoConfig};
pub use sampling::{Sampling, Score};

use crate::mbpo::Mbpo;
use crate::planning::FitAt;
use crate::{Agent, Method, Preset, RolloutConfig, Schedule, Setup, Spaces};
use mbrl_core::{Error, Key, Result, Spec};
use mbrl_models::EnsembleConfig;

/// The method that draws uniformly.
pub(crate) struct PsMbpo;

/// The method that draws optimistically.
pub(crate) struct OpsMbpo;

const PRESETS: &[Preset] = &[
    Preset { name: "fast", summary: "ours, for two cores: 3 models with 2 policies each, 10 updates a step" },
    Preset {
        name: "study",
        summary: "for figures: 3 models with 3 policies each, networks of 2×64, 5 updates a step",
    },
];

/// τ of the presets. The returns of the environments here, of some hundred steps an episode, differ by hundreds.
const TAU: f64 = 100.0;

fn preset(name: &str, sampling: Sampling) -> Result<PsMbpoConfig> {
    let (members, policies, updates_per_step) = match name {
        "fast" => (3, 2, 10),
        "study" => (3, 3, 5),
        _ => return Err(Error::invalid(format_args!("posterior sampling has no preset `{name}`"))),
    };
    let mbpo = Mbpo::preset("fast")?;
    Ok(PsMbpoConfig {
        model: EnsembleConfig { members, elites: members, ..mbpo.model },
        policies,
        reward: mbpo.reward,
        termination: mbpo.termination,
        sac: mbpo.sac,
        initial_steps: mbpo.initial_steps,
        fit: FitAt::EpisodeEnd,
        rollouts: RolloutConfig {
            starts: 500,
            length: Schedule { from: 1, to: 5, first: 1, last: 4 },
            ..mbpo.rollouts
        },
        rollout_every: mbpo.model_every,
        real_share: mbpo.real_share,
        updates_per_step,
        capacity: mbpo.capacity,
        sampling,
        draw: Draw::Episode,
    })
}

impl Method for PsMbpo {
    const NAME: &'static str = "ps-mbpo";
    const SUMMARY: &'static str = "play each episode with a policy drawn from those of an ensemble of models";
    const SOURCE: &'static str = "Wang, Chen & Murphy 2024";
    const SPACES: Spaces = Spaces::Continuous;
    const PRESETS: &'static [Preset] = PRESETS;
    type Config = PsMbpoConfig;

    fn preset(name: &str) -> Result<PsMbpoConfig> {
        preset(name, Sampling::Uniform)
    }

    fn quick(config: PsMbpoConfig) -> PsMbpoConfig {
        config.quick()
    }

    fn validate(config: &PsMbpoConfig) -> Result<()> {
        config.validate()
    }

    fn bytes(config: &PsMbpoConfig, spec: &Spec) -> Result<u64> {
        config.bytes(spec)
    }

    fn build(config: PsMbpoConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(PsMbpoAgent::new(config, setup, key)?))
    }
}

impl Method for OpsMbpo {
    const NAME: &'static str = "ops-mbpo";
    const SUMMARY: &'static str = "the same, where policies that have earned more are drawn more often";
    const SOURCE: &'static str = PsMbpo::SOURCE;
    const SPACES: Spaces = PsMbpo::SPACES;
    const PRESETS: &'static [Preset] = PRESETS;
    type Config = PsMbpoConfig;

    fn preset(name: &str) -> Result<PsMbpoConfig> {
        preset(name, Sampling::Optimistic { tau: TAU, score: Score::Sum })
    }

    fn quick(config: PsMbpoConfig) -> PsMbpoConfig {
        config.quick()
    }

    fn validate(config: &PsMbpoConfig) -> Result<()> {
        config.validate()
    }

    fn bytes(config: &PsMbpoConfig, spec: &Spec) -> Result<u64> {
        config.bytes(spec)
    }

    fn build(config: PsMbpoConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(PsMbpoAgent::new(config, setup, key)?))
    }
}
