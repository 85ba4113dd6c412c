//! Networks of all shapes: right to double precision, and the same bits however the work is cut.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod naive;

use mbrl_core::Key;
use mbrl_nn::{Activation, GaussianHead, Gradients, Mlp, Norm, Tape};
use naive::{nearest_turn, normals, off, parameters, same_bits, wide};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const ACTIVATIONS: [Activation; 4] = [Activation::Relu, Activation::Silu, Activation::Tanh, Activation::Elu];

/// A network with its numbers.
#[derive(Debug)]
struct Case {
    net: Mlp,
    members: usize,
    /// Members that share an input.
    share: usize,
    rows: usize,
    theta: Vec<f32>,
    x: Vec<f32>,
    dy: Vec<f32>,
}

/// What comes of a pass forward and back.
#[derive(PartialEq)]
struct Done {
    y: Vec<f32>,
    saved: Vec<f32>,
    dtheta: Vec<f32>,
    dx: Vec<f32>,
}

impl Case {
    fn new(net: Mlp, groups: usize, share: usize, rows: usize, key: Key) -> Self {
        let members = groups * share;
        let theta = parameters(&net, members, key.child("theta"));
        let x = normals(groups * rows * net.input(), 1.0, key.child("x"));
        let dy = normals(members * rows * net.output(), 1.0, key.child("dy"));
        Case { net, members, share, rows, theta, x, dy }
    }

    fn forward(&self, theta: &[f32], x: &[f32], rows: usize) -> Vec<f32> {
        let mut y = vec![f32::NAN; theta.len() / self.net.params() * rows * self.net.output()];
        self.net.forward(theta, x, rows, &mut y).unwrap();
        y
    }

    fn run(&self) -> Done {
        self.run_on(&mut Tape::of(self.members))
    }

    fn run_on(&self, tapes: &mut [Tape]) -> Done {
        let Case { net, theta, x, dy, rows, .. } = self;
        let y = self.forward(theta, x, *rows);
        let mut saved = vec![f32::NAN; y.len()];
        net.forward_saved(theta, x, *rows, tapes, &mut saved).unwrap();
        let (mut dtheta, mut dx) = (vec![f32::NAN; theta.len()], vec![f32::NAN; x.len()]);
        let into = Gradients { theta: Some(&mut dtheta), x: Some(&mut dx) };
        net.backward(theta, x, tapes, dy, into).unwrap();
        Done { y, saved, dtheta, dx }
    }

    /// A part of the input, the outputs or the parameters that is one member's.
    fn member<'a>(&self, numbers: &'a [f32], member: usize, len: usize) -> &'a [f32] {
        &numbers[member * len..][..len]
    }

    fn x_of(&self, member: usize) -> &[f32] {
        self.member(&self.x, member / self.share, self.rows * self.net.input())
    }

    /// Layer norm divides by the deviation of a row, which for a few numbers may be as small as it likes.
    fn is_narrow(&self) -> bool {
        self.net.norm() == Norm::Layer && self.net.layers().iter().skip(1).any(|layer| layer.input < 8)
    }
}

