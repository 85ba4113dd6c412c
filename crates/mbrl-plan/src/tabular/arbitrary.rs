//! Random MDPs and policies for the properties of this folder's tools.

use super::policy::TabularPolicy;
use mbrl_core::TabularMdp;
use proptest::prelude::*;

/// MDPs of three states and two actions; the third state is terminal in half of them.
pub(super) fn mdps() -> impl Strategy<Value = TabularMdp> {
    let cells = 3 * 2 * 3;
    (prop::collection::vec(0.01f64..1.0, cells), prop::collection::vec(-1.0f64..1.0, cells), any::<bool>())
        .prop_map(|(weights, rewards, last_is_terminal)| {
            let terminal = vec![false, false, last_is_terminal];
            TabularMdp::new(2, normalized(&weights, 3), rewards, vec![0.5, 0.5, 0.0], terminal).unwrap()
        })
}

/// MDPs of several shapes, of which moves may be impossible and any states terminal.
pub(super) fn shapes() -> impl Strategy<Value = TabularMdp> {
    (1usize..=6, 1usize..=3).prop_flat_map(|(states, actions)| {
        let cells = states * actions * states;
        let weight = prop_oneof![1 => Just(0.0), 2 => 0.01f64..1.0];
        (
            prop::collection::vec(weight, cells),
            prop::collection::vec(-1.0f64..1.0, cells),
            prop::collection::vec(0.01f64..1.0, states),
            prop::collection::vec(prop::bool::weighted(0.2), states),
        )
            .prop_map(move |(mut weights, rewards, start, terminal)| {
                // A row without any weight is none: it leads to the last state.
                for row in weights.chunks_exact_mut(states).filter(|row| row.iter().sum::<f64>() < 0.01) {
                    row[states - 1] = 1.0;
                }
                let start = normalized(&start, states);
                TabularMdp::new(actions, normalized(&weights, states), rewards, start, terminal).unwrap()
            })
    })
}

/// An MDP of [`shapes`], and a policy in it.
pub(super) fn with_policy() -> impl Strategy<Value = (TabularMdp, TabularPolicy)> {
    shapes().prop_flat_map(|mdp| {
        let cells = mdp.states() * mdp.actions();
        prop::collection::vec(0.001f64..1.0, cells).prop_map(move |weights| {
            let policy = TabularPolicy::new(mdp.actions(), normalized(&weights, mdp.actions())).unwrap();
            (mdp.clone(), policy)
        })
    })
}

fn normalized(weights: &[f64], columns: usize) -> Vec<f64> {
    let rows = weights.chunks_exact(columns);
    rows.flat_map(|row| row.iter().map(|w| w / row.iter().sum::<f64>())).collect()
}
