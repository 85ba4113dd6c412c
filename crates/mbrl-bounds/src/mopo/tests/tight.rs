//! Worlds in which the bounds hold with equality, so that no smaller constant will do, and what is refused.

use super::*;

/// State 0 earns 1 for ever and state 1 loses 1 for ever, where it starts; the model hopes to move from 1 to 0.
fn hopeful(hope: f64) -> ModelledMdp {
    let rewards = vec![1.0, 1.0, -1.0, -1.0];
    let truth =
        TabularMdp::new(1, vec![1.0, 0.0, 0.0, 1.0], rewards, vec![0.0, 1.0], vec![false; 2]).unwrap();
    ModelledMdp::new(&truth, vec![1.0, 0.0, hope, 1.0 - hope]).unwrap()
}

#[test]
fn the_constants_are_as_small_as_they_can_be() {
    for (gamma, hope) in [(0.9, 0.25), (0.5, 1.0), (0.99, 0.01), (0.0, 0.5)] {
        let worlds = hopeful(hope);
        let policy = TabularPolicy::uniform(worlds.truth());
        let returns = worlds.discounted(gamma).unwrap();
        let lemma = telescope(&worlds, &policy, gamma).unwrap();
        let slack = rounding(&worlds, gamma);
        assert!((lemma.g(1, 0) - returns.widest_gap() * hope).abs() < slack, "{lemma:?}");
        assert!((lemma.span() - returns.widest_gap()).abs() < slack);
        let u = ErrorEstimate::total_variation(&worlds);
        let lambda = penalty_weight(returns);
        let bound = returned(&penalized(&worlds, &u, lambda).unwrap(), &policy, gamma);
        assert!((bound - lemma.true_return).abs() < slack, "{bound} {}", lemma.true_return);
        assert!((smallest_lambda(&worlds, &policy, &u, gamma).unwrap() - lambda).abs() < slack);
        // Over functions of size one the distance is ‖P − Q‖₁, twice the total variation: who takes the constant
        // r_max / (1 − γ) that goes with the one, and the other for the error, promises too much.
        let half = returned(&penalized(&worlds, &u, 0.5 * lambda).unwrap(), &policy, gamma);
        assert!(gamma <= 0.0 || half > lemma.true_return + 100.0 * slack);
    }
}

#[test]
fn without_c_the_lower_bound_is_false() {
    // The slides penalise by γ d, and then by u.
    let (gamma, worlds) = (0.9, hopeful(0.5));
    let policy = TabularPolicy::uniform(worlds.truth());
    let u = ErrorEstimate::total_variation(&worlds);
    for lambda in [gamma, 1.0] {
        let bound = returned(&penalized(&worlds, &u, lambda).unwrap(), &policy, gamma);
        let truth = returned(worlds.truth(), &policy, gamma);
        assert!((truth + 10.0).abs() < 1e-9 && bound > truth + 10.0, "{bound} is no lower bound of {truth}");
    }
}

#[test]
fn theorem_4_4_is_as_good_as_it_can_be() {
    // Action 0 earns 0 for ever, action 1 leads to where one earns 1 for ever. The model fears one that loses 1, as often as
    // makes both actions worth the same under the penalty.
    let gamma = 0.5;
    let to = |p: [f64; 3]| p;
    let truth = [to([1.0, 0.0, 0.0]), to([0.0, 1.0, 0.0]), to([0.0, 1.0, 0.0]), to([0.0, 1.0, 0.0])];
    let (stay, hell) = (to([0.0, 0.0, 1.0]), to([0.0, 0.0, 1.0]));
    let truth: Vec<f64> = truth.iter().chain([&stay, &hell]).flatten().copied().collect();
    let reward = [0.0, 0.0, 1.0, 1.0, -1.0, -1.0].iter().flat_map(|r| [*r; 3]).collect();
    let mdp = TabularMdp::new(2, truth.clone(), reward, vec![1.0, 0.0, 0.0], vec![false; 3]).unwrap();
    let mut model = truth;
    // With λ = γ c = 2 the risk is worth 1 in the world, and γ (2 (1 − e) − 2 e) − λ e in the penalised model: 0 at e = ¼.
    model[3..6].copy_from_slice(&[0.0, 0.75, 0.25]);
    let worlds = ModelledMdp::new(&mdp, model).unwrap();
    let u = ErrorEstimate::total_variation(&worlds);
    let lambda = penalty_weight(worlds.discounted(gamma).unwrap());
    let risk = TabularPolicy::deterministic(2, &[1, 0, 0]).unwrap();
    let safe = TabularPolicy::deterministic(2, &[0, 0, 0]).unwrap();
    let pessimist = penalized(&worlds, &u, lambda).unwrap();
    assert!(
        returned(&pessimist, &risk, gamma).abs() < 1e-12 && returned(&pessimist, &safe, gamma).abs() < 1e-12
    );
    // So π̂ may be the safe one, and falls short of the other by all that the theorem grants.
    let short = theorem_4_4(lambda, eps_u(&worlds, &risk, &u, gamma).unwrap()).unwrap();
    let lost = returned(worlds.truth(), &risk, gamma) - returned(worlds.truth(), &safe, gamma);
    assert!((lost - short).abs() < 1e-12, "{lost} {short}");
}

