//! In what unit the columns of an observation are measured, and how far both sides of a comparison are blurred.

use crate::check;
use mbrl_core::{Error, Result, Rows};

/// The deviation of each column of an observation: what makes columns of different units comparable.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviations(Vec<f64>);

impl Deviations {
    /// These deviations, which are above 0.
    pub fn new(columns: Vec<f64>) -> Result<Self> {
        if columns.is_empty() {
            return Err(Error::invalid("no deviation is given: give one for each column"));
        }
        for (column, deviation) in columns.iter().enumerate() {
            // A column that does not vary has no scale, and which one would do is not for this crate to guess.
            if !(USABLE[0]..=USABLE[1]).contains(deviation) {
                return Err(Error::invalid(format_args!(
                    "the deviation of column {column} is {deviation}: expected {:e} to {:e}; where a column does not vary, \
                     say what would be a lot for it, such as 1",
                    USABLE[0], USABLE[1]
                )));
            }
        }
        Ok(Deviations(columns))
    }

    /// Those of a table of observations. A column that does not vary is refused.
    ///
    /// ```
    /// use mbrl_bounds::estimate::Deviations;
    /// use mbrl_core::Rows;
    ///
    /// let observations = Rows::new(&[1.0, 10.0, 3.0, 10.5], 2)?;
    /// assert_eq!(Deviations::of(observations)?.as_slice(), [1.0, 0.25]);
    /// # Ok::<(), mbrl_core::Error>(())
    /// ```
    pub fn of(rows: Rows<'_>) -> Result<Self> {
        if let Some((row, column)) = rows.find_non_finite() {
            let bad = rows.row(row)[column];
            return Err(Error::non_finite(format_args!("observations: row {row}, column {column} is {bad}")));
        }
        let count = rows.len() as f64;
        let columns = (0..rows.dim()).map(|column| {
            let mean = rows.iter().map(|row| f64::from(row[column])).sum::<f64>() / count;
            let squares = rows.iter().map(|row| (f64::from(row[column]) - mean).powi(2));
            (squares.sum::<f64>() / count).sqrt()
        });
        Deviations::new(columns.collect())
    }

    /// The deviation of each column.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    pub(super) fn check_for(&self, dim: usize) -> Result<()> {
        if self.0.len() != dim {
            let given = self.0.len();
            return Err(Error::invalid(format_args!(
                "{given} deviations for {dim} columns: give one for each"
            )));
        }
        Ok(())
    }
}

/// Numbers of which squares and quotients stay far from the ends of `f64`, whatever an `f32` is divided by them.
const USABLE: [f64; 2] = [1e-50, 1e50];

/// σ₀, the deviation of the normal noise that blurs the world and the model alike: a fraction of the deviation of each
/// column.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoothing {
    width: Deviations,
}

impl Smoothing {
    /// The blur of this fraction of the deviations, such as 0.1.
    pub fn new(deviations: &Deviations, fraction: f64) -> Result<Self> {
        let fraction = check::positive("the fraction of a deviation", fraction)?;
        let width = deviations.0.iter().map(|deviation| fraction * deviation).collect();
        Ok(Smoothing { width: Deviations::new(width).map_err(|error| error.wrap("smoothing"))? })
    }

    /// σ₀ of each column.
    pub fn width(&self) -> &[f64] {
        self.width.as_slice()
    }

    pub(super) fn check_for(&self, dim: usize) -> Result<()> {
        self.width.check_for(dim)
    }
}
