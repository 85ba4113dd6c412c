//! The table of bounds: values against formulas of their own, verdicts at the border, and what is refused.

use super::*;
use proptest::prelude::*;

/// Everything the family of a bound knows.
fn of_family(family: Family) -> Symbols {
    let all = Symbols {
        gamma: Some(0.9),
        r_max: Some(2.0),
        eps_m: Some(0.05),
        eps_pi: Some(0.2),
        k: Some(3),
        lambda: Some(1.5),
        eps_u: Some(0.75),
        horizon: Some(20),
        episodes: Some(3),
        entropy: Some(0.7),
        c: Some(4.0),
        kl: Some(vec![0.01, 0.04, 0.09]),
    };
    match family {
        Family::Mbpo => Symbols {
            lambda: None,
            eps_u: None,
            horizon: None,
            episodes: None,
            entropy: None,
            c: None,
            kl: None,
            ..all
        },
        Family::Mopo => Symbols {
            gamma: all.gamma,
            r_max: all.r_max,
            lambda: all.lambda,
            eps_u: all.eps_u,
            ..Symbols::default()
        },
        Family::Psrl => {
            Symbols { gamma: None, eps_m: None, eps_pi: None, k: None, lambda: None, eps_u: None, ..all }
        }
    }
}

/// The symbols without one.
fn without(mut symbols: Symbols, symbol: Symbol) -> Symbols {
    match symbol {
        Symbol::Gamma => symbols.gamma = None,
        Symbol::RMax => symbols.r_max = None,
        Symbol::EpsM => symbols.eps_m = None,
        Symbol::EpsPi => symbols.eps_pi = None,
        Symbol::K => symbols.k = None,
        Symbol::Lambda => symbols.lambda = None,
        Symbol::EpsU => symbols.eps_u = None,
        Symbol::Horizon => symbols.horizon = None,
        Symbol::Episodes => symbols.episodes = None,
        Symbol::Entropy => symbols.entropy = None,
        Symbol::C => symbols.c = None,
        Symbol::Kl => symbols.kl = None,
    }
    symbols
}

fn value(name: &str, symbols: &Symbols) -> Value {
    Bound::find(name).unwrap().evaluate(symbols).unwrap()
}

fn refusal(name: &str, symbols: &Symbols) -> String {
    let error = Bound::find(name).unwrap().evaluate(symbols).unwrap_err();
    assert!(error.is_invalid(), "{error}");
    error.to_string()
}

/// 2 r_max [γᵏ⁺¹ ε_π / (1 − γ)² + (γᵏ + kept) ε_π / (1 − γ) + k step / (1 − γ)], term by term.
fn by_powers(gamma: f64, r_max: f64, eps_pi: f64, k: i32, kept: f64, step: f64) -> f64 {
    let h = 1.0 / (1.0 - gamma);
    let one = gamma.powi(k + 1) * eps_pi * h * h;
    let two = (gamma.powi(k) + kept) * eps_pi * h;
    2.0 * r_max * (one + two + f64::from(k) * step * h)
}

