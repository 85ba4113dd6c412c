//! A measured piece of work, and what it is held against.

use crate::{buffer, envs, mbpo, nn, plan, posterior};

/// A measured piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The crate that it measures: a filter may ask for all of its cases.
    pub group: &'static str,
    /// Its name: what, of which sizes.
    pub name: &'static str,
    /// How many threads it runs on.
    pub threads: usize,
    /// What it is held against, in words.
    pub floor: &'static str,
    /// How its share is told.
    pub share: Share,
    /// The share that it is meant to reach.
    pub target: f64,
    /// How many of the things that one counts (rows, steps) a call does.
    pub items: u64,
    /// Prepares the work; what it takes is not measured.
    pub prepare: fn() -> Pair,
}

/// How the share of a case is told from its times.
#[derive(Clone, Copy, Debug)]
pub enum Share {
    /// The median time of the floor over that of the work.
    OfTime,
    /// The time of so many FLOPs, at the best rate of the floor's, over the median time of the work.
    OfRate {
        /// FLOPs of one call of the work: of its matrix products, and only those that are needed.
        work: f64,
        /// FLOPs of one call of the floor.
        floor: f64,
    },
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
    nn::TRAIN_1,
    nn::TRAIN_2,
    nn::TRAIN_SMALL_1,
    nn::TRAIN_SMALL_2,
    nn::FORWARD_1,
    nn::FORWARD_2,
    nn::FORWARD_SMALL_1,
    nn::FORWARD_SMALL_2,
    nn::SAC_P1_1,
    nn::SAC_P1_2,
    nn::SAC_P4_1,
    nn::SAC_P4_2,
    nn::SAC_P16_1,
    nn::SAC_P16_2,
    nn::SAC_SMALL_1,
    nn::SAC_SMALL_2,
    nn::POPULATION_1,
    nn::POPULATION_2,
    plan::ACTION_1,
    plan::ACTION_2,
    plan::OVERHEAD,
    mbpo::FIT_1,
    mbpo::FIT_2,
    mbpo::IMAGINE_1,
    mbpo::IMAGINE_2,
    mbpo::UPDATE_1,
    mbpo::UPDATE_2,
    mbpo::TENTH_1,
    mbpo::TENTH_2,
    posterior::STEP_1,
    posterior::STEP_2,
];
