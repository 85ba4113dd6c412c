//! Prioritised replay.

use crate::draw::shuffle;
use crate::{ReplayBuffer, SumTree};
use mbrl_core::{Dims, Error, Key, Result, Transition, TransitionBatch};
use serde::{Deserialize, Serialize};

/// How priorities become probabilities and weights.
///
/// The default is the proportional variant of Schaul, Quan, Antonoglou and Silver, "Prioritized Experience Replay"
/// (2016), section 3.3, with α and β of table 3; ε is ours. What is absent when one is read has its default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct PrioritizedConfig {
    /// α: rows are drawn in proportion to priority^α; 0 is uniform sampling.
    pub alpha: f64,
    /// β at the beginning: how much of the bias of such sampling the weights undo; 1 is all of it.
    pub beta: f64,
    /// What is added to every priority, so that no row is lost for ever.
    pub epsilon: f64,
}

impl Default for PrioritizedConfig {
    fn default() -> Self {
        PrioritizedConfig { alpha: 0.6, beta: 0.4, epsilon: 1e-6 }
    }
}

/// A config as it is written, before its numbers are looked at.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Unchecked {
    alpha: f64,
    beta: f64,
    epsilon: f64,
}

impl Default for Unchecked {
    fn default() -> Self {
        let PrioritizedConfig { alpha, beta, epsilon } = PrioritizedConfig::default();
        Unchecked { alpha, beta, epsilon }
    }
}

impl TryFrom<Unchecked> for PrioritizedConfig {
    type Error = Error;

    fn try_from(Unchecked { alpha, beta, epsilon }: Unchecked) -> Result<Self> {
        let config = PrioritizedConfig { alpha, beta, epsilon };
        config.validate()?;
        Ok(config)
    }
}

impl PrioritizedConfig {
    /// β after a share of the training, `progress` in [0, 1]: it rises in a line to 1 (section 3.4).
    pub fn beta_at(&self, progress: f64) -> f64 {
        self.beta + (1.0 - self.beta) * progress.clamp(0.0, 1.0)
    }

    /// Refuses numbers outside their ranges.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("alpha", self.alpha), ("beta", self.beta)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::invalid(format_args!("{name} is {value:?}: expected 0 to 1")));
            }
        }
        if !(0.0..=f64::from(f32::MAX)).contains(&self.epsilon) {
            return Err(Error::invalid(format_args!(
                "epsilon is {:?}: expected a number from 0 on that an f32 can hold",
                self.epsilon
            )));
        }
        Ok(())
    }
}

/// Rows drawn by priority.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrioritizedBatch {
    /// The rows.
    pub rows: TransitionBatch,
    /// Which rows they are, for [`PrioritizedBuffer::update`], `[rows]`.
    pub ids: Vec<u64>,
    /// Where they are until something is pushed, for [`ReplayBuffer::gather_n_step`] and its like, `[rows]`.
    pub indices: Vec<u32>,
    /// What their losses are multiplied by: `(N · P(i))^-β`, divided by the largest of the batch, `[rows]`.
    pub weights: Vec<f32>,
}

impl PrioritizedBatch {
    /// An empty batch for rows of these widths.
    pub fn new(dims: Dims) -> Self {
        PrioritizedBatch { rows: TransitionBatch::new(dims), ..PrioritizedBatch::default() }
    }
}

