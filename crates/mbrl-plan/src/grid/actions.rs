//! The actions that are tried at each point of a grid.

use mbrl_core::{BoxSpace, Error, Result, RowBuf, Rows, Space};

/// A finite list of actions.
///
/// ```
/// use mbrl_core::Space;
/// use mbrl_plan::ActionGrid;
///
/// let torques = ActionGrid::uniform(&Space::symmetric(1, 2.0)?, 5)?;
/// assert_eq!(torques.rows().as_slice(), [-2.0, -1.0, 0.0, 1.0, 2.0]);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ActionGrid {
    rows: RowBuf,
    /// Whether what lies between two neighbours is an action as well.
    continuous: bool,
}

/// More actions than this are a slip of the hand.
const MOST_ACTIONS: usize = 1 << 20;

impl ActionGrid {
    /// So many evenly spaced actions in each direction of a bounded box, bounds included; of a discrete space, all.
    pub fn uniform(space: &Space, points: usize) -> Result<Self> {
        match space {
            Space::Box(space) => uniform_box(space, points),
            Space::Discrete { n } => {
                let mut rows = RowBuf::new(1);
                (0..*n).for_each(|choice| rows.push(&[choice as f32]));
                Ok(ActionGrid { rows, continuous: false })
            }
        }
    }

    /// These actions and none between them.
    pub fn list(rows: RowBuf) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::invalid("a list of no actions: give at least one"));
        }
        if let Some((row, column)) = rows.view().find_non_finite() {
            let bad = rows.row(row)[column];
            return Err(Error::non_finite(format_args!(
                "action {row} of the list has {bad} in column {column}"
            )));
        }
        Ok(ActionGrid { rows, continuous: false })
    }

    /// The actions, `[actions, act]`.
    pub fn rows(&self) -> Rows<'_> {
        self.rows.view()
    }

    /// The neighbours of action `i`, where what lies between them can be done as well.
    pub(super) fn around(&self, i: usize) -> Option<[f32; 2]> {
        let last = self.rows.len() - 1;
        let of = |i: usize| self.rows.row(i)[0];
        (self.continuous && self.rows.dim() == 1).then(|| [of(i.saturating_sub(1)), of(last.min(i + 1))])
    }
}

fn uniform_box(space: &BoxSpace, points: usize) -> Result<ActionGrid> {
    if !space.is_bounded() {
        return Err(Error::invalid("no grid covers unbounded actions: give the action space bounds"));
    }
    let dim = space.low().len();
    let count = u32::try_from(dim).ok().and_then(|dim| points.checked_pow(dim));
    let (2.., Some(count @ ..=MOST_ACTIONS)) = (points, count) else {
        return Err(Error::invalid(format_args!(
            "{points} actions in each of {dim} directions: give at least 2, and at most {MOST_ACTIONS} in all"
        )));
    };
    let mut rows = RowBuf::zeros(count, dim);
    for i in 0..count {
        let mut rest = i;
        for (j, action) in rows.row_mut(i).iter_mut().enumerate().rev() {
            let (low, high) = (f64::from(space.low()[j]), f64::from(space.high()[j]));
            let share = (rest % points) as f64 / (points - 1) as f64;
            *action = ((1.0 - share) * low + share * high) as f32;
            rest /= points;
        }
    }
    Ok(ActionGrid { rows, continuous: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_there_once_and_in_order() {
        let space = Space::bounded(&[-1.0, 0.1], &[1.0, 0.7]).unwrap();
        let grid = ActionGrid::uniform(&space, 3).unwrap();
        let rows: Vec<_> = grid.rows().iter().collect();
        assert_eq!((rows.len(), rows[0], rows[8]), (9, [-1.0, 0.1].as_slice(), [1.0, 0.7].as_slice()));
        assert_eq!((rows[1][0], rows[3][0]), (-1.0, 0.0));
        assert!(grid.rows().iter().all(|row| space.contains(row)) && grid.around(4).is_none());
        let choices = ActionGrid::uniform(&Space::discrete(3).unwrap(), 7).unwrap();
        assert_eq!((choices.rows().as_slice(), choices.around(1)), ([0.0, 1.0, 2.0].as_slice(), None));
    }

    #[test]
    fn neighbours_end_at_the_bounds() {
        let grid = ActionGrid::uniform(&Space::symmetric(1, 1.0).unwrap(), 3).unwrap();
        assert_eq!([0, 1, 2].map(|i| grid.around(i).unwrap()), [[-1.0, 0.0], [-1.0, 1.0], [0.0, 1.0]]);
    }

    #[test]
    fn impossible_lists_are_refused_with_a_mend() {
        let says = |result: Result<ActionGrid>| result.unwrap_err().to_string();
        assert!(
            says(ActionGrid::uniform(&Space::unbounded(1).unwrap(), 3))
                .contains("give the action space bounds")
        );
        for points in [0, 1, usize::MAX] {
            assert!(
                says(ActionGrid::uniform(&Space::symmetric(2, 1.0).unwrap(), points)).contains("at least 2")
            );
        }
        assert!(says(ActionGrid::list(RowBuf::new(1))).contains("at least one"));
        let mut bad = RowBuf::new(1);
        bad.push(&[f32::NAN]);
        assert!(says(ActionGrid::list(bad)).contains("action 0 of the list has NaN"));
    }
}
