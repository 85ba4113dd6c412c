//! The error of a model under a policy to come, guessed from policies of which it is known.

use crate::check;
use mbrl_core::{Error, Result};

/// ε̂_m′(ε_π) ≈ ε_m + ε_π · dε_m′/dε_π: how the error of a model grows as the policy leaves the one that collected its
/// data.
///
/// This is an approximation and bounds nothing. The error under a policy at distance ε_π can be anything up to one,
/// whatever it was at smaller distances, and where it curves upwards the line is below it. A theorem that is given this
/// number holds only so far as the line does. What holds always is that the error of step t is at most (t + 1) ε_π
/// above that under the data policy, and its discounted mean at most ε_π / (1 − γ).
///
/// ```
/// use mbrl_bounds::mbpo::LinearModelError;
///
/// // Errors measured under three policies, at distances 0.1, 0.2 and 0.4 from the one that collected the data.
/// let line = LinearModelError::fit(0.05, &[(0.1, 0.07), (0.2, 0.10), (0.4, 0.15)])?;
/// assert!((line.slope - 0.2476).abs() < 1e-4 && line.slope_error < 0.01);
/// assert!((line.at(0.3) - 0.1243).abs() < 1e-4);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearModelError {
    /// ε_m, the error under the data policy: what the line is at ε_π = 0.
    pub eps_m: f64,
    /// dε_m′/dε_π.
    pub slope: f64,
    /// The standard error of the slope, by how far the pairs are from the line.
    pub slope_error: f64,
}

impl LinearModelError {
    /// The line through (0, `eps_m`) that is nearest, by least squares, to `pairs` of ε_π and the ε_m′ that was found
    /// there.
    pub fn fit(eps_m: f64, pairs: &[(f64, f64)]) -> Result<Self> {
        let eps_m = check::unit("eps-m", eps_m)?;
        for (i, (eps_pi, eps_m_prime)) in pairs.iter().enumerate() {
            check::unit(&format!("eps-pi of pair {i}"), *eps_pi)?;
            check::unit(&format!("eps-m of pair {i}"), *eps_m_prime)?;
        }
        if pairs.len() < 2 {
            let pairs = pairs.len();
            return Err(Error::invalid(format_args!(
                "{pairs} pairs say not how sure a slope is: give 2 at least"
            )));
        }
        // By the largest distance, so that squares of small ones do not vanish.
        let far = pairs.iter().map(|(eps_pi, _)| *eps_pi).fold(0.0, f64::max);
        if far <= 0.0 {
            return Err(Error::invalid("eps-pi is 0 in all pairs, which have no slope: give one above 0"));
        }
        let scaled = || pairs.iter().map(|(eps_pi, eps_m_prime)| (eps_pi / far, eps_m_prime - eps_m));
        let squares: f64 = scaled().map(|(x, _)| x * x).sum();
        let slope = scaled().map(|(x, y)| x * y).sum::<f64>() / squares;
        let residual: f64 = scaled().map(|(x, y)| (y - slope * x).powi(2)).sum();
        let error = (residual / (pairs.len() - 1) as f64 / squares).sqrt();
        let slope = check::finite("the slope of the error of the model", slope / far)?;
        Ok(LinearModelError { eps_m, slope, slope_error: check::finite("its standard error", error / far)? })
    }

    /// What the line is at a distance ε_π if its slope is so many standard errors lower, and higher: an interval of the
    /// line, not of the error.
    pub fn between(&self, eps_pi: f64, errors: f64) -> [f64; 2] {
        let line = |slope| LinearModelError { slope, ..*self }.at(eps_pi);
        [line(self.slope - errors * self.slope_error), line(self.slope + errors * self.slope_error)]
    }

    /// ε̂_m′ at a distance ε_π, cut to 0 to 1, which every total variation is in.
    pub fn at(&self, eps_pi: f64) -> f64 {
        (self.eps_m + eps_pi * self.slope).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelledMdp;
    use crate::mbpo::{Drift, model_error_under, model_return, policy_shift, true_return};
    use mbrl_core::TabularMdp;
    use mbrl_plan::TabularPolicy;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        #[test]
        fn a_line_is_found_again_and_noise_as_least_squares_has_it(
            eps_m in 0.0f64..0.5,
            slope in -0.5f64..0.5,
            xs in prop::collection::vec(0.01f64..1.0, 2..8),
            noise in prop::collection::vec(-1.0f64..1.0, 8),
        ) {
            let on_line: Vec<_> = xs.iter().map(|x| (*x, (eps_m + slope * x).clamp(0.0, 1.0))).collect();
            prop_assume!(on_line.iter().all(|(_, y)| *y > 0.0));
            let line = LinearModelError::fit(eps_m, &on_line).unwrap();
            prop_assert!((line.slope - slope).abs() < 1e-9 && line.slope_error < 1e-9);
            prop_assert!((line.at(0.5) - (eps_m + 0.5 * slope).clamp(0.0, 1.0)).abs() < 1e-9);
            // The residuals of the best line are orthogonal to the distances, and make its standard error.
            let off_line: Vec<_> =
                on_line.iter().zip(&noise).map(|((x, y), e)| (*x, (y + 0.1 * e).clamp(0.0, 1.0))).collect();
            let line = LinearModelError::fit(eps_m, &off_line).unwrap();
            let residual = |(x, y): &(f64, f64)| y - eps_m - line.slope * x;
            let normal: f64 = off_line.iter().map(|pair| pair.0 * residual(pair)).sum();
            prop_assert!(normal.abs() < 1e-12);
            let squares: f64 = xs.iter().map(|x| x * x).sum();
            let spread: f64 = off_line.iter().map(|pair| residual(pair).powi(2)).sum();
            let error = (spread / (xs.len() as f64 - 1.0) / squares).sqrt();
            prop_assert!((line.slope_error - error).abs() < 1e-12);
        }
    }