fn case() -> impl Strategy<Value = Case> {
    let width = prop_oneof![4 => 1usize..70, 1 => Just(1usize), 1 => Just(64usize)];
    let rows =
        prop_oneof![4 => 0usize..200, 4 => prop::sample::select(vec![0usize, 1, 63, 64, 65, 128, 129])];
    (
        (width.clone(), prop::collection::vec(width.clone(), 0..=4), width),
        prop::sample::select(ACTIVATIONS.to_vec()),
        prop::bool::ANY,
        (1usize..4, 1usize..3),
        rows,
        0u64..1000,
    )
        .prop_map(|((input, hidden, output), activation, normed, (groups, share), rows, serial)| {
            let norm = if normed { Norm::Layer } else { Norm::None };
            let net = Mlp::new(input, &hidden, output, activation).unwrap().with_norm(norm);
            Case::new(net, groups, share, rows, Key::root(31).at(serial))
        })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 96,
        max_shrink_iters: 200,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/proptest-regressions/properties.txt"
        )))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn networks_are_what_they_are_in_double_precision(case in case()) {
        let Done { y, saved, dtheta, dx } = case.run();
        prop_assert!(same_bits(&y, &saved));
        let (outputs, params) = (case.rows * case.net.output(), case.net.params());
        let tolerance = if case.is_narrow() { 1e-3 } else { 2e-5 };
        let mut sums: Vec<f64> = vec![0.0; dx.len()];
        let mut clear = true;
        for m in 0..case.members {
            let (theta, x) = (wide(case.member(&case.theta, m, params)), wide(case.x_of(m)));
            let far = off(case.member(&y, m, outputs), &naive::forward(&case.net, &theta, &x));
            prop_assert!(far < tolerance, "outputs of member {}: {}", m, far);
            let turns = case.net.activation() == Activation::Relu;
            if turns && nearest_turn(&case.net, &theta, &x) < 5e-6 || case.is_narrow() {
                clear = false;
                continue;
            }
            let dy = wide(case.member(&case.dy, m, outputs));
            let (exact, input) = naive::backward(&case.net, &theta, &x, &dy);
            let far = off(case.member(&dtheta, m, params), &exact);
            prop_assert!(far < 2e-5, "gradients of member {}: {}", m, far);
            let at = m / case.share * input.len();
            sums[at..].iter_mut().zip(input).for_each(|(sum, d)| *sum += d);
        }
        if clear {
            let far = off(&dx, &sums);
            prop_assert!(far < 2e-5, "gradient of the input: {}", far);
        }
    }

    #[test]
    fn rows_in_other_batches_are_the_same_bits(case in case(), cuts in prop::collection::vec(1usize..100, 1..6)) {
        let all = case.forward(&case.theta, &case.x, case.rows);
        let groups = case.members / case.share;
        let (input, output) = (case.net.input(), case.net.output());
        let (mut from, mut cut) = (0, 0);
        while from < case.rows {
            let rows = cuts[cut % cuts.len()].min(case.rows - from);
            let part = |g: usize| &case.x[(g * case.rows + from) * input..][..rows * input];
            let x: Vec<f32> = (0..groups).flat_map(|g| part(g).to_vec()).collect();
            let some = case.forward(&case.theta, &x, rows);
            for m in 0..case.members {
                let there = &all[(m * case.rows + from) * output..][..rows * output];
                prop_assert!(same_bits(case.member(&some, m, rows * output), there));
            }
            from += rows;
            cut += 1;
        }
    }

    #[test]
    fn a_member_alone_is_the_same_bits(case in case()) {
        let all = case.run();
        let (outputs, params) = (case.rows * case.net.output(), case.net.params());
        for m in 0..case.members {
            let alone = Case {
                net: case.net.clone(),
                members: 1,
                share: 1,
                rows: case.rows,
                theta: case.member(&case.theta, m, params).to_vec(),
                x: case.x_of(m).to_vec(),
                dy: case.member(&case.dy, m, outputs).to_vec(),
            };
            let done = alone.run();
            prop_assert!(same_bits(&done.y, case.member(&all.y, m, outputs)));
            prop_assert!(same_bits(&done.dtheta, case.member(&all.dtheta, m, params)));
            if case.share == 1 {
                prop_assert!(same_bits(&done.dx, case.member(&all.dx, m, done.dx.len())));
            }
        }
    }

    #[test]
    fn tapes_that_were_used_are_as_good_as_new(first in case(), second in case()) {
        let mut tapes = Tape::of(first.members.max(second.members));
        first.run_on(&mut tapes[..first.members]);
        let again = second.run_on(&mut tapes[..second.members]);
        let fresh = second.run();
        prop_assert!(same_bits(&again.y, &fresh.y) && same_bits(&again.saved, &fresh.saved));
        prop_assert!(same_bits(&again.dtheta, &fresh.dtheta) && same_bits(&again.dx, &fresh.dx));
    }
}

