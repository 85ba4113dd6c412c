//! Bayes by Backprop against what is known exactly.

use super::*;
use mbrl_core::{Dims, End, NullRecorder, Origin, Space, Transition, TransitionBatch};
use mbrl_nn::{AdamConfig, Divergence, Prior};

const GAUSSIAN: Prior = Prior::Gaussian { deviation: 0.7 };
const MIXTURE: Prior = Prior::Mixture { share: 0.25, wide: 1.0, narrow: 0.1 };

fn softplus(x: f64) -> f64 {
    x.exp().ln_1p()
}

/// Some posterior, and noise.
fn posterior() -> (MeanField, Vec<f32>) {
    let number = |i: usize, by: f32| (by * (i + 1) as f32).sin();
    let mean = (0..24).map(|i| 0.8 * number(i, 0.9)).collect();
    let rho = (0..24).map(|i| -1.5 + 2.5 * number(i, 1.7)).collect();
    (MeanField { mean, rho }, (0..24).map(|i| 1.5 * number(i, 2.3)).collect())
}

/// The divergence of one weight as it enters the objective.
fn divergence(pull: &Pull, mean: f64, rho: f64, noise: f64) -> f64 {
    let s = softplus(rho);
    match (pull.divergence, pull.prior) {
        (Divergence::ClosedForm, Prior::Gaussian { deviation }) => {
            let prior = f64::from(deviation);
            (prior / s).ln() + (s * s + mean * mean) / (2.0 * prior * prior) - 0.5
        }
        // log q(w) − log p(w) at w = μ + σε.
        (_, prior) => {
            -s.ln()
                - 0.5 * noise * noise
                - 0.5 * std::f64::consts::TAU.ln()
                - prior.log_density(mean + s * noise)
        }
    }
}

/// Against central differences of f(w) + weight · divergence, of which f(w) = Σ sin(2wᵢ).
#[test]
fn gradients_are_those_of_the_objective() {
    let (field, noise) = posterior();
    let len = noise.len();
    let mut theta = vec![0.0; len];
    field.draw(&noise, &mut theta);
    let dtheta: Vec<f32> = theta.iter().map(|w| 2.0 * (2.0 * w).cos()).collect();
    for (prior, divergence_of) in [
        (GAUSSIAN, Divergence::ClosedForm),
        (GAUSSIAN, Divergence::MonteCarlo),
        (MIXTURE, Divergence::MonteCarlo),
    ] {
        let pull = Pull { prior, divergence: divergence_of, weight: 0.3 };
        let mut out = vec![f32::NAN; 2 * len];
        field.gradient(&pull, &noise, &theta, &dtheta, &mut out);
        for i in 0..len {
            let (mean, rho, noise) = (f64::from(field.mean[i]), f64::from(field.rho[i]), f64::from(noise[i]));
            let objective = |mean: f64, rho: f64| {
                (2.0 * (mean + softplus(rho) * noise)).sin() + 0.3 * divergence(&pull, mean, rho, noise)
            };
            let h = 1e-6;
            let expected = [
                (objective(mean + h, rho) - objective(mean - h, rho)) / (2.0 * h),
                (objective(mean, rho + h) - objective(mean, rho - h)) / (2.0 * h),
            ];
            for (got, expected) in [out[i], out[len + i]].into_iter().zip(expected) {
                let error = (f64::from(got) - expected).abs();
                assert!(
                    error < 1e-4 * (1.0 + expected.abs()),
                    "{prior:?}, {divergence_of:?}, {i}: {got} and {expected}"
                );
            }
        }
    }
}

/// The mean of 40,000 draws is within six of its own deviations of the truth: false alarm below 1e-8, under a fixed key.
#[test]
fn drawn_divergences_average_to_the_closed_form() {
    const DRAWS: usize = 40_000;
    let (field, _) = posterior();
    let len = field.mean.len();
    let (mut noise, mut theta) = (NoiseBuf::default(), vec![0.0; len]);
    let mut of_divergence = [0.0; 2];
    let (mut sums, mut squares) = (vec![0.0; 2 * len], vec![0.0; 2 * len]);
    let zero = vec![0.0; len];
    let pull = |divergence| Pull { prior: GAUSSIAN, divergence, weight: 1.0 };
    let mut gradient = vec![0.0; 2 * len];
    for draw in 0..DRAWS {
        noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, len, Key::root(5).at(draw as u64));
        let noise = noise.view().normals.as_slice();
        field.draw(noise, &mut theta);
        let term = |i: usize| {
            divergence(
                &pull(Divergence::MonteCarlo),
                f64::from(field.mean[i]),
                f64::from(field.rho[i]),
                f64::from(noise[i]),
            )
        };
        let found: f64 = (0..len).map(term).sum();
        of_divergence[0] += found;
        of_divergence[1] += found * found;
        field.gradient(&pull(Divergence::MonteCarlo), noise, &theta, &zero, &mut gradient);
        for ((sum, square), g) in sums.iter_mut().zip(&mut squares).zip(&gradient) {
            *sum += f64::from(*g);
            *square += f64::from(*g).powi(2);
        }
    }
    let n = DRAWS as f64;
    let close = |sum: f64, square: f64, expected: f64, what: &str| {
        let mean = sum / n;
        let deviation = ((square / n - mean * mean).max(0.0) / n).sqrt();
        assert!(
            (mean - expected).abs() < 6.0 * deviation + 1e-5,
            "{what}: {mean} ± {deviation} and {expected}"
        );
    };
    close(of_divergence[0], of_divergence[1], field.divergence(0.7), "divergence");
    let mut exact = vec![0.0; 2 * len];
    field.gradient(&pull(Divergence::ClosedForm), &zero, &zero, &zero, &mut exact);
    for i in 0..2 * len {
        close(sums[i], squares[i], f64::from(exact[i]), "gradient");
    }
}

