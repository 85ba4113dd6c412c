//! What an update learns from.

use mbrl_core::{BoxSpace, Dims, End, Error, Result, TransitionBatch};

/// Transitions for every agent of a population, each `[agents, rows, ..]`, as critics want them: actions from −1 to 1, and
/// beside every successor what its value is multiplied by.
#[derive(Clone, Debug, Default)]
pub struct SacBatch {
    agents: usize,
    rows: usize,
    pub(crate) obs: Vec<f32>,
    /// Observation and action side by side.
    pub(super) both: Vec<f32>,
    pub(super) next_obs: Vec<f32>,
    pub(crate) reward: Vec<f32>,
    pub(super) discount: Vec<f32>,
}

/// What the value of a successor counts.
#[derive(Clone, Copy, Debug)]
pub enum Discount<'a> {
    /// γ, or nothing after a termination.
    Gamma(f32),
    /// So much in each row: rows of several steps bring it with them.
    Each(&'a [f32]),
}

impl SacBatch {
    /// Makes room for so many agents and rows; what it holds afterwards is unspecified.
    pub fn reshape(&mut self, agents: usize, rows: usize, dims: Dims) {
        (self.agents, self.rows) = (agents, rows);
        let total = agents * rows;
        self.obs.resize(total * dims.obs, 0.0);
        self.both.resize(total * (dims.obs + dims.act), 0.0);
        self.next_obs.resize(total * dims.obs, 0.0);
        self.reward.resize(total, 0.0);
        self.discount.resize(total, 0.0);
    }

    /// The number of agents.
    pub fn agents(&self) -> usize {
        self.agents
    }

    /// The number of rows of each.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Sets the rows of one agent, whose actions are of `space`.
    pub fn put(
        &mut self,
        agent: usize,
        from: &TransitionBatch,
        discount: Discount<'_>,
        space: &BoxSpace,
    ) -> Result<()> {
        let (rows, Dims { obs, act }) = (self.rows, from.dims());
        let fits = self.obs.len() == self.agents * rows * obs
            && self.both.len() == self.agents * rows * (obs + act)
            && act == space.low().len();
        if from.len() != rows || agent >= self.agents || !fits {
            return Err(Error::invalid(format_args!(
                "{} rows of {:?} for agent {agent} of {}, which learns from {rows}: give as many of the same widths",
                from.len(),
                from.dims(),
                self.agents
            )));
        }
        let first = agent * rows;
        self.obs[first * obs..][..rows * obs].copy_from_slice(from.obs.as_slice());
        self.next_obs[first * obs..][..rows * obs].copy_from_slice(from.next_obs.as_slice());
        self.reward[first..][..rows].copy_from_slice(&from.reward);
        let factors = &mut self.discount[first..][..rows];
        match discount {
            Discount::Gamma(gamma) => {
                for (factor, end) in factors.iter_mut().zip(&from.end) {
                    *factor = End::discount(*end, gamma);
                }
            }
            Discount::Each(each) if each.len() == rows => factors.copy_from_slice(each),
            Discount::Each(each) => {
                let given = each.len();
                return Err(Error::invalid(format_args!(
                    "{given} discounts for {rows} rows: give one for each"
                )));
            }
        }
        let both = self.both[first * (obs + act)..].chunks_exact_mut(obs + act);
        for (i, both) in both.take(rows).enumerate() {
            both[..obs].copy_from_slice(from.obs.row(i));
            let bounds = space.low().iter().zip(space.high());
            for ((unit, a), (low, high)) in both[obs..].iter_mut().zip(from.act.row(i)).zip(bounds) {
                *unit = (2.0 * (a - low) / (high - low) - 1.0).clamp(-1.0, 1.0);
            }
        }
        Ok(())
    }
}
