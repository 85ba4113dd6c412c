//! One step of training against the objective in double precision, and what members are trained on.

use super::*;
use crate::normalizer::Normalizer;
use mbrl_core::{Dims, End, NullRecorder, Origin, Space, Transition, TransitionBatch};
use mbrl_nn::Activation;

const DIMS: Dims = Dims { obs: 2, act: 1 };
const ROWS: usize = 13;

fn data() -> TransitionBatch {
    let mut data = TransitionBatch::new(DIMS);
    for i in 0..ROWS {
        let t = i as f32;
        let (obs, act) = ([(0.7 * t).sin(), (1.3 * t).cos() + 2.0], [(2.1 * t).sin()]);
        let next_obs = [obs[0] + 0.3 * act[0] - 0.2, obs[1] * 0.9 + 0.1 * (0.4 * t).sin()];
        let (end, origin) = (End::Running, Origin::World);
        data.push(Transition {
            obs: &obs,
            act: &act,
            next_obs: &next_obs,
            reward: 0.5 * obs[0] - act[0],
            end,
            origin,
        });
    }
    data
}

fn spec() -> Spec {
    Spec::new(Space::unbounded(2).unwrap(), Space::symmetric(1, 1.0).unwrap())
}

/// All rows in one step, in whatever order.
fn one_step_only() -> EnsembleConfig {
    EnsembleConfig {
        members: 2,
        elites: 1,
        hidden: vec![4, 3],
        activation: Activation::Tanh,
        decay: vec![0.3, 0.2, 0.1],
        batch: 100,
        resampling: Resampling::Shared,
        holdout: Holdout { share: 0.0, cap: 0 },
        stop: Stop { improvement: 0.01, patience: 5, max_epochs: Some(1) },
        ..EnsembleConfig::default()
    }
}

/// Σ over nets of mean[(μ − y)²·e^(−lv) + lv], or of mean (μ − y)²; plus the decays times ½Σw²; plus 0.01·Σmax − 0.01·Σmin:
/// the loss of MBPO's code, word by word.
fn objective(ensemble: &Ensemble, theta: &[f64], bounds: &[f64]) -> f64 {
    let (net, data) = (&ensemble.stack.net, data());
    let raw: Vec<f32> = data.iter().flat_map(|row| [row.obs, row.act].concat()).collect();
    let mut x = raw.clone();
    Normalizer::of(&raw, 3).apply(&mut x);
    let mut total = 0.0;
    for theta in theta.chunks(net.params()) {
        for (x, row) in x.chunks(3).zip(data.iter()) {
            let mut z: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            for (i, layer) in net.layers().iter().enumerate() {
                let (weight, bias) = (&theta[layer.weight.clone()], &theta[layer.bias.clone()]);
                let unit = |j: usize| {
                    bias[j]
                        + weight.iter().skip(j).step_by(layer.output).zip(&z).map(|(w, z)| w * z).sum::<f64>()
                };
                z = (0..layer.output).map(|j| if i < 2 { unit(j).tanh() } else { unit(j) }).collect();
            }
            let target =
                [row.next_obs[0] - row.obs[0], row.next_obs[1] - row.obs[1], row.reward].map(f64::from);
            for (j, target) in target.into_iter().enumerate() {
                let square = (z[j] - target).powi(2);
                let term = if bounds.is_empty() {
                    square
                } else {
                    let softplus = |x: f64| x.exp().ln_1p();
                    let lv = bounds[j] - softplus(bounds[j] - z[3 + j]);
                    let lv = bounds[3 + j] + softplus(lv - bounds[3 + j]);
                    square * (-lv).exp() + lv
                };
                total += term / (ROWS * 3) as f64;
            }
        }
        for (layer, rate) in net.layers().iter().zip(&ensemble.config.decay) {
            total += f64::from(*rate) * 0.5 * theta[layer.weight.clone()].iter().map(|w| w * w).sum::<f64>();
        }
    }
    let (max, min) = bounds.split_at(bounds.len() / 2);
    total + 0.01 * max.iter().sum::<f64>() - 0.01 * min.iter().sum::<f64>()
}

/// What Adam remembers after its first step is the gradient times 1 − β₁.
#[test]
fn a_step_goes_down_the_loss_of_the_official_code() {
    for likelihood in [EnsembleConfig::default().likelihood, Likelihood::Deterministic] {
        let config = EnsembleConfig { likelihood, ..one_step_only() };
        let task = Task::unknown().terminating(|_, _, _| false);
        let mut ensemble = Ensemble::new(&spec(), &task, config, Key::root(0)).unwrap();
        let wide = |numbers: &[f32]| numbers.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        let theta = wide(&ensemble.stack.theta);
        let bounds = wide(ensemble.model.log_var_bounds().unwrap_or_default());
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        ensemble
            .fit(FitData { data: &data(), train: &rows, holdout: &[] }, Key::root(1), &mut NullRecorder)
            .unwrap();
        let keep = 1.0 - f64::from(0.9f32);
        let found = |adam: &Adam| adam.mean.iter().map(|m| f64::from(*m) / keep).collect::<Vec<_>>();
        let (got, got_bounds) = (found(&ensemble.stack.adam), found(&ensemble.bounds_adam));
        assert_eq!((got.len(), got_bounds.len()), (theta.len(), bounds.len()));
        let slope = |at: usize, of_theta: bool| {
            let along = |h: f64| {
                let (mut theta, mut bounds) = (theta.clone(), bounds.clone());
                if of_theta {
                    theta[at] += h
                } else {
                    bounds[at] += h
                }
                objective(&ensemble, &theta, &bounds)
            };
            (along(1e-5) - along(-1e-5)) / 2e-5
        };
        for (at, got) in got.iter().enumerate() {
            let expected = slope(at, true);
            assert!(
                (got - expected).abs() < 1e-5 + 1e-4 * expected.abs(),
                "parameter {at}: {got} and {expected}"
            );
        }
        for (at, got) in got_bounds.iter().enumerate() {
            let expected = slope(at, false);
            assert!(
                (got - expected).abs() < 1e-6 + 1e-4 * expected.abs(),
                "bound {at}: {got} and {expected}"
            );
        }
    }
}

