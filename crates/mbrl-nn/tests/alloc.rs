//! Once memory has grown to its size, a step of training on one thread asks for no more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod naive;

use mbrl_core::{BoxSpace, Key};
use mbrl_nn::{
    ActionUnits, Activation, Adam, AdamConfig, Direction, GaussianHead, Gradients, LogStd, Mlp, Norm,
    SquashedHead, Tape, clip_norm, decay_by_layer, polyak,
};
use mbrl_testkit::{CountingAlloc, allocations};
use naive::{normals, parameters};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Trains once, then again and with fewer rows, and counts.
fn count(net: &Mlp, groups: usize, share: usize, rows: usize) -> u64 {
    let (members, key) = (groups * share, Key::root(51));
    let mut theta = parameters(net, members, key.child("theta"));
    let mut target = theta.clone();
    let decay = decay_by_layer(net, &vec![0.01; net.layers().len()]).unwrap();
    let (mut adam, mut tapes) = (Adam::new(theta.len()), Tape::of(members));
    let mut dtheta = vec![0.0; theta.len()];
    let config = AdamConfig::default();
    let mut batches: Vec<_> = [rows, rows / 2]
        .map(|rows| {
            let x = normals(groups * rows * net.input(), 1.0, key.child("x"));
            let dy = normals(members * rows * net.output(), 1.0, key.child("dy"));
            (rows, x.clone(), x, dy.clone(), dy.clone(), dy)
        })
        .into();
    let mut step = || {
        for (rows, x, dx, y, along, dy) in &mut batches {
            net.forward(&theta, x, *rows, y).unwrap();
            net.forward_saved(&theta, x, *rows, &mut tapes, y).unwrap();
            let into = Gradients { theta: Some(&mut dtheta), x: Some(dx) };
            net.backward(&theta, x, &mut tapes, dy, into).unwrap();
            net.jvp(&theta, x, *rows, Direction { theta: Some(&dtheta), x: Some(dx) }, y, along).unwrap();
            clip_norm(&mut dtheta, 10.0);
            adam.step(&config, &mut theta, &dtheta, net.params(), &decay).unwrap();
            polyak(&mut target, &theta, 0.005).unwrap();
        }
    };
    step();
    allocations(|| (0..3).for_each(|_| step())).1.count
}

#[test]
fn training_again_allocates_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for (input, hidden, output, norm, (groups, share, rows)) in [
        (23, vec![200; 4], 36, Norm::None, (1, 7, 256)),
        (17, vec![64, 80], 1, Norm::Layer, (2, 2, 100)),
        (3, vec![], 2, Norm::None, (1, 1, 70)),
        (30, vec![20], 5, Norm::Layer, (1, 2, 65)),
    ] {
        let net = Mlp::new(input, &hidden, output, Activation::Silu).unwrap().with_norm(norm);
        let made = pool.install(|| count(&net, groups, share, rows));
        assert_eq!(made, 0, "{input}, {hidden:?}, {output}");
    }
}

#[test]
fn heads_allocate_nothing() {
    let space = BoxSpace::new(vec![-1.0; 20], vec![1.0; 20]).unwrap();
    let head = SquashedHead::new(&space, LogStd::default(), ActionUnits::Tanh).unwrap();
    let gaussian = GaussianHead { dim: 20 };
    let (y, noise) = (normals(400, 1.0, Key::root(52)), normals(200, 1.0, Key::root(53)));
    let (mut action, mut log_prob, mut dy) = (vec![0.0; 200], vec![0.0; 10], vec![0.0; 400]);
    let (bounds, mut variance, mut dbounds) = (gaussian.bounds(), vec![0.0; 200], vec![0.0; 40]);
    let (_, made) = allocations(|| {
        head.sample(&y, &noise, &mut action, Some(&mut log_prob));
        head.backward(&y, &noise, &action, &log_prob, &mut dy);
        head.log_prob(&y, &noise, &mut log_prob);
        head.log_prob_backward(&y, &noise, &log_prob, &mut dy);
        head.mean(&y, &mut action);
        gaussian.moments(&y, &bounds, &mut action, &mut variance);
        gaussian.loss(&y, &noise, &bounds, 0.0, &mut dy, &mut dbounds);
    });
    assert_eq!(made.count, 0);
}
