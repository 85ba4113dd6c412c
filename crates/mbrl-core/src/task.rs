//! What is wanted of a world: its rewards, and when it is over.

use crate::{End, Error, Result, Rows};
use std::fmt;
use std::sync::Arc;

/// Moves to be judged: three tables of equally many rows.
#[derive(Clone, Copy, Debug)]
pub struct Moves<'a> {
    /// What was observed, `[rows, obs]`.
    pub obs: Rows<'a>,
    /// What was done, `[rows, act]`.
    pub act: Rows<'a>,
    /// What was observed next, `[rows, obs]`.
    pub next_obs: Rows<'a>,
}

/// The reward of moves.
pub trait RewardFn: Send + Sync {
    /// Writes the reward of each row, `[rows]`.
    fn reward(&self, moves: Moves<'_>, reward: &mut [f32]) -> Result<()>;
}

/// Whether moves end their episode.
pub trait TerminationFn: Send + Sync {
    /// Writes of each row whether it terminated or the episode goes on, `[rows]`.
    fn end(&self, moves: Moves<'_>, end: &mut [End]) -> Result<()>;
}

/// What is known of a task. Each part is there or is to be learnt: MBPO, for one, learns the reward and knows the
/// termination.
///
/// A native environment uses the very functions that it hands to imagination, so that the two cannot drift apart.
///
/// ```
/// use mbrl_core::Task;
///
/// let task = Task::unknown()
///     .rewarding(|_obs, act, next_obs| -next_obs[0].abs() - 0.1 * act[0] * act[0])
///     .terminating(|_obs, _act, next_obs| next_obs[0].abs() > 2.0);
/// assert!(task.reward.is_some() && task.termination.is_some());
/// ```
#[derive(Clone, Default)]
pub struct Task {
    /// The reward, where it is known.
    pub reward: Option<Arc<dyn RewardFn>>,
    /// The termination, where it is known.
    pub termination: Option<Arc<dyn TerminationFn>>,
}

impl Task {
    /// Nothing is known: reward and termination are both to be learnt.
    pub fn unknown() -> Self {
        Task::default()
    }

    /// This task with a known reward: of (obs, act, next obs), one row at a time.
    #[must_use]
    pub fn rewarding(
        mut self,
        reward: impl Fn(&[f32], &[f32], &[f32]) -> f32 + Send + Sync + 'static,
    ) -> Self {
        self.reward = Some(Arc::new(PerRow(reward)));
        self
    }

    /// This task with a known termination: of (obs, act, next obs), one row at a time.
    #[must_use]
    pub fn terminating(
        mut self,
        ended: impl Fn(&[f32], &[f32], &[f32]) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.termination = Some(Arc::new(PerRow(ended)));
        self
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |yes| if yes { "known" } else { "to be learnt" };
        f.debug_struct("Task")
            .field("reward", &known(self.reward.is_some()))
            .field("termination", &known(self.termination.is_some()))
            .finish()
    }
}

impl<'a> Moves<'a> {
    /// Refuses tables of different lengths, or a number of answers that is not theirs.
    pub fn check(&self, answers: usize) -> Result<()> {
        let rows = self.obs.len();
        if [self.act.len(), self.next_obs.len(), answers] != [rows; 3] {
            return Err(Error::invalid(format_args!(
                "{rows} observations, {} actions and {} successors for {answers} answers: give as many of each",
                self.act.len(),
                self.next_obs.len()
            )));
        }
        Ok(())
    }

    /// The moves one by one, as (obs, act, next obs).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a [f32], &'a [f32], &'a [f32])> + use<'a> {
        let moves = *self;
        (0..moves.obs.len()).map(move |i| (moves.obs.row(i), moves.act.row(i), moves.next_obs.row(i)))
    }
}

/// A function of one row, applied to each.
struct PerRow<F>(F);

impl<F: Fn(&[f32], &[f32], &[f32]) -> f32 + Send + Sync> RewardFn for PerRow<F> {
    fn reward(&self, moves: Moves<'_>, reward: &mut [f32]) -> Result<()> {
        moves.check(reward.len())?;
        for (out, (obs, act, next_obs)) in reward.iter_mut().zip(moves.iter()) {
            *out = (self.0)(obs, act, next_obs);
        }
        Ok(())
    }
}

impl<F: Fn(&[f32], &[f32], &[f32]) -> bool + Send + Sync> TerminationFn for PerRow<F> {
    fn end(&self, moves: Moves<'_>, end: &mut [End]) -> Result<()> {
        moves.check(end.len())?;
        for (out, (obs, act, next_obs)) in end.iter_mut().zip(moves.iter()) {
            *out = if (self.0)(obs, act, next_obs) { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}
