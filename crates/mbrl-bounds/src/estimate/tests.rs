//! Estimates against closed forms, integrals and tables.
//!
//! Keys are fixed. What a mean of numbers in 0 to 1 may be off by is Hoeffding's, and each interval is at a confidence of
//! 1 − 1e-7: every assertion alone would fail for fewer than one key in a million.

mod model;
mod policy;
mod refusals;
mod tables;

use super::*;
use mbrl_core::{Key, MomentsMut, NoiseBuf, NoiseSpec, Rows};

/// A confidence at which a miss is an error in the code.
const SURE: f64 = 1.0 - 1e-7;

fn draws(per_row: usize) -> Draws {
    Draws { per_row, key: Key::root(5).child("draws") }
}

/// How far a mean of this many numbers in 0 to 1 is from its expectation, but for one key in a million.
fn hoeffding(count: usize) -> f64 {
    (2e6f64.ln() / (2.0 * count as f64)).sqrt()
}

fn normals(rows: usize, columns: usize) -> Vec<f32> {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: columns, uniforms: 0 }, rows, Key::root(6).child("data"));
    noise.view().normals.as_slice().to_vec()
}

fn uniforms(count: usize, key: Key) -> Vec<f64> {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 0, uniforms: 1 }, count, key);
    noise.view().uniforms.as_slice().iter().map(|u| f64::from(*u)).collect()
}

fn mean(errors: &[f64]) -> f64 {
    errors.iter().sum::<f64>() / errors.len() as f64
}

/// 2Φ(d/2) − 1.
fn tv_of_equal_variances(mahalanobis: f64) -> f64 {
    libm::erf(mahalanobis / 8f64.sqrt())
}

/// Moments that own their numbers, `[members, rows, dim]`.
struct Model {
    mean: Vec<f32>,
    variance: Vec<f32>,
    rows: usize,
    dim: usize,
}

impl Model {
    /// Calls `f` with what these members predict for the first `dim` columns.
    fn predicting<T>(&mut self, members: &[u16], dim: usize, f: impl FnOnce(&Predicted<'_>) -> T) -> T {
        let moments = MomentsMut::new(&mut self.mean, &mut self.variance, self.rows, self.dim);
        f(&Predicted::new(moments.view(), members, dim).unwrap())
    }
}

/// One member that predicts each row of a table, off by `off`, with one variance.
fn off_by(table: &[f32], dim: usize, off: &[f32], variance: &[f32]) -> Model {
    let mean = table.chunks_exact(dim).flat_map(|row| row.iter().zip(off).map(|(x, off)| x + off)).collect();
    let rows = table.len() / dim;
    Model { mean, variance: variance.repeat(rows), rows, dim }
}
