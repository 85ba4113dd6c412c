//! Error estimators: how wrong a model is said to be about each move.

use super::StateMetric;
use crate::{ModelledMdp, check};
use mbrl_core::{Error, Result};

/// u(s, a), an estimate of how far the modelled successors of a move are from the true ones.
///
/// ```
/// use mbrl_bounds::{ModelledMdp, mopo::ErrorEstimate};
/// use mbrl_core::TabularMdp;
///
/// let truth = TabularMdp::new(1, vec![0.5, 0.5, 0.0, 1.0], vec![1.0; 4], vec![1.0, 0.0], vec![false; 2])?;
/// let worlds = ModelledMdp::new(&truth, vec![0.75, 0.25, 0.0, 1.0])?;
/// let exact = ErrorEstimate::total_variation(&worlds);
/// assert_eq!(exact.of(0, 0), 0.25);
/// let bold = ErrorEstimate::new(&worlds, vec![0.2, 0.0])?;
/// let error = bold.check_admissible(&worlds, &exact).unwrap_err();
/// assert!(error.to_string().starts_with("u is not admissible: in state 0, action 0 it is 0.2"));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorEstimate {
    actions: usize,
    /// `[states, actions]`
    u: Vec<f64>,
}

impl ErrorEstimate {
    /// The estimates u, `[states, actions]`. What they say of terminal states is not looked at later.
    pub fn new(worlds: &ModelledMdp, u: Vec<f64>) -> Result<Self> {
        let (states, actions) = (worlds.truth().states(), worlds.truth().actions());
        if u.len() != states * actions {
            let given = u.len();
            return Err(Error::invalid(format_args!(
                "{given} errors for {states} states and {actions} actions: give one for each pair"
            )));
        }
        for (i, u) in u.iter().enumerate() {
            check::at_least_zero("u", *u)
                .map_err(|error| error.wrap(format_args!("state {}, action {}", i / actions, i % actions)))?;
        }
        Ok(ErrorEstimate { actions, u })
    }

    /// The exact errors in total variation: the smallest u that is admissible for λ = γ c with c = 2 r_max / (1 − γ).
    pub fn total_variation(worlds: &ModelledMdp) -> Self {
        let actions = worlds.truth().actions();
        let mut u = vec![0.0; worlds.truth().states() * actions];
        worlds.acted().for_each(|(s, a)| u[s * actions + a] = worlds.total_variation(s, a));
        ErrorEstimate { actions, u }
    }

    /// The exact errors in the Wasserstein distance W1: the smallest u that is admissible for λ = γ c with c the Lipschitz
    /// constant of a value.
    pub fn wasserstein(worlds: &ModelledMdp, metric: &StateMetric) -> Result<Self> {
        let (truth, model) = (worlds.truth(), worlds.model());
        let actions = truth.actions();
        let mut u = vec![0.0; truth.states() * actions];
        for (s, a) in worlds.acted() {
            u[s * actions + a] = metric.wasserstein(truth.transition(s, a), model.transition(s, a))?;
        }
        Ok(ErrorEstimate { actions, u })
    }

    /// u(s, a).
    ///
    /// # Panics
    ///
    /// Where there is no such state or action.
    pub fn of(&self, state: usize, action: usize) -> f64 {
        assert!(action < self.actions, "action {action} of {}", self.actions);
        self.u[state * self.actions + action]
    }

    /// Refuses an estimate that is below the true distance, naming the first move of which it is. Nothing is let pass for
    /// rounding.
    pub fn check_admissible(&self, worlds: &ModelledMdp, distance: &ErrorEstimate) -> Result<()> {
        self.check_fits(worlds)?;
        distance.check_fits(worlds)?;
        match worlds.acted().find(|&(s, a)| self.of(s, a) < distance.of(s, a)) {
            None => Ok(()),
            Some((s, a)) => {
                let (u, d) = (self.of(s, a), distance.of(s, a));
                Err(Error::invalid(format_args!(
                    "u is not admissible: in state {s}, action {a} it is {u} where the model is wrong by {d}: raise it"
                )))
            }
        }
    }

    /// All estimates, `[states, actions]`.
    pub fn as_slice(&self) -> &[f64] {
        &self.u
    }

    /// Refuses estimates that were made for another number of states or actions.
    pub(super) fn check_fits(&self, worlds: &ModelledMdp) -> Result<()> {
        let has = [self.u.len() / self.actions, self.actions];
        let needs = [worlds.truth().states(), worlds.truth().actions()];
        if has != needs {
            return Err(Error::invalid(format_args!(
                "u is for {has:?} states and actions, the MDP has {needs:?}: make one for these"
            )));
        }
        Ok(())
    }
}
