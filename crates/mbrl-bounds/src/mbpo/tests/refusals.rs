//! What is no symbol is refused with its name and its range.

use super::*;
use mbrl_core::Result;

#[test]
fn symbols_out_of_range_are_refused_by_name() {
    let returns = Discounted::new(0.9, 1.0).unwrap();
    let unit = |name: &str, value: f64| format!("{name} is {value}: expected 0 to 1");
    for bad in [1.5, -0.1, f64::NAN, f64::INFINITY] {
        let (eps_m, eps_pi) = (unit("eps-m", bad), unit("eps-pi", bad));
        for (refused, says) in [
            (theorem_4_1(returns, bad, 0.1), &eps_m),
            (theorem_4_1(returns, 0.1, bad), &eps_pi),
            (theorem_4_2(returns, bad, 0.1, 1), &eps_m),
            (theorem_4_2(returns, 0.1, bad, 1), &eps_pi),
            (theorem_4_3(returns, Form::Seed, bad, 0.1, 1), &eps_m),
            (theorem_4_3(returns, Form::Published, 0.1, bad, 1), &eps_pi),
            (Drift::of_4_1(bad, 0.1).map(|d| d.at(1)), &eps_m),
            (Drift::of_4_1(0.1, bad).map(|d| d.at(1)), &eps_pi),
            (Drift::of_4_2(bad, 0.1, 1).map(|d| d.at(1)), &eps_m),
            (Drift::of_4_2(0.1, bad, 1).map(|d| d.at(1)), &eps_pi),
            (Drift::of_4_3(bad, 0.1, 1).map(|d| d.at(1)), &eps_m),
            (Drift::of_4_3(0.1, bad, 1).map(|d| d.at(1)), &eps_pi),
            (k_star(0.9, bad, 0.1).map(|k| k as f64), &eps_m),
            (k_star(0.9, 0.1, bad).map(|k| k as f64), &eps_pi),
            (k_star_by_search(0.9, bad, 0.1, 9).map(|k| k as f64), &eps_m),
            (k_star_by_search(0.9, 0.1, bad, 9).map(|k| k as f64), &eps_pi),
        ] {
            refuses(refused, says);
        }
        refuses(Discounted::new(0.9, if bad > 0.0 { -bad } else { bad }).map(Discounted::r_max), "r-max is ");
    }
}

#[test]
fn a_discount_of_one_or_none_is_refused_and_one_next_to_it_is_not() {
    let worlds = deterministic(&[[0, 0]], &[[0, 0]], &[[1.0, 1.0]]);
    let policy = often(0.5, 1);
    for bad in [1.0, 1.5, -0.1, f64::NAN] {
        let says = format!("gamma is {bad}: expected at least 0 and below 1");
        for refused in [
            Discounted::new(bad, 1.0).map(Discounted::gamma),
            k_star(bad, 0.1, 0.1).map(|k| k as f64),
            k_star_by_search(bad, 0.1, 0.1, 9).map(|k| k as f64),
            branched_return(&worlds, &policy, &policy, bad, 1),
            true_return(&worlds, &policy, bad),
            model_return(&worlds, &policy, bad),
            model_error_under(&worlds, &policy, bad).map(|e| e.mean),
            policy_shift_under(&worlds, &policy, &policy, &policy, bad).map(|e| e.mean),
        ] {
            refuses(refused, &says);
        }
    }
    let gamma = 1.0 - f64::EPSILON / 2.0;
    let returns = Discounted::new(gamma, 1.0).unwrap();
    for bound in [
        theorem_4_1(returns, 1.0, 1.0),
        theorem_4_2(returns, 1.0, 1.0, u64::MAX),
        theorem_4_3(returns, Form::Seed, 1.0, 1.0, u64::MAX),
        Drift::of_4_1(1.0, 1.0).unwrap().amount(returns),
        Drift::of_4_1(1.0, 1.0).unwrap().capped_amount(returns),
    ] {
        assert!(bound.unwrap() > 1e15);
    }
    // What is computed of tables is lost to rounding there, but not a little further off.
    refuses(branched_return(&worlds, &policy, &policy, gamma, 1), "exact returns are lost to rounding");
    refuses(true_return(&worlds, &policy, gamma), "exact returns are lost to rounding");
    let gamma = 1.0 - 2e-9;
    for near in
        [branched_return(&worlds, &policy, &policy, gamma, u64::MAX), true_return(&worlds, &policy, gamma)]
    {
        assert!((near.unwrap() / 5e8 - 1.0).abs() < 1e-6);
    }
    // One state, in which nothing is ever wrong: the steps that matter are 10¹⁰, and none of them is looked at.
    assert_eq!(model_error_under(&worlds, &policy, gamma).unwrap(), StepError { largest: 0.0, mean: 0.0 });
}

