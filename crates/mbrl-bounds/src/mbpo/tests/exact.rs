//! Returns and symbols, against sums over steps that push a distribution forward.

use super::*;

/// The states after a step by a policy; what has ended stays where it is.
fn pushed(mdp: &TabularMdp, policy: &TabularPolicy, at: &[f64]) -> Vec<f64> {
    let mut after = vec![0.0; at.len()];
    for (state, mass) in at.iter().enumerate() {
        if mdp.is_terminal(state) {
            after[state] += mass;
            continue;
        }
        for (action, chosen) in policy.probabilities(state).iter().enumerate() {
            for (next, p) in mdp.transition(state, action).iter().enumerate() {
                after[next] += mass * chosen * p;
            }
        }
    }
    after
}

/// Σ_s d(s) Σ_a π(a|s) f(s, a) over states that are no end.
fn mean(worlds: &ModelledMdp, policy: &TabularPolicy, at: &[f64], f: impl Fn(usize, usize) -> f64) -> f64 {
    worlds.acted().map(|(s, a)| at[s] * policy.probabilities(s)[a] * f(s, a)).sum()
}

fn branched_by_steps(case: &Case, gamma: f64, k: u64) -> f64 {
    let (worlds, mut sum, mut weight) = (&case.worlds, 0.0, 1.0);
    let mut by_data_policy = worlds.truth().start().to_vec();
    for t in 0.. {
        if weight < 1e-13 {
            break;
        }
        let mut at = by_data_policy.clone();
        for _ in 0..k.min(t) {
            at = pushed(worlds.model(), &case.policy, &at);
        }
        sum += weight * mean(worlds, &case.policy, &at, |s, a| worlds.reward(s, a));
        weight *= gamma;
        if t >= k {
            by_data_policy = pushed(worlds.truth(), &case.data_policy, &by_data_policy);
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn branched_returns_are_sums_over_their_steps(case in cases()) {
        let gamma = case.gamma.min(0.9);
        let returns = case.worlds.discounted(gamma).unwrap();
        for k in [0, 1, 2, 3, 5, 12, 30] {
            let exact = branched_return(&case.worlds, &case.policy, &case.data_policy, gamma, k).unwrap();
            let by_steps = branched_by_steps(&case, gamma, k);
            prop_assert!((exact - by_steps).abs() <= rounding(returns), "{k}: {exact}, {by_steps}");
        }
    }

    /// Rollouts without end are the model; by the data policy itself in a perfect model, they are the world.
    #[test]
    fn branched_returns_have_the_limits_that_they_should(case in cases()) {
        let Case { worlds, policy, data_policy, gamma } = &case;
        let returns = worlds.discounted(*gamma).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() <= rounding(returns);
        let model = model_return(worlds, policy, *gamma).unwrap();
        for k in [1_000_000, 1_000_000_000_000_000, u64::MAX] {
            prop_assert!(near(branched_return(worlds, policy, data_policy, *gamma, k).unwrap(), model));
        }
        let perfect = ModelledMdp::new(worlds.truth(), transitions(worlds.truth())).unwrap();
        let truth = true_return(worlds, policy, *gamma).unwrap();
        prop_assert!(near(model_return(&perfect, policy, *gamma).unwrap(), truth));
        for k in LENGTHS {
            prop_assert!(near(branched_return(&perfect, policy, policy, *gamma, k).unwrap(), truth));
        }
        let by_plan = mbrl_plan::return_moments(worlds.truth(), policy, *gamma).unwrap();
        prop_assert!(near(by_plan.start_mean(worlds.truth()), truth));
    }

    #[test]
    fn errors_are_those_of_each_step(case in cases()) {
        let Case { worlds, policy, data_policy, gamma } = &case;
        let model = model_error_under(worlds, data_policy, *gamma).unwrap();
        let shift = policy_shift_under(worlds, data_policy, policy, data_policy, *gamma).unwrap();
        let mut found = [StepError { largest: 0.0, mean: 0.0 }; 2];
        let (mut at, mut weight) = (worlds.truth().start().to_vec(), 1.0);
        while weight >= 1e-14 {
            let errors = [
                mean(worlds, data_policy, &at, |s, a| worlds.total_variation(s, a)),
                mean(worlds, data_policy, &at, |s, _| policy.total_variation(data_policy, s)),
            ];
            for (found, error) in found.iter_mut().zip(errors) {
                // An error is felt from the next step on: the last ones have a share of the mean, but are not looked at.
                if weight >= 1.0 || weight * gamma >= 1e-14 {
                    found.largest = found.largest.max(error);
                }
                found.mean += (1.0 - gamma) * weight * error;
            }
            weight *= gamma;
            at = pushed(worlds.truth(), data_policy, &at);
        }
        for (exact, found) in [model, shift].iter().zip(found) {
            prop_assert!((exact.largest - found.largest).abs() < 1e-11, "{exact:?}, {found:?}");
            prop_assert!((exact.mean - found.mean).abs() < 1e-11, "{exact:?}, {found:?}");
            prop_assert!(exact.mean <= exact.largest + 1e-12);
        }
        prop_assert!(model.largest <= model_error_supremum(worlds) + 1e-12);
        prop_assert!(shift.largest <= policy_shift(worlds, policy, data_policy).unwrap() + 1e-12);
    }
}

fn transitions(mdp: &TabularMdp) -> Vec<f64> {
    let pairs = (0..mdp.states()).flat_map(|s| (0..mdp.actions()).map(move |a| (s, a)));
    pairs.flat_map(|(s, a)| mdp.transition(s, a).iter().copied()).collect()
}

/// What is never acted in counts for nothing: neither its rewards, nor its errors, nor what policies would do there.
#[test]
fn ends_have_no_reward_and_no_error() {
    let (stay, end) = ([1.0, 0.0], [0.0, 1.0]);
    let table = |first: [f64; 2], last: [f64; 2]| [first, first, last, last].concat();
    let truth = TabularMdp::new(
        2,
        table([0.5, 0.5], end),
        [[1.0; 4], [9.0; 4]].concat(),
        vec![0.5, 0.5],
        vec![false, true],
    )
    .unwrap();
    let worlds = ModelledMdp::new(&truth, table([0.75, 0.25], stay)).unwrap();
    let (first, second) = (often(0.0, 2), TabularPolicy::new(2, vec![1.0, 0.0, 0.0, 1.0]).unwrap());
    assert_eq!(policy_shift(&worlds, &first, &second).unwrap().to_bits(), 0f64.to_bits());
    assert_eq!(model_error_supremum(&worlds).to_bits(), 0.25f64.to_bits());
    // Half of the episodes are over before they begin.
    let error = model_error_under(&worlds, &first, 0.5).unwrap();
    assert!((error.largest - 0.125).abs() < 1e-15, "{error:?}");
    // ½ (1 + ¼ + …) of 0.25 × ½.
    assert!((error.mean - 0.125 * 0.5 / (1.0 - 0.25)).abs() < 1e-15, "{error:?}");
    let (truth, model) = (0.5 / (1.0 - 0.25), 0.5 / (1.0 - 0.375));
    for (found, exact) in [
        (true_return(&worlds, &first, 0.5), truth),
        (model_return(&worlds, &first, 0.5), model),
        // The first step, and of all others the live mass of the step before, of which ¾ go on in the model.
        (branched_return(&worlds, &first, &first, 0.5, 1), 0.5 + 0.5 * 0.75 * truth),
        (branched_return(&worlds, &first, &first, 0.5, 0), truth),
    ] {
        assert!((found.unwrap() - exact).abs() < 1e-15);
    }
}

/// The largest error may come late, after a while without any, and where the discount has not yet forgotten it.
#[test]
fn a_late_error_is_found_and_one_that_cannot_matter_is_not() {
    // A corridor of 40 states, the last of which the model is wrong about.
    let moves = |last: usize| (0..40).map(|s| [if s < 39 { s + 1 } else { last }]).collect::<Vec<_>>();
    let worlds = deterministic(&moves(39), &moves(0), &[[0.0]; 40]);
    let only = TabularPolicy::uniform(worlds.truth());
    let error = |gamma| model_error_under(&worlds, &only, gamma).unwrap();
    assert_eq!(error(0.9).largest.to_bits(), 1f64.to_bits());
    assert!((error(0.9).mean - 0.9f64.powi(39)).abs() < 1e-12);
    // In the 39th step, whose share of a return is γ⁴⁰: 1e-12 and 1e-16.
    assert_eq!(error(0.501).largest.to_bits(), 1f64.to_bits());
    assert_eq!(error(0.398).largest.to_bits(), 0f64.to_bits());
    assert_eq!(error(0.0), StepError { largest: 0.0, mean: 0.0 });
}