fn is(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-12 * expected.abs().max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn each_bound_of_mbpo_is_its_formula(
        gamma in 0.0..0.999f64, r_max in 0.0..5.0f64, eps_m in 0.0..1.0f64, eps_pi in 0.0..1.0f64, k in 0i32..300,
    ) {
        let symbols = Symbols {
            gamma: Some(gamma),
            r_max: Some(r_max),
            eps_m: Some(eps_m),
            eps_pi: Some(eps_pi),
            k: Some(k as u64),
            ..Symbols::default()
        };
        let branched = |kept, step| by_powers(gamma, r_max, eps_pi, k, kept, step);
        let level = 2.0 * r_max / (1.0 - gamma);
        for (name, expected) in [
            (
                "mbpo-4.1",
                2.0 * gamma * r_max * (eps_m + 2.0 * eps_pi) / (1.0 - gamma).powi(2) + 4.0 * r_max * eps_pi / (1.0 - gamma),
            ),
            ("mbpo-4.2", branched(2.0, eps_m + 2.0 * eps_pi)),
            ("mbpo-4.3", branched(2.0, eps_m)),
            ("mbpo-4.3-published", branched(0.0, eps_m)),
        ] {
            let found = value(name, &symbols);
            prop_assert!((found.value - expected).abs() <= 1e-9 * expected.max(1.0), "{name}: {found:?}, not {expected}");
            prop_assert!((found.vacuous_above.unwrap() - level).abs() <= 1e-9 * level.max(1.0));
            prop_assert_eq!(found.vacuous, found.value > found.vacuous_above.unwrap());
        }
        // The first length past which another step does not pay, up to rounding where two pay alike.
        let k_star = value("mbpo-k-star", &symbols);
        let step = |k: f64| eps_m - gamma.powf(k) * eps_pi;
        prop_assert!(step(k_star.value) >= -1e-12, "{k_star:?}");
        prop_assert!(k_star.value < 0.5 || step(k_star.value - 1.0) <= 1e-12, "{k_star:?}");
        prop_assert!(!k_star.vacuous && k_star.vacuous_above.is_none());
    }

    #[test]
    fn the_others_are_their_formulas(
        lambda in 0.0..300.0f64, eps_u in 0.0..9.0f64, r_max in 0.0..5.0f64, horizon in 1u64..1000,
        entropy in 0.0..9.0f64, c in 0.0..50.0f64, kl in prop::collection::vec(0.0..4.0f64, 1..20),
    ) {
        let mopo = Symbols { lambda: Some(lambda), eps_u: Some(eps_u), ..Symbols::default() };
        prop_assert!(is(value("mopo-return", &mopo).value, 2.0 * lambda * eps_u));
        let h = horizon as f64;
        let k = kl.len() as f64;
        let exact = (c * k * (h * r_max).powi(2) * entropy).sqrt();
        let expected = exact + 2.0 * h * r_max * kl.iter().map(|kl| kl.sqrt()).sum::<f64>();
        let psrl = Symbols {
            r_max: Some(r_max),
            horizon: Some(horizon),
            episodes: Some(kl.len() as u64),
            entropy: Some(entropy),
            c: Some(c),
            kl: Some(kl),
            ..Symbols::default()
        };
        let found = value("psrl-regret", &psrl);
        prop_assert!((found.value - expected).abs() <= 1e-9 * expected.max(1.0), "{found:?}, not {expected}");
        prop_assert!(is(found.vacuous_above.unwrap(), k * h * r_max));
        let example = value("psrl-example-1", &psrl);
        prop_assert!(is(example.value, 1.098_612_288_668_109_8) && !example.vacuous);
    }
}

#[test]
fn a_bound_is_vacuous_past_the_border_and_not_at_it() {
    // With γ = 1/2 and r_max = 1 two returns are 4 apart at most, and theorem 4.1 subtracts 4 ε_m + 12 ε_π.
    let at = |eps_m, eps_pi| Symbols {
        gamma: Some(0.5),
        r_max: Some(1.0),
        eps_m: Some(eps_m),
        eps_pi: Some(eps_pi),
        k: Some(0),
        ..Symbols::default()
    };
    assert!(!value("mbpo-4.1", &at(1.0, 0.0)).vacuous && value("mbpo-4.1", &at(1.0, 1e-9)).vacuous);
    // Without a step of the model, theorem 4.2 and the notes' 4.3 subtract 16 ε_π and the paper's 8 ε_π.
    for (name, border) in [("mbpo-4.2", 0.25), ("mbpo-4.3", 0.25), ("mbpo-4.3-published", 0.5)] {
        assert!(!value(name, &at(0.1, border)).vacuous, "{name}");
        assert!(value(name, &at(0.1, border + 1e-9)).vacuous, "{name}");
    }
    let mopo = |eps_u| Symbols {
        gamma: Some(0.5),
        r_max: Some(1.0),
        lambda: Some(1.0),
        eps_u: Some(eps_u),
        ..Symbols::default()
    };
    assert!(!value("mopo-return", &mopo(2.0)).vacuous && value("mopo-return", &mopo(2.0 + 1e-9)).vacuous);
    let untold = value("mopo-return", &without(mopo(1e9), Symbol::RMax));
    assert!(!untold.vacuous && untold.vacuous_above.is_none());
    let psrl = |kl| Symbols {
        r_max: Some(2.0),
        horizon: Some(3),
        episodes: Some(4),
        entropy: Some(4.0),
        c: Some(1.0),
        kl: Some(vec![kl]),
        ..Symbols::default()
    };
    assert!(!value("psrl-regret", &psrl(0.0)).vacuous && value("psrl-regret", &psrl(1e-12)).vacuous);
}

