//! Rows that can be told apart, and frequencies held against their distribution.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use mbrl_buffer::{Dims, End, Origin, ReplayBuffer, Transition};

pub(crate) const DIMS: Dims = Dims { obs: 2, act: 1 };

/// The numbers of the row with this serial number: every field tells which row it is.
pub(crate) struct Numbers {
    pub(crate) obs: [f32; 2],
    pub(crate) act: [f32; 1],
    pub(crate) next_obs: [f32; 2],
}

pub(crate) fn numbers(serial: u32) -> Numbers {
    let x = serial as f32;
    Numbers { obs: [x, -x], act: [x + 0.25], next_obs: [x + 0.5, -x - 0.5] }
}

/// Calls `with` with the row of this serial number.
pub(crate) fn with_row<T>(serial: u32, end: End, with: impl FnOnce(Transition<'_>) -> T) -> T {
    let Numbers { obs, act, next_obs } = numbers(serial);
    let origin = match serial % 3 {
        0 => Origin::World,
        k => Origin::Model { member: serial as u16, policy: k as u16 },
    };
    with(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward: serial as f32, end, origin })
}

pub(crate) fn push(buffer: &mut ReplayBuffer, serial: u32, end: End) {
    with_row(serial, end, |row| buffer.push(row)).unwrap();
}

/// A buffer of `len` rows with serial numbers from 0, in episodes of `episode` rows that end as `end`.
pub(crate) fn filled(capacity: usize, len: u32, episode: u32, end: End) -> ReplayBuffer {
    let mut buffer = ReplayBuffer::new(DIMS, capacity).unwrap();
    for serial in 0..len {
        let last = serial % episode == episode - 1;
        push(&mut buffer, serial, if last { end } else { End::Running });
    }
    buffer
}

/// The serial number that a row tells, having checked that all its fields tell the same one.
pub(crate) fn serial_of(row: Transition<'_>) -> u32 {
    let serial = row.obs[0] as u32;
    with_row(serial, row.end, |expected| assert_eq!(row, expected));
    serial
}

/// Holds how often each cell was hit in `n` independent draws against its probability.
///
/// By Bernstein's inequality, which holds for every n and p, a count leaves n·p ± t with probability at most
/// 2·exp(−t² / (2·(n·p·(1 − p) + t/3))). The bound t is the one at which all cells together reach 1e-7.
pub(crate) fn assert_frequencies(what: &str, counts: &[u64], probabilities: &[f64], n: u64) {
    const FALSE_ALARM: f64 = 1e-7;
    assert_eq!(counts.len(), probabilities.len());
    let x = (2.0 * counts.len() as f64 / FALSE_ALARM).ln();
    for (cell, (&count, &p)) in counts.iter().zip(probabilities).enumerate() {
        let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
        let bound = x / 3.0 + ((x / 3.0).powi(2) + 2.0 * x * variance).sqrt();
        assert!(
            (count as f64 - mean).abs() <= bound,
            "{what}, cell {cell}: {count} of {n}, expected {mean} ± {bound}"
        );
        assert!(p > 0.0 || count == 0, "{what}, cell {cell} was hit {count} times and cannot be");
    }
}
