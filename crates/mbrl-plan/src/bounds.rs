//! A box of actions, once for each step of a plan.

use mbrl_core::{Error, Result, RowsMut, Space};

/// Bounds as long as a plan, `[horizon · act]`, and what a planner asks of them.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) horizon: usize,
    pub(crate) act: usize,
    pub(crate) low: Vec<f32>,
    pub(crate) high: Vec<f32>,
    /// Where a search begins that knows nothing.
    pub(crate) middle: Vec<f32>,
    /// Half the distance between the bounds: the unit of deviations.
    pub(crate) half: Vec<f64>,
}

/// More numbers than this in a population or a matrix (a quarter of a gigabyte and more) are a slip of the hand.
const MOST_NUMBERS: usize = 1 << 26;

/// Numbers a few million times as large are still finite, so that no sum of noise is NaN.
const WIDEST: f32 = 1e30;

impl Bounds {
    /// The bounds of a plan of `horizon` steps; refuses spaces in which a Gaussian cannot search.
    pub(crate) fn new(space: &Space, horizon: usize) -> Result<Self> {
        let Space::Box(bounds) = space else {
            return Err(Error::invalid(
                "this planner wants real actions, and these are discrete: take `categorical-cem` or `random-shooting`",
            ));
        };
        check_plannable(space, horizon)?;
        check_room("a plan", horizon, space.dim())?;
        let tiled = |row: &[f32]| row.repeat(horizon);
        let middle: Vec<f32> =
            bounds.low().iter().zip(bounds.high()).map(|(l, h)| 0.5 * l + 0.5 * h).collect();
        let half: Vec<f64> = bounds
            .low()
            .iter()
            .zip(bounds.high())
            .map(|(l, h)| 0.5 * (f64::from(*h) - f64::from(*l)))
            .collect();
        Ok(Bounds {
            horizon,
            act: space.dim(),
            low: tiled(bounds.low()),
            high: tiled(bounds.high()),
            middle: tiled(&middle),
            half: half.repeat(horizon),
        })
    }

    /// How many numbers a plan has.
    pub(crate) fn width(&self) -> usize {
        self.low.len()
    }

    /// Writes `mean` in single precision; its rounding may not carry it out of the box.
    pub(crate) fn round(&self, mean: &[f64], out: &mut [f32]) {
        for (i, (out, mean)) in out.iter_mut().zip(mean).enumerate() {
            *out = (*mean as f32).clamp(self.low[i], self.high[i]);
        }
    }

    /// Drops the first steps of a plan and puts the middle behind it.
    ///
    /// handful-of-trials puts zeros there, which is the middle of symmetric bounds only and may be outside of others.
    pub(crate) fn shift(&self, plan: &mut [f32], steps: usize) {
        let dropped = steps.min(self.horizon) * self.act;
        plan.copy_within(dropped.., 0);
        let rest = plan.len() - dropped;
        plan[rest..].copy_from_slice(&self.middle[rest..]);
    }

    /// Refuses a table that no plan fits in.
    pub(crate) fn check_plan(&self, plan: &RowsMut<'_>) -> Result<()> {
        check_plan(plan, self.horizon, self.act)
    }

    /// Refuses whatever else than whole plans inside the box.
    pub(crate) fn check_warm(&self, name: &str, plans: &[f32]) -> Result<()> {
        let width = self.width();
        if !plans.len().is_multiple_of(width) {
            return Err(Error::invalid(format_args!(
                "the warm start's {name} has {} numbers: expected plans of {width}; it is of another planner, \
                 horizon or action space, so reset instead",
                plans.len()
            )));
        }
        let bounds = self.low.iter().zip(&self.high).cycle();
        match plans.iter().zip(bounds).position(|(x, (low, high))| !(low..=high).contains(&x)) {
            None => Ok(()),
            Some(i) => Err(Error::invalid(format_args!(
                "the warm start's {name}[{i}] is {}, outside [{}, {}]: it is of another action space, so reset instead",
                plans[i],
                self.low[i % width],
                self.high[i % width]
            ))),
        }
    }

