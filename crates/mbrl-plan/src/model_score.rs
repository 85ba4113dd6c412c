//! What plans are worth in a model.

use crate::{Acting, Effort, Returns, Rollout, Score, Workspace};
use mbrl_core::{Error, Key, Result, Rows};

/// Scores plans by the mean, over replicas, of their discounted returns in a model.
///
/// With [`Diverged::Drop`](crate::Diverged::Drop) a plan that has a replica without a finite successor ranks last.
#[derive(Debug)]
pub struct ModelScore<'a> {
    rollout: Rollout<'a>,
    start: Rows<'a>,
    workspace: &'a mut Workspace<Returns>,
    effort: Effort,
}

impl<'a> ModelScore<'a> {
    /// Plans begin at `start`, a model state.
    pub fn new(rollout: Rollout<'a>, start: &'a [f32], workspace: &'a mut Workspace<Returns>) -> Self {
        ModelScore { rollout, start: Rows::single(start), workspace, effort: Effort::default() }
    }

    /// How much was imagined so far.
    pub fn effort(&self) -> Effort {
        self.effort
    }
}

impl Score for ModelScore<'_> {
    fn score(&mut self, plans: Rows<'_>, key: Key, scores: &mut [f64]) -> Result<()> {
        if plans.len() != scores.len() {
            return Err(Error::invalid(format_args!("{} scores for {} plans", scores.len(), plans.len())));
        }
        let effort = self.rollout.run(self.start, Acting::Plans(plans), key, self.workspace)?;
        self.effort.steps += effort.steps;
        self.effort.lost += effort.lost;
        scores.fill(0.0);
        let returns = self.workspace.sinks().flat_map(|sink| sink.sums());
        for (row, sum) in returns.enumerate() {
            scores[row % plans.len()] += sum;
        }
        let replicas = self.rollout.replicas as f64;
        scores.iter_mut().for_each(|score| *score /= replicas);
        Ok(())
    }
}
