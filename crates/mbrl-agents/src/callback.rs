//! Whoever watches a run, and may end it.

use crate::Evaluation;
use mbrl_core::{End, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Is told what happens in a run, and may ask for its end. It has no part in what is learnt.
pub trait Callback: Send {
    /// How many steps apart it wants to hear of steps, if at all: [`Event::Stepped`] and [`Event::Evaluating`]. Of
    /// everything else it hears always.
    fn every(&self) -> Option<u64> {
        None
    }

    /// Something happened.
    fn on(&mut self, event: Event<'_>, at: Standing) -> Result<Flow>;
}

/// How a run stands when something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Steps done in the real environment.
    pub env_steps: u64,
    /// Steps to be done in all.
    pub steps: u64,
    /// Episodes that are over.
    pub episodes: u64,
}

/// What can happen in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training begins here: at no steps, or at those of the checkpoint that it goes on from.
    Started,
    /// A step was done in the real environment, and learnt from.
    Stepped,
    /// A step was done in an evaluation of which so many episodes are over.
    Evaluating {
        /// Episodes of the evaluation that are over.
        episodes: u64,
    },
    /// An episode is over.
    EpisodeEnded {
        /// What it earned.
        total: f64,
        /// How many steps it took.
        length: u64,
        /// Why it is over.
        end: End,
    },
    /// The agent was evaluated.
    Evaluated(&'a Evaluation),
    /// All of the run is on the disk.
    Checkpointed,
    /// Something is not as it should be, and the run goes on.
    Warned(&'a str),
}

/// Whether a run is to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    #[default]
    Continue,
    /// The run has reached what it was for: it is evaluated once more, saved, and done.
    Finish,
    /// Save and stop as soon as possible; the run can be resumed.
    Interrupt,
}

/// Finishes a run once an evaluation's mean return is at least this: [`EvalConfig::target`](crate::EvalConfig::target).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetReturn(pub f64);

impl Callback for TargetReturn {
    fn on(&mut self, event: Event<'_>, _: Standing) -> Result<Flow> {
        Ok(match event {
            Event::Evaluated(evaluation) if evaluation.mean_return() >= self.0 => Flow::Finish,
            _ => Flow::Continue,
        })
    }
}

/// Interrupts a run once a flag is set, by a signal say.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(pub Arc<AtomicBool>);

impl Callback for StopFlag {
    fn every(&self) -> Option<u64> {
        Some(1)
    }

    fn on(&mut self, _: Event<'_>, _: Standing) -> Result<Flow> {
        Ok(if self.0.load(Ordering::Relaxed) { Flow::Interrupt } else { Flow::Continue })
    }
}
