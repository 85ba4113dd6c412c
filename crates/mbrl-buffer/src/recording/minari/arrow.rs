//! Episodes in Arrow files, as `pyarrow` writes them for Minari: uncompressed, a column an array.
//!
//! The crates of Arrow would take ten times as long to build as this takes to read, so the part of the format that a table
//! of numbers needs is read here: <https://arrow.apache.org/docs/format/Columnar.html>.

use super::flatbuffer::{Bytes, List, Table, damaged, take};
use super::folders;
use crate::recording::columns as column;
use crate::recording::episodes::{Arrays, Episodes, KEYS};
use mbrl_core::{Context, Error, Result, RowBuf};
use std::path::Path;

#[cfg(test)]
mod tests;

pub(super) fn read_minari(data: &Path, into: &mut Episodes) -> Result<()> {
    folders::read(data, "arrow", into, |path| columns(&std::fs::read(path).map_err(Error::io)?))
}

const MAGIC: &[u8] = b"ARROW1";
/// As deep as the types of `infos` are followed.
const DEEPEST: usize = 16;

/// The columns of a file, all batches of it.
fn columns(file: Bytes<'_>) -> Result<Arrays> {
    if !file.starts_with(MAGIC) || !file.ends_with(MAGIC) || file.len() < 24 {
        return Err(Error::corrupt("it does not begin and end as an Arrow file does: copy it again"));
    }
    let end = file.len() - MAGIC.len() - 4;
    let length = u32::from_le_bytes(take(file, end)?) as usize;
    let begin = end.checked_sub(length).ok_or_else(damaged)?;
    let footer = Table::root(&file[begin..end])?;
    let schema = footer.table(1)?.ok_or_else(damaged)?;
    if u16::from_le_bytes(schema.number(0)?) != 0 {
        return Err(Error::unsupported("its numbers are big-endian: write it on another machine"));
    }
    let (fields, blocks) = (schema.list(1)?, footer.list(3)?);
    let wanted = wanted(fields)?;
    let mut left = file.len();
    let mut found = [const { None }; 5];
    for i in 0..blocks.len {
        let offset = i64::from_le_bytes(blocks.part(i, 24, 0)?);
        let metadata = i32::from_le_bytes(blocks.part(i, 24, 8)?);
        let body = i64::from_le_bytes(blocks.part(i, 24, 16)?);
        let position = |number: i64| usize::try_from(number).ok().filter(|number| *number <= file.len());
        let (Some(offset), Some(metadata), Some(body)) =
            (position(offset), position(metadata.into()), position(body))
        else {
            return Err(damaged());
        };
        // Blocks lie side by side, so that all of them are no longer than the file.
        left = left.checked_sub(metadata).and_then(|left| left.checked_sub(body)).ok_or_else(damaged)?;
        let (head, rest) = file[offset..].split_at_checked(metadata).ok_or_else(damaged)?;
        batch(head, rest.get(..body).ok_or_else(damaged)?, (fields, wanted), &mut found)?;
    }
    folders::all(found)
}

/// How many fields there are up to the last one that is wanted: what follows, `infos` say, may be of any type.
fn wanted(fields: List<'_>) -> Result<usize> {
    let (mut seen, mut count) = ([false; 5], 0);
    for i in 0..fields.len {
        let name = fields.table(i)?.text(0)?;
        let Some(at) = KEYS.iter().position(|key| key.as_bytes() == name) else {
            continue;
        };
        if std::mem::replace(&mut seen[at], true) {
            return Err(Error::invalid(format_args!(
                "{}: there are two columns of this name: leave one out",
                KEYS[at]
            )));
        }
        count = i + 1;
    }
    Ok(count)
}

