//! From prior and data to worlds: the algebra behind a tabular posterior.

use super::reward::Earned;
use super::{Distortion, RewardBelief, TabularConfig};
use crate::sampling;
use mbrl_core::{Context, End, Error, Key, Result, Space, Spec, TabularMdp, Transition};

/// What is known and believed before any data.
#[derive(Clone, Debug)]
pub(super) struct Prior {
    pub(super) config: TabularConfig,
    obs: Space,
    act: Space,
    pub(super) states: usize,
    pub(super) actions: usize,
    pub(super) start: Vec<f64>,
    pub(super) terminal: Vec<bool>,
}

/// Data as sufficient statistics.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// How often each successor was met, `[states, actions, states]`.
    pub(super) successors: Vec<u64>,
    /// What each move earned, `[states, actions]`.
    pub(super) earned: Vec<Earned>,
}

/// Tables of more cells than this are a mistake, and no machine has the memory for them.
const MOST_CELLS: usize = 1 << 28;

impl Prior {
    pub(super) fn new(
        spec: &Spec,
        start: Vec<f64>,
        terminal: Vec<bool>,
        config: TabularConfig,
    ) -> Result<Self> {
        config.validate()?;
        spec.validate()?;
        let (Some(states), Some(actions)) = (spec.obs.choices(), spec.act.choices()) else {
            return Err(Error::invalid(
                "a tabular posterior is over discrete observations and actions, and this spec has a box: use another model",
            ));
        };
        let (states, actions) = (states as usize, actions as usize);
        for (name, len) in [("start probabilities", start.len()), ("terminal marks", terminal.len())] {
            if len != states {
                return Err(Error::invalid(format_args!("{len} {name} for {states} states: give as many")));
            }
        }
        let cells = states.checked_mul(states).and_then(|cells| cells.checked_mul(actions));
        if cells.is_none_or(|cells| cells > MOST_CELLS) {
            return Err(Error::invalid(format_args!(
                "tables of {states} states and {actions} actions have more than {MOST_CELLS} cells: use fewer"
            )));
        }
        let (obs, act) = (spec.obs.clone(), spec.act.clone());
        Ok(Prior { config, obs, act, states, actions, start, terminal })
    }

    /// No data.
    pub(super) fn nothing_seen(&self) -> Seen {
        let moves = self.states * self.actions;
        Seen { successors: vec![0; moves * self.states], earned: vec![Earned::default(); moves] }
    }

    /// The number of a move.
    pub(super) fn at(&self, state: usize, action: usize) -> usize {
        assert!(state < self.states && action < self.actions, "state {state}, action {action}");
        state * self.actions + action
    }

    /// Takes a transition into account.
    pub(super) fn add(&self, seen: &mut Seen, transition: Transition<'_>) -> Result<()> {
        let (state, action, next) = self.indices(transition)?;
        let at = self.at(state, action);
        seen.successors[at * self.states + next] += 1;
        seen.earned[at].add(f64::from(transition.reward));
        Ok(())
    }

    /// State, action and successor of a transition that can be.
    pub(super) fn indices(&self, transition: Transition<'_>) -> Result<(usize, usize, usize)> {
        let Transition { obs, act, next_obs, reward, end, .. } = transition;
        self.obs.check("observation", obs)?;
        self.act.check("action", act)?;
        self.obs.check("successor", next_obs)?;
        self.config.reward.check(reward)?;
        let (state, action, next) = (obs[0] as usize, act[0] as usize, next_obs[0] as usize);
        if self.terminal[state] {
            return Err(Error::invalid(format_args!(
                "a move out of state {state}, which is marked terminal: unmark it"
            )));
        }
        match (end, self.terminal[next]) {
            (End::Terminated, false) => Err(Error::invalid(format_args!(
                "the episode terminated in state {next}, which is not marked terminal: mark it"
            ))),
            (End::Running, true) => Err(Error::invalid(format_args!(
                "the episode went on in state {next}, which is marked terminal: unmark it"
            ))),
            _ => Ok((state, action, next)),
        }
    }

