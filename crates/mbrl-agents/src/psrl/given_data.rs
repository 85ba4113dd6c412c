//! q̂(π | D): policies by what they earn in the world that the data describe, which asks no model.

use crate::tabular::{EpisodePolicy, Frame, draw_index, draw_unit};
use mbrl_bounds::psrl::{Policies, softmax_policies};
use mbrl_core::{Error, Key, Result, TabularMdp};
use mbrl_plan::TabularPolicy;

/// The deterministic policies of a world, where they are few enough to be listed.
#[derive(Clone, Debug)]
pub(super) enum GivenData {
    /// All of them, and what each does, `[states]`.
    Listed(Policies, Vec<Vec<u32>>),
    /// Too many: a chain of so many sweeps finds one.
    Chain(usize),
}

impl GivenData {
    pub(super) fn new(frame: &Frame, enumerate: usize, sweeps: usize) -> Result<Self> {
        let live: Vec<usize> = frame.live().collect();
        let count = u32::try_from(live.len()).ok().and_then(|n| frame.actions.checked_pow(n));
        let Some(count) = count.filter(|count| *count <= enumerate) else {
            return Ok(GivenData::Chain(sweeps));
        };
        // In a terminal state nothing is chosen, so that it multiplies no policies.
        let listed: Vec<Vec<u32>> = (0..count)
            .map(|number| {
                let (mut chosen, mut rest) = (vec![0; frame.states], number);
                for &state in live.iter().rev() {
                    chosen[state] = (rest % frame.actions) as u32;
                    rest /= frame.actions;
                }
                chosen
            })
            .collect();
        let tables = listed.iter().map(|chosen| TabularPolicy::deterministic(frame.actions, chosen));
        Ok(GivenData::Listed(Policies::new(tables.collect::<Result<_>>()?)?, listed))
    }

    /// A policy drawn from q̂(π | D) for M̂_D = `empirical`.
    pub(super) fn draw(
        &self,
        empirical: &TabularMdp,
        horizon: usize,
        temperature: f64,
        key: Key,
    ) -> Result<EpisodePolicy> {
        let chosen = match self {
            GivenData::Listed(policies, listed) => {
                let weights = softmax_policies(policies, empirical, horizon as u64, temperature)?;
                listed[draw_index(&weights, &mut key.rng())].clone()
            }
            GivenData::Chain(sweeps) => gibbs_policy(empirical, horizon, temperature, *sweeps, key)?,
        };
        EpisodePolicy::new(empirical.actions(), empirical.states(), chosen, 0.0)
    }
}

/// A deterministic stationary policy, `[states]`, from a Gibbs chain over all of them whose stationary distribution is
/// q̂(π | D) ∝ exp(V^π / temperature), V^π being the mean return of `horizon` steps.
///
/// The chain begins with a uniformly random policy. A sweep goes over the states that are not terminal and draws the action
/// of each anew, given those of all others: nothing is rejected. At a low temperature it stays near the policy that it
/// first climbs to, and is then no fair sample; how many sweeps are enough depends on the world.
pub fn gibbs_policy(
    empirical: &TabularMdp,
    horizon: usize,
    temperature: f64,
    sweeps: usize,
    key: Key,
) -> Result<Vec<u32>> {
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(Error::invalid(format_args!("temperature is {temperature}: give a positive number")));
    }
    let (states, actions, mut rng) = (empirical.states(), empirical.actions(), key.rng());
    let live: Vec<usize> = (0..states).filter(|&state| !empirical.is_terminal(state)).collect();
    let mut chosen = vec![0; states];
    for &state in &live {
        chosen[state] = ((draw_unit(&mut rng) * actions as f64) as u32).min(actions as u32 - 1);
    }
    let mut values = Values::of(empirical, &live);
    let mut weights = vec![0.0; actions];
    // What the present policy earns, so that it is not evaluated again in every state.
    let mut present = values.value(&chosen, horizon);
    for _ in 0..sweeps {
        for &state in &live {
            let now = chosen[state];
            for action in 0..actions as u32 {
                chosen[state] = action;
                weights[action as usize] =
                    if action == now { present } else { values.value(&chosen, horizon) };
            }
            let best = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if !best.is_finite() || weights.iter().any(|value| !value.is_finite()) {
                return Err(Error::non_finite("the values of policies overflow: use smaller rewards"));
            }
            // By how much each falls short, and then its share.
            let earned: f64 = weights.iter().map(|value| ((value - best) / temperature).exp()).sum();
            let mut left = draw_unit(&mut rng) * earned;
            let mut taken = weights.iter().position(|value| *value >= best).unwrap_or(0);
            for (action, value) in weights.iter().enumerate() {
                left -= ((value - best) / temperature).exp();
                if left < 0.0 {
                    taken = action;
                    break;
                }
            }
            (chosen[state], present) = (taken as u32, weights[taken]);
        }
    }
    Ok(chosen)
}

/// Returns of deterministic policies, without allocating.
struct Values<'a> {
    mdp: &'a TabularMdp,
    live: &'a [usize],
    /// r(s, a), `[states, actions]`
    earned: Vec<f64>,
    now: Vec<f64>,
    later: Vec<f64>,
}

impl<'a> Values<'a> {
    fn of(mdp: &'a TabularMdp, live: &'a [usize]) -> Self {
        let moves = (0..mdp.states()).flat_map(|s| (0..mdp.actions()).map(move |a| (s, a)));
        let earned = moves.map(|(state, action)| mdp.mean_reward(state, action)).collect();
        Values { mdp, live, earned, now: vec![0.0; mdp.states()], later: vec![0.0; mdp.states()] }
    }

    fn value(&mut self, chosen: &[u32], horizon: usize) -> f64 {
        self.later.fill(0.0);
        for _ in 0..horizon {
            for &state in self.live {
                let action = chosen[state] as usize;
                let moves = self.mdp.transition(state, action).iter().zip(&self.later);
                let later: f64 = moves.map(|(p, later)| p * later).sum();
                self.now[state] = self.earned[state * self.mdp.actions() + action] + later;
            }
            std::mem::swap(&mut self.now, &mut self.later);
        }
        self.mdp.start().iter().zip(&self.later).map(|(p, value)| p * value).sum()
    }
}
