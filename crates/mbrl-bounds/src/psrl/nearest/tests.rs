//! The fitted conditional against what it minimizes.

use super::*;
use crate::arbitrary::normalized;
use proptest::prelude::*;

/// Weights of models, a posterior over policies, and a reference: all of full support, of several sizes.
fn setting() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Conditional)> {
    (2usize..=4, 2usize..=4).prop_flat_map(|(models, policies)| {
        let weights = |len| prop::collection::vec(0.02f64..1.0, len);
        (weights(models), weights(policies), weights(models * policies)).prop_map(move |(q, p, reference)| {
            let reference = Conditional::new(policies, normalized(&reference, policies)).unwrap();
            (normalized(&q, models), normalized(&p, policies), reference)
        })
    })
}

/// Σ_M q(M) KL(a(·|M) ‖ b(·|M))
fn apart(weights: &[f64], a: &Conditional, b: &Conditional) -> f64 {
    weights.iter().enumerate().map(|(model, w)| w * kl(a.row(model), b.row(model)).unwrap()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_left_and_nothing_is_nearer((weights, p, reference) in setting()) {
        let best = best_conditional(&weights, &p, Some(&reference)).unwrap();
        prop_assert!(best.kl < 1e-12);
        prop_assert!(total_variation(&best.conditional.marginal(&weights).unwrap(), &p) < 1e-12);
        // Csiszár: what leaves nothing is as much further from the reference as it is from the nearest.
        let constant = best_conditional(&weights, &p, None).unwrap();
        prop_assert!(constant.kl < 1e-14 && constant.iterations == 0);
        let legs = [(&constant.conditional, &best.conditional), (&best.conditional, &reference)];
        let pythagoras: f64 = legs.iter().map(|(a, b)| apart(&weights, a, b)).sum();
        prop_assert!((apart(&weights, &constant.conditional, &reference) - pythagoras).abs() < 1e-10);
    }

    #[test]
    fn of_two_models_and_policies_the_grid_finds_the_same(
        w in 0.05f64..0.95, a in 0.05f64..0.95, x in 0.05f64..0.95, y in 0.05f64..0.95,
    ) {
        let reference = Conditional::new(2, vec![x, 1.0 - x, y, 1.0 - y]).unwrap();
        let (weights, p) = ([w, 1.0 - w], [a, 1.0 - a]);
        let best = best_conditional(&weights, &p, Some(&reference)).unwrap();
        let distance = apart(&weights, &best.conditional, &reference);
        let steps = 4000;
        let nearest = (0..=steps)
            .map(|i| f64::from(i) / f64::from(steps))
            .map(|x| (x, (a - w * x) / (1.0 - w)))
            .filter(|(_, y)| (0.0..=1.0).contains(y))
            .map(|(x, y)| {
                let other = Conditional::new(2, vec![x, 1.0 - x, y, 1.0 - y]).unwrap();
                (apart(&weights, &other, &reference), x)
            })
            .fold((f64::INFINITY, 0.0), |best, other| if other.0 < best.0 { other } else { best });
        prop_assert!(distance <= nearest.0 + 1e-10);
        prop_assert!((best.conditional.row(0)[0] - nearest.1).abs() <= 1.0 / f64::from(steps));
    }
}

#[test]
fn models_that_do_not_count_keep_their_row_and_excluded_policies_get_nothing() {
    let reference = Conditional::new(3, vec![0.2, 0.3, 0.5, 0.0, 0.0, 1.0, 0.5, 0.25, 0.25]).unwrap();
    let best = best_conditional(&[0.5, 0.0, 0.5], &[0.75, 0.0, 0.25], Some(&reference)).unwrap();
    assert!(best.kl < 1e-12 && best.iterations > 0);
    assert_eq!(best.conditional.row(1), reference.row(1));
    assert!(best.conditional.row(0)[1].abs() < 1e-300 && best.conditional.row(2)[1].abs() < 1e-300);
    // A reference that fits is not touched.
    let fits = Conditional::new(2, vec![0.1, 0.9, 0.7, 0.3]).unwrap();
    let best = best_conditional(&[0.5, 0.5], &fits.marginal(&[0.5, 0.5]).unwrap(), Some(&fits)).unwrap();
    assert_eq!((best.iterations, &best.conditional), (0, &fits));
}

/// A distribution may lack a little of one, which no fit can give it.
#[test]
fn what_nearly_sums_to_one_is_fitted_like_what_does() {
    let reference = Conditional::new(3, vec![0.5, 0.25, 0.25]).unwrap();
    let best = best_conditional(&[1.0], &[0.3333333333; 3], Some(&reference)).unwrap();
    assert!(best.iterations < 5 && best.kl < 1e-12, "{best:?}");
}

#[test]
fn what_cannot_be_fitted_is_refused_by_name() {
    let delta = Conditional::new(2, vec![1.0, 0.0, 0.0, 1.0]).unwrap();
    let far = Conditional::new(2, vec![1.0 - 1e-300, 1e-300, 1e-300, 1.0]).unwrap();
    let fit =
        |weights: &[f64], p: &[f64], reference: &Conditional| best_conditional(weights, p, Some(reference));
    for (refused, says) in [
        (
            fit(&[0.5, 0.5], &[0.25, 0.75], &delta),
            "the reference has nothing of policy 1 in model 0, and p has 0.75",
        ),
        (fit(&[0.5, 0.5], &[0.5 + 1e-8, 0.5 - 1e-8], &far), "after 1000000 rounds of fitting"),
        (fit(&[0.5, 0.6], &[0.25, 0.75], &delta), "the weights of the models: the probabilities sum to 1.1"),
        (fit(&[1.0], &[0.25, 0.75], &delta), "1 weights for 2 models"),
        (fit(&[0.5, 0.5], &[1.0], &delta), "p has 1 policies, q(π|M) has 2"),
        (fit(&[0.5, 0.5], &[f64::NAN, 1.0], &delta), "p: probability 0 is NaN"),
        (best_conditional(&[], &[1.0], None), "the weights of the models has no outcomes"),
        (
            best_conditional(&[0.5, 0.6], &[1.0], None),
            "the weights of the models: the probabilities sum to 1.1",
        ),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
