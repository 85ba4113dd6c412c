//! A variance for each number of a plan.

use super::Sampling;
use crate::bounds::Bounds;
use crate::population::{Population, blend};
use crate::truncated::truncated_normal;
use mbrl_core::{Noise, Rows, RowsMut};

#[derive(Clone, Debug)]
pub(super) struct Diagonal {
    sampling: Sampling,
    variance: Vec<f64>,
    elite_variance: Vec<f64>,
    /// Of the mean and of the deviation, what plans are drawn with, in single precision.
    center: Vec<f32>,
    scale: Vec<f32>,
}

impl Diagonal {
    pub(super) fn new(sampling: Sampling, width: usize) -> Self {
        Diagonal {
            sampling,
            variance: vec![0.0; width],
            elite_variance: vec![0.0; width],
            center: vec![0.0; width],
            scale: vec![0.0; width],
        }
    }

    pub(super) fn start(&mut self, bounds: &Bounds) {
        let share = initial_deviation(self.sampling);
        self.variance.iter_mut().zip(&bounds.half).for_each(|(v, half)| *v = (share * half).powi(2));
    }

    pub(super) fn variance(&self, i: usize) -> f64 {
        self.variance[i]
    }

    pub(super) fn draw(&mut self, bounds: &Bounds, mean: &[f64], noise: Noise<'_>, mut plans: RowsMut<'_>) {
        bounds.round(mean, &mut self.center);
        for (i, scale) in self.scale.iter_mut().enumerate() {
            let deviation = self.variance[i].sqrt();
            *scale = match self.sampling {
                Sampling::Truncated => deviation.min(half_way(bounds, mean, i)),
                Sampling::Clipped => deviation,
            } as f32;
        }
        let plans = plans.as_mut_slice();
        match self.sampling {
            Sampling::Truncated => self.place(bounds, noise.uniforms, truncated_normal, plans),
            Sampling::Clipped => self.place(bounds, noise.normals, |z| z, plans),
        }
    }

    fn place(&self, bounds: &Bounds, numbers: Rows<'_>, shape: impl Fn(f32) -> f32, plans: &mut [f32]) {
        let width = bounds.width();
        let (center, scale) = (&self.center[..width], &self.scale[..width]);
        let (low, high) = (&bounds.low[..width], &bounds.high[..width]);
        for (plan, numbers) in plans.chunks_exact_mut(width).zip(numbers.as_slice().chunks_exact(width)) {
            for i in 0..width {
                plan[i] = (center[i] + scale[i] * shape(numbers[i])).max(low[i]).min(high[i]);
            }
        }
    }

    pub(super) fn refit(&mut self, population: &Population, momentum: f64, elite_mean: &mut [f64]) {
        population.moments(elite_mean, &mut self.elite_variance);
        match self.sampling {
            Sampling::Truncated => blend(&mut self.variance, &self.elite_variance, momentum),
            Sampling::Clipped => {
                for (variance, elite) in self.variance.iter_mut().zip(&self.elite_variance) {
                    *variance = (momentum * variance.sqrt() + (1.0 - momentum) * elite.sqrt()).powi(2);
                }
            }
        }
    }
}

/// The deviation that a search begins with, in units of half the distance between the bounds.
pub(super) fn initial_deviation(sampling: Sampling) -> f64 {
    match sampling {
        Sampling::Truncated => 0.5,
        Sampling::Clipped => 1.0,
    }
}

/// Half the distance from the mean to the nearer bound: two deviations of it stay inside.
pub(super) fn half_way(bounds: &Bounds, mean: &[f64], i: usize) -> f64 {
    let (low, high) = (f64::from(bounds.low[i]), f64::from(bounds.high[i]));
    (0.5 * (mean[i] - low).min(high - mean[i])).max(0.0)
}
