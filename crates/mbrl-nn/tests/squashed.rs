//! The tanh-Gaussian head against its formulas in double precision, their derivatives by differences, and the laws of
//! probability.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mbrl_core::{BoxSpace, Key, NoiseBuf, NoiseSpec};
use mbrl_nn::{ActionUnits, Activation, LogStd, Mlp, SquashedHead};

const KINDS: [LogStd; 3] = [
    LogStd::Clamped { low: -20.0, high: 2.0 },
    LogStd::Clamped { low: -1.5, high: 0.5 },
    LogStd::Soft { low: -5.0, high: 2.0 },
];

/// Bounds that differ from number to number, one pair in three far from symmetric.
fn space(dim: usize) -> BoxSpace {
    let bound = |i: usize| [(-1.0, 1.0), (-0.4, 0.4), (1.0, 4.5)][i % 3];
    BoxSpace::new((0..dim).map(|i| bound(i).0).collect(), (0..dim).map(|i| bound(i).1).collect()).unwrap()
}

fn normals(len: usize, scale: f32, key: Key) -> Vec<f32> {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, len, key);
    noise.view().normals.as_slice().iter().map(|z| z * scale).collect()
}

fn log_std(kind: LogStd, raw: f64) -> f64 {
    match kind {
        LogStd::Clamped { low, high } => raw.clamp(f64::from(low), f64::from(high)),
        LogStd::Soft { low, high } => f64::from(low) + 0.5 * f64::from(high - low) * (1.0 + raw.tanh()),
    }
}

/// log(1 − tanh²u), by a form that is not the code's: −2·log cosh u.
fn log_slope(u: f64) -> f64 {
    if u.abs() < 300.0 { -2.0 * u.cosh().ln() } else { 2.0 * (2f64.ln() - u.abs()) }
}

/// Scale and center of number `i` of [`space`].
fn affine(space: &BoxSpace, i: usize) -> (f64, f64) {
    let (low, high) = (f64::from(space.low()[i]), f64::from(space.high()[i]));
    (0.5 * (high - low), 0.5 * (high + low))
}

fn density(u: f64, mean: f64, log_std: f64) -> f64 {
    let z = (u - mean) / log_std.exp();
    -0.5 * z * z - log_std - 0.5 * std::f64::consts::TAU.ln() - log_slope(u)
}

/// One row in double precision: actions and log-probability.
fn exact(space: &BoxSpace, kind: LogStd, units: ActionUnits, y: &[f64], noise: &[f64]) -> (Vec<f64>, f64) {
    let dim = noise.len();
    let (mut actions, mut sum) = (Vec::new(), 0.0);
    for i in 0..dim {
        let s = log_std(kind, y[dim + i]);
        let u = y[i] + s.exp() * noise[i];
        let (scale, center) = affine(space, i);
        actions.push(center + scale * u.tanh());
        sum += density(u, y[i], s);
        if units == ActionUnits::Environment {
            sum -= scale.ln();
        }
    }
    (actions, sum)
}