/// Solves a·x = b by Gauss's elimination, without pivots: `a` is positive definite.
fn solve(mut a: [[f64; 3]; 3], mut b: [f64; 3]) -> [f64; 3] {
    for i in 0..3 {
        for j in i + 1..3 {
            let factor = a[j][i] / a[i][i];
            (0..3).for_each(|k| a[j][k] -= factor * a[i][k]);
            b[j] -= factor * b[i];
        }
    }
    for i in (0..3).rev() {
        b[i] = (b[i] - (i + 1..3).map(|j| a[i][j] * b[j]).sum::<f64>()) / a[i][i];
    }
    b
}

/// Without a hidden layer and with known noise the posterior is that of linear regression: normal, with precision
/// A = XᵀX/σ² + I/τ² and mean A⁻¹Xᵀy/σ². The best factorised posterior has this mean, and variances 1/Aᵢᵢ.
///
/// The prior is strong: it pulls coefficients of 0.7 to about 0.4. Means are held to 0.02 and deviations to 10 %; what Adam
/// leaves to chance at the end is some 0.003 and 3 %. The last minibatch has a single row.
#[test]
fn a_linear_network_finds_the_posterior_of_linear_regression() {
    const ROWS: usize = 33;
    const NOISE: f64 = 0.5;
    const TAU: f64 = 0.1;
    let mut data = TransitionBatch::new(Dims { obs: 1, act: 1 });
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 3, uniforms: 0 }, ROWS, Key::root(3));
    for z in noise.view().normals.iter() {
        let (obs, act) = ([3.0 + 2.0 * z[0]], [0.5 * z[1] + 0.1 * z[0]]);
        let next_obs = [obs[0] + 1.5 * z[0] - 1.2 * z[1] + z[2]];
        let (end, origin) = (End::Running, Origin::World);
        data.push(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward: 0.0, end, origin });
    }
    // In normalised units, as the network sees them.
    let standard = |column: Vec<f64>| {
        let mean = column.iter().sum::<f64>() / ROWS as f64;
        let deviation = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / ROWS as f64).sqrt();
        column.into_iter().map(|x| (x - mean) / deviation).collect::<Vec<_>>()
    };
    let x: Vec<f64> = standard(data.iter().map(|row| f64::from(row.obs[0])).collect());
    let a: Vec<f64> = standard(data.iter().map(|row| f64::from(row.act[0])).collect());
    let y: Vec<f64> = standard(data.iter().map(|row| f64::from(row.next_obs[0] - row.obs[0])).collect());
    let mut precision = [[0.0; 3]; 3];
    let mut moment = [0.0; 3];
    for row in 0..ROWS {
        let features = [x[row], a[row], 1.0];
        for i in 0..3 {
            (0..3).for_each(|j| precision[i][j] += features[i] * features[j] / (NOISE * NOISE));
            moment[i] += features[i] * y[row] / (NOISE * NOISE);
        }
    }
    (0..3).for_each(|i| precision[i][i] += 1.0 / (TAU * TAU));
    let mean = solve(precision, moment);
    assert!(mean[0].abs() > 0.2 && mean[1].abs() > 0.2, "nothing to tell: {mean:?}");
    for (divergence, weights) in [
        (Divergence::ClosedForm, MinibatchWeights::Uniform),
        (Divergence::MonteCarlo, MinibatchWeights::Uniform),
        (Divergence::ClosedForm, MinibatchWeights::Geometric),
    ] {
        let config = BayesConfig {
            hidden: vec![],
            noise: TargetNoise::Known { deviation: NOISE as f32 },
            prior: Prior::Gaussian { deviation: TAU as f32 },
            divergence,
            weights,
            batch: 16,
            epochs: 12_000,
            adam: AdamConfig { lr: 1e-3, ..AdamConfig::default() },
            ..BayesConfig::default()
        };
        let spec = Spec::new(Space::unbounded(1).unwrap(), Space::unbounded(1).unwrap());
        let task = Task::unknown().rewarding(|_, _, _| 0.0).terminating(|_, _, _| false);
        let mut network = BayesianNetwork::new(&spec, &task, config, Key::root(0)).unwrap();
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        network
            .fit(FitData { data: &data, train: &rows, holdout: &[] }, Key::root(1), &mut NullRecorder)
            .unwrap();
        let MeanField { mean: got, rho } = network.posterior();
        for i in 0..3 {
            assert!(
                (f64::from(got[i]) - mean[i]).abs() < 0.02,
                "{divergence:?}, {weights:?}: {got:?} and {mean:?}"
            );
            let (deviation, exact) = (softplus(f64::from(rho[i])), precision[i][i].sqrt().recip());
            assert!(
                (deviation / exact - 1.0).abs() < 0.1,
                "{divergence:?}, {weights:?}: {deviation} and {exact}"
            );
        }
    }
}

#[test]
fn a_network_with_known_noise_says_so_and_draws_by_it() {
    let config = BayesConfig { noise: TargetNoise::Known { deviation: 0.25 }, ..BayesConfig::default() };
    let spec = Spec::new(Space::unbounded(2).unwrap(), Space::unbounded(1).unwrap());
    let network = BayesianNetwork::new(&spec, &Task::unknown(), config, Key::root(0)).unwrap();
    assert_eq!(network.network().net().output(), 3);
    assert!(network.network().log_var_bounds().is_none());
    assert_eq!(network.model().noise_spec(), NoiseSpec { normals: 3, uniforms: 1 });
}
