//! By how much a model is off, and how unsure it is, transition by transition.

use super::predictions::{Predictions, average};
use super::rank_correlation::RankSpec;
use crate::measure::{Columns, uncertainty};
use mbrl_core::{Dataset, Result, Spread};

/// True errors, and what the measures say of the same transitions.
pub(super) struct Doubt {
    /// The 2-norm of what the members predict on average less what came, by transition.
    pub(super) errors: Vec<f64>,
    /// What each measure says, in the order asked for, by transition.
    pub(super) unsure: Vec<Vec<f64>>,
}

impl Doubt {
    pub(super) fn of(
        model: &dyn Spread,
        data: &dyn Dataset,
        rows: &[u32],
        spec: RankSpec<'_>,
    ) -> Result<Self> {
        let predictions = Predictions::new(model, data, rows)?;
        let state_dim = predictions.state_dim;
        let counted = match spec.error {
            Columns::All => predictions.dim,
            Columns::State => state_dim,
        };
        let mut errors = Vec::with_capacity(rows.len());
        let mut unsure = vec![Vec::with_capacity(rows.len()); spec.measures.len()];
        let (mut mean, mut values) = (vec![0.0; predictions.dim], Vec::new());
        predictions.each(|chunk| {
            for (row, target) in chunk.target.iter().enumerate() {
                average(chunk.moments, row, &mut mean);
                let off = mean[..counted].iter().zip(target).map(|(mean, x)| (mean - f64::from(*x)).powi(2));
                errors.push(off.sum::<f64>().sqrt());
            }
            values.resize(chunk.rows.len(), 0.0);
            for (measure, unsure) in spec.measures.iter().zip(&mut unsure) {
                uncertainty(*measure, chunk.moments, state_dim, spec.elites, &mut values)?;
                unsure.extend(values.iter().map(|x| f64::from(*x)));
            }
            Ok(())
        })?;
        Ok(Doubt { errors, unsure })
    }
}
