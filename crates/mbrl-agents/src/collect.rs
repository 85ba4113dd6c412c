//! What an actor did, to be learnt from: whole episodes, the last of which may be cut.

use crate::Actor;
use crate::evaluation::cut;
use mbrl_core::{Context, End, Env, Error, Key, Origin, Result, Transition, TransitionBatch};

/// How much is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many steps; the last episode is cut where it has not ended.
    Steps(usize),
    /// So many whole episodes.
    Episodes(u64),
}

/// An episode of more steps than this has no end.
const ENDLESS: u64 = 1_000_000;

/// Lets `actor` act in `env`, and returns what came of it, the episodes one after the other. Episode `i` draws from
/// `key.at(i)`, as in an [evaluation](crate::evaluate).
pub fn collect(
    actor: &mut dyn Actor,
    env: &mut dyn Env,
    amount: Amount,
    key: Key,
) -> Result<TransitionBatch> {
    let (dims, limit) = (env.spec().dims(), env.spec().time_limit.map(u64::from));
    let mut data = TransitionBatch::new(dims);
    let (mut obs, mut next, mut act) = (vec![0.0; dims.obs], vec![0.0; dims.obs], vec![0.0; dims.act]);
    for episode in 0.. {
        if amount == Amount::Episodes(episode) {
            return Ok(data);
        }
        let keys = key.at(episode);
        let (world, policy) = (keys.child("world").below(), keys.child("policy").below());
        env.reset(keys.child("reset"), &mut obs)?;
        actor.begin()?;
        for step in 0.. {
            if amount == Amount::Steps(data.len()) {
                if let Some(last) = data.end.last_mut().filter(|end| !end.is_end()) {
                    *last = End::Truncated;
                }
                return Ok(data);
            }
            if step == ENDLESS {
                return Err(Error::invalid(format_args!(
                    "episode {episode} did not end in {ENDLESS} steps: give the environment a time limit"
                )));
            }
            let place = || format!("episode {episode}, step {}", step + 1);
            actor.act(&obs, policy.at(step), &mut act).with_context(place)?;
            let came = env.step(&act, world.at(step), &mut next).with_context(place)?;
            let numbers = next.iter().chain([&came.reward]);
            if let Some(bad) = numbers.copied().find(|x| !x.is_finite()) {
                return Err(Error::non_finite(format_args!("{}: what came of it is {bad}", place())));
            }
            let (reward, end) = (came.reward, cut(came.end, step + 1, limit));
            data.push(Transition {
                obs: &obs,
                act: &act,
                next_obs: &next,
                reward,
                end,
                origin: Origin::World,
            });
            std::mem::swap(&mut obs, &mut next);
            if end.is_end() {
                break;
            }
        }
    }
    Ok(data)
}
