//! Derivatives along a direction: against differences in double precision, and against the way back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod naive;

use mbrl_core::Key;
use mbrl_nn::{Activation, Direction, Gradients, Mlp, Norm, Tape};
use naive::{normals, off, parameters, same_bits, wide};

/// A network, its members and groups, its rows, and numbers for everything.
struct Case {
    net: Mlp,
    members: usize,
    groups: usize,
    rows: usize,
    theta: Vec<f32>,
    x: Vec<f32>,
    dtheta: Vec<f32>,
    dx: Vec<f32>,
}

fn each(mut check: impl FnMut(Case)) {
    let shapes: [(usize, &[usize], usize); 5] =
        [(3, &[], 2), (1, &[1], 1), (5, &[17], 1), (23, &[32, 40], 12), (4, &[20, 7, 33], 3)];
    let mut serial = 0;
    for (input, hidden, output) in shapes {
        for activation in [Activation::Relu, Activation::Silu, Activation::Tanh, Activation::Elu] {
            for norm in [Norm::None, Norm::Layer] {
                for (members, groups, rows) in [(1, 1, 1), (3, 1, 65), (4, 2, 64), (2, 2, 130)] {
                    serial += 1;
                    let key = Key::root(11).at(serial);
                    let net = Mlp::new(input, hidden, output, activation).unwrap().with_norm(norm);
                    let theta = parameters(&net, members, key.child("theta"));
                    let x = normals(groups * rows * input, 1.0, key.child("x"));
                    let dtheta = normals(theta.len(), 0.3, key.child("dtheta"));
                    let dx = normals(x.len(), 1.0, key.child("dx"));
                    check(Case { net, members, groups, rows, theta, x, dtheta, dx });
                }
            }
        }
    }
}

impl Case {
    fn along(&self, along: Direction<'_>) -> (Vec<f32>, Vec<f32>) {
        let len = self.members * self.rows * self.net.output();
        let (mut y, mut dy) = (vec![f32::NAN; len], vec![f32::NAN; len]);
        self.net.jvp(&self.theta, &self.x, self.rows, along, &mut y, &mut dy).unwrap();
        (y, dy)
    }

    /// Differences over the network in double precision. The step is so short that a rectifier hardly turns within it.
    fn differences(&self, along: Direction<'_>) -> Vec<f64> {
        let at = |step: f64| -> Vec<f64> {
            let moved = |from: &[f32], along: Option<&[f32]>| match along {
                Some(d) => from.iter().zip(d).map(|(a, d)| f64::from(*a) + step * f64::from(*d)).collect(),
                None => wide(from),
            };
            let (theta, x) = (moved(&self.theta, along.theta), moved(&self.x, along.x));
            let group = self.rows * self.net.input();
            let member = |m: usize| {
                let theta = &theta[m * self.net.params()..][..self.net.params()];
                let x = &x[m / (self.members / self.groups) * group..][..group];
                naive::forward(&self.net, theta, x)
            };
            (0..self.members).flat_map(member).collect()
        };
        let h = 1e-7;
        at(h).iter().zip(at(-h)).map(|(up, down)| (up - down) / (2.0 * h)).collect()
    }
}

#[test]
fn derivatives_are_differences() {
    each(|case| {
        let mut y = vec![0.0; case.members * case.rows * case.net.output()];
        case.net.forward(&case.theta, &case.x, case.rows, &mut y).unwrap();
        let (theta, x) = (Some(&case.dtheta[..]), Some(&case.dx[..]));
        for along in [Direction { theta, x }, Direction { theta, x: None }, Direction { theta: None, x }] {
            let (again, dy) = case.along(along);
            assert!(same_bits(&again, &y));
            let far = off(&dy, &case.differences(along));
            assert!(far < 1e-5, "{:?}, {} members: {far}", case.net, case.members);
        }
        assert!(case.along(Direction::default()).1.iter().all(|d| d.abs() == 0.0));
    });
}

/// ⟨w, J·v⟩ = ⟨Jᵀ·w, v⟩.
#[test]
fn forward_and_back_are_adjoint() {
    each(|case| {
        let len = case.members * case.rows * case.net.output();
        let weight = normals(len, 1.0, Key::root(12));
        let (theta, x) = (Some(&case.dtheta[..]), Some(&case.dx[..]));
        let (_, dy) = case.along(Direction { theta, x });
        let (mut tapes, mut y) = (Tape::of(case.members), vec![0.0; len]);
        case.net.forward_saved(&case.theta, &case.x, case.rows, &mut tapes, &mut y).unwrap();
        let (mut gtheta, mut gx) = (vec![0.0; case.theta.len()], vec![0.0; case.x.len()]);
        let into = Gradients { theta: Some(&mut gtheta), x: Some(&mut gx) };
        case.net.backward(&case.theta, &case.x, &mut tapes, &weight, into).unwrap();
        let terms = |a: &[f32], b: &[f32]| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).collect()
        };
        let forward = terms(&weight, &dy);
        let back = [terms(&gtheta, &case.dtheta), terms(&gx, &case.dx)].concat();
        // Relative to the length of the terms: the sums may cancel.
        let length = |terms: &[f64]| terms.iter().map(|t| t * t).sum::<f64>().sqrt();
        let far = (forward.iter().sum::<f64>() - back.iter().sum::<f64>()).abs();
        assert!(far < 2e-6 * (length(&forward) + length(&back)), "{:?}: {far}", case.net);
    });
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let net = Mlp::new(3, &[4], 2, Activation::Relu).unwrap();
    let (theta, x) = (vec![0.0; net.params()], [0.0; 6]);
    let (mut y, mut dy) = ([0.0; 4], [0.0; 4]);
    let short = Direction { theta: Some(&theta[1..]), x: None };
    assert!(net.jvp(&theta, &x, 2, short, &mut y, &mut dy).unwrap_err().is_invalid());
    let short = Direction { theta: None, x: Some(&x[1..]) };
    assert!(net.jvp(&theta, &x, 2, short, &mut y, &mut dy).unwrap_err().is_invalid());
    assert!(net.jvp(&theta, &x, 2, Direction::default(), &mut y, &mut dy[1..]).unwrap_err().is_invalid());
    assert!(net.jvp(&theta, &x, 2, Direction::default(), &mut y[1..], &mut dy).unwrap_err().is_invalid());
    net.jvp(&theta, &[], 0, Direction::default(), &mut [], &mut []).unwrap();
}
