//! Against scipy, against the supremum by brute force, and the properties that make these distances.

use super::*;
use crate::arbitrary::{distributions, normalized};
use crate::divergence::inequalities as bound;
use proptest::prelude::*;

/// By scipy: `reference/divergence.py`.
#[test]
fn scipy_says_the_same() {
    const SCIPY: &[[&[f64]; 3]] = &include!("../../../reference/divergence-discrete.in");
    for [p, q, expected] in SCIPY {
        let got = [
            total_variation(p, q).unwrap(),
            kl(p, q).unwrap(),
            jensen_shannon(p, q).unwrap(),
            hellinger(p, q).unwrap(),
            entropy(p).unwrap(),
        ];
        for (got, expected) in got.iter().zip(*expected) {
            assert!((got - expected).abs() < 1e-12 * expected.max(1e-4), "{got} for {expected}: {p:?} {q:?}");
        }
    }
}

#[test]
fn the_ends_of_every_range_are_met() {
    let (p, q) = ([0.25, 0.5, 0.0, 0.25, 0.0], [0.0, 0.0, 0.25, 0.0, 0.75]);
    assert_eq!(total_variation(&p, &q).unwrap().to_bits(), 1f64.to_bits());
    assert_eq!(ipm_sup_norm(&p, &q).unwrap().to_bits(), 2f64.to_bits());
    assert_eq!(kl(&p, &q).unwrap().to_bits(), f64::INFINITY.to_bits());
    assert_eq!(jensen_shannon(&p, &q).unwrap().to_bits(), LN_2.to_bits());
    assert_eq!(hellinger(&p, &q).unwrap().to_bits(), 1f64.to_bits());
    assert_eq!(entropy(&q[..3].iter().map(|x| x * 4.0).collect::<Vec<_>>()).unwrap().to_bits(), 0);
    assert_eq!(entropy(&[0.25; 4]).unwrap().to_bits(), 4f64.ln().to_bits());
    // The middle of the smallest number and 0 rounds to 0, which rules nothing out.
    assert!(jensen_shannon(&[1.0, 5e-324], &[1.0, 0.0]).unwrap() < 1e-300);
}

#[test]
fn what_is_no_pair_of_distributions_is_refused() {
    let half = [0.5, 0.5];
    for of_pair in [total_variation, kl, jensen_shannon, hellinger, ipm_sup_norm] {
        for (p, q, says) in [
            (&half[..], &[1.0][..], "p has 2 outcomes, q has 1: give as many of both"),
            (&[0.5, 0.6], &half, "p: the probabilities sum to 1.1"),
            (&half, &[1.5, -0.5], "q: probability 1 is -0.5"),
            (&half, &[f64::NAN, 1.0], "q: probability 0 is NaN"),
            (&[], &[], "p has no outcomes"),
        ] {
            let error = of_pair(p, q).unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains(says), "{error}");
        }
    }
    assert!(entropy(&[0.5]).unwrap_err().to_string().contains("p: the probabilities sum to 0.5"));
}

