//! Fresh steps of a trained agent, which nothing was fitted to.

use mbrl_agents::Agent;
use mbrl_core::{Context, End, Env, Key, Origin, Result, Transition};
use std::ops::ControlFlow;

/// Lets the agent act as in an evaluation, from start states of its own, until `take` has seen enough. An episode is cut after
/// `limit` steps.
pub(crate) fn act(
    agent: &dyn Agent,
    env: &mut dyn Env,
    limit: Option<u64>,
    key: Key,
    take: &mut dyn FnMut(Transition<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let dims = env.spec().dims();
    let (mut obs, mut next, mut act) = (vec![0.0; dims.obs], vec![0.0; dims.obs], vec![0.0; dims.act]);
    let mut actor = agent.actor()?;
    for episode in 0.. {
        let keys = key.at(episode);
        let (world, policy) = (keys.child("world").below(), keys.child("policy").below());
        env.reset(keys.child("reset"), &mut obs)?;
        actor.begin()?;
        for step in 0.. {
            let place = || format!("episode {episode}, step {}", step + 1);
            actor.act(&obs, policy.at(step), &mut act).with_context(place)?;
            next.copy_from_slice(&obs);
            let came = env.step(&act, world.at(step), &mut next).with_context(place)?;
            let is_late = limit.is_some_and(|limit| step + 1 >= limit);
            let end = if came.end == End::Running && is_late { End::Truncated } else { came.end };
            let (reward, origin) = (came.reward, Origin::World);
            let seen = Transition { obs: &obs, act: &act, next_obs: &next, reward, end, origin };
            if take(seen)?.is_break() {
                return Ok(());
            }
            std::mem::swap(&mut obs, &mut next);
            if end.is_end() {
                break;
            }
        }
    }
    Ok(())
}
