//! Episodes in Parquet files, as `pyarrow` writes them for Minari: a column an array, and lists of equal length for rows.

use super::folders;
use crate::recording::episodes::{Arrays, Episodes, KEYS};
use mbrl_core::{Context, Error, Result, RowBuf};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::path::Path;

pub(super) fn read_minari(data: &Path, into: &mut Episodes) -> Result<()> {
    // The library panics on some damage; property tests find a new place now and then, and a file is no reason to stop.
    folders::read(data, "parquet", into, |path| {
        std::panic::catch_unwind(|| columns(path)).unwrap_or_else(|_| Err(damaged("what it says cannot be")))
    })
}

/// The columns of a file, all row groups of it.
fn columns(path: &Path) -> Result<Arrays> {
    let reader = SerializedFileReader::new(File::open(path).map_err(Error::io)?).map_err(broken)?;
    let mut found = [const { None }; 5];
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(broken)?;
        let metadata = group.metadata();
        for (i, column) in metadata.columns().iter().enumerate() {
            let name = column.column_path().parts().first().map(String::as_str).unwrap_or_default();
            let Some(at) = KEYS.iter().position(|key| *key == name) else {
                continue;
            };
            // Asked before the library asks, which panics.
            let starts = [
                Some(column.data_page_offset()),
                Some(column.compressed_size()),
                column.dictionary_page_offset(),
            ];
            if starts.into_iter().flatten().any(|number| number < 0) {
                return Err(damaged(format_args!("{name} begins before the file")));
            }
            let rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
            let reader = group.get_column_reader(i).map_err(broken)?;
            let (numbers, width) =
                column_of(reader, column.column_descr().max_def_level(), rows).context(name)?;
            let rows = found[at].get_or_insert_with(|| RowBuf::new(width));
            if rows.dim() != width {
                return Err(damaged("its rows are not of one length"));
            }
            numbers.chunks_exact(width).for_each(|row| rows.push(row));
        }
    }
    folders::all(found)
}

/// The numbers of a column, and how many a row has.
fn column_of(reader: ColumnReader, levels: i16, rows: usize) -> Result<(Vec<f32>, usize)> {
    match reader {
        ColumnReader::BoolColumnReader(column) => numbers(column, levels, rows, |x| f32::from(u8::from(*x))),
        ColumnReader::Int32ColumnReader(column) => numbers(column, levels, rows, |x| *x as f32),
        ColumnReader::Int64ColumnReader(column) => numbers(column, levels, rows, |x| *x as f32),
        ColumnReader::FloatColumnReader(column) => numbers(column, levels, rows, |x| *x),
        ColumnReader::DoubleColumnReader(column) => numbers(column, levels, rows, |x| *x as f32),
        _ => Err(Error::invalid("it holds something else where numbers are expected: convert it first")),
    }
}

fn numbers<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    max_level: i16,
    rows: usize,
    number: impl Fn(&T::T) -> f32,
) -> Result<(Vec<f32>, usize)> {
    const AT_ONCE: usize = 1 << 12;
    let (mut all, mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut found = 0;
    while found < rows {
        values.clear();
        let most = AT_ONCE.min(rows - found);
        let (records, ..) = column
            .read_records(most, Some(&mut defined), Some(&mut repeated), &mut values)
            .map_err(broken)?;
        if records == 0 {
            return Err(damaged(format_args!("it ends after {found} rows of {rows}")));
        }
        found += records;
        all.extend(values.iter().map(&number));
    }
    if defined.iter().any(|level| *level < max_level) {
        return Err(Error::invalid("some of its values are missing: leave that episode out"));
    }
    let width = if repeated.is_empty() { 1 } else { all.len().checked_div(rows).unwrap_or(0) };
    // A row begins where nothing is repeated.
    let is_even =
        repeated.iter().enumerate().all(|(i, level)| (*level == 0) == i.is_multiple_of(width.max(1)));
    match width > 0 && all.len() == rows * width && is_even {
        true => Ok((all, width)),
        false => Err(damaged("its rows are not of one length")),
    }
}

#[cold]
fn broken(error: ParquetError) -> Error {
    damaged(error)
}

#[cold]
fn damaged(how: impl std::fmt::Display) -> Error {
    Error::corrupt(format_args!("the Parquet file is damaged: {how}: copy it again, or record it again"))
}
