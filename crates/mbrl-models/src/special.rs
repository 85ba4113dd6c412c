//! The logarithm of the gamma function, which the standard library does not have yet.

/// ln Γ(x) of a positive x, to a few units of 1e-15 (of its size, where that is above 1).
///
/// Stirling's series from 10 on, and the recurrence Γ(x + 1) = x Γ(x) below.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    const FROM: f64 = 10.0;
    let (mut z, mut product) = (x, 1.0);
    while z < FROM {
        product *= z;
        z += 1.0;
    }
    // B₂ₖ / (2k (2k − 1) z^(2k − 1)), by Horner's rule in z⁻².
    const SERIES: [f64; 7] = [
        1.0 / 156.0,
        -691.0 / 360_360.0,
        1.0 / 1_188.0,
        -1.0 / 1_680.0,
        1.0 / 1_260.0,
        -1.0 / 360.0,
        1.0 / 12.0,
    ];
    let inverse = 1.0 / z;
    let series = SERIES.iter().fold(0.0, |sum, term| sum * inverse * inverse + term) * inverse;
    (z - 0.5) * z.ln() - z + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.special.gammaln` at these places: `reference/tabular.py`.
    #[test]
    fn it_is_scipys() {
        for (x, expected) in crate::tabular::tests::reference::GAMMALN {
            let error = (ln_gamma(x) - expected).abs() / expected.abs().max(1.0);
            assert!(error < 4e-15, "ln Γ({x}): {} for {expected}", ln_gamma(x));
        }
    }
}
