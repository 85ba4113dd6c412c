//! What is refused, and in which words.

use super::*;

fn says(found: Option<mbrl_core::Error>, expected: &str) {
    let error = found.expect(expected).to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn predictions_that_are_none_are_refused_by_name() {
    let of = |mean: &mut [f32], variance: &mut [f32], rows, members: &[u16], dim| {
        let moments = MomentsMut::new(mean, variance, rows, 2);
        Predicted::new(moments.view(), members, dim).err()
    };
    let ok = [1.0f32; 8];
    assert!(of(&mut ok.clone(), &mut ok.clone(), 2, &[0, 1], 2).is_none());
    says(of(&mut ok.clone(), &mut ok.clone(), 2, &[0, 2], 2), "member 2 is in use: there are 2 members");
    says(of(&mut ok.clone(), &mut ok.clone(), 2, &[], 2), "predictions of 0 members for 2 rows of 2 columns");
    says(of(&mut [], &mut [], 0, &[], 2), "predictions of 0 members for 0 rows");
    says(of(&mut [], &mut [], 0, &[0], 2), "member 0 is in use: there are 0 members");
    says(of(&mut ok.clone(), &mut ok.clone(), 2, &[0], 0), "1 members for 2 rows of 0 columns");
    says(of(&mut ok.clone(), &mut ok.clone(), 2, &[0], 3), "predictions are 2 columns wide: 3 columns");
    for (i, bad, text) in [
        (2, -1.0, "member 0 predicts for row 1, column 0 a mean of 1 and a variance of -1"),
        (2, f32::NAN, "row 1, column 0 a mean of 1 and a variance of NaN"),
        (5, f32::INFINITY, "member 1 predicts for row 0, column 1 a mean of 1 and a variance of inf"),
    ] {
        let mut variance = ok;
        variance[i] = bad;
        says(of(&mut ok.clone(), &mut variance, 2, &[0, 1], 2), text);
        let mut mean = ok;
        mean[i] = f32::NAN;
        says(of(&mut mean, &mut ok.clone(), 2, &[0, 1], 2), "a mean of NaN");
    }
    // What is not asked for may be anything: the reward, and members that are not in use.
    let mut mean = ok;
    (mean[1], mean[3], mean[4]) = (f32::NAN, f32::NAN, f32::NAN);
    assert!(of(&mut mean, &mut ok.clone(), 2, &[0], 1).is_none());
}

#[test]
fn tables_that_do_not_fit_are_refused_by_name() {
    let table = [0.5f32; 6];
    let bad = [0.5, 0.5, 0.5, f32::NAN];
    let rows = |len: usize, dim| Rows::new(&table[..len], dim).unwrap();
    let (deviations, one) = (Deviations::new(vec![1.0; 2]).unwrap(), Deviations::new(vec![1.0]).unwrap());
    let smoothing = Smoothing::new(&deviations, 0.1).unwrap();
    let narrow = Smoothing::new(&one, 0.1).unwrap();
    let mut model = off_by(&table[..4], 2, &[0.0; 2], &[0.0; 2]);
    model.predicting(&[0], 2, |p| {
        let shape = "next observations: [3, 2] rows and columns beside [2, 2]";
        says(smoothed_errors(rows(6, 2), p, &smoothing, draws(1)).err(), shape);
        says(w1_errors(rows(6, 2), p, &deviations, draws(1)).err(), shape);
        says(w1_errors(rows(6, 3), p, &deviations, draws(1)).err(), "[2, 3] rows and columns beside [2, 2]");
        let nan = Rows::new(&bad, 2).unwrap();
        says(
            smoothed_errors(nan, p, &smoothing, draws(1)).err(),
            "next observations: row 1, column 1 is NaN",
        );
        says(smoothed_errors(rows(4, 2), p, &narrow, draws(1)).err(), "1 deviations for 2 columns");
        says(w1_errors(rows(4, 2), p, &one, draws(1)).err(), "1 deviations for 2 columns");
        says(smoothed_errors(rows(4, 2), p, &smoothing, draws(0)).err(), "0 draws per row: take 1 at least");
        says(eps_m_smoothed(rows(4, 2), p, &smoothing, draws(1), 1.0).err(), "confidence is 1");
        let truth = GaussianRows::new(rows(6, 2), rows(6, 2)).unwrap();
        says(gaussian_errors(&truth, p, draws(1)).err(), "the true means: [3, 2] rows");
        let truth = GaussianRows::new(rows(4, 2), rows(4, 2)).unwrap();
        says(
            gaussian_errors(&truth, p, draws(1)).err(),
            "row 0, column 0 a variance of 0, which has no density",
        );
    });
    says(
        GaussianRows::new(rows(4, 2), rows(4, 1)).err(),
        "deviations: [4, 1] rows and columns beside [2, 2]",
    );
    says(
        GaussianRows::new(rows(4, 2), Rows::new(&bad, 2).unwrap()).err(),
        "deviations: row 1, column 1 is NaN",
    );
    let zero = [0.5, 0.0, 0.5, 0.5];
    let zero = Rows::new(&zero, 2).unwrap();
    says(GaussianRows::new(rows(4, 2), zero).err(), "row 0, column 1 is 0: expected above 0");
}

#[test]
fn scales_that_are_none_are_refused_by_name() {
    says(Deviations::new(vec![]).err(), "no deviation is given");
    for (bad, text) in
        [(0.0, "column 1 is 0"), (-1.0, "is -1"), (f64::NAN, "is NaN"), (f64::INFINITY, "is inf")]
    {
        says(Deviations::new(vec![1.0, bad]).err(), text);
    }
    let constant = [1.0f32, 5.0, 2.0, 5.0];
    says(
        Deviations::of(Rows::new(&constant, 2).unwrap()).err(),
        "column 1 is 0: expected 1e-50 to 1e50; where a",
    );
    says(
        Deviations::of(Rows::new(&[f32::NAN, 1.0], 2).unwrap()).err(),
        "observations: row 0, column 0 is NaN",
    );
    says(Deviations::of(Rows::new(&[], 2).unwrap()).err(), "column 0 is NaN");
    let one = Deviations::new(vec![1.0]).unwrap();
    for (fraction, text) in
        [(0.0, "the fraction of a deviation is 0"), (f64::NAN, "is NaN"), (1e-60, "smoothing: ")]
    {
        says(Smoothing::new(&one, fraction).err(), text);
    }
}

#[test]
fn policies_that_do_not_fit_are_refused_by_name() {
    let table = [0.5f32; 6];
    let rows = |len: usize, dim| Rows::new(&table[..len], dim).unwrap();
    let of = |len, dim| GaussianRows::new(rows(len, dim), rows(len, dim)).unwrap();
    let text = "the data policy: [2, 2] rows and columns beside [3, 2]";
    says(policy_shift(&of(6, 2), &of(4, 2), draws(1), 0.9).err(), text);
    says(policy_shift(&of(2, 2), &of(2, 2), draws(1), 0.9).err(), "1 rows have no interval");
    says(policy_shift(&of(4, 2), &of(4, 2), draws(0), 0.9).err(), "0 draws per row");
    says(categorical_policy_shift(rows(6, 2), rows(4, 2), 0.9).err(), text);
    says(categorical_policy_shift(rows(6, 3), rows(6, 3), 0.9).err(), "of state 0 sum to 1.5: expected 1");
    says(categorical_policy_shift(rows(4, 2), rows(4, 2), 1.0).err(), "confidence is 1");
    let negative = [1.5f32, -0.5, 0.5, 0.5];
    let negative = Rows::new(&negative, 2).unwrap();
    says(
        categorical_policy_shift(rows(4, 2), negative, 0.9).err(),
        "the data policy, state 0: probability 1 is -0.5",
    );
}