#[test]
fn an_unknown_name_is_told_the_nearest() {
    for (name, says) in [
        ("mbpo-4.1x", "no bound is called `mbpo-4.1x`: did you mean `mbpo-4.1`?"),
        ("k-star", "no bound is called `k-star`: did you mean `mbpo-k-star`?"),
        ("published", "did you mean `mbpo-4.3-published`?"),
        (
            "nothing of the kind",
            "there are mbpo-4.1, mbpo-4.2, mbpo-4.3, mbpo-4.3-published, mbpo-k-star, mopo-return",
        ),
    ] {
        let error = Bound::find(name).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    for bound in BOUNDS {
        assert_eq!(Bound::find(bound.name).unwrap().name, bound.name);
    }
}

#[test]
fn what_is_missing_is_named_and_what_is_not_used_is_ignored() {
    for bound in BOUNDS {
        let all = of_family(bound.family);
        assert_eq!(all, without(all.clone(), Symbol::ALL.into_iter().find(|s| !all.has(*s)).unwrap()));
        let whole = bound.evaluate(&all).unwrap();
        for symbol in Symbol::ALL {
            let less = without(all.clone(), symbol);
            if bound.needs.contains(&symbol) {
                let error = refusal(bound.name, &less);
                assert!(
                    error.starts_with(&format!("--{symbol} is missing: {} needs ", bound.name)),
                    "{error}"
                );
                assert!(bound.needs.iter().all(|needed| error.contains(needed.flag())), "{error}");
            } else {
                let found = bound.evaluate(&less).unwrap();
                assert_eq!(found.value.to_bits(), whole.value.to_bits(), "{} without {symbol}", bound.name);
            }
        }
    }
    let three = without(of_family(Family::Mbpo), Symbol::EpsPi);
    assert_eq!(
        refusal("mbpo-4.1", &three),
        "--eps-pi is missing: mbpo-4.1 needs gamma, r-max, eps-m and eps-pi"
    );
}

#[test]
fn a_symbol_of_another_family_is_refused() {
    for bound in BOUNDS {
        for symbol in Symbol::ALL.into_iter().filter(|symbol| !bound.family.symbols().contains(symbol)) {
            let mut symbols = of_family(bound.family);
            symbols.set(symbol, if symbol.is_whole() { 1.0 } else { 0.5 }).unwrap();
            let error = refusal(bound.name, &symbols);
            let says = format!("--{symbol} is no symbol of {}: it takes ", bound.name);
            assert!(error.starts_with(&says), "{error}");
        }
    }
    let lambda = Symbols { lambda: Some(1.0), ..of_family(Family::Mbpo) };
    assert_eq!(
        refusal("mbpo-k-star", &lambda),
        "--lambda is no symbol of mbpo-k-star: it takes gamma, r-max, eps-m, eps-pi and k"
    );
}

#[test]
fn a_number_out_of_its_range_is_refused_by_name() {
    for (symbol, number, says) in [
        (Symbol::Gamma, 1.0, "gamma is 1: expected at least 0 and below 1"),
        (Symbol::Gamma, f64::NAN, "gamma is NaN: expected at least 0 and below 1"),
        (Symbol::RMax, -1.0, "r-max is -1: expected a finite number of at least 0"),
        (Symbol::RMax, f64::INFINITY, "r-max is inf: expected a finite number"),
        (Symbol::EpsM, -0.1, "eps-m is -0.1: expected 0 to 1"),
        (Symbol::EpsPi, 1.5, "eps-pi is 1.5: expected 0 to 1"),
        (Symbol::K, -1.0, "k is -1: expected a whole number from 0 to 2^53"),
        (Symbol::K, 2.5, "k is 2.5: expected a whole number"),
        (Symbol::K, f64::NAN, "k is NaN: expected a whole number"),
        (Symbol::K, 1e300, "expected a whole number"),
        (Symbol::Lambda, -1.0, "lambda is -1: expected a finite number of at least 0"),
        (Symbol::EpsU, f64::INFINITY, "eps-u is inf"),
        (Symbol::Horizon, 0.0, "horizon is 0: expected a whole number from 1 to"),
        (Symbol::Episodes, 0.5, "episodes is 0.5: expected a whole number from 1 to"),
        (Symbol::Entropy, -1.0, "entropy is -1"),
        (Symbol::C, f64::NAN, "c is NaN"),
        (Symbol::Kl, -0.5, "kl is -0.5: expected a finite number of at least 0"),
        (Symbol::Kl, f64::INFINITY, "kl is inf"),
    ] {
        let before = of_family(Family::Mbpo);
        let mut symbols = before.clone();
        let error = symbols.set(symbol, number).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(symbols, before);
    }
    // Whoever writes the struct by hand is held to the same ranges.
    let by_hand = Symbols { gamma: Some(1.0), ..of_family(Family::Mbpo) };
    for name in ["mbpo-4.1", "mbpo-4.2", "mbpo-4.3", "mbpo-4.3-published", "mbpo-k-star"] {
        assert_eq!(refusal(name, &by_hand), "gamma is 1: expected at least 0 and below 1");
    }
    let unbounded = Symbols { eps_m: Some(0.0), ..of_family(Family::Mbpo) };
    assert!(refusal("mbpo-k-star", &unbounded).starts_with("k* is unbounded: eps-m is 0"));
    let two = Symbols { kl: Some(vec![0.1, 0.2]), ..of_family(Family::Psrl) };
    assert!(refusal("psrl-regret", &two).contains("2 values of kl for 3 episodes"));
}

#[test]
fn the_length_is_what_its_statement_says() {
    let k_star = Bound::find("mbpo-k-star").unwrap();
    assert!(
        k_star
            .statement
            .starts_with("k* is the smallest k with γᵏ ε_π ≤ ε_m′: 0 where ε_m′ ≥ ε_π, else 1 where γ = 0, ")
    );
    for (gamma, eps_m, eps_pi) in [
        (0.0, 0.1, 0.5),
        (0.0, 0.0, 0.5),
        (0.0, 0.5, 0.5),
        (0.9, 0.0, 0.0),
        (0.3, 0.01, 0.9),
        (0.99, 0.001, 0.05),
    ] {
        let symbols =
            Symbols { gamma: Some(gamma), eps_m: Some(eps_m), eps_pi: Some(eps_pi), ..Symbols::default() };
        let k = k_star.evaluate(&symbols).unwrap().value;
        let smallest = (0..1000).find(|k| f64::powi(gamma, *k) * eps_pi <= eps_m).unwrap();
        assert!(is(k, f64::from(smallest)), "{symbols:?}: {k}");
        let closed = match (eps_m, gamma) {
            _ if eps_m >= eps_pi => 0.0,
            (_, nothing) if nothing <= 0.0 => 1.0,
            _ => ((eps_m / eps_pi).ln() / gamma.ln()).ceil(),
        };
        assert!(is(k, closed), "{symbols:?}: {k}, not {closed}");
    }
}

#[test]
fn symbols_are_what_they_were_made() {
    for symbol in Symbol::ALL {
        let mut symbols = Symbols::default();
        assert!(!symbols.has(symbol) && symbols.get(symbol).is_none());
        let number = if symbol.is_whole() { 7.0 } else { 0.25 };
        symbols.set(symbol, number).unwrap();
        assert_eq!(symbols.get(symbol).unwrap().to_bits(), f64::to_bits(number), "{symbol}");
        assert!(Symbol::ALL.into_iter().all(|other| symbols.has(other) == (other == symbol)));
        assert_eq!(symbol.key(), symbol.flag().replace('-', "_"));
    }
    let list = Symbols { kl: Some(vec![0.1, 0.2]), ..Symbols::default() };
    assert!(list.has(Symbol::Kl) && list.get(Symbol::Kl).is_none());
    for bound in BOUNDS {
        assert!(bound.needs.iter().all(|symbol| bound.family.symbols().contains(symbol)));
        assert!(bound.name.starts_with(bound.family.name()));
    }
}