/// A gradient that is not asked for changes nothing about the other.
#[test]
fn gradients_can_be_asked_for_one_by_one() {
    for (output, norm) in [(1, Norm::None), (5, Norm::Layer)] {
        let net = Mlp::new(6, &[20, 9], output, Activation::Silu).unwrap().with_norm(norm);
        let case = Case::new(net, 2, 2, 70, Key::root(32));
        let both = case.run();
        let Case { net, theta, x, dy, .. } = &case;
        let mut tapes = Tape::of(case.members);
        let (mut dtheta, mut dx, mut y) =
            (vec![f32::NAN; theta.len()], vec![f32::NAN; x.len()], vec![0.0; dy.len()]);
        net.forward_saved(theta, x, 70, &mut tapes, &mut y).unwrap();
        let into = Gradients { theta: Some(&mut dtheta), x: None };
        net.backward(theta, x, &mut tapes, dy, into).unwrap();
        net.forward_saved(theta, x, 70, &mut tapes, &mut y).unwrap();
        net.backward(theta, x, &mut tapes, dy, Gradients { theta: None, x: Some(&mut dx) }).unwrap();
        assert!(same_bits(&dtheta, &both.dtheta) && same_bits(&dx, &both.dx));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let net = Mlp::new(3, &[4], 2, Activation::Relu).unwrap();
    let other = Mlp::new(3, &[4, 4], 2, Activation::Relu).unwrap();
    let case = Case::new(net.clone(), 2, 1, 5, Key::root(33));
    let mut y = vec![0.0; 20];
    for (theta, x, rows, len) in [
        (&case.theta[1..], &case.x[..], 5, 20),
        (&case.theta[..0], &case.x[..], 5, 20),
        (&case.theta[..], &case.x[1..], 5, 20),
        (&case.theta[..], &case.x[..], 4, 20),
        (&case.theta[..], &case.x[..], 5, 19),
        (&case.theta[..], &[], 5, 20),
        (&case.theta[..], &case.x[..], 0, 0),
    ] {
        assert!(net.forward(theta, x, rows, &mut y[..len]).unwrap_err().is_invalid());
    }
    let mut tapes = Tape::of(2);
    let none = Gradients::default();
    assert!(
        net.backward(&case.theta, &case.x, &mut tapes, &case.dy, none).unwrap_err().kind()
            == mbrl_core::ErrorKind::Stale
    );
    net.forward_saved(&case.theta, &case.x, 5, &mut tapes, &mut y).unwrap();
    let wide = vec![0.0; 2 * other.params()];
    let stale = other.backward(&wide, &case.x, &mut tapes, &case.dy, Gradients::default());
    assert_eq!(stale.unwrap_err().kind(), mbrl_core::ErrorKind::Stale);
    assert!(net.forward_saved(&case.theta, &case.x, 5, &mut tapes[1..], &mut y).unwrap_err().is_invalid());
    let mut short = vec![0.0; case.theta.len() - 1];
    let into = Gradients { theta: Some(&mut short), x: None };
    assert!(net.backward(&case.theta, &case.x, &mut tapes, &case.dy, into).unwrap_err().is_invalid());
}

/// Which numbers of an input or of the parameters are spoilt, and in what way, decides which outputs are.
#[test]
fn what_is_not_finite_comes_through() {
    for activation in ACTIVATIONS {
        for norm in [Norm::None, Norm::Layer] {
            let net = Mlp::new(3, &[20, 9], 4, activation).unwrap().with_norm(norm);
            let case = Case::new(net.clone(), 1, 2, 66, Key::root(34));
            let finite = |y: &[f32]| y.iter().all(|y| y.is_finite());
            let all_bad = |y: &[f32]| y.iter().all(|y| !y.is_finite());
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let spoilt = |at: Option<usize>, row: Option<usize>| {
                    let (mut theta, mut x) = (case.theta.clone(), case.x.clone());
                    at.into_iter().for_each(|at| theta[at] = bad);
                    row.into_iter().for_each(|row| x[3 * row + 1] = bad);
                    let y = case.forward(&theta, &x, 66);
                    let mut saved = vec![0.0; y.len()];
                    net.forward_saved(&theta, &x, 66, &mut Tape::of(2), &mut saved).unwrap();
                    assert!(y.iter().zip(&saved).all(|(a, b)| a.is_finite() == b.is_finite()));
                    y
                };
                for row in [0, 63, 65] {
                    let y = spoilt(None, Some(row));
                    for (i, y) in y.chunks(4).enumerate() {
                        let good = i % 66 != row;
                        assert!(
                            if good { finite(y) } else { all_bad(y) },
                            "{activation:?} {bad} in {row}: {i}"
                        );
                    }
                }
                let [first, second, last] = net.layers() else { panic!("three layers") };
                let hidden = [first, second];
                let ranges = hidden.iter().flat_map(|l| [&l.weight, &l.bias, &l.gain, &l.shift]);
                for range in ranges.filter(|range| !range.is_empty()) {
                    for at in [range.start, range.end - 1] {
                        let y = spoilt(Some(at), None);
                        assert!(all_bad(&y[..264]), "{activation:?}, {norm:?}, {bad} at {at}: {:?}", &y[..8]);
                        assert!(finite(&y[264..]));
                    }
                }
                for at in [last.weight.end - 1, last.bias.end - 1] {
                    let y = spoilt(Some(at), None);
                    assert!(y[..264].chunks(4).all(|y| finite(&y[..3]) && !y[3].is_finite()));
                }
            }
            // And on the way back.
            let mut case = case;
            case.dy[0] = f32::NAN;
            let Done { dtheta, dx, .. } = case.run();
            assert!(net.layers().iter().all(|layer| !finite(&dtheta[layer.weight.clone()])));
            assert!(!finite(&dx[..3]) && finite(&dx[3..]) && finite(&dtheta[net.params()..]));
        }
    }
}

#[test]
fn a_gaussian_head_does_not_hide_what_is_not_finite() {
    let head = GaussianHead { dim: 3 };
    let bounds = head.bounds();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in 0..6 {
            let mut y = [0.1, 0.2, 0.3, -1.0, -2.0, -3.0];
            y[at] = bad;
            let (mut mean, mut variance) = ([0.0; 3], [0.0; 3]);
            head.moments(&y, &bounds, &mut mean, &mut variance);
            assert!(!mean[at % 3].is_finite() || !variance[at % 3].is_finite(), "{bad} at {at}");
            let (mut dy, mut dbounds) = ([0.0; 6], [0.0; 6]);
            assert!(!head.loss(&y, &[0.0; 3], &bounds, 0.5, &mut dy, &mut dbounds).loss.is_finite());
        }
    }
}
