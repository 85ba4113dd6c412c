//! The bits do not depend on the number of threads, on either side of the size from which threads share the work.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod naive;

use mbrl_core::Key;
use mbrl_nn::{
    Activation, Adam, AdamConfig, Direction, Gradients, Mlp, Norm, Tape, clip_norm, decay_by_layer,
};
use naive::{normals, parameters};

/// Two steps of training, and everything that was computed on the way.
fn train(net: &Mlp, groups: usize, share: usize, rows: usize) -> Vec<u32> {
    let (members, key) = (groups * share, Key::root(41));
    let mut theta = parameters(net, members, key.child("theta"));
    let x = normals(groups * rows * net.input(), 1.0, key.child("x"));
    let dy = normals(members * rows * net.output(), 1.0, key.child("dy"));
    let decay = decay_by_layer(net, &vec![0.01; net.layers().len()]).unwrap();
    let (mut adam, mut tapes) = (Adam::new(theta.len()), Tape::of(members));
    let (mut dtheta, mut dx) = (vec![0.0; theta.len()], vec![0.0; x.len()]);
    let (mut y, mut along) = (vec![0.0; dy.len()], vec![0.0; dy.len()]);
    let mut bits = Vec::new();
    for _ in 0..2 {
        net.forward(&theta, &x, rows, &mut y).unwrap();
        bits.extend(y.iter().map(|y| y.to_bits()));
        net.forward_saved(&theta, &x, rows, &mut tapes, &mut y).unwrap();
        bits.extend(y.iter().map(|y| y.to_bits()));
        let into = Gradients { theta: Some(&mut dtheta), x: Some(&mut dx) };
        net.backward(&theta, &x, &mut tapes, &dy, into).unwrap();
        bits.extend(dtheta.iter().chain(&dx).map(|d| d.to_bits()));
        let direction = Direction { theta: Some(&dtheta), x: Some(&dx) };
        net.jvp(&theta, &x, rows, direction, &mut y, &mut along).unwrap();
        bits.extend(along.iter().map(|d| d.to_bits()));
        let norm = clip_norm(&mut dtheta, 1.0);
        bits.extend([norm.to_bits() as u32, (norm.to_bits() >> 32) as u32]);
        adam.step(&AdamConfig::default(), &mut theta, &dtheta, net.params(), &decay).unwrap();
        bits.extend(theta.iter().chain(&adam.mean).chain(&adam.square).map(|p| p.to_bits()));
    }
    bits
}

#[test]
fn bits_do_not_depend_on_threads() {
    let pools =
        [1, 2, 8].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    let silu = Activation::Silu;
    // Shapes with their products on the way forward, of which 2^20 are worth sharing.
    for (input, hidden, output, norm, (groups, share, rows)) in [
        (3, vec![16], 2, Norm::None, (3, 1, 100)),
        (23, vec![64, 64], 36, Norm::Layer, (1, 2, 64)),
        (23, vec![64, 64], 36, Norm::Layer, (1, 2, 65)),
        (23, vec![64, 64], 36, Norm::None, (1, 1, 131)),
        (23, vec![64, 64], 36, Norm::None, (1, 1, 128)),
        (23, vec![200; 4], 36, Norm::None, (1, 7, 256)),
        (17, vec![256, 256], 1, Norm::Layer, (2, 2, 300)),
        (300, vec![500], 1, Norm::None, (1, 1, 64)),
        (11, vec![], 70, Norm::None, (1, 1, 2000)),
        (5, vec![300], 3, Norm::None, (4, 1, 1)),
    ] {
        let net = Mlp::new(input, &hidden, output, silu).unwrap().with_norm(norm);
        let [one, two, eight] = [0, 1, 2].map(|i| pools[i].install(|| train(&net, groups, share, rows)));
        assert!(
            one == two && one == eight,
            "{input}, {hidden:?}, {output}, {norm:?}: {groups}, {share}, {rows}"
        );
    }
}

/// One thread that is not in a pool of its own, either.
#[test]
fn bits_are_those_of_members_one_by_one() {
    let net = Mlp::new(23, &[200, 200], 36, Activation::Tanh).unwrap();
    let (theta, x) = (parameters(&net, 5, Key::root(42)), normals(150 * 23, 1.0, Key::root(43)));
    let mut all = vec![0.0; 5 * 150 * 36];
    net.forward(&theta, &x, 150, &mut all).unwrap();
    for (theta, all) in theta.chunks(net.params()).zip(all.chunks(150 * 36)) {
        let mut alone = vec![0.0; 150 * 36];
        net.forward(theta, &x, 150, &mut alone).unwrap();
        assert!(naive::same_bits(&alone, all));
    }
}

/// Nor do they depend on how wide the vectors are, where multiplication and addition are fused: these numbers are the same
/// with and without the feature `x86-v4`. Moving them is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    #[cfg(target_arch = "x86_64")]
    if !std::arch::is_x86_feature_detected!("fma") {
        return;
    }
    for (i, activation) in
        [Activation::Relu, Activation::Silu, Activation::Tanh, Activation::Elu].into_iter().enumerate()
    {
        let net = Mlp::new(9, &[37, 70], 5, activation).unwrap().with_norm(Norm::Layer);
        // FNV-1a over all bits.
        let hash = |bits: Vec<u32>| {
            let bytes = bits.into_iter().flat_map(u32::to_le_bytes);
            bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
        };
        assert_eq!(hash(train(&net, 1, 2, 70)), STABLE[i], "{activation:?}");
    }
}

const STABLE: [u64; 4] =
    [0x8aa5_60d9_45f7_29f7, 0xcd93_6f7f_1f88_7c34, 0x59fa_d53e_0546_8abb, 0xb86c_e446_7e61_8988];
