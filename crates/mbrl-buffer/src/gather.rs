//! From records to a struct of arrays: the hot loop of every sampler.

use crate::ReplayBuffer;
use crate::record::Tag;
use mbrl_core::{Error, Origin, Result, TransitionBatch};
use std::hint::black_box;
use std::ops::Range;

/// Rows that are fetched together: enough for their cache misses to overlap, few enough to stay in the nearest caches.
pub(crate) const BLOCK: usize = 64;

impl ReplayBuffer {
    /// Makes `batch` the rows of these indices, in this order; an index may come twice.
    pub fn gather(&self, indices: &[u32], batch: &mut TransitionBatch) -> Result<()> {
        self.check_indices(indices)?;
        batch.reshape(indices.len(), self.dims());
        for (block, at) in indices.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
            self.gather_block(block, at, batch);
        }
        Ok(())
    }

    /// Makes `batch` the rows of a range, oldest first.
    pub fn copy_rows(&self, rows: Range<usize>, batch: &mut TransitionBatch) -> Result<()> {
        if rows.start > rows.end || rows.end > self.len {
            return Err(Error::invalid(format_args!("rows {rows:?} of a replay buffer of {}", self.len)));
        }
        batch.reshape(rows.len(), self.dims());
        self.gather_each(rows.map(|i| i as u32), 0, batch);
        Ok(())
    }

    pub(crate) fn check_indices(&self, indices: &[u32]) -> Result<()> {
        // The largest first: a reduction without a way out is several numbers at a time.
        let largest = indices.iter().fold(0, |a, &b| a.max(b)) as usize;
        if indices.is_empty() || largest < self.len {
            return Ok(());
        }
        let bad = indices.iter().find(|&&i| i as usize >= self.len).unwrap_or(&0);
        Err(Error::invalid(format_args!(
            "index {bad} of a replay buffer of {} rows: indices are below its length",
            self.len
        )))
    }

    /// Writes the rows of `indices`, each below the length, over the rows of `batch` from `at` on.
    pub(crate) fn gather_each(
        &self,
        mut indices: impl Iterator<Item = u32>,
        mut at: usize,
        batch: &mut TransitionBatch,
    ) {
        let mut block = [0; BLOCK];
        loop {
            let mut filled = 0;
            for (slot, index) in block.iter_mut().zip(&mut indices) {
                *slot = index;
                filled += 1;
            }
            if filled == 0 {
                return;
            }
            self.gather_block(&block[..filled], at, batch);
            at += filled;
        }
    }

    /// Writes the rows of at most [`BLOCK`] indices, each below the length, over the rows of `batch` from `at` on.
    pub(crate) fn gather_block(&self, indices: &[u32], at: usize, batch: &mut TransitionBatch) {
        self.fetch(indices, 0);
        let (obs_dim, act_dim) = (self.dims().obs, self.dims().act);
        let rows = at..at + indices.len();
        let mut obs = &mut batch.obs.as_mut_slice()[rows.start * obs_dim..rows.end * obs_dim];
        let mut act = &mut batch.act.as_mut_slice()[rows.start * act_dim..rows.end * act_dim];
        let mut next_obs = &mut batch.next_obs.as_mut_slice()[rows.start * obs_dim..rows.end * obs_dim];
        let reward = &mut batch.reward[rows.clone()];
        let end = &mut batch.end[rows.clone()];
        let origin = &mut batch.origin[rows];
        for (((&index, reward), end), origin) in indices.iter().zip(reward).zip(end).zip(origin) {
            let record = self.record(index as usize);
            let record = move_short(&mut obs, record, obs_dim);
            let record = move_short(&mut act, record, act_dim);
            let record = move_short(&mut next_obs, record, obs_dim);
            *reward = record[0];
            *end = Tag::of(record[1]).end();
            *origin = Origin::from_bits(record[2].to_bits());
        }
    }

    /// Brings records into the cache from word `from` on, by looking at a word of each of their cache lines.
    ///
    /// Copying a record takes so many instructions that a processor sees only few records ahead, and waits for each of
    /// them; these loads are all it sees here, so the waiting overlaps. It halves the time of a gather.
    #[inline(always)]
    pub(crate) fn fetch(&self, indices: &[u32], from: usize) {
        const LINE: usize = 64 / size_of::<f32>();
        let mut seen = 0;
        for &index in indices {
            let record = &self.record(index as usize)[from..];
            let mut word = 0;
            while word < record.len() {
                seen ^= record[word].to_bits();
                word += LINE;
            }
            seen ^= record[record.len() - 1].to_bits();
        }
        black_box(seen);
    }
}

/// Copies the first `n` numbers of a record to the front of `to`, moves `to` past them and returns the rest of the record.
#[inline(always)]
fn move_short<'a>(to: &mut &mut [f32], record: &'a [f32], n: usize) -> &'a [f32] {
    let (from, rest) = record.split_at(n);
    copy_short(to.split_off_mut(..n).unwrap_or_default(), from);
    rest
}

/// Copies a row of a few numbers.
///
/// A call to `memcpy` of a length that the compiler does not know costs as much as copying such a row, so it is copied
/// four numbers at a time; the last four overlap those before.
#[inline(always)]
pub(crate) fn copy_short(to: &mut [f32], from: &[f32]) {
    const CHUNK: usize = 4;
    const LONG: usize = 128;
    if to.len() > LONG {
        to.copy_from_slice(from);
    } else if let (Some(to_last), Some(from_last)) =
        (to.last_chunk_mut::<CHUNK>(), from.last_chunk::<CHUNK>())
    {
        *to_last = *from_last;
        for (to, from) in to.as_chunks_mut::<CHUNK>().0.iter_mut().zip(from.as_chunks::<CHUNK>().0) {
            *to = *from;
        }
    } else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::{Dims, End, Transition};

    #[test]
    fn rows_of_any_width_are_copied_whole() {
        for n in 0..300 {
            let from: Vec<f32> = (1..=n).map(|i| i as f32).collect();
            let mut to = vec![0.0; from.len()];
            copy_short(&mut to, &from);
            assert_eq!(to, from);
        }
    }

    #[test]
    fn more_than_a_block_of_rows_of_any_width_is_gathered() {
        for (obs_dim, act_dim) in [(0, 0), (0, 1), (1, 0), (3, 1), (4, 4), (5, 8), (17, 6), (130, 9)] {
            let mut buffer = ReplayBuffer::new(Dims { obs: obs_dim, act: act_dim }, 100).unwrap();
            for i in 0..150 {
                let numbers =
                    |from: usize, n: usize| (0..n).map(|k| (i * 1000 + from + k) as f32).collect::<Vec<_>>();
                let end = [End::Running, End::Terminated, End::Truncated][i % 3];
                let (obs, act, next_obs) =
                    (numbers(0, obs_dim), numbers(300, act_dim), numbers(600, obs_dim));
                let origin = Origin::Model { member: i as u16, policy: 1 };
                buffer
                    .push(Transition {
                        obs: &obs,
                        act: &act,
                        next_obs: &next_obs,
                        reward: i as f32,
                        end,
                        origin,
                    })
                    .unwrap();
            }
            let indices: Vec<u32> = (0..3 * BLOCK as u32 + 1).map(|k| (k * 37) % 100).collect();
            let mut batch = TransitionBatch::default();
            buffer.gather(&indices, &mut batch).unwrap();
            assert_eq!((batch.len(), batch.dims()), (indices.len(), buffer.dims()));
            for (row, &index) in batch.iter().zip(&indices) {
                assert_eq!(row, buffer.get(index as usize));
                assert_eq!(row.reward as u32, 50 + index);
            }
        }
    }
}
