//! Transitions that can be fetched by number.

use crate::{Dims, Error, Result, TransitionBatch};

/// Transitions that can be fetched by number: a replay buffer, a file, a batch. What learns from data is handed this and
/// the numbers of the rows to use, so that splits, bootstraps and shuffles are lists of numbers.
pub trait Dataset: Sync {
    /// How wide observations and actions are.
    fn dims(&self) -> Dims;

    /// The number of transitions.
    fn len(&self) -> usize;

    /// Makes `batch` the transitions of these numbers, in this order; a number may come twice.
    fn gather(&self, indices: &[u32], batch: &mut TransitionBatch) -> Result<()>;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Dataset for TransitionBatch {
    fn dims(&self) -> Dims {
        self.dims()
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn gather(&self, indices: &[u32], batch: &mut TransitionBatch) -> Result<()> {
        if let Some(bad) = indices.iter().find(|&&i| i as usize >= self.len()) {
            return Err(Error::invalid(format_args!("row {bad} of a batch of {}", self.len())));
        }
        batch.reshape(0, self.dims());
        indices.iter().for_each(|&i| batch.push(self.get(i as usize)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{End, Origin, Transition};

    #[test]
    fn a_batch_is_a_dataset() {
        let mut data = TransitionBatch::new(Dims { obs: 1, act: 1 });
        for i in 0..3 {
            let x = [i as f32];
            data.push(Transition {
                obs: &x,
                act: &x,
                next_obs: &x,
                reward: x[0],
                end: End::Running,
                origin: Origin::World,
            });
        }
        let mut batch = TransitionBatch::default();
        Dataset::gather(&data, &[2, 0, 2], &mut batch).unwrap();
        assert_eq!(batch.iter().map(|row| row.obs[0]).collect::<Vec<_>>(), [2.0, 0.0, 2.0]);
        assert!(Dataset::gather(&data, &[3], &mut batch).unwrap_err().is_invalid());
    }
}
