//! Noise that is correlated over time: Gaussian, with a spectrum that falls by a power law.

use std::f64::consts::{SQRT_2, TAU};

/// Turns white noise of a fixed length into noise whose power at frequency *f* is as *f*^−β, of variance one at each step.
///
/// Timmer & König (1995), as the package `colorednoise` has it: the power at frequency 0 is that of the lowest frequency
/// above, and the sequence is periodic, so that its ends are correlated as neighbours are. β = 0 is white, 1 pink, 2 red.
/// One thing differs: the package leaves the part at frequency 0 out of what it divides by, so that its variance is not 1
/// but up to 1.5 (1.33 for 15 steps and β = 2); here it is 1.
///
/// As the length is fixed, the inverse Fourier transform is a square matrix, written down once.
#[derive(Clone, Debug)]
pub(crate) struct Colored {
    length: usize,
    /// `[normals, length]`: what each of `length` normal numbers adds to each step.
    waves: Vec<f32>,
}

impl Colored {
    pub(crate) fn new(exponent: f64, length: usize) -> Self {
        let amplitude = |k: usize| (k.max(1) as f64).powf(-exponent / 2.0);
        let mut waves = Vec::with_capacity(length * length);
        let mut square = 0.0;
        for k in 0..=length / 2 {
            // At frequency 0 and at ½ there is one number where elsewhere there are two, of half the variance each.
            let single = k == 0 || 2 * k == length;
            let size = amplitude(k) * if single { 1.0 } else { SQRT_2 };
            // k·t turns of a length-th part each: whole turns are taken off so that the angle is small and exact.
            let angle = |t: usize| (k * t % length) as f64 / length as f64 * TAU;
            waves.extend((0..length).map(|t| size * angle(t).cos()));
            if !single {
                waves.extend((0..length).map(|t| -size * angle(t).sin()));
            }
            square += size * size;
        }
        let scale = 1.0 / square.sqrt();
        Colored { length, waves: waves.into_iter().map(|wave: f64| (scale * wave) as f32).collect() }
    }

    /// Writes a sequence for each of several columns, `[length, columns]`, from as many normal numbers in any order.
    ///
    /// `series` is room for one sequence.
    pub(crate) fn color(&self, normals: &[f32], series: &mut [f32], out: &mut [f32]) {
        let columns = out.len() / self.length;
        for (column, normals) in normals.chunks_exact(self.length).enumerate() {
            series.fill(0.0);
            for (normal, wave) in normals.iter().zip(self.waves.chunks_exact(self.length)) {
                series.iter_mut().zip(wave).for_each(|(y, wave)| *y += normal * wave);
            }
            let places = out[column..].iter_mut().step_by(columns);
            places.zip(&*series).for_each(|(out, y)| *out = *y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[length, length]`
    fn covariance(noise: &Colored) -> Vec<Vec<f64>> {
        let n = noise.length;
        let at = |s: usize, t: usize| {
            noise.waves.chunks_exact(n).map(|wave| f64::from(wave[s]) * f64::from(wave[t])).sum()
        };
        (0..n).map(|s| (0..n).map(|t| at(s, t)).collect()).collect()
    }

    #[test]
    fn its_correlations_are_those_of_the_package() {
        const PACKAGE: &[(f64, usize, f64, &[f64])] = &include!("../reference/colored.in");
        for (exponent, length, package_variance, correlations) in PACKAGE {
            let covariance = covariance(&Colored::new(*exponent, *length));
            for (s, row) in covariance.iter().enumerate() {
                for (t, c) in row.iter().enumerate() {
                    let expected = correlations[s.abs_diff(t)];
                    assert!((c - expected).abs() < 4e-7, "β {exponent}, {length} steps, {s} and {t}: {c}");
                }
            }
            assert!(*package_variance > 1.05, "the package divides by less than its deviation");
        }
    }

    #[test]
    fn its_variance_is_one_and_white_is_white() {
        for length in [1, 2, 3, 4, 7, 50, 101] {
            for exponent in [0.0, 0.25, 1.0, 2.0, 4.0, 1000.0] {
                let covariance = covariance(&Colored::new(exponent, length));
                for (t, row) in covariance.iter().enumerate() {
                    assert!((row[t] - 1.0).abs() < 1e-6, "β {exponent}, {length} steps: {}", row[t]);
                    let off = row.iter().enumerate().filter(|(s, _)| *s != t).map(|(_, c)| c.abs());
                    assert!(exponent > 0.0 || off.fold(0.0, f64::max) < 1e-6);
                }
            }
        }
    }

    #[test]
    fn columns_are_colored_each_on_its_own() {
        let noise = Colored::new(1.5, 4);
        let (mut series, mut out) = ([0.0; 4], [f32::NAN; 8]);
        noise.color(&[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], &mut series, &mut out);
        let first: Vec<f32> = out.iter().step_by(2).copied().collect();
        let second: Vec<f32> = out[1..].iter().step_by(2).copied().collect();
        assert_eq!(first, noise.waves[..4]);
        assert_eq!(second, noise.waves[4..8]);
    }
}
