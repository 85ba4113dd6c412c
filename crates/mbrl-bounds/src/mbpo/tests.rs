//! The theorems and their symbols on tables, where both sides of every inequality are known.

use super::*;
use crate::arbitrary::{Case, cases};
use crate::{Discounted, ModelledMdp};
use mbrl_core::TabularMdp;
use mbrl_plan::TabularPolicy;
use proptest::prelude::*;

mod bounds;
mod drift;
mod exact;
mod horizon;
mod refusals;
mod tight;

/// Lengths of rollouts.
const LENGTHS: [u64; 6] = [0, 1, 2, 5, 50, 1000];

/// What rounding may add to returns of this size, and to sums that bound them.
fn rounding(returns: Discounted) -> f64 {
    1e-9 * returns.widest_gap() + 1e-300
}

/// A world whose moves do not depend on chance, and a model that may differ: `[states][actions]` of successors.
fn deterministic<const A: usize>(
    truth: &[[usize; A]],
    model: &[[usize; A]],
    reward: &[[f64; A]],
) -> ModelledMdp {
    let states = truth.len();
    let to = |next: &usize| (0..states).map(|s| f64::from(u8::from(s == *next))).collect::<Vec<_>>();
    let table = |moves: &[[usize; A]]| moves.iter().flatten().flat_map(to).collect::<Vec<_>>();
    let reward = reward.iter().flatten().flat_map(|r| vec![*r; states]).collect();
    let mut start = vec![0.0; states];
    start[0] = 1.0;
    let truth = TabularMdp::new(A, table(truth), reward, start, vec![false; states]).unwrap();
    ModelledMdp::new(&truth, table(model)).unwrap()
}

/// The policy that takes action 1 with this probability, whatever the state.
fn often(p: f64, states: usize) -> TabularPolicy {
    TabularPolicy::new(2, [1.0 - p, p].repeat(states)).unwrap()
}
