//! What the exact tools must agree on with each other, with brute force, and with NumPy and SciPy.

use super::arbitrary::{shapes, with_policy};
use super::*;
use proptest::prelude::*;

fn close(found: &[f64], expected: &[f64], tolerance: f64) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() <= tolerance)
}

fn reference_case() -> (TabularMdp, TabularPolicy) {
    let terminal = vec![false, false, false, true];
    let (transition, reward) = (reference::TRANSITION.to_vec(), reference::REWARD.to_vec());
    let mdp = TabularMdp::new(2, transition, reward, reference::START.to_vec(), terminal).unwrap();
    (mdp, TabularPolicy::new(2, reference::POLICY.to_vec()).unwrap())
}

#[test]
fn numpy_and_scipy_say_the_same() {
    use reference::{DISCOUNT, STEPS};
    let (mdp, policy) = reference_case();
    let moments = return_moments(&mdp, &policy, DISCOUNT).unwrap();
    assert!(close(moments.mean(), &reference::MEAN, 1e-12), "{moments:?}");
    assert!(close(moments.variance(), &reference::VARIANCE, 1e-12), "{moments:?}");
    let finite = finite_return_moments(&mdp, |_| &policy, STEPS, DISCOUNT).unwrap();
    assert!(close(finite.mean(0), &reference::FINITE_MEAN, 1e-12), "{finite:?}");
    assert!(close(finite.variance(0), &reference::FINITE_VARIANCE, 1e-12), "{finite:?}");
    // SciPy's sum includes no terminal state, for START leaves it out.
    let rho = occupancy(&mdp, &policy, DISCOUNT).unwrap();
    assert!(close(rho.states(), &reference::OCCUPANCY, 1e-12), "{rho:?}");
    let optimum = policy_iteration(&mdp, DISCOUNT).unwrap();
    assert!(close(optimum.values(), &reference::OPTIMUM, 1e-6), "{optimum:?}");
}