    /// Refuses a centre that is not one plan inside the box.
    pub(crate) fn check_center(&self, center: &[f32]) -> Result<()> {
        check_length("center", center.len(), self.width())?;
        self.check_warm("center", center)
    }
}

/// Refuses a part of a warm start that does not have so many numbers.
pub(crate) fn check_length(name: &str, len: usize, expected: usize) -> Result<()> {
    if len == expected {
        return Ok(());
    }
    Err(Error::invalid(format_args!(
        "the warm start's {name} has {len} numbers, not {expected}: it is of another planner, horizon or action space, \
         so reset instead"
    )))
}

/// Refuses a table that no plan fits in.
pub(crate) fn check_plan(plan: &RowsMut<'_>, horizon: usize, act: usize) -> Result<()> {
    if (plan.len(), plan.dim()) == (horizon, act) {
        return Ok(());
    }
    let (rows, columns) = (plan.len(), plan.dim());
    Err(Error::invalid(format_args!(
        "the table for the plan is [{rows}, {columns}]: give one of [horizon, act], [{horizon}, {act}]"
    )))
}

/// Refuses spaces in which nothing can be drawn, and plans of no step.
pub(crate) fn check_plannable(space: &Space, horizon: usize) -> Result<()> {
    if horizon == 0 {
        return Err(Error::invalid("horizon is 0: plan at least one step"));
    }
    if space.dim() == 0 {
        return Err(Error::invalid("the action space has no dimension: there is nothing to plan"));
    }
    if let Space::Box(bounds) = space {
        let mut pairs = bounds.low().iter().zip(bounds.high());
        if let Some(i) = pairs.position(|(low, high)| high - low > WIDEST) {
            return Err(Error::invalid(format_args!(
                "bounds of action {i} are [{:?}, {:?}]: planning needs finite ones, at most {WIDEST:e} apart, so give the action \
                 space bounds",
                bounds.low()[i],
                bounds.high()[i]
            )));
        }
    }
    Ok(())
}

/// Refuses tables that no memory holds.
pub(crate) fn check_room(what: &str, rows: usize, width: usize) -> Result<()> {
    match rows.checked_mul(width) {
        Some(..=MOST_NUMBERS) => Ok(()),
        _ => Err(Error::invalid(format_args!(
            "{what} of [{rows}, {width}] is more than {MOST_NUMBERS} numbers: plan fewer steps or try fewer plans"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_fills_with_the_middle_and_not_with_zeros() {
        let space = Space::bounded(&[1.0, -4.0], &[3.0, 0.0]).unwrap();
        let bounds = Bounds::new(&space, 3).unwrap();
        let mut plan = vec![1.1, -0.1, 1.2, -0.2, 1.3, -0.3];
        bounds.shift(&mut plan, 1);
        assert_eq!(plan, [1.2, -0.2, 1.3, -0.3, 2.0, -2.0]);
        bounds.shift(&mut plan, 0);
        assert_eq!(plan, [1.2, -0.2, 1.3, -0.3, 2.0, -2.0]);
        for steps in [3, 4, usize::MAX] {
            let mut plan = plan.clone();
            bounds.shift(&mut plan, steps);
            assert_eq!(plan, [2.0, -2.0, 2.0, -2.0, 2.0, -2.0]);
        }
    }

    #[test]
    fn bounds_may_be_far_from_zero_but_not_too_far_apart() {
        let space = Space::bounded(&[3.3e38], &[f32::MAX]).unwrap();
        assert!(Bounds::new(&space, 1).is_err());
        let space = Space::bounded(&[1e36], &[1e36 + 5e29]).unwrap();
        let bounds = Bounds::new(&space, 1).unwrap();
        assert!(space.contains(&bounds.middle) && bounds.half[0].is_finite());
        let error = Bounds::new(&Space::symmetric(1, 1e30).unwrap(), 1).unwrap_err();
        assert!(error.to_string().contains("at most 1e30 apart"), "{error}");
    }
}
