//! What learns, and what merely acts.

use crate::SacPolicy;
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Belief, Key, Recorder, Result, Transition};
use std::borrow::Cow;
use std::io::{Read, Write};

/// Something that learns by acting. The [`Trainer`](crate::Trainer) calls [`act`](Agent::act),
/// [`observe`](Agent::observe) and [`learn`](Agent::learn) once in every step of the real environment, in this order; of one
/// that learns [from data alone](Agent::is_offline), only the last.
///
/// The contract, which the tests run on every entry of [`ALL`](crate::ALL):
/// - equal keys and transitions lead to equal bits, at any number of threads;
/// - an agent that was built alike and has loaded what another [saved](Agent::save) goes on as that one would have;
/// - an [`actor`](Agent::actor) leaves no trace: whether and when evaluations happen changes nothing that is learnt.
pub trait Agent: Send {
    /// Writes what it does where `obs` was observed, `[obs]` to `[act]`, so as to learn: it may explore.
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], recorder: &mut dyn Recorder) -> Result<()>;

    /// Sees what came of it. A transition that is no longer [`Running`](mbrl_core::End::Running) is the last of its
    /// episode: the next call of [`act`](Agent::act) begins another.
    fn observe(&mut self, transition: Transition<'_>) -> Result<()>;

    /// Learns, after step number `env_steps`, counted from 1.
    fn learn(&mut self, env_steps: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()>;

    /// What acts as well as the agent can by now, from the beginning of an episode.
    fn actor(&self) -> Result<Box<dyn Actor + '_>>;

    /// Writes all that it has learnt and will need: buffers, parameters, moments of optimizers, schedules.
    fn save(&self, out: &mut dyn Write) -> Result<()>;

    /// Reads what an agent that was built alike has saved, to the last byte.
    fn load(&mut self, from: &mut dyn Read) -> Result<()>;

    /// What it believes of the world, for those who want to look into it; nothing, where it has no model, or none yet.
    fn mind(&self) -> Option<Mind<'_>> {
        None
    }

    /// The network that it acts by, which a run keeps by itself beside its checkpoints, for [`Policy`](crate::Policy);
    /// nothing, where it acts in another way.
    fn network(&self) -> Option<Cow<'_, SacPolicy>> {
        None
    }

    /// The network that it draws actions by where it explores; nothing, where it acts in another way, or has no use for chance.
    /// Of a population it is the likeliest policy alone.
    fn explorer(&self) -> Option<Cow<'_, SacPolicy>> {
        self.network()
    }

    /// The transitions of the world that it keeps; nothing, where it keeps none in order.
    fn replay(&self) -> Option<&ReplayBuffer> {
        None
    }

    /// Whether it learns from data alone, so that [`learn`](Agent::learn) is all that is asked of it: a step is then an update
    /// of its own, and none is made in the environment.
    fn is_offline(&self) -> bool {
        false
    }

    /// Whether it has found by itself that it is time to stop.
    fn is_done(&self) -> bool {
        false
    }

    /// The running episode was lost after a transition that was observed as running: the next call of
    /// [`act`](Agent::act) begins another. What remembers the episode, a planner or windows in a buffer, forgets it
    /// here, as it does after a truncation.
    fn cut(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What an agent believes of the world.
#[derive(Clone, Copy)]
pub struct Mind<'a> {
    /// What it believes.
    pub belief: &'a dyn Belief,
    /// The members of the model that it imagines with.
    pub members: &'a [u16],
}

/// Something that acts for the length of episodes. It has state of its own, such as a planner's warm start, so that one is
/// made for every evaluation.
pub trait Actor {
    /// An episode begins.
    fn begin(&mut self) -> Result<()>;

    /// Writes what it does where `obs` was observed, `[obs]` to `[act]`.
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32]) -> Result<()>;

    /// Records what its episodes should be known by besides their returns, under names that begin with `eval/`.
    fn record(&self, recorder: &mut dyn Recorder) {
        let _ = recorder;
    }
}

impl std::fmt::Debug for Mind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mind").field("members", &self.members).finish_non_exhaustive()
    }
}
