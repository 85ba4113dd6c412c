//! What training makes of good data and of bad, when it stops, and what it goes back to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{all, deterministic, fit, known, linear_world, moments, noisy_line, saved, small, spec};
use mbrl_core::{
    Belief, Dims, End, Fit, FitData, Key, NullRecorder, Origin, Recorder, RowBuf, Task, Transition,
    TransitionBatch,
};
use mbrl_models::{
    BayesConfig, BayesianNetwork, Ensemble, EnsembleConfig, Holdout, Keep, Likelihood, Start, Stop, Targets,
    one_step,
};
use mbrl_nn::AdamConfig;

const DIMS: Dims = Dims { obs: 2, act: 1 };

fn ensemble(config: EnsembleConfig) -> Ensemble {
    Ensemble::new(&spec(DIMS), &known(), config, Key::root(0)).unwrap()
}

fn bayes() -> BayesianNetwork {
    let config = BayesConfig { members: 2, hidden: vec![8], epochs: 3, ..BayesConfig::default() };
    BayesianNetwork::new(&spec(DIMS), &known(), config, Key::root(0)).unwrap()
}

/// An ensemble that trains for so many epochs whatever comes.
fn epochs(epochs: usize) -> EnsembleConfig {
    let stop = Stop { improvement: 0.01, patience: usize::MAX, max_epochs: Some(epochs) };
    EnsembleConfig { stop, ..small() }
}

/// Rows of the linear world of which some columns are put through `change`.
fn changed(
    rows: usize,
    mut change: impl FnMut(&mut [f32; 2], &mut [f32; 1], &mut [f32; 2]),
) -> TransitionBatch {
    let mut data = TransitionBatch::new(DIMS);
    for row in linear_world(rows, Key::root(1)).iter() {
        let mut obs = [row.obs[0], row.obs[1]];
        let (mut act, mut next_obs) = ([row.act[0]], [row.next_obs[0], row.next_obs[1]]);
        change(&mut obs, &mut act, &mut next_obs);
        data.push(Transition {
            obs: &obs,
            act: &act,
            next_obs: &next_obs,
            end: End::Running,
            origin: Origin::World,
            ..row
        });
    }
    data
}

fn beliefs() -> Vec<(&'static str, Box<dyn Belief>)> {
    vec![
        ("Gaussian", Box::new(ensemble(epochs(3)))),
        (
            "deterministic",
            Box::new(ensemble(EnsembleConfig { likelihood: Likelihood::Deterministic, ..epochs(3) })),
        ),
        ("normalized", Box::new(ensemble(EnsembleConfig { targets: Targets::Normalized, ..epochs(3) }))),
        ("Bayesian", Box::new(bayes())),
    ]
}

#[test]
fn odd_data_is_learnt() {
    let constant = changed(100, |obs, act, next_obs| {
        // An input that never changes, large and not a round number, and a target that never does.
        (obs[1], next_obs[1], act[0]) = (12_345.678, 12_345.678, 0.1);
    });
    let wild = changed(100, |_, act, _| act[0] *= 1e6);
    for (what, data) in [
        ("a constant column", &constant),
        ("one row", &linear_world(1, Key::root(1))),
        ("two rows", &linear_world(2, Key::root(1))),
        ("fewer rows than a batch", &linear_world(31, Key::root(1))),
        ("actions far out of the spec", &wild),
    ] {
        for (name, mut belief) in beliefs() {
            let fitted = fit(&mut *belief, data, Key::root(2))
                .unwrap_or_else(|error| panic!("{name}, {what}: {error}"));
            let (mean, variance) = moments(belief.spread().unwrap(), &data.obs, &data.act);
            assert!(mean.iter().chain(&variance).all(|x| x.is_finite()), "{name}, {what}");
            assert!(fitted.holdout.len() <= 3 && !fitted.elites.is_empty(), "{name}, {what}: {fitted:?}");
        }
    }
}

