//! What is predicted and drawn has the distribution that it should have, and a linear world is recovered: under fixed keys,
//! with the chance of a false alarm stated.

use super::*;
use mbrl_core::{Belief, DynamicsModel, Mode, ModelInput, ModelOutput, NoiseBuf, NoiseSpec, RowBuf, Scratch};
use mbrl_envs::find;

/// The largest distance between the empirical and the true distribution function, times √n. By Massart's form of the
/// Dvoretzky–Kiefer–Wolfowitz inequality it exceeds 3 with probability below 2·exp(−2·3²) = 3.1e-8.
fn kolmogorov(mut sample: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(i, x): (usize, &f64)| (cdf(*x) - i as f64 / n).max((i + 1) as f64 / n - cdf(*x));
    sample.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
}

/// The distribution function of Student's t with four degrees of freedom, in closed form.
fn student4(t: f64) -> f64 {
    let w = 1.0 + t * t / 4.0;
    0.5 + 0.375 * t / w.sqrt() * (1.0 - t * t / (12.0 * w))
}

/// Worlds drawn from the prior, two rows of each seen and a third predicted: if the predictive distribution is exact, where
/// the third falls in it is Student's t with 2·1 + 2 degrees of freedom, of each output. Two distances: a false alarm has
/// probability below 1e-7.
#[test]
fn predictions_are_calibrated() {
    const WORLDS: usize = 20_000;
    let noise = NoisePrior::InverseGamma { shape: 1.0, scale: 0.5 };
    let config = LinearConfig { prior_precision: 0.5, noise, members: 1, ..LinearConfig::default() };
    let mut scores = [Vec::new(), Vec::new()];
    let mut normals = NoiseBuf::default();
    for world in 0..WORLDS {
        let key = Key::root(1).at(world as u64);
        normals.fill(NoiseSpec { normals: 20, uniforms: 0 }, 1, key.child("normals"));
        let normal = |i: usize| f64::from(normals.view().normals.row(0)[i]);
        let mut posterior = LinearPosterior::new(&spec(1, 1), &Task::unknown(), config.clone()).unwrap();
        for step in 0..3 {
            let (x, u) = (2.0 * normal(2 * step) as f32, normal(2 * step + 1) as f32);
            let of = |output: usize| {
                let gamma = draw_ln_gamma(1.0, &mut key.child("noise").at(output as u64).rng()).unwrap();
                let deviation = (0.5 * (0.5f64.ln() - gamma)).exp();
                let w = |i: usize| deviation / 0.5f64.sqrt() * normal(6 + 3 * output + i);
                let mean = w(0) * f64::from(x) + w(1) * f64::from(u) + w(2);
                mean + deviation * normal(12 + 3 * output + step)
            };
            let (next, reward) = (f64::from(x) + of(0), of(1));
            if step < 2 {
                let (obs, act, next_obs) = ([x], [u], [next as f32]);
                let row = Transition {
                    obs: &obs,
                    act: &act,
                    next_obs: &next_obs,
                    reward: reward as f32,
                    ..RUNNING
                };
                posterior.observe(row).unwrap();
            } else {
                let Predictive { mean, scale, dof } = posterior.predictive(&[x], &[u]).unwrap();
                assert!(close(dof, 4.0));
                scores[0].push((next - mean[0]) / scale[0]);
                scores[1].push((reward - mean[1]) / scale[1]);
            }
        }
    }
    for scores in scores {
        let distance = kolmogorov(scores, student4);
        assert!(distance < 3.0, "{distance}");
    }
}

/// Weights of many members, projected on a direction: Student's t with four degrees of freedom around the posterior mean.
/// Two distances: a false alarm has probability below 1e-7.
#[test]
fn members_are_draws_from_the_posterior() {
    let noise = NoisePrior::InverseGamma { shape: 1.0, scale: 0.5 };
    let config = LinearConfig { members: 30_000, noise, prior_precision: 0.5, ..LinearConfig::default() };
    let mut posterior = LinearPosterior::new(&spec(1, 1), &Task::unknown(), config).unwrap();
    for (x, u, next, reward) in [(1.0, 2.0, 0.5, -1.0), (-0.5, 1.0, 1.5, 0.25)] {
        let row = Transition { obs: &[x], act: &[u], next_obs: &[next], reward, ..RUNNING };
        posterior.observe(row).unwrap();
    }
    posterior.redraw(Key::root(2)).unwrap();
    let direction = [1.0, -0.5, 2.0];
    let leverage = posterior.regression.leverage(&mut direction.clone());
    for output in 0..2 {
        let dot = |w: &[f64]| w.iter().zip(direction).map(|(w, x)| w * x).sum::<f64>();
        let mean = dot(&posterior.mean()[3 * output..][..3]);
        let scale = (posterior.variance(&posterior.regression, output) * leverage).sqrt();
        let of = |member: usize| (dot(&posterior.drawn().weights(member)[3 * output..][..3]) - mean) / scale;
        let distance = kolmogorov((0..30_000).map(of).collect(), student4);
        assert!(distance < 3.0, "{distance}");
    }
}