/// The return of every course of `steps` moves from a first state, with its probability: all of them, by brute force.
fn courses(mdp: &TabularMdp, policies: &[&TabularPolicy], discount: f64, state: usize) -> Vec<(f64, f64)> {
    let Some((policy, rest)) = policies.split_first().filter(|_| !mdp.is_terminal(state)) else {
        return vec![(1.0, 0.0)];
    };
    let mut all = Vec::new();
    for action in 0..mdp.actions() {
        for next in 0..mdp.states() {
            let p = policy.probabilities(state)[action] * mdp.transition(state, action)[next];
            let reward = mdp.reward(state, action)[next];
            let later = if p > 0.0 { courses(mdp, rest, discount, next) } else { Vec::new() };
            all.extend(later.into_iter().map(|(q, gain)| (p * q, reward + discount * gain)));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_three_roads_to_the_optimum_meet(mdp in shapes(), discount in 0.0f64..0.95) {
        let swept = value_iteration(&mdp, discount, 1e-9).unwrap();
        let exact = policy_iteration(&mdp, discount).unwrap();
        // Rewards are below 1, so what is beyond 600 steps is worth less than 0.95^600 / 0.05 = 1e-12.
        let counted = backward_induction(&mdp, 600, discount).unwrap();
        for state in 0..mdp.states() {
            prop_assert!((swept.value(state) - exact.value(state)).abs() <= 1.1e-9);
            prop_assert!((counted.value(0, state) - exact.value(state)).abs() <= 1e-11);
            let q = exact.action_values(state);
            prop_assert!(q.iter().all(|q| *q <= exact.value(state) + 1e-12));
            prop_assert_eq!(exact.value(state).to_bits(), q[exact.action(state)].to_bits());
        }
        // The policy of the exact plan is worth what the plan says.
        let worth = return_moments(&mdp, &exact.policy(), discount).unwrap();
        prop_assert!(close(worth.mean(), exact.values(), 1e-11));
        prop_assert!((worth.start_mean(&mdp) - exact.start_value(&mdp)).abs() < 1e-11);
        // Greed for the optimum's values finds actions as good.
        let greedy = TabularPolicy::greedy(&mdp, exact.values(), discount).unwrap();
        prop_assert!(close(return_moments(&mdp, &greedy, discount).unwrap().mean(), exact.values(), 1e-10));
    }

    #[test]
    fn a_coarse_tolerance_is_kept_too(mdp in shapes(), discount in 0.0f64..0.99, tolerance in 0.01f64..1.0) {
        let coarse = value_iteration(&mdp, discount, tolerance).unwrap();
        let exact = policy_iteration(&mdp, discount).unwrap();
        prop_assert!(close(coarse.values(), exact.values(), tolerance * (1.0 + 1e-9)));
    }

    #[test]
    fn moments_are_those_of_all_courses(
        (mdp, first) in with_policy(),
        discount in 0.0f64..=1.0,
    ) {
        // Two policies that differ, so that steps mixed up are noticed.
        let second = TabularPolicy::deterministic(mdp.actions(), &vec![0; mdp.states()]).unwrap();
        let policies = [&first, &second, &first];
        let moments = finite_return_moments(&mdp, |t| policies[t], 3, discount).unwrap();
        let (mut mean, mut second_moment) = (0.0, 0.0);
        for state in 0..mdp.states() {
            let all = courses(&mdp, &policies, discount, state);
            let of = |f: &dyn Fn(f64) -> f64| all.iter().map(|(p, gain)| p * f(*gain)).sum::<f64>();
            let centre = of(&|gain| gain);
            prop_assert!((moments.mean(0)[state] - centre).abs() < 1e-12);
            prop_assert!((moments.variance(0)[state] - of(&|gain| (gain - centre).powi(2))).abs() < 1e-12);
            mean += mdp.start()[state] * centre;
            second_moment += mdp.start()[state] * of(&|gain| gain * gain);
        }
        prop_assert!((moments.start_mean(&mdp) - mean).abs() < 1e-12);
        prop_assert!((moments.start_variance(&mdp) - (second_moment - mean * mean)).abs() < 1e-11);
        prop_assert!(moments.mean(3).iter().chain(moments.variance(3)).all(|zero| zero.abs() < 1e-300));
    }

    #[test]
    fn for_ever_is_a_long_time((mdp, policy) in with_policy(), discount in 0.0f64..0.9) {
        let ever = return_moments(&mdp, &policy, discount).unwrap();
        let long = finite_return_moments(&mdp, |_| &policy, 400, discount).unwrap();
        prop_assert!(close(ever.mean(), long.mean(0), 1e-11));
        prop_assert!(close(ever.variance(), long.variance(0), 1e-10));
        prop_assert!((ever.start_mean(&mdp) - long.start_mean(&mdp)).abs() < 1e-11);
        prop_assert!((ever.start_variance(&mdp) - long.start_variance(&mdp)).abs() < 1e-10);
    }

    #[test]
    fn occupancies_flow_and_earn_the_value((mdp, policy) in with_policy(), discount in 0.0f64..0.95) {
        let rho = occupancy(&mdp, &policy, discount).unwrap();
        let live = |state: usize| if mdp.is_terminal(state) { 0.0 } else { 1.0 };
        for next in 0..mdp.states() {
            // Bellman's flow: ρ(s') = (1 − γ) start(s') + γ Σ ρ(s, a) p(s'|s, a).
            let inflow = rho.mean_of(|state, action| mdp.transition(state, action)[next]);
            let flow = live(next) * ((1.0 - discount) * mdp.start()[next] + discount * inflow);
            prop_assert!((rho.states()[next] - flow).abs() < 1e-13);
            prop_assert!((rho.pairs(next).iter().sum::<f64>() - rho.states()[next]).abs() < 1e-13);
        }
        let earned = rho.mean_of(|state, action| mdp.mean_reward(state, action)) / (1.0 - discount);
        prop_assert!((earned - return_moments(&mdp, &policy, discount).unwrap().start_mean(&mdp)).abs() < 1e-11);
        // Over by the next step is what was over before, and what this step ends.
        let over = |row: &[f64]| (0..mdp.states()).map(|state| (1.0 - live(state)) * row[state]).sum::<f64>();
        let ends = rho.mean_of(|state, action| over(mdp.transition(state, action)));
        let ended = (1.0 - discount) * over(mdp.start()) + discount * (rho.ended() + ends);
        prop_assert!((rho.ended() - ended).abs() < 1e-12);
    }

    #[test]
    fn finite_occupancies_add_up_to_the_discounted_one((mdp, policy) in with_policy(), discount in 0.0f64..0.9) {
        let (steps, rho) = (400, occupancy(&mdp, &policy, discount).unwrap());
        let visits = finite_occupancy(&mdp, |_| &policy, steps).unwrap();
        let mut earned = 0.0;
        for state in 0..mdp.states() {
            for action in 0..mdp.actions() {
                let shares = (0..steps).map(|t| discount.powi(t as i32) * visits.pairs(t, state)[action]);
                prop_assert!(((1.0 - discount) * shares.sum::<f64>() - rho.pairs(state)[action]).abs() < 1e-12);
                earned += (0..3).map(|t| visits.pairs(t, state)[action]).sum::<f64>() * mdp.mean_reward(state, action);
            }
        }
        let short = finite_return_moments(&mdp, |_| &policy, 3, 1.0).unwrap();
        prop_assert!((short.start_mean(&mdp) - earned).abs() < 1e-12);
        // Whoever has ended is nowhere, and what a step leads to is what the next one finds.
        for state in 0..mdp.states() {
            let inflow = |t: usize| -> f64 {
                let here = (0..mdp.states()).flat_map(|from| {
                    visits.pairs(t, from).iter().enumerate().map(move |(action, share)| (from, action, *share))
                });
                here.map(|(from, action, share)| share * mdp.transition(from, action)[state]).sum()
            };
            let found = [visits.states(0)[state], visits.states(1)[state], visits.states(steps)[state]];
            let expected = [mdp.start()[state], inflow(0), inflow(steps - 1)];
            let live = if mdp.is_terminal(state) { 0.0 } else { 1.0 };
            prop_assert!(close(&found, &expected.map(|p| live * p), 1e-13));
        }
        let expected: Vec<f64> =
            (0..mdp.states()).map(|state| (0..steps).map(|t| visits.states(t)[state]).sum()).collect();
        prop_assert!(close(&visits.expected_visits(), &expected, 1e-9));
    }
}

/// A state that is left for good with probability ½ and one that is never left.
fn leaky() -> TabularMdp {
    let transition = vec![0.5, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    TabularMdp::new(1, transition, vec![1.0; 9], vec![1.0, 0.0, 0.0], vec![false, false, true]).unwrap()
}

#[test]
fn without_a_discount_there_must_be_an_end() {
    let mdp = leaky();
    let policy = TabularPolicy::uniform(&mdp);
    let error = return_moments(&mdp, &policy, 1.0).unwrap_err().to_string();
    assert!(error.contains("from state 1 this policy never reaches an end"), "{error}");
    let says = |error: mbrl_core::Error| error.to_string();
    for error in [
        says(value_iteration(&mdp, 1.0, 0.1).unwrap_err()),
        says(policy_iteration(&mdp, 1.0).unwrap_err()),
        says(occupancy(&mdp, &policy, 1.0).unwrap_err()),
    ] {
        assert!(error.contains("discount is 1") && error.contains("or discount"), "{error}");
    }
}

#[test]
fn impossible_questions_are_refused_by_name() {
    let mdp = leaky();
    let policy = TabularPolicy::uniform(&mdp);
    for discount in [-0.1, 1.5, f64::NAN] {
        let says = format!("discount is {discount}: expected 0 to 1");
        for error in [
            value_iteration(&mdp, discount, 0.1).unwrap_err(),
            policy_iteration(&mdp, discount).unwrap_err(),
            return_moments(&mdp, &policy, discount).unwrap_err(),
            finite_return_moments(&mdp, |_| &policy, 1, discount).unwrap_err(),
            occupancy(&mdp, &policy, discount).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), says);
        }
    }
    for tolerance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = value_iteration(&mdp, 0.9, tolerance).unwrap_err().to_string();
        assert!(error.contains("expected a positive number"), "{error}");
    }
    let other = TabularPolicy::deterministic(2, &[0, 0]).unwrap();
    for error in [
        return_moments(&mdp, &other, 0.5).unwrap_err(),
        finite_return_moments(&mdp, |_| &other, 1, 0.5).unwrap_err(),
        occupancy(&mdp, &other, 0.5).unwrap_err(),
        finite_occupancy(&mdp, |_| &other, 1).unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("a policy for [2, 2] states and actions in an MDP of [3, 1]"),
            "{error}"
        );
    }
    for steps in [MOST_VALUES, usize::MAX] {
        assert!(
            finite_occupancy(&mdp, |_| &policy, steps).is_err_and(|e| e.to_string().contains("fewer steps"))
        );
        let moments = finite_return_moments(&mdp, |_| &policy, steps, 0.5);
        assert!(moments.is_err_and(|e| e.to_string().contains("fewer steps")));
    }
}

