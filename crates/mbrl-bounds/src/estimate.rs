//! The symbols of the bounds, estimated from data, each with its interval.

mod interval;

pub use interval::{Coverage, Estimate};
