//! What a plan is worth: the one question that an optimizer asks.

use mbrl_core::{Error, Key, Result, Rows};

/// Says what plans are worth. More is better.
///
/// A plan is a row: the actions of all its steps, one behind the other, `[horizon · act]`. A score that is not finite ranks
/// below every finite one and is counted; it never makes a plan look good.
pub trait Score {
    /// Writes the score of each plan: `[plans, horizon · act]` to `[plans]`. Chance is drawn from `key`: equal keys and
    /// plans give equal scores.
    fn score(&mut self, plans: Rows<'_>, key: Key, scores: &mut [f64]) -> Result<()>;
}

/// Any function that scores a whole table of plans.
impl<F: FnMut(Rows<'_>, Key, &mut [f64]) -> Result<()>> Score for F {
    fn score(&mut self, plans: Rows<'_>, key: Key, scores: &mut [f64]) -> Result<()> {
        self(plans, key, scores)
    }
}

/// A function of one plan, `[horizon · act]`, as a [`Score`].
///
/// ```
/// use mbrl_core::{Key, Rows};
/// use mbrl_plan::{PerPlan, Score};
///
/// let mut score = PerPlan(|plan: &[f32]| -f64::from(plan[0]).powi(2));
/// let mut scores = [0.0; 2];
/// score.score(Rows::new(&[3.0, 0.0], 1)?, Key::root(0), &mut scores)?;
/// assert_eq!(scores, [-9.0, 0.0]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PerPlan<F>(pub F);

impl<F: FnMut(&[f32]) -> f64> Score for PerPlan<F> {
    fn score(&mut self, plans: Rows<'_>, _: Key, scores: &mut [f64]) -> Result<()> {
        if plans.len() != scores.len() {
            return Err(Error::invalid(format_args!("{} scores for {} plans", scores.len(), plans.len())));
        }
        scores.iter_mut().zip(plans.iter()).for_each(|(score, plan)| *score = (self.0)(plan));
        Ok(())
    }
}
