//! Sampling in proportion to weights that change.

use crate::draw::unit;
use mbrl_core::{ChaCha8Rng, Error, Key, Result};
use std::fmt;

/// Weights in a binary tree of their sums: changing one and drawing one take as many steps as the tree is high.
///
/// Sums are always computed anew from the two below, never by adding a difference, so that they do not drift however
/// often weights change. A weight of zero is never drawn.
///
/// With [`ReplayBuffer::gather`](crate::ReplayBuffer::gather) this samples by any weights at all:
///
/// ```
/// use mbrl_buffer::{Dims, End, Key, Origin, ReplayBuffer, SumTree, Transition, TransitionBatch};
///
/// # let mut buffer = ReplayBuffer::new(Dims { obs: 1, act: 1 }, 10)?;
/// # for t in 0..10 {
/// #     buffer.push(Transition {
/// #         obs: &[t as f32], act: &[0.0], next_obs: &[0.0], reward: t as f32, end: End::Running, origin: Origin::World,
/// #     })?;
/// # }
/// // Rows that earned more come more often.
/// let mut tree = SumTree::new(buffer.len())?;
/// for (i, row) in buffer.iter().enumerate() {
///     tree.set(i, f64::from(row.reward).max(0.0))?;
/// }
/// let mut indices = [0; 4];
/// tree.sample(Key::root(1), &mut indices)?;
/// let mut batch = TransitionBatch::new(buffer.dims());
/// buffer.gather(&indices, &mut batch)?;
/// # assert!(batch.reward.iter().all(|&r| r > 0.0));
/// # Ok::<(), mbrl_buffer::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct SumTree {
    /// The root is node 1, the children of node i are 2i and 2i + 1, and the leaves are the second half.
    nodes: Vec<f64>,
    len: usize,
}

impl SumTree {
    /// A tree of `len` weights, all zero.
    pub fn new(len: usize) -> Result<Self> {
        if len == 0 || u32::try_from(len).is_err() {
            return Err(Error::invalid(format_args!("a sum tree of {len} weights: expected 1 to 2^32 - 1")));
        }
        let nodes = 2 * len.next_power_of_two();
        // Whether there is so much is asked first, because `vec!` cannot say no. What it makes is zero without being
        // written to, so that the tree of a large buffer takes memory only as rows arrive.
        Vec::<f64>::new().try_reserve_exact(nodes).map_err(|_| {
            Error::invalid(format_args!(
                "no memory for a sum tree of {len} weights ({} bytes): ask for fewer",
                nodes * size_of::<f64>()
            ))
        })?;
        Ok(SumTree { nodes: vec![0.0; nodes], len })
    }

    /// Makes all weights zero.
    pub fn clear(&mut self) {
        self.nodes.fill(0.0);
    }

    /// Makes `weight` the weight of `i`: a number from zero on.
    pub fn set(&mut self, i: usize, weight: f64) -> Result<()> {
        if i >= self.len {
            return Err(Error::invalid(format_args!("weight {i} of a sum tree of {}", self.len)));
        }
        self.check(weight)?;
        let mut node = self.nodes.len() / 2 + i;
        self.nodes[node] = weight;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
        Ok(())
    }

    /// Whether this can be a weight.
    pub(crate) fn check(&self, weight: f64) -> Result<()> {
        // So bounded, no sum overflows.
        if !(0.0..=f64::MAX / self.nodes.len() as f64).contains(&weight) {
            return Err(Error::invalid(format_args!(
                "a weight of {weight:?} in a sum tree: a weight is a number from 0 on, and not astronomical"
            )));
        }
        Ok(())
    }

    /// The weight of `i`.
    ///
    /// # Panics
    ///
    /// Where `i` is not below [`len`](SumTree::len).
    pub fn get(&self, i: usize) -> f64 {
        assert!(i < self.len, "weight {i} of {}", self.len);
        self.nodes[self.nodes.len() / 2 + i]
    }

    /// The sum of all weights.
    pub fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// The number of weights.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first `i` at which the sum of the weights up to and including its own exceeds `prefix`.
    ///
    /// A prefix at or past the total finds the last weight that is not zero; where all are zero there is nothing to find.
    pub fn find(&self, prefix: f64) -> Option<usize> {
        let (mut node, mut prefix) = (1, prefix);
        if self.total() <= 0.0 {
            return None;
        }
        let leaves = self.nodes.len() / 2;
        while node < leaves {
            let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            // One of them is not zero. Rounding may carry the prefix past the end, but never into a weight of zero.
            if right <= 0.0 || (left > 0.0 && prefix < left) {
                node *= 2;
            } else {
                prefix -= left;
                node = 2 * node + 1;
            }
        }
        Some(node - leaves)
    }

