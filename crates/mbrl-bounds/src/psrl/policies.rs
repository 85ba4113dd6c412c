//! Finite sets of policies, and which of them is the best in a world.

use mbrl_core::{Error, Result, TabularMdp};
use mbrl_plan::TabularPolicy;

/// More policies than this are not enumerated.
pub const MOST_POLICIES: usize = 1 << 16;

/// So many products of numbers take some minutes, and no evaluation takes longer.
const MOST_PRODUCTS: f64 = 1e12;

/// Π: the stationary policies of an MDP that are considered, in a fixed order.
///
/// ```
/// use mbrl_bounds::psrl::Policies;
/// use mbrl_core::TabularMdp;
///
/// // Action 1 leads from the first state to the second, where one earns 1 for staying.
/// let mdp = TabularMdp::new(
///     2,
///     vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0],
///     vec![0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
///     vec![1.0, 0.0],
///     vec![false; 2],
/// )?;
/// let policies = Policies::deterministic(2, 2)?;
/// assert_eq!(policies.values(&mdp, 3)?, [0.0, 0.0, 2.0, 0.0]);
/// assert_eq!(policies.delta(&mdp, 3)?, [0.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    policies: Vec<TabularPolicy>,
}

/// Values that differ by no more than this share of the largest are taken for equal: it is rounding that tells them
/// apart.
const ROUNDING: f64 = 1e-12;

impl Policies {
    /// These policies, which are for the same states and actions.
    pub fn new(policies: Vec<TabularPolicy>) -> Result<Self> {
        let Some(first) = policies.first() else {
            return Err(Error::invalid("there are no policies: give one at least"));
        };
        let expected = [first.states(), first.actions()];
        let shapes = policies.iter().map(|policy| [policy.states(), policy.actions()]);
        if let Some((i, shape)) = shapes.enumerate().find(|(_, shape)| *shape != expected) {
            return Err(Error::invalid(format_args!(
                "policy {i} is for {shape:?} states and actions, policy 0 for {expected:?}: make all for the same"
            )));
        }
        Ok(Policies { policies })
    }

    /// All deterministic policies, in the order of their actions read as a number: that of state 0 comes first.
    pub fn deterministic(states: usize, actions: usize) -> Result<Self> {
        if states == 0 || actions == 0 {
            return Err(Error::invalid(format_args!(
                "{states} states and {actions} actions have no policies: give one of each at least"
            )));
        }
        let count = u32::try_from(states).ok().and_then(|states| (actions as u128).checked_pow(states));
        let count = match count {
            Some(count) if count <= MOST_POLICIES as u128 => count as usize,
            _ => {
                let count = count.map_or("more than 10^38".to_owned(), |count| count.to_string());
                return Err(Error::invalid(format_args!(
                    "{actions} actions in {states} states make {count} policies: at most {MOST_POLICIES} are \
                     enumerated, so choose some"
                )));
            }
        };
        let mut chosen = vec![0; states];
        let policies = (0..count).map(|number| {
            let mut rest = number;
            for action in chosen.iter_mut().rev() {
                *action = (rest % actions) as u32;
                rest /= actions;
            }
            TabularPolicy::deterministic(actions, &chosen)
        });
        Policies::new(policies.collect::<Result<_>>()?)
    }

    /// |Π|.
    pub fn count(&self) -> usize {
        self.policies.len()
    }

    /// The policies in their order.
    pub fn as_slice(&self) -> &[TabularPolicy] {
        &self.policies
    }

    /// V^π of each policy: what it earns in the mean in `horizon` steps, without a discount.
    pub fn values(&self, mdp: &TabularMdp, horizon: u64) -> Result<Vec<f64>> {
        let (has, needs) = (self.shape(), [mdp.states(), mdp.actions()]);
        if has != needs {
            return Err(Error::invalid(format_args!(
                "the policies are for {has:?} states and actions, the MDP has {needs:?}: make some for these"
            )));
        }
        let products = (mdp.states() * mdp.states() * mdp.actions() * self.count()) as f64 * horizon as f64;
        if products > MOST_PRODUCTS {
            return Err(Error::invalid(format_args!(
                "horizon is {horizon}: to evaluate {} policies for so long takes {products:.0e} products of numbers: give a \
                 horizon for at most {MOST_PRODUCTS:.0e}",
                self.count()
            )));
        }
        let (mut now, mut later) = (vec![0.0; mdp.states()], vec![0.0; mdp.states()]);
        let values = self.policies.iter().enumerate().map(|(i, policy)| {
            later.fill(0.0);
            for _ in 0..horizon {
                // Terminal states stay at the 0 that both rows began with.
                for (state, now) in now.iter_mut().enumerate().filter(|(state, _)| !mdp.is_terminal(*state)) {
                    let choices = policy.probabilities(state).iter().enumerate();
                    *now = choices.map(|(action, p)| p * action_value(mdp, state, action, &later)).sum();
                }
                std::mem::swap(&mut now, &mut later);
            }
            let value: f64 = mdp.start().iter().zip(&later).map(|(p, value)| p * value).sum();
            if !value.is_finite() {
                return Err(Error::non_finite(format_args!(
                    "the value of policy {i} is {value}: use a shorter horizon or smaller rewards"
                )));
            }
            Ok(value)
        });
        values.collect()
    }

