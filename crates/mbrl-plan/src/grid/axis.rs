//! One direction of a grid.

use mbrl_core::{Error, Result};

/// Evenly spaced points along one coordinate.
///
/// ```
/// use mbrl_plan::Axis;
///
/// let speed = Axis::clamped(-8.0, 8.0, 201)?;
/// assert_eq!([speed.coordinate(0), speed.coordinate(100), speed.coordinate(200)], [-8.0, 0.0, 8.0]);
/// // The end of a turn is its beginning, and is no point of its own.
/// let angle = Axis::periodic(0.0, 360.0, 4)?;
/// assert_eq!([0, 1, 2, 3].map(|i| angle.coordinate(i)), [0.0, 90.0, 180.0, 270.0]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    points: usize,
    periodic: bool,
}

impl Axis {
    /// Points from `low` to `high`, both included. What lies beyond is taken for the nearest point.
    pub fn clamped(low: f64, high: f64, points: usize) -> Result<Self> {
        Axis { low, high, points, periodic: false }.checked()
    }

    /// Points from `low` up to `high`, which is the same place as `low`.
    pub fn periodic(low: f64, high: f64, points: usize) -> Result<Self> {
        Axis { low, high, points, periodic: true }.checked()
    }

    fn checked(self) -> Result<Self> {
        let Axis { low, high, points, .. } = self;
        if !(low < high && (high - low).is_finite()) {
            return Err(Error::invalid(format_args!(
                "an axis from {low} to {high}: give finite bounds, the lower first"
            )));
        }
        if points < 2 {
            return Err(Error::invalid(format_args!("an axis of {points} points: give at least 2")));
        }
        Ok(self)
    }

    /// The number of points.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Where point `i` is, counted from 0.
    pub fn coordinate(&self, i: usize) -> f64 {
        let share = i as f64 / self.cells() as f64;
        // Exact at both ends.
        (1.0 - share) * self.low + share * self.high
    }

    /// The distance of neighbouring points.
    pub(super) fn spacing(&self) -> f64 {
        (self.high - self.low) / self.cells() as f64
    }

    /// The number of points, and of the copy of the first behind the last, of a periodic axis.
    pub(super) fn padded(&self) -> usize {
        self.cells() + 1
    }

    /// Between which neighbours `x` is: the first of them, and how far on the way to the next.
    pub(super) fn locate(&self, x: f64) -> (usize, f32) {
        let (share, cells) = ((x - self.low) / (self.high - self.low), self.cells());
        let share = if self.periodic { share.rem_euclid(1.0) } else { share.clamp(0.0, 1.0) };
        let place = share * cells as f64;
        let cell = (place as usize).min(cells - 1);
        (cell, (place - cell as f64) as f32)
    }

    /// The distance of two places, the short way round.
    pub(super) fn distance(&self, a: f64, b: f64) -> f64 {
        let (apart, round) = ((a - b).abs(), self.high - self.low);
        if !self.periodic {
            return apart;
        }
        let rest = apart.rem_euclid(round);
        rest.min(round - rest)
    }

    fn cells(&self) -> usize {
        if self.periodic { self.points } else { self.points - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_again() {
        for axis in [Axis::clamped(-1.0, 2.0, 7).unwrap(), Axis::periodic(-1.0, 2.0, 6).unwrap()] {
            for i in 0..axis.points() {
                let (cell, part) = axis.locate(axis.coordinate(i) + 0.125);
                let last = i + 1 == axis.padded();
                let expected = if last { (i - 1, 1.0) } else { (i, 0.25) };
                assert!(
                    cell == expected.0 && (part - expected.1).abs() < 1e-6,
                    "{axis:?} {i}: {cell} {part}"
                );
            }
        }
    }

    #[test]
    fn what_is_off_the_axis_is_clamped_or_wrapped() {
        let clamped = Axis::clamped(0.0, 4.0, 5).unwrap();
        for (x, place) in [(-1e300, (0, 0.0)), (1e300, (3, 1.0)), (f64::INFINITY, (3, 1.0)), (4.0, (3, 1.0))]
        {
            assert_eq!(clamped.locate(x), place);
        }
        let periodic = Axis::periodic(0.0, 4.0, 4).unwrap();
        for (x, place) in [(4.0, (0, 0.0)), (-0.5, (3, 0.5)), (401.5, (1, 0.5)), (3.5, (3, 0.5))] {
            assert_eq!(periodic.locate(x), place);
        }
        // So little below the start that the quotient rounds to a whole turn.
        assert_eq!(periodic.locate(-1e-30), (3, 1.0));
        assert!(
            (periodic.distance(0.25, 7.75) - 0.5).abs() < 1e-12
                && (clamped.distance(0.0, 4.0) - 4.0).abs() < 1e-12
        );
    }

    #[test]
    fn impossible_axes_are_refused() {
        for (low, high, points) in [(1.0, 1.0, 3), (f64::NAN, 1.0, 3), (0.0, f64::INFINITY, 3), (0.0, 1.0, 1)]
        {
            assert!(Axis::clamped(low, high, points).is_err() && Axis::periodic(low, high, points).is_err());
        }
    }
}
