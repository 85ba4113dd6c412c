//! Garnet: a random finite world (Archibald, McKinnon & Thomas 1995), drawn from a prior that is stated here in full.
//!
//! Independently for each state and action: `branching` distinct successors, uniformly among all sets of so many; their
//! probabilities from Dirichlet(1, …, 1), as exponential spacings; a mean reward, uniform on [0, 1], that every
//! successor earns. With `branching` = `states` this is exactly the prior Dirichlet(1, …, 1) × Beta(1, 1) of posterior
//! sampling. Episodes start in state 0; nothing terminates.

use crate::{Finite, TableBuilder};
use mbrl_core::{Error, Key, Result, TabularMdp};
use rand::Rng;
use std::sync::Arc;

/// A random finite world.
#[derive(Clone, Debug)]
pub struct Garnet {
    mdp: Arc<TabularMdp>,
    horizon: u32,
}

impl Garnet {
    /// Draws a world of so many states and actions, where a move has `branching` possible successors, for episodes of
    /// `horizon` steps.
    pub fn draw(states: usize, actions: usize, branching: usize, horizon: u32, key: Key) -> Result<Self> {
        if branching == 0 || branching > states {
            return Err(Error::invalid(format_args!(
                "{branching} successors of {states} states: choose 1 to {states}"
            )));
        }
        let mut tables = TableBuilder::new(states, actions)?;
        let mut rng = key.rng();
        let mut order: Vec<usize> = (0..states).collect();
        let mut weights = vec![0.0; branching];
        for state in 0..states {
            for action in 0..actions {
                // The first steps of Fisher and Yates: any order to begin with does.
                for i in 0..branching {
                    order.swap(i, rng.random_range(i..states));
                }
                // 1 − u is in (0, 1], and adding the smallest number keeps a sum of zeros from being divided by.
                weights.fill_with(|| f64::MIN_POSITIVE - (1.0 - rng.random::<f64>()).ln());
                let sum: f64 = weights.iter().sum();
                let reward = rng.random();
                for (next, weight) in order.iter().zip(&weights) {
                    tables.leads(state, action, *next, weight / sum, reward);
                }
            }
        }
        Ok(Garnet { mdp: Arc::new(tables.starts_in(0).build()?), horizon })
    }
}

/// Ten states, four actions, three successors of each move, episodes of 30 steps.
impl Default for Garnet {
    fn default() -> Self {
        Garnet::draw(10, 4, 3, 30, Key::root(0).child("garnet")).expect("these sizes are sound")
    }
}

impl Finite for Garnet {
    fn mdp(&self) -> Result<TabularMdp> {
        Ok((*self.mdp).clone())
    }

    fn horizon(&self) -> u32 {
        self.horizon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let key = Key::root(0);
        for (states, actions, branching) in [(5, 2, 0), (5, 2, 6), (0, 2, 0), (5, 0, 2)] {
            assert!(Garnet::draw(states, actions, branching, 10, key).unwrap_err().is_invalid());
        }
    }

    #[test]
    fn moves_have_so_many_successors_and_the_prior_its_moments() {
        const STATES: usize = 6;
        let (mut squares, mut rewards, mut moves) = (0.0, 0.0, 0.0);
        for i in 0..400 {
            let garnet = Garnet::draw(STATES, 2, STATES, 10, Key::root(1).at(i)).unwrap();
            for state in 0..STATES {
                squares += garnet.mdp.transition(state, 1).iter().map(|p| p * p).sum::<f64>();
                rewards += garnet.mdp.mean_reward(state, 1);
                moves += 1.0;
            }
        }
        // E Σ p² = 2 / (n + 1) of Dirichlet(1, …, 1); Σ p² has standard deviation below 0.11 here, a uniform reward
        // 0.289. Six standard errors have a false-alarm rate of 2e-9.
        let error = 6.0 / f64::sqrt(moves);
        assert!((squares / moves - 2.0 / 7.0).abs() < 0.11 * error, "{}", squares / moves);
        assert!((rewards / moves - 0.5).abs() < 0.289 * error, "{}", rewards / moves);
        let sparse = Garnet::draw(9, 2, 4, 10, Key::root(2)).unwrap();
        for state in 0..9 {
            assert_eq!(sparse.mdp.transition(state, 0).iter().filter(|p| **p > 0.0).count(), 4);
        }
    }

    /// Pearson's χ² of counts against how often each should come. By Laurent & Massart's bound, χ² with k degrees of freedom
    /// exceeds k + 2√(kx) + 2x with probability below e^−x; with x = 19 that is 6e-9.
    fn agree(counts: &[f64], share: impl Fn(usize) -> f64) -> bool {
        let (all, freedom) = (counts.iter().sum::<f64>(), counts.len() as f64 - 1.0);
        let chi2: f64 = counts
            .iter()
            .enumerate()
            .map(|(i, count)| (count - all * share(i)) * (count - all * share(i)) / (all * share(i)))
            .sum();
        chi2 < freedom + 2.0 * (freedom * 19.0).sqrt() + 2.0 * 19.0
    }

    /// The four tests together raise a false alarm under a drawn key with probability below 3e-8; this key is fixed.
    #[test]
    fn sets_of_successors_are_uniform_and_know_nothing_of_the_moves_before() {
        const STATES: usize = 10;
        const ACTIONS: usize = 20;
        // Each set as its bits, move after move: 20,000 of them, in 100 worlds.
        let mut sets: Vec<u32> = Vec::new();
        for i in 0..100 {
            let garnet = Garnet::draw(STATES, ACTIONS, 3, 10, Key::root(6).at(i)).unwrap();
            for (state, action) in (0..STATES).flat_map(|s| (0..ACTIONS).map(move |a| (s, a))) {
                let row = garnet.mdp.transition(state, action).iter().enumerate();
                sets.push(row.map(|(next, p)| u32::from(*p > 0.0) << next).sum());
            }
        }
        // All 120 sets of three among ten are equally frequent.
        let all: Vec<u32> = (0..1 << STATES).filter(|set: &u32| set.count_ones() == 3).collect();
        let of = |wanted: &u32| sets.iter().filter(|set| *set == wanted).count() as f64;
        assert_eq!(all.len(), 120);
        assert!(agree(&all.iter().map(of).collect::<Vec<_>>(), |_| 1.0 / 120.0));
        // Two independent sets share j states with probability C(3, j) C(7, 3 − j) / C(10, 3), and so do a move and the next,
        // the one after that, and the same action of the next state.
        for lag in [1, 2, ACTIONS] {
            let mut shared = [0.0; 4];
            for (a, b) in sets.iter().zip(&sets[lag..]) {
                shared[(a & b).count_ones() as usize] += 1.0;
            }
            assert!(agree(&shared, |j| [35.0, 63.0, 21.0, 1.0][j] / 120.0), "{shared:?} at {lag}");
        }
    }
}
