//! The settings of soft actor-critic's learner.

use mbrl_core::{Error, Result};
use mbrl_nn::{Activation, AdamConfig, Init, LogStd};
use serde::{Deserialize, Serialize};

/// How actors, critics and temperatures learn. The default is the paper's (Haarnoja et al. 2018, the version with a learnt
/// temperature), as softlearning has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SacConfig {
    /// How wide the hidden layers of actor and critics are.
    pub hidden: Vec<usize>,
    /// What they end in.
    pub activation: Activation,
    /// How parameters are drawn.
    pub init: Init,
    /// How many critics an agent has; the smallest value is believed.
    pub critics: usize,
    /// The optimizer of the actor.
    pub actor: AdamConfig,
    /// The optimizer of the critics.
    pub critic: AdamConfig,
    /// How much entropy is worth.
    pub temperature: Temperature,
    /// How the deviation of an action is kept within bounds.
    pub log_std: LogStd,
    /// How many transitions an update learns from.
    pub batch: usize,
    /// How far target critics follow at a time.
    pub tau: f32,
    /// After how many updates they follow.
    pub follow_every: u64,
}

/// How much a nat of entropy is worth in units of reward.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Temperature {
    /// So much, for ever.
    Fixed(f32),
    /// As much as keeps the entropy at a target.
    Learnt {
        /// What it begins with.
        initial: f32,
        /// The entropy to keep.
        target: TargetEntropy,
        /// The optimizer of its logarithm.
        adam: AdamConfig,
    },
}

/// The entropy that a policy is to have, of actions measured from −1 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetEntropy {
    /// −1 for every number of an action.
    #[default]
    Dims,
    /// So many nats, whatever the action is.
    Nats(f32),
}

impl TargetEntropy {
    /// In nats, for actions of so many numbers.
    pub fn nats(self, act: usize) -> f32 {
        match self {
            TargetEntropy::Dims => -(act as f32),
            TargetEntropy::Nats(nats) => nats,
        }
    }
}

impl Default for SacConfig {
    fn default() -> Self {
        let adam = AdamConfig { lr: 3e-4, ..AdamConfig::default() };
        SacConfig {
            hidden: vec![256, 256],
            activation: Activation::Relu,
            init: Init::GlorotUniform,
            critics: 2,
            actor: adam,
            critic: adam,
            temperature: Temperature::Learnt { initial: 1.0, target: TargetEntropy::Dims, adam },
            log_std: LogStd::default(),
            batch: 256,
            tau: 0.005,
            follow_every: 1,
        }
    }
}

impl SacConfig {
    /// Ours, for two cores: small networks that learn fast.
    pub(crate) fn fast() -> Self {
        let adam = AdamConfig { lr: 1e-3, ..AdamConfig::default() };
        let temperature = Temperature::Learnt { initial: 1.0, target: TargetEntropy::Dims, adam };
        let (hidden, batch, tau) = (vec![64, 64], 128, 0.01);
        SacConfig { hidden, actor: adam, critic: adam, temperature, batch, tau, ..SacConfig::default() }
    }

    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("critics", self.critics), ("batch", self.batch)] {
            if value == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: give 1 or more")));
            }
        }
        if self.follow_every == 0 {
            return Err(Error::invalid("follow_every is 0: give 1 or more updates"));
        }
        if !(self.tau > 0.0 && self.tau <= 1.0) {
            return Err(Error::invalid(format_args!("tau is {}: give a number from (0, 1]", self.tau)));
        }
        self.actor.validate().map_err(|error| error.wrap("actor"))?;
        self.critic.validate().map_err(|error| error.wrap("critic"))?;
        let worth = match &self.temperature {
            Temperature::Fixed(worth) => *worth,
            Temperature::Learnt { initial, target, adam } => {
                adam.validate().map_err(|error| error.wrap("temperature"))?;
                if !target.nats(1).is_finite() {
                    return Err(Error::invalid("the target entropy is no finite number: give some nats"));
                }
                if *initial <= 0.0 {
                    return Err(Error::invalid(format_args!(
                        "temperature: initial is {initial}: give a positive number, whose logarithm is learnt"
                    )));
                }
                *initial
            }
        };
        if !(worth >= 0.0 && worth.is_finite()) {
            return Err(Error::invalid(format_args!(
                "temperature is {worth}: give a finite number of at least 0"
            )));
        }
        Ok(())
    }

    /// The same with small networks and small batches.
    pub(crate) fn quick(mut self) -> Self {
        self.hidden = self.hidden.iter().map(|width| (*width).min(16)).collect();
        self.batch = self.batch.min(16);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_used_are_refused_by_name() {
        let fine = SacConfig::default;
        assert!(fine().validate().is_ok());
        let learnt = |initial, target| Temperature::Learnt { initial, target, adam: AdamConfig::default() };
        for (config, says) in [
            (SacConfig { critics: 0, ..fine() }, "critics is 0"),
            (SacConfig { batch: 0, ..fine() }, "batch is 0"),
            (SacConfig { follow_every: 0, ..fine() }, "follow_every is 0"),
            (SacConfig { tau: 0.0, ..fine() }, "tau is 0"),
            (SacConfig { tau: f32::NAN, ..fine() }, "tau is NaN"),
            (SacConfig { actor: AdamConfig { lr: -1.0, ..fine().actor }, ..fine() }, "actor: lr is -1"),
            (SacConfig { critic: AdamConfig { eps: 0.0, ..fine().actor }, ..fine() }, "critic: eps is 0"),
            (SacConfig { temperature: Temperature::Fixed(-1.0), ..fine() }, "temperature is -1"),
            (SacConfig { temperature: learnt(0.0, TargetEntropy::Dims), ..fine() }, "initial is 0"),
            (
                SacConfig { temperature: learnt(1.0, TargetEntropy::Nats(f32::NAN)), ..fine() },
                "target entropy",
            ),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn the_entropy_to_keep_is_minus_one_a_number_unless_it_is_given() {
        let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(close(TargetEntropy::Dims.nats(6), -6.0) && close(TargetEntropy::Nats(-0.05).nats(6), -0.05));
    }
}
