//! Each theorem against the exact gap that it bounds.

use super::*;

/// The exact symbols of a case, and the returns on which the bounds are measured.
struct Symbols {
    returns: Discounted,
    eps_pi: f64,
    /// TV(π, π_D) under π_D, and under π.
    shifts: [StepError; 2],
    /// The error of the model under π_D.
    eps_m: StepError,
    /// The error of the model under π.
    eps_m_prime: StepError,
    supremum: f64,
}

fn symbols(case: &Case) -> Symbols {
    let Case { worlds, policy, data_policy, gamma } = case;
    let shift = |visitor| policy_shift_under(worlds, visitor, policy, data_policy, *gamma).unwrap();
    Symbols {
        returns: worlds.discounted(*gamma).unwrap(),
        eps_pi: policy_shift(worlds, policy, data_policy).unwrap(),
        shifts: [shift(data_policy), shift(policy)],
        eps_m: model_error_under(worlds, data_policy, *gamma).unwrap(),
        eps_m_prime: model_error_under(worlds, policy, *gamma).unwrap(),
        supremum: model_error_supremum(worlds),
    }
}

/// Whether each number is at most the next one, up to rounding.
fn increasing(returns: Discounted, chain: &[f64]) -> bool {
    chain.windows(2).all(|pair| pair[0] <= pair[1] + rounding(returns) + 1e-12 * pair[1])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn theorem_4_1_holds_in_both_directions(case in cases()) {
        let Symbols { returns, eps_pi, shifts, eps_m, supremum, .. } = symbols(&case);
        let Case { worlds, policy, data_policy, gamma } = &case;
        let truth = true_return(worlds, policy, *gamma).unwrap();
        let model = model_return(worlds, policy, *gamma).unwrap();
        let gap = (truth - model).abs();
        let published = theorem_4_1(returns, eps_m.largest, eps_pi).unwrap();
        let drift = Drift::of_4_1(eps_m.largest, eps_pi).unwrap();
        let amount = drift.amount(returns).unwrap();
        let by_means = Drift::of_4_1(eps_m.mean, shifts[0].mean).unwrap().amount(returns).unwrap();
        let capped = drift.capped_amount(returns).unwrap();
        prop_assert!(increasing(returns, &[gap, by_means, amount, published]), "{gap} {by_means} {amount}");
        prop_assert!(increasing(returns, &[gap, capped, amount]), "{gap}, {capped}, {amount}");
        let by_supremum = theorem_4_1(returns, supremum, eps_pi).unwrap();
        prop_assert!(increasing(returns, &[published, by_supremum]));

        // The two legs of its proof, by way of the data policy, and what they leave of a gain.
        let h = returns.horizon();
        let by_data = true_return(worlds, data_policy, *gamma).unwrap();
        let first = 2.0 * returns.r_max() * h * h * eps_pi;
        let second = 2.0 * returns.r_max() * h * (gamma * h * (eps_m.largest + eps_pi) + eps_pi);
        prop_assert!(increasing(returns, &[(truth - by_data).abs(), first]));
        prop_assert!(increasing(returns, &[(by_data - model).abs(), second]));
        prop_assert!((first + second - published).abs() <= 1e-12 * published);
        prop_assert!(model - published <= by_data - first + rounding(returns));
        let modelled_data = model_return(worlds, data_policy, *gamma).unwrap();
        prop_assert!(increasing(returns, &[(model - modelled_data).abs(), first, published]));
    }

    #[test]
    fn theorems_4_2_and_4_3_hold_in_both_directions(case in cases()) {
        let Symbols { returns, eps_pi, shifts, eps_m, eps_m_prime, supremum } = symbols(&case);
        let Case { worlds, policy, data_policy, gamma } = &case;
        let truth = true_return(worlds, policy, *gamma).unwrap();
        for k in LENGTHS {
            let branched = branched_return(worlds, policy, data_policy, *gamma, k).unwrap();
            let gap = (truth - branched).abs();

            let theorem = theorem_4_2(returns, eps_m.largest, eps_pi, k).unwrap();
            let drift = Drift::of_4_2(eps_m.largest, eps_pi, k).unwrap();
            let amount = drift.amount(returns).unwrap();
            let means = Drift::of_4_2(eps_m.mean, shifts[0].mean, k).unwrap().amount(returns).unwrap();
            let capped = drift.capped_amount(returns).unwrap();
            prop_assert!(increasing(returns, &[gap, means, amount, theorem]), "4.2, k = {k}: {gap}, {means}");
            prop_assert!(increasing(returns, &[gap, capped, amount]), "4.2, k = {k}: {gap}, {capped}");

            for eps in [eps_m_prime.largest, supremum] {
                let published = theorem_4_3(returns, Form::Published, eps, eps_pi, k).unwrap();
                let seed = theorem_4_3(returns, Form::Seed, eps, eps_pi, k).unwrap();
                let drift = Drift::of_4_3(eps, eps_pi, k).unwrap();
                let (amount, capped) = (drift.amount(returns).unwrap(), drift.capped_amount(returns).unwrap());
                prop_assert!(increasing(returns, &[gap, capped, amount, published, seed]), "4.3, k = {k}: {gap}");
            }
            // Step t is at most (t + 1) ε_π away from π_D, and no error is above one.
            prop_assert!(eps_m_prime.mean <= eps_m.mean + eps_pi * returns.horizon() + 1e-9);
            for shift in shifts {
                let means = Drift::of_4_3(eps_m_prime.mean, shift.mean, k).unwrap().amount(returns).unwrap();
                let largest = Drift::of_4_3(eps_m_prime.largest, eps_pi, k).unwrap().amount(returns).unwrap();
                prop_assert!(increasing(returns, &[gap, means, largest]), "4.3, k = {k}: {gap}, {means}");
            }
        }
    }

    #[test]
    fn the_theorems_are_related_as_their_terms_are(
        gamma in 0.0f64..0.999,
        r_max in 0.0f64..10.0,
        eps_m in 0.0f64..=1.0,
        eps_pi in 0.0f64..=1.0,
        k in 0u64..2000,
    ) {
        let returns = Discounted::new(gamma, r_max).unwrap();
        let (h, near) = (returns.horizon(), |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs()));
        let published = theorem_4_3(returns, Form::Published, eps_m, eps_pi, k).unwrap();
        let seed = theorem_4_3(returns, Form::Seed, eps_m, eps_pi, k).unwrap();
        prop_assert!(near(seed - published, 4.0 * r_max * eps_pi * h));
        let theorem = |k| theorem_4_2(returns, eps_m, eps_pi, k).unwrap();
        prop_assert!(near(theorem(0), 2.0 * r_max * (gamma * eps_pi * h * h + 3.0 * eps_pi * h)));
        // A step more adds [ε_m + (2 − γᵏ) ε_π] / (1 − γ), so by theorem 4.2 no rollout is the best.
        let added = eps_m + (2.0 - gamma.powf(k as f64)) * eps_pi;
        prop_assert!(near(theorem(k + 1) - theorem(k), 2.0 * r_max * h * added));
        prop_assert!(theorem(k) >= theorem(0));
        prop_assert!(near(theorem(k), theorem_4_3(returns, Form::Seed, 0.0, eps_pi, k).unwrap()
            + 2.0 * r_max * h * k as f64 * (eps_m + 2.0 * eps_pi)));
        // Without errors nothing is subtracted, and a step in a perfect model by the same policy costs nothing.
        for none in [theorem_4_1(returns, 0.0, 0.0), theorem_4_2(returns, 0.0, 0.0, k),
            theorem_4_3(returns, Form::Seed, 0.0, 0.0, k), theorem_4_3(returns, Form::Published, 0.0, 0.0, k)] {
            prop_assert!(none.unwrap() <= 0.0);
        }
    }
}
