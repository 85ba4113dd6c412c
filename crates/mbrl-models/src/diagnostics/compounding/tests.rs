//! Compounding errors of linear models, of which the closed form is known.

use super::*;
use crate::diagnostics::fake::{Fake, member, played};

const HORIZON: usize = 12;

fn windows(data: &TransitionBatch) -> Windows {
    Windows::find(data, HORIZON, 1).unwrap()
}

#[test]
fn a_wrong_shift_adds_up_like_a_geometric_series() {
    let truth = Fake::of(2, vec![member(0.5, 0.25, 0.0, 0.0)]);
    let data = played(&truth, 700, Mode::Mean, Key::root(2));
    let model = Fake::of(2, vec![member(0.5, 0.25, 0.0, 0.0), member(0.5, 0.75, 0.0, 0.0)]);
    let found = compounding(&model, &data, &windows(&data), OpenLoop::Mean).unwrap();
    // The error of column c is (c + 1)·δ·(1 + ½ + … + ½^(h − 1)); that of the reward is one step of it more.
    for h in 1..=HORIZON {
        let [right, wrong] = [&found.members[0][h - 1], &found.members[1][h - 1]];
        assert_eq!((wrong.step, wrong.count), (h, 700 - HORIZON + 1));
        assert!(right.p95 < 1e-5 && right.reward_rms < 1e-5, "{right:?}");
        let sum = 0.5 * (1.0 - 0.5f64.powi(h as i32)) / 0.5;
        for got in [wrong.mean, wrong.p05, wrong.median, wrong.p95] {
            assert!((got - sum * 5f64.sqrt()).abs() < 1e-5, "{h}: {wrong:?}");
        }
        assert!((wrong.rms[0] - sum).abs() < 1e-5 && (wrong.rms[1] - 2.0 * sum).abs() < 1e-5);
        let before = 0.5 * (1.0 - 0.5f64.powi(h as i32 - 1)) / 0.5;
        assert!((wrong.reward_rms - (1.5 + 0.5 * before)).abs() < 1e-5, "{h}: {wrong:?}");
        // Half of all forecasts are right.
        let pooled = &found.pooled[h - 1];
        assert_eq!(pooled.count, 2 * wrong.count);
        assert!((pooled.mean - wrong.mean / 2.0).abs() < 1e-5 && pooled.p25 < 1e-5);
        assert!((pooled.rms[0] - wrong.rms[0] / 2f64.sqrt()).abs() < 1e-5);
        assert!((pooled.reward_rms - wrong.reward_rms / 2f64.sqrt()).abs() < 1e-5);
    }
}

/// Forecast and recording are two independent paths of x′ = g·x + a + b + σε, so their difference after h steps is normal
/// with variance 2σ²·(1 + g² + … + g^(2(h − 1))).
#[test]
fn a_drawn_forecast_is_as_far_off_as_the_noise_says() {
    let truth = Fake::of(1, vec![member(0.5, 0.25, 0.5, 0.0)]);
    let data = played(&truth, 30_000, Mode::Sample, Key::root(5));
    // Windows side by side, so that forecasts are independent of each other.
    let windows = windows(&data).every(HORIZON);
    let found = compounding(&truth, &data, &windows, OpenLoop::Sample(Key::root(6))).unwrap();
    for error in &found.members[0] {
        let variance = 2.0 * 0.25 * (1.0 - 0.25f64.powi(error.step as i32)) / 0.75;
        // The mean square of n normals has standard error √(2/n): at 6 of them a false alarm is below 1e-8 a step.
        let bound = 6.0 * (2.0 / error.count as f64).sqrt();
        assert!((error.rms[0].powi(2) / variance - 1.0).abs() < bound, "{error:?} for {variance}");
    }
    let again = compounding(&truth, &data, &windows, OpenLoop::Sample(Key::root(6))).unwrap();
    let other = compounding(&truth, &data, &windows, OpenLoop::Sample(Key::root(7))).unwrap();
    assert!(found == again && found != other);
    // One window again and again: a second chunk of it has noise of its own.
    let mean_of = |copies| {
        let windows = Windows { first: vec![0; copies], ..windows.clone() };
        compounding(&truth, &data, &windows, OpenLoop::Sample(Key::root(6))).unwrap().pooled[0].mean
    };
    assert!((mean_of(2 * CHUNK) - mean_of(CHUNK)).abs() > 1e-9);
    // The mean stays nearer to what came than a draw does.
    let mean = compounding(&truth, &data, &windows, OpenLoop::Mean).unwrap();
    assert!(mean.pooled[HORIZON - 1].mean < 0.8 * found.pooled[HORIZON - 1].mean);
}

#[test]
fn windows_that_are_none_are_refused_with_the_row() {
    let truth = Fake::of(2, vec![member(0.5, 0.25, 0.25, 0.0)]);
    let sound = played(&truth, 40, Mode::Sample, Key::root(2));
    let refused = |data: &TransitionBatch, first: u32| {
        let windows = Windows { first: vec![0, first], horizon: 5, lanes: 1 };
        let error = compounding(&truth, data, &windows, OpenLoop::Mean).unwrap_err();
        assert!(error.is_invalid());
        error.to_string()
    };
    let mut data = sound.clone();
    data.end[22] = End::Terminated;
    assert!(refused(&data, 20).starts_with("row 22 ends its episode (Terminated), so row 23 does not"));
    let mut data = sound.clone();
    data.obs.row_mut(23)[1] = 9.0;
    let said = refused(&data, 20);
    assert!(said.starts_with("row 22 leads to") && said.contains("column 1, where the next row begins at 9"));
    assert!(refused(&sound, 36).contains("window of 5 rows from row 36 reaches past the 40"));
    // The last row of a window may end its episode.
    let mut data = sound;
    data.end[24] = End::Terminated;
    let windows = Windows { first: vec![20], horizon: 5, lanes: 1 };
    assert!(compounding(&truth, &data, &windows, OpenLoop::Mean).is_ok());
}

#[test]
fn a_model_of_nobody_is_refused() {
    let truth = Fake::of(1, vec![member(0.5, 0.25, 0.25, 0.0)]);
    let data = played(&truth, 40, Mode::Sample, Key::root(2));
    let error = compounding(&Fake::of(1, vec![]), &data, &windows(&data), OpenLoop::Mean).unwrap_err();
    assert!(error.to_string().contains("no member"), "{error}");
}

#[test]
fn a_model_that_blows_up_is_named_with_its_step() {
    let truth = Fake::of(1, vec![member(0.5, 0.25, 0.25, 0.0)]);
    let data = played(&truth, 40, Mode::Sample, Key::root(2));
    let model = Fake::of(1, vec![truth.members[0], member(1e15, 1.0, 0.0, 0.0)]);
    let error = compounding(&model, &data, &windows(&data), OpenLoop::Mean).unwrap_err();
    assert!(error.is_non_finite());
    let said = error.to_string();
    assert!(said.contains("forecasting step 3") && said.contains("member 1"), "{said}");
}
