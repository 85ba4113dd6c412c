//! λ from returns against tables, arithmetic and chance.

use super::*;
use mbrl_core::{Key, NoiseBuf, NoiseSpec};

/// The 97.5 % quantile of Student's distribution with 7 degrees of freedom, by scipy 1.17.1.
const T7: f64 = 2.364624251592784;

/// The same worlds, begun in one state.
fn begun_in(worlds: &ModelledMdp, start: Vec<f64>) -> ModelledMdp {
    let (truth, model) = (worlds.truth(), worlds.model());
    let states = truth.states();
    let pairs = || (0..states).flat_map(|s| (0..truth.actions()).map(move |a| (s, a)));
    let rows =
        |mdp: &TabularMdp| pairs().flat_map(|(s, a)| mdp.transition(s, a).to_vec()).collect::<Vec<_>>();
    let rewards = pairs().flat_map(|(s, a)| std::iter::repeat_n(worlds.reward(s, a), states)).collect();
    let ends = (0..states).map(|s| truth.is_terminal(s)).collect();
    let truth = TabularMdp::new(truth.actions(), rows(truth), rewards, start, ends).unwrap();
    ModelledMdp::new(&truth, rows(model)).unwrap()
}

proptest! {
    #![proptest_config(many(2000))]

    #[test]
    fn of_exact_returns_it_is_the_smallest_of_the_table((case, u) in estimated()) {
        let Case { worlds, policy, gamma, .. } = case;
        let states = worlds.truth().states();
        prop_assume!(states > 1);
        let all = begun_in(&worlds, vec![1.0 / states as f64; states]);
        let (mut imagined, mut real, mut met) = (Vec::new(), Vec::new(), Vec::new());
        for state in 0..states {
            let start = (0..states).map(|s| f64::from(u8::from(s == state))).collect();
            let from = begun_in(&worlds, start);
            let lemma = telescope(&from, &policy, gamma).unwrap();
            imagined.push(lemma.model_return);
            real.push(lemma.true_return);
            met.push(eps_u(&from, &policy, &u, gamma).unwrap());
        }
        let found = lambda_from_returns(&imagined, &real, &met, T7).unwrap();
        let exact = smallest_lambda(&all, &policy, &u, gamma).unwrap();
        // What the estimate takes for rounding, in units of returns.
        let slack = 1e-6 * (1.0 + all.discounted(gamma).unwrap().widest_gap());
        let sum = met.iter().sum::<f64>() / states as f64;
        prop_assert!((found.lambda - exact).abs() * sum <= slack, "{found:?} for {exact}");
        prop_assert!(found.low <= found.lambda && found.lambda <= found.high, "{found:?}");
        let worst = imagined.iter().zip(&real).zip(&met);
        prop_assert!(worst.into_iter().all(|((i, r), m)| i - found.most * m <= r + slack), "{found:?}");
    }
}

#[test]
fn a_known_bias_has_the_lambda_of_arithmetic() {
    let real: Vec<f64> = (0..20).map(|i| -100.0 - f64::from(i)).collect();
    let met: Vec<f64> = (0..20).map(|i| 2.0 + f64::from(i % 5)).collect();
    // The model promises three for each unit of u: no start disagrees about λ.
    let imagined: Vec<f64> = real.iter().zip(&met).map(|(r, u)| r + 3.0 * u).collect();
    let found = lambda_from_returns(&imagined, &real, &met, 2.093).unwrap();
    for lambda in [found.lambda, found.low, found.high, found.most] {
        assert!((lambda - 3.0).abs() < 1e-9, "{found:?}");
    }
    // One start in twenty may be worse than the 95 % allow, and the second may not.
    let mut worse = imagined.clone();
    worse[3] += 1000.0;
    let once = lambda_from_returns(&worse, &real, &met, 2.093).unwrap();
    assert!((once.most - 3.0).abs() < 1e-9 && once.lambda > 3.0 && once.high > once.lambda, "{once:?}");
    worse[4] += 10.0;
    assert!(
        (lambda_from_returns(&worse, &real, &met, 2.093).unwrap().most - (3.0 + 10.0 / 6.0)).abs() < 1e-9
    );
}

#[test]
fn a_model_that_promises_no_more_needs_no_penalty() {
    let (real, met) = ([-3.0, -5.0, -4.0], [1.0, 2.0, 1.5]);
    let same = lambda_from_returns(&real, &real, &met, 4.3027).unwrap();
    assert_eq!([same.lambda, same.low, same.high, same.most].map(f64::to_bits), [0; 4]);
    // Nor where it knows no doubt.
    let sure = lambda_from_returns(&real, &real, &[0.0; 3], 4.3027).unwrap();
    assert_eq!([sure.lambda, sure.low, sure.high, sure.most].map(f64::to_bits), [0; 4]);
    let below = lambda_from_returns(&[-4.0, -6.1, -5.0], &real, &met, 4.3027).unwrap();
    assert_eq!([below.lambda, below.low, below.most].map(f64::to_bits), [0; 3]);
    // A model that overrates and is sure of itself cannot be mended.
    let proud = lambda_from_returns(&[-2.0, -4.0, -3.0], &real, &[0.0; 3], 4.3027).unwrap();
    assert!(proud.lambda.is_infinite() && proud.high.is_infinite() && proud.most.is_infinite(), "{proud:?}");
}

#[test]
fn the_interval_covers_as_often_as_it_says() {
    // Of 4000 intervals 95 % cover; the deviation of that share is 0.0034, so that six of them have a false-alarm rate
    // below 1e-8.
    let (trials, n, mut noise, mut covered) = (4000, 8, NoiseBuf::default(), 0);
    for trial in 0..trials {
        noise.fill(NoiseSpec { normals: 2, uniforms: 0 }, n, Key::root(3).at(trial));
        let normals = noise.view().normals;
        let met: Vec<f64> = normals.iter().map(|x| 6.0 + f64::from(x[0])).collect();
        let imagined: Vec<f64> =
            met.iter().zip(normals.iter()).map(|(u, x)| 2.0 * u + 5.0 * f64::from(x[1])).collect();
        let found = lambda_from_returns(&imagined, &[0.0; 8], &met, T7).unwrap();
        covered += u32::from(found.low <= 2.0 && 2.0 <= found.high);
    }
    let share = f64::from(covered) / trials as f64;
    assert!((share - 0.95).abs() < 0.021, "{share}");
}

#[test]
fn what_is_no_pair_of_returns_is_refused() {
    let refused = |imagined: &[f64], met: &[f64], t| {
        lambda_from_returns(imagined, &[0.0; 3], met, t).unwrap_err().to_string()
    };
    assert!(refused(&[0.0; 2], &[1.0; 3], 2.0).contains("2 imagined returns, 3 real ones"));
    assert!(refused(&[0.0; 3], &[1.0, -1.0, 1.0], 2.0).contains("start 1"));
    assert!(refused(&[0.0, f64::NAN, 0.0], &[1.0; 3], 2.0).contains("promised NaN"));
    assert!(refused(&[0.0; 3], &[1.0; 3], f64::NAN).contains("quantile"));
    assert!(
        lambda_from_returns(&[1.0], &[1.0], &[1.0], 1.0).unwrap_err().to_string().contains("two at least")
    );
}
