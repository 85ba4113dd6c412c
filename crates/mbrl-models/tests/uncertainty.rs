//! What is chance, and what is ignorance: a noisy line, learnt by an ensemble and by a Bayesian network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{all, fit, known, moments, noisy_line, noisy_mean, noisy_std, spec};
use mbrl_core::{Belief, Dims, Key, RowBuf, Spread};
use mbrl_models::{BayesConfig, BayesianNetwork, Ensemble, EnsembleConfig, Stop, calibration};

const DIMS: Dims = Dims { obs: 1, act: 1 };

/// By x: the predicted mean, the aleatoric deviation and the epistemic one.
fn told(model: &dyn Spread, xs: &[f64]) -> Vec<[f64; 3]> {
    let (mut state, mut act) = (RowBuf::new(1), RowBuf::new(1));
    for x in xs {
        state.push(&[*x as f32]);
        act.push(&[0.0]);
    }
    let (mean, variance) = moments(model, &state, &act);
    let (rows, members) = (xs.len(), model.members() as f64);
    (0..rows)
        .map(|row| {
            let over = |numbers: &[f32]| {
                numbers.iter().skip(row).step_by(rows).map(|x| f64::from(*x)).collect::<Vec<_>>()
            };
            let (means, variances) = (over(&mean), over(&variance));
            let centre = means.iter().sum::<f64>() / members;
            let epistemic = means.iter().map(|mean| (mean - centre).powi(2)).sum::<f64>() / members;
            [centre - xs[row], (variances.iter().sum::<f64>() / members).sqrt(), epistemic.sqrt()]
        })
        .collect()
}

fn grid(from: f64, to: f64) -> Vec<f64> {
    (0..81).map(|i| from + (to - from) * f64::from(i) / 80.0).collect()
}

/// Under fixed keys; the margins are several times what other keys give.
fn judge(name: &str, model: &dyn Spread) {
    let inside = grid(-1.0, 1.0);
    let near = told(model, &inside);
    let mean = |numbers: &mut dyn Iterator<Item = f64>| {
        let numbers: Vec<f64> = numbers.collect();
        numbers.iter().sum::<f64>() / numbers.len() as f64
    };
    let ratio = mean(&mut near.iter().zip(&inside).map(|(told, x)| told[1] / noisy_std(*x)));
    let error = mean(&mut near.iter().zip(&inside).map(|(told, x)| (told[0] - noisy_mean(*x)).abs()));
    let within = mean(&mut near.iter().map(|told| told[2]));
    let outside =
        mean(&mut told(model, &[grid(-2.0, -1.5), grid(1.5, 2.0)].concat()).iter().map(|told| told[2]));
    let fresh = noisy_line(5000, Key::root(99));
    let coverage = calibration(model, &fresh, &all(&fresh), &[0.9]).unwrap().pooled.coverage[0];
    assert!((ratio - 1.0).abs() < 0.1, "{name}: aleatoric deviations are {ratio} of the true ones");
    // The quiet end must be quiet and the loud end loud.
    assert!(
        near[80][1] > 2.5 * near[0][1],
        "{name}: {} at the quiet end and {} at the loud",
        near[0][1],
        near[80][1]
    );
    assert!(error < 0.05, "{name}: means are off by {error}");
    assert!(outside > 3.0 * within, "{name}: epistemic deviation {within} inside and {outside} outside");
    assert!((0.85..0.95).contains(&coverage), "{name}: 90 % intervals cover {coverage}");
}

#[test]
fn an_ensemble_knows_chance_from_ignorance() {
    let config = EnsembleConfig {
        members: 5,
        elites: 5,
        hidden: vec![64, 64],
        decay: vec![1e-5],
        batch: 64,
        stop: Stop { improvement: 0.01, patience: 20, max_epochs: Some(120) },
        ..EnsembleConfig::default()
    };
    let mut ensemble = Ensemble::new(&spec(DIMS), &known(), config, Key::root(0)).unwrap();
    fit(&mut ensemble, &noisy_line(2000, Key::root(1)), Key::root(2)).unwrap();
    judge("ensemble", ensemble.spread().unwrap());
}

#[test]
fn a_bayesian_network_knows_chance_from_ignorance() {
    let config = BayesConfig { members: 30, hidden: vec![32], ..BayesConfig::default() };
    let mut network = BayesianNetwork::new(&spec(DIMS), &known(), config, Key::root(0)).unwrap();
    fit(&mut network, &noisy_line(2000, Key::root(1)), Key::root(2)).unwrap();
    judge("Bayesian network", network.spread().unwrap());
}
