//! The ends of the family, and the best λ between them.

use super::super::arbitrary::beliefs;
use super::*;
use crate::divergence::total_variation;
use crate::psrl::{Example1, Reading};
use proptest::prelude::*;

/// A belief, all policies, a world that the data describe, a temperature and a posterior to come near to.
fn setting() -> impl Strategy<Value = (FiniteBelief, Policies, TabularMdp, f64, Vec<f64>)> {
    (beliefs(), beliefs(), 0.05f64..2.0, prop::collection::vec(0.0f64..1.0, 4)).prop_filter_map(
        "worlds of one shape",
        |(belief, other, temperature, weights)| {
            let empirical = other.mdps()[0].clone();
            let alike = super::super::posterior::check_alike("one", &empirical, "other", &belief.mdps()[0]);
            let policies = Policies::deterministic(belief.mdps()[0].states(), 2).unwrap();
            let p = crate::arbitrary::normalized(&weights[..policies.count()], policies.count());
            alike.ok().map(|()| (belief, policies, empirical, temperature, p))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn the_ends_are_delta_and_what_the_data_say(setting in setting(), horizon in 1u64..4) {
        let (q, policies, empirical, temperature, _) = setting;
        let flexible = Flexible::new(&q, &policies, horizon, &empirical, temperature).unwrap();
        for construction in [Construction::Mixture, Construction::Data] {
            let delta = flexible.conditional(construction, 0.0).unwrap();
            prop_assert_eq!(&delta, flexible.delta());
            let of_delta = q.best_policies(&policies, horizon).unwrap();
            prop_assert_eq!(flexible.policies(construction, 0.0).unwrap(), of_delta);
        }
        for model in 0..q.mdps().len() {
            let [mixture, data] = [Construction::Mixture, Construction::Data].map(|construction| {
                flexible.conditional(construction, 1.0).unwrap().row(model).to_vec()
            });
            prop_assert_eq!(&mixture, flexible.given_data());
            // Moves that the mixed MDP cannot make may have other rewards, which decides nothing.
            prop_assert_eq!(data, policies.delta(&empirical, horizon).unwrap());
            let half = flexible.conditional(Construction::Mixture, 0.25).unwrap();
            let rows = flexible.delta().row(model).iter().zip(flexible.given_data()).zip(half.row(model));
            for ((delta, given), half) in rows {
                prop_assert!((0.75 * delta + 0.25 * given - half).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn the_best_lambda_is_that_of_a_search((q, policies, empirical, temperature, p) in setting()) {
        let flexible = Flexible::new(&q, &policies, 2, &empirical, temperature).unwrap();
        let at = |construction, lambda| kl(&flexible.policies(construction, lambda).unwrap(), &p).unwrap();
        let best = flexible.best_lambda(Construction::Mixture, &p).unwrap();
        let steps = 2000u32;
        let (least, lambda) = (0..=steps)
            .map(|i| f64::from(i) / f64::from(steps))
            .map(|lambda| (at(Construction::Mixture, lambda), lambda))
            .fold((f64::INFINITY, 0.0), |best, other| if other.0 < best.0 { other } else { best });
        if best.kl.is_infinite() {
            prop_assert!(least.is_infinite() && best.lambda.abs() < 1e-15);
        } else {
            prop_assert!(best.kl <= least + 1e-15);
            prop_assert!((best.kl - at(Construction::Mixture, best.lambda)).abs() < 1e-15);
            let of_delta = flexible.policies(Construction::Mixture, 0.0).unwrap();
            let apart = total_variation(flexible.given_data(), &of_delta);
            // Convex, so that no other interval of the search can have the minimum; where the two ends are the same
            // distribution, every λ is as good.
            prop_assert!(apart < 1e-6 || (best.lambda - lambda).abs() <= 1.0 / f64::from(steps));
        }
        let best = flexible.best_lambda(Construction::Data, &p).unwrap();
        let coarse = (0..=40).map(|i| at(Construction::Data, f64::from(i) / 40.0));
        let least = coarse.fold(f64::INFINITY, f64::min);
        prop_assert!(best.kl <= least && best.kl.to_bits() == at(Construction::Data, best.lambda).to_bits());
    }

    #[test]
    fn policies_weigh_by_the_exponential_of_their_values(setting in setting(), horizon in 1u64..4) {
        let (_, policies, mdp, temperature, _) = setting;
        let q = softmax_policies(&policies, &mdp, horizon, temperature).unwrap();
        let values = policies.values(&mdp, horizon).unwrap();
        prop_assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        for (weight, value) in q.iter().zip(&values) {
            let odds = ((value - values[0]) / temperature).exp();
            prop_assert!((weight - q[0] * odds).abs() <= 1e-12 * weight);
        }
    }
}

fn bandit(pays: [f64; 2]) -> TabularMdp {
    TabularMdp::new(2, vec![1.0; 2], pays.to_vec(), vec![1.0], vec![false]).unwrap()
}

#[test]
fn the_mixture_mends_a_wrong_belief_that_delta_cannot() {
    // The weights of example 1, in a bandit: the belief is certain of the second arm, the truth is 2/3 for the first.
    let example = Example1::new(Reading::Matrix);
    let q = FiniteBelief::new(
        vec![bandit([1.0, 0.0]), bandit([0.0, 1.0])],
        example.approximate_models().to_vec(),
    )
    .unwrap();
    let (policies, p) = (Policies::deterministic(1, 2).unwrap(), example.exact_policies().unwrap());
    let empirical = bandit([1.0, 0.0]);
    let flexible = Flexible::new(&q, &policies, 1, &empirical, 0.25).unwrap();
    assert!(
        (kl(&flexible.policies(Construction::Mixture, 0.0).unwrap(), &p).unwrap() - 3f64.ln()).abs() < 1e-15
    );
    let best = flexible.best_lambda(Construction::Mixture, &p).unwrap();
    let expected = 2.0 / 3.0 / flexible.given_data()[0];
    assert!(best.kl < 1e-15 && (best.lambda - expected).abs() < 1e-9, "{best:?} {expected}");
    // Of certainties, that of the arm that the data prefer is the nearest; it is chosen from λ = 1/2 on.
    let best = flexible.best_lambda(Construction::Data, &p).unwrap();
    assert!((best.kl - 1.5f64.ln()).abs() < 1e-15 && (best.lambda - 0.5).abs() < 1e-15, "{best:?}");
}

#[test]
fn cold_policies_are_the_best_and_hot_ones_all_alike() {
    let (policies, mdp) = (Policies::deterministic(1, 2).unwrap(), bandit([1.0, 0.0]));
    assert_eq!(softmax_policies(&policies, &mdp, 1, 1e-9).unwrap(), [1.0, 0.0]);
    assert!((softmax_policies(&policies, &mdp, 1, 1e9).unwrap()[0] - 0.5).abs() < 1e-9);
    // exp(1000) is no f64.
    assert!((softmax_policies(&policies, &bandit([1000.0, 1000.0]), 1, 1.0).unwrap()[1] - 0.5).abs() < 1e-15);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let q = FiniteBelief::new(vec![bandit([1.0, 0.0])], vec![1.0]).unwrap();
    let (policies, other) = (Policies::deterministic(1, 2).unwrap(), Policies::deterministic(2, 2).unwrap());
    let empirical = bandit([0.0, 1.0]);
    let ended = TabularMdp::new(2, vec![1.0; 2], vec![0.0; 2], vec![1.0], vec![true]).unwrap();
    let flexible = Flexible::new(&q, &policies, 1, &empirical, 1.0).unwrap();
    let build =
        |policies, empirical, temperature| Flexible::new(&q, policies, 1, empirical, temperature).map(drop);
    let with = |lambda| flexible.conditional(Construction::Data, lambda).map(drop);
    let of = |lambda| flexible.conditional(Construction::Mixture, lambda).map(drop);
    let near = |p: &[f64]| flexible.best_lambda(Construction::Mixture, p).map(drop);
    for (refused, says) in [
        (build(&policies, &empirical, 0.0), "temperature is 0: expected a finite number above 0"),
        (build(&policies, &empirical, -1.0), "temperature is -1"),
        (build(&policies, &empirical, f64::NAN), "temperature is NaN"),
        (build(&other, &empirical, 1.0), "for [2, 2] states and actions, the MDP has [1, 2]"),
        (build(&policies, &ended, 1.0), "state 0 is terminal in only one of the empirical MDP and the model"),
        (with(-0.1), "lambda is -0.1: expected 0 to 1"),
        (of(1.1), "lambda is 1.1: expected 0 to 1"),
        (of(f64::NAN), "lambda is NaN"),
        (near(&[1.0]), "p has 1 policies, q(π|M) has 2"),
        (near(&[0.5, 0.6]), "p: the probabilities sum to 1.1"),
        (near(&[f64::NAN, 0.6]), "p: probability 0 is NaN"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
