//! Numbers that grow with the steps done.

use mbrl_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The length of rollouts by epoch: from `first` to `last`, on a straight line between two epochs, rounded down.
///
/// ```
/// use mbrl_agents::Schedule;
///
/// let hopper = Schedule { from: 20, to: 150, first: 1, last: 15 };
/// assert_eq!([0, 20, 29, 30, 150, 400].map(|epoch| hopper.at(epoch)), [1, 1, 1, 2, 15, 15]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The epoch until which it is `first`.
    pub from: u64,
    /// The epoch from which on it is `last`.
    pub to: u64,
    /// The length at first.
    pub first: usize,
    /// The length in the end.
    pub last: usize,
}

impl Schedule {
    /// The same length in every epoch.
    pub fn constant(length: usize) -> Self {
        Schedule { from: 0, to: 1, first: length, last: length }
    }

    /// The length in an epoch, counted from 0.
    pub fn at(&self, epoch: u64) -> usize {
        if epoch <= self.from {
            return self.first;
        }
        if epoch >= self.to {
            return self.last;
        }
        // In whole numbers, so that no rounding of a quotient decides: the floor of first + (last − first)·share.
        let (done, all) = ((epoch - self.from) as i128, (self.to - self.from) as i128);
        let (first, last) = (self.first as i128, self.last as i128);
        (first * all + (last - first) * done).div_euclid(all) as usize
    }

    /// Refuses a schedule that goes back in time, or has rollouts of no length.
    pub fn validate(&self) -> Result<()> {
        if self.from >= self.to {
            return Err(Error::invalid(format_args!(
                "from epoch {} to {}: the second has to come after the first",
                self.from, self.to
            )));
        }
        if self.first == 0 || self.last == 0 {
            return Err(Error::invalid(format_args!(
                "from {} steps to {}: imagine at least 1",
                self.first, self.last
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_official_line_rounded_down() {
        // jannerm/mbpo: min(max(y, min), max) with y = (epoch - e0) / (e1 - e0) * (max - min) + min, then int().
        for (from, to, first, last) in [(20, 150, 1, 15), (20, 100, 1, 25), (1, 15, 1, 1), (0, 7, 3, 8)] {
            let schedule = Schedule { from, to, first, last };
            for epoch in 0..200_u64 {
                let share = (epoch as f64 - from as f64) / (to - from) as f64;
                let line = share * (last as f64 - first as f64) + first as f64;
                // Where the line meets a whole number it is one, whatever rounding makes of it.
                let expected = (line + 1e-9).max(first as f64).min(last as f64) as usize;
                assert_eq!(schedule.at(epoch), expected, "epoch {epoch} of {schedule:?}");
            }
        }
        let falling = Schedule { from: 0, to: 4, first: 5, last: 1 };
        assert_eq!([0, 1, 2, 3, 4].map(|epoch| falling.at(epoch)), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn a_schedule_that_cannot_be_is_refused() {
        assert!(
            Schedule { from: 5, to: 5, first: 1, last: 1 }
                .validate()
                .unwrap_err()
                .to_string()
                .contains("epoch 5")
        );
        assert!(Schedule::constant(0).validate().unwrap_err().to_string().contains("at least 1"));
        assert!(Schedule::constant(1).validate().is_ok());
    }
}
