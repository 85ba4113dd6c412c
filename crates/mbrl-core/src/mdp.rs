//! Finite Markov decision processes, written out.

use crate::{Error, Result};

/// A finite Markov decision process as tables, in `f64`.
///
/// Rewards belong to whole moves (state, action, successor). A terminal state is one whose entering ends the episode;
/// its own rows are never used.
#[derive(Clone, Debug, PartialEq)]
pub struct TabularMdp {
    states: usize,
    actions: usize,
    transition: Vec<f64>,
    reward: Vec<f64>,
    start: Vec<f64>,
    terminal: Vec<bool>,
}

/// How far a row of probabilities may be from summing to one.
const SLACK: f64 = 1e-9;

impl TabularMdp {
    /// The process with transition probabilities and rewards `[states, actions, states]`, start probabilities and
    /// terminal marks `[states]`.
    pub fn new(
        actions: usize,
        transition: Vec<f64>,
        reward: Vec<f64>,
        start: Vec<f64>,
        terminal: Vec<bool>,
    ) -> Result<Self> {
        let states = start.len();
        let cells = states.checked_mul(states).and_then(|cells| cells.checked_mul(actions)).unwrap_or(0);
        if cells == 0 {
            return Err(Error::invalid(format_args!("an MDP of {states} states and {actions} actions")));
        }
        for (name, len, expected) in [
            ("transition probabilities", transition.len(), cells),
            ("rewards", reward.len(), cells),
            ("terminal marks", terminal.len(), states),
        ] {
            if len != expected {
                return Err(Error::invalid(format_args!("{len} {name}: expected {expected}")));
            }
        }
        check_distribution(&start).map_err(|e| e.wrap("start distribution"))?;
        for (row, probabilities) in transition.chunks_exact(states).enumerate() {
            check_distribution(probabilities)
                .map_err(|e| e.wrap(format_args!("state {}, action {}", row / actions, row % actions)))?;
        }
        if let Some(i) = reward.iter().position(|r| !r.is_finite()) {
            let (row, next) = (i / states, i % states);
            let (state, action) = (row / actions, row % actions);
            return Err(Error::non_finite(format_args!(
                "the reward of state {state}, action {action}, successor {next} is {}",
                reward[i]
            )));
        }
        Ok(TabularMdp { states, actions, transition, reward, start, terminal })
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// The number of actions.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// The probabilities of the successors of a move, `[states]`.
    #[inline]
    pub fn transition(&self, state: usize, action: usize) -> &[f64] {
        &self.transition[self.row(state, action)]
    }

    /// The rewards of a move by its successor, `[states]`.
    #[inline]
    pub fn reward(&self, state: usize, action: usize) -> &[f64] {
        &self.reward[self.row(state, action)]
    }

    /// The mean reward of a move.
    pub fn mean_reward(&self, state: usize, action: usize) -> f64 {
        self.transition(state, action).iter().zip(self.reward(state, action)).map(|(p, r)| p * r).sum()
    }

    /// The probabilities of the first states, `[states]`.
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// Whether entering `state` ends the episode.
    #[inline]
    pub fn is_terminal(&self, state: usize) -> bool {
        self.terminal[state]
    }

    #[inline]
    fn row(&self, state: usize, action: usize) -> std::ops::Range<usize> {
        assert!(state < self.states && action < self.actions, "state {state}, action {action}");
        let start = (state * self.actions + action) * self.states;
        start..start + self.states
    }
}

fn check_distribution(probabilities: &[f64]) -> Result<()> {
    if let Some(i) = probabilities.iter().position(|p| p.is_nan() || *p < 0.0) {
        return Err(Error::invalid(format_args!("probability {i} is {}", probabilities[i])));
    }
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > SLACK {
        return Err(Error::invalid(format_args!("probabilities sum to {sum}: expected 1")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mdp(transition: &[f64], reward: &[f64]) -> Result<TabularMdp> {
        TabularMdp::new(1, transition.to_vec(), reward.to_vec(), vec![1.0, 0.0], vec![false, true])
    }

    #[test]
    fn tables_that_are_no_mdp_are_refused_by_name() {
        let rewards = [0.0, 1.0, 0.0, 0.0];
        let sound = mdp(&[0.25, 0.75, 0.0, 1.0], &rewards).unwrap();
        assert!((sound.mean_reward(0, 0) - 0.75).abs() < 1e-15);
        for (transition, reward, says) in [
            (&[0.5, 0.6, 0.0, 1.0][..], &rewards[..], "state 0, action 0: probabilities sum to 1.1"),
            (&[1.5, -0.5, 0.0, 1.0], &rewards, "state 0, action 0: probability 1 is -0.5"),
            (&[1.0, 0.0, f64::NAN, 1.0], &rewards, "state 1, action 0: probability 0 is NaN"),
            (&[1.0, 0.0, 0.0], &rewards, "3 transition probabilities: expected 4"),
            (&[1.0, 0.0, 0.0, 1.0], &[0.0, f64::NAN, 0.0, 0.0], "state 0, action 0, successor 1 is NaN"),
        ] {
            let error = mdp(transition, reward).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