    /// Fills `indices` with draws in proportion to the weights, each by itself.
    pub fn sample(&self, key: Key, indices: &mut [u32]) -> Result<()> {
        self.draw(key, indices, |rng, _| unit(rng))
    }

    /// Fills `indices` with one draw from each of as many equal parts of the total.
    ///
    /// An index comes as often as in [`sample`](SumTree::sample) on average, and less unevenly. They come in ascending
    /// order: shuffle them before cutting them into minibatches.
    pub fn sample_stratified(&self, key: Key, indices: &mut [u32]) -> Result<()> {
        let n = indices.len() as f64;
        self.draw(key, indices, |rng, k| (k as f64 + unit(rng)) / n)
    }

    fn draw(
        &self,
        key: Key,
        indices: &mut [u32],
        share: impl Fn(&mut ChaCha8Rng, usize) -> f64,
    ) -> Result<()> {
        let mut rng = key.rng();
        for (k, index) in indices.iter_mut().enumerate() {
            let found = self.find(share(&mut rng, k) * self.total());
            *index = found
                .ok_or_else(|| Error::invalid("all weights of the sum tree are 0: set one before sampling"))?
                as u32;
        }
        Ok(())
    }
}

impl fmt::Debug for SumTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SumTree").field("len", &self.len).field("total", &self.total()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(weights: &[f64]) -> SumTree {
        let mut tree = SumTree::new(weights.len()).unwrap();
        for (i, &weight) in weights.iter().enumerate() {
            tree.set(i, weight).unwrap();
        }
        tree
    }

    #[test]
    fn a_prefix_finds_the_weight_it_falls_into() {
        let tree = tree(&[0.0, 1.0, 0.0, 2.0, 4.0, 0.0]);
        let found =
            [-1.0, 0.0, 0.99, 1.0, 2.99, 3.0, 6.99, 7.0, 1e9].map(|prefix| tree.find(prefix).unwrap());
        assert_eq!(found, [1, 1, 1, 3, 3, 4, 4, 4, 4]);
        assert!((tree.total() - 7.0).abs() < 1e-15);
        assert_eq!(SumTree::new(3).unwrap().find(0.0), None);
    }

    #[test]
    fn sums_do_not_drift() {
        let mut tree = tree(&[1e-3; 100]);
        let fresh = tree.clone();
        for step in 0..10_000u64 {
            let i = (Key::root(0).at(step).bits() % 100) as usize;
            tree.set(i, if step % 2 == 0 { 1e12 } else { 0.1 }).unwrap();
        }
        for i in 0..100 {
            tree.set(i, 1e-3).unwrap();
        }
        assert_eq!(tree, fresh);
    }

    #[test]
    fn weights_of_zero_are_never_drawn() {
        // The shares are far apart, so that rounding has every chance to go wrong.
        let weights: Vec<f64> = (0..37).map(|i| if i % 3 == 0 { 0.0 } else { 10f64.powi(i - 18) }).collect();
        let tree = tree(&weights);
        let mut indices = [0; 1000];
        for round in 0..100 {
            tree.sample(Key::root(round), &mut indices).unwrap();
            assert!(indices.iter().all(|&i| weights[i as usize] > 0.0));
            tree.sample_stratified(Key::root(round), &mut indices).unwrap();
            assert!(indices.is_sorted() && indices.iter().all(|&i| weights[i as usize] > 0.0));
        }
        assert_eq!(tree.find(tree.total()), Some(35));
    }

    #[test]
    fn bad_weights_are_refused_and_change_nothing() {
        let mut tree = tree(&[1.0, 2.0]);
        let before = tree.clone();
        for bad in [f64::NAN, f64::INFINITY, -1.0, f64::MAX] {
            assert!(tree.set(0, bad).unwrap_err().is_invalid(), "{bad}");
        }
        assert!(tree.set(2, 1.0).is_err() && SumTree::new(0).is_err());
        assert_eq!(tree, before);
        assert!(SumTree::new(1).unwrap().sample(Key::root(0), &mut [0]).unwrap_err().is_invalid());
    }
}
