//! The covariance of all numbers of a plan with each other.

use super::Sampling;
use super::diagonal::{half_way, initial_deviation};
use crate::bounds::Bounds;
use crate::population::Population;
use crate::truncated::truncated_normal;
use mbrl_core::{Noise, Rows, RowsMut};

/// Matrices are kept by columns, of which only what is on and below the diagonal is used.
#[derive(Clone, Debug)]
pub(super) struct Full {
    sampling: Sampling,
    shrinkage: f64,
    width: usize,
    covariance: Vec<f64>,
    elite_covariance: Vec<f64>,
    factor: Vec<f64>,
    /// The factor that plans are drawn with, and the mean, in single precision.
    scaled: Vec<f32>,
    center: Vec<f32>,
    /// A plan less the elites' mean.
    offset: Vec<f64>,
}

impl Full {
    pub(super) fn new(sampling: Sampling, shrinkage: f64, width: usize) -> Self {
        Full {
            sampling,
            shrinkage,
            width,
            covariance: vec![0.0; width * width],
            elite_covariance: vec![0.0; width * width],
            factor: vec![0.0; width * width],
            scaled: vec![0.0; width * width],
            center: vec![0.0; width],
            offset: vec![0.0; width],
        }
    }

    pub(super) fn start(&mut self, bounds: &Bounds) {
        let share = initial_deviation(self.sampling);
        self.covariance.fill(0.0);
        for (i, half) in bounds.half.iter().enumerate() {
            self.covariance[i * self.width + i] = (share * half).powi(2);
        }
    }

    pub(super) fn variance(&self, i: usize) -> f64 {
        self.covariance[i * self.width + i]
    }

    pub(super) fn draw(&mut self, bounds: &Bounds, mean: &[f64], noise: Noise<'_>, mut plans: RowsMut<'_>) {
        let width = self.width;
        cholesky(&self.covariance, width, &mut self.factor);
        for i in 0..width {
            let deviation = self.variance(i).sqrt();
            // A row of the factor is scaled, so that deviations are constrained and correlations stay.
            let scale = match self.sampling {
                Sampling::Truncated if deviation > half_way(bounds, mean, i) => {
                    half_way(bounds, mean, i) / deviation
                }
                Sampling::Truncated | Sampling::Clipped => 1.0,
            };
            for j in 0..=i {
                self.scaled[j * width + i] = (scale * self.factor[j * width + i]) as f32;
            }
        }
        bounds.round(mean, &mut self.center);
        let plans = plans.as_mut_slice();
        match self.sampling {
            Sampling::Truncated => self.place(bounds, noise.uniforms, truncated_normal, plans),
            Sampling::Clipped => self.place(bounds, noise.normals, |z| z, plans),
        }
    }

    fn place(&self, bounds: &Bounds, numbers: Rows<'_>, shape: impl Fn(f32) -> f32, plans: &mut [f32]) {
        let width = self.width;
        for (plan, numbers) in plans.chunks_exact_mut(width).zip(numbers.iter()) {
            plan.copy_from_slice(&self.center);
            for (j, number) in numbers.iter().enumerate() {
                let (z, column) = (shape(*number), &self.scaled[j * width + j..(j + 1) * width]);
                plan[j..].iter_mut().zip(column).for_each(|(x, l)| *x += l * z);
            }
            for (x, (low, high)) in plan.iter_mut().zip(bounds.low.iter().zip(&bounds.high)) {
                *x = x.clamp(*low, *high);
            }
        }
    }

    pub(super) fn refit(&mut self, population: &Population, momentum: f64, elite_mean: &mut [f64]) {
        let width = self.width;
        population.moments(elite_mean, &mut self.offset);
        self.elite_covariance.fill(0.0);
        let scale = 1.0 / population.elites().len() as f64;
        for (plan, _) in population.elites() {
            for ((offset, x), mean) in self.offset.iter_mut().zip(plan).zip(&*elite_mean) {
                *offset = f64::from(*x) - mean;
            }
            for j in 0..width {
                let (first, column) = (scale * self.offset[j], &mut self.elite_covariance[j * width + j..]);
                column.iter_mut().zip(&self.offset[j..]).for_each(|(c, offset)| *c += first * offset);
            }
        }
        for j in 0..width {
            for i in j..width {
                let kept = if i == j { 1.0 } else { 1.0 - self.shrinkage };
                let at = j * width + i;
                self.covariance[at] =
                    momentum * self.covariance[at] + (1.0 - momentum) * kept * self.elite_covariance[at];
            }
        }
    }
}

/// The lower factor L of C = L Lᵀ, both by columns.
///
/// What is left of a variance when what earlier numbers explain is taken off can be rounding error. Where less than this
/// share of it is left, nothing is, and the number follows the earlier ones: so a singular matrix has a factor too.
fn cholesky(covariance: &[f64], width: usize, factor: &mut [f64]) {
    const LEAST: f64 = 1e-12;
    for j in 0..width {
        let (done, rest) = factor.split_at_mut(j * width);
        let column = &mut rest[j..width];
        column.copy_from_slice(&covariance[j * width + j..(j + 1) * width]);
        for earlier in done.chunks_exact(width) {
            let first = earlier[j];
            column.iter_mut().zip(&earlier[j..]).for_each(|(l, e)| *l -= first * e);
        }
        if column[0] > LEAST * covariance[j * width + j] {
            let scale = 1.0 / column[0].sqrt();
            column.iter_mut().for_each(|l| *l *= scale);
        } else {
            column.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::reference;
    use proptest::prelude::*;

    impl Full {
        /// Whether the covariance and its factor are those of `reference/updates.py`.
        pub(in crate::cem) fn check_against_numpy(&mut self) {
            cholesky(&self.covariance, self.width, &mut self.factor);
            let symmetric = |at: usize| {
                let (j, i) = (at / self.width, at % self.width);
                self.covariance[i.min(j) * self.width + i.max(j)]
            };
            reference::assert_is(
                "covariance",
                &(0..self.covariance.len()).map(symmetric).collect::<Vec<_>>(),
            );
            let lower = |at: usize| if at % self.width < at / self.width { 0.0 } else { self.factor[at] };
            reference::assert_is("factor", &(0..self.factor.len()).map(lower).collect::<Vec<_>>());
        }
    }

    proptest! {
        /// Products of `rank` vectors, so that most of these matrices are singular.
        #[test]
        fn a_factor_times_itself_is_the_matrix(rank in 0usize..7, numbers in prop::collection::vec(-2.0f64..2.0, 36)) {
            const N: usize = 6;
            let c = |i: usize, j: usize| (0..rank).map(|k| numbers[k * N + i] * numbers[k * N + j]).sum::<f64>();
            let covariance: Vec<f64> = (0..N * N).map(|at| c(at % N, at / N)).collect();
            let mut l = vec![0.0; N * N];
            cholesky(&covariance, N, &mut l);
            for i in 0..N {
                for j in 0..=i {
                    let product: f64 = (0..=j).map(|k| l[k * N + i] * l[k * N + j]).sum();
                    let error = (product - c(i, j)).abs();
                    prop_assert!(error < 1e-4, "{} for {} at {}, {}", product, c(i, j), i, j);
                }
            }
        }
    }
}
