//! The lemma, the lower bound and theorem 4.4 against exact returns.

mod measured;
mod metric;
mod tight;

use super::*;
use crate::ModelledMdp;
use crate::arbitrary::{Case, cases};
use mbrl_core::TabularMdp;
use mbrl_plan::{TabularPolicy, return_moments};
use proptest::prelude::*;

fn many(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, ..ProptestConfig::default() }
}

fn returned(mdp: &TabularMdp, policy: &TabularPolicy, gamma: f64) -> f64 {
    return_moments(mdp, policy, gamma).unwrap().start_mean(mdp)
}

/// What rounding may do to returns of these worlds.
fn rounding(worlds: &ModelledMdp, gamma: f64) -> f64 {
    1e-9 * (1.0 + worlds.discounted(gamma).unwrap().widest_gap())
}

/// Every deterministic policy.
fn deterministic(worlds: &ModelledMdp) -> impl Iterator<Item = TabularPolicy> {
    let (states, actions) = (worlds.truth().states() as u32, worlds.truth().actions());
    (0..actions.pow(states)).map(move |code| {
        let chosen = (0..states).map(|state| (code / actions.pow(state) % actions) as u32);
        TabularPolicy::deterministic(actions, &chosen.collect::<Vec<_>>()).unwrap()
    })
}

/// A case, and an admissible estimate: the total variation, or something above it.
fn estimated() -> impl Strategy<Value = (Case, ErrorEstimate)> {
    (cases(), prop::collection::vec(prop_oneof![Just(0.0), 0.0f64..0.5], 15)).prop_map(|(case, slack)| {
        let exact = ErrorEstimate::total_variation(&case.worlds);
        let u = exact.as_slice().iter().zip(slack).map(|(u, slack)| u + slack).collect();
        let u = ErrorEstimate::new(&case.worlds, u).unwrap();
        (case, u)
    })
}

