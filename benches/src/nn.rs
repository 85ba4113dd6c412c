//! The neural engine, against the floor of its FLOPs at the rate of the best known product of matrices.

use crate::sac::{Population, Sizes};
use crate::{Case, Pair, Share};
use mbrl_core::{Key, NoiseBuf, NoiseSpec};
use mbrl_models::{Loss, Samples, Stack, Stepped};
use mbrl_nn::{Activation, Adam, AdamConfig, GaussianHead, Init, Mlp, decay_by_layer};
use mbrl_testkit::multiply_squares;
use rayon::ThreadPool;

/// Sizes of an ensemble.
#[derive(Clone, Copy)]
pub(crate) struct Ensemble {
    pub(crate) members: usize,
    pub(crate) input: usize,
    pub(crate) hidden: &'static [usize],
    pub(crate) output: usize,
}

const HALF_CHEETAH: Ensemble = Ensemble { members: 7, input: 23, hidden: &[200; 4], output: 36 };
const CARTPOLE: Ensemble = Ensemble { members: 7, input: 5, hidden: &[64; 2], output: 8 };
const SAC: Sizes = Sizes { agents: 1, obs: 17, act: 6, width: 256, batch: 256 };
const SAC_SMALL: Sizes = Sizes { agents: 1, obs: 4, act: 1, width: 64, batch: 256 };

const SIDE: usize = 512;
pub(crate) const SQUARE_FLOPS: f64 = 2.0 * (SIDE * SIDE * SIDE) as f64;
pub(crate) const GEMM: &str = "its FLOPs at the best rate of gemm, 512³";

const fn case(
    name: &'static str,
    threads: usize,
    items: u64,
    flops: f64,
    target: f64,
    prepare: fn() -> Pair,
) -> Case {
    let share = Share::OfRate { work: flops, floor: SQUARE_FLOPS };
    Case { group: "nn", name, threads, floor: GEMM, share, target, items, prepare }
}

/// FLOPs of the products of a training step, in which every member has so many rows.
pub(crate) const fn train(ensemble: Ensemble, batch: usize) -> f64 {
    let Ensemble { members, .. } = ensemble;
    let (all, after_first) = products(ensemble);
    (2 * members * batch * (2 * all + after_first)) as f64
}

/// FLOPs of the products of every member's outputs for so many rows.
pub(crate) const fn forward(ensemble: Ensemble, rows: usize) -> f64 {
    (2 * ensemble.members * rows * products(ensemble).0) as f64
}

/// Products a row in all layers, and in all but the first, whose input needs no gradient.
const fn products(Ensemble { input, hidden, output, .. }: Ensemble) -> (usize, usize) {
    let (mut from, mut all, mut i) = (input, 0, 0);
    while i < hidden.len() {
        all += from * hidden[i];
        from = hidden[i];
        i += 1;
    }
    all += from * output;
    (all, all - input * hidden[0])
}

const TRAIN: &str = "train/7x23-200x4-36/b256";
const FORWARD: &str = "forward/7x23-200x4-36/r10000";
const TRAIN_SMALL: &str = "train/7x5-64x2-8/b256";
const FORWARD_SMALL: &str = "forward/7x5-64x2-8/r10000";

pub(crate) const TRAIN_1: Case =
    case(TRAIN, 1, 7 * 256, train(HALF_CHEETAH, 256), 0.85, || training(HALF_CHEETAH, 256, 1));
pub(crate) const TRAIN_2: Case =
    case(TRAIN, 2, 7 * 256, train(HALF_CHEETAH, 256), 0.7, || training(HALF_CHEETAH, 256, 2));
pub(crate) const TRAIN_SMALL_1: Case =
    case(TRAIN_SMALL, 1, 7 * 256, train(CARTPOLE, 256), 0.5, || training(CARTPOLE, 256, 1));
pub(crate) const TRAIN_SMALL_2: Case =
    case(TRAIN_SMALL, 2, 7 * 256, train(CARTPOLE, 256), 0.4, || training(CARTPOLE, 256, 2));
pub(crate) const FORWARD_1: Case =
    case(FORWARD, 1, 70_000, forward(HALF_CHEETAH, 10_000), 0.8, || asking(HALF_CHEETAH, 10_000, 1));
pub(crate) const FORWARD_2: Case =
    case(FORWARD, 2, 70_000, forward(HALF_CHEETAH, 10_000), 0.75, || asking(HALF_CHEETAH, 10_000, 2));
pub(crate) const FORWARD_SMALL_1: Case =
    case(FORWARD_SMALL, 1, 70_000, forward(CARTPOLE, 10_000), 0.5, || asking(CARTPOLE, 10_000, 1));
pub(crate) const FORWARD_SMALL_2: Case =
    case(FORWARD_SMALL, 2, 70_000, forward(CARTPOLE, 10_000), 0.45, || asking(CARTPOLE, 10_000, 2));

const fn sac(name: &'static str, sizes: Sizes, threads: usize, target: f64, prepare: fn() -> Pair) -> Case {
    case(name, threads, sizes.agents as u64, sizes.flops(), target, prepare)
}

const fn of(agents: usize) -> Sizes {
    Sizes { agents, ..SAC }
}