/// Two near or far distributions.
fn pairs() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (distributions(2), prop_oneof![2 => Just(1.0), 1 => 0.0f64..1.0, 1 => 0.0f64..1e-6]).prop_map(
        |(rows, share)| {
            let q: Vec<f64> =
                rows[0].iter().zip(&rows[1]).map(|(p, q)| (1.0 - share) * p + share * q).collect();
            let outcomes = q.len();
            (rows[0].clone(), normalized(&q, outcomes))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn distances_are_in_range_and_symmetric_and_0_between_equals((p, q) in pairs()) {
        for (distance, most) in [
            (total_variation as fn(&[f64], &[f64]) -> Result<f64>, 1.0),
            (jensen_shannon, LN_2),
            (hellinger, 1.0),
            (ipm_sup_norm, 2.0),
        ] {
            let there = distance(&p, &q).unwrap();
            prop_assert!((0.0..=most).contains(&there));
            prop_assert_eq!(there.to_bits(), distance(&q, &p).unwrap().to_bits());
            prop_assert_eq!(distance(&p, &p).unwrap().to_bits(), 0);
        }
        prop_assert!(kl(&p, &q).unwrap() >= 0.0);
        prop_assert_eq!(kl(&p, &p).unwrap().to_bits(), 0);
        let ruled_out = p.iter().zip(&q).any(|(p, q)| *p > 0.0 && *q <= 0.0);
        prop_assert_eq!(kl(&p, &q).unwrap().is_infinite(), ruled_out);
        prop_assert!((0.0..=(p.len() as f64).ln()).contains(&entropy(&p).unwrap()));
    }

    #[test]
    fn the_roots_obey_the_triangle_inequality(rows in distributions(3)) {
        let js = |p: &[f64], q: &[f64]| jensen_shannon(p, q).map(f64::sqrt);
        for distance in [total_variation as fn(&[f64], &[f64]) -> Result<f64>, hellinger, js] {
            let [a, b, c] = [(0, 1), (1, 2), (0, 2)].map(|(i, j)| distance(&rows[i], &rows[j]).unwrap());
            prop_assert!(c <= a + b + 1e-12, "{} {} {}", a, b, c);
        }
    }

    /// The supremum is attained at a vector of signs.
    #[test]
    fn twice_the_total_variation_is_the_supremum_over_functions((p, q) in pairs()) {
        let mean = |signs: u32| -> f64 {
            let f = |i: usize| if signs >> i & 1 == 1 { 1.0 } else { -1.0 };
            p.iter().zip(&q).enumerate().map(|(i, (p, q))| f(i) * (p - q)).sum()
        };
        let most = (0..1u32 << p.len()).map(mean).fold(0.0, f64::max);
        prop_assert!((ipm_sup_norm(&p, &q).unwrap() - most).abs() < 1e-15);
    }

    #[test]
    fn the_inequalities_hold((p, q) in pairs()) {
        let (tv, js) = (total_variation(&p, &q).unwrap(), jensen_shannon(&p, &q).unwrap());
        let (forth, back) = (kl(&p, &q).unwrap(), kl(&q, &p).unwrap());
        let h = hellinger(&p, &q).unwrap();
        let up = 1.0 + 1e-9;
        for kl in [forth, back] {
            prop_assert!(tv <= bound::pinsker(kl).unwrap() * up, "{} {}", tv, kl);
            prop_assert!(tv <= bound::bretagnolle_huber(kl).unwrap() * up, "{} {}", tv, kl);
            prop_assert!(bound::least_kl(tv).unwrap() <= kl * up, "{} {}", tv, kl);
        }
        for (value, [low, high]) in [
            (tv, bound::total_variation_from_hellinger(h).unwrap()),
            (js, bound::jensen_shannon_from_total_variation(tv).unwrap()),
            (js, bound::jensen_shannon_from_hellinger(h).unwrap()),
            (js, [0.5 * tv * tv, bound::jensen_shannon_from_kl(forth, back).unwrap()]),
        ] {
            prop_assert!(low <= value * up && value <= high * up, "{} {} {}", low, value, high);
        }
    }

    /// Data processing: who sees less tells less apart.
    #[test]
    fn to_merge_outcomes_brings_nothing_further_apart((p, q) in pairs(), into in prop::collection::vec(0usize..3, 6)) {
        let merged = |row: &[f64]| {
            let mut sums = vec![0.0; 3];
            row.iter().zip(&into).for_each(|(p, to)| sums[*to] += p);
            sums
        };
        let (fewer_p, fewer_q) = (merged(&p), merged(&q));
        for distance in [total_variation, kl, jensen_shannon, hellinger] {
            let (before, after) = (distance(&p, &q).unwrap(), distance(&fewer_p, &fewer_q).unwrap());
            // A sum that was rounded may be off by an ulp, of which the square root is 1e-8.
            prop_assert!(after <= before * (1.0 + 1e-9) + 1e-15, "{} {}", after, before);
        }
    }
}
