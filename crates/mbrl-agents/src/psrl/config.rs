//! How posterior sampling learns.

use crate::Known;
use mbrl_bounds::psrl::{Construction, MOST_POLICIES};
use mbrl_core::{Context, Error, Result};
use mbrl_models::{Distortion, RewardBelief, TabularConfig};
use serde::{Deserialize, Serialize};

/// The settings of posterior sampling. The default is exact: Bayes' rule, and the best policy of the world drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PsrlConfig {
    /// What is believed before any data.
    pub prior: PsrlPrior,
    /// What becomes of it with data.
    pub posterior: Posterior,
    /// Whether the termination is what the task says it is: it is given.
    pub termination: Known,
    /// λ of q(π | M, D, λ), from 0, the best policy of the world drawn, to 1, a policy that depends on the data alone.
    pub lambda: f64,
    /// What is between these two.
    pub construction: Flexible,
    /// The temperature of q̂(π | D) ∝ exp(V^π / temperature), in units of returns.
    pub temperature: f64,
    /// Up to so many deterministic policies q̂ is computed exactly; of more a policy is sampled by a Gibbs chain.
    pub enumerate: usize,
    /// How often that chain goes over all states before its policy is taken.
    pub sweeps: usize,
}

/// What is believed of a finite world before any data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PsrlPrior {
    /// Pseudo-observations of successors.
    pub concentration: Concentration,
    /// What is believed of the mean reward of each move.
    pub reward: RewardBelief,
}

/// How the Dirichlet prior over the successors of a move is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Concentration {
    /// So much for each state: 1 is uniform over all distributions, and takes as many observations to outweigh as there are
    /// states.
    Each(f64),
    /// So much for all states together, in equal parts: few successors are expected of a move.
    Shared(f64),
}

/// The posterior that worlds are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Posterior {
    /// Bayes'.
    Exact,
    /// With a power of the likelihood: below 1 it learns too slowly, above 1 it is overconfident.
    Tempered {
        /// The power.
        #[serde(default = "overconfident")]
        power: f64,
    },
    /// An ensemble, one member of which is drawn: each has a world of its own drawn from the prior, which counts as much as
    /// the prior does, and sees every move as often as a Poisson number of mean 1 says (ensemble sampling: Lu & Van Roy 2017).
    Bootstrap {
        /// How many.
        #[serde(default = "few")]
        members: usize,
    },
    /// With a prior that is wrong on purpose: pseudo-observations that moves lead nowhere, on top of the prior's own.
    Wrong {
        /// How many of each move.
        #[serde(default = "stubborn")]
        stays: f64,
    },
    /// Its mean, always: certainty equivalence, which is greedy.
    Mean,
}

/// [`Construction`] as it is written in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flexible {
    /// [`Construction::Mixture`]: with probability λ a policy from q̂(π | D).
    Mixture,
    /// [`Construction::Data`]: the best policy where a share λ of all moves is from the data.
    Data,
}

fn overconfident() -> f64 {
    4.0
}

fn few() -> usize {
    5
}

fn stubborn() -> f64 {
    10.0
}

/// More members than this are no ensemble that anyone draws from.
const MOST_MEMBERS: usize = 1 << 12;

impl Default for PsrlConfig {
    fn default() -> Self {
        PsrlConfig {
            prior: PsrlPrior::default(),
            posterior: Posterior::Exact,
            termination: Known::Given,
            lambda: 0.0,
            construction: Flexible::Mixture,
            temperature: 0.1,
            enumerate: 1024,
            sweeps: 20,
        }
    }
}

/// Few successors, because the worlds that one meets have few, and rewards of any scale: a normal-gamma prior needs no
/// bounds to be known, where a beta prior refuses what is outside of its own.
impl Default for PsrlPrior {
    fn default() -> Self {
        PsrlPrior { concentration: Concentration::Shared(1.0), reward: TabularConfig::default().reward }
    }
}

impl PsrlPrior {
    /// Dirichlet(1, …, 1) × Beta(1, 1) of rewards in [0, 1]: what random worlds of dense successors are drawn from.
    pub fn uniform() -> Self {
        let reward = RewardBelief::Beta { low: 0.0, high: 1.0, a: 1.0, b: 1.0 };
        PsrlPrior { concentration: Concentration::Each(1.0), reward }
    }

    /// The prior of a world of so many states.
    pub fn of(&self, states: usize) -> TabularConfig {
        let concentration = match self.concentration {
            Concentration::Each(each) => each,
            Concentration::Shared(all) => all / states as f64,
        };
        TabularConfig { concentration, reward: self.reward }
    }
}

impl PsrlConfig {
    /// Refuses settings that cannot be used, naming the field and the mend.
    pub fn validate(&self) -> Result<()> {
        self.prior.of(1).validate().context("prior")?;
        self.posterior.distortion().validate().context("posterior")?;
        if !(0.0..=1.0).contains(&self.lambda) {
            return Err(Error::invalid(format_args!(
                "lambda is {}: give 0, the best policy of the world drawn, to 1, the data alone",
                self.lambda
            )));
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err(Error::invalid(format_args!(
                "temperature is {}: give a positive number of the scale of returns",
                self.temperature
            )));
        }
        if let Posterior::Bootstrap { members } = self.posterior
            && !(1..=MOST_MEMBERS).contains(&members)
        {
            return Err(Error::invalid(format_args!(
                "posterior: {members} members: give 1 to {MOST_MEMBERS}"
            )));
        }
        if self.enumerate > MOST_POLICIES {
            return Err(Error::invalid(format_args!(
                "enumerate is {}: give at most {MOST_POLICIES}",
                self.enumerate
            )));
        }
        if self.sweeps == 0 {
            return Err(Error::invalid("sweeps is 0: give at least 1"));
        }
        Ok(())
    }
}

impl Posterior {
    /// How it distorts Bayes' rule.
    pub(super) fn distortion(&self) -> Distortion {
        match *self {
            Posterior::Tempered { power } => Distortion { power, ..Distortion::NONE },
            Posterior::Wrong { stays } => Distortion { stays, ..Distortion::NONE },
            Posterior::Exact | Posterior::Mean | Posterior::Bootstrap { .. } => Distortion::NONE,
        }
    }
}

impl From<Flexible> for Construction {
    fn from(flexible: Flexible) -> Self {
        match flexible {
            Flexible::Mixture => Construction::Mixture,
            Flexible::Data => Construction::Data,
        }
    }
}
