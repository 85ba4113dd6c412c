//! What is known of an environment before the first step.

use crate::{Dims, Error, Result, Space};
use serde::{Deserialize, Serialize};

/// The facts of an environment that everything else is built from: computed once, passed to all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What is observed.
    pub obs: Space,
    /// What can be done, in the environment's own units.
    pub act: Space,
    /// γ: what a reward one step later is worth.
    pub discount: f32,
    /// After how many steps an episode is cut, if it is.
    pub time_limit: Option<u32>,
}

impl Spec {
    /// A discount of 0.99 and no time limit; change the fields for others.
    pub fn new(obs: Space, act: Space) -> Self {
        Spec { obs, act, discount: 0.99, time_limit: None }
    }

    /// How wide observations and actions are.
    pub fn dims(&self) -> Dims {
        Dims { obs: self.obs.dim(), act: self.act.dim() }
    }

    /// Refuses an action of the wrong length, one with a NaN or an infinity, or an index that is no choice.
    #[inline]
    pub fn check_action(&self, act: &[f32]) -> Result<()> {
        self.act.check("action", act)
    }

    /// Refuses a discount outside [0, 1] and a time limit of zero.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.discount) {
            return Err(Error::invalid(format_args!("discount is {}: expected 0 to 1", self.discount)));
        }
        if self.time_limit == Some(0) {
            return Err(Error::invalid("time limit is 0: expected at least 1 step"));
        }
        Ok(())
    }
}
