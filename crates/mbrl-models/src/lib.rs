//! What is learnt about the world, and how far to trust it.
//!
//! Beliefs are fitted to transitions and give a model to imagine with: [`Ensemble`] and [`BayesianNetwork`] are networks,
//! [`LinearPosterior`] and [`TabularPosterior`] are exact. What the [`Task`](mbrl_core::Task) knows of reward and
//! termination is used as it is; the rest is learnt.
//!
//! | to | look at |
//! |---|---|
//! | train networks, by published settings | [`Ensemble`], [`EnsembleConfig::preset`] |
//! | hold a posterior over weights | [`BayesianNetwork`], [`BayesConfig`] |
//! | know the posterior exactly | [`LinearPosterior`], [`TabularPosterior`] |
//! | plan in the true world | [`Oracle`] |
//! | tell how unsure a model is of a move | [`Uncertainty`], [`uncertainty`], [`Gauge`] |
//! | pay for that, or stop there | [`Penalized`], [`Halting`] |
//! | judge a model by fresh transitions | [`one_step`], [`log_likelihood`], [`calibration`], [`compounding`], [`rank_correlation`], [`error_curve`] |
//! | know where rollouts are cut that nobody has been | [`edge_of_reach`] |
//!
//! # Example
//!
//! ```
//! use mbrl_core::{Belief, Key, Mode, ModelInput, ModelOutput, NoiseBuf, End, RowBuf, Scratch, Space, Spec, Task};
//! use mbrl_models::{Ensemble, EnsembleConfig};
//!
//! # fn main() -> mbrl_core::Result<()> {
//! let spec = Spec::new(Space::unbounded(2)?, Space::symmetric(1, 1.0)?);
//! let task = Task::unknown().rewarding(|_, act, _| -act[0].abs()).terminating(|_, _, _| false);
//! let ensemble = Ensemble::new(&spec, &task, EnsembleConfig::default(), Key::root(0))?;
//! // Three rows, served by three of seven members in one call.
//! let (state, act, mut next) = (RowBuf::zeros(3, 2), RowBuf::zeros(3, 1), RowBuf::zeros(3, 2));
//! let (mut noise, mut reward, mut end) = (NoiseBuf::default(), [0.0; 3], [End::Running; 3]);
//! noise.fill(ensemble.model().noise_spec(), 3, Key::root(1));
//! let (state, act, noise) = (state.view(), act.view(), noise.view());
//! let input = ModelInput { state, act, member: &[0, 4, 6], noise, mode: Mode::Sample };
//! let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
//! ensemble.model().step(input, out, &mut Scratch::default())?;
//! # Ok(()) }
//! ```

#![doc(test(attr(deny(warnings))))]

mod bayes;
mod design;
mod diagnostics;
mod ensemble;
mod frozen;
mod halting;
mod linear;
mod measure;
mod normalizer;
mod oracle;
mod penalized;
mod prepare;
mod question;
mod sampling;
mod snapshot;
mod special;
mod stored;
mod tabular;

pub use bayes::{BayesConfig, BayesianNetwork, MinibatchWeights, TargetNoise};
pub use diagnostics::{
    CALIBRATION_LEVELS, Calibration, Compounding, EdgeOfReach, EdgeSpec, ErrorBin, ErrorCurve, HorizonError,
    LogLikelihood, MeasureRank, OneStep, OneStepError, OpenLoop, RankCorrelation, RankSpec, Reached,
    Reliability, Spearman, Windows, calibration, compounding, edge_of_reach, error_curve, log_likelihood,
    one_step, rank_correlation,
};
pub use ensemble::stack::{Loss, Samples, Stack, Stepped};
pub use ensemble::{
    Bounds, ENSEMBLE_PRESETS, Ensemble, EnsembleConfig, Holdout, Keep, Likelihood, Resampling, Start, Stop,
    Targets, TerminationConfig,
};
pub use frozen::{NetworkModel, Rewards};
pub use halting::Halting;
pub use linear::{
    LinearConfig, LinearFeatures, LinearModel, LinearPosterior, LinearTarget, NoisePrior, Predictive,
};
pub use measure::{Columns, Gauge, Members, Uncertainty, UncertaintySpec, uncertainty};
pub use normalizer::Normalizer;
pub use oracle::Oracle;
pub use penalized::Penalized;
pub use tabular::{Distortion, RewardBelief, TabularConfig, TabularModel, TabularPosterior};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