#[test]
fn bad_data_is_refused_by_row_and_column() {
    for (name, mut belief) in beliefs() {
        let before = saved(&*belief);
        let mut refused = |data: &TransitionBatch, train: &[u32], holdout: &[u32]| {
            let error =
                belief.fit(FitData { data, train, holdout }, Key::root(2), &mut NullRecorder).unwrap_err();
            assert!(saved(&*belief) == before, "{name}: a fit that failed changed something");
            error
        };
        let good = linear_world(50, Key::root(1));
        let rows = all(&good);
        let mut bad = good.clone();
        bad.obs.row_mut(17)[1] = f32::NAN;
        let error = refused(&bad, &rows, &[]);
        assert!(
            error.is_non_finite() && error.to_string().contains("observation 1 of row 17 is NaN"),
            "{name}: {error}"
        );
        // Held-out rows are looked at too.
        let error = refused(&bad, &rows[..17], &rows[17..]);
        assert!(error.to_string().contains("observation 1 of row 17"), "{name}: {error}");
        let mut bad = good.clone();
        bad.next_obs.row_mut(3)[0] = f32::INFINITY;
        assert!(
            refused(&bad, &rows, &[]).to_string().contains("next observation 0 of row 3 is inf"),
            "{name}"
        );
        let mut bad = good.clone();
        bad.act.row_mut(4)[0] = f32::NEG_INFINITY;
        assert!(refused(&bad, &rows, &[]).to_string().contains("action 0 of row 4 is -inf"), "{name}");
        let mut bad = good.clone();
        bad.reward[5] = f32::NAN;
        assert!(refused(&bad, &rows, &[]).to_string().contains("reward 0 of row 5 is NaN"), "{name}");
        let mut far = good.clone();
        (far.obs.row_mut(6)[0], far.next_obs.row_mut(6)[0]) = (-3e38, 3e38);
        let error = refused(&far, &rows, &[]);
        assert!(error.to_string().contains("change of observation 0 of row 6 is inf"), "{name}: {error}");
        assert!(refused(&good, &[], &[]).to_string().contains("no row to train on"), "{name}");
        assert!(refused(&good, &[], &rows).is_invalid(), "{name}");
        assert!(refused(&good, &[50], &[]).to_string().contains("row 50"), "{name}");
        let other = noisy_line(20, Key::root(0));
        let error = refused(&other, &all(&other), &[]);
        assert!(
            error.is_invalid() && error.to_string().contains("data of 1 observations and 1 actions"),
            "{name}: {error}"
        );
    }
    let mut endless =
        ensemble(EnsembleConfig { holdout: Holdout { share: 0.0, cap: 0 }, ..EnsembleConfig::default() });
    let error = fit(&mut endless, &linear_world(20, Key::root(1)), Key::root(2)).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("max_epochs"), "{error}");
}

/// The error of the means of a long fit on scaled targets, as a share of the size of what came.
fn relative_error(scale: f32, targets: Targets) -> mbrl_core::Result<f64> {
    // The second change is scaled: its observation hardly moves next to that.
    let data = changed(1000, |obs, _, next_obs| {
        let change = next_obs[1] - obs[1];
        // Observations are small enough for the difference to be told from them.
        (obs[1], next_obs[1]) = (obs[1] * scale, (obs[1] + change) * scale);
    });
    let mut ensemble =
        ensemble(EnsembleConfig { targets, likelihood: Likelihood::Deterministic, ..epochs(60) });
    let rows = all(&data);
    let (train, test) = rows.split_at(800);
    ensemble.fit(FitData { data: &data, train, holdout: &[] }, Key::root(2), &mut NullRecorder)?;
    let found = one_step(ensemble.network(), &data, test)?;
    Ok((found.average.mse[1] / found.standstill_mse[1]).sqrt())
}

#[test]
fn the_scale_of_targets_is_minded() {
    for scale in [1e6, 1e-6] {
        let error = relative_error(scale, Targets::Raw).unwrap_err();
        let said = error.to_string();
        assert!(error.is_invalid() && said.contains("target 1 (change of observation 1)"), "{said}");
        assert!(said.contains(if scale > 1.0 { "e5" } else { "e-7" }), "{said}");
        assert!(said.contains("targets to normalized"), "{said}");
        let relative = relative_error(scale, Targets::Normalized).unwrap();
        assert!(relative < 0.05, "scale {scale:e}: relative error {relative}");
    }
    assert!(relative_error(1.0, Targets::Raw).unwrap() < 0.05);
}

