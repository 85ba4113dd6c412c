//! The same numbers as PyTorch in double precision: `reference/torch_reference.py` made the files in `golden/`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod naive;

use mbrl_core::BoxSpace;
use mbrl_nn::{
    ActionUnits, Adam, AdamConfig, Direction, GaussianHead, Gradients, LogStd, Mlp, SquashedHead, Tape,
    clip_norm, decay_by_layer,
};
use naive::off;
use serde_json::Value;

/// Of the largest number of an array: PyTorch's are written with seven digits.
const TOLERANCE: f64 = 1e-5;

fn cases(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    assert_eq!(file["unit"], 128);
    file["cases"].as_array().unwrap().clone()
}

/// An input, written in whole numbers of 1/128.
fn given(case: &Value, name: &str) -> Vec<f32> {
    made(case, name).into_iter().map(|x| (x / 128.0) as f32).collect()
}

fn made(case: &Value, name: &str) -> Vec<f64> {
    case[name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

#[track_caller]
fn near(case: &Value, name: &str, ours: &[f32]) {
    let far = off(ours, &made(case, name));
    assert!(far < TOLERANCE, "{name} of {}: {far}", case["net"]);
}

#[test]
fn networks() {
    let cases = cases(include_str!("../golden/networks.json"));
    assert_eq!(cases.len(), 13);
    for case in &cases {
        let net: Mlp = read(&case["net"]);
        let rows: usize = read(&case["rows"]);
        let (theta, x, dy) = (given(case, "theta"), given(case, "x"), given(case, "dy"));
        let mut y = vec![f32::NAN; dy.len()];
        net.forward(&theta, &x, rows, &mut y).unwrap();
        near(case, "y", &y);

        let mut tapes = Tape::of(theta.len() / net.params());
        net.forward_saved(&theta, &x, rows, &mut tapes, &mut y).unwrap();
        near(case, "y", &y);
        let (mut dtheta, mut dx) = (vec![f32::NAN; theta.len()], vec![f32::NAN; x.len()]);
        let into = Gradients { theta: Some(&mut dtheta), x: Some(&mut dx) };
        net.backward(&theta, &x, &mut tapes, &dy, into).unwrap();
        near(case, "gradient_theta", &dtheta);
        near(case, "gradient_x", &dx);

        let (dtheta, dx) = (given(case, "along_theta"), given(case, "along_x"));
        let along = Direction { theta: Some(&dtheta), x: Some(&dx) };
        let mut jvp = vec![f32::NAN; dy.len()];
        net.jvp(&theta, &x, rows, along, &mut y, &mut jvp).unwrap();
        near(case, "y", &y);
        near(case, "jvp", &jvp);
    }
}

#[test]
fn gaussian_heads() {
    for case in &cases(include_str!("../golden/gaussian.json")) {
        let head = GaussianHead { dim: read(&case["dim"]) };
        let (y, target, bounds) = (given(case, "y"), given(case, "target"), given(case, "bounds"));
        let (mut mean, mut variance) = (vec![f32::NAN; target.len()], vec![f32::NAN; target.len()]);
        head.moments(&y, &bounds, &mut mean, &mut variance);
        near(case, "variance", &variance);
        let (mut dy, mut dbounds) = (vec![f32::NAN; y.len()], vec![0.0; bounds.len()]);
        let loss = head.loss(&y, &target, &bounds, read(&case["beta"]), &mut dy, &mut dbounds);
        near(case, "loss", &[loss.loss as f32]);
        near(case, "mse", &[loss.mse as f32]);
        near(case, "dy", &dy);
        near(case, "dbounds", &dbounds);
    }
}

#[test]
fn squashed_heads() {
    for case in &cases(include_str!("../golden/squashed.json")) {
        let space = BoxSpace::new(given(case, "low"), given(case, "high")).unwrap();
        let (log_std, units): (LogStd, ActionUnits) = (read(&case["log_std"]), read(&case["units"]));
        let head = SquashedHead::new(&space, log_std, units).unwrap();
        let (y, noise) = (given(case, "y"), given(case, "noise"));
        let mut action = vec![f32::NAN; noise.len()];
        head.mean(&y, &mut action);
        near(case, "mean", &action);
        let mut log_prob = vec![f32::NAN; noise.len() / head.dim()];
        head.sample(&y, &noise, &mut action, Some(&mut log_prob));
        near(case, "action", &action);
        near(case, "log_prob", &log_prob);
        let mut dy = vec![f32::NAN; y.len()];
        head.backward(&y, &noise, &given(case, "d_action"), &given(case, "d_log_prob"), &mut dy);
        near(case, "dy", &dy);
        let other = given(case, "other");
        head.log_prob(&y, &other, &mut log_prob);
        near(case, "cloned", &log_prob);
        head.log_prob_backward(&y, &other, &given(case, "d_log_prob"), &mut dy);
        near(case, "d_cloned", &dy);
    }
}

/// Within 1e-6 of the largest parameter after a hundred steps.
#[test]
fn adam() {
    for case in &cases(include_str!("../golden/optimizer.json")) {
        let config: AdamConfig = read(&case["config"]);
        config.validate().unwrap();
        let rates: [f32; 2] = read(&case["rates"]);
        // Layers of 5 weights with 2 biases and of 3 weights with 2 biases, as the script has them.
        let layers = [(0..5, rates[0]), (7..10, rates[1])];
        let decay = layers.map(|(range, rate)| mbrl_nn::Decay { range, rate });
        let mut theta = given(case, "theta");
        let mut adam = Adam::new(theta.len());
        let mut compared = 0;
        for step in 1..=100u64 {
            let gradient = |i: u64| ((step * 7919 + i * 104_729 + step * step * 31) % 2003) as f32 - 1000.0;
            let gradient: Vec<f32> = (0..theta.len() as u64).map(|i| gradient(i) / 1024.0).collect();
            adam.step(&config, &mut theta, &gradient, 12, &decay).unwrap();
            let after = &case["after"];
            if after.get(step.to_string()).is_some() {
                let far = off(&theta, &made(after, &step.to_string()));
                assert!(far < 1e-6, "{config:?} after {step} steps: {far}");
                compared += 1;
            }
        }
        assert_eq!(compared, 4);
    }
}

#[test]
fn decay_is_of_the_weights_of_its_layer() {
    let net = Mlp::new(2, &[3], 1, mbrl_nn::Activation::Relu).unwrap();
    let decay = decay_by_layer(&net, &[0.1, 0.2]).unwrap();
    assert_eq!(decay.iter().map(|d| d.range.clone()).collect::<Vec<_>>(), [0..6, 9..12]);
    assert_eq!(decay.iter().map(|d| d.rate.to_bits()).collect::<Vec<_>>(), [0.1f32, 0.2].map(f32::to_bits));
    assert!(decay_by_layer(&net, &[0.1]).unwrap_err().is_invalid());
}

/// PyTorch adds 1e-6 to the norm before it divides; ours does not.
#[test]
fn clips_of_gradients() {
    for case in &cases(include_str!("../golden/clip.json")) {
        let mut gradient = given(case, "gradient");
        let norm = clip_norm(&mut gradient, read(&case["max"]));
        let (theirs, clipped) = (made(case, "norm")[0], made(case, "clipped"));
        assert!((norm - theirs).abs() < 1e-6 * theirs, "{norm} for {theirs}");
        let largest = clipped.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        for (ours, theirs) in gradient.iter().zip(&clipped) {
            assert!(
                (f64::from(*ours) - theirs).abs() < (1e-6 + 1e-6 / norm) * largest,
                "{ours} for {theirs}"
            );
        }
    }
}
