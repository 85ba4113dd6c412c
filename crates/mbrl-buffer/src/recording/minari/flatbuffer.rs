//! Reading flatbuffers: as much as the headers of Arrow files need, with every offset held against the length.

use mbrl_core::{Error, Result};

/// Bytes with tables in them.
pub(super) type Bytes<'a> = &'a [u8];

/// A table: where it begins, and where the list of its fields does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    bytes: Bytes<'a>,
    at: usize,
    fields: usize,
    count: usize,
}

/// A list, of tables or of structs.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    bytes: Bytes<'a>,
    at: usize,
    pub(super) len: usize,
}

#[cold]
pub(super) fn damaged() -> Error {
    Error::corrupt("it is no sound Arrow file: copy it again, or record it again")
}

/// `N` bytes from `at` on.
pub(super) fn take<const N: usize>(bytes: Bytes<'_>, at: usize) -> Result<[u8; N]> {
    let found = at.checked_add(N).and_then(|end| bytes.get(at..end));
    found.and_then(|found| found.try_into().ok()).ok_or_else(damaged)
}

fn word(bytes: Bytes<'_>, at: usize) -> Result<usize> {
    Ok(u32::from_le_bytes(take(bytes, at)?) as usize)
}

/// Where what an offset at `at` points to is.
fn follow(bytes: Bytes<'_>, at: usize) -> Result<usize> {
    at.checked_add(word(bytes, at)?).ok_or_else(damaged)
}

impl<'a> Table<'a> {
    /// The table that bytes begin with the offset of.
    pub(super) fn root(bytes: Bytes<'a>) -> Result<Self> {
        Table::at(bytes, follow(bytes, 0)?)
    }

    fn at(bytes: Bytes<'a>, at: usize) -> Result<Self> {
        let back = i32::from_le_bytes(take(bytes, at)?);
        let fields = usize::try_from(at as i64 - i64::from(back)).map_err(|_| damaged())?;
        let size = usize::from(u16::from_le_bytes(take(bytes, fields)?));
        Ok(Table { bytes, at, fields, count: size.saturating_sub(4) / 2 })
    }

    /// Where field `i` is, if it is there.
    fn field(self, i: usize) -> Result<Option<usize>> {
        if i >= self.count {
            return Ok(None);
        }
        let offset = usize::from(u16::from_le_bytes(take(self.bytes, self.fields + 4 + 2 * i)?));
        Ok((offset > 0).then_some(self.at + offset))
    }

    /// A number of `N` bytes; zeros, where it is not there.
    pub(super) fn number<const N: usize>(self, i: usize) -> Result<[u8; N]> {
        self.field(i)?.map_or(Ok([0; N]), |at| take(self.bytes, at))
    }

    /// A table in this one.
    pub(super) fn table(self, i: usize) -> Result<Option<Table<'a>>> {
        self.field(i)?.map(|at| Table::at(self.bytes, follow(self.bytes, at)?)).transpose()
    }

    /// A list in this table; an empty one, where it is not there.
    pub(super) fn list(self, i: usize) -> Result<List<'a>> {
        let Some(at) = self.field(i)? else {
            return Ok(List { bytes: self.bytes, at: 0, len: 0 });
        };
        let at = follow(self.bytes, at)?;
        let len = word(self.bytes, at)?;
        // Its items take at least a byte each.
        if len > self.bytes.len() {
            return Err(damaged());
        }
        Ok(List { bytes: self.bytes, at: at + 4, len })
    }

    /// A text in this table.
    pub(super) fn text(self, i: usize) -> Result<&'a [u8]> {
        let list = self.list(i)?;
        list.bytes.get(list.at..list.at + list.len).ok_or_else(damaged)
    }
}

impl<'a> List<'a> {
    /// Table `i` of the list.
    pub(super) fn table(self, i: usize) -> Result<Table<'a>> {
        Table::at(self.bytes, follow(self.bytes, self.at + 4 * i)?)
    }

    /// `N` bytes of struct `i`, which takes `size`, from `from` on.
    pub(super) fn part<const N: usize>(self, i: usize, size: usize, from: usize) -> Result<[u8; N]> {
        if i >= self.len {
            return Err(damaged());
        }
        take(self.bytes, self.at + size * i + from)
    }
}
