//! Bayes' rule against itself done in one go, and what it leads to.

use super::super::arbitrary::beliefs;
use super::*;
use mbrl_core::Key;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn an_episode_weighs_models_by_the_product_of_its_probabilities(
        prior in beliefs(),
        path in prop::collection::vec((0usize..2, 0usize..2, 0usize..3, any::<bool>()), 1..6),
        first in 0usize..2,
    ) {
        let states = prior.mdps()[0].states();
        let mut state = first % states;
        let mut moves = Vec::new();
        for (action, next, source, looked) in path {
            if prior.mdps()[0].is_terminal(state) {
                break;
            }
            let next = next % states;
            let reward = prior.mdps()[source % prior.mdps().len()].reward(state, action)[next];
            moves.push(Move { state, action, reward: looked.then_some(reward), next });
            state = next;
        }
        prop_assume!(!moves.is_empty());
        let likelihood = |mdp: &TabularMdp| {
            moves.iter().fold(mdp.start()[moves[0].state], |product, seen| {
                let modelled = mdp.reward(seen.state, seen.action)[seen.next];
                let agrees = seen.reward.is_none_or(|reward| (reward - modelled).abs() < 0.1);
                product * mdp.transition(seen.state, seen.action)[seen.next] * f64::from(u8::from(agrees))
            })
        };
        let pairs = prior.mdps().iter().zip(prior.weights());
        let joint: Vec<f64> = pairs.map(|(mdp, w)| w * likelihood(mdp)).collect();
        let evidence: f64 = joint.iter().sum();
        let mut posterior = prior.clone();
        let observed = posterior.observe_episode(&moves);
        if evidence > 0.0 {
            observed.unwrap();
            for (weight, joint) in posterior.weights().iter().zip(&joint) {
                prop_assert!((weight - joint / evidence).abs() < 1e-12);
            }
        } else {
            let error = observed.unwrap_err().to_string();
            prop_assert!(error.contains("is impossible in every model"), "{}", error);
            prop_assert_eq!(&posterior, &prior);
        }
    }

    #[test]
    fn best_policies_get_the_weight_of_the_models_they_are_best_in(prior in beliefs(), horizon in 1u64..4) {
        let states = prior.mdps()[0].states();
        let policies = Policies::deterministic(states, 2).unwrap();
        let p = prior.best_policies(&policies, horizon).unwrap();
        for (policy, p) in p.iter().enumerate() {
            let pairs = prior.mdps().iter().zip(prior.weights());
            let expected: f64 = pairs
                .filter(|(mdp, _)| {
                    let values = policies.values(mdp, horizon).unwrap();
                    // Of equals, the first.
                    let ahead = values[..policy].iter().all(|v| *v < values[policy] - 1e-10);
                    ahead && values[policy..].iter().all(|v| *v < values[policy] + 1e-10)
                })
                .map(|(_, w)| w)
                .sum();
            prop_assert!((p - expected).abs() < 1e-12);
        }
    }
}

fn coin(heads: f64) -> TabularMdp {
    let row = [1.0 - heads, heads];
    TabularMdp::new(1, [row, row].concat(), vec![0.0, 1.0, 0.0, 1.0], vec![1.0, 0.0], vec![false; 2]).unwrap()
}

/// By the inequality of Chernoff a correct posterior fails this with a probability below 1e-26: the affinity of the two
/// coins is 0.966, its power of 2000 is e^−69, and odds of a million are needed.
#[test]
fn the_posterior_concentrates_on_the_truth() {
    for truth in 0..2 {
        let heads = [0.5, 0.75][truth];
        let mut belief = FiniteBelief::new(vec![coin(0.5), coin(0.75)], vec![0.5, 0.5]).unwrap();
        let key = Key::root(7).child("coin");
        let mut state = 0;
        for toss in 0..2000 {
            let next = usize::from(f64::from(key.at(toss).uniform()) < heads);
            belief.observe(&Move { state, action: 0, reward: None, next }).unwrap();
            state = next;
        }
        assert!(belief.weights()[truth] > 1.0 - 1e-6, "{:?}", belief.weights());
    }
}

