//! Against scipy, and against each other.

use super::*;
use proptest::prelude::*;

/// By scipy: `reference/divergence.py`.
#[test]
fn scipy_says_the_same() {
    const SCIPY: &[[&[f64]; 5]] = &include!("../../../reference/divergence-sets.in");
    for [xs, p, ys, q, expected] in SCIPY {
        let got = [line(xs, p, ys, q).unwrap(), samples(xs, ys).unwrap()];
        for (got, expected) in got.iter().zip(*expected) {
            assert!((got - expected).abs() < 1e-12, "{got} for {expected}: {xs:?} {ys:?}");
        }
    }
}

#[test]
fn what_is_no_set_of_points_is_refused() {
    for (refused, says) in [
        (line(&[0.0], &[1.0], &[0.0, 1.0], &[1.0]), "q has 2 points and 1 weights: give one weight for each"),
        (line(&[0.0], &[0.5], &[0.0], &[1.0]), "p: the probabilities sum to 0.5"),
        (line(&[0.0], &[1.0], &[f64::NAN], &[1.0]), "q: point 0 is NaN"),
        (samples(&[], &[1.0]), "xs has no points: give one at least"),
        (samples(&[0.0], &[1.0, f64::INFINITY]), "ys: point 1 is inf"),
        (samples(&[f64::MAX], &[f64::MIN]), "W1 comes to inf"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// Points of which some are the same.
fn points(most: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![2 => -3.0f64..3.0, 1 => (-3i8..3).prop_map(f64::from)], 1..=most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_metric_and_knows_shifts_and_scales(xs in points(8), ys in points(8), zs in points(8), shift in -2.0f64..2.0) {
        let w1 = samples(&xs, &ys).unwrap();
        prop_assert_eq!(w1.to_bits(), samples(&ys, &xs).unwrap().to_bits());
        prop_assert!(w1 <= samples(&xs, &zs).unwrap() + samples(&zs, &ys).unwrap() + 1e-12);
        let mut turned = xs.clone();
        turned.reverse();
        prop_assert_eq!(samples(&xs, &turned).unwrap().to_bits(), 0);
        let with = |xs: &[f64], f: &dyn Fn(f64) -> f64| xs.iter().map(|x| f(*x)).collect::<Vec<_>>();
        let shifted = samples(&xs, &with(&xs, &|x| x + shift)).unwrap();
        prop_assert!((shifted - shift.abs()).abs() < 1e-12);
        let scaled = samples(&with(&xs, &|x| -3.0 * x), &with(&ys, &|x| -3.0 * x)).unwrap();
        prop_assert!((scaled - 3.0 * w1).abs() < 1e-12);
        // Of equally many draws, each goes to the one of its rank.
        if xs.len() == ys.len() {
            let (mut xs, mut ys) = (xs.clone(), ys.clone());
            xs.sort_by(f64::total_cmp);
            ys.sort_by(f64::total_cmp);
            let ranks: f64 = xs.iter().zip(&ys).map(|(x, y)| (x - y).abs()).sum();
            prop_assert!((w1 - ranks / xs.len() as f64).abs() < 1e-12);
        }
        let even = |xs: &[f64]| vec![1.0 / xs.len() as f64; xs.len()];
        prop_assert!((line(&xs, &even(&xs), &ys, &even(&ys)).unwrap() - w1).abs() < 1e-12);
        prop_assert_eq!(line(&xs, &even(&xs), &xs, &even(&xs)).unwrap().to_bits(), 0);
    }
}
