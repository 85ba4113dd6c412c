//! The optimum of a tabular MDP over a finite horizon, by backward induction:
//! V_T = 0, V_t(s) = max_a Σ_s' p(s'|s,a) (r(s,a,s') + γ V_{t+1}(s')), where a terminal s' has no value.

use mbrl_core::{Error, Result, TabularMdp};

/// What is best to do, and what it is worth, at each step before a horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct FinitePlan {
    states: usize,
    /// `[steps + 1, states]`; the last row is zero.
    values: Vec<f64>,
    /// `[steps, states]`
    actions: Vec<u32>,
}

/// The best plan for `steps` steps; of equally good actions, the first.
pub fn backward_induction(mdp: &TabularMdp, steps: usize, discount: f64) -> Result<FinitePlan> {
    if !(0.0..=1.0).contains(&discount) {
        return Err(Error::invalid(format_args!("discount is {discount}: expected 0 to 1")));
    }
    let states = mdp.states();
    let mut values = vec![0.0; (steps + 1) * states];
    let mut actions = vec![0; steps * states];
    for t in (0..steps).rev() {
        let (now, later) = values.split_at_mut((t + 1) * states);
        let (now, later) = (&mut now[t * states..], &later[..states]);
        for state in (0..states).filter(|&state| !mdp.is_terminal(state)) {
            let mut best = (f64::NEG_INFINITY, 0);
            for action in 0..mdp.actions() {
                let worth = action_value(mdp, state, action, discount, later);
                if worth > best.0 {
                    best = (worth, action as u32);
                }
            }
            (now[state], actions[t * states + state]) = best;
        }
    }
    Ok(FinitePlan { states, values, actions })
}

fn action_value(mdp: &TabularMdp, state: usize, action: usize, discount: f64, later: &[f64]) -> f64 {
    let successors = mdp.transition(state, action).iter().zip(mdp.reward(state, action)).zip(later);
    // Terminal states keep the value 0 in every row.
    successors.map(|((p, reward), value)| p * (reward + discount * value)).sum()
}

impl FinitePlan {
    /// What `state` is worth at step `t`, counted from 0; nothing at the horizon.
    pub fn value(&self, t: usize, state: usize) -> f64 {
        self.values[t * self.states + state]
    }

    /// What is best to do in `state` at step `t`, counted from 0.
    pub fn action(&self, t: usize, state: usize) -> usize {
        self.actions[t * self.states + state] as usize
    }

    /// What an episode is worth that starts as `mdp` says.
    pub fn start_value(&self, mdp: &TabularMdp) -> f64 {
        mdp.start().iter().zip(&self.values).map(|(p, value)| p * value).sum()
    }
}

#[cfg(test)]
mod tests {
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

    fn mdps() -> impl Strategy<Value = TabularMdp> {
        let cells = 3 * 2 * 3;
        (
            prop::collection::vec(0.01f64..1.0, cells),
            prop::collection::vec(-1.0f64..1.0, cells),
            any::<bool>(),
        )
            .prop_map(|(weights, rewards, last_is_terminal)| {
                let rows = weights.chunks_exact(3);
                let transition =
                    rows.flat_map(|row| row.iter().map(|w| w / row.iter().sum::<f64>())).collect();
                let terminal = vec![false, false, last_is_terminal];
                TabularMdp::new(2, transition, rewards, vec![0.5, 0.5, 0.0], terminal).unwrap()
            })
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
        let mdp = TabularMdp::new(1, vec![1.0], vec![1.0], vec![1.0], vec![false]).unwrap();
        for discount in [-0.1, 1.1, f64::NAN] {
            assert!(backward_induction(&mdp, 2, discount).unwrap_err().is_invalid());
        }
        assert!((backward_induction(&mdp, 0, 1.0).unwrap().start_value(&mdp)).abs() < 1e-15);
    }
}
