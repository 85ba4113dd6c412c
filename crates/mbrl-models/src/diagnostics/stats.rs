//! The few statistics that diagnostics share.

/// The distribution function of the standard normal law, to 1e-15.
pub(super) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The quantile of numbers in ascending order, interpolated linearly between the nearest two (numpy's default).
pub(super) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let next = sorted[(low + 1).min(sorted.len() - 1)];
    sorted[low] + part * (next - sorted[low])
}

/// A running mean and variance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Running {
    count: u64,
    pub(super) mean: f64,
    squares: f64,
}

impl Running {
    /// Counts a number, by Welford's update.
    pub(super) fn push(&mut self, x: f64) {
        self.count += 1;
        let before = x - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (x - self.mean);
    }

    /// The mean squared distance from the mean.
    pub(super) fn variance(&self) -> f64 {
        self.squares / self.count.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `scipy.stats.norm.cdf` and `numpy.quantile`: `reference/diagnostics.py`.
    #[test]
    fn scipy_says_the_same() {
        const CDF: &[(f64, f64)] = &include!("../../reference/normal_cdf.in");
        for &(z, expected) in CDF {
            assert!((normal_cdf(z) - expected).abs() <= 1e-15, "{z}: {} for {expected}", normal_cdf(z));
            // Far out in the tail too, where only the relative error means anything.
            assert!((normal_cdf(z) / expected - 1.0).abs() < 1e-12, "{z}");
        }
        assert_eq!([normal_cdf(f64::NEG_INFINITY), normal_cdf(f64::INFINITY)].map(|p| p as i32), [0, 1]);
    }

    #[test]
    fn quantiles_interpolate() {
        let numbers = [1.0, 2.0, 4.0, 8.0];
        for (p, expected) in [(0.0, 1.0), (0.5, 3.0), (0.05, 1.15), (0.9, 6.8), (1.0, 8.0)] {
            assert!((quantile(&numbers, p) - expected).abs() < 1e-12, "{p}");
        }
        assert!((quantile(&[3.0], 0.7) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_running_variance_does_not_mind_a_large_mean() {
        let mut running = Running::default();
        [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0].into_iter().for_each(|x| running.push(x));
        assert!((running.mean - 1e9 - 10.0).abs() < 1e-6 && (running.variance() - 22.5).abs() < 1e-6);
    }
}
