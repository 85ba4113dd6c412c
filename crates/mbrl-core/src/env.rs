//! A world to act in.

use crate::{End, Error, Key, Result, Spec};

/// A world to act in, one episode after another.
///
/// The contract, which `mbrl_testkit::check_env` runs:
/// - equal keys and actions give equal bits; nothing else makes a difference;
/// - [`step`](Env::step) before the first [`reset`](Env::reset) and after the end of an episode is an error;
/// - an action with a NaN or of the wrong length is an error, after which the environment is as it was;
/// - the observation of the last step of an episode is the true successor, never that of the next episode.
///
/// Episodes are cut at a time limit by `mbrl_envs::TimeLimit`, not by the world itself.
pub trait Env: Send {
    /// What is known before the first step.
    fn spec(&self) -> &Spec;

    /// Starts an episode and writes its first observation, `[obs]`.
    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()>;

    /// Does `act`, `[act]`, and writes what is observed next, `[obs]`. A world without chance ignores `key`.
    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step>;

    /// Everything needed to go on from here to the bit, where the world can tell.
    fn snapshot(&self) -> Option<Snapshot> {
        None
    }

    /// Goes back to where `snapshot` was taken. What an environment of the same make wrote is accepted; anything else is
    /// an error, after which the environment is as it was.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let _ = snapshot;
        Err(Error::unsupported("this environment has no snapshots: reset it and replay the actions"))
    }
}

impl<E: Env + ?Sized> Env for Box<E> {
    fn spec(&self) -> &Spec {
        (**self).spec()
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        (**self).reset(key, obs)
    }

    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
        (**self).step(act, key, obs)
    }

    fn snapshot(&self) -> Option<Snapshot> {
        (**self).snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        (**self).restore(snapshot)
    }
}

/// What a step brought, beside the observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The reward.
    pub reward: f32,
    /// Whether the episode goes on.
    pub end: End,
}

/// The whole state of an environment, as bytes that only it can read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    bytes: Vec<u8>,
}

impl Snapshot {
    /// A snapshot of these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Snapshot { bytes }
    }

    /// A snapshot of these numbers, bit for bit.
    pub fn from_f64s(numbers: &[f64]) -> Self {
        Snapshot { bytes: numbers.iter().flat_map(|x| x.to_le_bytes()).collect() }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The numbers that [`from_f64s`](Snapshot::from_f64s) was given; `N` is how many there must be.
    pub fn to_f64s<const N: usize>(&self) -> Result<[f64; N]> {
        if self.bytes.len() != 8 * N {
            let len = self.bytes.len();
            return Err(Error::corrupt(format_args!(
                "a snapshot of {len} bytes: this environment writes {}",
                8 * N
            )));
        }
        let mut numbers = [0.0; N];
        for (number, bytes) in numbers.iter_mut().zip(self.bytes.as_chunks::<8>().0) {
            *number = f64::from_le_bytes(*bytes);
        }
        Ok(numbers)
    }

    /// This snapshot with eight bytes of a wrapper's own behind it; [`split`](Snapshot::split) takes them off again.
    #[must_use]
    pub fn with(mut self, word: u64) -> Self {
        self.bytes.extend(word.to_le_bytes());
        self
    }

    /// The inner snapshot and the word that [`with`](Snapshot::with) put behind it.
    pub fn split(&self) -> Result<(Snapshot, u64)> {
        let Some((inner, word)) = self.bytes.split_last_chunk::<8>() else {
            return Err(Error::corrupt("a snapshot too short for the wrapper that reads it"));
        };
        Ok((Snapshot { bytes: inner.to_vec() }, u64::from_le_bytes(*word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_round_trip_bit_for_bit() {
        let numbers = [0.1, -0.0, f64::NAN, f64::INFINITY];
        let snapshot = Snapshot::from_f64s(&numbers).with(17);
        let (inner, word) = snapshot.split().unwrap();
        assert_eq!(word, 17);
        assert_eq!(inner.to_f64s::<4>().unwrap().map(f64::to_bits), numbers.map(f64::to_bits));
        assert!(inner.to_f64s::<3>().unwrap_err().is_corrupt());
        assert!(Snapshot::default().split().unwrap_err().is_corrupt());
    }
}
