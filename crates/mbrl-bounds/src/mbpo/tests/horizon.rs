//! k*, against the formula of the documents and a look at every length.

use super::*;

/// What theorem 4.3 subtracts, but for a factor.
fn amount(gamma: f64, eps_m: f64, eps_pi: f64, k: u64) -> f64 {
    theorem_4_3(Discounted::new(gamma, 1.0).unwrap(), Form::Published, eps_m, eps_pi, k).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn k_star_is_the_shortest_of_the_best(
        gamma in prop_oneof![1 => Just(0.0), 5 => 0.0f64..0.97, 1 => Just(0.5)],
        eps_m in prop_oneof![3 => 0.0f64..=1.0, 3 => 1e-6f64..1e-2, 1 => Just(0.25), 1 => Just(1e-12)],
        eps_pi in prop_oneof![1 => Just(0.0), 5 => 0.0f64..=1.0, 1 => Just(1.0)],
    ) {
        prop_assume!(eps_m > 0.0);
        let k = k_star(gamma, eps_m, eps_pi).unwrap();
        let searched = k_star_by_search(gamma, eps_m, eps_pi, k + 200).unwrap();
        let (here, there) =
            (amount(gamma, eps_m, eps_pi, k), amount(gamma, eps_m, eps_pi, searched));
        let rounding = 1e-12 * (1.0 + there);
        prop_assert!((here - there).abs() <= rounding, "{k}: {here}, {searched}: {there}");
        // Where its neighbours are worse by more than rounding, there is no doubt which is the best.
        let worse = |other: u64| amount(gamma, eps_m, eps_pi, other) > here + rounding;
        if worse(k + 1) && (k == 0 || worse(k - 1)) {
            prop_assert_eq!(k, searched);
        }
        // The seed's form has the same best length.
        let returns = Discounted::new(gamma, 1.0).unwrap();
        let seed = |k| theorem_4_3(returns, Form::Seed, eps_m, eps_pi, k).unwrap();
        prop_assert!(seed(k) <= seed(searched) + 2.0 * rounding);
        let by_formula = if eps_m >= eps_pi { 0.0 } else { ((eps_m / eps_pi).ln() / gamma.ln()).max(1.0).ceil() };
        prop_assert!((k as f64 - by_formula).abs() <= 1.0);
        let whole = (by_formula - (eps_m / eps_pi).ln() / gamma.ln()).abs();
        if eps_m >= eps_pi || gamma <= 0.0 || (1e-6..1.0 - 1e-6).contains(&whole) {
            prop_assert_eq!(k, by_formula as u64);
        }
    }
}

#[test]
fn k_star_at_the_ends_of_its_range() {
    // A perfect model of which no step is lost, a policy that is where the data are, a discount that sees one step.
    for (gamma, eps_m, eps_pi, says) in [
        (0.99, 0.0, 0.1, "k* is unbounded: eps-m is 0 and eps-pi is 0.1"),
        (0.5, 0.0, 1e-300, "k* is unbounded: eps-m is 0 and eps-pi is"),
        (1e-200, 0.0, 1e-200, "k* is unbounded"),
    ] {
        let error = k_star(gamma, eps_m, eps_pi).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    for (gamma, eps_m, eps_pi, k) in [
        (0.99, 0.0, 0.0, 0),
        (0.99, 0.5, 0.0, 0),
        (0.0, 0.0, 0.1, 1),
        (0.0, 0.05, 0.1, 1),
        (0.0, 0.1, 0.1, 0),
        (0.5, 0.25, 1.0, 2),
        (0.5, 0.2500001, 1.0, 2),
        (0.5, 0.2499999, 1.0, 3),
        (0.5, 2f64.powi(-1000), 1.0, 1000),
        (0.99, 0.01, 0.1, 230),
    ] {
        assert_eq!(k_star(gamma, eps_m, eps_pi).unwrap(), k, "{gamma}, {eps_m}, {eps_pi}");
    }
    // The smallest error there is, and a discount next to one, which would be long to walk to.
    let (gamma, smallest) = (1.0 - 1e-12, f64::from_bits(1));
    let k = k_star(gamma, smallest, 1.0).unwrap() as f64;
    assert!((k * 1e-12 - 744.0).abs() < 1.0, "{k}");
    let k = k_star(1.0 - f64::EPSILON / 2.0, smallest, 1.0).unwrap() as f64;
    assert!((k * f64::EPSILON / 2.0 - 744.0).abs() < 1.0, "{k}");
}

#[test]
fn by_theorem_4_2_the_best_length_is_none() {
    let returns = Discounted::new(0.99, 1.0).unwrap();
    let amounts: Vec<f64> = (0..2000).map(|k| theorem_4_2(returns, 0.0, 0.1, k).unwrap()).collect();
    assert!(amounts.windows(2).all(|pair| pair[0] < pair[1]));
    // By theorem 4.3 with a good model it is some.
    assert_eq!(k_star(0.99, 0.01, 0.1).unwrap(), k_star_by_search(0.99, 0.01, 0.1, 2000).unwrap());
}
