//! How unsure a model is of a move: six measures over the moments that its members predict.
//!
//! Three are those of the MOPO lecture: the two of the paper (Yu et al., 2020) and the variance of the ensemble that the
//! lecture proposes. Three are what the official codes compute in their place. Beside the formula each needs to say which
//! columns count (is the learnt reward one of them?) and which members (all, or the elites that imagination uses): that
//! is [`UncertaintySpec`], and [`Uncertainty::published`] gives the choice of the source.

mod gauge;
mod row;

pub use gauge::Gauge;

use mbrl_core::{Error, Moments, Result, nearest};
use row::Chosen;
pub(crate) use row::check_moments;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A measure of uncertainty. Member i predicts a mean μᵢ and variances σᵢ², one a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uncertainty {
    /// maxᵢ ‖Σᵢ‖_F, which of a diagonal covariance is the 2-norm of the *variances*: MOPO's algorithm as printed.
    MaxCovarianceNorm,
    /// max over pairs of ‖μᵢ − μⱼ‖₂: the disagreement of the MOPO paper's ablation, and of MOReL.
    MaxPairwiseDistance,
    /// The variance of the mixture of the members, mean σᵢ² + mean μᵢ² − (mean μᵢ)² by the law of total variance, summed
    /// over the columns: the lecture's alternative.
    ///
    /// The lecture writes sums where there must be means (it lacks 1/N), and writes the result as one number. Reading its
    /// σᵢ² as tr Σᵢ and its μᵢ² as ‖μᵢ‖² makes it the trace of the mixture's covariance, hence the sum.
    EnsembleVariance,
    /// maxᵢ ‖σᵢ‖₂, the 2-norm of the *standard deviations*: what the authors' code (`fake_env.py`) computes for
    /// [`MaxCovarianceNorm`](Uncertainty::MaxCovarianceNorm), and OfflineRL-Kit's `aleatoric`.
    MaxStdNorm,
    /// maxᵢ ‖μᵢ − meanⱼ μⱼ‖₂: what the authors' code computes for
    /// [`MaxPairwiseDistance`](Uncertainty::MaxPairwiseDistance), and OfflineRL-Kit's `pairwise-diff`.
    MaxDeviation,
    /// The root of the mean over columns of the variance of μᵢ over members (1/N, not 1/(N − 1)): OfflineRL-Kit's
    /// `ensemble_std`.
    EnsembleStd,
}

/// Which columns of the moments count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// The state, and the reward where it is learnt.
    All,
    /// The state alone.
    State,
}

/// Which members count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Members {
    /// Every member, also those that nobody imagines with.
    All,
    /// The members to imagine with.
    Elites,
}

/// A measure, and over what it is taken.
///
/// ```text
/// {"measure": "max_deviation", "columns": "state", "members": "all"}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UncertaintySpec {
    /// The formula.
    pub measure: Uncertainty,
    /// The columns that it is taken over.
    pub columns: Columns,
    /// The members that it is taken over.
    pub members: Members,
}

/// Writes the uncertainty of each row, `[rows]`, in double precision and without allocating.
///
/// The first `state_dim` columns of the moments are the state. `elites` are looked at by [`Members::Elites`] alone; there
/// must be some, each once. A moment that is not finite is an error that names its member, row and column, also where
/// the measure would not look at it; so is a negative variance.
pub fn uncertainty(
    spec: UncertaintySpec,
    moments: Moments<'_>,
    state_dim: usize,
    elites: &[u16],
    out: &mut [f32],
) -> Result<()> {
    uncertainty_from(0, spec, moments, state_dim, elites, out)
}

/// The same of rows that are numbered from `first` in errors.
fn uncertainty_from(
    first: usize,
    spec: UncertaintySpec,
    moments: Moments<'_>,
    state_dim: usize,
    elites: &[u16],
    out: &mut [f32],
) -> Result<()> {
    if out.len() != moments.rows() {
        return Err(Error::invalid(format_args!(
            "room for the uncertainty of {} rows, moments of {}: give as many of each",
            out.len(),
            moments.rows()
        )));
    }
    if out.is_empty() {
        return Ok(());
    }
    let chosen = Chosen::new(spec, moments, state_dim, elites)?;
    let of_row = chosen.formula(spec.measure);
    for (row, out) in out.iter_mut().enumerate() {
        chosen.check(row, first)?;
        *out = of_row(&chosen, row) as f32;
        if !out.is_finite() {
            let row = first + row;
            return Err(Error::non_finite(format_args!("the {} of row {row} is {out}", spec.measure)));
        }
    }
    Ok(())
}

impl Uncertainty {
    /// All measures.
    pub const ALL: [Uncertainty; 6] = [
        Uncertainty::MaxCovarianceNorm,
        Uncertainty::MaxPairwiseDistance,
        Uncertainty::EnsembleVariance,
        Uncertainty::MaxStdNorm,
        Uncertainty::MaxDeviation,
        Uncertainty::EnsembleStd,
    ];

    /// The measure over what its source takes it over.
    ///
    /// The paper and the lecture predict (s′, r) jointly, so the reward counts; of the codes it does in the norm of the
    /// standard deviations alone. All take every member, not only the elites.
    pub const fn published(self) -> UncertaintySpec {
        let columns = match self {
            Uncertainty::MaxCovarianceNorm
            | Uncertainty::MaxPairwiseDistance
            | Uncertainty::EnsembleVariance
            | Uncertainty::MaxStdNorm => Columns::All,
            Uncertainty::MaxDeviation | Uncertainty::EnsembleStd => Columns::State,
        };
        UncertaintySpec { measure: self, columns, members: Members::All }
    }

    /// The name in configurations and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Uncertainty::MaxCovarianceNorm => "max_covariance_norm",
            Uncertainty::MaxPairwiseDistance => "max_pairwise_distance",
            Uncertainty::EnsembleVariance => "ensemble_variance",
            Uncertainty::MaxStdNorm => "max_std_norm",
            Uncertainty::MaxDeviation => "max_deviation",
            Uncertainty::EnsembleStd => "ensemble_std",
        }
    }

    /// Whether it only compares members, so that it is zero of a single one.
    pub const fn compares_members(self) -> bool {
        match self {
            Uncertainty::MaxPairwiseDistance | Uncertainty::MaxDeviation | Uncertainty::EnsembleStd => true,
            Uncertainty::MaxCovarianceNorm | Uncertainty::EnsembleVariance | Uncertainty::MaxStdNorm => false,
        }
    }
}

impl UncertaintySpec {
    /// What MOReL (Kidambi et al., 2020) calls disc(s, a): the largest distance of two predicted states.
    pub const MOREL: UncertaintySpec = UncertaintySpec {
        measure: Uncertainty::MaxPairwiseDistance,
        columns: Columns::State,
        members: Members::All,
    };
}

impl Default for UncertaintySpec {
    /// What the authors' code of MOPO does unless told otherwise.
    fn default() -> Self {
        Uncertainty::MaxStdNorm.published()
    }
}

impl fmt::Display for Uncertainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Uncertainty {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let names = Uncertainty::ALL.map(Uncertainty::name);
        Uncertainty::ALL.into_iter().find(|measure| measure.name() == name).ok_or_else(|| {
            let mend = match nearest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", names.join(", ")),
            };
            Error::invalid(format_args!("no measure of uncertainty is called `{name}`: {mend}"))
        })
    }
}

#[cfg(test)]
mod tests;