    /// π*(M): the policy of the largest value; of those that only rounding tells apart, the first.
    pub fn best(&self, mdp: &TabularMdp, horizon: u64) -> Result<usize> {
        Ok(first_best(&self.values(mdp, horizon)?))
    }

    /// δ(π|M): one for [`Policies::best`], zero for all others.
    pub fn delta(&self, mdp: &TabularMdp, horizon: u64) -> Result<Vec<f64>> {
        let mut row = vec![0.0; self.count()];
        row[self.best(mdp, horizon)?] = 1.0;
        Ok(row)
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        [self.policies[0].states(), self.policies[0].actions()]
    }
}

/// The first of the largest numbers.
pub(super) fn first_best(values: &[f64]) -> usize {
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let size = values.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
    values.iter().position(|value| best - value <= ROUNDING * size).unwrap_or(0)
}

fn action_value(mdp: &TabularMdp, state: usize, action: usize, later: &[f64]) -> f64 {
    let successors = mdp.transition(state, action).iter().zip(mdp.reward(state, action)).zip(later);
    successors.map(|((p, reward), value)| p * (reward + value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary::cases;
    use mbrl_plan::{backward_induction, finite_return_moments};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]
        #[test]
        fn values_are_those_of_the_planner(case in cases(), horizon in 1u64..6) {
            let mdp = case.worlds.truth();
            let policies = Policies::new(vec![case.policy.clone(), case.data_policy.clone()]).unwrap();
            let values = policies.values(mdp, horizon).unwrap();
            for (policy, value) in policies.as_slice().iter().zip(values) {
                let moments = finite_return_moments(mdp, |_| policy, horizon as usize, 1.0).unwrap();
                prop_assert!((moments.start_mean(mdp) - value).abs() < 1e-12);
            }
        }

        #[test]
        fn of_a_step_the_best_is_the_optimum_and_of_more_no_better(case in cases(), horizon in 1u64..5) {
            let mdp = case.worlds.truth();
            let policies = Policies::deterministic(mdp.states(), mdp.actions()).unwrap();
            let best = policies.values(mdp, horizon).unwrap()[policies.best(mdp, horizon).unwrap()];
            let optimum = backward_induction(mdp, horizon as usize, 1.0).unwrap().start_value(mdp);
            prop_assert!(best <= optimum + 1e-12);
            prop_assert!(horizon > 1 || best >= optimum - 1e-11);
        }
    }

    #[test]
    fn all_policies_are_listed_once_and_in_order() {
        let policies = Policies::deterministic(2, 3).unwrap();
        assert_eq!(policies.count(), 9);
        for (i, policy) in policies.as_slice().iter().enumerate() {
            let chosen = [(i / 3) as u32, (i % 3) as u32];
            assert_eq!(*policy, TabularPolicy::deterministic(3, &chosen).unwrap());
        }
        assert_eq!(Policies::deterministic(16, 2).unwrap().count(), MOST_POLICIES);
    }

    #[test]
    fn of_equals_the_first_is_the_best_also_where_rounding_tells_them_apart() {
        assert_eq!(first_best(&[0.1, 0.3, 0.1 + 0.2]), 1);
        assert_eq!(first_best(&[-0.1 - 0.2, -0.3, -1.0]), 0);
        assert_eq!(first_best(&[0.0, 0.0]), 0);
        assert_eq!(first_best(&[1.0, 1.0 + 1e-9]), 1);
    }

    #[test]
    fn sets_that_cannot_be_are_refused_by_name() {
        let one = |states: usize| TabularPolicy::deterministic(2, &vec![0; states]).unwrap();
        let huge = TabularMdp::new(1, vec![1.0], vec![f64::MAX], vec![1.0], vec![false]).unwrap();
        for (refused, says) in [
            (Policies::new(vec![]), "there are no policies"),
            (
                Policies::new(vec![one(1), one(2)]),
                "policy 1 is for [2, 2] states and actions, policy 0 for [1, 2]",
            ),
            (Policies::deterministic(0, 2), "0 states and 2 actions have no policies"),
            (Policies::deterministic(2, 0), "2 states and 0 actions have no policies"),
            (Policies::deterministic(17, 2), "make 131072 policies: at most 65536 are enumerated"),
            (Policies::deterministic(400, 2), "make more than 10^38 policies"),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let error = Policies::new(vec![one(1)]).unwrap().values(&huge, 1).unwrap_err().to_string();
        assert!(error.contains("for [1, 2] states and actions, the MDP has [1, 1]"), "{error}");
        let error = Policies::deterministic(1, 1).unwrap().values(&huge, u64::MAX).unwrap_err().to_string();
        assert!(error.contains("horizon is 18446744073709551615: to evaluate 1 policies"), "{error}");
        let error = Policies::deterministic(1, 1).unwrap().best(&huge, 2).unwrap_err();
        assert!(
            error.is_non_finite() && error.to_string().contains("the value of policy 0 is inf"),
            "{error}"
        );
    }
}