/// A [`ReplayBuffer`] whose rows are drawn by priority.
///
/// Every row has an id that no other row ever has, so that news of a row that was overwritten meanwhile is ignored and
/// never lands on the row in its place.
///
/// ```
/// use mbrl_buffer::{Dims, Key, PrioritizedBatch, PrioritizedBuffer, PrioritizedConfig, ReplayBuffer};
/// # use mbrl_buffer::{End, Origin, Transition};
///
/// let dims = Dims { obs: 1, act: 1 };
/// let config = PrioritizedConfig::default();
/// let mut buffer = PrioritizedBuffer::new(ReplayBuffer::new(dims, 1_000)?, config)?;
/// # for t in 0..10 {
/// #     buffer.push(Transition {
/// #         obs: &[t as f32], act: &[0.0], next_obs: &[0.0], reward: 0.0, end: End::Running, origin: Origin::World,
/// #     })?;
/// # }
/// let mut batch = PrioritizedBatch::new(dims);
/// buffer.sample(32, config.beta_at(0.1), Key::root(1), &mut batch)?;
/// let td_errors: Vec<f32> = batch.rows.reward.iter().map(|reward| (reward - 0.5).abs()).collect();
/// buffer.update(&batch.ids, &td_errors)?;
/// # Ok::<(), mbrl_buffer::Error>(())
/// ```
///
/// Whatever begins at a row can begin at rows that were drawn by priority, such as n-step returns:
///
/// ```
/// # use mbrl_buffer::{Dims, End, Key, NStepBatch, Origin, PrioritizedBatch, PrioritizedBuffer, PrioritizedConfig};
/// # use mbrl_buffer::{ReplayBuffer, Transition};
/// # let dims = Dims { obs: 1, act: 1 };
/// # let mut buffer = PrioritizedBuffer::new(ReplayBuffer::new(dims, 1_000)?, PrioritizedConfig::default())?;
/// # for t in 0..10 {
/// #     buffer.push(Transition {
/// #         obs: &[t as f32], act: &[0.0], next_obs: &[0.0], reward: 1.0, end: End::Running, origin: Origin::World,
/// #     })?;
/// # }
/// let (mut batch, mut returns) = (PrioritizedBatch::new(dims), NStepBatch::new(dims));
/// buffer.sample(32, 0.4, Key::root(1), &mut batch)?;
/// buffer.rows().gather_n_step(&batch.indices, 3, 0.99, &mut returns)?;
/// let td_errors: Vec<f32> = returns.rows.reward.iter().map(|reward| (reward - 0.5).abs()).collect();
/// buffer.update(&batch.ids, &td_errors)?;
/// # assert_eq!(returns.rows.obs, batch.rows.obs);
/// # Ok::<(), mbrl_buffer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PrioritizedBuffer {
    pub(crate) rows: ReplayBuffer,
    pub(crate) config: PrioritizedConfig,
    /// Priorities to the power of α; that of the row with id i is leaf i modulo the capacity.
    pub(crate) tree: SumTree,
    /// The id of the next row.
    pub(crate) next_id: u64,
    /// The largest priority there ever was: that of new rows, so that each is looked at soon.
    pub(crate) max_priority: f64,
}

impl PrioritizedBuffer {
    /// Gives each row of `rows`, and each to come, a priority.
    pub fn new(rows: ReplayBuffer, config: PrioritizedConfig) -> Result<Self> {
        config.validate()?;
        let (tree, next_id) = (SumTree::new(rows.capacity())?, rows.len() as u64);
        PrioritizedBuffer { rows, config, tree, next_id, max_priority: 1.0 }.weighted(|_| 1.0)
    }

    /// This buffer, in whose tree row `i` has the weight `weight(i)`.
    pub(crate) fn weighted(mut self, weight: impl Fn(usize) -> f64) -> Result<Self> {
        for (i, id) in (self.oldest_id()..self.next_id).enumerate() {
            self.tree.set(self.leaf(id), weight(i))?;
        }
        Ok(self)
    }

    /// Appends a row, with the largest priority there ever was; see [`ReplayBuffer::push`].
    pub fn push(&mut self, transition: Transition<'_>) -> Result<()> {
        let weight = self.new_weight()?;
        self.rows.push(transition)?;
        self.number(1, weight)
    }

    /// Appends the rows of a batch; see [`ReplayBuffer::extend`].
    pub fn extend(&mut self, batch: &TransitionBatch) -> Result<()> {
        let weight = self.new_weight()?;
        self.rows.extend(batch)?;
        self.number(batch.len() as u64, weight)
    }

    /// Says that the next row of each lane begins an episode; see [`ReplayBuffer::cut_episodes`].
    pub fn cut_episodes(&mut self) {
        self.rows.cut_episodes();
    }

