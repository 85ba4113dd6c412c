//! Data that a policy collects in a table.

use crate::check;
use crate::psrl::{Counts, Move};
use mbrl_core::{Error, Key, NoiseBuf, NoiseSpec, Result, TabularMdp};
use mbrl_plan::TabularPolicy;

/// So many moves are drawn at a time, so that more of them begin with those of fewer.
const CHUNK: u64 = 4096;

/// Numbers from [0, 1) that a move takes: the first state of an episode, the action, the successor, and the end.
const DRAWS: NoiseSpec = NoiseSpec { normals: 0, uniforms: 4 };

/// What one number from [0, 1) has 24 bits of, another has the next 24 bits of.
const FINE: f64 = 1.0 / (1u32 << 24) as f64;

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
    let keys = [key.below(), key.child("end").below()];
    let (mut noise, mut fine, mut at) = (NoiseBuf::default(), NoiseBuf::default(), None);
    for chunk in 0..moves.div_ceil(CHUNK) {
        let rows = CHUNK.min(moves - chunk * CHUNK) as usize;
        noise.fill(DRAWS, rows, keys[0].at(chunk));
        fine.fill(NoiseSpec { normals: 0, uniforms: 1 }, rows, keys[1].at(chunk));
        for (row, fine) in noise.view().uniforms.iter().zip(fine.view().uniforms.iter()) {
            let [begin, act, go, end] = [0, 1, 2, 3].map(|i| f64::from(row[i]));
            let state = at.unwrap_or_else(|| drawn(&first, begin));
            let action = drawn(policy.probabilities(state), act);
            let next = drawn(truth.transition(state, action), go);
            let reward = Some(truth.reward(state, action)[next]);
            counts.observe(&Move { state, action, reward, next })?;
            at = (goes_on(end, f64::from(fine[0]), gamma) && !truth.is_terminal(next)).then_some(next);
        }
    }
    Ok(())
}

/// Whether an episode goes on, by the two halves of a number from [0, 1). One alone has no value between 1 − 2⁻²⁴ and 1, so
/// that under a larger discount none would ever end.
fn goes_on(coarse: f64, fine: f64, gamma: f64) -> bool {
    coarse + FINE * fine < gamma
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

#[cfg(test)]
mod tests {
    use super::goes_on;

    #[test]
    fn episodes_end_under_discounts_very_near_to_1() {
        let last = 1.0 - f64::from(f32::EPSILON) / 2.0;
        for gamma in [1.0 - 1e-9, 1.0 - 1e-12] {
            assert!(goes_on(last, 0.0, gamma) && !goes_on(last, f64::from(1.0 - f32::EPSILON / 2.0), gamma));
        }
        assert!(goes_on(0.0, 0.9, 0.5) && !goes_on(0.5, 0.0, 0.5) && !goes_on(0.0, 0.0, 0.0));
    }
}
