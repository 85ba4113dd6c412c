//! Drawing whole numbers exactly: no bias, and bits that depend on nothing but the key.

use mbrl_core::{ChaCha8Rng, RngCore};

/// A number below `n`, each equally likely; `n` is not zero.
///
/// Lemire's method (2019, "Fast random integer generation in an interval"): a multiplication, and a division only in the
/// rare case that a draw must be thrown away. Written out because recorded results hang on these bits, which must not
/// move when a library changes its mind.
#[inline]
pub(crate) fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    let mut wide = u64::from(rng.next_u32()) * u64::from(n);
    if (wide as u32) < n {
        let threshold = n.wrapping_neg() % n;
        while (wide as u32) < threshold {
            wide = u64::from(rng.next_u32()) * u64::from(n);
        }
    }
    (wide >> 32) as u32
}

/// A number from [0, 1): 53 bits.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Puts `items` in an order of which each is equally likely (Fisher and Yates); there are fewer than 2³² of them.
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i as u32 + 1) as usize);
    }
}

/// Whether to take the next item, where `left` are to come and `wanted` of them are to be chosen (Knuth's Algorithm S:
/// every subset of the right size is equally likely).
pub(crate) fn select(rng: &mut ChaCha8Rng, wanted: usize, left: usize) -> bool {
    (below(rng, left as u32) as usize) < wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_core::Key;

    /// Moving any of these numbers changes every result ever recorded: it is a "Value-changing" entry of the changelog.
    #[test]
    fn value_stability() {
        let mut rng = Key::root(0).child("draw").rng();
        let drawn: Vec<u32> = (0..5).map(|_| below(&mut rng, 1000)).collect();
        let mut items = [0, 1, 2, 3, 4];
        shuffle(&mut items, &mut rng);
        assert_eq!((drawn, items), (vec![463, 680, 893, 335, 551], [1, 3, 2, 0, 4]));
        assert_eq!(unit(&mut rng).to_bits(), 4_606_546_687_139_122_924);
    }

    #[test]
    fn the_largest_range_is_reached_and_one_is_zero() {
        let mut rng = Key::root(1).rng();
        let top = (0..64).map(|_| below(&mut rng, u32::MAX)).max();
        assert!(top > Some(u32::MAX / 8 * 7) && below(&mut rng, 1) == 0);
    }

    #[test]
    fn exactly_the_wanted_are_selected() {
        let mut rng = Key::root(2).rng();
        for wanted in 0..=20 {
            let mut missing = wanted;
            for left in (1..=20).rev() {
                missing -= usize::from(select(&mut rng, missing, left));
            }
            assert_eq!(missing, 0);
        }
    }
}
