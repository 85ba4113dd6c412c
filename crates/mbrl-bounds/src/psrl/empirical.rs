//! The MDP that the data themselves describe, and MDPs between two others.

use super::posterior::{Move, check_alike, check_move};
use crate::check;
use mbrl_core::{Error, Result, TabularMdp};

/// How often each move was seen, and what it earned.
///
/// ```
/// use mbrl_bounds::psrl::{Counts, Move};
/// use mbrl_core::TabularMdp;
///
/// let guess = TabularMdp::new(1, vec![0.5; 4], vec![0.0; 4], vec![1.0, 0.0], vec![false; 2])?;
/// let mut counts = Counts::of(&guess);
/// for next in [0, 1, 1, 1] {
///     counts.observe(&Move { state: 0, action: 0, reward: Some(2.0), next })?;
/// }
/// let empirical = counts.empirical(&guess)?;
/// assert_eq!(empirical.transition(0, 0), [0.25, 0.75]);
/// assert_eq!(empirical.mean_reward(0, 0), 2.0);
/// // Nothing was seen of state 1.
/// assert_eq!(empirical.transition(1, 0), guess.transition(1, 0));
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// Of which states, actions and ends the moves are.
    shape: TabularMdp,
    /// `[states, actions, states]`
    visits: Vec<u64>,
    /// The sum of the rewards of each move, `[states, actions, states]`.
    earned: Vec<f64>,
}

impl Counts {
    /// No moves yet, of the states, actions and ends of an MDP.
    pub fn of(mdp: &TabularMdp) -> Self {
        let cells = mdp.states() * mdp.actions() * mdp.states();
        Counts { shape: mdp.clone(), visits: vec![0; cells], earned: vec![0.0; cells] }
    }

    /// Counts a move, whose reward has to be known.
    pub fn observe(&mut self, seen: &Move) -> Result<()> {
        check_move(seen, &self.shape)?;
        let Some(reward) = seen.reward else {
            return Err(Error::invalid(format_args!(
                "a move from state {} without its reward: give it, as an MDP has rewards",
                seen.state
            )));
        };
        self.add(seen, reward, 1);
        Ok(())
    }

    /// How often a move led to each state.
    ///
    /// # Panics
    ///
    /// Where there is no such state or action.
    pub fn visits(&self, state: usize, action: usize) -> &[u64] {
        &self.visits[self.row(state, action)]
    }

    /// M̂_D: transitions as often, and rewards as large in the mean, as they were seen.
    ///
    /// Of moves that were never made the data say nothing, and any convention would be a claim of its own, so the rows
    /// of those are taken from `fallback`; as are the first states and the ends.
    pub fn empirical(&self, fallback: &TabularMdp) -> Result<TabularMdp> {
        check_alike("the fallback", fallback, "the MDP of the counts", &self.shape)?;
        let (mut transition, mut reward) = (Vec::new(), Vec::new());
        for (state, action) in pairs(fallback) {
            let (visits, earned) = (self.visits(state, action), &self.earned[self.row(state, action)]);
            let visited: u64 = visits.iter().sum();
            if visited == 0 {
                transition.extend_from_slice(fallback.transition(state, action));
                reward.extend_from_slice(fallback.reward(state, action));
                continue;
            }
            transition.extend(visits.iter().map(|&n| n as f64 / visited as f64));
            reward
                .extend(visits.iter().zip(earned).map(|(&n, sum)| if n == 0 { 0.0 } else { sum / n as f64 }));
        }
        rebuilt(fallback, transition, reward, fallback.start().to_vec())
    }

    /// Counts a move `times` times; its place and reward have been checked.
    pub(super) fn add(&mut self, seen: &Move, reward: f64, times: u64) {
        let cell = self.row(seen.state, seen.action).start + seen.next;
        self.visits[cell] += times;
        self.earned[cell] += reward * times as f64;
    }

    fn row(&self, state: usize, action: usize) -> std::ops::Range<usize> {
        let (states, actions) = (self.shape.states(), self.shape.actions());
        assert!(state < states && action < actions, "state {state}, action {action}");
        let start = (state * actions + action) * states;
        start..start + states
    }
}

/// The MDP of transitions λ M̂ + (1 − λ) M, from `model` M at λ = 0 to `data` M̂ at λ = 1: what one trains on who mixes
/// their moves in this proportion.
///
/// A reward is the mean of those that the two give for the move, by how likely each is to make it. So the mean rewards
/// r(s, a) mix as the transitions do.
pub fn mixed_mdp(model: &TabularMdp, data: &TabularMdp, lambda: f64) -> Result<TabularMdp> {
    let lambda = check::unit("lambda", lambda)?;
    check_alike("the empirical MDP", data, "the model", model)?;
    let mix = |(model, data): (&f64, &f64)| (1.0 - lambda) * model + lambda * data;
    let (mut transition, mut reward) = (Vec::new(), Vec::new());
    for (state, action) in pairs(model) {
        let (p, q) = (model.transition(state, action), data.transition(state, action));
        let (r, s) = (model.reward(state, action), data.reward(state, action));
        transition.extend(p.iter().zip(q).map(mix));
        for next in 0..model.states() {
            let (of_model, of_data) = ((1.0 - lambda) * p[next], lambda * q[next]);
            reward.push(match (of_model > 0.0, of_data > 0.0) {
                (true, true) => (of_model * r[next] + of_data * s[next]) / (of_model + of_data),
                // Not the quotient, which rounding would move away from the reward that it is.
                (true, false) => r[next],
                (false, true) => s[next],
                (false, false) => mix((&r[next], &s[next])),
            });
        }
    }
    let start = model.start().iter().zip(data.start()).map(mix).collect();
    rebuilt(model, transition, reward, start)
}

