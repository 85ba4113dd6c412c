//! What is drawn, from what was earned.

use super::*;
use proptest::prelude::*;

/// What policies earned, one episode after the other.
fn earned(policies: usize, episodes: &[(u16, f64)]) -> Earned {
    let mut earned = Earned::new(policies);
    episodes.iter().for_each(|(policy, total)| earned.add(*policy, *total));
    earned
}

fn optimistic(tau: f64, score: Score) -> Sampling {
    Sampling::Optimistic { tau, score }
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
}

#[test]
fn weights_are_those_of_the_paper() {
    let earned = earned(3, &[(0, 1.0), (1, 2.0), (0, 3.0)]);
    let by_hand = |scores: [f64; 3]| {
        let sum: f64 = scores.iter().map(|score| score.exp()).sum();
        scores.map(|score| score.exp() / sum)
    };
    // The sums are 4, 2 and nothing.
    assert!(close(&earned.weights(optimistic(2.0, Score::Sum)), &by_hand([2.0, 1.0, 0.0])));
    // The means are 2 and 2, and the third is as good as the best until it is tried.
    assert!(close(&earned.weights(optimistic(0.1, Score::Mean)), &[1.0 / 3.0; 3]));
    // The returns 1, 2, 3 have a mean of 2 and a variance of 2/3; the sums of distances are 0.
    assert!(close(&earned.weights(optimistic(0.1, Score::Normalized)), &[1.0 / 3.0; 3]));
    let two = super::tests::earned(2, &[(0, 5.0), (1, 9.0)]);
    assert!(close(&two.weights(optimistic(2.0, Score::Normalized))[..1], &[1.0 / (1.0 + 1_f64.exp())]));
}

#[test]
fn a_sum_is_moved_by_a_shift_and_the_others_are_not() {
    // The same three episodes, with 10 less for each: a policy that was never drawn is then preferred.
    let [kept, less] =
        [0.0, -10.0].map(|shift| earned(3, &[(0, 4.0 + shift), (1, 5.0 + shift), (0, 3.0 + shift)]));
    let at = |earned: &Earned, score| earned.weights(optimistic(1.0, score));
    assert!(at(&kept, Score::Sum)[2] < 1e-2 && at(&less, Score::Sum)[2] > 0.99);
    for score in [Score::Mean, Score::Normalized] {
        assert!(close(&at(&kept, score), &at(&less, score)), "{score:?}");
    }
    let twice = earned(3, &[(0, 8.0), (1, 10.0), (0, 6.0)]);
    assert!(close(&at(&kept, Score::Normalized), &at(&twice, Score::Normalized)));
    assert!(!close(&at(&kept, Score::Mean), &at(&twice, Score::Mean)));
}

#[test]
fn it_is_uniform_for_large_tau_and_greedy_for_small() {
    let earned = earned(4, &[(0, 1e3), (1, -2e3), (2, 1e3), (3, 7.0)]);
    for score in [Score::Sum, Score::Mean, Score::Normalized] {
        let weights = |tau| earned.weights(optimistic(tau, score));
        let bits = |weights: Vec<f64>| weights.iter().map(|weight| weight.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(weights(f64::MAX)), bits(earned.weights(Sampling::Uniform)), "{score:?}");
        assert!(close(&weights(f64::MIN_POSITIVE), &[0.5, 0.0, 0.5, 0.0]), "{score:?}");
    }
    assert_eq!(earned.favourite(Sampling::Uniform), 0);
    // Who never played is nobody's favourite, though the mean takes it for as good as the best.
    let earned = super::tests::earned(4, &[(1, 1.0), (2, 2.0)]);
    assert_eq!(earned.favourite(Sampling::Uniform), 2);
    assert_eq!(earned.favourite(optimistic(1.0, Score::Mean)), 2);
    assert_eq!(Earned::new(3).favourite(Sampling::Uniform), 0);
}

#[test]
fn the_first_episode_of_a_population_that_has_earned_nothing_is_anyones() {
    for score in [Score::Sum, Score::Mean, Score::Normalized] {
        assert!(close(&Earned::new(5).weights(optimistic(1.0, score)), &[0.2; 5]), "{score:?}");
    }
}

#[test]
fn a_temperature_that_is_none_is_refused() {
    for tau in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = optimistic(tau, Score::Sum).validate().unwrap_err().to_string();
        assert!(error.starts_with(&format!("tau is {tau}: give")), "{error}");
    }
    assert!(optimistic(1e-9, Score::Sum).validate().is_ok() && Sampling::Uniform.validate().is_ok());
}

proptest! {
    #[test]
    fn weights_are_a_distribution_whatever_was_earned(
        totals in prop::collection::vec((0..4_u16, -1e12..1e12_f64), 0..20),
        power in -300..300_i32,
    ) {
        let earned = earned(4, &totals);
        for score in [Score::Sum, Score::Mean, Score::Normalized] {
            let weights = earned.weights(optimistic(10_f64.powi(power), score));
            prop_assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(entropy(&weights) <= 4_f64.ln() + 1e-9);
        }
    }
}
