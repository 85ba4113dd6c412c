//! Value iteration on a grid: the optimum of low-dimensional physics, as a yardstick for planners.
//!
//! Values are kept at the points of a grid and interpolated linearly in each direction between them (Kushner & Dupuis
//! 1992; Munos & Moore 2002), so they converge to the optimum with the square of the spacing where that is smooth. Where
//! every point leads a move does not change from sweep to sweep: it is worked out once.

mod actions;
mod axis;
mod chart;
mod plan;
mod problem;
mod successors;
mod sweep;
mod world;

#[cfg(test)]
mod tests;

pub use actions::ActionGrid;
pub use axis::Axis;
pub use chart::Grid;
pub use plan::{GridPlan, Lookahead};
pub use problem::GridProblem;

/// More numbers than this in a table (a gigabyte) are a slip of the hand.
const MOST_VALUES: usize = 1 << 28;

/// Points that one thread works on at a time: the bits do not depend on how many threads there are.
const CHUNK: usize = 256;