/// Adds the rows of a batch: its header is a message, and its columns are in its body.
fn batch(
    head: Bytes<'_>,
    body: Bytes<'_>,
    (fields, wanted): (List<'_>, usize),
    found: &mut [Option<RowBuf>; 5],
) -> Result<()> {
    // Before the message stand its length and, since version 0.15, a mark.
    let skip = if take::<4>(head, 0)? == [0xff; 4] { 8 } else { 4 };
    let message = Table::root(head.get(skip..).ok_or_else(damaged)?)?;
    const RECORD_BATCH: u8 = 3;
    let header = message.table(2)?.filter(|_| message.number(1).is_ok_and(|[kind]| kind == RECORD_BATCH));
    let header = header.ok_or_else(damaged)?;
    if header.table(3)?.is_some() {
        return Err(Error::unsupported("it is compressed: write it with the settings of Minari"));
    }
    let mut walk = Walk { nodes: header.list(1)?, buffers: header.list(2)?, node: 0, buffer: 0, body };
    for i in 0..wanted {
        let field = fields.table(i)?;
        let name = field.text(0)?;
        let Some(at) = KEYS.iter().position(|key| key.as_bytes() == name) else {
            walk.skip(field, DEEPEST)?;
            continue;
        };
        let (numbers, width) = walk.column(field).context(KEYS[at])?;
        let column = found[at].get_or_insert_with(|| RowBuf::new(width));
        if column.dim() != width {
            return Err(damaged());
        }
        numbers.chunks_exact(width).for_each(|row| column.push(row));
    }
    Ok(())
}

/// What of a batch has been read: its arrays stand one after the other, depth first.
struct Walk<'a> {
    nodes: List<'a>,
    buffers: List<'a>,
    node: usize,
    buffer: usize,
    body: Bytes<'a>,
}

/// A kind of number, as columns have it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Bool,
    Int { bits: u32, signed: bool },
    Float { bits: u32 },
}