#[test]
fn bounds_that_are_fixed_stay() {
    for (bounds, moved) in [(Bounds::Learnt, true), (Bounds::Fixed, false)] {
        let likelihood = Likelihood::Gaussian { bounds, bounds_penalty: 0.01, beta: 0.0 };
        let config = EnsembleConfig { likelihood, ..one_step_only() };
        let mut ensemble = Ensemble::new(&spec(), &Task::unknown(), config, Key::root(0)).unwrap();
        let before = ensemble.network().log_var_bounds().unwrap().to_vec();
        assert_eq!(before, [0.5, 0.5, 0.5, -10.0, -10.0, -10.0]);
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        ensemble
            .fit(FitData { data: &data(), train: &rows, holdout: &[] }, Key::root(1), &mut NullRecorder)
            .unwrap();
        assert_eq!(ensemble.network().log_var_bounds().unwrap() != before, moved);
        assert_eq!(ensemble.bounds_adam.steps, u64::from(moved));
    }
}

/// Of n rows drawn n times, a share of 1 − 1/e is met, with a deviation of √((1/e)(1 − 2/e)/n) < 0.0031 for n = 10,000; the
/// margin is eight of them.
#[test]
fn members_draw_their_rows_with_replacement_and_each_for_itself() {
    const N: usize = 10_000;
    let rows = fit::resample(Resampling::Bootstrap, 3, N, Key::root(0));
    for rows in &rows {
        assert_eq!(rows.len(), N);
        let mut met = vec![false; N];
        rows.iter().for_each(|row| met[*row as usize] = true);
        let share = met.iter().filter(|met| **met).count() as f64 / N as f64;
        assert!((share - (1.0 - (-1.0f64).exp())).abs() < 0.025, "{share}");
    }
    assert!(rows[0] != rows[1] && rows[1] != rows[2]);
    assert_eq!(rows, fit::resample(Resampling::Bootstrap, 3, N, Key::root(0)));
    let all: Vec<u32> = (0..5).collect();
    assert_eq!(fit::resample(Resampling::Shared, 2, 5, Key::root(0)), [all.clone(), all]);
}

#[test]
fn elites_have_the_least_error_and_ties_keep_their_order() {
    let config = EnsembleConfig { members: 5, elites: 3, ..EnsembleConfig::default() };
    assert_eq!(elites(&[3.0, 1.0, 2.0, 1.0, 0.5], &config), [4, 1, 3]);
    assert_eq!(elites(&[], &config), [0, 1, 2]);
}

/// Likelihood takes what is rare for noise before it has been learnt, and then hardly learns it; so a wall would be learnt
/// late, if at all.
#[test]
fn what_is_rare_is_learnt_where_gradients_are_weighed_by_variances() {
    let mut data = TransitionBatch::new(Dims { obs: 1, act: 1 });
    for i in 0..1_000_u16 {
        let (x, u) = (f32::from(i % 50) / 25.0 - 1.0, f32::from(i % 7) / 3.0 - 1.0);
        // Beyond 0.9 is a wall, that throws back the harder the harder it is run into.
        let next = if x > 0.9 { x - 2.0 - u } else { x + 0.02 * u };
        let (obs, act, next_obs) = ([x], [u], [next]);
        let (end, origin) = (End::Running, Origin::World);
        data.push(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward: 0.0, end, origin });
    }
    let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
    let task = Task::unknown().rewarding(|_, _, _| 0.0).terminating(|_, _, _| false);
    let error_at_the_wall = |beta| {
        let config = EnsembleConfig {
            members: 3,
            elites: 3,
            hidden: vec![32; 2],
            likelihood: Likelihood::Gaussian { bounds: Bounds::Learnt, bounds_penalty: 0.01, beta },
            decay: vec![],
            batch: 32,
            stop: Stop { max_epochs: Some(60), patience: 60, improvement: 0.0 },
            keep: Keep::Last,
            targets: Targets::Normalized,
            ..EnsembleConfig::default()
        };
        let mut ensemble = Ensemble::new(&spec, &task, config, Key::root(0)).unwrap();
        let rows: Vec<u32> = (0..1_000).collect();
        let wall: Vec<u32> = rows.iter().copied().filter(|row| row % 50 >= 48).collect();
        let data = FitData { data: &data, train: &rows, holdout: &wall };
        let errors = ensemble.fit(data, Key::root(1), &mut NullRecorder).unwrap().holdout;
        errors.iter().sum::<f64>() / 3.0
    };
    let (weighed, plain) = (error_at_the_wall(0.5), error_at_the_wall(0.0));
    assert!(weighed < 0.5 * plain, "{weighed} and {plain}");
}
