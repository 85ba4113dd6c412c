//! The posterior as a belief, and the model that it draws.

use super::*;
use mbrl_core::{
    Belief, DynamicsModel, FitData, Mode, ModelInput, ModelOutput, MomentsMut, Noise, NullRecorder, RowBuf,
    Rows, Scratch, Spread, TransitionBatch,
};
use mbrl_testkit::check_model;

fn batch() -> TransitionBatch {
    let mut batch = TransitionBatch::new(spec(2, 1).dims());
    for (i, reward) in reference::REWARD.into_iter().enumerate() {
        let (obs, next_obs) = (&reference::OBS[2 * i..][..2], &reference::NEXT_OBS[2 * i..][..2]);
        let act = &reference::ACT[i..][..1];
        batch.push(Transition { obs, act, next_obs, reward, ..RUNNING });
    }
    batch
}

fn fit(posterior: &mut LinearPosterior, train: &[u32], holdout: &[u32]) -> mbrl_core::Fit {
    let data = batch();
    posterior.fit(FitData { data: &data, train, holdout }, Key::root(9), &mut NullRecorder).unwrap()
}

fn blank() -> LinearPosterior {
    LinearPosterior::new(&spec(2, 1), &Task::unknown(), config()).unwrap()
}

/// One step of the first `rows` rows by `member`, without noise.
fn mean_step(model: &LinearModel, rows: usize, member: u16) -> Result<(RowBuf, Vec<f32>, Vec<End>)> {
    let data = batch();
    let (mut next, mut reward, mut end) =
        (RowBuf::zeros(rows, 2), vec![0.0; rows], vec![End::Truncated; rows]);
    let input = ModelInput {
        state: data.obs.view().slice(0..rows),
        act: data.act.view().slice(0..rows),
        member: &vec![member; rows],
        noise: Noise::none(rows),
        mode: Mode::Mean,
    };
    let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
    model.step(input, out, &mut Scratch::default())?;
    Ok((next, reward, end))
}

#[test]
fn a_fit_is_the_rows_and_nothing_before_them() {
    let mut fitted = after_data(config());
    let all: Vec<u32> = (0..9).collect();
    let outcome = fit(&mut fitted, &all, &[]);
    assert_eq!((outcome.holdout.len(), outcome.elites), (0, vec![0, 1, 2]));
    assert_eq!(fitted.regression, after_data(config()).regression);
    let mut redrawn = after_data(config());
    redrawn.redraw(Key::root(9)).unwrap();
    assert_eq!(redrawn.model.weights, fitted.model.weights);
    assert_ne!(fitted.drawn().weights(0), fitted.drawn().weights(1));
}

#[test]
fn members_are_judged_by_what_they_miss() {
    let mut fitted = blank();
    let outcome = fit(&mut fitted, &[0, 1, 2, 3], &[4, 5, 6, 7, 8]);
    let data = batch();
    for (member, found) in outcome.holdout.iter().enumerate() {
        let (next, reward, _) = mean_step(fitted.drawn(), 9, member as u16).unwrap();
        let miss = |i: usize| {
            let of_obs = (0..2).map(|j| next.row(i)[j] - data.next_obs.row(i)[j]);
            of_obs.chain([reward[i] - data.reward[i]]).map(|x| f64::from(x * x)).sum::<f64>()
        };
        let expected = (4..9).map(miss).sum::<f64>() / 15.0;
        assert!((found - expected).abs() < 1e-5 * expected, "{found} for {expected}");
    }
    let errors: Vec<f64> = outcome.elites.iter().map(|i| outcome.holdout[usize::from(*i)]).collect();
    assert!(errors.is_sorted() && errors.len() == 3);
}

