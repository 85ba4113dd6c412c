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

mod backward_induction;

pub use backward_induction::{FinitePlan, backward_induction};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
