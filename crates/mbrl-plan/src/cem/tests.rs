//! One refit by numpy, the rule that ends a search, and numbers that may not move.

use super::*;
use crate::PerPlan;
use crate::population::reference;
use mbrl_core::RowBuf;

fn space() -> Space {
    Space::bounded(&[-1.0, -1.0], &[1.0, 3.0]).unwrap()
}

/// After one refit from the start.
fn refitted(config: CemConfig) -> Cem {
    let mut cem = Cem::new(CemConfig { population: 12, elites: 5, ..config }, &space(), 2).unwrap();
    cem.mean.iter_mut().zip(&cem.center).for_each(|(mean, center)| *mean = f64::from(*center));
    match &mut cem.spread {
        Spread::Diagonal(spread) => spread.start(&cem.bounds),
        Spread::Full(spread) => spread.start(&cem.bounds),
    }
    reference::real(&mut cem.population);
    cem.refit();
    cem
}

fn variances(cem: &Cem) -> Vec<f64> {
    let variance = |i| match &cem.spread {
        Spread::Diagonal(spread) => spread.variance(i),
        Spread::Full(spread) => spread.variance(i),
    };
    (0..cem.bounds.width()).map(variance).collect()
}

#[test]
fn a_refit_is_numpys() {
    let cem = refitted(CemConfig::default());
    reference::assert_is("mean", &cem.mean);
    reference::assert_is("variance", &variances(&cem));
    let cem = refitted(CemConfig { sampling: Sampling::Clipped, ..CemConfig::default() });
    reference::assert_is("mean", &cem.mean);
    reference::assert_is("clipped_variance", &variances(&cem));
}

#[test]
fn a_refit_of_all_covariances_is_numpys() {
    let covariance = Covariance::Full { shrinkage: 0.2 };
    let cem = refitted(CemConfig { covariance, ..CemConfig::default() });
    reference::assert_is("mean", &cem.mean);
    let Spread::Full(mut full) = cem.spread else { panic!("of another kind") };
    full.check_against_numpy();
}

#[test]
fn no_deviation_reaches_past_a_bound() {
    let key = Key::root(2);
    for covariance in [Covariance::Diagonal, Covariance::Full { shrinkage: 0.0 }] {
        let mut cem = Cem::new(CemConfig { covariance, ..CemConfig::default() }, &space(), 1).unwrap();
        cem.resume(&WarmStart { center: vec![0.9, 3.0], kept: vec![] }).unwrap();
        let mut seen = (f32::INFINITY, f32::NEG_INFINITY);
        let mut score = |plans: mbrl_core::Rows<'_>, _: Key, scores: &mut [f64]| {
            if seen.0.is_infinite() {
                for plan in plans.iter() {
                    seen = (seen.0.min(plan[0]), seen.1.max(plan[0]));
                    assert!((plan[1] - 3.0).abs() < 1e-6, "a mean at its bound leaves no room");
                }
            }
            scores.fill(0.0);
            Ok(())
        };
        cem.optimize(&mut score, key, RowBuf::zeros(1, 2).view_mut()).unwrap();
        // The nearer bound is 0.1 away: two deviations of at most 0.05. 400 numbers reach 0.09 but for 1e-8.
        assert!((0.8..0.82).contains(&seen.0) && (0.98..=1.0).contains(&seen.1), "{seen:?}");
    }
}

#[test]
fn a_search_ends_when_variances_are_small_in_units_of_the_bounds() {
    let mut rounds = Vec::new();
    // The same problem in three units.
    for unit in [1.0, 1e-3, 1e3] {
        let config = CemConfig { iterations: 50, ..CemConfig::default() };
        let mut cem = Cem::new(config, &Space::symmetric(1, unit).unwrap(), 4).unwrap();
        let mut score =
            PerPlan(|plan: &[f32]| -plan.iter().map(|x| f64::from(x / unit).powi(2)).sum::<f64>());
        let found = cem.optimize(&mut score, Key::root(0), RowBuf::zeros(4, 1).view_mut()).unwrap();
        assert!(cem.largest_variance() < config.epsilon);
        assert_eq!(found.evaluations, 400 * found.iterations);
        rounds.push(found.iterations);
    }
    assert!(rounds[0] > 1 && rounds[0] < 20 && rounds.iter().all(|r| *r == rounds[0]), "{rounds:?}");
}

#[test]
fn the_first_rounds_deviation_is_a_quarter_or_half_of_the_width() {
    for (sampling, share) in [(Sampling::Truncated, 0.25), (Sampling::Clipped, 0.5)] {
        let mut cem = Cem::new(CemConfig { sampling, ..CemConfig::default() }, &space(), 1).unwrap();
        if let Spread::Diagonal(spread) = &mut cem.spread {
            spread.start(&cem.bounds);
        }
        for (variance, width) in variances(&cem).iter().zip([2.0f64, 4.0]) {
            assert!((variance - (share * width).powi(2)).abs() < 1e-12, "{sampling:?}");
        }
    }
}

/// Moving any of these is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    let found = |config| {
        let mut plan = RowBuf::zeros(2, 2);
        let mut cem = Cem::new(config, &space(), 2).unwrap();
        let mut score = PerPlan(|plan: &[f32]| {
            -plan.iter().enumerate().map(|(i, x)| f64::from(x - 0.1 * i as f32).powi(2)).sum::<f64>()
        });
        cem.optimize(&mut score, Key::root(0).child("cem"), plan.view_mut()).unwrap();
        plan.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let base = CemConfig { population: 50, elites: 10, iterations: 2, ..CemConfig::default() };
    assert_eq!(found(base), [1026870315, 1046289226, 1037783029, 1051589799]);
    assert_eq!(
        found(CemConfig { sampling: Sampling::Clipped, returned: Returned::Best, ..base }),
        [1038416749, 3166516624, 1033690248, 1054336417]
    );
    assert_eq!(
        found(CemConfig { covariance: Covariance::Full { shrinkage: 0.1 }, ..base }),
        [1026870315, 1046200039, 1037102152, 1052037957]
    );
}