#[test]
fn a_loss_that_explodes_is_named_and_leaves_everything() {
    let data = linear_world(200, Key::root(1));
    let hot = |lr| AdamConfig { lr, ..AdamConfig::default() };
    for config in [small(), deterministic(), EnsembleConfig { keep: Keep::Last, ..small() }] {
        let mut ensemble = Ensemble::new(
            &spec(DIMS),
            &Task::unknown(),
            EnsembleConfig { adam: hot(1e12), ..config.clone() },
            Key::root(0),
        )
        .unwrap();
        let before = saved(&ensemble);
        let error = fit(&mut ensemble, &data, Key::root(2)).unwrap_err();
        let said = error.to_string();
        assert!(error.is_non_finite() && said.contains("member ") && said.contains("epoch 0"), "{said}");
        assert!(said.contains("lower adam.lr"), "{said}");
        assert!(saved(&ensemble) == before, "a fit that failed changed something");
    }
    // The networks for terminations come last: what was learnt before them goes too.
    let mut config = small();
    config.termination.adam = hot(1e30);
    let mut ensemble = Ensemble::new(&spec(DIMS), &Task::unknown(), config, Key::root(0)).unwrap();
    let before = saved(&ensemble);
    let error = fit(&mut ensemble, &data, Key::root(2)).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().contains("termination"), "{error}");
    assert!(saved(&ensemble) == before);
    let config = BayesConfig { hidden: vec![8, 8, 8], adam: hot(1e12), epochs: 5, ..BayesConfig::default() };
    let mut network = BayesianNetwork::new(&spec(DIMS), &Task::unknown(), config, Key::root(0)).unwrap();
    let before = saved(&network);
    let error = fit(&mut network, &data, Key::root(2)).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().contains("epoch "), "{error}");
    assert!(saved(&network) == before);
    // An outlier that no square of a float survives.
    let mut outlier = data.clone();
    outlier.next_obs.row_mut(7)[0] = 1e37;
    let mut config = small();
    config.targets = Targets::Normalized;
    config.likelihood = Likelihood::Deterministic;
    let mut ensemble = Ensemble::new(&spec(DIMS), &known(), config, Key::root(0)).unwrap();
    // It is one among two hundred, so normalised it is 14 deviations out, and learnt.
    fit(&mut ensemble, &outlier, Key::root(2)).unwrap();
}

/// Keeps what is recorded.
#[derive(Default)]
struct Kept(Vec<(String, f64)>);

