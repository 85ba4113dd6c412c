//! Planning: what to do in a world whose dynamics are known or believed.
//!
//! A planner asks one question, what plans are worth ([`Score`]), and whoever can answer it can be planned for: a closure, a
//! simulator, a learnt model. Nothing here knows a buffer or a network.
//!
//! | to | look at |
//! |---|---|
//! | score plans by a function | [`PerPlan`], [`Score`] |
//! | choose a planner, by published settings | [`PlannerConfig::preset`], [`PLANNERS`] |
//! | plan again and again, from what is left of the last plan | [`Mpc`] |
//! | imagine plans or a policy in a model | [`Rollout`], [`Acting`], [`Workspace`] |
//! | score plans by what a model makes of them | [`ModelScore`] |
//! | carry uncertainty along: TS1, TS∞, the mean | [`Assignment`], [`Expectation`] |
//! | keep what was imagined | [`Sink`], [`Returns`], [`Endpoints`], [`Trace`], [`Transitions`] |
//! | know the optimum of a table | [`backward_induction`], [`value_iteration`], [`policy_iteration`] |
//! | know what a policy earns, how surely, and where it spends its time | [`return_moments`], [`occupancy`], and their finite kin |
//! | know the optimum of physics of few coordinates | [`GridProblem`], [`GridPlan`] |
//!
//! # Example
//!
//! ```
//! use mbrl_core::{Key, RowBuf, Space};
//! use mbrl_plan::{PerPlan, PlannerConfig};
//!
//! # fn main() -> mbrl_core::Result<()> {
//! // Five steps of two numbers each, which are all to be 0.3.
//! let mut planner = PlannerConfig::default().build(&Space::symmetric(2, 1.0)?, 5)?;
//! let mut score = PerPlan(|plan: &[f32]| -plan.iter().map(|x| f64::from(x - 0.3).powi(2)).sum::<f64>());
//! let mut plan = RowBuf::zeros(5, 2);
//! let found = planner.optimize(&mut score, Key::root(0), plan.view_mut())?;
//! assert!(plan.as_slice().iter().all(|x| (x - 0.3).abs() < 0.1));
//! assert_eq!((found.non_finite, found.evaluations <= 2000), (0, true));
//! # Ok(()) }
//! ```

#![doc(test(attr(deny(warnings))))]

mod assignment;
mod bounds;
mod categorical;
mod cem;
mod check;
mod colored;
mod expectation;
mod grid;
mod icem;
mod model_score;
mod mpc;
mod mppi;
mod optimizer;
mod planner;
mod population;
mod rollout;
mod score;
mod shooting;
mod sink;
mod tabular;
mod truncated;

pub use assignment::Assignment;
pub use categorical::{CategoricalCem, CategoricalCemConfig};
pub use cem::{Cem, CemConfig, Covariance, Returned, Sampling};
pub use expectation::Expectation;
pub use grid::{ActionGrid, Axis, Grid, GridPlan, GridProblem, Lookahead};
pub use icem::{Icem, IcemConfig};
pub use model_score::ModelScore;
pub use mpc::{Mpc, MpcState};
pub use mppi::{EliteUpdate, Executed, Mppi, MppiConfig, MppiUpdate, PathIntegral};
pub use optimizer::{ActionOptimizer, Found, WarmStart};
pub use planner::{PLANNERS, PlannerConfig, PlannerEntry, PlannerPreset};
pub use rollout::{Acting, CHUNK, Diverged, Effort, Rollout, Workspace};
pub use score::{PerPlan, Score};
pub use shooting::{RandomShooting, RandomShootingConfig};
pub use sink::{Endpoints, Imagined, Returns, Sink, Trace, Transitions};
pub use tabular::{
    FiniteOccupancy, FinitePlan, FiniteReturnMoments, Occupancy, ReturnMoments, StationaryPlan,
    TabularPolicy, backward_induction, finite_occupancy, finite_return_moments, occupancy, policy_iteration,
    return_moments, value_iteration,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
