//! MBPO: model-based policy optimisation (Janner et al. 2019).
//!
//! An ensemble is fitted to everything seen so far. From states that were seen, short rollouts of the policy are imagined,
//! every step of each in a network drawn from the best of the ensemble, and soft actor-critic learns from these and a few real
//! transitions, many updates for each step in the world.
//!
//! What the presets are, and where they depart from what they are named after:
//! - `fast` is ours, for two cores: networks of 3×64 and 2×64, 2,000 rollouts every 50 steps, 20 updates a step;
//!   the model's gradients are weighed by the root of their variances, as likelihood alone takes what is rare for noise.
//! - `official-code` (jannerm/mbpo, its hopper): as it is, but that targets are normalised, where that code learns them in
//!   their own units.
//! - `mbrl-lib` (facebookresearch/mbrl-lib with its `mbpo_cartpole`): as it is, but that what the untrained policy does there
//!   is done at random here, that targets are normalised, and that all real transitions count alike in a fit.

mod agent;
mod config;
pub(crate) mod imagination;
mod schedule;
mod theory;

pub use agent::MbpoAgent;
pub use config::{MbpoConfig, RolloutConfig};
pub use schedule::Schedule;
pub use theory::TheoryConfig;

use crate::{Agent, Known, Method, Preset, SacConfig, Setup, Spaces, TargetEntropy, Temperature};
use mbrl_core::{Error, Key, Result};
use mbrl_models::{Bounds, EnsembleConfig, Likelihood, Stop, Targets};
use mbrl_nn::AdamConfig;

/// The method.
pub(crate) struct Mbpo;

impl Method for Mbpo {
    const NAME: &'static str = "mbpo";
    const SUMMARY: &'static str = "learn a policy from short rollouts imagined from states that were seen";
    const SOURCE: &'static str = "Janner et al. 2019";
    const SPACES: Spaces = Spaces::Continuous;
    const PRESETS: &'static [Preset] = &[
        Preset { name: "fast", summary: "ours, for two cores: small networks, 20 updates a step" },
        Preset { name: "official-code", summary: "jannerm/mbpo on the hopper: 7 networks of 4×200, G = 20" },
        Preset { name: "mbrl-lib", summary: "mbpo_cartpole: 7 networks of 4×200, G = 20, no real data" },
        Preset { name: "study", summary: "for figures: fast with 5 updates a step" },
    ];
    type Config = MbpoConfig;

    fn preset(name: &str) -> Result<MbpoConfig> {
        let adam = |lr| AdamConfig { lr, ..AdamConfig::default() };
        let target =
            |nats, adam| Temperature::Learnt { initial: 1.0, target: TargetEntropy::Nats(nats), adam };
        match name {
            "fast" => Ok(MbpoConfig {
                model: EnsembleConfig {
                    members: 5,
                    elites: 4,
                    hidden: vec![64; 3],
                    likelihood: Likelihood::Gaussian {
                        bounds: Bounds::Learnt,
                        bounds_penalty: 0.01,
                        beta: 0.5,
                    },
                    decay: vec![2.5e-5],
                    stop: Stop { max_epochs: Some(20), ..EnsembleConfig::default().stop },
                    batch: 128,
                    targets: Targets::Normalized,
                    ..EnsembleConfig::default()
                },
                sac: SacConfig::fast(),
                initial_steps: 200,
                model_every: 50,
                rollouts: RolloutConfig {
                    starts: 2_000,
                    length: Schedule { from: 1, to: 5, first: 1, last: 4 },
                    epoch: 200,
                    retain: 1_000,
                },
                updates_per_step: 20,
                ..MbpoConfig::default()
            }),
            "official-code" => Ok(MbpoConfig {
                model: EnsembleConfig { targets: Targets::Normalized, ..EnsembleConfig::default() },
                sac: SacConfig { temperature: target(-1.0, adam(3e-4)), ..SacConfig::default() },
                ..MbpoConfig::default()
            }),
            "mbrl-lib" => Ok(MbpoConfig {
                model: EnsembleConfig { targets: Targets::Normalized, ..EnsembleConfig::preset("mbrl-lib")? },
                sac: SacConfig {
                    temperature: target(-0.05, adam(3e-4)),
                    follow_every: 4,
                    ..SacConfig::default()
                },
                initial_steps: 200,
                model_every: 200,
                rollouts: RolloutConfig {
                    starts: 400 * 200,
                    length: Schedule { from: 1, to: 15, first: 1, last: 1 },
                    epoch: 200,
                    retain: 200,
                },
                real_share: 0.0,
                termination: Known::Given,
                ..MbpoConfig::default()
            }),
            "study" => Ok(MbpoConfig { updates_per_step: 5, ..Mbpo::preset("fast")? }),
            _ => Err(Error::invalid(format_args!("mbpo has no preset `{name}`"))),
        }
    }

    fn quick(config: MbpoConfig) -> MbpoConfig {
        config.quick()
    }

    fn validate(config: &MbpoConfig) -> Result<()> {
        config.validate()
    }

    fn build(config: MbpoConfig, setup: &Setup, key: Key) -> Result<Box<dyn Agent>> {
        Ok(Box::new(MbpoAgent::new(config, setup, key)?))
    }
}
