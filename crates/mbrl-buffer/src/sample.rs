//! Uniform sampling, with replacement and without.

use crate::ReplayBuffer;
use crate::draw::{below, select, shuffle};
use crate::gather::BLOCK;
use mbrl_core::{ChaCha8Rng, Error, Key, Result, TransitionBatch};

impl ReplayBuffer {
    /// Makes `batch` `n` rows, each drawn uniformly and independently: a row may come twice.
    pub fn sample(&self, n: usize, key: Key, batch: &mut TransitionBatch) -> Result<()> {
        self.check_drawable(n)?;
        batch.reshape(n, self.dims());
        self.sample_at(n, key, 0, batch);
        Ok(())
    }

    /// Makes `batch` `n` rows that are all different, in random order; every choice of them is equally likely.
    pub fn sample_distinct(&self, n: usize, key: Key, batch: &mut TransitionBatch) -> Result<()> {
        if n > self.len {
            return Err(Error::invalid(format_args!(
                "{n} different rows of a replay buffer of {}: ask for fewer, or sample with replacement",
                self.len
            )));
        }
        batch.reshape(n, self.dims());
        // The rewards are the last that is known of the rows, so until then their column holds the indices, as bits: the
        // one memory that is surely long enough and need not be asked for.
        draw_distinct(&mut batch.reward, self.len, &mut key.rng());
        for at in (0..n).step_by(BLOCK) {
            let mut block = [0; BLOCK];
            let filled = BLOCK.min(n - at);
            for (index, word) in block.iter_mut().zip(&batch.reward[at..at + filled]) {
                *index = word.to_bits();
            }
            self.gather_block(&block[..filled], at, batch);
        }
        Ok(())
    }

    /// Draws `n` rows of a buffer that is not empty over the rows of `batch` from `at` on.
    pub(crate) fn sample_at(&self, n: usize, key: Key, at: usize, batch: &mut TransitionBatch) {
        let mut rng = key.rng();
        let len = self.len as u32;
        self.gather_each((0..n).map(|_| below(&mut rng, len)), at, batch);
    }

    /// Whether `n` rows can be drawn with replacement.
    pub(crate) fn check_drawable(&self, n: usize) -> Result<()> {
        if self.is_empty() {
            return Err(Error::invalid("the replay buffer is empty: push a row before sampling"));
        }
        check_rows(n)
    }
}

/// Whether a batch can number so many rows.
pub(crate) fn check_rows(n: usize) -> Result<()> {
    if u32::try_from(n).is_err() {
        return Err(Error::invalid(format_args!("{n} rows are too many for one batch: sample several")));
    }
    Ok(())
}

/// Fills `words` with the bits of different numbers below `len`.
fn draw_distinct(words: &mut [f32], len: usize, rng: &mut ChaCha8Rng) {
    if words.len() > len / 2 {
        let mut chosen = 0;
        for i in 0..len {
            if select(rng, words.len() - chosen, len - i) {
                words[chosen] = f32::from_bits(i as u32);
                chosen += 1;
            }
        }
    } else {
        // Those that came twice are drawn again until none is left. No number is treated differently from another, so
        // no set is likelier than another; at most half of the numbers are taken, so the rounds are few.
        let mut distinct = 0;
        while distinct < words.len() {
            for word in &mut words[distinct..] {
                *word = f32::from_bits(below(rng, len as u32));
            }
            words.sort_unstable_by_key(|word| word.to_bits());
            distinct = dedup(words);
        }
    }
    shuffle(words, rng);
}

/// Moves the first of each run of equal words to the front and says how many there are.
fn dedup(words: &mut [f32]) -> usize {
    let mut distinct = 0;
    for i in 0..words.len() {
        if i == 0 || words[i].to_bits() != words[distinct - 1].to_bits() {
            words[distinct] = words[i];
            distinct += 1;
        }
    }
    distinct
}