impl Recorder for Kept {
    fn at(&mut self, _: u64) {}
    fn scalar(&mut self, name: &str, value: f64) {
        self.0.push((name.to_owned(), value));
    }
    fn enter(&mut self, _: &'static str) {}
    fn leave(&mut self) {}
}

fn fit_kept(ensemble: &mut Ensemble, data: &TransitionBatch, key: Key) -> (Fit, Kept) {
    let mut kept = Kept::default();
    let fitted = ensemble.fit(FitData { data, train: &all(data), holdout: &[] }, key, &mut kept).unwrap();
    (fitted, kept)
}

/// The same key runs through the same epochs, however many there are: so a shorter run ends where a longer one was.
#[test]
fn members_go_back_to_their_best_epoch() {
    // Few noisy rows and many epochs: held-out errors turn up again.
    let data = noisy_line(60, Key::root(3));
    let run = |keep, max| {
        let config = EnsembleConfig {
            keep,
            batch: 8,
            adam: AdamConfig { lr: 1e-2, ..AdamConfig::default() },
            stop: Stop { improvement: 0.01, patience: usize::MAX, max_epochs: Some(max) },
            ..small()
        };
        let mut ensemble =
            Ensemble::new(&spec(Dims { obs: 1, act: 1 }), &known(), config, Key::root(0)).unwrap();
        let (fitted, _) = fit_kept(&mut ensemble, &data, Key::root(2));
        assert_eq!(fitted.epochs, max);
        let params = ensemble.network().net().params();
        let members: Vec<Vec<f32>> = ensemble.network().theta().chunks(params).map(<[f32]>::to_vec).collect();
        (members, fitted)
    };
    const LAST: usize = 60;
    let history: Vec<_> = (1..=LAST).map(|max| run(Keep::Last, max)).collect();
    let (best, fitted) = run(Keep::BestOfEach, LAST);
    let mut turned = 0;
    for (member, best) in best.iter().enumerate() {
        // The rule of the official code, on the history.
        let (mut least, mut at) = (1e10, 0);
        for (epoch, (_, fitted)) in history.iter().enumerate() {
            let error = fitted.holdout[member];
            if (least - error) / least > 0.01 {
                (least, at) = (error, epoch);
            }
        }
        assert!(*best == history[at].0[member], "member {member} is not where it was in epoch {at}");
        assert!((fitted.holdout[member] - least).abs() < 1e-15, "member {member}");
        turned += usize::from(at + 1 < LAST);
    }
    assert!(turned > 0, "the setup proves nothing: no member got worse");
    // Elites are those with the least of these errors.
    let mut order: Vec<u16> = vec![0, 1, 2];
    order.sort_by(|a, b| fitted.holdout[usize::from(*a)].total_cmp(&fitted.holdout[usize::from(*b)]));
    assert_eq!(fitted.elites, order[..2]);
    // mbrl-lib's rule: all of them where any improved last, held against the minimum of each so far.
    let (together, _) = run(Keep::BestOfAll, LAST);
    let start = Ensemble::new(&spec(Dims { obs: 1, act: 1 }), &known(), small(), Key::root(0)).unwrap();
    assert!(together != best && together[0].len() == start.network().net().params());
    let at = history.iter().position(|(members, _)| *members == together).expect("one epoch for all");
    let mut least = vec![f64::INFINITY; 3];
    let mut expected = 0;
    for (epoch, (_, fitted)) in history.iter().enumerate() {
        if fitted
            .holdout
            .iter()
            .zip(&least)
            .any(|(error, least)| least.is_infinite() || (least - error) / least > 0.01)
        {
            expected = epoch;
            least.iter_mut().zip(&fitted.holdout).for_each(|(least, error)| *least = least.min(*error));
        }
    }
    assert_eq!(at, expected);
    assert!(run(Keep::Last, LAST).0 == history[LAST - 1].0);
}

#[test]
fn training_stops_when_nobody_improved_for_longer_than_patience() {
    // An improvement of 99 % never comes after the first epoch: then patience + 1 epochs more.
    for patience in [0, 1, 5] {
        let stop = Stop { improvement: 0.99, patience, max_epochs: None };
        let (fitted, kept) = fit_kept(
            &mut ensemble(EnsembleConfig { stop, ..small() }),
            &linear_world(100, Key::root(1)),
            Key::root(2),
        );
        assert_eq!(fitted.epochs, 1 + patience + 1);
        let losses = kept.0.iter().filter(|(name, _)| name == "model/train_loss").count();
        assert_eq!(losses, fitted.epochs);
        assert!(kept.0.contains(&("model/epochs".to_owned(), fitted.epochs as f64)));
        let elite =
            fitted.elites.iter().map(|member| fitted.holdout[usize::from(*member)]).sum::<f64>() / 2.0;
        assert!(
            kept.0.iter().any(|(name, value)| name == "model/holdout_mse" && (value - elite).abs() < 1e-15)
        );
    }
    let (fitted, _) = fit_kept(&mut ensemble(epochs(4)), &linear_world(100, Key::root(1)), Key::root(2));
    assert_eq!(fitted.epochs, 4);
    // With its bests from before the first epoch, mbrl-lib's rule stops after patience epochs that improve on nothing.
    let stop = Stop { improvement: 0.999, patience: 4, max_epochs: None };
    let config = EnsembleConfig { stop, keep: Keep::BestOfAll, ..small() };
    let (fitted, _) = fit_kept(&mut ensemble(config), &linear_world(100, Key::root(1)), Key::root(2));
    assert_eq!(fitted.epochs, 5);
}

#[test]
fn warm_goes_on_and_fresh_begins_again() {
    let data = linear_world(300, Key::root(1));
    let error = |fitted: &Fit| fitted.holdout.iter().sum::<f64>();
    let mut warm = ensemble(epochs(8));
    let first = fit(&mut warm, &data, Key::root(2)).unwrap();
    let second = fit(&mut warm, &data, Key::root(3)).unwrap();
    assert!(error(&second) < 0.8 * error(&first), "{first:?} and {second:?}");
    // Fresh: the second fit is what it would have been as the first one, but for where members began, which is its key's.
    let fresh = EnsembleConfig { start: Start::Fresh, ..epochs(8) };
    let make = || Ensemble::new(&spec(DIMS), &Task::unknown(), fresh.clone(), Key::root(0)).unwrap();
    let (mut once, mut twice) = (make(), make());
    fit(&mut twice, &linear_world(200, Key::root(9)), Key::root(2)).unwrap();
    let fits = [&mut once, &mut twice].map(|ensemble| fit(ensemble, &data, Key::root(3)).unwrap());
    assert!(fits[0] == fits[1] && saved(&once) == saved(&twice), "something was left of the fit before");
}

#[test]
fn rows_held_out_by_the_caller_are_the_judge() {
    let data = linear_world(120, Key::root(1));
    let rows = all(&data);
    let mut ensemble = ensemble(epochs(5));
    let fitted = ensemble
        .fit(
            FitData { data: &data, train: &rows[..100], holdout: &rows[100..] },
            Key::root(2),
            &mut NullRecorder,
        )
        .unwrap();
    let (mut state, mut act) = (RowBuf::new(2), RowBuf::new(1));
    rows[100..].iter().for_each(|row| state.push(data.obs.row(*row as usize)));
    rows[100..].iter().for_each(|row| act.push(data.act.row(*row as usize)));
    let (mean, _) = moments(ensemble.spread().unwrap(), &state, &act);
    for (member, mean) in mean.chunks(40).enumerate() {
        let errors = mean.chunks(2).zip(&rows[100..]).flat_map(|(mean, row)| {
            let next = data.next_obs.row(*row as usize);
            [f64::from(mean[0] - next[0]).powi(2), f64::from(mean[1] - next[1]).powi(2)]
        });
        let mse = errors.sum::<f64>() / 40.0;
        assert!((fitted.holdout[member] / mse - 1.0).abs() < 1e-4, "{} and {mse}", fitted.holdout[member]);
    }
}
