//! Everything that can be seen of an episode in one of finitely many worlds.

use super::policies::Policies;
use super::posterior::{FiniteBelief, Move, acted, same_reward};
use mbrl_core::{Error, Result};
use std::collections::BTreeMap;

/// The outcomes of an episode, up to the order of its moves: how likely each is depends on the model only through how
/// often each move was made.
pub(super) struct Outcomes {
    pub(super) list: Vec<Outcome>,
    cells: Vec<Cell>,
    states: usize,
}

/// A first state, and how often each cell was seen.
pub(super) struct Outcome {
    /// How often an episode began in each state, then how often each cell was seen.
    pub(super) counts: Vec<u32>,
    /// What the world contributes to its probability, in each model.
    pub(super) likelihood: Vec<f64>,
    /// What the choices of actions contribute, summed over the orders of its moves, for each policy.
    pub(super) chosen: Vec<f64>,
}

/// A move and its reward, which may tell models apart.
struct Cell {
    seen: Move,
    reward: f64,
    /// How likely it is in each model.
    probability: Vec<f64>,
}

impl Outcomes {
    /// All outcomes of `horizon` steps that have any probability; `most` of them at most.
    pub(super) fn new(belief: &FiniteBelief, policies: &Policies, horizon: u64, most: usize) -> Result<Self> {
        let (mdps, states) = (belief.mdps(), belief.mdps()[0].states());
        let cells = cells(belief, policies);
        let mut now = BTreeMap::new();
        for state in 0..states {
            let likelihood: Vec<f64> = mdps.iter().map(|mdp| mdp.start()[state]).collect();
            if likelihood.iter().any(|p| *p > 0.0) {
                let mut counts = vec![0; states + cells.len()];
                counts[state] = 1;
                let chosen = vec![1.0; policies.count()];
                now.insert((counts.clone(), state), Outcome { counts, likelihood, chosen });
            }
        }
        for _ in 0..horizon {
            let mut later: BTreeMap<(Vec<u32>, usize), Outcome> = BTreeMap::new();
            for ((counts, state), outcome) in now {
                if mdps[0].is_terminal(state) {
                    later.insert((counts, state), outcome);
                    continue;
                }
                for (i, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.seen.state == state) {
                    let Some(after) = outcome.then(i + states, cell, policies) else { continue };
                    later
                        .entry((after.counts.clone(), cell.seen.next))
                        .and_modify(|same| add(&mut same.chosen, &after.chosen))
                        .or_insert(after);
                }
                if later.len() > most {
                    // Here and not after the step, which may make of each outcome as many as there are moves.
                    return Err(Error::invalid(format_args!(
                        "an episode has more than {most} outcomes: take a shorter horizon, or fewer states"
                    )));
                }
            }
            now = later;
        }
        Ok(Outcomes { list: now.into_values().collect(), cells, states })
    }

    /// The length of [`Outcome::counts`].
    pub(super) fn columns(&self) -> usize {
        self.states + self.cells.len()
    }

    /// The moves that were seen in some episodes with these counts, their rewards, and how often they were.
    pub(super) fn moves<'a>(&'a self, counts: &'a [u32]) -> impl Iterator<Item = (&'a Move, f64, u64)> {
        let seen = self.cells.iter().zip(&counts[self.states..]);
        seen.filter(|(_, times)| **times > 0)
            .map(|(cell, times)| (&cell.seen, cell.reward, u64::from(*times)))
    }
}

impl Outcome {
    /// This outcome with one move more, where any model and policy make it.
    fn then(&self, column: usize, cell: &Cell, policies: &Policies) -> Option<Outcome> {
        let likelihood: Vec<f64> =
            self.likelihood.iter().zip(&cell.probability).map(|(l, p)| l * p).collect();
        let Move { state, action, .. } = cell.seen;
        let chosen = self.chosen.iter().zip(policies.as_slice());
        let chosen: Vec<f64> = chosen.map(|(c, policy)| c * policy.probabilities(state)[action]).collect();
        let possible = |factors: &[f64]| factors.iter().any(|p| *p > 0.0);
        if !possible(&likelihood) || !possible(&chosen) {
            return None;
        }
        let mut counts = self.counts.clone();
        counts[column] += 1;
        Some(Outcome { counts, likelihood, chosen })
    }
}

pub(super) fn add(sum: &mut [f64], terms: &[f64]) {
    sum.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
}

/// The moves that some policy makes and that some model makes possible, once for each reward that models give them.
fn cells(belief: &FiniteBelief, policies: &Policies) -> Vec<Cell> {
    let mdps = belief.mdps();
    let mut cells = Vec::new();
    let made =
        |state, action| policies.as_slice().iter().any(|policy| policy.probabilities(state)[action] > 0.0);
    for (state, action) in acted(&mdps[0]).filter(|&(state, action)| made(state, action)) {
        for next in 0..mdps[0].states() {
            let probability = |model: usize| mdps[model].transition(state, action)[next];
            let mut left: Vec<usize> = (0..mdps.len()).filter(|&model| probability(model) > 0.0).collect();
            while let Some(&first) = left.first() {
                let reward = mdps[first].reward(state, action)[next];
                let mut cell = Cell {
                    seen: Move { state, action, reward: Some(reward), next },
                    reward,
                    probability: vec![0.0; mdps.len()],
                };
                left.retain(|&model| {
                    let same = same_reward(mdps[model].reward(state, action)[next], reward);
                    if same {
                        cell.probability[model] = probability(model);
                    }
                    !same
                });
                cells.push(cell);
            }
        }
    }
    cells
}