#[test]
fn a_tolerance_finer_than_rounding_is_an_answer_not_an_endless_loop() {
    // Values that rounding keeps moving up and down by as much.
    let error = iterate(0.9, 1e-12, false, || (-1e-9, 1e-9)).unwrap_err().to_string();
    assert!(error.contains("ask for a larger tolerance"), "{error}");
    let huge = TabularMdp::new(1, vec![1.0], vec![f64::MAX], vec![1.0], vec![false]).unwrap();
    assert!(value_iteration(&huge, 0.9, 1.0).unwrap_err().is_non_finite());
    assert!(backward_induction(&huge, 2, 1.0).unwrap_err().is_non_finite());
    assert!(policy_iteration(&huge, 0.9).unwrap_err().is_non_finite());
}

#[test]
fn equally_good_actions_do_not_take_turns() {
    // Every action is as good as any other, in a thousand ways of rounding.
    for seed in 0..1000u32 {
        let reward = f64::from(seed) / 7.0;
        let third = [1.0 / 3.0; 3];
        let mdp = TabularMdp::new(3, third.repeat(9), vec![reward; 27], vec![1.0, 0.0, 0.0], vec![false; 3])
            .unwrap();
        let plan = policy_iteration(&mdp, 0.99).unwrap();
        assert_eq!([plan.action(0), plan.action(1), plan.action(2)], [0; 3]);
        assert!((plan.value(0) - 100.0 * reward).abs() <= 1e-10 * reward.max(1.0));
    }

    // Nor do they where rounding tells them apart: what was chosen first, looking no further than the first reward, stays.
    for seed in 0..1000u32 {
        let reward = f64::from(seed) / 7.0;
        let transition = [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2], [0.1, 0.6, 0.3]].as_flattened().repeat(3);
        let mdp =
            TabularMdp::new(3, transition, vec![reward; 27], vec![1.0, 0.0, 0.0], vec![false; 3]).unwrap();
        let first = TabularPolicy::greedy(&mdp, &[0.0; 3], 0.99).unwrap();
        assert_eq!(policy_iteration(&mdp, 0.99).unwrap().policy(), first, "{seed}");
    }
}