    /// The model errs in state 1, about action 1, and state 1 is entered by action 1 of state 0: the error is the
    /// square of how often a policy that takes action 0 before takes action 1.
    fn one_leads_to_one() -> ModelledMdp {
        let to = |next: usize| (0..3).map(move |state| f64::from(u8::from(state == next)));
        let moves = |surprise| [0, 1, 0, surprise, 2, 2].into_iter().flat_map(to).collect::<Vec<_>>();
        let reward = [0.0, 0.0, 0.0, 0.0, -1.0, -1.0].into_iter().flat_map(|r| [r; 3]).collect();
        let truth = TabularMdp::new(2, moves(2), reward, vec![1.0, 0.0, 0.0], vec![false; 3]).unwrap();
        ModelledMdp::new(&truth, moves(0)).unwrap()
    }

    #[test]
    fn where_the_error_curves_upwards_the_line_is_too_low_and_the_theorem_fails_with_it() {
        let (worlds, gamma) = (one_leads_to_one(), 0.9);
        let often = |p: f64| TabularPolicy::new(2, [1.0 - p, p].repeat(3)).unwrap();
        let measured = |p: f64| {
            let found = model_error_under(&worlds, &often(p), gamma).unwrap().largest;
            (policy_shift(&worlds, &often(p), &often(0.0)).unwrap(), found)
        };
        let line = LinearModelError::fit(measured(0.0).1, &[measured(0.001), measured(0.002)]).unwrap();
        let (eps_pi, exact) = measured(0.5);
        assert!((eps_pi - 0.5).abs() < 1e-15 && (exact - 0.25).abs() < 1e-12, "{eps_pi}, {exact}");
        assert!(line.at(eps_pi) < 0.001, "{line:?}");
        let gap = (model_return(&worlds, &often(0.5), gamma).unwrap()
            - true_return(&worlds, &often(0.5), gamma).unwrap())
        .abs();
        let returns = worlds.discounted(gamma).unwrap();
        let by = |eps_m_prime| Drift::of_4_3(eps_m_prime, 0.0, u64::MAX).unwrap().amount(returns).unwrap();
        assert!(by(line.at(eps_pi)) < 0.1 * gap && gap < by(exact), "{gap}");
    }

    #[test]
    fn the_line_is_cut_to_what_a_total_variation_can_be() {
        for (slope, eps_pi, at) in
            [(2.0, 0.0, 0.5), (2.0, 0.25, 1.0), (2.0, 1.0, 1.0), (-2.0, 0.125, 0.25), (-2.0, 1.0, 0.0)]
        {
            let line = LinearModelError { eps_m: 0.5, slope, slope_error: 0.0 };
            assert_eq!(line.at(eps_pi).to_bits(), f64::to_bits(at), "{line:?} at {eps_pi}");
        }
        let line = LinearModelError { eps_m: 0.25, slope: 0.5, slope_error: 0.25 };
        assert_eq!(line.between(0.5, 2.0).map(f64::to_bits), [0.25, 0.75].map(f64::to_bits));
    }

    #[test]
    fn pairs_without_a_slope_are_refused() {
        for (eps_m, pairs, says) in [
            (1.5, &[(0.1, 0.1), (0.2, 0.2)][..], "eps-m is 1.5: expected 0 to 1"),
            (0.1, &[(0.1, 0.1), (2.0, 0.2)], "eps-pi of pair 1 is 2: expected 0 to 1"),
            (0.1, &[(0.1, f64::NAN), (0.2, 0.2)], "eps-m of pair 0 is NaN"),
            (0.1, &[(0.1, 0.1)], "1 pairs say not how sure a slope is: give 2 at least"),
            (0.1, &[(0.0, 0.1), (0.0, 0.2)], "eps-pi is 0 in all pairs"),
            (0.1, &[(1e-310, 0.9), (0.0, 0.1)], "the slope of the error of the model comes to inf"),
        ] {
            let error = LinearModelError::fit(eps_m, pairs).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        // Distances whose squares are nothing still have a slope.
        let line = LinearModelError::fit(0.0, &[(1e-200, 1e-200), (2e-200, 2e-200)]).unwrap();
        assert!((line.slope - 1.0).abs() < 1e-12);
    }
}
