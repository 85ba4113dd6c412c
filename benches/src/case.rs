//! A measured piece of work, and what it is held against.

use crate::{buffer, envs};

/// A measured piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name: what, of which sizes.
    pub name: &'static str,
    /// How many threads it runs on.
    pub threads: usize,
    /// What it is held against, in words.
    pub floor: &'static str,
    /// The share that it is meant to reach.
    pub target: f64,
    /// How many of the things that one counts (rows, steps) a call does.
    pub items: u64,
    /// Prepares the work; what it takes is not measured.
    pub prepare: fn() -> Pair,
}

/// A piece of work and its floor, ready to be called again and again.
#[expect(missing_debug_implementations, reason = "two closures have nothing to show")]
pub struct Pair {
    /// The work.
    pub work: Box<dyn FnMut()>,
    /// What it is held against.
    pub floor: Box<dyn FnMut()>,
}

/// Every case.
pub static CASES: &[Case] = &[
    buffer::GATHER,
    buffer::SAMPLE,
    buffer::PUSH,
    envs::PENDULUM,
    envs::LANES_1,
    envs::LANES_2,
    envs::NORMALS,
];
