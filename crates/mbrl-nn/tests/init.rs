//! What networks begin with: its distribution, its independence, and that it stays what it is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mbrl_core::Key;
use mbrl_nn::{Activation, Init, Mlp, Norm};

const ALL: [Init; 4] = [Init::TruncatedNormal, Init::UniformFanIn, Init::GlorotUniform, Init::Orthogonal];

fn net(input: usize, hidden: &[usize], output: usize) -> Mlp {
    Mlp::new(input, hidden, output, Activation::Silu).unwrap().with_norm(Norm::Layer)
}

/// The largest distance between the empirical and the true distribution function, times √n. By Massart's form of the
/// Dvoretzky–Kiefer–Wolfowitz inequality it exceeds 3 with probability below 2·exp(−2·3²) = 3.1e-8.
fn kolmogorov(sample: &[f32], cdf: impl Fn(f64) -> f64) -> f64 {
    let mut sample: Vec<f64> = sample.iter().map(|x| f64::from(*x)).collect();
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(i, x): (usize, &f64)| (cdf(*x) - i as f64 / n).max((i + 1) as f64 / n - cdf(*x));
    sample.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
}

/// Φ by its Taylor series, for |x| at most 3.
fn phi(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for k in 1..100 {
        term *= -x * x / (2.0 * f64::from(k));
        sum += term / f64::from(2 * k + 1);
    }
    0.5 + sum / std::f64::consts::TAU.sqrt()
}

fn uniform(bound: f64) -> impl Fn(f64) -> f64 {
    move |x| ((x + bound) / (2.0 * bound)).clamp(0.0, 1.0)
}

/// Eight bounds of 3.1e-8 each: together they fail by chance with probability below 3e-7. That no number of 30,000 comes
/// near its bound, where 30 or more should, is rarer than e⁻³⁰ each time.
#[test]
fn weights_have_their_distribution() {
    let net = net(70, &[150], 90);
    let fans = [(70.0f64, 150.0f64), (150.0, 90.0)];
    let truncated = Init::TruncatedNormal.parameters(&net, 3, Key::root(61));
    let fan_in = Init::UniformFanIn.parameters(&net, 3, Key::root(62));
    let glorot = Init::GlorotUniform.parameters(&net, 3, Key::root(63));
    for (layer, (input, output)) in net.layers().iter().zip(fans) {
        let of = |theta: &[f32], range: &std::ops::Range<usize>| -> Vec<f32> {
            theta.chunks(net.params()).flat_map(|member| member[range.clone()].to_vec()).collect()
        };
        let deviation = 0.5 / input.sqrt();
        let weights = of(&truncated, &layer.weight);
        let largest = |of: &[f32]| f64::from(of.iter().fold(0.0f32, |a, w| a.max(w.abs())));
        let reaches = |of: &[f32], bound: f64| {
            assert!((0.997..1.000_001).contains(&(largest(of) / bound)), "{} of {bound}", largest(of));
        };
        reaches(&weights, 2.0 * deviation);
        let inside = phi(2.0) - phi(-2.0);
        let cdf = |x: f64| (phi((x / deviation).clamp(-2.0, 2.0)) - phi(-2.0)) / inside;
        assert!(kolmogorov(&weights, cdf) < 3.0);
        let bound = 1.0 / input.sqrt();
        assert!(kolmogorov(&of(&fan_in, &layer.weight), uniform(bound)) < 3.0);
        reaches(&of(&fan_in, &layer.weight), bound);
        assert!(kolmogorov(&of(&fan_in, &layer.bias), uniform(bound)) < 3.0);
        assert!(kolmogorov(&of(&glorot, &layer.weight), uniform((6.0 / (input + output)).sqrt())) < 3.0);
    }
}

/// Each of six correlations is beyond 5.5/√n with probability 3.8e-8: together below 3e-7.
#[test]
fn members_layers_and_kinds_of_parameters_are_independent() {
    let net = net(80, &[80], 80);
    for init in [Init::TruncatedNormal, Init::UniformFanIn, Init::GlorotUniform] {
        let theta = init.parameters(&net, 2, Key::root(64));
        let (one, two) = theta.split_at(net.params());
        let [first, last] = net.layers() else { panic!("two layers") };
        for (a, b) in [(one, &two[first.weight.clone()]), (one, &one[last.weight.clone()])] {
            let a = &a[first.weight.clone()];
            let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
            let correlation = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt() * (a.len() as f64).sqrt();
            assert!(correlation.abs() < 5.5, "{init:?}: {correlation}");
        }
        let (weights, biases) = (&one[first.weight.clone()][..80], &one[first.bias.clone()]);
        assert!(weights.iter().zip(biases).any(|(w, b)| w.to_bits() != b.to_bits()));
    }
}

