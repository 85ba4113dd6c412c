//! Batches from several sources at exact ratios.

use crate::ReplayBuffer;
use crate::sample::check_rows;
use mbrl_core::{Error, Key, Result, TransitionBatch};
use serde::{Deserialize, Serialize};

/// How `n` times a share becomes a whole number of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// Down, and the rows that are then missing go to those that lost most (the method of largest remainders).
    #[default]
    Nearest,
    /// Down for all sources but the last that has a share, which gets what is left: `int(n * real_ratio)` in the official
    /// code of MBPO.
    Floor,
}

/// The shares of several replay buffers in a batch.
///
/// ```
/// use mbrl_buffer::{Mixture, Rounding};
///
/// let real_and_imagined = [0.05, 0.95];
/// assert_eq!(Mixture::new(&real_and_imagined)?.counts(256), [13, 243]);
/// assert_eq!(Mixture::rounded(&real_and_imagined, Rounding::Floor)?.counts(256), [12, 244]);
/// # Ok::<(), mbrl_buffer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Mixture {
    shares: Vec<f64>,
    rounding: Rounding,
}

/// A mixture as it is written, before its shares are looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    shares: Vec<f64>,
    #[serde(default)]
    rounding: Rounding,
}

impl TryFrom<Unchecked> for Mixture {
    type Error = Error;

    fn try_from(Unchecked { shares, rounding }: Unchecked) -> Result<Self> {
        Mixture::rounded(&shares, rounding)
    }
}

impl Mixture {
    /// A mixture of these shares, which sum to one, rounded to the nearest.
    pub fn new(shares: &[f64]) -> Result<Self> {
        Mixture::rounded(shares, Rounding::Nearest)
    }

    /// A mixture of these shares, which sum to one.
    pub fn rounded(shares: &[f64], rounding: Rounding) -> Result<Self> {
        if let Some(i) = shares.iter().position(|share| !(0.0..=1.0).contains(share)) {
            return Err(Error::invalid(format_args!(
                "share {i} of a mixture is {:?}: expected 0 to 1",
                shares[i]
            )));
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(Error::invalid(format_args!("the shares of a mixture sum to {sum:?}: make it 1")));
        }
        Ok(Mixture { shares: shares.to_vec(), rounding })
    }

    /// The shares.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// How many of `n` rows come from each source; they sum to `n`.
    ///
    /// Each is less than one row off its share, as far as an `f64` tells: up to 2^53 rows, and by as much more as the
    /// shares do not sum to one.
    pub fn counts(&self, n: usize) -> Vec<usize> {
        (0..self.shares.len()).map(|i| self.count(i, n)).collect()
    }

    /// Makes `batch` `n` rows: those of the first source, then those of the second, and so on, each drawn uniformly
    /// with replacement.
    pub fn sample(
        &self,
        sources: &[&ReplayBuffer],
        n: usize,
        key: Key,
        batch: &mut TransitionBatch,
    ) -> Result<()> {
        if sources.len() != self.shares.len() {
            return Err(Error::invalid(format_args!(
                "{} sources for a mixture of {} shares: give one for each",
                sources.len(),
                self.shares.len()
            )));
        }
        let dims = sources[0].dims();
        for (i, (source, share)) in sources.iter().zip(&self.shares).enumerate() {
            if source.dims() != dims {
                return Err(Error::invalid(format_args!(
                    "source {i} of the mixture holds {:?} and source 0 {dims:?}: mix buffers of the same widths",
                    source.dims()
                )));
            }
            if *share > 0.0 && source.is_empty() {
                return Err(Error::invalid(format_args!(
                    "source {i} of the mixture is empty and its share is {share}: fill it first, or give it no share"
                )));
            }
        }
        check_rows(n)?;
        batch.reshape(n, dims);
        let (mut at, keys) = (0, key.child("source").below());
        for (i, source) in sources.iter().enumerate() {
            let count = self.count(i, n);
            if count > 0 {
                source.sample_at(count, keys.at(i as u64), at, batch);
            }
            at += count;
        }
        Ok(())
    }

