//! ε_m of models whose errors are known.

use super::*;
use crate::divergence::gaussian::Gaussian;

const ROWS: usize = 4000;

#[test]
fn total_variations_are_those_of_closed_forms() {
    // 2Φ(½) − 1 by scipy 1.17.1.
    assert!((tv_of_equal_variances(1.0) - 0.38292492254802624).abs() < 1e-15);
    // In three columns of equal variances it is a matter of Mahalanobis' distance; in one, of where the densities cross.
    let (flat, line) = (normals(ROWS, 3), normals(ROWS, 1));
    let (std, off) = ([0.5f32, 2.0, 1.0], [0.25f32, -1.0, 0.5]);
    let variance = std.map(|std| std * std);
    let stds = std.repeat(ROWS);
    let of = |table: &[f32], stds: &[f32], off: &[f32], variance: &[f32]| {
        let dim = off.len();
        let truth = GaussianRows::new(Rows::new(table, dim).unwrap(), Rows::new(stds, dim).unwrap()).unwrap();
        let mut model = off_by(table, dim, off, variance);
        model.predicting(&[0], dim, |predicted| {
            let errors = gaussian_errors(&truth, predicted, draws(25)).unwrap();
            let eps_m = eps_m_gaussian(&truth, predicted, draws(25), SURE).unwrap();
            assert!(errors.iter().all(|e| (0.0..=1.0).contains(e)));
            assert_eq!(eps_m.value.to_bits(), mean(&errors).to_bits());
            assert_eq!((eps_m.n, eps_m.coverage), (ROWS, Coverage::Guaranteed));
            eps_m
        })
    };
    let gaussian = |mean: f64, variance: f64| Gaussian::new(vec![mean], vec![variance]).unwrap();
    let ones = vec![1.0; ROWS];
    for (eps_m, exact) in [
        (of(&flat, &stds, &off, &variance), tv_of_equal_variances(0.75f64.sqrt())),
        (of(&flat, &stds, &[0.0; 3], &variance), 0.0),
        (of(&line, &ones, &[0.5], &[4.0]), gaussian(0.0, 1.0).total_variation(&gaussian(0.5, 4.0)).unwrap()),
        (
            of(&line, &ones, &[-2.0], &[0.01]),
            gaussian(0.0, 1.0).total_variation(&gaussian(2.0, 0.01)).unwrap(),
        ),
        (of(&line, &ones, &[1e30], &[1e-30]), 1.0),
    ] {
        assert!((eps_m.value - exact).abs() < hoeffding(ROWS * 25), "{eps_m:?} {exact}");
        assert!(eps_m.low <= exact && exact <= eps_m.high, "{eps_m:?} {exact}");
    }
}

#[test]
fn a_mixture_is_one_density_and_not_several() {
    // Members at ±1 of a truth of N(0, 1): half of their mixture's difference, integrated over a fine grid.
    let density = |x: f64, mean: f64| (-0.5 * (x - mean).powi(2)).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let step = 1e-3;
    let cells = (-12_000..12_000).map(|i| {
        let x = (f64::from(i) + 0.5) * step;
        step * (density(x, 0.0) - 0.5 * (density(x, -1.0) + density(x, 1.0))).max(0.0)
    });
    let exact: f64 = cells.sum();
    let (zeros, ones) = (vec![0.0; ROWS], vec![1.0; ROWS]);
    let truth = GaussianRows::new(Rows::new(&zeros, 1).unwrap(), Rows::new(&ones, 1).unwrap()).unwrap();
    let mut mean_of = vec![1.0; 3 * ROWS];
    mean_of[ROWS..2 * ROWS].fill(50.0);
    mean_of[2 * ROWS..].fill(-1.0);
    let mut model = Model { mean: mean_of, variance: vec![1.0; 3 * ROWS], rows: ROWS, dim: 1 };
    let mut of = |members: &[u16]| {
        model
            .predicting(members, 1, |predicted| mean(&gaussian_errors(&truth, predicted, draws(25)).unwrap()))
    };
    assert!(exact < 0.21, "{exact}: each member alone is 0.38 off");
    assert!((of(&[0, 2]) - exact).abs() < hoeffding(ROWS * 25));
    assert!((of(&[0]) - 0.38292492254802624).abs() < hoeffding(ROWS * 25));
    assert!((of(&[2, 0, 0, 2]) - exact).abs() < hoeffding(ROWS * 25), "each counts twice");
    // The far member takes its share away, and puts it where the truth never is.
    assert!(of(&[0, 2, 1]) > 1.0 / 3.0);
}