impl Walk<'_> {
    /// The numbers of a column, row after row, and how many a row has.
    fn column(&mut self, field: Table<'_>) -> Result<(Vec<f32>, usize)> {
        const FIXED_SIZE_LIST: u8 = 16;
        let [kind] = field.number(2)?;
        if kind != FIXED_SIZE_LIST {
            let rows = self.whole()?;
            return Ok((self.numbers(field, rows, 1)?, 1));
        }
        is_plain(field)?;
        let size = field.table(3)?.ok_or_else(damaged)?.number(0)?;
        let width =
            usize::try_from(i32::from_le_bytes(size)).ok().filter(|width| *width > 0).ok_or_else(damaged)?;
        let rows = self.whole()?;
        self.buffer += 1;
        let numbers = rows.checked_mul(width).ok_or_else(damaged)?;
        if self.whole()? != numbers {
            return Err(damaged());
        }
        let children = field.list(5)?;
        if children.len != 1 {
            return Err(damaged());
        }
        Ok((self.numbers(children.table(0)?, numbers, width)?, width))
    }

    /// How many items the next array has, all of which must be there.
    fn whole(&mut self) -> Result<usize> {
        let len = i64::from_le_bytes(self.nodes.part(self.node, 16, 0)?);
        let missing = i64::from_le_bytes(self.nodes.part(self.node, 16, 8)?);
        self.node += 1;
        if missing != 0 {
            return Err(Error::invalid(format_args!(
                "{missing} of its values are missing: leave that episode out"
            )));
        }
        usize::try_from(len).map_err(|_| damaged())
    }

    fn bytes(&mut self) -> Result<Bytes<'_>> {
        let offset = i64::from_le_bytes(self.buffers.part(self.buffer, 16, 0)?);
        let len = i64::from_le_bytes(self.buffers.part(self.buffer, 16, 8)?);
        self.buffer += 1;
        let (Ok(offset), Ok(len)) = (usize::try_from(offset), usize::try_from(len)) else {
            return Err(damaged());
        };
        offset.checked_add(len).and_then(|end| self.body.get(offset..end)).ok_or_else(damaged)
    }

    /// The next array, of this many numbers in rows of `width`; the mask of what is missing stands before it.
    fn numbers(&mut self, field: Table<'_>, count: usize, width: usize) -> Result<Vec<f32>> {
        let number = Number::of(field)?;
        self.buffer += 1;
        let bytes = self.bytes()?;
        let items =
            |size: usize| count.checked_mul(size).and_then(|end| bytes.get(..end)).ok_or_else(damaged);
        /// As `f32`, from items of the size of the type.
        macro_rules! each {
            ($kind:ty) => {{
                let (items, _) = items(size_of::<$kind>())?.as_chunks();
                Ok(items.iter().map(|item| <$kind>::from_le_bytes(*item) as f32).collect())
            }};
        }
        match number {
            Number::Bool => {
                let bits = bytes.get(..count.div_ceil(8)).ok_or_else(damaged)?;
                Ok((0..count).map(|i| f32::from(bits[i / 8] >> (i % 8) & 1)).collect())
            }
            Number::Float { bits: 32 } => each!(f32),
            Number::Float { .. } => {
                let (items, _) = items(size_of::<f64>())?.as_chunks();
                let wide = items.iter().map(|item| f64::from_le_bytes(*item));
                column::narrow(wide.clone(), |at| (at / width, at % width))?;
                Ok(wide.map(|x| x as f32).collect())
            }
            Number::Int { bits: 8, signed: true } => each!(i8),
            Number::Int { bits: 16, signed: true } => each!(i16),
            Number::Int { bits: 32, signed: true } => each!(i32),
            Number::Int { signed: true, .. } => each!(i64),
            Number::Int { bits: 8, .. } => each!(u8),
            Number::Int { bits: 16, .. } => each!(u16),
            Number::Int { bits: 32, .. } => each!(u32),
            Number::Int { .. } => each!(u64),
        }
    }

    /// Passes over a column that is not wanted.
    fn skip(&mut self, field: Table<'_>, depth: usize) -> Result<()> {
        is_plain(field)?;
        // Fields may share what is in them, and then what is walked through doubles from one depth to the next.
        if self.node >= self.nodes.len {
            return Err(damaged());
        }
        let [kind] = field.number(2)?;
        self.node += 1;
        // The mask of what is missing, and then what the type has.
        self.buffer += match kind {
            1 => 0,                        // Null
            2 | 3 | 6..=11 | 15 | 18 => 2, // numbers and times
            4 | 5 | 19 | 20 => 3,          // texts
            12 | 17 | 21 => 2,             // lists
            13 | 16 => 1,                  // Struct, FixedSizeList
            _ => {
                return Err(Error::unsupported(format_args!(
                    "a column is of type {kind}, which is not known here"
                )));
            }
        };
        let children = field.list(5)?;
        match depth.checked_sub(1) {
            Some(depth) => (0..children.len).try_for_each(|i| self.skip(children.table(i)?, depth)),
            None => Err(damaged()),
        }
    }
}

/// Refuses a column of indices into a dictionary, which is elsewhere.
fn is_plain(field: Table<'_>) -> Result<()> {
    match field.table(4)? {
        None => Ok(()),
        Some(_) => Err(Error::unsupported("a column is kept as indices of a dictionary: write it without")),
    }
}

impl Number {
    /// What numbers a field holds.
    fn of(field: Table<'_>) -> Result<Self> {
        is_plain(field)?;
        let [kind] = field.number(2)?;
        let of = field.table(3)?.ok_or_else(damaged)?;
        match kind {
            6 => Ok(Number::Bool),
            2 => {
                let [signed] = of.number(1)?;
                match u32::from_le_bytes(of.number(0)?) {
                    bits @ (8 | 16 | 32 | 64) => Ok(Number::Int { bits, signed: signed != 0 }),
                    _ => Err(damaged()),
                }
            }
            3 => match u16::from_le_bytes(of.number(0)?) {
                1 => Ok(Number::Float { bits: 32 }),
                2 => Ok(Number::Float { bits: 64 }),
                _ => Err(Error::unsupported("its numbers are of half precision: convert them first")),
            },
            _ => Err(Error::invalid("it holds something else where numbers are expected: convert it first")),
        }
    }
}