#[test]
fn a_fit_that_fails_names_the_row_and_changes_nothing() {
    let mut fitted = blank();
    fit(&mut fitted, &[0, 1], &[]);
    let before = (fitted.regression.clone(), fitted.model.weights.clone());
    let mut data = batch();
    data.next_obs.row_mut(4)[1] = f32::NAN;
    let data = FitData { data: &data, train: &[0, 4], holdout: &[] };
    let error = fitted.fit(data, Key::root(1), &mut NullRecorder).unwrap_err();
    assert!(error.is_non_finite() && error.to_string() == "row 4: next_obs[1] is NaN", "{error}");
    assert_eq!(before, (fitted.regression, fitted.model.weights));
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let quadratic = LinearConfig { features: LinearFeatures::Quadratic, ..config() };
    let mut fitted = LinearPosterior::new(&spec(2, 1), &Task::unknown(), quadratic).unwrap();
    let mut data = batch();
    (0..9).for_each(|i| data.obs.row_mut(i)[0] *= 1e38);
    let train: Vec<u32> = (0..9).collect();
    let data = FitData { data: &data, train: &train, holdout: &[] };
    fitted.fit(data, Key::root(1), &mut NullRecorder).unwrap();
    assert!(fitted.mean().iter().all(|x| x.is_finite()));
}

#[test]
fn drawn_members_are_a_model() {
    let data = batch();
    for features in [LinearFeatures::Linear, LinearFeatures::Quadratic] {
        for target in [LinearTarget::Delta, LinearTarget::Next] {
            let mut posterior = after_data(LinearConfig { features, target, ..config() });
            check_model(posterior.model(), data.obs.view(), data.act.view()).unwrap();
            posterior.redraw(Key::root(3)).unwrap();
            check_model(posterior.model(), data.obs.view(), data.act.view()).unwrap();
        }
    }
}

#[test]
fn the_spread_is_what_each_member_does() {
    let mut posterior = after_data(config());
    posterior.redraw(Key::root(3)).unwrap();
    let (data, model) = (batch(), posterior.drawn());
    let (mut mean, mut variance) = (vec![0.0; 81], vec![0.0; 81]);
    let moments = MomentsMut::new(&mut mean, &mut variance, 9, 3);
    let spread = posterior.spread().unwrap();
    spread.moments(data.obs.view(), data.act.view(), moments, &mut Scratch::default()).unwrap();
    for member in 0..3 {
        let (next, reward, end) = mean_step(model, 9, member as u16).unwrap();
        assert!(end.iter().all(|end| *end == End::Running));
        for row in 0..9 {
            let of_row = &mean[(9 * member + row) * 3..][..3];
            let step = [next.row(row)[0], next.row(row)[1], reward[row]];
            assert!(of_row.iter().zip(step).all(|(a, b)| a.to_bits() == b.to_bits()));
            for (variance, deviation) in
                variance[(9 * member + row) * 3..][..3].iter().zip(model.deviations(member))
            {
                assert!(close(f64::from(*variance), f64::from((deviation * deviation) as f32)));
            }
        }
    }
}

#[test]
fn what_the_task_knows_is_not_learnt() {
    let task =
        Task::unknown().rewarding(|_, act, next| next[0] + act[0]).terminating(|_, _, next| next[0] > 0.0);
    let posterior = LinearPosterior::new(&spec(2, 1), &task, config()).unwrap();
    let data = batch();
    let (next, reward, end) = mean_step(posterior.drawn(), 9, 0).unwrap();
    assert_eq!(posterior.drawn().moment_dim(), 2);
    // Before any data nothing changes.
    assert_eq!(next.as_slice(), data.obs.as_slice());
    for (i, (reward, end)) in reward.into_iter().zip(end).enumerate() {
        assert_eq!(reward.to_bits(), (next.row(i)[0] + data.act.row(i)[0]).to_bits());
        assert_eq!(end == End::Terminated, next.row(i)[0] > 0.0);
    }
    check_model(posterior.model(), data.obs.view(), data.act.view()).unwrap();
}

