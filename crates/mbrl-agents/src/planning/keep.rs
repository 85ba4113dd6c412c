//! What a planning agent has to remember besides data, belief and plan.

use mbrl_core::{Context, Error, Result};
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

/// More bytes than this (a plan of a million steps) are not what was kept.
const MOST_BYTES: u64 = 1 << 28;

impl Kept {
    /// Writes this and the plan: their length, then JSON.
    pub(super) fn save(&self, plan: MpcState, out: &mut dyn Write) -> Result<()> {
        let json = serde_json::to_vec(&(self, plan)).map_err(Error::backend)?;
        out.write_all(&(json.len() as u64).to_le_bytes()).context("writing the plan")?;
        out.write_all(&json).context("writing the plan")
    }

    pub(super) fn load(from: &mut dyn Read) -> Result<(Self, MpcState)> {
        let mut len = [0; 8];
        from.read_exact(&mut len).context("reading the plan")?;
        let len = u64::from_le_bytes(len);
        if len > MOST_BYTES {
            return Err(Error::corrupt(format_args!("a plan of {len} bytes")));
        }
        let mut json = vec![0; len as usize];
        from.read_exact(&mut json).context("reading the plan")?;
        serde_json::from_slice(&json).map_err(|error| Error::corrupt(format_args!("the plan: {error}")))
    }
}
