//! Finite worlds: any [`TabularMdp`] as a [`System`].
//!
//! The state is the index of a state, and so is the observation: one column. Actions are choices. A step draws its
//! successor by inverting the distribution function at one uniform number of 24 bits, so a probability is met to 2^-24.
//! The reward is that of the tables; entering a terminal state terminates.

use crate::{Chance, Observed, System};
use mbrl_core::{ChaCha8Rng, Error, NoiseSpec, Result, Space, Spec, TabularMdp};
use rand::Rng;
use std::sync::Arc;

/// A finite world, said as tables.
pub trait Finite {
    /// Its probabilities and rewards.
    fn mdp(&self) -> Result<TabularMdp>;

    /// After how many steps an episode is cut.
    fn horizon(&self) -> u32;
}

/// A finite world to act in.
///
/// ```
/// use mbrl_core::Env;
/// use mbrl_envs::{RiverSwim, Sim, Tabular, TimeLimit};
///
/// # fn main() -> mbrl_core::Result<()> {
/// let river = Tabular::of(&RiverSwim)?;
/// assert_eq!(river.mdp().states(), 6);
/// let env = TimeLimit::new(Sim::new(river), 20)?;
/// assert_eq!(env.spec().act.choices(), Some(2));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Tabular {
    tables: Arc<Tables>,
    spec: Spec,
    horizon: u32,
}

#[derive(Debug)]
struct Tables {
    mdp: TabularMdp,
    /// Distribution functions of the successors of each move, `[states, actions, states]`.
    successors: Vec<f64>,
    /// The distribution function of the first state, `[states]`.
    start: Vec<f64>,
    /// Whether every move has a single successor, so that no chance is needed.
    certain: bool,
}

impl Tabular {
    /// The world of these tables, in episodes of at most `horizon` steps.
    pub fn new(mdp: TabularMdp, horizon: u32) -> Result<Self> {
        if horizon == 0 {
            return Err(Error::invalid("horizon is 0: expected at least 1 step"));
        }
        let size = |n: usize| u32::try_from(n).map_err(|_| Error::invalid(format_args!("{n} states")));
        let spec = Spec::new(Space::discrete(size(mdp.states())?)?, Space::discrete(size(mdp.actions())?)?);
        let moves = (0..mdp.states()).flat_map(|s| (0..mdp.actions()).map(move |a| (s, a)));
        let successors = moves.clone().flat_map(|(s, a)| distribution(mdp.transition(s, a))).collect();
        let single = |(s, a)| mdp.transition(s, a).iter().filter(|p| **p > 0.0).count() == 1;
        let certain = moves.clone().all(single);
        let start = distribution(mdp.start());
        Ok(Tabular { tables: Arc::new(Tables { mdp, successors, start, certain }), spec, horizon })
    }

    /// The world that `finite` says.
    pub fn of(finite: &impl Finite) -> Result<Self> {
        Tabular::new(finite.mdp()?, finite.horizon())
    }

    /// Its tables.
    pub fn mdp(&self) -> &TabularMdp {
        &self.tables.mdp
    }

    /// The indices of a move, if it is one.
    fn indices(&self, obs: &[f32], act: &[f32], next_obs: &[f32]) -> Option<(usize, usize, usize)> {
        let known =
            self.spec.obs.contains(obs) && self.spec.act.contains(act) && self.spec.obs.contains(next_obs);
        known.then(|| (obs[0] as usize, act[0] as usize, next_obs[0] as usize))
    }
}

/// Sums of probabilities up to each, the last that is possible being 1 whatever the rounding.
fn distribution(probabilities: &[f64]) -> Vec<f64> {
    let last = probabilities.iter().rposition(|p| *p > 0.0).unwrap_or(0);
    let sums = probabilities.iter().enumerate().scan(0.0, |sum, (i, p)| {
        *sum += p;
        Some(if i < last { *sum } else { 1.0 })
    });
    sums.collect()
}

/// The first index whose sum exceeds `u`: never one of probability 0.
fn invert(distribution: &[f64], u: f64) -> usize {
    distribution.partition_point(|sum| *sum <= u).min(distribution.len() - 1)
}

impl System for Tabular {
    /// The index of the state.
    type State = [f64; 1];

    fn spec(&self) -> Spec {
        self.spec.clone()
    }

    fn horizon(&self) -> u32 {
        self.horizon
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 1] {
        [invert(&self.tables.start, rng.random()) as f64]
    }

    fn advance(&self, &[state]: &[f64; 1], act: &[f32], chance: Chance<'_>) -> [f64; 1] {
        let Tables { mdp, successors, .. } = &*self.tables;
        let row = (state as usize * mdp.actions() + act[0] as usize) * mdp.states();
        // No chance is passed where none is needed.
        let u = chance.uniforms.first().map_or(0.0, |u| f64::from(*u));
        [invert(&successors[row..row + mdp.states()], u) as f64]
    }

    fn observe(&self, &[state]: &[f64; 1], obs: &mut [f32]) {
        obs[0] = state as f32;
    }

    fn reward(&self, obs: &[f32], act: &[f32], next_obs: &[f32]) -> f64 {
        self.indices(obs, act, next_obs).map_or(f64::NAN, |(s, a, next)| self.tables.mdp.reward(s, a)[next])
    }

    fn terminated(&self, next_obs: &[f32]) -> bool {
        self.spec.obs.contains(next_obs) && self.tables.mdp.is_terminal(next_obs[0] as usize)
    }

    fn is_state(&self, &[state]: &[f64; 1]) -> bool {
        state >= 0.0 && state < self.tables.mdp.states() as f64 && state.fract().abs() <= 0.0
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 0, uniforms: usize::from(!self.tables.certain) }
    }
}

impl Observed for Tabular {
    fn state(&self, obs: &[f32]) -> [f64; 1] {
        [f64::from(obs[0])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_impossible_is_never_drawn() {
        let sums = distribution(&[0.0, 0.1, 0.0, 0.2, 0.7 - 1e-12, 0.0]);
        for u in [0.0, 0.1 - 1e-9, 0.1, 0.3, 0.9, 1.0 - f64::EPSILON / 2.0] {
            assert!([1, 3, 4].contains(&invert(&sums, u)), "{u}");
        }
        assert_eq!([0.0, 0.1, 0.5].map(|u| invert(&sums, u)), [1, 3, 4]);
    }

    #[test]
    fn a_horizon_of_zero_is_refused() {
        let mdp = TabularMdp::new(1, vec![1.0], vec![0.0], vec![1.0], vec![false]).unwrap();
        assert!(Tabular::new(mdp, 0).unwrap_err().is_invalid());
    }
}