#[test]
fn a_step_that_leaves_the_numbers_is_an_error_by_member_and_row() {
    let mut posterior = after_data(config());
    posterior.model.weights.iter_mut().for_each(|w| *w = 1e300);
    let error = mean_step(posterior.drawn(), 4, 2).unwrap_err();
    assert!(
        error.is_non_finite() && error.to_string().starts_with("member 2, row 0: successor[0]"),
        "{error}"
    );
    let (mut mean, mut variance) = ([0.0; 9], [0.0; 9]);
    let out = MomentsMut::new(&mut mean, &mut variance, 1, 3);
    let (state, act, scratch) = ([1.0; 2], [1.0], &mut Scratch::default());
    let error =
        posterior.drawn().moments(Rows::single(&state), Rows::single(&act), out, scratch).unwrap_err();
    assert!(error.to_string().starts_with("member 0, row 0: mean[0]"), "{error}");
    let out = MomentsMut::new(&mut mean[..3], &mut variance[..3], 1, 3);
    let error =
        posterior.drawn().moments(Rows::single(&state), Rows::single(&act), out, scratch).unwrap_err();
    assert!(error.is_invalid(), "{error}");
}

#[test]
fn what_is_saved_comes_back_and_damage_is_refused() {
    let known = LinearConfig { noise: NoisePrior::Known { variance: vec![0.5, 2.0, 0.125] }, ..config() };
    for config in [config(), known] {
        let mut saved = after_data(config.clone());
        saved.redraw(Key::root(2)).unwrap();
        let mut bytes = Vec::new();
        saved.save(&mut bytes).unwrap();
        let whole = bytes.len();
        bytes.extend(b"what follows");
        let mut loaded = LinearPosterior::new(&spec(2, 1), &Task::unknown(), config.clone()).unwrap();
        let from = &mut bytes.as_slice();
        loaded.load(from).unwrap();
        assert_eq!(*from, b"what follows");
        let same = |a: &LinearPosterior, b: &LinearPosterior| {
            assert_eq!(a.regression, b.regression);
            assert_eq!((&a.model.weights, &a.model.deviations), (&b.model.weights, &b.model.deviations));
        };
        same(&loaded, &saved);
        for at in 0..whole {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(loaded.load(&mut bad.as_slice()).is_err(), "byte {at}");
            assert!(loaded.load(&mut &bytes[..at]).unwrap_err().is_corrupt());
        }
        same(&loaded, &saved);
        let other = LinearConfig { target: LinearTarget::Next, ..config };
        let mut other = LinearPosterior::new(&spec(2, 1), &Task::unknown(), other).unwrap();
        let error = other.load(&mut bytes.as_slice()).unwrap_err();
        assert!(error.is_corrupt() && error.to_string().contains("another prior"), "{error}");
    }
}

/// Whole bodies with a right checksum and wrong numbers.
#[test]
fn numbers_of_no_posterior_are_refused() {
    let mut bytes = Vec::new();
    after_data(config()).save(&mut bytes).unwrap();
    let format = crate::stored::Format { tag: *b"mbrllinp", version: 1, what: "test" };
    let n = (bytes.len() - 28) / 8;
    let numbers = format.read(&mut bytes.as_slice(), n).unwrap();
    // Ten numbers of the prior, the count of rows, 4 × 7 of the root, 3 residuals, weights, 9 deviations.
    for (at, bad) in
        [(10, -1.0), (10, 0.5), (11, 0.0), (12, f64::NAN), (39, -1.0), (n - 1, -1.0), (50, f64::INFINITY)]
    {
        let mut numbers = numbers.clone();
        numbers[at] = bad;
        let mut bytes = Vec::new();
        format.write(&mut bytes, &numbers).unwrap();
        assert!(blank().load(&mut bytes.as_slice()).unwrap_err().is_corrupt(), "{at}");
    }
}

/// Moving any of these numbers changes every run of a seed: it is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    let mut posterior = after_data(config());
    posterior.redraw(Key::root(7).child("model")).unwrap();
    let model = posterior.drawn();
    let found = [model.weights(0)[0], model.weights(2)[11], model.deviations(1)[0], model.deviations(2)[2]];
    all_close(&found, &[-1.5118863588501612, 0.23796437240599094, 1.1473208740928544, 0.5881464148306941]);
}
