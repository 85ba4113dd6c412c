//! How a good plan is searched for.

use crate::Score;
use mbrl_core::{Key, Result, RowsMut};
use serde::{Deserialize, Serialize};

/// Searches for the plan with the highest score: random shooting, CEM, iCEM, MPPI.
///
/// An optimizer is made for one action space and one horizon. It keeps where its next search starts (and the memory it
/// works in, so that nothing is allocated after its first search), but no generator of randomness.
pub trait ActionOptimizer: Send {
    /// How many steps a plan has.
    fn horizon(&self) -> usize;

    /// How many numbers an action has.
    fn act_dim(&self) -> usize;

    /// Searches, and writes the plan found, `[horizon, act]`.
    fn optimize(&mut self, score: &mut dyn Score, key: Key, plan: RowsMut<'_>) -> Result<Found>;

    /// Says that the first `steps` steps of the plan have been done: the next search starts from what is left of it,
    /// with the middle of the action space behind it.
    fn shift(&mut self, steps: usize);

    /// Forgets earlier searches: a new episode begins.
    fn reset(&mut self);

    /// Where the next search would start, to be kept.
    fn warm_start(&self) -> WarmStart;

    /// Starts the next search where [`warm_start`](ActionOptimizer::warm_start) said; one of another optimizer, horizon or
    /// action space is refused.
    fn resume(&mut self, from: &WarmStart) -> Result<()>;
}

/// How a search went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The best score seen.
    pub score: f64,
    /// How many plans were scored.
    pub evaluations: usize,
    /// How many of them had a score that is not finite.
    pub non_finite: usize,
    /// How many rounds it took.
    pub iterations: usize,
}

/// Where a search starts, as plain numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmStart {
    /// The centre of the search: a mean `[horizon, act]`, or probabilities `[horizon, choices]`.
    pub center: Vec<f32>,
    /// Plans that are tried again, `[plans, horizon · act]`; of a path integral, the action done last, `[act]`.
    pub kept: Vec<f32>,
}
