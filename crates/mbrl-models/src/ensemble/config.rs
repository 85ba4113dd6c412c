//! How an ensemble is built and trained.

use crate::frozen::Rewards;
use mbrl_core::{Error, Result, nearest};
use mbrl_nn::{Activation, AdamConfig, Init};
use serde::{Deserialize, Serialize};

/// An ensemble and its training. The default is that of the MBPO paper: [`preset`](EnsembleConfig::preset) `paper`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnsembleConfig {
    /// Networks, *N* = 7.
    pub members: usize,
    /// How many of them, with the least error on held-out data, are imagined with: 5.
    pub elites: usize,
    /// Widths of hidden layers: four of 200.
    pub hidden: Vec<usize>,
    /// What they end in: SiLU.
    pub activation: Activation,
    /// What a network predicts.
    pub likelihood: Likelihood,
    /// How weights begin.
    pub init: Init,
    /// The optimizer: Adam, 1e-3.
    pub adam: AdamConfig,
    /// Decay of each layer's weight, times ½Σw²; of one number, the same for all layers; none, where it is empty.
    pub decay: Vec<f32>,
    /// Rows in a step: 256.
    pub batch: usize,
    /// What each member is trained on.
    pub resampling: Resampling,
    /// What is held out of the training rows where the caller holds out none.
    pub holdout: Holdout,
    /// When to stop.
    pub stop: Stop,
    /// Which parameters are gone back to when training has stopped.
    pub keep: Keep,
    /// Whether another fit goes on from the last.
    pub start: Start,
    /// Whether targets are normalised like inputs.
    pub targets: Targets,
    /// Whether a learnt reward is imagined with its noise.
    pub rewards: Rewards,
    /// The networks that learn when episodes end, where that is not known.
    pub termination: TerminationConfig,
}

/// What a network predicts of a target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Likelihood {
    /// A number, by least squares.
    Deterministic,
    /// A mean and a variance, by maximum likelihood.
    Gaussian {
        /// Whether the bounds of log-variances are learnt, as the paper has it, or stay where they begin.
        bounds: Bounds,
        /// The weight of the penalty that draws learnt bounds together: 0.01·Σmax − 0.01·Σmin.
        bounds_penalty: f32,
        /// The power of its variance that weighs a number's part of the gradient (Seitzer et al. 2022): 0, which is
        /// likelihood as it is. Where dynamics are smooth but for some hard knocks, these are soon taken for noise, and so
        /// is much that is rare; ½ lets the means of both be learnt.
        #[serde(default)]
        beta: f32,
    },
}

impl Likelihood {
    /// The power of the variance that weighs a gradient.
    pub(crate) fn beta(self) -> f32 {
        match self {
            Likelihood::Gaussian { beta, .. } => beta,
            Likelihood::Deterministic => 0.0,
        }
    }
}

/// What becomes of the bounds of log-variances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounds {
    /// They are learnt.
    Learnt,
    /// They stay at ½ and −10.
    Fixed,
}

/// What each member is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// As many rows as there are, drawn with replacement once a fit: a bootstrap.
    Bootstrap,
    /// All rows, in an order of its own.
    Shared,
}

/// What is held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holdout {
    /// This share of the rows.
    pub share: f64,
    /// But not more than so many.
    pub cap: usize,
}

/// When training stops.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// A member has improved where its held-out error fell by more than this share of its least so far.
    pub improvement: f64,
    /// Stop after more than so many epochs in a row in which no member improved.
    pub patience: usize,
    /// Stop after so many epochs in any event.
    pub max_epochs: Option<usize>,
}

/// Which parameters are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Of each member, those of the epoch where it improved last.
    BestOfEach,
    /// Of all members, those of the epoch where any of them improved last, as mbrl-lib does; what is to be improved on is at
    /// first the error before the first epoch, and where nothing improves on it those of the last epoch are kept.
    BestOfAll,
    /// Those of the last epoch.
    Last,
}

/// How a fit begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// From the parameters and the optimizer of the last fit.
    Warm,
    /// From fresh parameters.
    Fresh,
}

/// The units in which targets are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// Their own. A column whose scale no such network can learn is refused.
    Raw,
    /// Mean zero and deviation one; held-out errors are then in these units.
    Normalized,
}

/// The networks that learn when episodes end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TerminationConfig {
    /// Widths of hidden layers.
    pub hidden: Vec<usize>,
    /// Their optimizer.
    pub adam: AdamConfig,
}

impl Default for TerminationConfig {
    fn default() -> Self {
        TerminationConfig { hidden: vec![64, 64], adam: AdamConfig::default() }
    }
}

impl Default for EnsembleConfig {
    fn default() -> Self {
        EnsembleConfig {
            members: 7,
            elites: 5,
            hidden: vec![200; 4],
            activation: Activation::Silu,
            likelihood: Likelihood::Gaussian { bounds: Bounds::Learnt, bounds_penalty: 0.01, beta: 0.0 },
            init: Init::TruncatedNormal,
            adam: AdamConfig::default(),
            decay: vec![2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4],
            batch: 256,
            resampling: Resampling::Bootstrap,
            holdout: Holdout { share: 0.2, cap: 5000 },
            stop: Stop { improvement: 0.01, patience: 5, max_epochs: None },
            keep: Keep::BestOfEach,
            start: Start::Warm,
            targets: Targets::Raw,
            rewards: Rewards::Drawn,
            termination: TerminationConfig::default(),
        }
    }
}

/// Published settings by name.
pub const ENSEMBLE_PRESETS: &[&str] = &["paper", "official-code", "mbrl-lib"];

