//! Bootstrap samples: each member of an ensemble learns from rows of its own.

use crate::draw::{below, shuffle};
use mbrl_core::{Dataset, Error, Key, Result, TransitionBatch};

/// For each member of an ensemble as many rows as there are, drawn with replacement: `[members, rows]`.
///
/// The rows are any list of indices into any [`Dataset`], such as the training part of a [`Split`](crate::Split). They
/// are drawn once and [shuffled](Bootstrap::shuffle) before every epoch, as in the official code of MBPO (Janner et al.
/// 2019). Pushing to a replay buffer that is full renumbers its rows, and then these are others: draw anew.
///
/// ```
/// use mbrl_buffer::{Bootstrap, Key, ReplayBuffer, Split, TransitionBatch};
/// # use mbrl_buffer::{Dims, End, Origin, Transition};
/// # let mut buffer = ReplayBuffer::new(Dims { obs: 1, act: 1 }, 100)?;
/// # for _ in 0..100 {
/// #     buffer.push(Transition {
/// #         obs: &[0.0], act: &[0.0], next_obs: &[0.0], reward: 0.0, end: End::Running, origin: Origin::World,
/// #     })?;
/// # }
///
/// let key = Key::root(1);
/// let split = Split::by_row(&buffer, 0.2, Some(5_000), key.child("split"))?;
/// let mut bootstrap = Bootstrap::new(&split.train, 7, key.child("bootstrap"))?;
/// let mut batch = TransitionBatch::new(buffer.dims());
/// for epoch in 0..2 {
///     bootstrap.shuffle(key.child("epoch").at(epoch));
///     for minibatch in bootstrap.minibatches(32) {
///         minibatch.gather(&buffer, &mut batch)?; // [members, rows of the minibatch]
///         assert_eq!(batch.len(), 7 * minibatch.len());
///     }
/// }
/// # Ok::<(), mbrl_buffer::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bootstrap {
    indices: Vec<u32>,
    rows: usize,
    /// The same rows, minibatch by minibatch: where [`minibatches`](Bootstrap::minibatches) lays them out.
    laid_out: Vec<u32>,
}

impl Bootstrap {
    /// Draws the rows of `members` members from `rows`, of which there is at least one.
    pub fn new(rows: &[u32], members: usize, key: Key) -> Result<Self> {
        if members == 0 {
            return Err(Error::invalid("a bootstrap for 0 members: an ensemble has at least one"));
        }
        let Ok(choices @ 1..) = u32::try_from(rows.len()) else {
            return Err(Error::invalid(format_args!(
                "a bootstrap from {} rows: expected 1 to 2^32 - 1",
                rows.len()
            )));
        };
        let no_memory = || {
            Error::invalid(format_args!(
                "no memory for a bootstrap of {members} members with {} rows each: ask for fewer members",
                rows.len()
            ))
        };
        let total = members.checked_mul(rows.len()).ok_or_else(no_memory)?;
        let (mut indices, mut laid_out) = (Vec::new(), Vec::new());
        indices.try_reserve_exact(total).map_err(|_| no_memory())?;
        laid_out.try_reserve_exact(total).map_err(|_| no_memory())?;
        let keys = key.child("draw").below();
        for member in 0..members {
            let mut rng = keys.at(member as u64).rng();
            indices.extend((0..choices).map(|_| rows[below(&mut rng, choices) as usize]));
        }
        Ok(Bootstrap { indices, rows: rows.len(), laid_out })
    }

    /// Puts the rows of each member in a random order of its own.
    pub fn shuffle(&mut self, key: Key) {
        let keys = key.child("shuffle").below();
        for (member, rows) in self.indices.chunks_exact_mut(self.rows).enumerate() {
            shuffle(rows, &mut keys.at(member as u64).rng());
        }
    }

    /// The number of members.
    pub fn members(&self) -> usize {
        self.indices.len() / self.rows
    }

    /// The number of rows of each member.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of a member, in their present order.
    ///
    /// # Panics
    ///
    /// Where `member` is not below [`members`](Bootstrap::members).
    pub fn member(&self, member: usize) -> &[u32] {
        &self.indices[member * self.rows..][..self.rows]
    }

    /// All rows in minibatches of `size` a member; the last one holds what is left. A size of 0 counts as 1.
    pub fn minibatches(&mut self, size: usize) -> impl ExactSizeIterator<Item = Minibatch<'_>> {
        let (size, rows, members) = (size.max(1), self.rows, self.members());
        self.laid_out.clear();
        for start in (0..rows).step_by(size) {
            let part = start..rows.min(start.saturating_add(size));
            for member in self.indices.chunks_exact(rows) {
                self.laid_out.extend_from_slice(&member[part.clone()]);
            }
        }
        let indices = self.laid_out.chunks(size.saturating_mul(members));
        indices.map(move |indices| Minibatch { indices, len: indices.len() / members })
    }
}

/// Whether the same rows are drawn in the same order.
impl PartialEq for Bootstrap {
    fn eq(&self, other: &Self) -> bool {
        (self.rows, &self.indices) == (other.rows, &other.indices)
    }
}

/// The same number of rows for every member.
#[derive(Clone, Copy, Debug)]
pub struct Minibatch<'a> {
    indices: &'a [u32],
    len: usize,
}