#[test]
fn the_best_of_the_bare_model_may_fall_short_by_all_there_is() {
    // Action 1 leads to where one loses 1 for ever; the model mistakes it for where one earns 1 for ever.
    let (heaven, hell) = ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]);
    let table = |risk: [f64; 3]| [[1.0, 0.0, 0.0], risk, heaven, heaven, hell, hell].concat();
    let reward = [0.0, 0.0, 1.0, 1.0, -1.0, -1.0].iter().flat_map(|r| [*r; 3]).collect();
    let truth = TabularMdp::new(2, table(hell), reward, vec![1.0, 0.0, 0.0], vec![false; 3]).unwrap();
    let worlds = ModelledMdp::new(&truth, table(heaven)).unwrap();
    let u = ErrorEstimate::total_variation(&worlds);
    let lambda = penalty_weight(worlds.discounted(0.9).unwrap());
    let found = |lambda: f64| {
        let optimum = penalized_optimum(&worlds, &u, lambda, 0.9).unwrap();
        returned(&truth, &optimum.policy, 0.9)
    };
    assert!((found(0.0) + 9.0).abs() < 1e-12 && found(lambda).abs() < 1e-12);
}

#[test]
fn no_lambda_is_enough_where_u_says_nothing() {
    let worlds = hopeful(0.5);
    let policy = TabularPolicy::uniform(worlds.truth());
    let blind = ErrorEstimate::new(&worlds, vec![0.0; 2]).unwrap();
    assert!(smallest_lambda(&worlds, &policy, &blind, 0.9).unwrap().is_infinite());
    // An error that is never met is none: state 0 is not visited before the hope comes true.
    let elsewhere = ErrorEstimate::new(&worlds, vec![1.0, 0.0]).unwrap();
    assert!(smallest_lambda(&worlds, &policy, &elsewhere, 0.0).unwrap() <= 0.0);
    assert!(smallest_lambda(&worlds, &policy, &elsewhere, 0.9).unwrap().is_finite());
}

/// Where all rewards are alike no error costs anything, and rounding is not to be paid for.
#[test]
fn no_penalty_is_needed_where_nothing_is_overrated() {
    let truth =
        TabularMdp::new(1, [0.1, 0.3, 0.6].repeat(3), vec![1.0; 9], vec![1.0, 0.0, 0.0], vec![false; 3]);
    let worlds = ModelledMdp::new(&truth.unwrap(), [0.2, 0.2, 0.6].repeat(3)).unwrap();
    let (policy, nothing) =
        (TabularPolicy::uniform(worlds.truth()), ErrorEstimate::new(&worlds, vec![0.0; 3]));
    assert!(smallest_lambda(&worlds, &policy, &nothing.unwrap(), 0.9).unwrap() <= 0.0);
    // Rewards as large as numbers are, of which no later one counts.
    assert!(penalty_weight(crate::Discounted::new(0.0, 1e308).unwrap()) <= 0.0);
}

