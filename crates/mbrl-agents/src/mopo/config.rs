//! How an agent learns from a dataset in a pessimistic model.

use crate::{Known, SacConfig, quick};
use mbrl_core::{Context, Error, Result};
use mbrl_models::{EnsembleConfig, UncertaintySpec};
use serde::{Deserialize, Serialize};

/// The settings of [`MopoAgent`](super::MopoAgent). A file has to say all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MopoConfig {
    /// What is believed of the world; whether a learnt reward is drawn or is its mean is said in `model.rewards`.
    pub model: EnsembleConfig,
    /// Whether the reward is what the task says it is: it is learnt.
    pub reward: Known,
    /// Whether the termination is what the task says it is: it is given.
    pub termination: Known,
    /// What the model pays for what it is unsure of.
    pub pessimism: Pessimism,
    /// How the policy learns. The smallest of `sac.critics` is believed, of which there may be more than two.
    pub sac: SacConfig,
    /// What is imagined.
    pub rollouts: ImaginedConfig,
    /// The share of recorded transitions in a batch, rounded down to whole rows: 0.05.
    pub real_share: f64,
    /// Over so many updates the actor's learning rate falls to nothing, along half a cosine.
    pub anneal: Option<u64>,
    /// Training stops once so many estimates in a row, one every `rollouts.every` updates, were no better than the best, and
    /// the policy becomes what it was then; where `steps` end before, it is the last one. An estimate is what the policy
    /// earns in the pessimistic model: the environment is not asked.
    pub patience: Option<u64>,
}

/// How a model is made to pay for what it is unsure of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pessimism {
    /// Not at all.
    None,
    /// By λ times its uncertainty, off every reward: MOPO.
    Penalty {
        /// λ.
        lambda: f64,
        /// How uncertainty is measured.
        uncertainty: UncertaintySpec,
    },
    /// By the end of the episode, where it is too unsure: MOReL.
    Halt {
        /// It is too unsure where its uncertainty is more than so many times the largest of the data.
        multiple: f64,
        /// How much less is earned, in every step for ever, than the data ever earned in one, or than nothing.
        below: f64,
        /// How uncertainty is measured.
        uncertainty: UncertaintySpec,
    },
}

/// What is imagined, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImaginedConfig {
    /// Rollouts, each from a state drawn uniformly from those recorded: 50,000.
    pub starts: usize,
    /// How long they are: *h*.
    pub length: usize,
    /// Updates from one time to the next: 1,000.
    pub every: u64,
    /// For how many updates what was imagined is kept: 5,000.
    pub retain: u64,
}

impl MopoConfig {
    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        self.model.validate().context("model")?;
        self.sac.validate().context("sac")?;
        self.pessimism.validate().context("pessimism")?;
        let ImaginedConfig { starts, length, every, retain } = self.rollouts;
        for (name, number) in [
            ("rollouts.starts", starts as u64),
            ("rollouts.length", length as u64),
            ("rollouts.every", every),
            ("rollouts.retain", retain),
            ("anneal", self.anneal.unwrap_or(1)),
            ("patience", self.patience.unwrap_or(1)),
        ] {
            if number == 0 {
                return Err(Error::invalid(format_args!("{name} is 0: give at least 1")));
            }
        }
        self.rollouts.capacity()?;
        if !(0.0..=1.0).contains(&self.real_share) {
            return Err(Error::invalid(format_args!("real_share is {}: expected 0 to 1", self.real_share)));
        }
        Ok(())
    }

    /// The same cut down, so that all of it has happened within a hundred updates.
    pub(crate) fn quick(mut self) -> Self {
        self.model = quick::ensemble(self.model);
        self.sac = self.sac.quick();
        let ImaginedConfig { starts, length, .. } = self.rollouts;
        self.rollouts =
            ImaginedConfig { starts: starts.min(64), length: length.min(3), every: 25, retain: 50 };
        self.anneal = self.anneal.map(|updates| updates.min(100));
        self
    }
}

impl Pessimism {
    fn validate(&self) -> Result<()> {
        let (name, number) = match self {
            Pessimism::None => return Ok(()),
            Pessimism::Penalty { lambda, .. } => ("lambda", lambda),
            Pessimism::Halt { multiple, below, .. } if *below >= 0.0 && below.is_finite() => {
                ("multiple", multiple)
            }
            Pessimism::Halt { below, .. } => ("below", below),
        };
        if !(*number >= 0.0 && number.is_finite()) {
            return Err(Error::invalid(format_args!(
                "{name} is {number}: give a finite number of at least 0"
            )));
        }
        Ok(())
    }
}

impl ImaginedConfig {
    /// How many imagined transitions are kept.
    pub(super) fn capacity(&self) -> Result<usize> {
        let times = usize::try_from(self.retain.div_ceil(self.every)).unwrap_or(usize::MAX);
        let rows = self.starts.checked_mul(self.length).and_then(|rows| rows.checked_mul(times));
        rows.filter(|rows| *rows <= u32::MAX as usize).ok_or_else(|| {
            Error::invalid(format_args!(
                "{} rollouts of {} steps kept {times} times are more transitions than can be numbered: keep fewer",
                self.starts, self.length
            ))
        })
    }
}
