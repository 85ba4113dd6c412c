//! Transitions: one, borrowed; many, as a struct of arrays.

use crate::{End, Origin, RowBuf};

/// How wide observations and actions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    /// Numbers in an observation.
    pub obs: usize,
    /// Numbers in an action.
    pub act: usize,
}

/// One step of an episode, borrowed from wherever it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition<'a> {
    /// What was observed, `[obs]`.
    pub obs: &'a [f32],
    /// What was done, `[act]`.
    pub act: &'a [f32],
    /// What was observed next, `[obs]`: the true successor, also where the episode ended.
    pub next_obs: &'a [f32],
    /// What it earned.
    pub reward: f32,
    /// How it left the episode.
    pub end: End,
    /// Where it came from.
    pub origin: Origin,
}

/// Many transitions, as a struct of arrays of equal length.
///
/// Its memory grows to the largest batch it ever held and is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransitionBatch {
    /// What was observed, `[rows, obs]`.
    pub obs: RowBuf,
    /// What was done, `[rows, act]`.
    pub act: RowBuf,
    /// What was observed next, `[rows, obs]`.
    pub next_obs: RowBuf,
    /// What it earned, `[rows]`.
    pub reward: Vec<f32>,
    /// How it left the episode, `[rows]`.
    pub end: Vec<End>,
    /// Where it came from, `[rows]`.
    pub origin: Vec<Origin>,
}

impl TransitionBatch {
    /// An empty batch for rows of these widths.
    pub fn new(dims: Dims) -> Self {
        TransitionBatch {
            obs: RowBuf::new(dims.obs),
            act: RowBuf::new(dims.act),
            next_obs: RowBuf::new(dims.obs),
            ..TransitionBatch::default()
        }
    }

    /// The number of transitions.
    pub fn len(&self) -> usize {
        self.reward.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.reward.is_empty()
    }

    /// How wide observations and actions are.
    pub fn dims(&self) -> Dims {
        Dims { obs: self.obs.dim(), act: self.act.dim() }
    }

    /// Makes room for exactly `len` rows of these widths; what they hold afterwards is unspecified.
    pub fn reshape(&mut self, len: usize, dims: Dims) {
        self.obs.reshape(len, dims.obs);
        self.act.reshape(len, dims.act);
        self.next_obs.reshape(len, dims.obs);
        self.reward.resize(len, 0.0);
        self.end.resize(len, End::Running);
        self.origin.resize(len, Origin::World);
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.reshape(0, self.dims());
    }

    /// Appends a transition.
    ///
    /// # Panics
    ///
    /// Where it is not as wide as the batch.
    pub fn push(&mut self, transition: Transition<'_>) {
        self.obs.push(transition.obs);
        self.act.push(transition.act);
        self.next_obs.push(transition.next_obs);
        self.reward.push(transition.reward);
        self.end.push(transition.end);
        self.origin.push(transition.origin);
    }

    /// Transition `i`, counted from 0.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](TransitionBatch::len).
    pub fn get(&self, i: usize) -> Transition<'_> {
        Transition {
            obs: self.obs.row(i),
            act: self.act.row(i),
            next_obs: self.next_obs.row(i),
            reward: self.reward[i],
            end: self.end[i],
            origin: self.origin[i],
        }
    }

    /// The transitions in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Transition<'_>> {
        (0..self.len()).map(|i| self.get(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_there() {
        let mut batch = TransitionBatch::new(Dims { obs: 2, act: 1 });
        let transition = Transition {
            obs: &[1.0, 2.0],
            act: &[3.0],
            next_obs: &[4.0, 5.0],
            reward: 6.0,
            end: End::Truncated,
            origin: Origin::Model { member: 1, policy: 2 },
        };
        batch.push(transition);
        batch.push(Transition { end: End::Running, ..transition });
        assert_eq!(batch.get(0), transition);
        assert_eq!(batch.iter().map(|t| t.end).collect::<Vec<_>>(), [End::Truncated, End::Running]);
        batch.clear();
        assert!(batch.is_empty() && batch.obs.is_empty() && batch.dims() == Dims { obs: 2, act: 1 });
    }
}
