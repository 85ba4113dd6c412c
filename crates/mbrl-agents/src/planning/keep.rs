//! What a planning agent has to remember besides data, belief and plan.

use crate::keep;
use mbrl_core::Result;
use mbrl_plan::{Effort, Found, MpcState};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// What an agent remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The members to imagine with; none before the first fit.
    pub(super) members: Vec<u16>,
    pub(super) tally: Tally,
}

/// What planning took in this episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tally {
    pub(super) plans: u64,
    /// Searches without a plan of finite score.
    pub(super) failed: u64,
    pub(super) score: f64,
    pub(super) evaluations: u64,
    pub(super) non_finite: u64,
    pub(super) transitions: u64,
    pub(super) lost: u64,
}

impl Tally {
    pub(super) fn add(&mut self, found: Found, effort: Effort) {
        self.plans += 1;
        self.score += found.score;
        self.evaluations += found.evaluations as u64;
        self.non_finite += found.non_finite as u64;
        self.transitions += effort.steps;
        self.lost += effort.lost;
    }
}

impl Kept {
    /// Writes this and the plan.
    pub(super) fn save(&self, plan: MpcState, out: &mut dyn Write) -> Result<()> {
        keep::write(&(self, plan), out)
    }

    pub(super) fn load(from: &mut dyn Read) -> Result<(Self, MpcState)> {
        keep::read(from)
    }
}