    /// How many of `n` rows come from source `i`.
    fn count(&self, i: usize, n: usize) -> usize {
        let exact = |j: usize| n as f64 * self.shares[j];
        // Rounded down, but never to more than is left: what is left at the end is then known exactly, and the sum is n
        // whatever rounding did.
        let (mut left, mut floor) = (n, 0);
        for j in 0..self.shares.len() {
            let count = (exact(j) as usize).min(left);
            left -= count;
            if j == i {
                floor = count;
            }
        }
        let has_share = |&j: &usize| self.shares[j] > 0.0;
        if !has_share(&i) {
            return 0;
        }
        let sources = 0..self.shares.len();
        floor
            + match self.rounding {
                Rounding::Floor if sources.clone().rfind(has_share) == Some(i) => left,
                Rounding::Floor => 0,
                Rounding::Nearest => {
                    // The earlier source goes first among those that lost the same.
                    let lost = |j: usize| exact(j).fract();
                    let before = |&j: &usize| lost(j) > lost(i) || (j < i && lost(j) >= lost(i));
                    let rank = sources.clone().filter(has_share).filter(before).count();
                    // Fewer are left than sources have a share, but for shares that do not quite sum to one.
                    let takers = sources.filter(has_share).count();
                    left / takers + usize::from(rank < left % takers)
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_sum_to_n_and_are_off_by_less_than_one() {
        let mixtures: [&[f64]; 6] =
            [&[1.0], &[0.05, 0.95], &[0.1; 10], &[1.0 / 3.0; 3], &[0.0, 0.29, 0.71, 0.0], &[0.5, 0.25, 0.25]];
        for shares in mixtures {
            for n in (0..300).chain([1_000_003, u32::MAX as usize, (1 << 53) + 1, usize::MAX - 1, usize::MAX])
            {
                for rounding in [Rounding::Nearest, Rounding::Floor] {
                    let counts = Mixture::rounded(shares, rounding).unwrap().counts(n);
                    assert_eq!(counts.iter().sum::<usize>(), n, "{shares:?}, {n}, {rounding:?}");
                    for (count, share) in counts.iter().zip(shares) {
                        let off = *count as f64 - n as f64 * share;
                        let nearest = rounding == Rounding::Nearest && n < 1 << 53;
                        assert!(!nearest || off.abs() < 1.0 + 1e-5, "{shares:?}, {n}");
                        assert!(*share > 0.0 || *count == 0);
                    }
                }
            }
        }
    }

    #[test]
    fn rounding_is_as_named() {
        let mixture = Mixture::new(&[0.2, 0.35, 0.45]).unwrap();
        assert_eq!(mixture.counts(10), [2, 4, 4]);
        assert_eq!(mixture.counts(3), [1, 1, 1]);
        assert_eq!(Mixture::rounded(&[0.2, 0.35, 0.45], Rounding::Floor).unwrap().counts(10), [2, 3, 5]);
        assert_eq!(Mixture::rounded(&[0.35, 0.65, 0.0], Rounding::Floor).unwrap().counts(10), [3, 7, 0]);
    }

    #[test]
    fn shares_that_are_none_are_refused() {
        let bad: [&[f64]; 7] =
            [&[], &[0.5], &[0.5, 0.6], &[1.5, -0.5], &[f64::NAN, 1.0], &[f64::INFINITY], &[0.5, 0.5 + 1e-8]];
        for shares in bad {
            assert!(Mixture::new(shares).unwrap_err().is_invalid(), "{shares:?}");
        }
        assert!(Mixture::new(&[0.5, 0.5 + 1e-10]).is_ok());
    }

    #[test]
    fn shares_that_do_not_quite_sum_to_one_still_give_n() {
        for off in [-9e-10, 9e-10] {
            for rounding in [Rounding::Nearest, Rounding::Floor] {
                let mixture = Mixture::rounded(&[0.3, 0.0, 0.7 + off, 0.0], rounding).unwrap();
                for n in [1, 10, u32::MAX as usize, 1 << 60, usize::MAX] {
                    let counts = mixture.counts(n);
                    assert!(counts.iter().sum::<usize>() == n && counts[1] == 0 && counts[3] == 0);
                }
            }
        }
    }

    #[test]
    fn text_round_trips_and_what_is_none_is_refused() {
        let third = [1.0 / 3.0, 2.0 / 3.0];
        for mixture in
            [Mixture::new(&third).unwrap(), Mixture::rounded(&[0.05, 0.95], Rounding::Floor).unwrap()]
        {
            let json = serde_json::to_string(&mixture).unwrap();
            assert_eq!(serde_json::from_str::<Mixture>(&json).unwrap(), mixture);
        }
        let read = serde_json::from_str::<Mixture>;
        assert_eq!(
            serde_json::to_string(&read(r#"{"shares":[1.0]}"#).unwrap()).unwrap(),
            r#"{"shares":[1.0],"rounding":"nearest"}"#
        );
        for bad in [r#"{"shares":[0.5]}"#, r#"{"shares":[1.0],"round":"floor"}"#, "{}", r#"{"shares":[]}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