/// How far rounding may move the pre-tanh sample of number `i`: a sum of two numbers that may cancel.
fn blur(kind: LogStd, y: &[f64], noise: &[f64], i: usize) -> f64 {
    6e-7 * (y[i].abs() + log_std(kind, y[noise.len() + i]).exp() * noise[i].abs())
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

/// All settings: dimensions, kinds of bounds, units, with rows of outputs that span the ordinary and the extreme.
fn each(mut check: impl FnMut(SquashedHead, BoxSpace, LogStd, ActionUnits, Vec<f32>, Vec<f32>)) {
    for dim in [1, 3, 6, 16, 17, 32, 40, 70, 130] {
        for kind in KINDS {
            for units in [ActionUnits::Tanh, ActionUnits::Environment] {
                let (space, rows) = (space(dim), if dim < 30 { 40 } else { 17 });
                let head = SquashedHead::new(&space, kind, units).unwrap();
                let key = Key::root(3).at(dim as u64);
                let mut y = normals(rows * 2 * dim, 1.0, key.child("y"));
                y.chunks_mut(2 * dim).step_by(4).for_each(|row| row.iter_mut().for_each(|y| *y *= 3.0));
                check(head, space, kind, units, y, normals(rows * dim, 1.0, key.child("noise")));
            }
        }
    }
}

#[test]
fn samples_are_their_formulas() {
    each(|head, space, kind, units, y, noise| {
        let (dim, rows) = (head.dim(), noise.len() / head.dim());
        let (mut action, mut log_prob) = (vec![0.0; noise.len()], vec![0.0; rows]);
        head.sample(&y, &noise, &mut action, Some(&mut log_prob));
        let mut mean = vec![0.0; noise.len()];
        head.mean(&y, &mut mean);
        for row in 0..rows {
            let (y, noise) = (&y[row * 2 * dim..][..2 * dim], &noise[row * dim..][..dim]);
            let (y, noise) = (wide(y), wide(noise));
            let (actions, expected) = exact(&space, kind, units, &y, &noise);
            let mut room = 2e-6 * (expected.abs() + 10.0 * dim as f64);
            for (i, exact) in actions.into_iter().enumerate() {
                let (ours, (scale, center)) = (action[row * dim + i], affine(&space, i));
                let blur = blur(kind, &y, &noise, i);
                let off = (f64::from(ours) - exact).abs();
                assert!(off < 4e-7 * exact.abs() + scale * (4e-7 + blur), "{ours} for {exact}");
                room += 2.0 * blur;
                assert!(space.low()[i] <= ours && ours <= space.high()[i]);
                let exact = center + scale * y[i].tanh();
                assert!((f64::from(mean[row * dim + i]) - exact).abs() < 2e-6 * exact.abs().max(1.0));
            }
            // Terms of either sign: the error is of the size of the largest ones.
            let error = (f64::from(log_prob[row]) - expected).abs();
            assert!(error < room, "{} for {expected}", log_prob[row]);
        }
        // Actions alone are the same bits.
        let mut alone = vec![0.0; noise.len()];
        head.sample(&y, &noise, &mut alone, None);
        assert!(alone.iter().zip(&action).all(|(a, b)| a.to_bits() == b.to_bits()));
    });
}

/// However many rows are worked on together.
#[test]
fn rows_one_by_one_are_the_same_bits() {
    each(|head, _, _, _, y, noise| {
        let (dim, rows) = (head.dim(), noise.len() / head.dim());
        let run = |y: &[f32], noise: &[f32]| {
            let rows = noise.len() / dim;
            let (mut action, mut log_prob, mut score) =
                (vec![0.0; noise.len()], vec![0.0; rows], vec![0.0; rows]);
            let (mut dy, mut dscore, mut mean) = (vec![0.0; y.len()], vec![0.0; y.len()], action.clone());
            head.sample(y, noise, &mut action, Some(&mut log_prob));
            head.mean(y, &mut mean);
            head.backward(y, noise, noise, &log_prob, &mut dy);
            head.log_prob(y, &action, &mut score);
            head.log_prob_backward(y, &action, &log_prob, &mut dscore);
            [action, log_prob, mean, dy, score, dscore]
        };
        let all = run(&y, &noise);
        let mut parts: [Vec<f32>; 6] = Default::default();
        let cuts = [1, 2, 13, rows - 16];
        let mut from = 0;
        for cut in cuts {
            let range = |wide: usize| from * wide..(from + cut) * wide;
            let part = run(&y[range(2 * dim)], &noise[range(dim)]);
            parts.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
            from += cut;
        }
        for (a, b) in all.iter().flatten().zip(parts.iter().flatten()) {
            assert_eq!(a.to_bits(), b.to_bits());
        }
        assert_eq!(all.map(|a| a.len()), parts.map(|p| p.len()));
    });
}

#[test]
fn gradients_are_differences_of_the_formulas() {
    each(|head, space, kind, units, y, noise| {
        let (dim, rows) = (head.dim(), noise.len() / head.dim());
        let key = Key::root(4).at(dim as u64);
        let (d_action, d_log_prob) =
            (normals(noise.len(), 1.0, key.child("a")), normals(rows, 1.0, key.child("l")));
        let mut dy = vec![f32::NAN; y.len()];
        head.backward(&y, &noise, &d_action, &d_log_prob, &mut dy);
        for row in 0..rows {
            let part = |x: &[f32], len: usize| wide(&x[row * len..][..len]);
            let (y, noise, weight) = (part(&y, 2 * dim), part(&noise, dim), part(&d_action, dim));
            let loss = |y: &[f64]| {
                let (actions, log_prob) = exact(&space, kind, units, y, &noise);
                let sum: f64 = actions.iter().zip(&weight).map(|(a, w)| a * w).sum();
                sum + log_prob * f64::from(d_log_prob[row])
            };
            for i in 0..2 * dim {
                let kink = match kind {
                    LogStd::Clamped { low, high } if i >= dim => {
                        (y[i] - f64::from(low)).abs() < 1e-3 || (y[i] - f64::from(high)).abs() < 1e-3
                    }
                    _ => false,
                };
                let at = |step: f64| {
                    let mut y = y.clone();
                    y[i] += step;
                    loss(&y)
                };
                // Differences of fourth order: their own error is 1e-10 here.
                let h = 1e-4;
                let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let ours = f64::from(dy[row * 2 * dim + i]);
                let weights = 2.0 * weight[i % dim].abs() + 4.0 * f64::from(d_log_prob[row]).abs();
                let moved = 1.0 + y[i % dim].abs().max(8.0 * noise[i % dim].abs());
                let room = 3e-6 * (1.0 + slope.abs()) + blur(kind, &y, &noise, i % dim) * weights * moved;
                assert!(kink || (ours - slope).abs() < room, "{ours} for {slope}");
            }
        }
    });
}

/// Far out the tangent is ±1 in single precision, and formulas that begin with the action have nothing left.
#[test]
fn saturated_samples_have_their_log_probability() {
    for units in [ActionUnits::Tanh, ActionUnits::Environment] {
        let (space, kind) = (space(3), LogStd::default());
        let head = SquashedHead::new(&space, kind, units).unwrap();
        for u in [-80.0f32, -20.0, -9.0, -5.0, 5.0, 9.0, 20.0, 80.0] {
            for raw in [-30.0, -20.0, -3.0, 0.0, 2.0, 7.0] {
                let (y, noise) = ([u, u, u, raw, raw, raw], [0.0; 3]);
                let (mut action, mut log_prob) = ([0.0; 3], [0.0]);
                head.sample(&y, &noise, &mut action, Some(&mut log_prob));
                let (_, expected) = exact(&space, kind, units, &wide(&y), &[0.0; 3]);
                let error = (f64::from(log_prob[0]) - expected).abs();
                assert!(error < 1e-6 * expected.abs(), "{u}, {raw}: {} for {expected}", log_prob[0]);
                // The gradient of the log-probability does not vanish with that of the action.
                let mut dy = [0.0; 6];
                head.backward(&y, &noise, &[0.0; 3], &[1.0], &mut dy);
                assert!((dy[0] - 2.0 * u.signum() * (1.0 - (-2.0 * u.abs()).exp())).abs() < 2e-4);
                assert_eq!(dy[3] != 0.0, (-20.0..=2.0).contains(&raw));
                head.backward(&y, &noise, &[1.0; 3], &[0.0], &mut dy);
                let slope = log_slope(f64::from(u)).exp();
                assert!((f64::from(dy[0]) - slope).abs() <= 1e-5 * slope + 1e-37, "{} for {slope}", dy[0]);
            }
        }
    }
}

#[test]
fn densities_integrate_to_one() {
    for units in [ActionUnits::Tanh, ActionUnits::Environment] {
        for (low, high) in [(-1.0f32, 1.0), (-0.4, 0.4), (1.0, 4.5)] {
            let head =
                SquashedHead::new(&BoxSpace::new(vec![low], vec![high]).unwrap(), LogStd::default(), units);
            let head = head.unwrap();
            let unit = if units == ActionUnits::Tanh { 0.5 * f64::from(high - low) } else { 1.0 };
            for y in [[0.0f32, 0.0], [0.7, -1.0], [-1.2, -0.5], [0.3, -3.0], [0.0, 0.4]] {
                const N: usize = 200_000;
                let width = f64::from(high - low) / N as f64 / unit;
                let actions: Vec<f32> =
                    (0..N).map(|i| low + (high - low) * ((i as f32 + 0.5) / N as f32)).collect();
                let (outputs, mut log_prob) = (y.repeat(N), vec![0.0; N]);
                head.log_prob(&outputs, &actions, &mut log_prob);
                let mass: f64 = log_prob.iter().map(|l| f64::from(*l).exp() * width).sum();
                assert!((mass - 1.0).abs() < 1e-4, "{units:?} {low} {high} {y:?}: {mass}");
            }
        }
    }
}

#[test]
fn log_prob_of_a_sample_is_that_of_the_sample() {
    each(|head, space, kind, units, y, noise| {
        let (dim, rows) = (head.dim(), noise.len() / head.dim());
        let (mut action, mut log_prob, mut again) =
            (vec![0.0; noise.len()], vec![0.0; rows], vec![0.0; rows]);
        head.sample(&y, &noise, &mut action, Some(&mut log_prob));
        head.log_prob(&y, &action, &mut again);
        let d_log_prob = normals(rows, 1.0, Key::root(5));
        let mut dy = vec![f32::NAN; y.len()];
        head.log_prob_backward(&y, &action, &d_log_prob, &mut dy);
        for row in 0..rows {
            let (y, a) = (wide(&y[row * 2 * dim..][..2 * dim]), wide(&action[row * dim..][..dim]));
            let undone = |i: usize| {
                let (scale, center) = affine(&space, i);
                ((a[i] - center) / scale).clamp(-0.999_999, 0.999_999).atanh()
            };
            let volume = |i: usize| match units {
                ActionUnits::Tanh => 0.0,
                ActionUnits::Environment => affine(&space, i).0.ln(),
            };
            // How far one rounding of the action moves u, in deviations: the error of the density follows.
            let mut room = 1e-5 * dim as f64;
            let (mut expected, mut inside) = (0.0, true);
            for i in 0..dim {
                let (u, s) = (undone(i), log_std(kind, y[dim + i]));
                let z = (u - y[i]) / s.exp();
                let blur = 3e-7 * (1.0 + a[i].abs() / affine(&space, i).0) / (1.0 - u.tanh().powi(2));
                room += blur * (2.0 + z.abs() / s.exp()) + (blur / s.exp()).powi(2) + 1e-6 * z * z;
                expected += density(u, y[i], s) - volume(i);
                inside &= u.abs() < 7.0;
                let bounded = kind != LogStd::Soft { low: -5.0, high: 2.0 };
                let slope = if bounded {
                    f64::from(u8::from(log_std(kind, y[dim + i]).to_bits() == y[dim + i].to_bits()))
                } else {
                    3.5 * (1.0 - y[dim + i].tanh().powi(2))
                };
                let weight = f64::from(d_log_prob[row]);
                let (dmean, draw) = (weight * z / s.exp(), weight * (z * z - 1.0) * slope);
                let near = |ours: f32, exact: f64, room: f64| (f64::from(ours) - exact).abs() <= room;
                let off = 1e-5 * (1.0 + z.abs()) + 2.0 * blur / s.exp();
                assert!(near(dy[row * 2 * dim + i], dmean, weight.abs() * off / s.exp()));
                assert!(near(
                    dy[row * 2 * dim + dim + i],
                    draw,
                    weight.abs() * slope * off * (1.0 + z.abs()) * 2.0
                ));
            }
            assert!((f64::from(again[row]) - expected).abs() < room, "{} for {expected}", again[row]);
            assert!(!inside || (again[row] - log_prob[row]).abs() < 2.0 * room as f32);
        }
    });
}

#[test]
fn actions_at_and_beyond_their_bounds_count_as_the_last_ones_inside() {
    let head = SquashedHead::new(&space(1), LogStd::default(), ActionUnits::Tanh).unwrap();
    let mut log_prob = [0.0; 4];
    head.log_prob(&[0.0; 8], &[0.999_999, 1.0, 1.5, -1.0], &mut log_prob);
    assert!(log_prob.iter().all(|l| l.is_finite() && l.to_bits() == log_prob[0].to_bits()), "{log_prob:?}");
}

/// Where `center + scale` is rounded to beyond a bound, the action is not.
#[test]
fn saturated_actions_are_within_their_bounds() {
    let mut over = [0, 0];
    for (i, width) in normals(4000, 1.0, Key::root(6)).into_iter().enumerate() {
        let low = 0.1 * i as f32 - 200.0;
        let high = low + 0.01 + width.abs();
        let space = BoxSpace::new(vec![low], vec![high]).unwrap();
        let head = SquashedHead::new(&space, LogStd::default(), ActionUnits::Tanh).unwrap();
        let (scale, center) = affine(&space, 0);
        over[0] += usize::from(center as f32 + scale as f32 > high);
        over[1] += usize::from((center as f32 - scale as f32) < low);
        let mut action = [0.0; 2];
        head.mean(&[30.0, 0.0, -30.0, 0.0], &mut action);
        assert!(action.iter().all(|a| low <= *a && *a <= high), "{action:?} from [{low}, {high}]");
        assert!((action[0] - high).abs() < 1e-6 * (1.0 + high.abs()));
        assert!((action[1] - low).abs() < 1e-6 * (1.0 + low.abs()));
    }
    assert!(over.iter().all(|count| *count > 10), "no rounding beyond a bound was met: {over:?}");
}

#[test]
fn what_is_not_finite_comes_through() {
    for kind in KINDS {
        let head = SquashedHead::new(&space(2), kind, ActionUnits::Tanh).unwrap();
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..4 {
                let mut y = [0.1, 0.2, 0.3, 0.4];
                y[at] = bad;
                let (mut action, mut log_prob) = ([0.0; 2], [0.0]);
                head.sample(&y, &[0.5; 2], &mut action, Some(&mut log_prob));
                assert!(!action[at % 2].is_finite() && !log_prob[0].is_finite(), "{kind:?} {at} {bad}");
                assert!(action[1 - at % 2].is_finite());
                head.log_prob(&y, &[0.3, 2.0], &mut log_prob);
                assert!(!log_prob[0].is_finite(), "{kind:?} {at} {bad}");
            }
            let mut log_prob = [0.0];
            head.log_prob(&[0.0; 4], &[bad, 2.0], &mut log_prob);
            assert!(!log_prob[0].is_finite());
            let mut mean = [0.0; 2];
            head.mean(&[0.0, bad, 0.0, 0.0], &mut mean);
            assert!(mean[0].is_finite() && !mean[1].is_finite());
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let good = space(2);
    let empty = BoxSpace::new(vec![], vec![]).unwrap();
    assert!(SquashedHead::new(&empty, LogStd::default(), ActionUnits::Tanh).unwrap_err().is_invalid());
    let unbounded = BoxSpace::new(vec![-1.0], vec![f32::INFINITY]).unwrap();
    assert!(SquashedHead::new(&unbounded, LogStd::default(), ActionUnits::Tanh).unwrap_err().is_invalid());
    for (low, high) in [(2.0, -20.0), (0.0, 0.0), (f32::NAN, 1.0), (-20.0, f32::INFINITY), (-200.0, 0.0)] {
        for kind in [LogStd::Clamped { low, high }, LogStd::Soft { low, high }] {
            assert!(SquashedHead::new(&good, kind, ActionUnits::Tanh).is_err(), "{kind:?}");
        }
    }
    let head = SquashedHead::new(&good, LogStd::default(), ActionUnits::Tanh).unwrap();
    assert!(head.check(&Mlp::new(3, &[], 4, Activation::Relu).unwrap()).is_ok());
    let error = head.check(&Mlp::new(3, &[], 2, Activation::Relu).unwrap()).unwrap_err();
    assert!(error.to_string().contains("needs a network with 4 outputs"), "{error}");
    let json = serde_json::to_string(&LogStd::default()).unwrap();
    assert_eq!(json, r#"{"clamped":{"low":-20.0,"high":2.0}}"#);
    assert_eq!(serde_json::from_str::<LogStd>(&json).unwrap(), LogStd::default());
}

#[test]
fn before_the_tangent_there_are_normal_distributions() {
    for kind in KINDS {
        // Wider than the vectors that deviations are computed in.
        for dim in [1, 2, 19] {
            let head = SquashedHead::new(&space(dim), kind, ActionUnits::Tanh).unwrap();
            let y = normals(3 * 2 * dim, 3.0, Key::root(dim as u64));
            let (mut mean, mut deviation) = (vec![0.0; 3 * dim], vec![0.0; 3 * dim]);
            head.normals(&y, &mut mean, &mut deviation);
            for (row, y) in y.chunks_exact(2 * dim).enumerate() {
                for i in 0..dim {
                    assert_eq!(mean[row * dim + i].to_bits(), y[i].to_bits());
                    let exact = log_std(kind, f64::from(y[dim + i])).exp();
                    let off = (f64::from(deviation[row * dim + i]) / exact - 1.0).abs();
                    assert!(off < 2e-6, "{kind:?}, row {row}, number {i}: off by {off}");
                }
            }
        }
    }
}
