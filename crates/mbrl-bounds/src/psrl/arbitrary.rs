//! Random beliefs over tiny worlds for the properties of this folder.

use super::posterior::FiniteBelief;
use crate::arbitrary::normalized;
use mbrl_core::TabularMdp;
use proptest::prelude::*;

/// Beliefs over two or three MDPs of one or two states and two actions: moves that are impossible in some, rewards and
/// first states that tell them apart or do not, and episodes that can end.
pub(super) fn beliefs() -> impl Strategy<Value = FiniteBelief> {
    (1usize..=2, 2usize..=3).prop_flat_map(|(states, models)| {
        let cells = states * 2 * states;
        let weight = || prop_oneof![1 => Just(0.0), 3 => 0.05f64..1.0];
        let reward = prop_oneof![Just(0.0), Just(1.0), Just(-1.0), Just(0.25)];
        (
            prop::collection::vec(prop::collection::vec(weight(), cells), models),
            prop::collection::vec(prop::collection::vec(reward, cells), models),
            prop::collection::vec(prop::collection::vec(weight(), states), models),
            prop::collection::vec(weight(), models),
            (any::<bool>(), any::<bool>(), prop::bool::weighted(0.25)),
        )
            .prop_map(
                move |(transition, reward, start, weights, (rewards_tell, starts_tell, ends))| {
                    let mdps = (0..models).map(|model| {
                        let mut terminal = vec![false; states];
                        terminal[states - 1] = ends && states > 1;
                        TabularMdp::new(
                            2,
                            normalized(&transition[model], states),
                            reward[if rewards_tell { model } else { 0 }].clone(),
                            normalized(&start[if starts_tell { model } else { 0 }], states),
                            terminal,
                        )
                        .unwrap()
                    });
                    FiniteBelief::new(mdps.collect(), normalized(&weights, models)).unwrap()
                },
            )
    })
}
