//! Windows of recorded transitions that follow each other.

use super::predictions::check_rows;
use mbrl_core::{Dataset, Error, Result, Transition, TransitionBatch};

/// Runs of consecutive transitions of one episode, all equally long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The number of each window's first row in the data.
    pub first: Vec<u32>,
    /// The rows of a window.
    pub horizon: usize,
    /// So many rows further in the data comes the next of the same episode: 1, unless that many episodes were recorded side
    /// by side.
    pub lanes: u32,
}

const CHUNK: usize = 1024;

impl Windows {
    /// All windows of `horizon` rows that the data hold, overlapping ones among them.
    ///
    /// A row continues the one before where that one did not end its episode and its successor is this one's observation.
    pub fn find(data: &dyn Dataset, horizon: usize, lanes: u32) -> Result<Self> {
        let found = Windows { first: Vec::new(), horizon, lanes };
        let lead = found.lead()?;
        let mut first = Vec::new();
        // How many rows in a row, up to and with each, are of one episode.
        let mut run = vec![1; data.len()];
        let (mut before, mut after) = (TransitionBatch::default(), TransitionBatch::default());
        let rows: Vec<u32> = (0..data.len() as u32).collect();
        let lanes = (lanes as usize).min(rows.len());
        for (i, rows_after) in rows[lanes..].chunks(CHUNK).enumerate() {
            let rows_before = &rows[i * CHUNK..][..rows_after.len()];
            data.gather(rows_before, &mut before)?;
            data.gather(rows_after, &mut after)?;
            for (row, (before, after)) in before.iter().zip(after.iter()).enumerate() {
                if breach(before, after).is_none() {
                    run[rows_after[row] as usize] = run[rows_before[row] as usize] + 1;
                }
            }
        }
        for row in rows.into_iter().skip(lead) {
            if run[row as usize] >= horizon {
                first.push(row - lead as u32);
            }
        }
        match first.is_empty() {
            true => Err(Error::invalid(format_args!(
                "no episode in the data holds {horizon} steps in a row: ask for fewer"
            ))),
            false => Ok(Windows { first, ..found }),
        }
    }

    /// The same windows, but only every `n`th: those that follow each other closely say much the same.
    #[must_use]
    pub fn every(mut self, n: usize) -> Self {
        self.first = self.first.into_iter().step_by(n.max(1)).collect();
        self
    }

    /// How far behind its first row the last row of a window is.
    fn lead(&self) -> Result<usize> {
        if self.horizon == 0 || self.lanes == 0 {
            return Err(Error::invalid(format_args!(
                "windows of {} rows over {} lanes: ask for at least one of each",
                self.horizon, self.lanes
            )));
        }
        Ok((self.horizon - 1).saturating_mul(self.lanes as usize))
    }

    /// Refuses windows that are none, or that the data do not hold. Whether their rows follow each other is seen on the way.
    pub(super) fn check(&self, data: &dyn Dataset) -> Result<()> {
        check_rows(data, &self.first)?;
        let lead = self.lead()?;
        match self.first.iter().find(|&&first| lead >= data.len() - first as usize) {
            Some(first) => Err(Error::invalid(format_args!(
                "a window of {} rows from row {first} reaches past the {} transitions: begin earlier",
                self.horizon,
                data.len()
            ))),
            None => Ok(()),
        }
    }
}

/// Why a transition does not continue another, if it does not.
pub(super) fn breach(before: Transition<'_>, after: Transition<'_>) -> Option<String> {
    if before.end.is_end() {
        return Some(format!("ends its episode ({:?})", before.end));
    }
    // A zero is a zero, whatever its sign; and NaN continues nothing.
    let differs = |(a, b): (&f32, &f32)| (a + 0.0).to_bits() != (b + 0.0).to_bits() || a.is_nan();
    let column = before.next_obs.iter().zip(after.obs).position(differs)?;
    Some(format!(
        "leads to {} in column {column}, where the next row begins at {}",
        before.next_obs[column], after.obs[column]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::fake::{Fake, member, played};
    use mbrl_core::{End, Key, Mode};

    fn episodes(seed: u64, ends: &[usize], rows: usize) -> TransitionBatch {
        let world = Fake::of(2, vec![member(0.5, 0.25, 0.5, 0.0)]);
        let mut data = played(&world, rows, Mode::Sample, Key::root(seed));
        for &end in ends {
            data.end[end] = End::Truncated;
        }
        data
    }

    #[test]
    fn windows_stay_within_episodes() {
        let mut data = episodes(0, &[9, 13], 3000);
        // A row that was lost: its neighbours no longer meet, though nobody says so.
        data.obs.row_mut(2000)[1] += 1.0;
        for horizon in [1, 2, 4, 5, 11] {
            let found = Windows::find(&data, horizon, 1).unwrap();
            let within = |first: &usize| {
                let last = first + horizon - 1;
                [9, 13, 1999].iter().all(|&end| !(*first <= end && end < last)) && last < 3000
            };
            let expected: Vec<u32> = (0..3000usize).filter(within).map(|first| first as u32).collect();
            assert_eq!(found.first, expected, "{horizon}");
        }
        assert_eq!(Windows::find(&data, 5, 1).unwrap().every(1000).first, [0, 1008, 2012]);
    }

    #[test]
    fn lanes_interleave() {
        let (one, other) = (episodes(0, &[], 40), episodes(1, &[20], 40));
        let mut data = TransitionBatch::new(one.dims());
        for i in 0..40 {
            data.push(one.get(i));
            data.push(other.get(i));
        }
        let found = Windows::find(&data, 30, 2).unwrap();
        assert_eq!(found.first, (0..11).map(|i| 2 * i).collect::<Vec<u32>>());
        assert!(
            Windows::find(&data, 2, 1).unwrap_err().to_string().contains("no episode in the data holds 2")
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let data = episodes(0, &[], 20);
        for (horizon, lanes) in [(0, 1), (1, 0), (21, 1), (usize::MAX, 3), (2, 100)] {
            assert!(Windows::find(&data, horizon, lanes).unwrap_err().is_invalid(), "{horizon} {lanes}");
        }
        let check = |first, horizon| Windows { first: vec![0, first], horizon, lanes: 2 }.check(&data);
        assert!(check(13, 4).is_ok());
        assert!(check(14, 4).unwrap_err().to_string().contains("window of 4 rows from row 14 reaches past"));
        assert!(check(20, 1).unwrap_err().to_string().contains("row 20 of 20"));
    }
}
