//! What is drawn has the distribution that it should have: under fixed keys, with the chance of a false alarm stated.

use super::*;
use crate::sampling::draw_dirichlet;
use mbrl_core::{DynamicsModel, Mode, ModelInput, ModelOutput, NoiseBuf, RowBuf, Scratch};
use mbrl_envs::{Finite, RiverSwim};

/// The largest distance between the empirical and the true distribution function, times √n. By Massart's form of the
/// Dvoretzky–Kiefer–Wolfowitz inequality it exceeds 3 with probability below 2·exp(−2·3²) = 3.1e-8.
fn kolmogorov(mut sample: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(i, x): (usize, &f64)| (cdf(*x) - i as f64 / n).max((i + 1) as f64 / n - cdf(*x));
    sample.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
}

fn dirichlet_draws(concentration: [f64; 3], n: u64) -> Vec<[f64; 3]> {
    let keys = Key::root(3).child("dirichlet").below();
    let draw = |i| {
        let mut draw = concentration;
        draw_dirichlet(&mut draw, &mut keys.at(i).rng()).unwrap();
        draw
    };
    (0..n).map(draw).collect()
}

/// Six moments of numbers in [0, 1]: by Hoeffding's inequality each is off by more than 0.02 with probability below
/// 2·exp(−2·40000·0.02²) = 2.6e-14.
#[test]
fn dirichlet_draws_have_dirichlet_moments() {
    let a = [0.3, 1.0, 2.5];
    let draws = dirichlet_draws(a, 40_000);
    let sum: f64 = a.iter().sum();
    let mean = |f: &dyn Fn(&[f64; 3]) -> f64| draws.iter().map(f).sum::<f64>() / draws.len() as f64;
    for i in 0..3 {
        let found = mean(&|p| p[i]);
        assert!((found - a[i] / sum).abs() < 0.02, "mean of {i}: {found}");
        for j in 0..=i {
            let same = if i == j { 1.0 } else { 0.0 };
            let expected = a[i] * (a[j] + same) / (sum * (sum + 1.0));
            let found = mean(&|p| p[i] * p[j]);
            assert!((found - expected).abs() < 0.02, "moment of {i} and {j}: {found} for {expected}");
        }
    }
}

/// Three distances: by chance one of them exceeds 3 with probability below 1e-7.
#[test]
fn marginals_are_beta_distributed() {
    // Of Dirichlet(1, 1, 1) a component is Beta(1, 2); of Dirichlet(½, ¼, ¼) the first is Beta(½, ½), the arcsine law.
    let flat = dirichlet_draws([1.0; 3], 50_000).iter().map(|p| p[2]).collect();
    assert!(kolmogorov(flat, |x| 1.0 - (1.0 - x) * (1.0 - x)) < 3.0);
    let sparse = dirichlet_draws([0.5, 0.25, 0.25], 50_000).iter().map(|p| p[0]).collect();
    assert!(kolmogorov(sparse, |x| x.sqrt().asin() / std::f64::consts::FRAC_PI_2) < 3.0);
    // The mean of a normal-gamma distribution of shape ½ is Cauchy around `mean` with scale √(2 rate / count).
    let belief = RewardBelief::NormalGamma { mean: 1.5, count: 4.0, shape: 0.5, rate: 2.0 };
    let keys = Key::root(4).below();
    let means = (0..50_000).map(|i| belief.draw(&mut keys.at(i).rng()).unwrap()).collect();
    assert!(kolmogorov(means, |x| 0.5 + (x - 1.5f64).atan() / std::f64::consts::PI) < 3.0);
}

/// With 20,000 visits a move and Dirichlet(½, …, ½), the mean of each of 72 cells is off by its own sampling error, above
/// 0.03 with probability below 2·exp(−2·20000·0.03²) = 4.6e-16 (Hoeffding), and 3 / 20003 of prior; a draw is off from the
/// mean by more than 0.03 with about that probability again (its components are sub-Gaussian with proxy 1 / (4 (20003 + 1)):
/// Marchal & Arbel 2017).
#[test]
fn the_posterior_concentrates_on_the_world_that_made_the_data() {
    const VISITS: usize = 20_000;
    let truth = RiverSwim.mdp().unwrap();
    let model = TabularModel::new(truth.clone()).unwrap();
    let (states, actions) = (truth.states(), truth.actions());
    let config = TabularConfig { concentration: 0.5, ..beta(0.0, 1.0, 1.0, 1.0) };
    let mut posterior =
        TabularPosterior::new(&spec(states, actions), truth.start().to_vec(), vec![false; states], config)
            .unwrap();
    let mut noise = NoiseBuf::default();
    for (s, a) in (0..states).flat_map(|s| [(s, 0), (s, 1)]) {
        noise.fill(model.noise_spec(), VISITS, Key::root(5).at(s as u64).at(a as u64));
        let mut next = RowBuf::zeros(VISITS, 1);
        let (mut reward, mut end) = (vec![0.0; VISITS], vec![End::Running; VISITS]);
        let (mut state, mut act) = (RowBuf::zeros(VISITS, 1), RowBuf::zeros(VISITS, 1));
        state.as_mut_slice().fill(s as f32);
        act.as_mut_slice().fill(a as f32);
        let input = ModelInput {
            state: state.view(),
            act: act.view(),
            member: &vec![0; VISITS],
            noise: noise.view(),
            mode: Mode::Sample,
        };
        let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
        model.step(input, out, &mut Scratch::default()).unwrap();
        for (next, reward) in next.as_slice().iter().zip(reward) {
            see(&mut posterior, (s, a, reward, *next as usize)).unwrap();
        }
    }
    let (mean, drawn) = (posterior.mean().unwrap(), posterior.draw(Key::root(6)).unwrap());
    for (s, a) in (0..states).flat_map(|s| [(s, 0), (s, 1)]) {
        for next in 0..states {
            let p = truth.transition(s, a)[next];
            let (m, d) = (mean.transition(s, a)[next], drawn.transition(s, a)[next]);
            assert!((m - p).abs() < 0.031 && (d - p).abs() < 0.062, "{s} {a} {next}: {p} {m} {d}");
        }
        // A mean reward is a beta variable of 20,002 trials, with the same bound; rewards are certain but for the prior.
        let (r, m, d) = (truth.mean_reward(s, a), mean.mean_reward(s, a), drawn.mean_reward(s, a));
        assert!((m - r).abs() < 1e-4 && (d - r).abs() < 0.031, "{s} {a}: {r} {m} {d}");
    }
}