/// 4,000 moves of the linear-quadratic environment from random places. Each weight's error is normal with the true noise and
/// the posterior's precision (the prior is worth nothing), above six of its deviations with probability 2e-9; a noise
/// variance is off by more than 0.15 of itself with probability below 2·exp(−20) (Laurent & Massart 2000): all together below
/// 1e-7.
#[test]
fn a_linear_world_is_recovered() {
    const N: usize = 4000;
    let entry = find("lqr").unwrap();
    let physics = entry.physics().unwrap();
    let features = LinearFeatures::Quadratic;
    let noise = NoisePrior::InverseGamma { shape: 1e-3, scale: 1e-9 };
    let config =
        LinearConfig { target: LinearTarget::Next, prior_precision: 1e-9, noise, ..LinearConfig::default() };
    let mut places = NoiseBuf::default();
    places.fill(NoiseSpec { normals: 0, uniforms: 3 }, N, Key::root(3).child("places"));
    let (mut obs, mut act, mut next) = (RowBuf::zeros(N, 2), RowBuf::zeros(N, 1), RowBuf::zeros(N, 2));
    for (i, u) in places.view().uniforms.iter().enumerate() {
        obs.row_mut(i).copy_from_slice(&[2.0 * u[0] - 1.0, 2.0 * u[1] - 1.0]);
        act.row_mut(i)[0] = 10.0 * u[2] - 5.0;
    }
    let mut chance = NoiseBuf::default();
    chance.fill(physics.noise_spec(), N, Key::root(3).child("world"));
    physics.successors(obs.view(), act.view(), chance.view(), next.view_mut()).unwrap();
    let mut reward = vec![0.0; N];
    let moves = mbrl_core::Moves { obs: obs.view(), act: act.view(), next_obs: next.view() };
    entry.task().reward.unwrap().reward(moves, &mut reward).unwrap();

    let spec = entry.spec();
    let mut linear = LinearPosterior::new(&spec, &entry.task(), config.clone()).unwrap();
    let mut with_reward =
        LinearPosterior::new(&spec, &Task::unknown(), LinearConfig { features, ..config }).unwrap();
    for (i, reward) in reward.into_iter().enumerate() {
        let (obs, act, next_obs) = (obs.row(i), act.row(i), next.row(i));
        let row = Transition { obs, act, next_obs, reward, ..RUNNING };
        linear.observe(row).unwrap();
        with_reward.observe(row).unwrap();
    }
    // A and B of crates/mbrl-envs/src/lqr.rs, and no constant.
    let truth = [1.0, 0.1, 0.005, 0.0, 0.0, 1.0, 0.1, 0.0];
    let sigma = [0.005, 0.02];
    let mean = linear.mean();
    for (at, truth) in truth.into_iter().enumerate() {
        let mut unit = [0.0; 4];
        unit[at % 4] = 1.0;
        let deviation = sigma[at / 4] * linear.regression.leverage(&mut unit).sqrt();
        assert!((mean[at] - truth).abs() < 6.0 * deviation, "{at}: {} for {truth}", mean[at]);
        // Six deviations are small enough to tell A and B.
        assert!(6.0 * deviation < 0.005, "{deviation}");
    }
    let scale = linear.noise_scale().unwrap();
    for (scale, sigma) in scale.iter().zip(sigma) {
        let ratio = scale / linear.noise_shape().unwrap() / (sigma * sigma);
        assert!((ratio - 1.0).abs() < 0.15, "{ratio}");
    }
    // The reward is quadratic in what is observed and done, without noise: the rest is rounding.
    let predictive = with_reward.predictive(&[0.5, -0.25], &[2.0]).unwrap();
    assert!((predictive.mean[2] + 0.25 + 0.1 * 0.0625 + 0.4).abs() < 1e-5, "{predictive:?}");
    assert!(predictive.scale[2] < 1e-5, "{predictive:?}");
}

/// The mean of 40,000 sampled steps is normal around the member's mean, and above 5.5 of its deviations with probability
/// 3.8e-8; the mean square of the noise is off by more than 0.05 with probability below 1e-9.
#[test]
fn samples_have_the_moments_that_are_told() {
    const N: usize = 40_000;
    let mut posterior = after_data(config());
    posterior.redraw(Key::root(4)).unwrap();
    let model = posterior.drawn();
    let (state, act) = (RowBuf::zeros(N, 2), RowBuf::zeros(N, 1));
    let (mut next, mut reward, mut end) = (RowBuf::zeros(N, 2), vec![0.0; N], vec![End::Running; N]);
    let mut noise = NoiseBuf::default();
    noise.fill(model.noise_spec(), N, Key::root(5));
    let input = ModelInput {
        state: state.view(),
        act: act.view(),
        member: &vec![1; N],
        noise: noise.view(),
        mode: Mode::Sample,
    };
    let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
    model.step(input, out, &mut Scratch::default()).unwrap();
    let column = |j: usize| match j {
        2 => reward.iter().map(|x| f64::from(*x)).collect::<Vec<_>>(),
        j => next.view().iter().map(|row| f64::from(row[j])).collect(),
    };
    for j in 0..3 {
        // Where all is zero, the mean is the constant's weight.
        let (mean, deviation) = (model.weights(1)[4 * j + 3], model.deviations(1)[j]);
        let scores: Vec<f64> = column(j).iter().map(|x| (x - mean) / deviation).collect();
        let of = |f: &dyn Fn(f64) -> f64| scores.iter().map(|z| f(*z)).sum::<f64>() / N as f64;
        assert!(of(&|z| z).abs() < 5.5 / (N as f64).sqrt(), "{}", of(&|z| z));
        assert!((of(&|z| z * z) - 1.0).abs() < 0.05, "{}", of(&|z| z * z));
    }
}
