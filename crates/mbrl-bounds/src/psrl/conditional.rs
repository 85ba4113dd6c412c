//! Tables of q(π|M): a distribution over policies for each model.

use super::policies::Policies;
use crate::check;
use mbrl_core::{Error, Result, TabularMdp};

/// q(π|M): for each of some models, the probability of each of some policies.
///
/// ```
/// use mbrl_bounds::psrl::Conditional;
///
/// let q = Conditional::new(2, vec![1.0, 0.0, 0.5, 0.5])?;
/// assert_eq!(q.marginal(&[0.5, 0.5])?, [0.75, 0.25]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Conditional {
    policies: usize,
    /// `[models, policies]`
    rows: Vec<f64>,
}

impl Conditional {
    /// The table with the probabilities `[models, policies]`.
    pub fn new(policies: usize, rows: Vec<f64>) -> Result<Self> {
        let len = rows.len();
        if policies == 0 || len == 0 || !len.is_multiple_of(policies) {
            return Err(Error::invalid(format_args!(
                "{len} probabilities for {policies} policies: give a row of as many for each model"
            )));
        }
        for (model, row) in rows.chunks_exact(policies).enumerate() {
            check::distribution(&format!("q(π|M) of model {model}"), row)?;
        }
        Ok(Conditional { policies, rows })
    }

    /// δ(π|M): in each model its best policy, as [`Policies::best`] has it.
    pub fn delta(mdps: &[TabularMdp], policies: &Policies, horizon: u64) -> Result<Self> {
        let mut rows = Vec::with_capacity(mdps.len() * policies.count());
        for (model, mdp) in mdps.iter().enumerate() {
            let row = policies.delta(mdp, horizon);
            rows.extend(row.map_err(|error| error.wrap(format_args!("model {model}")))?);
        }
        Conditional::new(policies.count(), rows)
    }

    /// The table that says the same whatever the model is.
    pub fn constant(models: usize, row: &[f64]) -> Result<Self> {
        Conditional::new(row.len(), row.repeat(models))
    }

    /// The number of models.
    pub fn models(&self) -> usize {
        self.rows.len() / self.policies
    }

    /// The number of policies.
    pub fn policies(&self) -> usize {
        self.policies
    }

    /// The distribution over policies in a model.
    ///
    /// # Panics
    ///
    /// Where there is no such model.
    pub fn row(&self, model: usize) -> &[f64] {
        assert!(model < self.models(), "model {model} of {}", self.models());
        &self.rows[model * self.policies..(model + 1) * self.policies]
    }

    /// Σ_M q(M) q(π|M), for weights q(M) of the models.
    pub fn marginal(&self, weights: &[f64]) -> Result<Vec<f64>> {
        self.check_weights(weights)?;
        let mut marginal = vec![0.0; self.policies];
        for (row, weight) in self.rows.chunks_exact(self.policies).zip(weights) {
            marginal.iter_mut().zip(row).for_each(|(sum, q)| *sum += weight * q);
        }
        Ok(marginal)
    }

    pub(super) fn check_weights(&self, weights: &[f64]) -> Result<()> {
        check::distribution("the weights of the models", weights)?;
        if weights.len() != self.models() {
            let (weights, models) = (weights.len(), self.models());
            return Err(Error::invalid(format_args!(
                "{weights} weights for {models} models: give one for each"
            )));
        }
        Ok(())
    }

    /// Refuses a distribution over another number of policies.
    pub(super) fn check_policies(&self, name: &str, row: &[f64]) -> Result<()> {
        check::distribution(name, row)?;
        if row.len() != self.policies {
            let (has, needs) = (row.len(), self.policies);
            return Err(Error::invalid(format_args!(
                "{name} has {has} policies, q(π|M) has {needs}: give one probability for each"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_are_no_conditional_are_refused_by_name() {
        for (policies, rows, says) in [
            (2, vec![1.0; 3], "3 probabilities for 2 policies"),
            (0, vec![], "0 probabilities for 0 policies"),
            (2, vec![1.0, 0.0, 0.5, 0.6], "q(π|M) of model 1: the probabilities sum to 1.1"),
            (2, vec![f64::NAN, 0.0], "q(π|M) of model 0: probability 0 is NaN"),
        ] {
            let error = Conditional::new(policies, rows).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let q = Conditional::constant(2, &[0.25, 0.75]).unwrap();
        assert_eq!([q.models(), q.policies()], [2, 2]);
        assert_eq!(q.row(1), q.row(0));
        for (weights, says) in [
            (&[1.0][..], "1 weights for 2 models"),
            (&[0.5, 0.6], "the weights of the models: the probabilities sum to 1.1"),
            (&[f64::NAN, 1.0], "the weights of the models: probability 0 is NaN"),
        ] {
            let error = q.marginal(weights).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(Conditional::constant(0, &[1.0]).is_err());
    }
}
