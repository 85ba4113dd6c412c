//! Against scipy's matrix functions, the diagonal, and what no change of coordinates may change.

use super::*;
use proptest::prelude::*;

/// By scipy: `reference/divergence.py`.
#[test]
fn scipy_says_the_same() {
    const SCIPY: &[[&[f64]; 5]] = &include!("../../../../reference/divergence-full.in");
    for [p_mean, p, q_mean, q, expected] in SCIPY {
        let p = FullGaussian::new(p_mean.to_vec(), p.to_vec()).unwrap();
        let q = FullGaussian::new(q_mean.to_vec(), q.to_vec()).unwrap();
        let got = [p.kl(&q), p.hellinger(&q), p.w2(&q)].map(|x| x.unwrap());
        for (got, expected) in got.iter().zip(*expected) {
            assert!((got / expected - 1.0).abs() < 1e-9, "{got} for {expected}: {p:?} {q:?}");
        }
    }
}

#[test]
fn what_is_no_covariance_is_refused() {
    for (mean, covariance, says) in [
        (&[0.0, 0.0][..], &[1.0, 0.0, 1.0][..], "a Gaussian of 2 means and 3 covariances"),
        (&[], &[], "a Gaussian of 0 means"),
        (&[f64::INFINITY], &[1.0], "mean 0 is inf"),
        (&[0.0, 0.0], &[1.0, f64::NAN, 0.0, 1.0], "covariance 1 is NaN"),
        (&[0.0, 0.0], &[1.0, 0.5, 0.4, 1.0], "covariance 1 0 is 0.4 and 0 1 is 0.5: expected the same"),
        (&[0.0], &[0.0], "not positive definite: column 0 has no variance left"),
        (&[0.0, 0.0], &[1.0, 1.0, 1.0, 1.0], "not positive definite: column 1 has no variance left"),
        (&[0.0, 0.0], &[1.0, 2.0, 2.0, 1.0], "(add the variance of a narrow normal to both sides)"),
        (&[0.0, 0.0], &[-1.0, 0.0, 0.0, 1.0], "not positive definite: column 0"),
    ] {
        let error = FullGaussian::new(mean.to_vec(), covariance.to_vec()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let p = FullGaussian::new(vec![0.0], vec![1.0]).unwrap();
    let q = FullGaussian::new(vec![0.0; 2], vec![1.0, 0.0, 0.0, 1.0]).unwrap();
    for distance in [FullGaussian::kl, FullGaussian::w2] {
        assert!(distance(&p, &q).unwrap_err().to_string().contains("p has 1 columns, q has 2"));
    }
}

/// A covariance whose smallest variance is 1e-8 of its largest, and a mean.
fn full(n: usize) -> impl Strategy<Value = FullGaussian> {
    let root = prop::collection::vec(-1.0f64..1.0, n * n);
    (root, prop::collection::vec(-2.0f64..2.0, n), -4.0f64..0.0).prop_map(move |(root, mean, power)| {
        let cell = |i: usize, j: usize| (0..n).map(|k| root[i * n + k] * root[j * n + k]).sum::<f64>();
        let ridge = |i: usize, j: usize| if i == j { 10f64.powf(power) } else { 0.0 };
        let cells = (0..n * n).map(|at| cell(at / n, at % n) + ridge(at / n, at % n)).collect();
        FullGaussian::new(mean, cells).unwrap()
    })
}

/// A g with every coordinate first mapped by a matrix.
fn mapped(g: &FullGaussian, map: &[f64]) -> FullGaussian {
    let n = g.mean().len();
    let product = |a: &dyn Fn(usize, usize) -> f64, b: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        (0..n * n).map(|at| (0..n).map(|k| a(at / n, k) * b(k, at % n)).sum()).collect()
    };
    let half = product(&|i, k| map[i * n + k], &|k, j| g.covariance()[k * n + j]);
    let whole = product(&|i, k| half[i * n + k], &|k, j| map[j * n + k]);
    let mean = (0..n).map(|i| product_of_row(map, i, g.mean())).collect();
    FullGaussian::new(mean, whole).unwrap()
}

fn product_of_row(map: &[f64], i: usize, x: &[f64]) -> f64 {
    product(&map[i * x.len()..(i + 1) * x.len()], x)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn diagonal_covariances_are_the_diagonal_gaussians(
        means in prop::collection::vec(-2.0f64..2.0, 6),
        variances in prop::collection::vec(0.1f64..10.0, 6),
    ) {
        let diagonal = |side: usize| {
            let (mean, v) = (means[3 * side..][..3].to_vec(), &variances[3 * side..][..3]);
            let cells = vec![v[0], 0.0, 0.0, 0.0, v[1], 0.0, 0.0, 0.0, v[2]];
            (Gaussian::new(mean.clone(), v.to_vec()).unwrap(), FullGaussian::new(mean, cells).unwrap())
        };
        let ((p, full_p), (q, full_q)) = (diagonal(0), diagonal(1));
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-11 * b.abs();
        prop_assert!(near(full_p.kl(&full_q).unwrap(), p.kl(&q).unwrap()));
        prop_assert!(near(full_p.hellinger(&full_q).unwrap(), p.hellinger(&q).unwrap()));
        prop_assert!(near(full_p.w2(&full_q).unwrap(), p.w2(&q).unwrap()));
        for (full, plain) in [
            (full_p.total_variation_bounds(&full_q).unwrap(), p.total_variation_bounds(&q).unwrap()),
            (full_p.jensen_shannon_bounds(&full_q).unwrap(), p.jensen_shannon_bounds(&q).unwrap()),
        ] {
            prop_assert!(near(full[0], plain[0]) && near(full[1], plain[1]), "{:?} {:?}", full, plain);
        }
    }

    /// 1e-6, as an ill conditioned covariance or map loses that much of 1e-16.
    #[test]
    fn maps_change_no_divergence_and_rotations_no_w2(p in full(3), q in full(3), angle in 0.0f64..7.0) {
        let (s, c) = angle.sin_cos();
        let rotation = [c, -s, 0.0, s * c, c * c, -s, s * s, s * c, c];
        let shear = [2.0, 1.0, 0.0, 0.0, 0.5, -1.0, 0.0, 0.0, 1.5];
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs() + 1e-9;
        for map in [rotation, shear] {
            let (p2, q2) = (mapped(&p, &map), mapped(&q, &map));
            prop_assert!(near(p2.kl(&q2).unwrap(), p.kl(&q).unwrap()));
            prop_assert!(near(p2.hellinger(&q2).unwrap(), p.hellinger(&q).unwrap()));
        }
        let (p2, q2) = (mapped(&p, &rotation), mapped(&q, &rotation));
        prop_assert!(near(p2.w2(&q2).unwrap(), p.w2(&q).unwrap()));
        prop_assert!(near(q.w2(&p).unwrap(), p.w2(&q).unwrap()));
        prop_assert!(near(q.hellinger(&p).unwrap(), p.hellinger(&q).unwrap()));
        let [low, high] = p.w1_bounds(&q).unwrap();
        prop_assert!(low <= high);
    }

    #[test]
    fn equals_are_at_distance_0_and_shifts_at_their_length(p in full(4), shift in 0.0f64..2.0) {
        prop_assert_eq!(p.kl(&p).unwrap().to_bits(), 0);
        prop_assert_eq!(p.hellinger(&p).unwrap().to_bits(), 0);
        prop_assert_eq!(p.total_variation_bounds(&p).unwrap().map(f64::to_bits), [0, 0]);
        prop_assert!(p.w2(&p).unwrap() < 1e-13);
        let mut mean = p.mean().to_vec();
        mean[1] += shift;
        let q = FullGaussian::new(mean, p.covariance().to_vec()).unwrap();
        prop_assert!((p.w2(&q).unwrap() - shift).abs() < 1e-13);
        // KL = Δ²/2 and TV = erf(Δ/√8), of Mahalanobis' distance.
        let mahalanobis = (2.0 * p.kl(&q).unwrap()).sqrt();
        let tv = libm::erf(mahalanobis / 8f64.sqrt());
        let bounds = p.total_variation_bounds(&q).unwrap();
        prop_assert!(bounds.iter().all(|bound| (bound - tv).abs() < 1e-12));
    }
}
