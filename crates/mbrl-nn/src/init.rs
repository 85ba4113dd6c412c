//! Parameters to begin with, from a key.

use crate::mlp::Mlp;
use mbrl_core::{Key, NoiseBuf, NoiseSpec};
use serde::{Deserialize, Serialize};

/// How weights are drawn. Gains of layer norm are one; shifts are zero, and so are biases unless it is said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Normal with deviation 1 / (2·√fan-in), cut at two deviations: what PETS and MBPO draw their models from.
    #[default]
    TruncatedNormal,
    /// Uniform within ±1 / √fan-in, biases too: PyTorch's `nn.Linear`.
    UniformFanIn,
    /// Uniform within ±√(6 / (fan-in + fan-out)): Glorot's, which the actors and critics of softlearning begin with.
    GlorotUniform,
    /// A matrix with orthonormal rows or columns, whichever are fewer, times √2; the last layer times 1/100, as PPO likes
    /// its actors.
    Orthogonal,
}

impl Init {
    /// The parameters of `members` members, `[members, params]`: member by member and layer by layer from a key of its own,
    /// so that a member does not depend on how many there are.
    pub fn parameters(self, net: &Mlp, members: usize, key: Key) -> Vec<f32> {
        let mut theta = vec![0.0; members * net.params()];
        let below = key.below();
        for (member, theta) in theta.chunks_exact_mut(net.params()).enumerate() {
            self.fill(net, theta, below.at(member as u64));
        }
        theta
    }

    /// Draws the parameters of one member.
    ///
    /// # Panics
    ///
    /// Where `theta` is shorter than the network's parameters.
    pub fn fill(self, net: &Mlp, theta: &mut [f32], key: Key) {
        let below = key.below();
        let last = net.layers().len() - 1;
        for (i, layer) in net.layers().iter().enumerate() {
            let key = below.at(i as u64);
            let (fan_in, fan_out) = (layer.input as f32, layer.output as f32);
            theta[layer.bias.clone()].fill(0.0);
            theta[layer.gain.clone()].fill(1.0);
            theta[layer.shift.clone()].fill(0.0);
            let weight = layer.weight.clone();
            match self {
                Init::TruncatedNormal => truncated(&mut theta[weight], 0.5 / fan_in.sqrt(), key),
                Init::UniformFanIn => {
                    uniform(&mut theta[weight], 1.0 / fan_in.sqrt(), key.child("weight"));
                    uniform(&mut theta[layer.bias.clone()], 1.0 / fan_in.sqrt(), key.child("bias"));
                }
                Init::GlorotUniform => uniform(&mut theta[weight], (6.0 / (fan_in + fan_out)).sqrt(), key),
                Init::Orthogonal => {
                    let gain = if i == last { 0.01 } else { std::f64::consts::SQRT_2 };
                    orthogonal(&mut theta[weight], layer.input, layer.output, gain, key);
                }
            }
        }
    }
}

fn uniform(out: &mut [f32], bound: f32, key: Key) {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 0, uniforms: 1 }, out.len(), key);
    for (out, u) in out.iter_mut().zip(noise.view().uniforms.as_slice()) {
        *out = (2.0 * u - 1.0) * bound;
    }
}

/// Draws again whatever lies beyond two deviations, from the noise of the next round, so that the others stay.
fn truncated(out: &mut [f32], deviation: f32, key: Key) {
    out.fill(f32::NAN);
    let mut noise = NoiseBuf::default();
    let below = key.below();
    for round in 0.. {
        noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, out.len(), below.at(round));
        let mut again = false;
        for (out, z) in out.iter_mut().zip(noise.view().normals.as_slice()) {
            if out.is_nan() {
                if z.abs() <= 2.0 {
                    *out = z * deviation;
                } else {
                    again = true;
                }
            }
        }
        if !again {
            return;
        }
    }
}

/// Normal numbers made orthonormal by Gram and Schmidt, twice over, in double precision.
fn orthogonal(out: &mut [f32], rows: usize, columns: usize, gain: f64, key: Key) {
    let (count, len) = (rows.min(columns), rows.max(columns));
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 1, uniforms: 0 }, count * len, key);
    let mut basis: Vec<f64> = noise.view().normals.as_slice().iter().map(|z| f64::from(*z)).collect();
    for i in 0..count {
        let (done, rest) = basis.split_at_mut(i * len);
        let vector = &mut rest[..len];
        for _ in 0..2 {
            for other in done.chunks_exact(len) {
                let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|a| *a /= norm);
    }
    for i in 0..rows {
        for j in 0..columns {
            let at = if rows <= columns { i * len + j } else { j * len + i };
            out[i * columns + j] = (basis[at] * gain) as f32;
        }
    }
}
