//! How fast a sequence of errors grows.

use serde::Serialize;

/// Two laws of growth, each fitted to logarithms by least squares.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Growth {
    /// e = a·kᵖ: what a model does whose errors do not feed each other grows as k, or slower.
    pub(super) power: Law,
    /// e = a·exp(b·k): what Lipschitz's constant allows.
    pub(super) exponential: Law,
}

/// ln e = ln a + rate · x, where x is ln k of a power law and k of an exponential.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Law {
    pub(super) factor: f64,
    pub(super) rate: f64,
    /// The root of the mean square of what is left of the logarithms.
    pub(super) rms: f64,
    #[serde(skip)]
    x: fn(f64) -> f64,
}

impl Growth {
    /// Of positive errors, 1 step ahead first.
    pub(super) fn of(errors: &[f64]) -> Self {
        Growth { power: Law::of(errors, f64::ln), exponential: Law::of(errors, |k| k) }
    }
}

impl Law {
    fn of(errors: &[f64], x: fn(f64) -> f64) -> Self {
        let points: Vec<(f64, f64)> =
            errors.iter().enumerate().map(|(i, error)| (x((i + 1) as f64), error.ln())).collect();
        let n = points.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (centre, level) = (mean(&|p| p.0), mean(&|p| p.1));
        let rate = mean(&|p| (p.0 - centre) * (p.1 - level))
            / mean(&|p| (p.0 - centre).powi(2)).max(f64::MIN_POSITIVE);
        let rms = mean(&|p| (p.1 - level - rate * (p.0 - centre)).powi(2)).sqrt();
        Law { factor: (level - rate * centre).exp(), rate, rms, x }
    }

    /// The error that the law has after `k` steps.
    pub(super) fn at(&self, k: f64) -> f64 {
        self.factor * (self.rate * (self.x)(k)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_law_finds_its_own_growth() {
        let errors = |of: &dyn Fn(f64) -> f64| (1..=30).map(|k| of(f64::from(k))).collect::<Vec<f64>>();
        let power = Growth::of(&errors(&|k| 0.5 * k.powf(1.3)));
        assert!((power.power.rate - 1.3).abs() < 1e-12 && (power.power.factor - 0.5).abs() < 1e-12);
        assert!(power.power.rms < 1e-12 && power.exponential.rms > 0.1);
        let exponential = Growth::of(&errors(&|k| 0.01 * (0.2 * k).exp()));
        assert!((exponential.exponential.rate - 0.2).abs() < 1e-12 && exponential.exponential.rms < 1e-12);
        assert!(exponential.power.rms > 0.1);
        assert!((exponential.exponential.at(10.0) - 0.01 * 2f64.exp()).abs() < 1e-12);
    }
}
