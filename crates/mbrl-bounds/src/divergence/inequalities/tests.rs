//! The values of the bounds; that they hold is tested with the distances.

use super::*;
use crate::divergence::discrete;
use proptest::prelude::*;

#[test]
fn the_ends_are_the_ends() {
    for bound in [pinsker, bretagnolle_huber, total_variation_from_kl] {
        assert_eq!(bound(f64::INFINITY).unwrap().to_bits(), 1f64.to_bits());
        assert_eq!(bound(0.0).unwrap().to_bits(), 0);
        for (kl, says) in [(-1.0, "kl is -1: expected at least 0"), (f64::NAN, "kl is NaN")] {
            assert!(bound(kl).unwrap_err().to_string().contains(says));
        }
    }
    assert_eq!(least_kl(0.0).unwrap().to_bits(), 0);
    assert_eq!(least_kl(1.0).unwrap().to_bits(), f64::INFINITY.to_bits());
    assert_eq!(total_variation_from_hellinger(0.0).unwrap().map(f64::to_bits), [0, 0]);
    assert_eq!(total_variation_from_hellinger(1.0).unwrap().map(f64::to_bits), [1f64.to_bits(); 2]);
    for both in [jensen_shannon_from_total_variation, jensen_shannon_from_hellinger] {
        assert_eq!(both(0.0).unwrap().map(f64::to_bits), [0, 0]);
        assert!(both(1.0).unwrap().iter().all(|js| (js - LN_2).abs() < 1e-15));
        assert!(both(1.5).is_err_and(|error| error.is_invalid()));
    }
    assert_eq!(jensen_shannon_from_kl(f64::INFINITY, 0.0).unwrap().to_bits(), LN_2.to_bits());
    assert!(jensen_shannon_from_kl(0.0, -1.0).unwrap_err().to_string().contains("kl(q, p) is -1"));
    assert!(least_kl(1.5).unwrap_err().to_string().contains("total variation is 1.5: expected 0 to 1"));
}

/// By hand: √(0.08/2) and √(1 − 1/e); Pinsker is below 1 up to a KL of 2, and the two cross at 1.5936.
#[test]
fn each_bound_is_the_better_one_somewhere() {
    assert!((pinsker(0.08).unwrap() - 0.2).abs() < 1e-15);
    assert_eq!(pinsker(2.5).unwrap().to_bits(), 1f64.to_bits());
    assert!((bretagnolle_huber(1.0).unwrap() - 0.7950600976206501).abs() < 1e-15);
    for (kl, better) in [(1.59, pinsker as fn(f64) -> Result<f64>), (1.60, bretagnolle_huber)] {
        assert_eq!(total_variation_from_kl(kl).unwrap().to_bits(), better(kl).unwrap().to_bits());
    }
}

/// For 1e-9 the leading terms of the series; the seams between series and formula show no step.
#[test]
fn small_numbers_keep_their_digits() {
    assert!((least_kl(1e-9).unwrap() / 2e-18 - 1.0).abs() < 1e-12);
    assert!((jensen_shannon_from_total_variation(1e-9).unwrap()[0] / 0.5e-18 - 1.0).abs() < 1e-12);
    let low_js = |v| jensen_shannon_from_total_variation(v).map(|ends| ends[0]);
    for of_tv in [least_kl as fn(f64) -> Result<f64>, low_js] {
        let (below, above) = (of_tv(SMALL * (1.0 - 1e-14)).unwrap(), of_tv(SMALL).unwrap());
        assert!((above / below - 1.0).abs() < 1e-11, "{below} {above}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Coins are as far apart as anything, and no coin on a fine grid has less.
    #[test]
    fn the_least_kl_is_that_of_a_coin_and_beats_both_bounds(v in 1e-4f64..0.9999) {
        let least = least_kl(v).unwrap();
        prop_assert!(least >= (2.0 * v * v).max(-(-v * v).ln_1p()) * (1.0 - 1e-9));
        let coin = |b: f64| discrete::kl(&[b + v, 1.0 - b - v], &[b, 1.0 - b]).unwrap();
        let grid = (1..200).map(|i| coin(f64::from(i) / 200.0 * (1.0 - v))).fold(f64::INFINITY, f64::min);
        prop_assert!(least <= grid * (1.0 + 1e-9) && grid <= least * 1.01 + 0.01, "{} {}", least, grid);
    }
}
