//! What must hold of a column of a dataset before it is made anything of.

use mbrl_core::{Error, Result, RowBuf};

/// Refuses numbers that are not finite, by row and column.
pub(super) fn finite(rows: &RowBuf, key: &str) -> Result<()> {
    match rows.view().find_non_finite() {
        None => Ok(()),
        Some((row, column)) => Err(Error::non_finite(format_args!(
            "{key}: row {row}, column {column} is {}: leave that episode out",
            rows.row(row)[column]
        ))),
    }
}

/// Refuses numbers of double precision that are finite, and would be infinite in single precision. `place` tells the row and
/// the column of one.
pub(super) fn narrow(wide: impl Iterator<Item = f64>, place: impl Fn(usize) -> (usize, usize)) -> Result<()> {
    match wide.enumerate().find(|(_, x)| x.is_finite() && (*x as f32).is_infinite()) {
        None => Ok(()),
        Some((at, x)) => {
            let (row, column) = place(at);
            Err(Error::non_finite(format_args!(
                "row {row}, column {column} is {x:e}, which overflows single precision: leave that episode out"
            )))
        }
    }
}

/// The numbers of rows that have one each.
pub(super) fn single(rows: RowBuf, key: &str) -> Result<Vec<f32>> {
    match rows.dim() {
        1 => Ok(rows.into_vec()),
        width => {
            Err(Error::invalid(format_args!("{key}: there are {width} numbers a row where one is expected")))
        }
    }
}

/// Yes or no, whatever numbers say it.
pub(super) fn flags(rows: RowBuf, key: &str) -> Result<Vec<bool>> {
    let numbers = single(rows, key)?;
    let said = |(row, number): (usize, f32)| match number.to_bits() {
        // Minus zero is zero too.
        0 | 0x8000_0000 => Ok(false),
        0x3f80_0000 => Ok(true),
        _ => Err(Error::invalid(format_args!("{key}: row {row} is {number}, which is neither 0 nor 1"))),
    };
    numbers.into_iter().enumerate().map(said).collect()
}
