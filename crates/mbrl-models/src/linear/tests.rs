//! The posterior is the closed form: NumPy's and SciPy's numbers, and what follows from the definition.

mod belief;
mod reference;
mod statistics;

use super::*;
use mbrl_core::{End, Origin, Space};
use proptest::prelude::*;

pub(super) const RUNNING: Transition<'static> =
    Transition { obs: &[], act: &[], next_obs: &[], reward: 0.0, end: End::Running, origin: Origin::World };

pub(super) fn spec(obs: usize, act: usize) -> Spec {
    Spec::new(Space::unbounded(obs).unwrap(), Space::symmetric(act, 10.0).unwrap())
}

/// The prior of `reference/linear.py`.
pub(super) fn config() -> LinearConfig {
    LinearConfig {
        members: 3,
        prior_precision: 0.25,
        noise: NoisePrior::InverseGamma { shape: 1.5, scale: 0.75 },
        ..LinearConfig::default()
    }
}

fn known() -> LinearConfig {
    LinearConfig { noise: NoisePrior::Known { variance: vec![0.5, 2.0, 0.125] }, ..config() }
}

/// After the rows of the reference, with the reward to be learnt.
pub(super) fn after_data(config: LinearConfig) -> LinearPosterior {
    let mut posterior = LinearPosterior::new(&spec(2, 1), &Task::unknown(), config).unwrap();
    for (i, reward) in reference::REWARD.into_iter().enumerate() {
        let (obs, next_obs) = (&reference::OBS[2 * i..][..2], &reference::NEXT_OBS[2 * i..][..2]);
        let act = &reference::ACT[i..][..1];
        posterior.observe(Transition { obs, act, next_obs, reward, ..RUNNING }).unwrap();
    }
    posterior
}

pub(super) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-11 * b.abs().max(1.0)
}

pub(super) fn all_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| close(*a, *b)), "{found:?} for {expected:?}");
}

/// The log density of each output's predictive distribution, as a difference for observations.
fn log_density(predictive: &Predictive, at: [f64; 3]) -> Vec<f64> {
    let Predictive { mean, scale, dof } = predictive;
    let of = |(x, (mean, scale)): (f64, (&f64, &f64))| {
        let z = (x - mean) / scale;
        if dof.is_infinite() {
            return -0.5 * (z * z + TAU.ln()) - scale.ln();
        }
        let constant = ln_gamma(0.5 * (dof + 1.0)) - ln_gamma(0.5 * dof);
        constant - 0.5 * (dof * TAU / 2.0).ln() - scale.ln() - 0.5 * (dof + 1.0) * (z * z / dof).ln_1p()
    };
    at.into_iter().zip(mean.iter().zip(scale)).map(of).collect()
}

#[test]
fn posterior_and_marginal_likelihood_are_numpys_and_scipys() {
    let posterior = after_data(config());
    all_close(&posterior.mean(), &reference::MEAN);
    all_close(&posterior.precision(), &reference::PRECISION);
    all_close(&posterior.noise_scale().unwrap(), &reference::NOISE_SCALE);
    all_close(&[posterior.noise_shape().unwrap()], &[6.0]);
    all_close(&[posterior.log_marginal_likelihood()], &reference::LOG_MARGINAL);
    // Targets are differences: 0.5 and −1.25 are added to what the observation's are.
    let (obs, act, at) = ([0.5, -1.25], [2.0], [0.75, -1.75, 1.0]);
    let predictive = posterior.predictive(&obs, &act).unwrap();
    all_close(&log_density(&predictive, at), &reference::LOG_PREDICTIVE);

    let posterior = after_data(known());
    all_close(&posterior.mean(), &reference::MEAN);
    assert!(posterior.noise_shape().is_none() && posterior.noise_scale().is_none());
    all_close(&[posterior.log_marginal_likelihood()], &reference::LOG_MARGINAL_KNOWN);
    let predictive = posterior.predictive(&obs, &act).unwrap();
    all_close(&log_density(&predictive, at), &reference::LOG_PREDICTIVE_KNOWN);
}

