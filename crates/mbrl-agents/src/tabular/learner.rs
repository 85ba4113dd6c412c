//! What learns tables from episodes, each of which it plays by one policy.

use super::EpisodePolicy;
use mbrl_core::{Key, Result, Transition};
use std::io::{Read, Write};

/// A learner that settles before each episode on what it will do in it, so that its regret can be computed and not only
/// sampled: [`regret`](crate::regret).
pub trait TabularLearner: Send {
    /// What is done in the episode that comes.
    fn plan(&mut self, key: Key) -> Result<EpisodePolicy>;

    /// The episode begins in this state.
    fn begin(&mut self, state: usize) -> Result<()>;

    /// Sees a move.
    fn observe(&mut self, transition: Transition<'_>) -> Result<()>;

    /// What it would do if it no longer had to learn.
    fn best(&self) -> Result<EpisodePolicy>;

    /// After how many steps a policy has been followed long enough: an episode, where these are cut.
    fn span(&self) -> usize;

    /// Writes all that it has learnt.
    fn save(&self, out: &mut dyn Write) -> Result<()>;

    /// Reads what a learner that was built alike has saved.
    fn load(&mut self, from: &mut dyn Read) -> Result<()>;
}
