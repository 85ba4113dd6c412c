//! Numbers and indices from a generator, to all the digits that `f64` has.

use mbrl_core::{ChaCha8Rng, RngCore};

/// A number from [0, 1), a multiple of 2^-53.
pub fn draw_unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// An index drawn with these probabilities, never one of probability 0.
///
/// # Panics
///
/// Where there is no index to draw.
pub fn draw_index(probabilities: &[f64], rng: &mut ChaCha8Rng) -> usize {
    assert!(!probabilities.is_empty(), "an index of none");
    let mut left = draw_unit(rng);
    for (i, p) in probabilities.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return i;
        }
    }
    // Rounding left a little.
    probabilities.iter().rposition(|p| *p > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::Key;

    /// Six deviations of 40,000 draws: the three tests together raise a false alarm with probability below 7e-9.
    #[test]
    fn indices_come_as_often_as_they_should_and_impossible_ones_never() {
        const DRAWS: usize = 40_000;
        let (p, mut counts) = ([0.0, 0.1, 0.0, 0.6, 0.3 - 1e-12, 0.0], [0.0; 6]);
        let mut rng = Key::root(1).rng();
        (0..DRAWS).for_each(|_| counts[draw_index(&p, &mut rng)] += 1.0);
        for (count, p) in counts.into_iter().zip(p) {
            let deviation = (p * (1.0 - p) / DRAWS as f64).sqrt();
            assert!((count / DRAWS as f64 - p).abs() <= 6.0 * deviation, "{counts:?}");
        }
    }
}