#[test]
fn no_row_one_row_and_constant_columns_work_because_of_the_prior() {
    let mut posterior = LinearPosterior::new(&spec(2, 1), &Task::unknown(), config()).unwrap();
    assert!(posterior.log_marginal_likelihood().abs() < 1e-12);
    all_close(&posterior.predictive(&[3.0, -1.0], &[0.0]).unwrap().mean, &[3.0, -1.0, 0.0]);
    for _ in 0..1000 {
        // The first column is the constant again, and the second is no information.
        let row = Transition { obs: &[1.0, 0.0], act: &[0.0], next_obs: &[3.0, 0.0], reward: 1.0, ..RUNNING };
        posterior.observe(row).unwrap();
        assert!(posterior.mean().iter().all(|x| x.is_finite()));
    }
    let mean = posterior.mean();
    // What the two collinear columns say together is known, and the prior divides it evenly.
    assert!(close(mean[0], mean[3]) && (mean[0] + mean[3] - 2.0).abs() < 1e-3, "{mean:?}");
    assert!(mean[1].abs() < 1e-12);
}

/// What the difference of YᵀY and MᵀΛM would lose: noise of 1e-3 on numbers near 1e6.
#[test]
fn small_noise_on_large_numbers_is_found() {
    let task = Task::unknown().rewarding(|_, _, _| 0.0);
    let noise = NoisePrior::InverseGamma { shape: 1e-3, scale: 1e-12 };
    let config =
        LinearConfig { target: LinearTarget::Next, prior_precision: 1e-20, noise, ..LinearConfig::default() };
    let mut posterior = LinearPosterior::new(&spec(1, 1), &task, config).unwrap();
    let (inputs, outputs) = (posterior.regression.inputs, posterior.regression.outputs);
    for i in 0..4000 {
        let x = f64::from(i % 40) - 20.0;
        let sign = if i % 80 < 40 { 1e-3 } else { -1e-3 };
        let mut row = vec![0.0; inputs + outputs];
        row.copy_from_slice(&[x, 0.0, 1.0, 1e6 + 1e5 * x + sign]);
        posterior.regression.add(&mut row);
    }
    let variance = posterior.noise_scale().unwrap()[0] / posterior.noise_shape().unwrap();
    assert!((variance / 1e-6 - 1.0).abs() < 1e-3, "{variance}");
}

