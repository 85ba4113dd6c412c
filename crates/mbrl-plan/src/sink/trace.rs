//! Whole imagined trajectories, to be looked at.

use super::{Imagined, Sink};
use mbrl_core::{End, Result, Rows};
use std::ops::Range;

/// Every state, action and reward of every row, by row and step. Memory is rows × horizon: for a few rows, to be drawn or
/// compared.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    first: usize,
    horizon: usize,
    state_dim: usize,
    act_dim: usize,
    /// `[rows, horizon + 1, state]`
    state: Vec<f32>,
    /// `[rows, horizon, act]`
    act: Vec<f32>,
    /// `[rows, horizon]`
    reward: Vec<f32>,
    steps: Vec<usize>,
    end: Vec<End>,
}

impl Trace {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// For how many steps row `row` of this chunk ran.
    pub fn steps(&self, row: usize) -> usize {
        self.steps[row]
    }

    /// Whether its episode was over then.
    pub fn end(&self, row: usize) -> End {
        self.end[row]
    }

    /// Its states from the first to the last, `[steps + 1, state]`.
    pub fn states(&self, row: usize) -> Rows<'_> {
        let at = row * (self.horizon + 1) * self.state_dim;
        table(&self.state[at..at + (self.steps[row] + 1) * self.state_dim], self.state_dim)
    }

    /// Its actions, `[steps, act]`.
    pub fn actions(&self, row: usize) -> Rows<'_> {
        let at = row * self.horizon * self.act_dim;
        table(&self.act[at..at + self.steps[row] * self.act_dim], self.act_dim)
    }

    /// Its rewards, `[steps]`.
    pub fn rewards(&self, row: usize) -> &[f32] {
        &self.reward[row * self.horizon..][..self.steps[row]]
    }
}

fn table(numbers: &[f32], dim: usize) -> Rows<'_> {
    Rows::new(numbers, dim).expect("a trace holds whole rows")
}

impl Sink for Trace {
    fn begin(&mut self, rows: Range<usize>, starts: Rows<'_>, horizon: usize) {
        (self.first, self.horizon, self.state_dim) = (rows.start, horizon, starts.dim());
        self.state.resize(rows.len() * (horizon + 1) * self.state_dim, 0.0);
        let of_rows = self.state.chunks_exact_mut(((horizon + 1) * self.state_dim).max(1));
        of_rows.zip(starts.iter()).for_each(|(states, start)| states[..start.len()].copy_from_slice(start));
        self.steps.clear();
        self.steps.resize(rows.len(), 0);
        self.end.clear();
        self.end.resize(rows.len(), End::Running);
        self.reward.clear();
        self.reward.resize(rows.len() * horizon, 0.0);
        self.act_dim = 0;
    }

    fn take(&mut self, moves: Imagined<'_>) -> Result<()> {
        let (rows, horizon) = (self.steps.len(), self.horizon);
        if moves.t == 0 {
            self.act_dim = moves.act.dim();
            self.act.resize(rows * horizon * self.act_dim, 0.0);
        }
        for (i, &row) in moves.rows.iter().enumerate() {
            let row = row as usize - self.first;
            let at = (row * (horizon + 1) + moves.t + 1) * self.state_dim;
            self.state[at..at + self.state_dim].copy_from_slice(moves.next_state.row(i));
            let at = row * horizon + moves.t;
            self.act[at * self.act_dim..][..self.act_dim].copy_from_slice(moves.act.row(i));
            self.reward[at] = moves.reward[i];
            self.steps[row] = moves.t + 1;
            self.end[row] = moves.end[i];
        }
        Ok(())
    }
}
