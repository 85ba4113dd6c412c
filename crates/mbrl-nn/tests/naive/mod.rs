//! The networks again, written for the reader in double precision: one row at a time, forward and back.

#![allow(dead_code, reason = "each test uses a part of it")]

use mbrl_core::{Key, NoiseBuf, NoiseSpec};
use mbrl_nn::{Activation, Layer, Mlp};

pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

/// Normal numbers.
pub(crate) fn normals(len: usize, scale: f32, key: Key) -> Vec<f32> {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, len, key);
    noise.view().normals.as_slice().iter().map(|z| z * scale).collect()
}

/// Parameters of `members` members whose signals neither die nor explode, biases, gains and shifts included.
pub(crate) fn parameters(net: &Mlp, members: usize, key: Key) -> Vec<f32> {
    let mut theta = normals(members * net.params(), 1.0, key);
    for member in theta.chunks_mut(net.params()) {
        for layer in net.layers() {
            let scale = 1.0 / (layer.input as f32).sqrt();
            member[layer.weight.clone()].iter_mut().for_each(|w| *w *= scale);
            member[layer.bias.clone()].iter_mut().for_each(|b| *b *= 0.5);
            member[layer.gain.clone()].iter_mut().for_each(|g| *g = 1.0 + 0.3 * *g);
            member[layer.shift.clone()].iter_mut().for_each(|s| *s *= 0.5);
        }
    }
    theta
}

/// An activation's value and slope.
fn activate(activation: Activation, z: f64) -> (f64, f64) {
    let s = 1.0 / (1.0 + (-z).exp());
    match activation {
        Activation::Relu => (z.max(0.0), f64::from(u8::from(z > 0.0))),
        Activation::Silu => (z * s, s * (1.0 + z * (1.0 - s))),
        Activation::Tanh => (z.tanh(), 1.0 - z.tanh().powi(2)),
        Activation::Elu if z > 0.0 => (z, 1.0),
        Activation::Elu => (z.exp_m1(), z.exp()),
    }
}

/// What a layer saw and did in one row.
struct Kept {
    /// How near a number came to where a rectifier turns.
    nearest: f64,
    h: Vec<f64>,
    slope: Vec<f64>,
    standard: Vec<f64>,
    over: f64,
}

/// One row of one member through all layers.
fn row(net: &Mlp, theta: &[f64], x: &[f64]) -> (Vec<f64>, Vec<Kept>) {
    let (mut h, mut kept) = (x.to_vec(), Vec::new());
    for (i, layer) in net.layers().iter().enumerate() {
        let (w, b) = (&theta[layer.weight.clone()], &theta[layer.bias.clone()]);
        let product = |j: usize| h.iter().enumerate().map(|(p, h)| h * w[p * layer.output + j]).sum::<f64>();
        let mut z: Vec<f64> = (0..layer.output).map(|j| b[j] + product(j)).collect();
        let (mut standard, mut over) = (Vec::new(), 0.0);
        if !layer.gain.is_empty() {
            let count = z.len() as f64;
            let mean = z.iter().sum::<f64>() / count;
            over = 1.0 / (z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / count + 1e-5).sqrt();
            standard = z.iter().map(|z| (z - mean) * over).collect();
            let (gain, shift) = (&theta[layer.gain.clone()], &theta[layer.shift.clone()]);
            z = (0..z.len()).map(|j| standard[j] * gain[j] + shift[j]).collect();
        }
        let last = i + 1 == net.layers().len();
        let end = |z: &f64| if last { (*z, 1.0) } else { activate(net.activation(), *z) };
        let (out, slope) = z.iter().map(end).unzip();
        let nearest = z.iter().fold(f64::INFINITY, |near, z| near.min(z.abs()));
        kept.push(Kept { nearest, h: std::mem::replace(&mut h, out), slope, standard, over });
    }
    (h, kept)
}

/// The outputs of one member.
pub(crate) fn forward(net: &Mlp, theta: &[f64], x: &[f64]) -> Vec<f64> {
    x.chunks(net.input()).flat_map(|x| row(net, theta, x).0).collect()
}

/// The gradients of one member's parameters and of its input.
pub(crate) fn backward(net: &Mlp, theta: &[f64], x: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut dtheta, mut dx) = (vec![0.0; theta.len()], Vec::new());
    for (x, dy) in x.chunks(net.input()).zip(dy.chunks(net.output())) {
        let (_, kept) = row(net, theta, x);
        let mut d = dy.to_vec();
        for (i, layer) in net.layers().iter().enumerate().rev() {
            d.iter_mut().zip(&kept[i].slope).for_each(|(d, slope)| *d *= slope);
            if !layer.gain.is_empty() {
                norm_backward(&mut d, layer, theta, &kept[i], &mut dtheta);
            }
            let mut before = vec![0.0; layer.input];
            for p in 0..layer.input {
                for j in 0..layer.output {
                    dtheta[layer.weight.start + p * layer.output + j] += kept[i].h[p] * d[j];
                    before[p] += theta[layer.weight.start + p * layer.output + j] * d[j];
                }
            }
            d.iter().enumerate().for_each(|(j, d)| dtheta[layer.bias.start + j] += d);
            d = before;
        }
        dx.extend(d);
    }
    (dtheta, dx)
}

/// How near any hidden number comes to zero. There single precision may take the other side, and a rectifier's gradient with
/// it.
pub(crate) fn nearest_turn(net: &Mlp, theta: &[f64], x: &[f64]) -> f64 {
    let hidden = net.layers().len() - 1;
    let of_row =
        |x: &[f64]| row(net, theta, x).1[..hidden].iter().fold(f64::INFINITY, |a, k| a.min(k.nearest));
    x.chunks(net.input()).map(of_row).fold(f64::INFINITY, f64::min)
}

fn norm_backward(d: &mut [f64], layer: &Layer, theta: &[f64], kept: &Kept, dtheta: &mut [f64]) {
    let (count, standard) = (d.len() as f64, &kept.standard);
    for j in 0..d.len() {
        dtheta[layer.gain.start + j] += d[j] * standard[j];
        dtheta[layer.shift.start + j] += d[j];
        d[j] *= theta[layer.gain.start + j];
    }
    let mean = d.iter().sum::<f64>() / count;
    let slope = d.iter().zip(standard).map(|(d, s)| d * s).sum::<f64>() / count;
    d.iter_mut().zip(standard).for_each(|(d, s)| *d = (*d - mean - s * slope) * kept.over);
}

/// The largest distance between ours and the exact numbers, over the largest of these. Where there are few of them all may
/// be small because terms of size one cancel: then it is over one.
pub(crate) fn off(ours: &[f32], exact: &[f64]) -> f64 {
    assert_eq!(ours.len(), exact.len());
    let scale = exact.iter().fold(if exact.len() < 64 { 1.0 } else { 1e-6 }, |a: f64, b| a.max(b.abs()));
    let far = |(a, b): (&f32, &f64)| {
        let far = (f64::from(*a) - b).abs();
        if far.is_nan() { f64::INFINITY } else { far }
    };
    ours.iter().zip(exact).map(far).fold(0.0, f64::max) / scale
}

pub(crate) fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}
