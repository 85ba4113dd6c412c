//! Approximations of the posterior are what their formulas say, and none is Bayes' rule to the bit.

use super::*;
use mbrl_core::Key;

#[test]
fn a_power_counts_observations_more_than_once_or_less() {
    for config in [beta(-8.0, 8.0, 1.5, 2.5), normal_gamma()] {
        let once = after_data(config.clone());
        // Twice the data is the data at power 2: of counts to the bit, of sums to rounding.
        let mut twice = once.clone();
        DATA.into_iter().for_each(|row| see(&mut twice, row).unwrap());
        let squared = Distortion { power: 2.0, ..Distortion::NONE };
        for i in 0..8 {
            let (a, b) = (once.draw_distorted(squared, Key::root(i)), twice.draw(Key::root(i)));
            let (a, b) = (a.unwrap(), b.unwrap());
            for (state, action) in (0..3).flat_map(|s| [(s, 0), (s, 1)]) {
                assert_eq!(a.transition(state, action), b.transition(state, action));
                assert!(close(a.mean_reward(state, action), b.mean_reward(state, action)));
            }
        }
        // At power 0 nothing was seen, and at power 1 it is the posterior.
        let (never, none) = (Distortion { power: 0.0, ..Distortion::NONE }, Distortion::NONE);
        assert_eq!(once.mean_distorted(never).unwrap(), posterior(config).mean().unwrap());
        assert_eq!(once.draw_distorted(none, Key::root(1)).unwrap(), once.draw(Key::root(1)).unwrap());
        assert_eq!(once.mean_distorted(none).unwrap(), once.mean().unwrap());
    }
}

#[test]
fn pseudo_observations_hold_a_move_where_it_begins() {
    let posterior = after_data(beta(-8.0, 8.0, 1.0, 1.0));
    let (plain, stays) = (posterior.mean().unwrap(), Distortion { stays: 2.0, ..Distortion::NONE });
    let wrong = posterior.mean_distorted(stays).unwrap();
    for (state, action) in (0..3).flat_map(|s| [(s, 0), (s, 1)]) {
        let all: f64 = posterior.concentration(state, action).sum();
        for next in 0..3 {
            let more = if next == state { 2.0 } else { 0.0 };
            let expected = (plain.transition(state, action)[next] * all + more) / (all + 2.0);
            assert!(close(wrong.transition(state, action)[next], expected));
        }
        assert!(close(wrong.mean_reward(state, action), plain.mean_reward(state, action)));
    }
    for bad in [Distortion { power: -1.0, ..stays }, Distortion { stays: f64::NAN, ..stays }] {
        let error = posterior.draw_distorted(bad, Key::root(0)).unwrap_err().to_string();
        assert!(error.contains("expected a number from 0"), "{error}");
        assert!(posterior.mean_distorted(bad).is_err());
    }
}

#[test]
fn the_world_of_the_data_has_their_frequencies_and_borrows_the_rest() {
    let posterior = after_data(normal_gamma());
    let fallback = posterior.draw(Key::root(3)).unwrap();
    let empirical = posterior.empirical(&fallback).unwrap();
    for (state, action) in (0..3).flat_map(|s| [(s, 0), (s, 1)]) {
        let rows = || DATA.into_iter().filter(|row| (row.0, row.1) == (state, action));
        let n = rows().count() as f64;
        if n < 1.0 {
            assert_eq!(empirical.transition(state, action), fallback.transition(state, action));
            assert!(close(empirical.mean_reward(state, action), fallback.mean_reward(state, action)));
            continue;
        }
        for next in 0..3 {
            let seen = rows().filter(|row| row.3 == next).count() as f64 / n;
            assert!(close(empirical.transition(state, action)[next], seen));
        }
        let earned = rows().map(|row| f64::from(row.2)).sum::<f64>() / n;
        assert!(close(empirical.mean_reward(state, action), earned));
    }
    let other = TabularMdp::new(1, vec![1.0], vec![0.0], vec![1.0], vec![false]).unwrap();
    let error = posterior.empirical(&other).unwrap_err().to_string();
    assert!(error.contains("the fallback has [1, 1] states and actions, the posterior [3, 2]"), "{error}");
}