    /// Forgets all rows and keeps the memory. Rows to come have new ids, and the largest priority there ever was.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.tree.clear();
    }

    /// Makes `batch` `n` rows, drawn by priority: one from each of `n` equal parts of the sum of all, in random order.
    pub fn sample(&self, n: usize, beta: f64, key: Key, batch: &mut PrioritizedBatch) -> Result<()> {
        self.rows.check_drawable(n)?;
        if !(0.0..=1.0).contains(&beta) {
            return Err(Error::invalid(format_args!("beta is {beta:?}: expected 0 to 1")));
        }
        batch.indices.resize(n, 0);
        self.tree.sample_stratified(key.child("draw"), &mut batch.indices)?;
        // They were drawn in the order of the ring; a part of a batch is to be a sample too.
        shuffle(&mut batch.indices, &mut key.child("shuffle").rng());
        batch.ids.clear();
        batch.weights.clear();
        // (N · P(i))^-β / max = (P(i) / min P)^-β, so the smallest is all that is needed.
        let smallest =
            batch.indices.iter().map(|&leaf| self.tree.get(leaf as usize)).fold(f64::INFINITY, f64::min);
        let capacity = self.rows.capacity() as u64;
        let oldest = self.oldest_id();
        for leaf in &mut batch.indices {
            batch.weights.push((self.tree.get(*leaf as usize) / smallest).powf(-beta) as f32);
            let row = (u64::from(*leaf) + capacity - oldest % capacity) % capacity;
            batch.ids.push(oldest + row);
            *leaf = row as u32;
        }
        self.rows.gather(&batch.indices, &mut batch.rows)
    }

    /// Gives rows new priorities, such as the size of their TD errors: numbers from zero on.
    ///
    /// Rows that were overwritten are passed over; of a row that comes twice the last priority counts. Where something is
    /// refused nothing is changed.
    pub fn update(&mut self, ids: &[u64], priorities: &[f32]) -> Result<()> {
        if ids.len() != priorities.len() {
            return Err(Error::invalid(format_args!(
                "{} ids and {} priorities: give one for each",
                ids.len(),
                priorities.len()
            )));
        }
        for (id, priority) in ids.iter().zip(priorities) {
            if *id >= self.next_id {
                return Err(Error::invalid(format_args!(
                    "no row has had id {id} yet: ids come with a sampled batch"
                )));
            }
            if !(0.0..=f32::MAX).contains(priority) {
                let text = format_args!(
                    "the priority of row {id} is {priority:?}: expected a finite number from 0 on"
                );
                let finite = priority.is_finite();
                return Err(if finite { Error::invalid(text) } else { Error::non_finite(text) });
            }
        }
        for (id, priority) in ids.iter().zip(priorities) {
            if *id >= self.oldest_id() {
                let priority = f64::from(*priority) + self.config.epsilon;
                self.max_priority = self.max_priority.max(priority);
                self.tree.set(self.leaf(*id), priority.powf(self.config.alpha))?;
            }
        }
        Ok(())
    }

    /// Changes the capacity and keeps the newest rows, in order, with their ids and priorities.
    ///
    /// Until it is done there are two trees, the old and the new; for the rows see [`ReplayBuffer::resize`].
    pub fn resize(&mut self, capacity: usize) -> Result<()> {
        let mut tree = SumTree::new(capacity.max(1))?;
        self.rows.resize(capacity)?;
        for id in self.oldest_id()..self.next_id {
            tree.set((id % capacity as u64) as usize, self.tree.get((id % self.leaves()) as usize))?;
        }
        self.tree = tree;
        Ok(())
    }

    /// The rows, for everything that does not change them.
    pub fn rows(&self) -> &ReplayBuffer {
        &self.rows
    }

    /// The rows alone.
    pub fn into_rows(self) -> ReplayBuffer {
        self.rows
    }

    /// How priorities become probabilities and weights.
    pub fn config(&self) -> &PrioritizedConfig {
        &self.config
    }

    /// The priority to the power of α that row `i`, counted from the oldest, is drawn by.
    ///
    /// # Panics
    ///
    /// Where `i` is not below the number of rows.
    pub fn weight(&self, i: usize) -> f64 {
        assert!(i < self.rows.len(), "row {i} of {}", self.rows.len());
        self.tree.get(self.leaf(self.oldest_id() + i as u64))
    }

    fn oldest_id(&self) -> u64 {
        self.next_id - self.rows.len() as u64
    }

    fn leaf(&self, id: u64) -> usize {
        (id % self.leaves()) as usize
    }

    fn leaves(&self) -> u64 {
        self.tree.len() as u64
    }

    /// The weight of a new row, where the tree takes it: to be known before the row is appended, so that none is ever
    /// without a weight.
    fn new_weight(&self) -> Result<f64> {
        let weight = self.max_priority.powf(self.config.alpha);
        self.tree.check(weight).map(|()| weight)
    }

    /// Gives ids and priorities to rows that were just appended.
    fn number(&mut self, rows: u64, weight: f64) -> Result<()> {
        for _ in 0..rows {
            self.tree.set(self.leaf(self.next_id), weight)?;
            self.next_id += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_round_trip_and_what_is_none_is_refused() {
        let config = PrioritizedConfig { alpha: 0.7, beta: 0.5, epsilon: 1e-3 };
        let json = serde_json::to_string(&config).unwrap();
        let read = serde_json::from_str::<PrioritizedConfig>;
        assert_eq!(
            (json.as_str(), read(&json).unwrap()),
            (r#"{"alpha":0.7,"beta":0.5,"epsilon":0.001}"#, config)
        );
        assert_eq!(read("{}").unwrap(), PrioritizedConfig::default());
        for bad in [r#"{"alpha":1.5}"#, r#"{"epsilon":-1.0}"#, r#"{"alhpa":0.5}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
