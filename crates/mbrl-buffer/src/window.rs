//! Windows: rows of one episode in a row.

use crate::ReplayBuffer;
use crate::draw::{below, shuffle};
use crate::sample::check_rows;
use mbrl_core::{ChaCha8Rng, Dims, Error, Key, Result, TransitionBatch};
use std::ops::Range;

/// Windows of equally many rows, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowBatch {
    /// The rows of the first window, then those of the second, and so on: `[windows, len]`.
    pub rows: TransitionBatch,
    /// The rows of a window.
    pub len: usize,
    /// The number in the buffer of each window's first row, `[windows]`.
    pub first: Vec<u32>,
}

impl WindowBatch {
    /// An empty batch for rows of these widths.
    pub fn new(dims: Dims) -> Self {
        WindowBatch { rows: TransitionBatch::new(dims), ..WindowBatch::default() }
    }

    /// The number of windows.
    pub fn windows(&self) -> usize {
        self.first.len()
    }

    /// Where the rows of window `w` are in [`rows`](WindowBatch::rows).
    pub fn window(&self, w: usize) -> Range<usize> {
        w * self.len..(w + 1) * self.len
    }
}

impl ReplayBuffer {
    /// Makes `batch` `n` windows of `len` rows in a row, drawn uniformly and independently from all there are.
    ///
    /// A window lies within one episode of one lane: where an episode ended, that row is the last of its window.
    pub fn sample_windows(&self, n: usize, len: usize, key: Key, batch: &mut WindowBatch) -> Result<()> {
        let lead = self.lead(len)?;
        self.check_drawable(n.saturating_mul(len))?;
        if lead >= self.len {
            return Err(self.none_so_long(len));
        }
        batch.first.resize(n, 0);
        self.draw_windows(lead, len, &mut key.rng(), &mut batch.first)?;
        self.copy_windows(len, batch);
        Ok(())
    }

    /// Makes `batch` the windows of `len` rows that begin with these rows, in this order; a row may come twice.
    ///
    /// Refused are windows that the end of an episode, a cut or the newest row would cut short.
    pub fn gather_windows(&self, first: &[u32], len: usize, batch: &mut WindowBatch) -> Result<()> {
        let lead = self.lead(len)?;
        self.check_indices(first)?;
        check_rows(first.len().saturating_mul(len))?;
        let crosses = |&&start: &&u32| {
            let last = (start as usize).saturating_add(lead);
            last >= self.len || !self.window_ends_at(last, len)
        };
        if let Some(start) = first.iter().find(crosses) {
            return Err(Error::invalid(format_args!(
                "a window of {len} rows from row {start} would cross the end of its episode: ask for shorter ones, or begin earlier"
            )));
        }
        batch.first.clear();
        batch.first.extend_from_slice(first);
        self.copy_windows(len, batch);
        Ok(())
    }

    /// How far before its last row a window begins.
    fn lead(&self, len: usize) -> Result<usize> {
        if len == 0 {
            return Err(Error::invalid("a window of 0 rows: ask for at least one"));
        }
        Ok((len - 1).saturating_mul(self.lanes))
    }

    /// Fills in the rows of the windows that begin where `batch` says.
    fn copy_windows(&self, len: usize, batch: &mut WindowBatch) {
        batch.len = len;
        batch.rows.reshape(batch.first.len() * len, self.dims());
        let lanes = self.lanes as u32;
        let indices = batch.first.iter().flat_map(|&first| (0..len as u32).map(move |t| first + t * lanes));
        self.gather_each(indices, 0, &mut batch.rows);
    }

    /// Fills `first` with the first rows of windows.
    ///
    /// Tries rows at random as long as that promises to be cheaper than looking at all; then looks at all, so that the
    /// only window among a million rows is found too. Either way each window is as likely as any other.
    fn draw_windows(&self, lead: usize, len: usize, rng: &mut ChaCha8Rng, first: &mut [u32]) -> Result<()> {
        let ends = (self.len - lead) as u32;
        let tries = 16 * first.len() + self.len / 4;
        let mut found = 0;
        for _ in 0..tries {
            if found == first.len() {
                return Ok(());
            }
            let start = below(rng, ends);
            if self.window_ends_at(start as usize + lead, len) {
                first[found] = start;
                found += 1;
            }
        }
        let rest = &mut first[found..];
        let starts = || (0..ends).filter(|&start| self.window_ends_at(start as usize + lead, len));
        let Ok(windows @ 1..) = u32::try_from(starts().count()) else {
            return Err(self.none_so_long(len));
        };
        // Ranks among all windows, in ascending order, become windows in one pass.
        rest.fill_with(|| below(rng, windows));
        rest.sort_unstable();
        let mut ranked = (0..).zip(starts());
        let mut at = ranked.next();
        for start in rest.iter_mut() {
            while let Some((rank, window)) = at {
                if rank == *start {
                    *start = window;
                    break;
                }
                at = ranked.next();
            }
        }
        shuffle(rest, rng);
        Ok(())
    }

    /// Whether the `len` rows up to and including `last` are of one episode; none of them is older than the oldest.
    #[inline(always)]
    fn window_ends_at(&self, last: usize, len: usize) -> bool {
        self.tag(last).run() as usize >= len
    }

    #[cold]
    fn none_so_long(&self, len: usize) -> Error {
        if self.unordered {
            return Error::invalid(format_args!(
                "a window of {len} rows of an unordered replay buffer, whose rows continue nothing: ask for windows of 1"
            ));
        }
        Error::invalid(format_args!(
            "no episode in the replay buffer holds {len} steps in a row: ask for shorter windows or collect longer episodes"
        ))
    }
}