impl EnsembleConfig {
    /// Published settings.
    ///
    /// - `paper`: MBPO (Janner et al. 2019), section 4 and appendix C: seven Gaussian networks, five elites, bootstrap. What
    ///   the paper leaves open (decay, early stopping, bounds) is as in its code.
    /// - `official-code`: jannerm/mbpo. The two do not differ in the model; the name is there so that a run can say what it
    ///   follows.
    /// - `mbrl-lib`: facebookresearch/mbrl-lib with its `mbpo_cartpole` overrides: one decay for all layers, bounds that
    ///   stay, no limit to what is held out, and all members put back together. Where it differs still: its decay is of
    ///   biases too, its inputs are normalised by held-out rows too, and its elites have the least error of any epoch, not
    ///   of the one that is gone back to.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "paper" | "official-code" => Ok(EnsembleConfig::default()),
            "mbrl-lib" => Ok(EnsembleConfig {
                decay: vec![5e-5],
                likelihood: Likelihood::Gaussian { bounds: Bounds::Fixed, bounds_penalty: 0.0, beta: 0.0 },
                holdout: Holdout { share: 0.2, cap: usize::MAX },
                // Its patience of 5 stops after the fifth such epoch, not past it.
                stop: Stop { patience: 4, ..EnsembleConfig::default().stop },
                keep: Keep::BestOfAll,
                ..EnsembleConfig::default()
            }),
            _ => Err(match nearest(name, ENSEMBLE_PRESETS.iter().copied()) {
                Some(close) => Error::invalid(format_args!(
                    "no ensemble preset is called `{name}`: did you mean `{close}`?"
                )),
                None => Error::invalid(format_args!(
                    "no ensemble preset is called `{name}`: there are {}",
                    ENSEMBLE_PRESETS.join(", ")
                )),
            }),
        }
    }

    /// Refuses what cannot be meant.
    pub fn validate(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::invalid(what));
        if self.members == 0 || self.members > usize::from(u16::MAX) {
            return refuse(format!("members is {}: give from 1 to 65535", self.members));
        }
        if self.elites == 0 || self.elites > self.members {
            return refuse(format!("elites is {}: give from 1 to members, {}", self.elites, self.members));
        }
        if self.batch == 0 {
            return refuse("batch is 0: give at least one row".to_owned());
        }
        let layers = self.hidden.len() + 1;
        if ![0, 1, layers].contains(&self.decay.len()) {
            return refuse(format!(
                "decay has {} rates: give none, one, or one for each of {layers} layers",
                self.decay.len()
            ));
        }
        if let Some(rate) = self.decay.iter().find(|rate| !(0.0..f32::INFINITY).contains(*rate)) {
            return refuse(format!("decay holds {rate}: give numbers from 0 on"));
        }
        if !(0.0..1.0).contains(&self.holdout.share) {
            return refuse(format!("holdout.share is {}: give a number from [0, 1)", self.holdout.share));
        }
        if !(0.0..1.0).contains(&self.stop.improvement) {
            return refuse(format!(
                "stop.improvement is {}: give a number from [0, 1)",
                self.stop.improvement
            ));
        }
        if self.stop.max_epochs == Some(0) {
            return refuse("stop.max_epochs is 0: give at least one".to_owned());
        }
        if let Likelihood::Gaussian { bounds_penalty, beta, .. } = self.likelihood {
            if !(0.0..f32::INFINITY).contains(&bounds_penalty) {
                return refuse(format!("bounds_penalty is {bounds_penalty}: give a number from 0 on"));
            }
            if !(0.0..=1.0).contains(&beta) {
                return refuse(format!("beta is {beta}: expected 0 to 1"));
            }
        }
        self.adam.validate().map_err(|error| error.wrap("adam"))?;
        self.termination.adam.validate().map_err(|error| error.wrap("termination.adam"))
    }

    /// One rate of decay for each layer.
    pub(crate) fn decay_by_layer(&self) -> Vec<f32> {
        let layers = self.hidden.len() + 1;
        match self.decay.as_slice() {
            [] => vec![0.0; layers],
            [rate] => vec![*rate; layers],
            rates => rates.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_sound_and_survive_being_written_down() {
        for name in ENSEMBLE_PRESETS {
            let config = EnsembleConfig::preset(name).unwrap();
            config.validate().unwrap();
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<EnsembleConfig>(&json).unwrap(), config);
        }
        assert!(EnsembleConfig::preset("ofical-code").unwrap_err().to_string().contains("`official-code`"));
        assert!(serde_json::from_str::<EnsembleConfig>(r#"{"membres":3}"#).is_err());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let base = EnsembleConfig::default;
        let weighed = |beta| {
            let likelihood = Likelihood::Gaussian { bounds: Bounds::Learnt, bounds_penalty: 0.01, beta };
            EnsembleConfig { likelihood, ..base() }
        };
        for (name, config) in [
            ("members", EnsembleConfig { members: 0, ..base() }),
            ("elites", EnsembleConfig { elites: 8, ..base() }),
            ("batch", EnsembleConfig { batch: 0, ..base() }),
            ("decay", EnsembleConfig { decay: vec![0.1; 2], ..base() }),
            ("decay", EnsembleConfig { decay: vec![-1.0], ..base() }),
            ("holdout.share", EnsembleConfig { holdout: Holdout { share: 1.0, cap: 1 }, ..base() }),
            ("beta is -0.1", weighed(-0.1)),
            ("beta is 1.1", weighed(1.1)),
            ("beta is NaN", weighed(f32::NAN)),
            ("adam: lr", EnsembleConfig { adam: AdamConfig { lr: 0.0, ..AdamConfig::default() }, ..base() }),
        ] {
            assert!(config.validate().unwrap_err().to_string().contains(name), "{name}");
        }
    }
}
