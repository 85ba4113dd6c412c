//! The discounted optimum by policy iteration (Howard 1960): evaluate exactly, improve, until nothing improves.

use super::chain::{Chain, check_finite};
use super::policy::TabularPolicy;
use super::stationary::StationaryPlan;
use mbrl_core::{Result, TabularMdp};

/// The optimum for ever, to the rounding of a linear solve. Its cost is the cube of the number of states a round, and
/// there are few rounds.
///
/// An action is given up for a better one only, never for an equal one.
///
/// ```
/// use mbrl_core::TabularMdp;
/// use mbrl_plan::policy_iteration;
///
/// // Stay in state 0 for 1 a step, or pay 2 to live in state 1 for 3 a step.
/// let mdp = TabularMdp::new(
///     2,
///     vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
///     vec![1.0, 0.0, 0.0, -2.0, 0.0, 3.0, 0.0, 3.0],
///     vec![1.0, 0.0],
///     vec![false; 2],
/// )?;
/// assert_eq!(policy_iteration(&mdp, 0.5)?.action(0), 0);
/// let patient = policy_iteration(&mdp, 0.9)?;
/// assert_eq!(patient.action(0), 1);
/// assert!((patient.start_value(&mdp) - (-2.0 + 0.9 * 30.0)).abs() < 1e-12);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn policy_iteration(mdp: &TabularMdp, discount: f64) -> Result<StationaryPlan> {
    super::check_discount_below_one(discount, "plan to a horizon with `backward_induction`, or discount")?;
    let states = mdp.states();
    let mut chosen = StationaryPlan::greedy(mdp, discount, &vec![0.0; states]).chosen().to_vec();
    let mut best: Option<(f64, StationaryPlan)> = None;
    loop {
        let policy = TabularPolicy::deterministic(mdp.actions(), &chosen)?;
        let chain = Chain::new(mdp, &policy)?;
        let mut values = vec![0.0; states];
        chain.expect(&mut values, |_, _, reward| reward);
        chain.system(discount)?.solve(&mut values);
        check_finite("value", &values)?;
        // In exact arithmetic an improved policy is better in every state. Where rounding says otherwise, the one before
        // was the best that can be told; and since no policy can come back, this ends.
        let total: f64 = values.iter().sum();
        if let Some((before, plan)) = best.take()
            && total <= before
        {
            return Ok(plan);
        }
        let greedy = StationaryPlan::greedy(mdp, discount, &values);
        let better = improved(&chosen, &greedy);
        let plan = greedy.choosing(chosen);
        match better {
            None => return Ok(plan),
            Some(better) => chosen = better,
        }
        best = Some((total, plan));
    }
}

/// The greedy actions, but the present ones where these are as good to rounding; nothing where no action is better.
fn improved(chosen: &[u32], greedy: &StationaryPlan) -> Option<Vec<u32>> {
    let mut changed = false;
    let better = chosen.iter().enumerate().map(|(state, &present)| {
        let (best, now) = (greedy.value(state), greedy.action_values(state)[present as usize]);
        if best - now <= 8.0 * f64::EPSILON * best.abs().max(now.abs()) {
            return present;
        }
        changed = true;
        greedy.action(state) as u32
    });
    let better = better.collect();
    changed.then_some(better)
}