pub(crate) const SAC_P1_1: Case = sac("sac/o17a6h256b256/p1", of(1), 1, 0.85, || updating(of(1), 1));
pub(crate) const SAC_P1_2: Case = sac("sac/o17a6h256b256/p1", of(1), 2, 0.6, || updating(of(1), 2));
pub(crate) const SAC_P4_1: Case = sac("sac/o17a6h256b256/p4", of(4), 1, 0.8, || updating(of(4), 1));
pub(crate) const SAC_P4_2: Case = sac("sac/o17a6h256b256/p4", of(4), 2, 0.7, || updating(of(4), 2));
pub(crate) const SAC_P16_1: Case = sac("sac/o17a6h256b256/p16", of(16), 1, 0.8, || updating(of(16), 1));
pub(crate) const SAC_P16_2: Case = sac("sac/o17a6h256b256/p16", of(16), 2, 0.7, || updating(of(16), 2));
pub(crate) const SAC_SMALL_1: Case = sac("sac/o4a1h64b256/p1", SAC_SMALL, 1, 0.5, || updating(SAC_SMALL, 1));
pub(crate) const SAC_SMALL_2: Case = sac("sac/o4a1h64b256/p1", SAC_SMALL, 2, 0.4, || updating(SAC_SMALL, 2));

pub(crate) const POPULATION_1: Case = Case {
    floor: "16 updates of one agent",
    share: Share::OfTime,
    ..sac("population/o17a6h256b256/p16", of(16), 1, 1.0 / 1.1, || Pair {
        work: update(of(16), 1),
        floor: {
            let mut single = update(of(1), 1);
            Box::new(move || (0..16).for_each(|_| single()))
        },
    })
};
pub(crate) const POPULATION_2: Case = Case {
    floor: "the same on one thread",
    share: Share::OfTime,
    ..sac("population/o17a6h256b256/p16", of(16), 2, 1.8, || Pair {
        work: update(of(16), 2),
        floor: update(of(16), 1),
    })
};

pub(crate) fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

fn normals(len: usize, label: &str) -> Vec<f32> {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, len, Key::root(0).child(label));
    noise.view().normals.as_slice().to_vec()
}

/// Somebody else's product of matrices, on as many threads.
pub(crate) fn gemm(threads: usize) -> Box<dyn FnMut()> {
    let pool = pool(threads);
    let (a, b, mut c) = (normals(SIDE * SIDE, "a"), normals(SIDE * SIDE, "b"), vec![0.0; SIDE * SIDE]);
    Box::new(move || pool.install(|| multiply_squares(SIDE, &a, &b, &mut c, threads)))
}

fn net(ensemble: Ensemble) -> (Mlp, Vec<f32>) {
    let net =
        Mlp::new(ensemble.input, ensemble.hidden, ensemble.output, Activation::Silu).expect("a network");
    let theta = Init::TruncatedNormal.parameters(&net, ensemble.members, Key::root(0));
    (net, theta)
}

/// A step of an ensemble's training: gather, forward, loss, back, Adam with decay, bounds.
fn training(ensemble: Ensemble, batch: usize, threads: usize) -> Pair {
    const ROWS: usize = 20_000;
    let (net, theta) = net(ensemble);
    let dim = ensemble.output / 2;
    // The paper's, the last of them for the last layer.
    let mut rates = vec![2.5e-5, 5e-5, 7.5e-5, 7.5e-5];
    rates.truncate(net.layers().len() - 1);
    rates.push(1e-4);
    let decay = decay_by_layer(&net, &rates).expect("rates");
    let mut stack = Stack::new(net, theta, decay);
    let (input, target) = (normals(ROWS * ensemble.input, "input"), normals(ROWS * dim, "target"));
    let head = GaussianHead { dim };
    let (mut bounds, mut bounds_adam, config) = (head.bounds(), Adam::new(2 * dim), AdamConfig::default());
    let below = Key::root(0).child("rows").below();
    let rows: Vec<Vec<u32>> = (0..ensemble.members)
        .map(|member| {
            let below = below.at(member as u64).below();
            (0..64 * batch).map(|i| (below.at(i as u64).bits() % ROWS as u64) as u32).collect()
        })
        .collect();
    let mut stepped = vec![Stepped::default(); ensemble.members];
    let (pool, mut turn) = (pool(threads), 0);
    let work = move || {
        pool.install(|| {
            turn = (turn + 1) % 64;
            let samples = Samples { input: &input, target: &target, width: dim };
            let own = |member: usize| &rows[member][turn * batch..(turn + 1) * batch];
            let loss = Loss::Gaussian { head, bounds: &bounds, beta: 0.0 };
            stack.step(&config, samples, loss, own, &mut stepped).expect("a step");
            let mut gradient = vec![0.0; 2 * dim];
            for stepped in &stepped {
                gradient.iter_mut().zip(&stepped.dbounds).for_each(|(sum, d)| *sum += d);
            }
            gradient[..dim].iter_mut().for_each(|d| *d += 0.01);
            gradient[dim..].iter_mut().for_each(|d| *d -= 0.01);
            bounds_adam.step(&config, &mut bounds, &gradient, 2 * dim, &[]).expect("a step");
        });
    };
    Pair { work: Box::new(work), floor: gemm(threads) }
}

/// Every member's outputs for rows of its own.
fn asking(ensemble: Ensemble, rows: usize, threads: usize) -> Pair {
    let (net, theta) = net(ensemble);
    let x = normals(ensemble.members * rows * ensemble.input, "x");
    let mut y = vec![0.0; ensemble.members * rows * ensemble.output];
    let pool = pool(threads);
    let work = move || pool.install(|| net.forward(&theta, &x, rows, &mut y).expect("outputs"));
    Pair { work: Box::new(work), floor: gemm(threads) }
}

fn updating(sizes: Sizes, threads: usize) -> Pair {
    Pair { work: update(sizes, threads), floor: gemm(threads) }
}

fn update(sizes: Sizes, threads: usize) -> Box<dyn FnMut()> {
    let (pool, mut population) = (pool(threads), Population::new(sizes));
    Box::new(move || pool.install(|| population.update().expect("an update")))
}