#[test]
fn the_first_move_that_is_worse_than_said_is_named() {
    let transition = vec![0.5, 0.5, 1.0, 0.0, 0.0, 1.0, 0.5, 0.5];
    let truth = TabularMdp::new(2, transition, vec![1.0; 8], vec![1.0, 0.0], vec![false; 2]).unwrap();
    let worlds = ModelledMdp::new(&truth, vec![0.5, 0.5, 0.75, 0.25, 0.25, 0.75, 0.5, 0.5]).unwrap();
    let distance = ErrorEstimate::total_variation(&worlds);
    assert_eq!(distance.as_slice(), [0.0, 0.25, 0.25, 0.0]);
    let check = |u: [f64; 4]| {
        let u = ErrorEstimate::new(&worlds, u.to_vec()).unwrap();
        u.check_admissible(&worlds, &distance).map_err(|error| error.to_string())
    };
    check([0.0, 0.25, 0.25, 0.0]).unwrap();
    let error = check([0.1, 0.5, 0.24, 0.0]).unwrap_err();
    assert!(error.contains("in state 1, action 0 it is 0.24 where the model is wrong by 0.25"), "{error}");
    assert!(check([1.0, 0.2, 0.2, 1.0]).unwrap_err().contains("state 0, action 1"));
    // A terminal state has no moves to be wrong about.
    let ended = vec![false, true];
    let truth = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0; 4], vec![1.0, 0.0], ended).unwrap();
    let worlds = ModelledMdp::new(&truth, vec![0.5, 0.5, 1.0, 0.0]).unwrap();
    let (none, exact) =
        (ErrorEstimate::new(&worlds, vec![0.0; 2]).unwrap(), ErrorEstimate::total_variation(&worlds));
    none.check_admissible(&worlds, &exact).unwrap();
    assert_eq!(exact.as_slice(), [0.0, 0.0]);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let worlds = hopeful(0.5);
    let u = ErrorEstimate::total_variation(&worlds);
    let policy = TabularPolicy::uniform(worlds.truth());
    let wide = TabularPolicy::new(2, vec![0.5; 4]).unwrap();
    let three =
        TabularMdp::new(1, [1.0, 0.0, 0.0].repeat(3), vec![0.0; 9], vec![1.0, 0.0, 0.0], vec![false; 3]);
    let three = three.unwrap();
    let three = ModelledMdp::new(&three, [0.0, 0.0, 1.0].repeat(3)).unwrap();
    for (error, says) in [
        (ErrorEstimate::new(&worlds, vec![0.0; 3]).err(), "3 errors for 2 states and 1 actions"),
        (ErrorEstimate::new(&worlds, vec![0.0, -1.0]).err(), "state 1, action 0: u is -1"),
        (ErrorEstimate::new(&worlds, vec![f64::NAN, 0.0]).err(), "state 0, action 0: u is NaN"),
        (telescope(&worlds, &wide, 0.9).err(), "the policy is for [2, 2] states and actions"),
        (telescope(&worlds, &policy, 1.0).err(), "gamma is 1: expected at least 0 and below 1"),
        (eps_u(&worlds, &wide, &u, 0.9).err(), "the policy is for [2, 2]"),
        (eps_u(&three, &TabularPolicy::uniform(three.truth()), &u, 0.9).err(), "u is for [2, 1]"),
        (u.check_admissible(&three, &u).err(), "u is for [2, 1] states and actions, the MDP has [3, 1]"),
        (penalized(&three, &u, 1.0).err(), "u is for [2, 1]"),
        (penalized(&worlds, &u, -1.0).err(), "lambda is -1"),
        (penalized(&worlds, &u, f64::NAN).err(), "lambda is NaN"),
        (penalized(&worlds, &u, f64::INFINITY).err(), "lambda is inf"),
        (penalized_optimum(&worlds, &u, 1.0, 1.0).err(), "gamma is 1"),
        (smallest_lambda(&worlds, &policy, &u, f64::NAN).err(), "gamma is NaN"),
        (smallest_lambda_of_all(&worlds, [], &u, 0.9).err(), "no policy is given"),
    ] {
        let error = error.unwrap().to_string();
        assert!(error.contains(says), "{error}");
    }
}