    /// The Dirichlet parameters of the successors of move `at`.
    pub(super) fn concentration<'a>(
        &self,
        seen: &'a Seen,
        at: usize,
    ) -> impl ExactSizeIterator<Item = f64> + use<'a> {
        let alpha = self.config.concentration;
        seen.successors[at * self.states..][..self.states].iter().map(move |n| alpha + *n as f64)
    }

    /// What is believed of the mean reward of move `at`.
    pub(super) fn reward(&self, seen: &Seen, at: usize) -> RewardBelief {
        self.config.reward.after(&seen.earned[at], 1.0)
    }

    /// Writes the Dirichlet parameters of the successors of move `at` as a distortion has them.
    fn write_distorted(&self, seen: &Seen, at: usize, distortion: Distortion, row: &mut [f64]) {
        let alpha = self.config.concentration;
        let counts = &seen.successors[at * self.states..][..self.states];
        row.iter_mut().zip(counts).for_each(|(out, n)| *out = alpha + distortion.power * *n as f64);
        row[at / self.actions] += distortion.stays;
    }

    /// A world drawn from the posterior.
    pub(super) fn draw(&self, seen: &Seen, distortion: Distortion, key: Key) -> Result<TabularMdp> {
        distortion.validate()?;
        // A generator of its own for each move, so that none depends on what another used up.
        let (successors, rewards) = (key.child("transition").below(), key.child("reward").below());
        self.world(|at, row| {
            self.write_distorted(seen, at, distortion, row);
            sampling::draw_dirichlet(row, &mut successors.at(at as u64).rng())?;
            let reward = self.config.reward.after(&seen.earned[at], distortion.power);
            reward.draw(&mut rewards.at(at as u64).rng())
        })
    }

    /// The world of posterior means.
    pub(super) fn mean(&self, seen: &Seen, distortion: Distortion) -> Result<TabularMdp> {
        distortion.validate()?;
        self.world(|at, row| {
            self.write_distorted(seen, at, distortion, row);
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|a| *a /= sum);
            Ok(self.config.reward.after(&seen.earned[at], distortion.power).mean())
        })
    }

    /// The world in which every move does what it did, as often; one that was never made does what `fallback` says.
    pub(super) fn empirical(&self, seen: &Seen, fallback: &TabularMdp) -> Result<TabularMdp> {
        let (has, needs) = ([fallback.states(), fallback.actions()], [self.states, self.actions]);
        if has != needs {
            return Err(Error::invalid(format_args!(
                "the fallback has {has:?} states and actions, the posterior {needs:?}: give a world of the same"
            )));
        }
        self.world(|at, row| {
            let (state, action, earned) = (at / self.actions, at % self.actions, &seen.earned[at]);
            if earned.count == 0 {
                row.copy_from_slice(fallback.transition(state, action));
                return Ok(fallback.mean_reward(state, action));
            }
            let counts = &seen.successors[at * self.states..][..self.states];
            row.iter_mut().zip(counts).for_each(|(out, n)| *out = *n as f64 / earned.count as f64);
            Ok(earned.mean)
        })
    }

    /// The world in which `fill` writes the successors of each move and says its reward.
    fn world(&self, mut fill: impl FnMut(usize, &mut [f64]) -> Result<f64>) -> Result<TabularMdp> {
        let moves = self.states * self.actions;
        let (mut transition, mut reward) = (vec![0.0; moves * self.states], vec![0.0; moves]);
        for at in 0..moves {
            let (state, action) = (at / self.actions, at % self.actions);
            // A terminal state is not left: its rows stay as `tables` makes them.
            if !self.terminal[state] {
                let row = &mut transition[at * self.states..][..self.states];
                reward[at] = fill(at, row).with_context(|| format!("state {state}, action {action}"))?;
            }
        }
        self.tables(transition, &reward)
    }

    /// The world of these successors `[states, actions, states]` and rewards `[states, actions]`.
    pub(super) fn tables(&self, mut transition: Vec<f64>, reward: &[f64]) -> Result<TabularMdp> {
        for (at, row) in transition.chunks_exact_mut(self.states).enumerate() {
            let state = at / self.actions;
            if self.terminal[state] {
                row.fill(0.0);
                row[state] = 1.0;
            }
        }
        let reward = reward.iter().flat_map(|r| std::iter::repeat_n(*r, self.states)).collect();
        TabularMdp::new(self.actions, transition, reward, self.start.clone(), self.terminal.clone())
    }
}
