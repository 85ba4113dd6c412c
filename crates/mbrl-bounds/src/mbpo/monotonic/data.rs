//! Data that a policy collects in a table.

use crate::check;
use crate::psrl::{Counts, Move};
use mbrl_core::{Error, Key, NoiseBuf, NoiseSpec, Result, TabularMdp};
use mbrl_plan::TabularPolicy;

/// So many moves are drawn at a time; their number changes no draw.
const CHUNK: u64 = 4096;

/// Numbers from [0, 1) that a move takes: the first state of an episode, the action, the successor, and the end.
const DRAWS: NoiseSpec = NoiseSpec { normals: 0, uniforms: 4 };

/// Counts so many moves of `policy` in the world, each of which ends its episode with probability 1 − γ, besides the ends of
/// the world itself. So they come from where the discounted return looks.
///
/// The model of largest likelihood is then [`Counts::empirical`].
pub fn collect(
    truth: &TabularMdp,
    policy: &TabularPolicy,
    gamma: f64,
    moves: u64,
    key: Key,
    counts: &mut Counts,
) -> Result<()> {
    let gamma = check::discount("gamma", gamma)?;
    let (has, needs) = ([policy.states(), policy.actions()], [truth.states(), truth.actions()]);
    if has != needs {
        return Err(Error::invalid(format_args!(
            "the policy is for {has:?} states and actions, the MDP has {needs:?}: make one for these"
        )));
    }
    let live = |(state, p): (usize, &f64)| if truth.is_terminal(state) { 0.0 } else { *p };
    let first: Vec<f64> = truth.start().iter().enumerate().map(live).collect();
    if first.iter().sum::<f64>() <= 0.0 {
        return Err(Error::invalid(
            "every episode is over before it begins: start in a state that is no end",
        ));
    }
    let (keys, mut noise, mut at) = (key.below(), NoiseBuf::default(), None);
    for chunk in 0..moves.div_ceil(CHUNK) {
        noise.fill(DRAWS, CHUNK.min(moves - chunk * CHUNK) as usize, keys.at(chunk));
        for row in noise.view().uniforms.iter() {
            let [begin, act, go, end] = [0, 1, 2, 3].map(|i| f64::from(row[i]));
            let state = at.unwrap_or_else(|| drawn(&first, begin));
            let action = drawn(policy.probabilities(state), act);
            let next = drawn(truth.transition(state, action), go);
            let reward = Some(truth.reward(state, action)[next]);
            counts.observe(&Move { state, action, reward, next })?;
            at = (end < gamma && !truth.is_terminal(next)).then_some(next);
        }
    }
    Ok(())
}

/// The outcome at which the shares of `weights` so far exceed `u`, of [0, 1).
fn drawn(weights: &[f64], u: f64) -> usize {
    let mut left = u * weights.iter().sum::<f64>();
    let mut last = 0;
    for (i, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        if left < *weight {
            return i;
        }
        left -= weight;
        // Rounding may leave a little after the last of them.
        last = i;
    }
    last
}
