//! The sums of a drift, against sums over its steps.

use super::*;

/// 2 r_max Σ_t γᵗ d_t of any d_t of at most `t`, until what is left of it is nothing.
fn by_steps(returns: Discounted, d: impl Fn(u64) -> f64) -> f64 {
    let (mut sum, mut weight, mut t) = (0.0, 1.0, 0);
    while weight * (t as f64 + returns.horizon()) > 1e-15 {
        sum += weight * d(t);
        weight *= returns.gamma();
        t += 1;
    }
    2.0 * returns.r_max() * sum
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn amounts_are_sums_over_steps(
        gamma in prop_oneof![1 => Just(0.0), 5 => 0.0f64..0.99],
        eps_m in prop_oneof![1 => Just(0.0), 3 => 0.0f64..0.1, 2 => 0.0f64..=1.0, 1 => Just(1.0)],
        eps_pi in prop_oneof![1 => Just(0.0), 3 => 0.0f64..0.1, 2 => 0.0f64..=1.0, 1 => Just(1.0)],
        k in prop_oneof![0u64..10, 0u64..1000, Just(u64::MAX)],
    ) {
        let returns = Discounted::new(gamma, 1.5).unwrap();
        for (drift, since) in [
            (Drift::of_4_3(eps_m, eps_pi, k).unwrap(), eps_m),
            (Drift::of_4_2(eps_m, eps_pi, k).unwrap(), eps_m + 2.0 * eps_pi),
        ] {
            let d = |t: u64| t.saturating_sub(k) as f64 * eps_pi + t.min(k) as f64 * since;
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-10 * (1.0 + b);
            let (amount, capped) = (drift.amount(returns).unwrap(), drift.capped_amount(returns).unwrap());
            prop_assert!(near(amount, by_steps(returns, d)), "{amount}, {}", by_steps(returns, d));
            prop_assert!(near(capped, by_steps(returns, |t| d(t).min(1.0))), "{capped}");
            prop_assert!(capped <= gamma * returns.widest_gap() * (1.0 + 1e-12));
            for t in [0, 1, k / 2, k, k.saturating_add(3)] {
                prop_assert!((drift.at(t) - d(t).min(1.0)).abs() < 1e-15);
            }
        }
        prop_assert_eq!(Drift::of_4_1(eps_m, eps_pi).unwrap(), Drift::of_4_2(eps_m, eps_pi, u64::MAX).unwrap());
    }
}

proptest! {
    /// It is a mean of the two errors, with weights γᵏ and 1 − γᵏ: no length between none and all is the best.
    #[test]
    fn the_best_length_by_the_drift_is_none_or_all(
        gamma in 0.0f64..0.999,
        eps_m in 0.0f64..=1.0,
        eps_pi in 0.0f64..=1.0,
        k in 0u64..1000,
    ) {
        let returns = Discounted::new(gamma, 1.0).unwrap();
        let amount = |k| Drift::of_4_3(eps_m, eps_pi, k).unwrap().amount(returns).unwrap();
        let by_ends = gamma.powf(k as f64) * amount(0) + (1.0 - gamma.powf(k as f64)) * amount(u64::MAX);
        prop_assert!((amount(k) - by_ends).abs() <= 1e-10 * (1.0 + by_ends));
    }
}

/// Where γᵏ is near one, 1 − γᵏ as a difference of rounded numbers would have half of the digits.
#[test]
fn all_digits_are_kept_where_the_discount_is_near_one() {
    let gamma = 1.0 - 1e-9;
    let returns = Discounted::new(gamma, 1.0).unwrap();
    let x = 1.0 - gamma;
    for k in [3u32, 10, 30] {
        let drift = Drift::of_4_3(1e-6, 0.0, u64::from(k)).unwrap();
        // (1 − (1 − x)ᵏ) / x, of which the next term is below 1e-22.
        let n = f64::from(k);
        let steps = n * (1.0 - (n - 1.0) * x / 2.0 * (1.0 - (n - 2.0) * x / 3.0));
        let exact = 2.0 * returns.horizon() * gamma * steps * 1e-6;
        for amount in [drift.amount(returns).unwrap(), drift.capped_amount(returns).unwrap()] {
            assert!((amount / exact - 1.0).abs() < 1e-14, "{k}: {amount}, {exact}");
        }
    }
}
