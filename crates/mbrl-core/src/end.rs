//! Whether an episode goes on after a transition, and if not, why.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How a transition leaves its episode.
///
/// Termination and truncation are different things and are never one bool: a terminated episode has no future, so the
/// value of its last state is zero; a truncated one was merely cut off, so its last state keeps its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum End {
    /// The episode goes on.
    #[default]
    Running = 0,
    /// The task is over: the successor has no future.
    Terminated = 1,
    /// The episode was cut, by a time limit say: the successor has a future that nobody saw.
    Truncated = 2,
}

impl End {
    /// Whether the episode is over, for whichever reason.
    pub fn is_end(self) -> bool {
        self != End::Running
    }

    /// Whether the value of the successor counts: always, but after termination.
    pub fn bootstraps(self) -> bool {
        self != End::Terminated
    }

    /// What the successor's value is multiplied by: `gamma`, or zero after termination.
    pub fn discount(self, gamma: f32) -> f32 {
        if self.bootstraps() { gamma } else { 0.0 }
    }
}

impl TryFrom<u8> for End {
    type Error = Error;

    fn try_from(byte: u8) -> Result<Self> {
        match byte {
            0 => Ok(End::Running),
            1 => Ok(End::Terminated),
            2 => Ok(End::Truncated),
            other => Err(Error::invalid(format_args!("{other} is not an episode end: expected 0, 1 or 2"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_termination_cuts_the_bootstrap() {
        assert_eq!([End::Running, End::Terminated, End::Truncated].map(End::bootstraps), [true, false, true]);
        assert_eq!([End::Running, End::Terminated, End::Truncated].map(End::is_end), [false, true, true]);
        assert_eq!(End::Terminated.discount(0.5).to_bits(), 0.0f32.to_bits());
        assert_eq!(End::Truncated.discount(0.5).to_bits(), 0.5f32.to_bits());
    }

    #[test]
    fn bytes_round_trip_and_others_are_refused() {
        for byte in 0..=255u8 {
            match End::try_from(byte) {
                Ok(end) => assert_eq!(end as u8, byte),
                Err(error) => assert!(byte > 2 && error.is_invalid()),
            }
        }
    }
}
