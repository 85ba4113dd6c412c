//! Executable contracts for those who implement the traits of [`mbrl_core`], fakes, and an allocator that counts.
//!
//! A check runs the documented contract of a trait and returns an error that says what is broken and how to mend it:
//!
//! ```
//! use mbrl_testkit::{check_env, fakes::Corridor};
//!
//! check_env(|| Ok(Corridor::new(5)))?;
//! # Ok::<(), mbrl_core::Error>(())
//! ```
//!
//! For use in tests only.

#![doc(test(attr(deny(warnings))))]

mod alloc;
mod env;
pub mod fakes;
#[cfg(feature = "gemm")]
mod gemm;
mod model;
mod policy;
mod task;

pub use alloc::{Allocations, CountingAlloc, allocations};
pub use env::check_env;
#[cfg(feature = "gemm")]
pub use gemm::multiply_squares;
pub use model::check_model;
pub use policy::check_policy;
pub use task::{check_physics, check_task};

use mbrl_core::{Error, Key, Result, Space};

/// A broken contract: what was seen, and the mend.
fn broken(message: impl std::fmt::Display) -> Error {
    Error::invalid(message)
}

/// Whether a second call with a grown scratch made allocations. Without the counting allocator none are seen.
fn no_allocations(made: Allocations) -> Result<()> {
    match made.count {
        0 => Ok(()),
        n => Err(broken(format_args!(
            "a second call allocated {n} times: work in what the scratch lends, and in what the caller passes"
        ))),
    }
}

/// Whether two runs of numbers are the same bits.
fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// Writes an action: uniform where the space is bounded, a few units wide where it is not.
fn draw_action(space: &Space, key: Key, act: &mut [f32]) {
    let mut uniforms = vec![0.0; act.len()];
    for (i, u) in uniforms.iter_mut().enumerate() {
        *u = key.at(i as u64).uniform();
    }
    match space {
        Space::Box(bounds) if !bounds.is_bounded() => {
            for ((a, u), (low, high)) in
                act.iter_mut().zip(uniforms).zip(bounds.low().iter().zip(bounds.high()))
            {
                *a = (4.0 * u - 2.0).clamp(*low, *high);
            }
        }
        _ => space.from_uniforms(&uniforms, act),
    }
}

/// Runs a check and hands its error on with the name of the contract before it.
fn named(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    check().map_err(|error| error.wrap(name))
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