#[test]
fn products_are_features() {
    assert_eq!(LinearFeatures::Quadratic.count(3), Some(10));
    let mut features = [0.0; 10];
    LinearFeatures::Quadratic.write(&[2.0, 3.0], &[5.0], &mut features);
    assert_eq!(features.map(|x| x as i32), [2, 3, 5, 4, 6, 10, 9, 15, 25, 1]);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let mut posterior = LinearPosterior::new(&spec(2, 1), &Task::unknown(), config()).unwrap();
    let row = Transition { obs: &[1.0, 0.0], act: &[0.0], next_obs: &[3.0, 0.0], ..RUNNING };
    let mut says = |row: Transition<'_>| posterior.observe(row).unwrap_err().to_string();
    assert_eq!(says(Transition { obs: &[1.0, f32::NAN], ..row }), "obs[1] is NaN");
    assert_eq!(says(Transition { next_obs: &[f32::INFINITY, 0.0], ..row }), "next_obs[0] is inf");
    assert_eq!(says(Transition { reward: f32::NAN, ..row }), "the reward is NaN");
    assert_eq!(says(Transition { act: &[0.0; 2], ..row }), "act has 2 numbers: expected 1");
    assert_eq!(posterior.regression.rows, 0);
    // A reward that is not learnt is not looked at.
    let task = Task::unknown().rewarding(|_, _, _| 0.0);
    let mut knows = LinearPosterior::new(&spec(2, 1), &task, config()).unwrap();
    knows.observe(Transition { reward: f32::NAN, ..row }).unwrap();

    let refused = |config: LinearConfig, part: &str| {
        let error = LinearPosterior::new(&spec(2, 1), &Task::unknown(), config).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(LinearConfig { members: 0, ..config() }, "members is 0");
    refused(LinearConfig { members: 65_536, ..config() }, "members is 65536");
    refused(LinearConfig { prior_precision: -1.0, ..config() }, "prior_precision is -1");
    let noise = NoisePrior::InverseGamma { shape: 1.0, scale: f64::NAN };
    refused(LinearConfig { noise, ..config() }, "noise scale is NaN");
    let noise = NoisePrior::Known { variance: vec![1.0; 2] };
    refused(LinearConfig { noise, ..config() }, "2 known noise variances for 3 outputs");
    let discrete = Spec::new(Space::discrete(3).unwrap(), Space::discrete(2).unwrap());
    let error = LinearPosterior::new(&discrete, &Task::unknown(), config()).unwrap_err().to_string();
    assert!(error.contains("tabular"), "{error}");
    let quadratic = LinearConfig { features: LinearFeatures::Quadratic, ..config() };
    let error = LinearPosterior::new(&spec(4000, 1), &Task::unknown(), quadratic).unwrap_err().to_string();
    assert!(error.contains("choose linear features"), "{error}");

    let json = serde_json::to_string(&config()).unwrap();
    assert_eq!(serde_json::from_str::<LinearConfig>(&json).unwrap(), config());
    assert_eq!(serde_json::from_str::<LinearConfig>("{}").unwrap(), LinearConfig::default());
    assert!(serde_json::from_str::<LinearConfig>(&json.replace("members", "member")).is_err());
}

fn rows() -> impl Strategy<Value = Vec<[f32; 6]>> {
    prop::collection::vec(prop::array::uniform6(-3.0f32..3.0), 1..40)
}

fn fed(rows: &[[f32; 6]], config: LinearConfig) -> LinearPosterior {
    let mut posterior = LinearPosterior::new(&spec(2, 1), &Task::unknown(), config).unwrap();
    for row in rows {
        let (obs, act, next_obs) = (&row[..2], &row[2..3], &row[3..5]);
        posterior.observe(Transition { obs, act, next_obs, reward: row[5], ..RUNNING }).unwrap();
    }
    posterior
}

proptest! {
    #[test]
    fn one_by_one_is_the_normal_equations_in_any_order(
        (straight, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        let (a, b) = (fed(&straight, config()), fed(&shuffled, config()));
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9 * b.abs().max(1.0));
        prop_assert!(near(&a.mean(), &b.mean()));
        prop_assert!(near(&a.noise_scale().unwrap(), &b.noise_scale().unwrap()));
        let (mean, precision) = (a.mean(), a.precision());
        let x = |row: &[f32; 6]| [row[0], row[1], row[2], 1.0].map(f64::from);
        let y = |row: &[f32; 6]| [row[3] - row[0], row[4] - row[1], row[5]];
        for i in 0..4 {
            for j in 0..4 {
                let expected = straight.iter().map(|row| x(row)[i] * x(row)[j]).sum::<f64>()
                    + if i == j { 0.25 } else { 0.0 };
                prop_assert!((precision[4 * i + j] - expected).abs() < 1e-9, "{} {}", i, j);
            }
            for k in 0..3 {
                // Λ M = XᵀY, whose differences the test takes in f32 and the posterior in f64.
                let left: f64 = (0..4).map(|j| precision[4 * i + j] * mean[4 * k + j]).sum();
                let right: f64 = straight.iter().map(|row| x(row)[i] * f64::from(y(row)[k])).sum();
                prop_assert!((left - right).abs() < 1e-4, "{} {}", left, right);
            }
        }
    }

    /// The chain rule: what one more row adds to the marginal likelihood is its predictive density.
    #[test]
    fn marginal_likelihoods_are_chains_of_predictions(rows in rows(), is_known: bool) {
        let config = if is_known { known() } else { config() };
        let (last, before) = rows.split_last().unwrap();
        let (all, before) = (fed(&rows, config.clone()), fed(before, config));
        let predictive = before.predictive(&last[..2], &last[2..3]).unwrap();
        let density = log_density(&predictive, [last[3], last[4], last[5]].map(f64::from));
        let gained = all.log_marginal_likelihood() - before.log_marginal_likelihood();
        prop_assert!((gained - density.iter().sum::<f64>()).abs() < 1e-8, "{} {:?}", gained, density);
    }
}
