//! Timing two pieces of work in turn.
#![expect(clippy::disallowed_methods, reason = "reading the clock is what this file is for")]

use crate::{Case, Pair, Share};
use std::time::{Duration, Instant};

/// How a case did.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Milliseconds of one call, in the middle of all rounds.
    pub median_ms: f64,
    /// Milliseconds of one call, in the best round.
    pub min_ms: f64,
    /// The share of the floor, told as the case says.
    pub share: f64,
}

/// A round is long enough that work finds the caches as it left them itself, and short enough that both see the same machine.
const ROUND: Duration = Duration::from_millis(60);

/// Times the work and its floor in turn, so many rounds each.
pub fn measure(case: &Case, rounds: usize) -> Measured {
    let Pair { mut work, mut floor } = (case.prepare)();
    let (work_calls, floor_calls) = (calls_lasting(&mut work, ROUND), calls_lasting(&mut floor, ROUND));
    let (mut works, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        floors.push(time_round(&mut floor, floor_calls));
        works.push(time_round(&mut work, work_calls));
    }
    let (median, floor) = (middle(&mut works), middle(&mut floors));
    let share = match case.share {
        Share::OfTime => floor / median,
        // The floors are sorted: the first is the best.
        Share::OfRate { work, floor } => work * floors[0] / floor / median,
    };
    Measured { median_ms: 1e3 * median, min_ms: 1e3 * works[0], share }
}

/// Seconds of one call, as the mean of so many.
pub fn time_round(work: &mut dyn FnMut(), calls: u64) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        work();
    }
    start.elapsed().as_secs_f64() / calls as f64
}

/// How many calls last at least so long.
pub fn calls_lasting(work: &mut dyn FnMut(), round: Duration) -> u64 {
    let mut calls = 1;
    loop {
        let took = Duration::from_secs_f64(time_round(work, calls) * calls as f64);
        if took >= round {
            return calls;
        }
        calls *= 2;
    }
}

/// The median; sorts what it is given.
fn middle(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