proptest! {
    #![proptest_config(many(8000))]

    #[test]
    fn the_gap_of_the_returns_is_what_each_move_is_overrated_by(case in cases()) {
        let Case { worlds, policy, gamma, .. } = case;
        let lemma = telescope(&worlds, &policy, gamma).unwrap();
        let slack = rounding(&worlds, gamma);
        prop_assert!((lemma.model_return - returned(worlds.model(), &policy, gamma)).abs() <= slack);
        prop_assert!((lemma.true_return - returned(worlds.truth(), &policy, gamma)).abs() <= slack);
        prop_assert!((lemma.model_return - lemma.true_return - lemma.gap).abs() <= slack, "{lemma:?}");
        let c = worlds.discounted(gamma).unwrap().widest_gap();
        prop_assert!(lemma.span() <= c + slack);
        for state in 0..worlds.truth().states() {
            for action in 0..worlds.truth().actions() {
                let g = lemma.g(state, action);
                let ended = worlds.truth().is_terminal(state);
                prop_assert!(!ended || g.abs() <= 0.0, "nobody acts in {state}");
                prop_assert!(g.abs() <= lemma.span() * worlds.total_variation(state, action) + slack || ended);
            }
        }
    }

    #[test]
    fn no_policy_does_worse_in_the_world_than_in_the_penalized_model((case, u) in estimated()) {
        let Case { worlds, policy, data_policy, gamma } = case;
        u.check_admissible(&worlds, &ErrorEstimate::total_variation(&worlds)).unwrap();
        let lambda = penalty_weight(worlds.discounted(gamma).unwrap());
        let pessimist = penalized(&worlds, &u, lambda).unwrap();
        // A penalty has no bound of its own: what rounding does is relative to it.
        let slack = rounding(&worlds, gamma) + 1e-9 * lambda / (1.0 - gamma);
        for policy in [&policy, &data_policy] {
            let bound = returned(&pessimist, policy, gamma);
            prop_assert!(bound <= returned(worlds.truth(), policy, gamma) + slack);
            let met = eps_u(&worlds, policy, &u, gamma).unwrap();
            let apart = returned(worlds.model(), policy, gamma) - lambda * met;
            prop_assert!((bound - apart).abs() <= slack, "{bound} {apart}");
        }
    }

    #[test]
    fn the_smallest_lambda_is_where_the_two_returns_meet((case, u) in estimated()) {
        let Case { worlds, policy, data_policy, gamma } = case;
        let slack = rounding(&worlds, gamma);
        let mut largest = 0.0f64;
        for policy in [&policy, &data_policy] {
            let lambda = smallest_lambda(&worlds, policy, &u, gamma).unwrap();
            largest = largest.max(lambda);
            let lemma = telescope(&worlds, policy, gamma).unwrap();
            prop_assert!(lambda <= gamma * lemma.span() * (1.0 + 1e-9), "{lambda} is not above what is known to do");
            let bound = returned(&penalized(&worlds, &u, lambda).unwrap(), policy, gamma);
            if lambda > 0.0 {
                // Any less would leave the bound above the true return, as it falls with lambda.
                prop_assert!((bound - lemma.true_return).abs() <= slack, "{bound} {}", lemma.true_return);
                prop_assert!(eps_u(&worlds, policy, &u, gamma).unwrap() > 0.0);
            } else {
                prop_assert!(bound <= lemma.true_return + slack);
            }
        }
        let both = smallest_lambda_of_all(&worlds, [&policy, &data_policy], &u, gamma).unwrap();
        prop_assert_eq!(both.to_bits(), largest.to_bits());
    }

    #[test]
    fn of_the_true_model_nothing_is_subtracted(case in cases()) {
        let Case { worlds, policy, gamma, .. } = case;
        let truth = worlds.truth();
        let same = (0..truth.states()).flat_map(|s| (0..truth.actions()).map(move |a| (s, a)));
        let same = same.flat_map(|(s, a)| truth.transition(s, a).iter().copied()).collect();
        let worlds = ModelledMdp::new(truth, same).unwrap();
        let u = ErrorEstimate::total_variation(&worlds);
        let lambda = penalty_weight(worlds.discounted(gamma).unwrap());
        let bound = returned(&penalized(&worlds, &u, lambda).unwrap(), &policy, gamma);
        prop_assert_eq!(bound.to_bits(), returned(worlds.truth(), &policy, gamma).to_bits());
        let zero = 0.0f64.to_bits();
        prop_assert_eq!(telescope(&worlds, &policy, gamma).unwrap().gap.abs().to_bits(), zero);
        prop_assert_eq!(smallest_lambda(&worlds, &policy, &u, gamma).unwrap().to_bits(), zero);
    }
}

proptest! {
    #![proptest_config(many(4000))]

    #[test]
    fn the_best_of_the_penalized_model_is_nearly_the_best((case, u) in estimated()) {
        let Case { worlds, policy, data_policy, gamma } = case;
        let lambda = penalty_weight(worlds.discounted(gamma).unwrap());
        let optimum = penalized_optimum(&worlds, &u, lambda, gamma).unwrap();
        let found = returned(worlds.truth(), &optimum.policy, gamma);
        let slack = rounding(&worlds, gamma) + 1e-9 * lambda / (1.0 - gamma);
        let all: Vec<_> = deterministic(&worlds).collect();
        let pessimist = penalized(&worlds, &u, lambda).unwrap();
        let best = returned(&pessimist, &optimum.policy, gamma);
        prop_assert!((best - optimum.value).abs() <= slack);
        for rival in all.iter().chain([&policy, &data_policy]) {
            let short = theorem_4_4(lambda, eps_u(&worlds, rival, &u, gamma).unwrap()).unwrap();
            let promised = returned(worlds.truth(), rival, gamma) - short;
            prop_assert!(found >= promised - slack, "{found} {promised}");
            prop_assert!(best >= returned(&pessimist, rival, gamma) - slack);
        }
    }
}