#[test]
fn a_blur_makes_points_comparable() {
    let next = normals(ROWS, 2);
    let rows = Rows::new(&next, 2).unwrap();
    let deviations = Deviations::new(vec![1.0, 4.0]).unwrap();
    // A third column, the reward, is no part of it, and neither is the second member.
    let with = |off: [f32; 2], variance: [f32; 2], fraction: f64| {
        let mut model = off_by(&next, 2, &off, &variance);
        let wide = |numbers: &[f32], reward: f32| -> Vec<f32> {
            let first = numbers.chunks_exact(2).flat_map(|row| [row[0], row[1], reward]);
            first.chain(std::iter::repeat_n(77.0, 3 * ROWS)).collect()
        };
        (model.mean, model.variance, model.dim) = (wide(&model.mean, 9.0), wide(&model.variance, 9.0), 3);
        let smoothing = Smoothing::new(&deviations, fraction).unwrap();
        model.predicting(&[0], 2, |predicted| {
            let errors = smoothed_errors(rows, predicted, &smoothing, draws(25)).unwrap();
            let eps_m = eps_m_smoothed(rows, predicted, &smoothing, draws(25), SURE).unwrap();
            assert_eq!(eps_m.value.to_bits(), mean(&errors).to_bits());
            eps_m
        })
    };
    let slack = hoeffding(ROWS * 25);
    // A member without variance is as wide as the blur: half a σ₀ in each column is a distance of √½.
    let half = with([0.05, 0.2], [0.0; 2], 0.1);
    let exact = tv_of_equal_variances(0.5f64.sqrt());
    assert!((half.value - exact).abs() < slack && half.low < exact && exact < half.high, "{half:?}");
    // One that is sure and right is right to the last bit; the narrower the blur, the more is seen.
    assert_eq!(with([0.0; 2], [0.0; 2], 0.1).value.to_bits(), 0.0f64.to_bits());
    assert_eq!(with([0.05, 0.2], [0.0; 2], 1e-5).value.to_bits(), 1.0f64.to_bits());
    let doubt = with([0.0; 2], [1e-4; 2], 1e-6).value;
    assert!(doubt > 0.999, "a density is far from a point where there is no blur: {doubt}");
    assert!(with([0.05, 0.2], [0.0; 2], 10.0).value < 0.01);
    // Variance adds to the blur's: N(s', σ₀²) against N(s', 4 σ₀²), in one column.
    let wide = with([0.0; 2], [0.03, 0.0], 0.1).value;
    let p = Gaussian::new(vec![0.0], vec![0.01]).unwrap();
    let q = Gaussian::new(vec![0.0], vec![0.04]).unwrap();
    assert!((wide - p.total_variation(&q).unwrap()).abs() < slack, "{wide}");
}

#[test]
fn where_there_is_chance_the_smoothed_error_is_an_upper_bound() {
    // The world is N(0, 1), the model knows it but for its mean.
    let next = normals(ROWS, 1);
    let rows = Rows::new(&next, 1).unwrap();
    let smoothing = Smoothing::new(&Deviations::new(vec![1.0]).unwrap(), 0.5).unwrap();
    for off in [0.0f32, 0.5, 3.0] {
        let mut model = Model { mean: vec![off; ROWS], variance: vec![1.0; ROWS], rows: ROWS, dim: 1 };
        let eps_m = model.predicting(&[0], 1, |predicted| {
            eps_m_smoothed(rows, predicted, &smoothing, draws(8), SURE).unwrap()
        });
        let blurred = tv_of_equal_variances(f64::from(off) / 1.25f64.sqrt());
        assert!(eps_m.low > blurred, "{eps_m:?} {blurred}");
    }
}

#[test]
fn the_wasserstein_distance_of_points_is_their_distance() {
    let next = normals(ROWS, 2);
    let rows = Rows::new(&next, 2).unwrap();
    let deviations = Deviations::new(vec![0.5, 4.0]).unwrap();
    let mut model = off_by(&next, 2, &[1.5, -16.0], &[0.0; 2]);
    model.mean.extend_from_slice(&next);
    model.variance.extend(std::iter::repeat_n(0.0, 2 * ROWS));
    for (members, expected) in [(&[0u16][..], 5.0), (&[1], 0.0), (&[0, 1], 2.5)] {
        let errors = model.predicting(members, 2, |p| w1_errors(rows, p, &deviations, draws(3)).unwrap());
        // The means are in f32.
        assert!(errors.iter().all(|error| (error - expected).abs() < 1e-5), "{members:?}");
    }
    // A member with a variance: E |Δ + σ Z| in one column, within six deviations of the mean of as many draws.
    let zeros = vec![0.0; ROWS];
    let mut model = off_by(&zeros, 1, &[1.0], &[4.0]);
    let half = Deviations::new(vec![0.5]).unwrap();
    let eps_m = model
        .predicting(&[0], 1, |p| eps_m_w1(Rows::new(&zeros, 1).unwrap(), p, &half, draws(25), SURE).unwrap());
    let (off, std) = (2.0f64, 4.0f64);
    let folded = std * (2.0 / std::f64::consts::PI).sqrt() * (-0.5 * (off / std).powi(2)).exp()
        + off * libm::erf(off / (std * std::f64::consts::SQRT_2));
    let deviation = ((off * off + std * std - folded * folded) / (ROWS * 25) as f64).sqrt();
    assert!((eps_m.value - folded).abs() < 6.0 * deviation, "{eps_m:?} {folded}");
    assert!(eps_m.low < folded && folded < eps_m.high && eps_m.coverage == Coverage::Asymptotic);
    assert!(eps_m.high - eps_m.low < 12.0 * deviation, "{eps_m:?}");
}

#[test]
fn a_row_has_its_own_randomness_whatever_is_beside_it() {
    let next = normals(20, 2);
    let smoothing = Smoothing::new(&Deviations::new(vec![1.0; 2]).unwrap(), 0.5).unwrap();
    let of = |rows: usize, draws: Draws| {
        let table = &next[..2 * rows];
        off_by(table, 2, &[0.3; 2], &[0.1; 2]).predicting(&[0], 2, |predicted| {
            let next = Rows::new(table, 2).unwrap();
            let errors = smoothed_errors(next, predicted, &smoothing, draws).unwrap();
            let w1 = w1_errors(next, predicted, &Deviations::new(vec![1.0; 2]).unwrap(), draws).unwrap();
            errors.iter().chain(&w1).map(|e| e.to_bits()).collect::<Vec<_>>()
        })
    };
    let (all, fewer) = (of(20, draws(4)), of(12, draws(4)));
    assert_eq!(all, of(20, draws(4)));
    assert_eq!((&all[..12], &all[20..32]), (&fewer[..12], &fewer[12..]));
    assert_ne!(all, of(20, Draws { key: Key::root(7), ..draws(4) }));
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), 40, "rows do not share their draws");
}
