//! Random worlds, models and policies for the properties of this crate.

use crate::ModelledMdp;
use mbrl_core::TabularMdp;
use mbrl_plan::TabularPolicy;
use proptest::prelude::*;

/// A world, a model of it, the policy π to judge and the policy π_D that collected data, and a discount.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) worlds: ModelledMdp,
    pub(crate) policy: TabularPolicy,
    pub(crate) data_policy: TabularPolicy,
    pub(crate) gamma: f64,
}

/// Cases of several shapes: moves that are impossible, ends, models from perfect to unrelated, policies from equal to
/// opposed, and discounts from 0 to 0.99.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    (1usize..=5, 1usize..=3).prop_flat_map(|(states, actions)| {
        let (pairs, cells) = (states * actions, states * actions * states);
        let weight = || prop_oneof![1 => Just(0.0), 2 => 0.01f64..1.0];
        let closeness = || prop_oneof![1 => Just(0.0), 3 => 0.0f64..0.1, 2 => 0.0f64..1.0, 1 => Just(1.0)];
        let worlds = (
            prop::collection::vec(weight(), cells),
            prop::collection::vec(weight(), cells),
            closeness(),
            prop::collection::vec(-1.0f64..1.0, pairs),
            prop::collection::vec(0.01f64..1.0, states),
            prop::collection::vec(prop::bool::weighted(0.2), states),
        );
        let policies =
            (prop::collection::vec(weight(), pairs), prop::collection::vec(weight(), pairs), closeness());
        let gamma = prop_oneof![1 => Just(0.0), 4 => 0.0f64..0.99, 1 => Just(0.99)];
        (worlds, policies, gamma).prop_map(move |(worlds, policies, gamma)| {
            let (truth, other, error, reward, start, terminal) = worlds;
            let (truth, other) = (normalized(&truth, states), normalized(&other, states));
            let reward: Vec<f64> = reward.iter().flat_map(|r| std::iter::repeat_n(*r, states)).collect();
            let model = blend(&truth, &other, error);
            let truth =
                TabularMdp::new(actions, truth, reward, normalized(&start, states), terminal).unwrap();
            let (first, second, shift) = policies;
            let (first, second) = (normalized(&first, actions), normalized(&second, actions));
            let policy = blend(&first, &second, shift);
            Case {
                worlds: ModelledMdp::new(&truth, model).unwrap(),
                policy: TabularPolicy::new(actions, policy).unwrap(),
                data_policy: TabularPolicy::new(actions, first).unwrap(),
                gamma,
            }
        })
    })
}

/// Distributions over the same number of outcomes, of which some may be impossible.
pub(crate) fn distributions(count: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1usize..=6).prop_flat_map(move |outcomes| {
        let weight = prop_oneof![1 => Just(0.0), 2 => 0.01f64..1.0];
        prop::collection::vec(
            prop::collection::vec(weight, outcomes).prop_map(move |weights| normalized(&weights, outcomes)),
            count,
        )
    })
}

fn blend(first: &[f64], second: &[f64], share: f64) -> Vec<f64> {
    first.iter().zip(second).map(|(a, b)| (1.0 - share) * a + share * b).collect()
}

/// Rows that sum to one; a row without any weight is all in its last column.
pub(crate) fn normalized(weights: &[f64], columns: usize) -> Vec<f64> {
    let mut rows = weights.to_vec();
    for row in rows.chunks_exact_mut(columns) {
        let sum: f64 = row.iter().sum();
        if sum < 1e-3 {
            row.fill(0.0);
            row[columns - 1] = 1.0;
        } else {
            row.iter_mut().for_each(|w| *w /= sum);
        }
    }
    rows
}
