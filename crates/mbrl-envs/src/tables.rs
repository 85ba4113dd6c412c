//! Writing the tables of a finite world, move by move.

use mbrl_core::{Error, Result, TabularMdp};

/// The tables of a finite world in the making.
///
/// ```
/// use mbrl_envs::TableBuilder;
///
/// # fn main() -> mbrl_core::Result<()> {
/// // A coin that is tossed until it shows its head.
/// let mut tables = TableBuilder::new(2, 1)?;
/// tables.leads(0, 0, 0, 0.5, 0.0).leads(0, 0, 1, 0.5, 1.0).starts_in(0).ends_in(1);
/// assert_eq!(tables.build()?.mean_reward(0, 0), 0.5);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TableBuilder {
    states: usize,
    actions: usize,
    transition: Vec<f64>,
    reward: Vec<f64>,
    start: Vec<f64>,
    terminal: Vec<bool>,
}

/// More numbers than this a table (half a gigabyte) are a slip of the hand.
const MOST_CELLS: usize = 1 << 26;

impl TableBuilder {
    /// Tables for so many states and actions, in which nothing is possible yet.
    pub fn new(states: usize, actions: usize) -> Result<Self> {
        let cells = states.checked_mul(states).and_then(|cells| cells.checked_mul(actions));
        let Some(cells @ 1..=MOST_CELLS) = cells else {
            return Err(Error::invalid(format_args!(
                "{states} states and {actions} actions: their moves must number 1 to {MOST_CELLS}"
            )));
        };
        Ok(TableBuilder {
            states,
            actions,
            transition: vec![0.0; cells],
            reward: vec![0.0; cells],
            start: vec![0.0; states],
            terminal: vec![false; states],
        })
    }

    /// Adds `probability` that `action` in `state` leads to `next`, which earns `reward`. A move has one reward a successor:
    /// of what is added to the same one, the mean by probability.
    ///
    /// # Panics
    ///
    /// Where there is no such state or action.
    pub fn leads(
        &mut self,
        state: usize,
        action: usize,
        next: usize,
        probability: f64,
        reward: f64,
    ) -> &mut Self {
        assert!(state < self.states && action < self.actions && next < self.states, "no such move");
        let cell = (state * self.actions + action) * self.states + next;
        let before = self.transition[cell];
        self.transition[cell] = before + probability;
        // A single reward, or the same one again, is kept to the bit.
        self.reward[cell] = if before > 0.0 {
            self.reward[cell] + probability / (before + probability) * (reward - self.reward[cell])
        } else {
            reward
        };
        self
    }

    /// Every episode starts in `state`.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn starts_in(&mut self, state: usize) -> &mut Self {
        self.start.fill(0.0);
        self.start[state] = 1.0;
        self
    }

    /// Entering `state` ends the episode.
    ///
    /// # Panics
    ///
    /// Where there is no such state.
    pub fn ends_in(&mut self, state: usize) -> &mut Self {
        self.terminal[state] = true;
        // Never used, but rows of a table they are.
        for action in 0..self.actions {
            let row = (state * self.actions + action) * self.states;
            self.transition[row..row + self.states].fill(0.0);
            self.reward[row..row + self.states].fill(0.0);
            self.transition[row + state] = 1.0;
        }
        self
    }

    /// The tables, whose probabilities must sum to 1.
    pub fn build(&self) -> Result<TabularMdp> {
        TabularMdp::new(
            self.actions,
            self.transition.clone(),
            self.reward.clone(),
            self.start.clone(),
            self.terminal.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for (states, actions) in [(0, 1), (1, 0), (1 << 20, 2), (usize::MAX, 2)] {
            assert!(TableBuilder::new(states, actions).unwrap_err().is_invalid());
        }
    }

    #[test]
    fn rewards_that_meet_in_a_successor_are_averaged_by_probability() {
        let mut tables = TableBuilder::new(2, 1).unwrap();
        tables.leads(0, 0, 0, 0.5, 10.0).leads(0, 0, 0, 0.5, 0.0);
        tables.leads(1, 0, 0, 0.1, 7.0).leads(1, 0, 1, 0.6, 0.3).leads(1, 0, 0, 0.3, -1.0);
        let mdp = tables.starts_in(0).build().unwrap();
        assert!((mdp.mean_reward(0, 0) - 5.0).abs() < 1e-15, "{}", mdp.mean_reward(0, 0));
        assert!((mdp.reward(1, 0)[0] - (0.7 - 0.3) / 0.4).abs() < 1e-12, "{:?}", mdp.reward(1, 0));
        assert_eq!(mdp.reward(1, 0)[1].to_bits(), 0.3f64.to_bits());
    }

    #[test]
    fn an_impossible_move_and_the_same_reward_again_change_no_bit() {
        let mut tables = TableBuilder::new(1, 1).unwrap();
        tables.leads(0, 0, 0, 0.0, 9.0).leads(0, 0, 0, 0.0, 8.0);
        for _ in 0..10 {
            tables.leads(0, 0, 0, 0.1, 0.3);
        }
        let mdp = tables.starts_in(0).build().unwrap();
        assert_eq!(mdp.reward(0, 0)[0].to_bits(), 0.3f64.to_bits());
    }
}
