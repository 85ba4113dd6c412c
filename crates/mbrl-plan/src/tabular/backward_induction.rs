//! The optimum of a tabular MDP over a finite horizon, by backward induction:
//! V_T = 0, V_t(s) = max_a Σ_s' p(s'|s,a) (r(s,a,s') + γ V_{t+1}(s')), where a terminal s' has no value.

use super::chain::check_finite;
use super::policy::{TabularPolicy, first_best};
use super::{MOST_VALUES, action_value, at_start, check_discount};
use mbrl_core::{Error, Result, TabularMdp};

/// What is best to do, and what it is worth, at each step before a horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct FinitePlan {
    states: usize,
    choices: usize,
    /// `[steps + 1, states]`; the last row is zero.
    values: Vec<f64>,
    /// `[steps, states]`
    actions: Vec<u32>,
}

/// The best plan for `steps` steps; of equally good actions, the first.
pub fn backward_induction(mdp: &TabularMdp, steps: usize, discount: f64) -> Result<FinitePlan> {
    check_discount(discount)?;
    let states = mdp.states();
    let size = steps.checked_add(1).and_then(|rows| rows.checked_mul(states));
    let Some(size @ ..=MOST_VALUES) = size else {
        return Err(Error::invalid(format_args!(
            "{steps} steps of {states} states: a plan holds at most {MOST_VALUES} values, so plan for fewer steps"
        )));
    };
    let mut values = vec![0.0; size];
    let mut actions = vec![0; steps * states];
    for t in (0..steps).rev() {
        let (now, later) = values.split_at_mut((t + 1) * states);
        let (now, later) = (&mut now[t * states..], &later[..states]);
        for state in (0..states).filter(|&state| !mdp.is_terminal(state)) {
            let worths = (0..mdp.actions()).map(|action| action_value(mdp, state, action, discount, later));
            (now[state], actions[t * states + state]) = first_best(worths);
        }
    }
    check_finite("value", &values[..states])?;
    Ok(FinitePlan { states, choices: mdp.actions(), values, actions })
}

impl FinitePlan {
    /// What `state` is worth at step `t`, counted from 0; nothing at the horizon.
    ///
    /// # Panics
    ///
    /// Where there is no such state, or `t` is past the horizon.
    pub fn value(&self, t: usize, state: usize) -> f64 {
        let (states, steps) = (self.states, self.steps());
        assert!(state < states && t <= steps, "value of state {state} of {states} at step {t} of {steps}");
        self.values[t * states + state]
    }

    /// What is best to do in `state` at step `t`, counted from 0.
    ///
    /// # Panics
    ///
    /// Where there is no such state, or `t` is not before the horizon.
    pub fn action(&self, t: usize, state: usize) -> usize {
        let (states, steps) = (self.states, self.steps());
        assert!(state < states && t < steps, "action in state {state} of {states} at step {t} of {steps}");
        self.actions[t * states + state] as usize
    }

    /// The policy that does what is best at step `t`, counted from 0.
    ///
    /// # Panics
    ///
    /// Where `t` is not before the horizon.
    pub fn policy(&self, t: usize) -> TabularPolicy {
        assert!(t < self.steps(), "policy at step {t} of {}", self.steps());
        let chosen = &self.actions[t * self.states..(t + 1) * self.states];
        TabularPolicy::deterministic(self.choices, chosen)
            .expect("actions were chosen of those that there are")
    }

    /// For how many steps this plans.
    pub fn steps(&self) -> usize {
        self.actions.len() / self.states
    }

    /// What an episode is worth that starts as `mdp` says.
    ///
    /// # Panics
    ///
    /// Where `mdp` has another number of states than the one that was planned for.
    pub fn start_value(&self, mdp: &TabularMdp) -> f64 {
        at_start(mdp, &self.values[..self.states])
    }
}

#[cfg(test)]
mod tests {
    use super::super::arbitrary::mdps;
    use super::*;
    use proptest::prelude::*;

    /// The best return over every policy that may depend on the step and the state, by trying them all.
    fn by_enumeration(mdp: &TabularMdp, steps: usize, discount: f64) -> f64 {
        let cells = steps * mdp.states();
        let policies = mdp.actions().pow(cells as u32);
        (0..policies)
            .map(|mut code| {
                let mut later = vec![0.0; mdp.states()];
                for _ in 0..steps {
                    later = (0..mdp.states())
                        .map(|state| {
                            let action = code % mdp.actions();
                            code /= mdp.actions();
                            match mdp.is_terminal(state) {
                                true => 0.0,
                                false => action_value(mdp, state, action, discount, &later),
                            }
                        })
                        .collect();
                }
                mdp.start().iter().zip(&later).map(|(p, v)| p * v).sum()
            })
            .fold(f64::NEG_INFINITY, f64::max)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn no_policy_is_better(mdp in mdps(), discount in 0.0f64..=1.0) {
            let plan = backward_induction(&mdp, 3, discount).unwrap();
            prop_assert!((plan.start_value(&mdp) - by_enumeration(&mdp, 3, discount)).abs() < 1e-12);
        }
    }

    #[test]
    fn an_impossible_discount_is_refused() {
        let mdp = one_state();
        for discount in [-0.1, 1.1, f64::NAN] {
            assert!(backward_induction(&mdp, 2, discount).unwrap_err().is_invalid());
        }
        assert!((backward_induction(&mdp, 0, 1.0).unwrap().start_value(&mdp)).abs() < 1e-15);
    }

    fn one_state() -> TabularMdp {
        TabularMdp::new(1, vec![1.0], vec![1.0], vec![1.0], vec![false]).unwrap()
    }

    #[test]
    fn more_steps_than_a_plan_holds_are_refused() {
        for steps in [MOST_VALUES, usize::MAX - 1, usize::MAX] {
            // Not `unwrap_err`, which would write down all the values of the plan.
            let Err(error) = backward_induction(&one_state(), steps, 1.0) else {
                panic!("{steps} steps were accepted");
            };
            assert!(error.is_invalid() && error.to_string().contains("plan for fewer steps"), "{error}");
        }
    }

    #[test]
    fn a_state_of_one_step_is_not_taken_for_another_of_the_next() {
        let mdp = TabularMdp::new(1, vec![0.5; 4], vec![1.0; 4], vec![1.0, 0.0], vec![false; 2]).unwrap();
        let plan = backward_induction(&mdp, 3, 1.0).unwrap();
        assert!((plan.value(3, 1)).abs() < 1e-15 && plan.action(2, 1) == 0);
        let says = |ask: &dyn Fn() -> f64| {
            let ask = std::panic::AssertUnwindSafe(ask);
            *std::panic::catch_unwind(ask).unwrap_err().downcast::<String>().unwrap()
        };
        assert_eq!(says(&|| plan.value(0, 2)), "value of state 2 of 2 at step 0 of 3");
        assert_eq!(says(&|| plan.value(4, 0)), "value of state 0 of 2 at step 4 of 3");
        assert_eq!(says(&|| plan.action(0, 2) as f64), "action in state 2 of 2 at step 0 of 3");
        assert_eq!(says(&|| plan.action(3, 0) as f64), "action in state 0 of 2 at step 3 of 3");
        assert!(says(&|| plan.start_value(&one_state())).contains("states of the MDP and of the values"));
    }
}
