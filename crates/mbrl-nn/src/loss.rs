//! Losses with their gradients, for outputs that are numbers or odds. That of a normal distribution is with its head.

use crate::math::softplus_and_slope;
use crate::vectorized::vectorized;

/// The mean of (y − target)², with its gradient.
///
/// # Panics
///
/// Where the lengths differ.
pub fn squared_loss(y: &[f32], target: &[f32], dy: &mut [f32]) -> f64 {
    assert!(y.len() == target.len() && dy.len() == y.len(), "outputs, targets and gradients");
    squares(y, target, dy) / y.len() as f64
}

/// The mean negative log-likelihood of targets 0 or 1 by the logarithm of their odds, with its gradient.
///
/// # Panics
///
/// Where the lengths differ.
pub fn logistic_loss(log_odds: &[f32], target: &[f32], dy: &mut [f32]) -> f64 {
    assert!(log_odds.len() == target.len() && dy.len() == log_odds.len(), "outputs, targets and gradients");
    logistic(log_odds, target, dy) / log_odds.len() as f64
}

/// Terms are summed in double precision, a block of them in vectors first.
const BLOCK: usize = 16;

vectorized! {
    fn squares(y: &[f32], target: &[f32], dy: &mut [f32]) -> f64 {
        let scale = 2.0 / y.len() as f32;
        let mut total = 0.0f64;
        for ((y, target), dy) in y.chunks(BLOCK).zip(target.chunks(BLOCK)).zip(dy.chunks_mut(BLOCK)) {
            let mut sum = 0.0;
            for ((y, target), dy) in y.iter().zip(target).zip(dy) {
                let error = y - target;
                *dy = scale * error;
                sum += error * error;
            }
            total += f64::from(sum);
        }
        total
    }

    fn logistic(y: &[f32], target: &[f32], dy: &mut [f32]) -> f64 {
        let scale = 1.0 / y.len() as f32;
        let mut total = 0.0f64;
        for ((y, target), dy) in y.chunks(BLOCK).zip(target.chunks(BLOCK)).zip(dy.chunks_mut(BLOCK)) {
            let mut sum = 0.0;
            for ((y, target), dy) in y.iter().zip(target).zip(dy) {
                let (softplus, sigmoid) = softplus_and_slope(*y);
                *dy = scale * (sigmoid - target);
                sum += softplus - target * y;
            }
            total += f64::from(sum);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_and_slopes_are_those_of_the_formulas() {
        let y: Vec<f32> = (0..37).map(|i| (i as f32 * 0.7).sin() * 5.0).collect();
        let target: Vec<f32> = (0..37).map(|i| (i % 2) as f32).collect();
        let mut dy = vec![0.0; 37];
        let n = 37.0;
        let pairs = || y.iter().zip(&target).map(|(y, t)| (f64::from(*y), f64::from(*t)));
        let loss = squared_loss(&y, &target, &mut dy);
        assert!((loss - pairs().map(|(y, t)| (y - t).powi(2)).sum::<f64>() / n).abs() < 1e-6);
        assert!(dy.iter().zip(pairs()).all(|(d, (y, t))| (f64::from(*d) - 2.0 * (y - t) / n).abs() < 1e-7));
        let loss = logistic_loss(&y, &target, &mut dy);
        assert!((loss - pairs().map(|(y, t)| y.exp().ln_1p() - t * y).sum::<f64>() / n).abs() < 1e-6);
        let slope = |y: f64| 1.0 / (1.0 + (-y).exp());
        assert!(dy.iter().zip(pairs()).all(|(d, (y, t))| (f64::from(*d) - (slope(y) - t) / n).abs() < 1e-7));
    }
}
