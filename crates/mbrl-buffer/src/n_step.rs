//! n-step returns.

use crate::ReplayBuffer;
use crate::draw::below;
use crate::gather::{BLOCK, copy_short};
use crate::sample::check_rows;
use mbrl_core::{Dims, Error, Key, Result, TransitionBatch};
use std::hint::black_box;

/// Transitions of several steps: the value to learn at `obs`, `act` is `reward + discount · V(next_obs)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NStepBatch {
    /// Observation, action and origin of the first step; `reward` is the sum of `gamma^i` times the reward of step i;
    /// `next_obs` and `end` are those of the last step.
    pub rows: TransitionBatch,
    /// What the value of `next_obs` is multiplied by: `gamma` to the number of steps, or 0 after termination, `[rows]`.
    pub discount: Vec<f32>,
}

impl NStepBatch {
    /// An empty batch for rows of these widths.
    pub fn new(dims: Dims) -> Self {
        NStepBatch { rows: TransitionBatch::new(dims), discount: Vec::new() }
    }
}

impl ReplayBuffer {
    /// Makes `batch` `n` transitions of up to `steps` steps, from rows drawn uniformly and independently.
    ///
    /// A return is shorter where its episode ended or was [cut](ReplayBuffer::cut_episodes), where the newest row is
    /// reached, and where rows [continue nothing](ReplayBuffer::unordered). After `Terminated` nothing is added;
    /// everywhere else the value of the last successor stands for what nobody saw.
    pub fn sample_n_step(
        &self,
        n: usize,
        steps: usize,
        gamma: f32,
        key: Key,
        batch: &mut NStepBatch,
    ) -> Result<()> {
        self.check_drawable(n)?;
        check_return(steps, gamma)?;
        let (mut rng, len) = (key.rng(), self.len as u32);
        self.returns(n, steps, gamma, batch, |_, block| block.fill_with(|| below(&mut rng, len)))
    }

    /// Makes `batch` the returns that begin with these rows, in this order; see
    /// [`sample_n_step`](ReplayBuffer::sample_n_step).
    ///
    /// So returns can begin with rows that were drawn in any way, by priority say; see
    /// [`PrioritizedBuffer`](crate::PrioritizedBuffer).
    pub fn gather_n_step(
        &self,
        indices: &[u32],
        steps: usize,
        gamma: f32,
        batch: &mut NStepBatch,
    ) -> Result<()> {
        self.check_indices(indices)?;
        check_rows(indices.len())?;
        check_return(steps, gamma)?;
        self.returns(indices.len(), steps, gamma, batch, |at, block| {
            block.copy_from_slice(&indices[at..][..block.len()]);
        })
    }

    /// Makes `batch` the returns that begin with the `n` rows that `first` fills in, block after block.
    fn returns(
        &self,
        n: usize,
        steps: usize,
        gamma: f32,
        batch: &mut NStepBatch,
        mut first: impl FnMut(usize, &mut [u32]),
    ) -> Result<()> {
        batch.rows.reshape(n, self.dims());
        batch.discount.resize(n, 0.0);
        let (mut block, mut ends) = ([0; BLOCK], [0; BLOCK]);
        for at in (0..n).step_by(BLOCK) {
            let filled = BLOCK.min(n - at);
            let (block, ends) = (&mut block[..filled], &mut ends[..filled]);
            first(at, block);
            self.fetch(block, 0);
            self.fetch_successors(block, steps);
            for ((&index, last), k) in block.iter().zip(&mut *ends).zip(at..) {
                *last = self.walk(index as usize, steps, gamma, k, batch)? as u32;
            }
            // Which row is the last is known only now.
            self.fetch(ends, self.layout.next_obs().start);
            for ((&index, &last), k) in block.iter().zip(&*ends).zip(at..) {
                self.copy_ends(index as usize, last as usize, k, batch);
            }
        }
        Ok(())
    }

    /// Brings what a return needs of the rows after the first into the cache, as far as a few steps.
    ///
    /// How far an episode goes on is told by these very words, so that a walk waits for each of them; looked at whether
    /// needed or not, they come together.
    #[inline(always)]
    fn fetch_successors(&self, first: &[u32], steps: usize) {
        const FEW: usize = 8;
        let mut seen = 0;
        for &first in first {
            let mut next = first as usize;
            for _ in 1..steps.min(FEW) {
                next += self.lanes;
                if next >= self.len {
                    break;
                }
                seen ^= self.record(next)[self.layout.reward()].to_bits();
            }
        }
        black_box(seen);
    }

    /// Writes reward and discount of the return that begins with row `first` over row `at` of the batch, and finds its
    /// last row.
    #[inline(always)]
    fn walk(
        &self,
        first: usize,
        steps: usize,
        gamma: f32,
        at: usize,
        batch: &mut NStepBatch,
    ) -> Result<usize> {
        let (mut last, mut sum, mut factor) = (first, 0.0, 1.0);
        for step in 1..=steps {
            sum += factor * f64::from(self.record(last)[self.layout.reward()]);
            factor *= f64::from(gamma);
            let next = last + self.lanes;
            // A count above one says that the row continues the one before it in its lane.
            if step == steps || next >= self.len || self.tag(next).run() <= 1 {
                break;
            }
            last = next;
        }
        let reward = sum as f32;
        if !reward.is_finite() {
            return Err(Error::non_finite(format_args!(
                "the return of {steps} steps from row {first} is {reward}: scale the rewards down"
            )));
        }
        batch.rows.reward[at] = reward;
        batch.discount[at] = self.tag(last).end().discount(factor as f32);
        Ok(last)
    }

    /// Writes what a return has of its first and of its last row over row `at` of the batch.
    #[inline(always)]
    fn copy_ends(&self, first: usize, last: usize, at: usize, batch: &mut NStepBatch) {
        let (row, next_obs) = (self.layout.read(self.record(first)), self.layout.next_obs());
        copy_short(batch.rows.obs.row_mut(at), row.obs);
        copy_short(batch.rows.act.row_mut(at), row.act);
        copy_short(batch.rows.next_obs.row_mut(at), &self.record(last)[next_obs]);
        batch.rows.end[at] = self.tag(last).end();
        batch.rows.origin[at] = row.origin;
    }
}

fn check_return(steps: usize, gamma: f32) -> Result<()> {
    if steps == 0 {
        return Err(Error::invalid("a return of 0 steps: ask for at least one"));
    }
    if !(0.0..=1.0).contains(&gamma) {
        return Err(Error::invalid(format_args!("gamma is {gamma:?}: expected 0 to 1")));
    }
    Ok(())
}
