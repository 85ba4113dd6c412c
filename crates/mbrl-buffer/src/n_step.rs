//! n-step returns.

use crate::ReplayBuffer;
use crate::draw::below;
use crate::gather::copy_short;
use mbrl_core::{Dims, Error, Key, Result, TransitionBatch};

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
    /// A return is shorter where its episode ended or where the newest row is reached. After `Terminated` nothing is
    /// added; after `Truncated`, and at the newest row, the value of the last successor stands for what nobody saw.
    pub fn sample_n_step(
        &self,
        n: usize,
        steps: usize,
        gamma: f32,
        key: Key,
        batch: &mut NStepBatch,
    ) -> Result<()> {
        self.check_drawable(n)?;
        if steps == 0 {
            return Err(Error::invalid("a return of 0 steps: ask for at least one"));
        }
        if !(0.0..=1.0).contains(&gamma) {
            return Err(Error::invalid(format_args!("gamma is {gamma}: expected 0 to 1")));
        }
        batch.rows.reshape(n, self.dims());
        batch.discount.resize(n, 0.0);
        let (mut rng, len) = (key.rng(), self.len as u32);
        for at in 0..n {
            self.n_step(below(&mut rng, len) as usize, steps, gamma, at, batch)?;
        }
        Ok(())
    }

    /// Writes the return that begins with row `first` over row `at` of the batch.
    fn n_step(
        &self,
        first: usize,
        steps: usize,
        gamma: f32,
        at: usize,
        batch: &mut NStepBatch,
    ) -> Result<()> {
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
        let (row, next_obs, end) =
            (self.get(first), &self.record(last)[self.layout.next_obs()], self.tag(last).end());
        let reward = sum as f32;
        if !reward.is_finite() {
            return Err(Error::non_finite(format_args!(
                "the return of {steps} steps from row {first} is {reward}: scale the rewards down"
            )));
        }
        copy_short(batch.rows.obs.row_mut(at), row.obs);
        copy_short(batch.rows.act.row_mut(at), row.act);
        copy_short(batch.rows.next_obs.row_mut(at), next_obs);
        batch.rows.reward[at] = reward;
        batch.rows.end[at] = end;
        batch.rows.origin[at] = row.origin;
        batch.discount[at] = end.discount(factor as f32);
        Ok(())
    }
}
