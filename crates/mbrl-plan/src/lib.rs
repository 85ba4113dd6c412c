//! Planning: what to do in a world whose dynamics are known or believed.
//!
//! Nothing here knows a buffer or a network. So far it holds the exact finite-horizon optimum of a tabular MDP:
//!
//! ```
//! use mbrl_core::TabularMdp;
//! use mbrl_plan::backward_induction;
//!
//! // Action 1 stays and earns 1; action 0 leaves for a terminal state and earns 3.
//! let mdp = TabularMdp::new(
//!     2,
//!     vec![0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0],
//!     vec![0.0, 3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
//!     vec![1.0, 0.0],
//!     vec![false, true],
//! )?;
//! let plan = backward_induction(&mdp, 5, 1.0)?;
//! // Stay four times, then leave.
//! assert_eq!((0..5).map(|t| plan.action(t, 0)).collect::<Vec<_>>(), [1, 1, 1, 1, 0]);
//! assert!((plan.start_value(&mdp) - 7.0).abs() < 1e-12);
//! # Ok::<(), mbrl_core::Error>(())
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
