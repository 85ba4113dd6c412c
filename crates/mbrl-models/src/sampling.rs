//! Draws from gamma and Dirichlet distributions that survive small parameters.

use mbrl_core::{ChaCha8Rng, Error, Result};
use rand_distr::{Distribution, Gamma, Open01};

/// The logarithm of a number drawn from the gamma distribution with this shape and rate 1.
///
/// Of a shape far below 1 the number itself is smaller than any `f64`. Its logarithm is not: where G has shape a + 1 and U
/// is uniform, G·U^(1/a) has shape a (Marsaglia & Tsang 2000, section 6).
pub(crate) fn draw_ln_gamma(shape: f64, rng: &mut ChaCha8Rng) -> Result<f64> {
    let boosted = if shape < 1.0 { shape + 1.0 } else { shape };
    let gamma = Gamma::new(boosted, 1.0)
        .map_err(|error| Error::invalid(format_args!("a gamma distribution of shape {shape}: {error}")))?;
    let ln = gamma.sample(rng).ln();
    if shape < 1.0 {
        let u: f64 = Open01.sample(rng);
        return Ok(ln + u.ln() / shape);
    }
    Ok(ln)
}

/// Replaces concentrations by probabilities drawn from their Dirichlet distribution.
pub(crate) fn draw_dirichlet(concentration: &mut [f64], rng: &mut ChaCha8Rng) -> Result<()> {
    for number in concentration.iter_mut() {
        *number = draw_ln_gamma(*number, rng)?;
    }
    // Relative to the largest, one of which is therefore 1, so that the sum is no zero.
    let largest = concentration.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    concentration.iter_mut().for_each(|number| *number = (*number - largest).exp());
    let sum: f64 = concentration.iter().sum();
    concentration.iter_mut().for_each(|number| *number /= sum);
    Ok(())
}
