//! Distances between the states of a table, for errors in the Wasserstein distance.

use crate::divergence::wasserstein::transport;
use mbrl_core::{Error, Result};

/// How far the states of a tabular MDP are from each other: a metric.
///
/// ```
/// use mbrl_bounds::mopo::StateMetric;
///
/// // Three states on a line.
/// let line = StateMetric::new(3, vec![0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0])?;
/// assert_eq!(line.lipschitz(&[0.0, 3.0, 4.0])?, 3.0);
/// let error = StateMetric::new(2, vec![0.0, 1.0, 2.0, 0.0]).unwrap_err();
/// assert!(error.to_string().contains("state 0 to 1 is 1 and back is 2"));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StateMetric {
    states: usize,
    /// `[states, states]`
    distances: Vec<f64>,
}

/// How much longer, as a share, a straight way may be than one by a third state: what rounding does to true distances.
const SLACK: f64 = 1e-12;

impl StateMetric {
    /// The metric with these distances, `[states, states]`.
    pub fn new(states: usize, distances: Vec<f64>) -> Result<Self> {
        if states == 0 || states.checked_mul(states) != Some(distances.len()) {
            let given = distances.len();
            return Err(Error::invalid(format_args!(
                "{given} distances for {states} states: give one from each state to each"
            )));
        }
        let d = |from: usize, to: usize| distances[from * states + to];
        for from in 0..states {
            for to in 0..states {
                let (there, back) = (d(from, to), d(to, from));
                let sound = if from == to { there.abs() <= 0.0 } else { there > 0.0 && there.is_finite() };
                if !sound {
                    let expected = if from == to { "0" } else { "a finite number above 0" };
                    return Err(Error::invalid(format_args!(
                        "the distance from state {from} to {to} is {there}: expected {expected}"
                    )));
                }
                if from < to && (there - back).abs() > 0.0 {
                    return Err(Error::invalid(format_args!(
                        "the distance from state {from} to {to} is {there} and back is {back}: expected the same"
                    )));
                }
            }
        }
        for from in 0..states {
            for by in 0..states {
                let first = d(from, by);
                if let Some(to) = (0..states).find(|&to| d(from, to) > (first + d(by, to)) * (1.0 + SLACK)) {
                    let (straight, round) = (d(from, to), first + d(by, to));
                    return Err(Error::invalid(format_args!(
                        "the distance from state {from} to {to} is {straight} but {round} by state {by}: expected no way \
                         round to be shorter"
                    )));
                }
            }
        }
        Ok(StateMetric { states, distances })
    }

    /// The discrete metric, in which all states are 1 apart: W1 is the total variation, and the Lipschitz constant of a
    /// function its span.
    pub fn discrete(states: usize) -> Result<Self> {
        let cells = (0..states).flat_map(|from| (0..states).map(move |to| f64::from(u8::from(from != to))));
        StateMetric::new(states, cells.collect())
    }

    /// The Lipschitz constant of a function of the states, `[states]`.
    pub fn lipschitz(&self, values: &[f64]) -> Result<f64> {
        self.check_for(values.len())?;
        if let Some(state) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::non_finite(format_args!("the value of state {state} is {}", values[state])));
        }
        let mut steepest = 0.0f64;
        for (from, row) in self.distances.chunks_exact(self.states).enumerate() {
            for (to, distance) in row.iter().enumerate().filter(|(to, _)| *to != from) {
                steepest = steepest.max((values[from] - values[to]).abs() / distance);
            }
        }
        crate::check::finite("the Lipschitz constant", steepest)
    }

    /// W1, the least distance over which p can be moved onto q.
    pub fn wasserstein(&self, p: &[f64], q: &[f64]) -> Result<f64> {
        self.check_for(p.len())?;
        // Rounding may leave less than nothing.
        Ok(transport(p, q, &self.distances)?.cost.max(0.0))
    }

    /// Refuses what is of another number of states.
    pub(super) fn check_for(&self, given: usize) -> Result<()> {
        if given != self.states {
            let states = self.states;
            return Err(Error::invalid(format_args!(
                "a metric of {states} states where there are {given}: make one for these"
            )));
        }
        Ok(())
    }
}