impl<'a> Minibatch<'a> {
    /// The number of rows of each member.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The rows of the first member, then those of the second, and so on: `[members, rows]`.
    pub fn indices(&self) -> &'a [u32] {
        self.indices
    }

    /// The rows of a member.
    ///
    /// # Panics
    ///
    /// Where `member` is not below [`Bootstrap::members`].
    pub fn member(&self, member: usize) -> &'a [u32] {
        &self.indices[member * self.len..][..self.len]
    }

    /// Makes `batch` the rows of the first member, then those of the second, and so on: `[members, rows]`.
    pub fn gather(&self, data: &dyn Dataset, batch: &mut TransitionBatch) -> Result<()> {
        data.gather(self.indices, batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::{Dims, End, Origin, Transition};

    #[test]
    fn members_differ_and_shuffling_keeps_what_was_drawn() {
        let rows: Vec<u32> = (10..60).collect();
        let mut bootstrap = Bootstrap::new(&rows, 3, Key::root(0)).unwrap();
        let sorted = |b: &Bootstrap, m| {
            let mut rows = b.member(m).to_vec();
            rows.sort_unstable();
            rows
        };
        let drawn: Vec<_> = (0..3).map(|m| sorted(&bootstrap, m)).collect();
        assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2]);
        assert!(drawn.iter().flatten().all(|i| rows.contains(i)));
        // Drawn with replacement: of 50 rows, all different has probability 50!/50^50 < 1e-20.
        assert!(drawn.iter().all(|rows| rows.windows(2).any(|pair| pair[0] == pair[1])));
        let before = bootstrap.clone();
        bootstrap.shuffle(Key::root(1));
        assert_ne!(bootstrap, before);
        assert_eq!((0..3).map(|m| sorted(&bootstrap, m)).collect::<Vec<_>>(), drawn);
    }

    #[test]
    fn each_member_is_shuffled_by_itself() {
        let mut bootstrap = Bootstrap::new(&[7], 2, Key::root(0)).unwrap();
        // The places instead of rows: what is left of them is the permutation.
        bootstrap.rows = 100;
        bootstrap.indices = (0..100).chain(0..100).collect();
        bootstrap.shuffle(Key::root(1));
        let moved_alike = bootstrap.member(0).iter().zip(bootstrap.member(1)).filter(|(a, b)| a == b).count();
        // Of two independent permutations one place in a hundred agrees on average; 15 have probability below 1/15!.
        assert!(moved_alike < 15, "{moved_alike}");
    }

    #[test]
    fn minibatches_cover_every_row_once() {
        let rows: Vec<u32> = (0..10).collect();
        let mut bootstrap = Bootstrap::new(&rows, 2, Key::root(0)).unwrap();
        let lengths: Vec<_> = bootstrap.minibatches(4).map(|m| m.len()).collect();
        assert_eq!(lengths, [4, 4, 2]);
        let joined: Vec<u32> = bootstrap.minibatches(4).flat_map(|m| m.member(1).to_vec()).collect();
        assert_eq!(joined, bootstrap.member(1));
        assert_eq!(bootstrap.minibatches(0).len(), 10);
        let all = bootstrap.indices.clone();
        assert_eq!(bootstrap.minibatches(usize::MAX).next().unwrap().indices(), all);
    }

    #[test]
    fn nothing_to_draw_from_or_for_is_refused() {
        assert!(Bootstrap::new(&[], 3, Key::root(0)).unwrap_err().is_invalid());
        assert!(Bootstrap::new(&[1], 0, Key::root(0)).unwrap_err().is_invalid());
        for members in [usize::MAX, usize::MAX / 8] {
            let error = Bootstrap::new(&[1; 4], members, Key::root(0)).unwrap_err();
            assert!(error.is_invalid() && error.to_string().starts_with("no memory for a bootstrap of "));
        }
    }

    #[test]
    fn drawing_and_shuffling_under_one_key_have_nothing_in_common() {
        // Whoever knows the draws knows where a shuffle that uses the same stream puts the last place.
        let rows: Vec<u32> = (0..100).collect();
        let (trials, mut predicted) = (200, 0);
        for seed in 0..trials {
            let mut bootstrap = Bootstrap::new(&rows, 1, Key::root(seed)).unwrap();
            let first = bootstrap.member(0)[0];
            bootstrap.indices = rows.clone();
            bootstrap.shuffle(Key::root(seed));
            predicted += u32::from(bootstrap.member(0)[99] == first);
        }
        // By chance 2 of 200; more than 20 have probability below 1e-14.
        assert!(predicted <= 20, "{predicted}");
    }

    #[test]
    fn rows_of_any_dataset_are_gathered() {
        let mut data = TransitionBatch::new(Dims { obs: 0, act: 0 });
        for i in 0..20 {
            let (end, origin) = (End::Running, Origin::World);
            data.push(Transition { obs: &[], act: &[], next_obs: &[], reward: i as f32, end, origin });
        }
        let rows: Vec<u32> = (5..15).collect();
        let mut bootstrap = Bootstrap::new(&rows, 3, Key::root(0)).unwrap();
        let mut batch = TransitionBatch::default();
        for minibatch in bootstrap.minibatches(4) {
            minibatch.gather(&data, &mut batch).unwrap();
            let found: Vec<u32> = batch.reward.iter().map(|&reward| reward as u32).collect();
            assert_eq!(found, (0..3).flat_map(|m| minibatch.member(m).to_vec()).collect::<Vec<_>>());
        }
    }
}
