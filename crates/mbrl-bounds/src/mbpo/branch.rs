//! The exact returns of which the theorems speak: in the world, in the model, and of rollouts that branch off.

use crate::{ModelledMdp, check};
use mbrl_core::{Result, TabularMdp};
use mbrl_plan::{TabularPolicy, occupancy};

/// η^branch(π): the return of rollouts that follow the data policy π_D in the world, and branch off for their last `k`
/// steps, in which they follow π in the model.
///
/// It is Σ_t γᵗ E r_t, where the state of step t comes of max(t − k, 0) steps by π_D in the world and then of min(t, k)
/// steps by π in the model, and the action is by π. So with k = 0 the states are those of π_D, and without end to k it
/// is [`model_return`]. Nothing is cut off, and the time taken grows with the logarithm of `k`.
///
/// ```
/// use mbrl_bounds::{ModelledMdp, mbpo};
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::TabularPolicy;
///
/// // Action 1 leaves the state that earns 1 for one that earns nothing, but the model does not know.
/// let rewards = vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
/// let (stays, leaves) = ([1.0, 0.0], [0.0, 1.0]);
/// let truth = TabularMdp::new(2, [stays, leaves, leaves, leaves].concat(), rewards, vec![1.0, 0.0], vec![false; 2])?;
/// let worlds = ModelledMdp::new(&truth, [stays, stays, leaves, leaves].concat())?;
/// let (leaver, stayer) = (TabularPolicy::deterministic(2, &[1, 1])?, TabularPolicy::deterministic(2, &[0, 0])?);
/// for k in [0, 1, 1_000_000_000_000_000] {
///     let branched = mbpo::branched_return(&worlds, &leaver, &stayer, 0.5, k)?;
///     assert!((branched - 2.0).abs() < 1e-12);
/// }
/// assert!((mbpo::true_return(&worlds, &leaver, 0.5)? - 1.0).abs() < 1e-12);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn branched_return(
    worlds: &ModelledMdp,
    policy: &TabularPolicy,
    data_policy: &TabularPolicy,
    gamma: f64,
    k: u64,
) -> Result<f64> {
    let gamma = check::exact_discount("gamma", gamma)?;
    worlds.check_policy("the policy", policy)?;
    worlds.check_policy("the data policy", data_policy)?;
    let Rollout { earlier, last } = Rollout::new(worlds, policy, gamma, k);
    // Steps before the k-th have all their moves in the model; all others begin where π_D is, k steps before.
    let branched_off = occupancy(worlds.truth(), data_policy, gamma)?;
    let begun: f64 = worlds.truth().start().iter().zip(&earlier).map(|(p, worth)| p * worth).sum();
    let since: f64 = branched_off.states().iter().zip(&last).map(|(share, worth)| share * worth).sum();
    check::finite("the branched return", begun + since / (1.0 - gamma))
}

/// η(π): the exact return of a policy in the world.
pub fn true_return(worlds: &ModelledMdp, policy: &TabularPolicy, gamma: f64) -> Result<f64> {
    return_in(worlds, worlds.truth(), policy, gamma)
}

/// η̂(π): the exact return of a policy in the model.
pub fn model_return(worlds: &ModelledMdp, policy: &TabularPolicy, gamma: f64) -> Result<f64> {
    return_in(worlds, worlds.model(), policy, gamma)
}

fn return_in(worlds: &ModelledMdp, mdp: &TabularMdp, policy: &TabularPolicy, gamma: f64) -> Result<f64> {
    let gamma = check::exact_discount("gamma", gamma)?;
    worlds.check_policy("the policy", policy)?;
    let earned = occupancy(mdp, policy, gamma)?.mean_of(|state, action| worlds.reward(state, action));
    check::finite("the return", earned / (1.0 - gamma))
}

/// What k steps in the model are worth from each state on, discounted.
struct Rollout {
    /// Σ_{t < k} γᵗ E r_t, `[states]`.
    earlier: Vec<f64>,
    /// γᵏ E r_k, `[states]`.
    last: Vec<f64>,
}

impl Rollout {
    /// With A = γP̂ and r the mean rewards under π: Σ_{t < k} Aᵗ r, and Aᵏ r.
    fn new(worlds: &ModelledMdp, policy: &TabularPolicy, gamma: f64, k: u64) -> Self {
        let (states, rewards) = (worlds.truth().states(), rewards(worlds, policy));
        let mut rollout = Rollout { earlier: vec![0.0; states], last: rewards.clone() };
        // Blocks of 1, 2, 4, … steps: a block's own sum, and its power of A. That γ is within A keeps all powers
        // bounded, so that even 2⁶³ steps lose no more digits than the linear systems of endless returns do.
        let (mut sum, mut power) = (rewards, moves(worlds, worlds.model(), policy));
        power.iter_mut().for_each(|p| *p *= gamma);
        let mut left = k;
        while left > 0 {
            if left % 2 == 1 {
                rollout.earlier = add(&sum, &apply(&power, &rollout.earlier));
                rollout.last = apply(&power, &rollout.last);
            }
            left /= 2;
            if left > 0 {
                sum = add(&sum, &apply(&power, &sum));
                power = squared(&power, states);
            }
        }
        rollout
    }
}

/// Σ_a π(a|s) r(s, a), `[states]`; 0 of terminal states.
fn rewards(worlds: &ModelledMdp, policy: &TabularPolicy) -> Vec<f64> {
    let mut rewards = vec![0.0; worlds.truth().states()];
    for (state, action) in worlds.acted() {
        rewards[state] += policy.probabilities(state)[action] * worlds.reward(state, action);
    }
    rewards
}

/// Σ_a π(a|s) p(s'|s, a), `[states, states]`, in one of the two worlds; nothing moves on from an end.
pub(super) fn moves(worlds: &ModelledMdp, mdp: &TabularMdp, policy: &TabularPolicy) -> Vec<f64> {
    let states = mdp.states();
    let mut moves = vec![0.0; states * states];
    for (state, action) in worlds.acted() {
        let chosen = policy.probabilities(state)[action];
        let row = &mut moves[state * states..(state + 1) * states];
        row.iter_mut().zip(mdp.transition(state, action)).for_each(|(out, p)| *out += chosen * p);
    }
    moves
}

/// What `vector` is in the mean over where each row of `matrix` leads.
pub(super) fn apply(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks_exact(vector.len());
    rows.map(|row| row.iter().zip(vector).map(|(a, x)| a * x).sum()).collect()
}

fn add(first: &[f64], second: &[f64]) -> Vec<f64> {
    first.iter().zip(second).map(|(a, b)| a + b).collect()
}

fn squared(matrix: &[f64], size: usize) -> Vec<f64> {
    let mut product = vec![0.0; matrix.len()];
    for (out, row) in product.chunks_exact_mut(size).zip(matrix.chunks_exact(size)) {
        for (share, through) in row.iter().zip(matrix.chunks_exact(size)) {
            out.iter_mut().zip(through).for_each(|(out, p)| *out += share * p);
        }
    }
    product
}
