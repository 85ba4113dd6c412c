//! Example 1 of the poster: a posterior over models that is wrong, and two ways to choose a policy by it.

use super::conditional::Conditional;
use crate::divergence::discrete::kl;
use mbrl_core::Result;

/// What is taken for the true posterior p(M) of the two models. The poster has it in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// (2/3, 1/3), as in its matrices. Every claim of the example holds for it.
    Matrix,
    /// (1/3, 2/3), as in its sentences. KL(q^δ‖p) is ln 1.5 for it, which is not the largest there is: that would
    /// be ln 3, of q = (1, 0).
    Prose,
}

/// Two models, two policies each of which is optimal in one of them, and an approximate posterior that is certain of the
/// second model.
///
/// ```
/// use mbrl_bounds::psrl::{Example1, Reading};
///
/// let example = Example1::new(Reading::Matrix);
/// // To play what is optimal in a model that is drawn from q is as wrong as a distribution can be …
/// assert!((example.kl_delta()? - 3f64.ln()).abs() < 1e-15);
/// assert!((example.kl_delta()? - example.largest_kl()).abs() < 1e-15);
/// // … and need not be: the policy may depend on the model by chance.
/// assert!(example.kl_flexible()? < 1e-15);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example1 {
    reading: Reading,
}

impl Example1 {
    /// The example in one of its readings.
    pub fn new(reading: Reading) -> Self {
        Example1 { reading }
    }

    /// The reading for which what the example claims is true.
    pub fn consistent() -> Reading {
        Reading::Matrix
    }

    /// p(M), the true posterior.
    pub fn exact_models(self) -> [f64; 2] {
        match self.reading {
            Reading::Matrix => [2.0 / 3.0, 1.0 / 3.0],
            Reading::Prose => [1.0 / 3.0, 2.0 / 3.0],
        }
    }

    /// q(M), the approximate one.
    pub fn approximate_models(self) -> [f64; 2] {
        [0.0, 1.0]
    }

    /// δ(π|M).
    pub fn delta(self) -> Result<Conditional> {
        Conditional::new(2, vec![1.0, 0.0, 0.0, 1.0])
    }

    /// The q(π|M) that is displayed. Its first row could be any, as q(M) has nothing of the first model.
    pub fn flexible(self) -> Result<Conditional> {
        Conditional::new(2, vec![0.5, 0.5, 2.0 / 3.0, 1.0 / 3.0])
    }

    /// p(π) = Σ_M p(M) δ(π|M), the true posterior over policies.
    pub fn exact_policies(self) -> Result<Vec<f64>> {
        self.delta()?.marginal(&self.exact_models())
    }

    /// KL(q^δ‖p), with q^δ = Σ_M q(M) δ(π|M).
    pub fn kl_delta(self) -> Result<f64> {
        kl(&self.delta()?.marginal(&self.approximate_models())?, &self.exact_policies()?)
    }

    /// KL(q‖p) of the flexible q = Σ_M q(M) q(π|M).
    pub fn kl_flexible(self) -> Result<f64> {
        kl(&self.flexible()?.marginal(&self.approximate_models())?, &self.exact_policies()?)
    }

    /// The largest KL(q‖p) of all distributions over the two policies: −ln min p, at certainty of the less likely one.
    pub fn largest_kl(self) -> f64 {
        let [first, second] = self.exact_models();
        (1.0 / first.min(second)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::psrl::best_conditional;

    /// What the example says of its numbers: p(π₁) = 2/3, q^δ is as far off as can be, the flexible q is right.
    fn claims_hold(example: Example1) -> bool {
        let (delta, flexible) = (example.kl_delta().unwrap(), example.kl_flexible().unwrap());
        (example.exact_policies().unwrap()[0] - 2.0 / 3.0).abs() < 1e-15
            && (delta - 3f64.ln()).abs() < 1e-15
            && (delta - example.largest_kl()).abs() < 1e-15
            && flexible < 1e-15
    }

    #[test]
    fn one_reading_has_the_numbers_that_are_claimed_and_the_other_has_not() {
        let [matrix, prose] = [Reading::Matrix, Reading::Prose].map(Example1::new);
        assert!(claims_hold(matrix) && !claims_hold(prose));
        assert!(claims_hold(Example1::new(Example1::consistent())));
        assert!((prose.kl_delta().unwrap() - 1.5f64.ln()).abs() < 1e-15);
        assert!((prose.largest_kl() - 3f64.ln()).abs() < 1e-15);
        let certain_of_the_first = prose.delta().unwrap().marginal(&[1.0, 0.0]).unwrap();
        assert!(
            (kl(&certain_of_the_first, &prose.exact_policies().unwrap()).unwrap() - 3f64.ln()).abs() < 1e-15
        );
        // 2/3 ln 2 − 1/3 ln 2: the displayed table is of no use for the other reading.
        assert!((prose.kl_flexible().unwrap() - 2f64.ln() / 3.0).abs() < 1e-15);
    }

    #[test]
    fn no_distribution_is_further_off() {
        for example in [Reading::Matrix, Reading::Prose].map(Example1::new) {
            let p = example.exact_policies().unwrap();
            let most = (0..=1000)
                .map(|i| f64::from(i) / 1000.0)
                .map(|q| kl(&[q, 1.0 - q], &p).unwrap())
                .fold(0.0, f64::max);
            assert!((most - example.largest_kl()).abs() < 1e-15);
        }
    }

    #[test]
    fn the_displayed_table_is_what_the_optimizer_finds_and_its_first_row_does_not_matter() {
        let example = Example1::new(Reading::Matrix);
        let (q, p) = (example.approximate_models(), example.exact_policies().unwrap());
        let displayed = example.flexible().unwrap();
        for reference in [None, Some(&displayed)] {
            let best = best_conditional(&q, &p, reference).unwrap();
            assert!(best.kl < 1e-15);
            assert_eq!(best.conditional.row(1), displayed.row(1));
        }
        for first in [0.0, 0.3, 1.0] {
            let other = Conditional::new(2, vec![first, 1.0 - first, 2.0 / 3.0, 1.0 / 3.0]).unwrap();
            assert_eq!(other.marginal(&q).unwrap(), displayed.marginal(&q).unwrap());
        }
    }
}
