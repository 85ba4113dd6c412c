//! Distances between distributions of finitely many outcomes.

/// Half the sum of absolute differences.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}
