//! How good something is that acts: returns of whole episodes under fixed keys.

use crate::{Actor, Flow, stats};
use mbrl_core::{Context, End, Env, Error, Key, Result};
use serde::{Deserialize, Serialize};

/// What episodes brought, undiscounted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Steps that whoever acted had learnt from.
    pub env_steps: u64,
    /// The return of each episode.
    pub returns: Vec<f64>,
    /// How many steps each took.
    pub lengths: Vec<u64>,
}

impl Evaluation {
    /// The mean return.
    pub fn mean_return(&self) -> f64 {
        stats::mean(&self.returns)
    }

    /// The mean number of steps of an episode.
    pub fn mean_length(&self) -> f64 {
        self.lengths.iter().sum::<u64>() as f64 / self.lengths.len() as f64
    }
}

/// An episode of an evaluation that takes more steps than this has no end.
const ENDLESS: u64 = 1_000_000;

/// Lets `actor` act in `env` for so many episodes. Episode `i` draws from `key.at(i)`, so that equal keys give the same
/// start states and the same luck.
pub fn evaluate(actor: &mut dyn Actor, env: &mut dyn Env, episodes: u64, key: Key) -> Result<Evaluation> {
    let done = evaluate_watched(actor, env, episodes, key, &mut |_| Ok(Flow::Continue))?;
    done.ok_or_else(|| Error::unsupported("nobody asked for the evaluation to stop"))
}

/// [`evaluate`], asking `watch` after each step whether to go on; `None` where it was interrupted. `watch` is told how many
/// episodes are over.
pub fn evaluate_watched(
    actor: &mut dyn Actor,
    env: &mut dyn Env,
    episodes: u64,
    key: Key,
    watch: &mut dyn FnMut(u64) -> Result<Flow>,
) -> Result<Option<Evaluation>> {
    let limit = env.spec().time_limit.map(u64::from);
    let mut obs = vec![0.0; env.spec().obs.dim()];
    let mut act = vec![0.0; env.spec().act.dim()];
    let mut evaluation = Evaluation { env_steps: 0, returns: Vec::new(), lengths: Vec::new() };
    for episode in 0..episodes {
        let keys = key.at(episode);
        let (world, policy) = (keys.child("world").below(), keys.child("policy").below());
        env.reset(keys.child("reset"), &mut obs)?;
        actor.begin()?;
        let (mut sum, mut length) = (0.0, 0);
        loop {
            let place = || format!("episode {episode}, step {}", length + 1);
            actor.act(&obs, policy.at(length), &mut act).with_context(place)?;
            let step = env.step(&act, world.at(length), &mut obs).with_context(place)?;
            if !step.reward.is_finite() {
                return Err(Error::non_finite(format_args!("{}: the reward is {}", place(), step.reward)));
            }
            sum += f64::from(step.reward);
            length += 1;
            if watch(episode)? == Flow::Interrupt {
                return Ok(None);
            }
            if cut(step.end, length, limit).is_end() {
                break;
            }
            if length == ENDLESS {
                return Err(Error::invalid(format_args!(
                    "episode {episode} did not end in {ENDLESS} steps: give the environment a time limit"
                )));
            }
        }
        evaluation.returns.push(sum);
        evaluation.lengths.push(length);
    }
    Ok(Some(evaluation))
}

/// How step number `length` leaves its episode. An environment whose spec has a time limit may leave it to others to keep.
pub(crate) fn cut(end: End, length: u64, limit: Option<u64>) -> End {
    match end {
        End::Running if limit.is_some_and(|limit| length >= limit) => End::Truncated,
        end => end,
    }
}
