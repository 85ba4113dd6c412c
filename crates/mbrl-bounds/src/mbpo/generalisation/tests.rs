//! Bounds from losses, against the probabilities with which they fail, summed exactly.

use super::*;
use crate::arbitrary::cases;
use crate::mbpo::model_error_under;
use proptest::prelude::*;

/// The two bounds, and the choice of the smaller.
const BOUNDS: [fn(&Losses, Risk) -> f64; 3] =
    [Losses::hoeffding, Losses::empirical_bernstein, Losses::at_most];

/// How likely `bound` is below the mean loss, of n losses that are 1 with probability p and otherwise 0.
fn fails(bound: fn(&Losses, Risk) -> f64, n: usize, p: f64, risk: Risk) -> f64 {
    let mut likely = (1.0 - p).powi(n as i32);
    let mut failed = 0.0;
    for ones in 0..=n {
        let mean = ones as f64 / n as f64;
        let variance = mean * (1.0 - mean) * n as f64 / (n - 1) as f64;
        let losses = Losses::new(n, mean, variance, [0.0, 1.0]).unwrap();
        failed += if bound(&losses, risk) < p { likely } else { 0.0 };
        likely *= (n - ones) as f64 / (ones + 1) as f64 * p / (1.0 - p);
    }
    failed
}

#[test]
fn no_bound_fails_more_often_than_it_may() {
    let mut most = 0.0f64;
    for delta in [0.5, 0.1, 0.01] {
        let risk = Risk::new(delta).unwrap();
        for (n, i) in [5, 30, 200].into_iter().flat_map(|n| (1..40).map(move |i| (n, i))) {
            for bound in BOUNDS {
                let failed = fails(bound, n, f64::from(i) / 40.0, risk);
                assert!(failed <= delta, "{failed} of {delta}, n = {n}, p = {i}/40");
                most = most.max(failed / delta);
            }
        }
    }
    // They are not so loose that the check above would pass with a half of what they add.
    assert!(most > 0.4, "{most}");
}

#[test]
fn the_largest_of_several_steps_fails_no_more_often_than_one_may() {
    let (delta, p, n, steps) = (0.2, 0.5, 30, 50);
    let one = |risk| fails(Losses::at_most, n, p, risk);
    // That of independent steps fails where all of them do not hold at once.
    let any = |alone: f64| 1.0 - (1.0 - alone).powi(steps);
    let risk = Risk::new(delta).unwrap();
    assert!(any(one(risk)) > delta, "{}", any(one(risk)));
    let together = risk.over_steps(steps as usize).unwrap();
    assert!(any(one(together)) <= delta, "{}", any(one(together)));
    let losses = |mean: f64| Losses::new(30, mean, 0.2, [0.0, 1.0]).unwrap();
    let bound = largest_loss(&[losses(0.3), losses(0.4), losses(0.35)], risk).unwrap();
    assert_eq!(bound.to_bits(), losses(0.4).at_most(risk.over_steps(3).unwrap()).to_bits());
}

#[test]
fn bounds_are_those_of_their_formulas() {
    let risk = Risk::new(0.05).unwrap();
    let losses = Losses::new(200, 1.0, 0.25, [0.0, 2.0]).unwrap();
    // 2 √(ln 20 / 400), and √(0.5 ln 40 / 200) + 14 ln 40 / 597.
    assert!((losses.hoeffding(risk) - 1.173081).abs() < 1e-6, "{}", losses.hoeffding(risk));
    let bernstein = losses.empirical_bernstein(risk);
    assert!((bernstein - (1.0 + 0.096033 + 0.086507)).abs() < 1e-5, "{bernstein}");
    // Half of the risk for each: ln 40 and ln 80.
    assert!((losses.at_most(risk) - (1.0 + 2.0 * (40f64.ln() / 400.0).sqrt()).min(2.0)).abs() < 1e-12);
    // Losses that vary little in a wide range.
    let calm = Losses::new(10_000, 1.0, 1e-4, [0.0, 2.0]).unwrap();
    assert!(calm.empirical_bernstein(risk) < calm.hoeffding(risk));
    // A million parameters of 32 bits are more than ten thousand rows can answer for, and the range is all that is left.
    let trained = risk.over_hypotheses(32e6 * std::f64::consts::LN_2).unwrap();
    assert_eq!(calm.at_most(trained).to_bits(), 2f64.to_bits());
    let tenth_of_a_hundredth = Risk::new(0.05 / 1000.0).unwrap();
    for few in [
        risk.over_hypotheses(100f64.ln()).and_then(|risk| risk.over_steps(10)),
        risk.over_steps(10).and_then(|risk| risk.over_hypotheses(100f64.ln())),
    ] {
        assert!((losses.hoeffding(few.unwrap()) - losses.hoeffding(tenth_of_a_hundredth)).abs() < 1e-12);
    }
}

