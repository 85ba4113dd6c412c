//! What is learnt about the world: ensembles, Bayesian networks, linear and tabular posteriors, and how far to trust them.

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
    CALIBRATION_LEVELS, Calibration, Compounding, HorizonError, LogLikelihood, MeasureRank, OneStep,
    OneStepError, OpenLoop, RankCorrelation, RankSpec, Reliability, Spearman, Windows, calibration,
    compounding, log_likelihood, one_step, rank_correlation,
};
pub use ensemble::{
    Bounds, ENSEMBLE_PRESETS, Ensemble, EnsembleConfig, Holdout, Keep, Likelihood, Resampling, Start, Stop, Targets,
    TerminationConfig,
};
pub use ensemble::stack::{Loss, Samples, Stack, Stepped};
pub use frozen::NetworkModel;
pub use halting::Halting;
pub use linear::{
    LinearConfig, LinearFeatures, LinearModel, LinearPosterior, LinearTarget, NoisePrior, Predictive,
};
pub use measure::{Columns, Gauge, Members, Uncertainty, UncertaintySpec, uncertainty};
pub use normalizer::Normalizer;
pub use oracle::Oracle;
pub use penalized::Penalized;
pub use tabular::{RewardBelief, TabularConfig, TabularModel, TabularPosterior};