#[test]
fn biases_gains_and_shifts_begin_as_nothing() {
    let net = net(7, &[9, 4], 3);
    for init in ALL {
        let theta = init.parameters(&net, 2, Key::root(65));
        for member in theta.chunks(net.params()) {
            for layer in net.layers() {
                assert!(member[layer.gain.clone()].iter().all(|g| g.to_bits() == 1f32.to_bits()));
                assert!(member[layer.shift.clone()].iter().all(|s| s.to_bits() == 0));
                let zero = member[layer.bias.clone()].iter().all(|b| b.to_bits() == 0);
                assert_eq!(zero, init != Init::UniformFanIn);
            }
        }
    }
}

#[test]
fn orthogonal_matrices_are() {
    let net = net(13, &[40, 40, 17], 5);
    let theta = Init::Orthogonal.parameters(&net, 1, Key::root(66));
    let last = net.layers().len() - 1;
    for (i, layer) in net.layers().iter().enumerate() {
        let weight = &theta[layer.weight.clone()];
        let gain: f64 = if i == last { 1e-4 } else { 2.0 };
        let at = |vector: usize, p: usize| {
            let (row, column) = if layer.input <= layer.output { (vector, p) } else { (p, vector) };
            f64::from(weight[row * layer.output + column])
        };
        let (count, len) = (layer.input.min(layer.output), layer.input.max(layer.output));
        for a in 0..count {
            for b in 0..count {
                let dot: f64 = (0..len).map(|p| at(a, p) * at(b, p)).sum();
                let exact = if a == b { gain } else { 0.0 };
                assert!((dot - exact).abs() < 1e-6 * gain, "layer {i}, {a} and {b}: {dot}");
            }
        }
    }
}

/// No direction is preferred: over many keys each of nine entries is as often positive as negative, beyond 5.5 deviations
/// with probability 3.8e-8, and its square is ⅓ on the mean: that of a coordinate on a sphere is between 0 and 1 with
/// variance 4/45, and 5.5 deviations of a mean of 4000 are as improbable. All eighteen: below 7e-7.
#[test]
fn orthogonal_matrices_point_anywhere() {
    const N: u32 = 4000;
    let net = Mlp::new(3, &[3], 1, Activation::Relu).unwrap();
    let theta = Init::Orthogonal.parameters(&net, N as usize, Key::root(67));
    for entry in 0..9 {
        let values = theta.chunks(net.params()).map(|member| f64::from(member[entry]) / 2f64.sqrt());
        let positive = values.clone().filter(|w| *w > 0.0).count() as f64;
        assert!((positive - f64::from(N) / 2.0).abs() < 5.5 * (f64::from(N) / 4.0).sqrt(), "{positive}");
        let square = values.map(|w| w * w).sum::<f64>() / f64::from(N);
        assert!((square - 1.0 / 3.0).abs() < 5.5 * (4.0 / 45.0 / f64::from(N)).sqrt(), "{square}");
    }
}

#[test]
fn a_member_does_not_depend_on_how_many_there_are() {
    let net = net(5, &[8], 2);
    for init in ALL {
        let (few, many) = (init.parameters(&net, 2, Key::root(68)), init.parameters(&net, 7, Key::root(68)));
        assert!(few.iter().zip(&many).all(|(a, b)| a.to_bits() == b.to_bits()));
        let other = init.parameters(&net, 2, Key::root(69));
        assert!(other.iter().zip(&few).any(|(a, b)| a.to_bits() != b.to_bits()));
    }
}

/// Moving any of these is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    let net = net(3, &[4], 2);
    for (init, bits) in ALL.into_iter().zip(STABLE) {
        let theta = init.parameters(&net, 2, Key::root(0));
        let places = [0, 11, 13, 24, 31, 33, 34 + 5, 34 + 28];
        assert_eq!(places.map(|i| theta[i].to_bits()), bits, "{init:?}");
    }
}

const STABLE: [[u32; 8]; 4] = [
    [1022617022, 3189451740, 0, 1055518745, 3195470172, 0, 3190610606, 1053712950],
    [1032494805, 1058004844, 3187864993, 3192431508, 3202196134, 998333184, 3170430734, 3192368620],
    [3198682707, 1063936376, 0, 3211016144, 1041987528, 0, 3208278357, 3208564148],
    [1066304674, 1047313538, 0, 988037569, 3137433589, 0, 3177274871, 3132456667],
];