#[test]
fn rows_are_summed_up() {
    let losses = Losses::of(&[0.0, 1.0, 0.5], [0.0, 1.0]).unwrap();
    assert_eq!(losses, Losses::new(3, 0.5, 0.25, [0.0, 1.0]).unwrap());
    let equal = Losses::of(&[0.1; 3], [0.1, 0.1]).unwrap();
    assert_eq!(equal.at_most(Risk::new(0.05).unwrap()).to_bits(), 0.1f64.to_bits());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// With the exact log loss and the exact entropy of the first step, ε of that step is at least the exact one.
    #[test]
    fn the_log_loss_bounds_the_total_variation_of_tables(case in cases()) {
        let worlds = &case.worlds;
        let truth = worlds.truth();
        let (mut loss, mut entropy, mut error, mut live) = (0.0, 0.0, 0.0, 0.0);
        for (state, action) in worlds.acted() {
            let met = truth.start()[state] * case.data_policy.probabilities(state)[action];
            live += met;
            error += met * worlds.total_variation(state, action);
            let believed = worlds.model().transition(state, action);
            for (p, q) in truth.transition(state, action).iter().zip(believed).filter(|(p, _)| **p > 0.0) {
                // A share of the uniform makes every outcome possible.
                let q = 0.999 * q + 0.001 / truth.states() as f64;
                loss -= met * p * q.ln();
                entropy -= met * p * p.ln();
            }
        }
        let bound = eps_m_from_log_loss(loss.max(entropy), entropy).unwrap();
        // The mixed model is at most a thousandth away.
        prop_assert!(error <= bound + 0.001 + 1e-9, "{error} above {bound}");
        let first = model_error_under(worlds, &case.data_policy, 0.0).unwrap();
        prop_assert!((first.largest - error).abs() < 1e-12 && live < 1.0 + 1e-9);
    }
}

#[test]
fn a_log_loss_becomes_a_total_variation_by_the_better_inequality() {
    let pinsker = eps_m_from_log_loss(-1.18, -1.2).unwrap();
    assert!((pinsker - 0.1).abs() < 1e-12, "{pinsker}");
    let huber = eps_m_from_log_loss(3.0, 0.0).unwrap();
    assert!((huber - (1.0 - (-3f64).exp()).sqrt()).abs() < 1e-12, "{huber}");
    assert!((eps_pi_from_kl(0.02).unwrap() - 0.1).abs() < 1e-12);
    assert!(eps_m_from_log_loss(0.5, 0.5).unwrap() <= 0.0);
}

#[test]
fn what_is_no_loss_and_no_risk_is_refused_by_name() {
    let losses = |mean, variance, range| Losses::new(10, mean, variance, range).map(drop);
    let risk = Risk::new(0.05).unwrap();
    for (refused, says) in [
        (losses(2.0, 0.0, [0.0, 1.0]), "the mean loss is 2: expected 0 to 1"),
        (losses(f64::NAN, 0.0, [0.0, 1.0]), "the mean loss is NaN"),
        (losses(0.5, 0.5, [0.0, 1.0]), "the variance of the losses is 0.5: expected 0 to 0.27"),
        (losses(0.5, -0.1, [0.0, 1.0]), "the variance of the losses is -0.1"),
        (losses(0.5, f64::NAN, [0.0, 1.0]), "the variance of the losses is NaN"),
        (losses(0.5, 0.0, [1.0, 0.0]), "the range of losses is 1 to 0"),
        (losses(0.5, 0.0, [0.0, f64::INFINITY]), "the range of losses is 0 to inf"),
        (Losses::new(1, 0.5, 0.0, [0.0, 1.0]).map(drop), "1 losses have no variance"),
        (Losses::of(&[], [0.0, 1.0]).map(drop), "0 losses have no variance"),
        (Losses::of(&[], [f64::NAN, 1.0]).map(drop), "the range of losses is NaN to 1"),
        (Losses::of(&[0.5], [0.0, 1.0]).map(drop), "1 losses have no variance"),
        (Losses::of(&[0.5, 2.0], [0.0, 1.0]).map(drop), "loss 1 is 2: expected 0 to 1"),
        (Losses::of(&[0.5, f64::NAN], [0.0, 1.0]).map(drop), "loss 1 is NaN"),
        (Risk::new(0.0).map(drop), "delta is 0: expected a finite number above 0"),
        (Risk::new(1.0).map(drop), "delta is 1: expected a number between 0 and 1"),
        (Risk::new(f64::NAN).map(drop), "delta is NaN"),
        (risk.over_hypotheses(-1.0).map(drop), "the logarithm of the number of hypotheses is -1"),
        (risk.over_steps(0).map(drop), "0 steps have no losses"),
        (largest_loss(&[], risk).map(drop), "0 steps have no losses"),
        (eps_m_from_log_loss(0.4, 0.5).map(drop), "the log loss is at most 0.4, and no model loses less"),
        (eps_m_from_log_loss(f64::NAN, 0.5).map(drop), "the log loss is NaN"),
        (eps_m_from_log_loss(0.4, f64::NEG_INFINITY).map(drop), "the entropy is -inf"),
        (eps_pi_from_kl(-0.1).map(drop), "kl is -0.1: expected at least 0"),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