#[test]
fn rewards_tell_models_apart_that_move_alike_to_within_the_tolerance() {
    let pays = |reward: f64| TabularMdp::new(1, vec![1.0], vec![reward], vec![1.0], vec![false]).unwrap();
    let prior = FiniteBelief::new(vec![pays(1.0), pays(1e6)], vec![0.5, 0.5]).unwrap();
    let after = |reward: f64| {
        let mut belief = prior.clone();
        belief.observe(&Move { state: 0, action: 0, reward: Some(reward), next: 0 }).map(|()| belief.weights)
    };
    assert_eq!(after(1.0 + 0.9e-9).unwrap(), [1.0, 0.0]);
    assert!(after(1.0 + 1.1e-9).is_err());
    assert_eq!(after(1e6 + 0.9e-3).unwrap(), [0.0, 1.0]);
    assert!(after(1e6 + 1.1e-3).is_err());
}

#[test]
fn rewards_span_what_can_be_earned() {
    // Action 0 stays and earns 2; action 1 leaves for good and earns 3. Moves that are impossible would earn 9.
    let world = |ends: bool| {
        let transition = vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
        let last = if ends { 9.0 } else { 2.5 };
        let reward = vec![2.0, 9.0, 9.0, 3.0, 9.0, last, 9.0, last];
        TabularMdp::new(2, transition, reward, vec![1.0, 0.0], vec![false, ends]).unwrap()
    };
    for (ends, span) in [(false, 1.0), (true, 3.0)] {
        let belief = FiniteBelief::new(vec![world(ends)], vec![1.0]).unwrap();
        assert!((belief.reward_span() - span).abs() < 1e-15);
    }
}

#[test]
fn what_is_no_belief_or_no_move_is_refused_by_name() {
    let ending = TabularMdp::new(1, vec![0.5; 4], vec![0.0; 4], vec![1.0, 0.0], vec![false, true]).unwrap();
    let single = TabularMdp::new(1, vec![1.0], vec![0.0], vec![1.0], vec![false]).unwrap();
    let make = |mdps: &[&TabularMdp], weights: &[f64]| {
        FiniteBelief::new(mdps.iter().map(|mdp| (*mdp).clone()).collect(), weights.to_vec())
    };
    let fair = coin(0.5);
    for (refused, says) in [
        (make(&[], &[]), "there are no models"),
        (make(&[&fair], &[0.5, 0.5]), "2 weights for 1 models: give one for each"),
        (make(&[&fair, &fair], &[0.5, 0.6]), "the weights of the models: the probabilities sum to 1.1"),
        (make(&[&fair, &fair], &[f64::NAN, 1.0]), "the weights of the models: probability 0 is NaN"),
        (make(&[&fair, &single], &[0.5, 0.5]), "model 1 has [1, 1] states and actions, model 0 [2, 1]"),
        (make(&[&fair, &ending], &[0.5, 0.5]), "state 1 is terminal in only one of model 1 and model 0"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let mut belief = make(&[&ending], &[1.0]).unwrap();
    let seen = Move { state: 0, action: 0, reward: Some(0.0), next: 1 };
    for (refused, says) in [
        (belief.observe(&Move { state: 2, ..seen }), "from state 2 to 1: there are 1 actions and 2 states"),
        (belief.observe(&Move { next: 2, ..seen }), "from state 0 to 2"),
        (belief.observe(&Move { action: 1, ..seen }), "a move by action 1"),
        (belief.observe(&Move { state: 1, ..seen }), "from state 1, which is terminal"),
        (
            belief.observe(&Move { reward: Some(f64::NAN), ..seen }),
            "the reward of a move from state 0 is NaN",
        ),
        (
            belief.observe(&Move { reward: Some(1.0), ..seen }),
            "moving from state 0 to 1 by action 0 is impossible",
        ),
        (belief.observe_start(2), "start in state 2: there are 2"),
        (
            belief.observe_start(1),
            "starting in state 1 is impossible in every model that is still believed in",
        ),
        (belief.observe_episode(&[]), "an episode of no moves"),
        (
            belief.observe_episode(&[seen, Move { state: 0, ..seen }]),
            "move 0 leads to state 1 and the next begins in 0",
        ),
        (
            belief.observe_episode(&[seen, Move { state: 1, ..seen }]),
            "move 1: a move from state 1, which is terminal",
        ),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(belief, make(&[&ending], &[1.0]).unwrap());
}