/// Errors that have settled, or go round in a circle, are looked at no longer than it takes to see that; others not for
/// ever.
#[test]
fn the_largest_error_of_a_step_is_found_in_time_or_not_at_all() {
    let gamma = 1.0 - 2e-9;
    let found = |truth: Vec<f64>, model: Vec<f64>, states: usize| {
        let start = (0..states).map(|state| f64::from(u8::from(state == 0))).collect();
        let reward = vec![1.0; states * states];
        let truth = TabularMdp::new(1, truth, reward, start, vec![false; states]).unwrap();
        let worlds = ModelledMdp::new(&truth, model).unwrap();
        model_error_under(&worlds, &TabularPolicy::uniform(&truth), gamma).map(|error| error.largest)
    };
    // Half of the ways end where the model errs by 0.1, the others where it errs by 0.9: never by more than 0.5 at once.
    let truth = [[0.0, 0.5, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].concat();
    let model = [[0.0, 0.5, 0.5], [0.1, 0.9, 0.0], [0.9, 0.0, 0.1]].concat();
    assert!((found(truth, model, 3).unwrap() - 0.5).abs() < 1e-9);
    // A circle of three, with an error in the last one; and one way in eight leads to where there is a larger one.
    let round = |last: [f64; 4]| {
        [[0.0, 0.875, 0.0, 0.125], [0.0, 0.0, 1.0, 0.0], last, [0.0, 0.0, 0.0, 1.0]].concat()
    };
    let model = [round([0.75, 0.0, 0.25, 0.0])[..12].to_vec(), vec![0.0, 1.0, 0.0, 0.0]].concat();
    assert!((found(round([1.0, 0.0, 0.0, 0.0]), model, 4).unwrap() - 1.0).abs() < 1e-6);
    // A drift so slow that a step changes next to nothing, which goes on for as long as steps matter.
    let slow = vec![1.0 - 1e-9, 1e-9, 0.0, 0.0, 0.5, 0.5, 0.0, 0.5, 0.5];
    refuses(found(slow, vec![1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 1.0, 0.0, 0.0], 3), "have not settled");
}

#[test]
fn bounds_that_leave_the_numbers_are_refused_by_name() {
    let returns = Discounted::new(0.99, 1e306).unwrap();
    for (refused, says) in [
        (theorem_4_1(returns, 1.0, 1.0), "theorem 4.1 comes to inf"),
        (theorem_4_2(returns, 1.0, 1.0, 1), "theorem 4.2 comes to inf"),
        (theorem_4_3(returns, Form::Published, 1.0, 1.0, 1), "theorem 4.3 comes to inf"),
        (Drift::of_4_1(1.0, 1.0).unwrap().amount(returns), "the drift comes to inf"),
        (Drift::of_4_1(1.0, 1.0).unwrap().capped_amount(returns), "the capped drift comes to inf"),
    ] {
        refuses(refused, says);
    }
    let worlds = deterministic(&[[0, 0]], &[[0, 0]], &[[1e307, 1e307]]);
    let policy = often(0.5, 1);
    refuses(true_return(&worlds, &policy, 0.99), "the return comes to inf");
    refuses(branched_return(&worlds, &policy, &policy, 0.99, 3), "the branched return comes to inf");
}

#[test]
fn policies_of_another_shape_are_refused_by_name() {
    let worlds = deterministic(&[[0, 0], [1, 1]], &[[0, 0], [1, 1]], &[[1.0; 2]; 2]);
    let (fits, other) = (often(0.5, 2), often(0.5, 3));
    for (refused, says) in [
        (branched_return(&worlds, &other, &fits, 0.9, 1), "the policy is for [3, 2] states and actions"),
        (branched_return(&worlds, &fits, &other, 0.9, 1), "the data policy is for [3, 2]"),
        (true_return(&worlds, &other, 0.9), "the policy is for [3, 2]"),
        (model_return(&worlds, &other, 0.9), "the policy is for [3, 2]"),
        (model_error_under(&worlds, &other, 0.9).map(|e| e.mean), "the policy is for [3, 2]"),
        (policy_shift(&worlds, &other, &fits), "the policy is for [3, 2]"),
        (policy_shift(&worlds, &fits, &other), "the data policy is for [3, 2]"),
        (
            policy_shift_under(&worlds, &other, &fits, &fits, 0.9).map(|e| e.mean),
            "the visiting policy is for [3, 2]",
        ),
    ] {
        refuses(refused, says);
    }
}

fn refuses(refused: Result<f64>, says: &str) {
    let error = refused.unwrap_err().to_string();
    assert!(error.contains(says), "{error}, not {says}");
}
