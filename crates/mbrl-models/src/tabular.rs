//! Posteriors over finite Markov decision processes, in closed form: Dirichlet successors and conjugate rewards.
//!
//! This is what posterior sampling for reinforcement learning (Strens 2000; Osband, Russo & Van Roy 2013) draws a world from
//! before each episode.

mod belief;
pub(crate) mod config;
mod model;
mod reward;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

pub use config::{Distortion, TabularConfig};
pub use model::TabularModel;
pub use reward::RewardBelief;

use crate::special::ln_gamma;
use mbrl_core::{Key, Result, Spec, TabularMdp, Transition};
use reward::Earned;
use tables::{Prior, Seen};

/// What is believed of a finite world: successors and mean rewards of each move, independently of each other.
///
/// Where episodes start and which states are terminal is known. A terminal state is never left: in every drawn world its
/// moves lead back to it and earn nothing. What is drawn is the *mean* reward of a move; rewards do not depend on the
/// successor.
///
/// ```
/// use mbrl_core::{End, Key, Origin, Space, Spec, Transition};
/// use mbrl_models::{TabularConfig, TabularPosterior};
///
/// # fn main() -> mbrl_core::Result<()> {
/// let spec = Spec::new(Space::discrete(2)?, Space::discrete(1)?);
/// let mut posterior = TabularPosterior::new(&spec, vec![1.0, 0.0], vec![false; 2], TabularConfig::default())?;
/// posterior.observe(Transition {
///     obs: &[0.0], act: &[0.0], next_obs: &[1.0], reward: 0.5, end: End::Running, origin: Origin::World,
/// })?;
/// // One observation on top of Dirichlet(1, 1), whatever is drawn.
/// assert!((posterior.mean()?.transition(0, 0)[1] - 2.0 / 3.0).abs() < 1e-12);
/// assert_eq!(posterior.draw(Key::root(1))?, posterior.draw(Key::root(1))?);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TabularPosterior {
    prior: Prior,
    seen: Seen,
    /// The world drawn last.
    model: TabularModel,
}

impl TabularPosterior {
    /// The prior over worlds of these discrete spaces, first states (probabilities, `[states]`) and terminal states
    /// (marks, `[states]`). The model to imagine with is its mean until something is fitted or drawn.
    pub fn new(spec: &Spec, start: Vec<f64>, terminal: Vec<bool>, config: TabularConfig) -> Result<Self> {
        let prior = Prior::new(spec, start, terminal, config)?;
        let seen = prior.nothing_seen();
        let model = TabularModel::new(prior.mean(&seen, Distortion::NONE)?)?;
        Ok(TabularPosterior { prior, seen, model })
    }

    /// Takes one transition into account. The world drawn last stays as it is.
    ///
    /// Refused are indices that are none, a reward that the prior excludes, a move out of a terminal state, and an end
    /// that contradicts the terminal marks.
    pub fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.prior.add(&mut self.seen, transition)
    }

    /// A world drawn from the posterior. The world drawn last stays as it is; see [`Belief::redraw`](mbrl_core::Belief::redraw).
    pub fn draw(&self, key: Key) -> Result<TabularMdp> {
        self.draw_distorted(Distortion::NONE, key)
    }

    /// A world drawn from an approximation of the posterior.
    pub fn draw_distorted(&self, distortion: Distortion, key: Key) -> Result<TabularMdp> {
        self.prior.draw(&self.seen, distortion, key)
    }

    /// The world of posterior means.
    pub fn mean(&self) -> Result<TabularMdp> {
        self.mean_distorted(Distortion::NONE)
    }

    /// The world of means of an approximation of the posterior.
    pub fn mean_distorted(&self, distortion: Distortion) -> Result<TabularMdp> {
        self.prior.mean(&self.seen, distortion)
    }

    /// M̂_D, the world that the data describe without a prior: successors as often, and rewards as large in the mean, as they
    /// were seen. Of moves that were never made the data say nothing, so these are taken from `fallback`.
    pub fn empirical(&self, fallback: &TabularMdp) -> Result<TabularMdp> {
        self.prior.empirical(&self.seen, fallback)
    }

    /// The world drawn last, as a model: the mean of the prior, where none was drawn yet.
    pub fn drawn(&self) -> &TabularModel {
        &self.model
    }

    /// The prior.
    pub fn config(&self) -> &TabularConfig {
        &self.prior.config
    }

    /// How often each successor of a move was met, `[states]`.
    ///
    /// # Panics
    ///
    /// Where there is no such state or action.
    pub fn counts(&self, state: usize, action: usize) -> &[u64] {
        let at = self.prior.at(state, action);
        &self.seen.successors[at * self.prior.states..][..self.prior.states]
    }

    /// The Dirichlet parameters of the successors of a move, one for each state.
    ///
    /// # Panics
    ///
    /// Where there is no such state or action.
    pub fn concentration(&self, state: usize, action: usize) -> impl ExactSizeIterator<Item = f64> {
        self.prior.concentration(&self.seen, self.prior.at(state, action))
    }

    /// What is believed of the mean reward of a move.
    ///
    /// # Panics
    ///
    /// Where there is no such state or action.
    pub fn reward(&self, state: usize, action: usize) -> RewardBelief {
        self.prior.reward(&self.seen, self.prior.at(state, action))
    }

    /// The logarithm of the probability of the successors seen, in the order seen, with all that is unknown of them
    /// integrated out.
    pub fn transition_log_marginal_likelihood(&self) -> f64 {
        let (alpha, states) = (self.prior.config.concentration, self.prior.states);
        let (of_one, total) = (ln_gamma(alpha), alpha * states as f64);
        let of_move = |(counts, earned): (&[u64], &Earned)| {
            let met = counts.iter().filter(|n| **n > 0).map(|n| ln_gamma(alpha + *n as f64) - of_one);
            met.sum::<f64>() + ln_gamma(total) - ln_gamma(total + earned.count as f64)
        };
        let moves = self.seen.successors.chunks_exact(states).zip(&self.seen.earned);
        moves.filter(|(_, earned)| earned.count > 0).map(of_move).sum()
    }

    /// The logarithm of the density of the rewards seen, with all that is unknown of them integrated out. Under a beta
    /// prior it is that of scaled rewards taken for outcomes of trials.
    pub fn reward_log_marginal_likelihood(&self) -> f64 {
        let met = self.seen.earned.iter().filter(|earned| earned.count > 0);
        met.map(|earned| self.prior.config.reward.log_marginal_likelihood(earned)).sum()
    }
}