fn pairs(mdp: &TabularMdp) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (states, actions) = (mdp.states(), mdp.actions());
    (0..states).flat_map(move |state| (0..actions).map(move |action| (state, action)))
}

/// An MDP of other tables, with the ends of this one.
fn rebuilt(mdp: &TabularMdp, transition: Vec<f64>, reward: Vec<f64>, start: Vec<f64>) -> Result<TabularMdp> {
    let terminal = (0..mdp.states()).map(|state| mdp.is_terminal(state)).collect();
    TabularMdp::new(mdp.actions(), transition, reward, start, terminal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary::cases;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]
        #[test]
        fn mixed_mdps_are_convex_in_transitions_and_mean_rewards(
            case in cases(), lambda in 0.0f64..=1.0, gain in -2.0f64..2.0,
        ) {
            let (model, other) = (case.worlds.model(), case.worlds.truth());
            // Rewards that depend on the successor, and differ from those of the model.
            let (mut transition, mut reward) = (Vec::new(), Vec::new());
            for (state, action) in pairs(other) {
                transition.extend_from_slice(other.transition(state, action));
                let own = other.reward(state, action).iter().enumerate();
                reward.extend(own.map(|(next, r)| gain * r + next as f64));
            }
            let data = rebuilt(other, transition, reward, other.start().to_vec()).unwrap();
            let mixed = mixed_mdp(model, &data, lambda).unwrap();
            for (state, action) in pairs(other) {
                let [first, second] = [model, &data].map(|mdp| mdp.mean_reward(state, action));
                let mean = (1.0 - lambda) * first + lambda * second;
                prop_assert!((mixed.mean_reward(state, action) - mean).abs() < 1e-12);
                for next in 0..other.states() {
                    let [p, q] = [model, &data].map(|mdp| mdp.transition(state, action)[next]);
                    let expected = (1.0 - lambda) * p + lambda * q;
                    prop_assert!((mixed.transition(state, action)[next] - expected).abs() < 1e-15);
                    // A reward that both give is given by what is between them.
                    let [r, s, t] = [model, &data, &mixed].map(|mdp| mdp.reward(state, action)[next]);
                    prop_assert!(r.min(s) - 1e-12 <= t && t <= r.max(s) + 1e-12);
                }
            }
            for (state, action) in pairs(other) {
                for (end, source) in [(0.0, model), (1.0, &data)] {
                    let mixed = mixed_mdp(model, &data, end).unwrap();
                    for next in 0..other.states() {
                        let [p, q] = [&mixed, source].map(|mdp| mdp.transition(state, action)[next]);
                        let [r, s] = [&mixed, source].map(|mdp| mdp.reward(state, action)[next]);
                        prop_assert!(p.to_bits() == q.to_bits() && (q <= 0.0 || r.to_bits() == s.to_bits()));
                    }
                }
            }
        }
    }

    #[test]
    fn empirical_rewards_are_means_of_each_successor() {
        let guess = TabularMdp::new(2, vec![0.5; 8], vec![7.0; 8], vec![0.5; 2], vec![false, true]).unwrap();
        let mut counts = Counts::of(&guess);
        for (next, reward) in [(0, 1.0), (0, 2.0), (1, -3.0), (0, 3.0)] {
            counts.observe(&Move { state: 0, action: 1, reward: Some(reward), next }).unwrap();
        }
        assert_eq!(counts.visits(0, 1), [3, 1]);
        let empirical = counts.empirical(&guess).unwrap();
        assert_eq!(empirical.transition(0, 1), [0.75, 0.25]);
        assert_eq!(empirical.reward(0, 1), [2.0, -3.0]);
        for (state, action) in [(0, 0), (1, 0), (1, 1)] {
            assert_eq!(empirical.reward(state, action), guess.reward(state, action));
            assert_eq!(empirical.transition(state, action), guess.transition(state, action));
        }
        assert!(empirical.is_terminal(1) && empirical.start() == guess.start());
    }

    #[test]
    fn moves_and_mdps_that_do_not_fit_are_refused_by_name() {
        let mdp = |states: usize, ends: bool| {
            let cells = states * states;
            let row = vec![1.0 / states as f64; states];
            TabularMdp::new(1, row.repeat(states), vec![0.0; cells], row, vec![ends; states]).unwrap()
        };
        let mut counts = Counts::of(&mdp(2, false));
        let seen = Move { state: 0, action: 0, reward: Some(1.0), next: 1 };
        let ended = Counts::of(&mdp(2, true)).observe(&seen);
        for (refused, says) in [
            (counts.observe(&Move { reward: None, ..seen }), "from state 0 without its reward"),
            (
                counts.observe(&Move { reward: Some(f64::NAN), ..seen }),
                "the reward of a move from state 0 is NaN",
            ),
            (counts.observe(&Move { action: 1, ..seen }), "there are 1 actions and 2 states"),
            (ended, "a move from state 0, which is terminal"),
            (counts.empirical(&mdp(3, false)).map(drop), "the fallback has [3, 1] states and actions"),
            (
                counts.empirical(&mdp(2, true)).map(drop),
                "state 0 is terminal in only one of the fallback and",
            ),
            (mixed_mdp(&mdp(2, false), &mdp(3, false), 0.5).map(drop), "the empirical MDP has [3, 1]"),
            (mixed_mdp(&mdp(2, false), &mdp(2, false), 1.1).map(drop), "lambda is 1.1: expected 0 to 1"),
            (mixed_mdp(&mdp(2, false), &mdp(2, false), f64::NAN).map(drop), "lambda is NaN"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(counts, Counts::of(&mdp(2, false)));
    }
}
