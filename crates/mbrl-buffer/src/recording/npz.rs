//! Reading npz: the arrays of D4RL's tables as numpy writes them, in an archive of one file each.

mod write;

use super::{ReadOptions, Recording, columns, flat};
use mbrl_core::{Context, Error, Result, RowBuf};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// The table of an archive.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<Recording> {
    let file = File::open(path).map_err(Error::io)?;
    let archive = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    flat::read(Npz(archive), path, options)
}

struct Npz(ZipArchive<BufReader<File>>);

impl flat::Arrays for Npz {
    fn rows(&mut self, key: &str) -> Result<Option<RowBuf>> {
        match self.0.by_name(&format!("{key}.npy")) {
            Ok(file) => array(file).map(Some).with_context(|| key),
            Err(ZipError::FileNotFound) => Ok(None),
            Err(error) => Err(broken(error)).context(key),
        }
    }

    fn made_by(&mut self) -> Option<String> {
        None
    }
}

/// How an array is stored.
#[derive(Debug, PartialEq)]
struct Header {
    kind: Kind,
    /// Column after column, instead of row after row.
    fortran: bool,
    shape: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    F32,
    F64,
    /// Bytes of an integer, and whether it may be negative.
    Int(usize, bool),
}

/// Longer than a header of numbers can be.
const LONGEST_HEADER: usize = 1 << 16;

/// An array from its file: `\x93NUMPY`, a version, a header in the words of Python, and the numbers.
fn array(mut file: impl Read) -> Result<RowBuf> {
    let mut start = [0; 8];
    fill(&mut file, &mut start)?;
    if start[..6] != *b"\x93NUMPY" {
        return Err(Error::corrupt("it does not begin as an array of numpy does: write it again"));
    }
    let mut length = [0; 4];
    let bytes = if start[6] == 1 { 2 } else { 4 };
    fill(&mut file, &mut length[..bytes])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(Error::corrupt("its header is too long for one: write it again"));
    }
    let mut header = vec![0; length];
    fill(&mut file, &mut header)?;
    let Header { kind, fortran, shape } = Header::parse(&String::from_utf8_lossy(&header))?;
    let Some((&rows, rest)) = shape.split_first() else {
        return Err(Error::invalid("it is a single number where one a row is expected"));
    };
    let width =
        rest.iter().try_fold(1usize, |product, side| product.checked_mul(*side)).filter(|width| *width > 0);
    let count = width.and_then(|width| width.checked_mul(rows));
    let (Some(width), Some(count)) = (width, count) else {
        return Err(Error::invalid(format_args!("rows of shape {rest:?} hold no numbers")));
    };
    if fortran && rest.len() > 1 {
        return Err(Error::unsupported(
            "it is stored column after column: use numpy.ascontiguousarray before saving",
        ));
    }
    let is_turned = fortran && width > 1;
    let place = |at: usize| if is_turned { (at % rows, at / rows) } else { (at / width, at % width) };
    let mut numbers = numbers(&mut file, kind, count, place)?;
    // Reading to the end is what compares the checksum.
    if file.read(&mut [0]).map_err(damaged)? > 0 {
        return Err(Error::corrupt(format_args!("more than its {count} numbers are in it: write it again")));
    }
    if is_turned {
        numbers = (0..rows)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| numbers[column * rows + row])
            .collect();
    }
    RowBuf::from_vec(numbers, width)
}

/// The numbers as `f32`, whose rows and columns `place` tells. Memory is asked for as they arrive, so that a header cannot
/// ask for more than the file has.
fn numbers(
    file: &mut impl Read,
    kind: Kind,
    count: usize,
    place: impl Fn(usize) -> (usize, usize),
) -> Result<Vec<f32>> {
    const CHUNK: usize = 1 << 16;
    let (mut numbers, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    let size = kind.size();
    while numbers.len() < count {
        let now = (count - numbers.len()).min(CHUNK / size);
        fill(file, &mut chunk[..now * size])?;
        let room = numbers.len().max(now).min(count - numbers.len());
        if numbers.capacity() < numbers.len() + now && numbers.try_reserve_exact(room).is_err() {
            return Err(Error::invalid(format_args!("no memory for its {count} numbers")));
        }
        let items = chunk[..now * size].chunks_exact(size);
        match kind {
            Kind::F32 => numbers.extend(items.map(|item| f32::from_bits(word(item) as u32))),
            Kind::F64 => {
                let (first, wide) = (numbers.len(), items.map(|item| f64::from_bits(word(item))));
                numbers.extend(wide.clone().map(|x| x as f32));
                if numbers[first..].iter().any(|x| x.is_infinite()) {
                    columns::narrow(wide, |at| place(first + at))?;
                }
            }
            Kind::Int(_, false) => numbers.extend(items.map(|item| word(item) as f32)),
            Kind::Int(_, true) => {
                let unused = 64 - 8 * size as u32;
                numbers.extend(items.map(|item| ((word(item) << unused) as i64 >> unused) as f32));
            }
        }
    }
    Ok(numbers)
}

/// Up to eight bytes as a number.
fn word(item: &[u8]) -> u64 {
    item.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

impl Kind {
    fn size(self) -> usize {
        match self {
            Kind::F32 => 4,
            Kind::F64 => 8,
            Kind::Int(size, _) => size,
        }
    }

    /// What numpy calls a type, such as `<f4`.
    fn named(name: &str) -> Result<Self> {
        let (order, kind) = name.split_at_checked(1).unwrap_or_default();
        if order == ">" {
            return Err(Error::unsupported(format_args!(
                "its numbers are big-endian, `{name}`: use astype(\"<{kind}\") before saving"
            )));
        }
        match kind {
            "f4" => Ok(Kind::F32),
            "f8" => Ok(Kind::F64),
            "b1" | "u1" => Ok(Kind::Int(1, false)),
            "u2" => Ok(Kind::Int(2, false)),
            "u4" => Ok(Kind::Int(4, false)),
            "u8" => Ok(Kind::Int(8, false)),
            "i1" => Ok(Kind::Int(1, true)),
            "i2" => Ok(Kind::Int(2, true)),
            "i4" => Ok(Kind::Int(4, true)),
            "i8" => Ok(Kind::Int(8, true)),
            _ => Err(Error::invalid(format_args!(
                "it holds `{name}` where numbers are expected: use astype(\"float32\") before saving"
            ))),
        }
    }
}

impl Header {
    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (40, 3), }`
    fn parse(text: &str) -> Result<Self> {
        let after = |key: &str| text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
        let parsed = || {
            let descr = after("descr")?;
            let name = descr
                .strip_prefix('\'')
                .and_then(|rest| rest.split_once('\''))
                .map_or("a record", |(name, _)| name);
            let fortran = after("fortran_order")?.starts_with("True");
            let (shape, _) = after("shape")?.strip_prefix('(')?.split_once(')')?;
            let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
            Some((name, fortran, sides.map(|side| side.parse().ok()).collect::<Option<Vec<usize>>>()?))
        };
        let (name, fortran, shape) =
            parsed().ok_or_else(|| Error::corrupt("its header is none of numpy's: write it again"))?;
        Ok(Header { kind: Kind::named(name)?, fortran, shape })
    }
}

fn fill(file: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    file.read_exact(bytes).map_err(damaged)
}

#[cold]
fn damaged(error: impl std::fmt::Display) -> Error {
    Error::corrupt(format_args!("the archive is damaged: {error}: copy it again, or write it again"))
}

#[cold]
fn broken(error: ZipError) -> Error {
    match error {
        ZipError::Io(error) => Error::io(error),
        error => {
            Error::corrupt(format_args!("the archive is damaged: {error}: copy it again, or write it again"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy_are_understood() {
        let parse = |text: &str| Header::parse(text);
        let header = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (40, 3), }    \n").unwrap();
        assert_eq!(header, Header { kind: Kind::F32, fortran: false, shape: vec![40, 3] });
        let header = parse("{'descr': '|b1', 'fortran_order': True, 'shape': (7,), }").unwrap();
        assert_eq!(header, Header { kind: Kind::Int(1, false), fortran: true, shape: vec![7] });
        assert!(parse("{'descr': '|O', 'fortran_order': False, 'shape': (7,), }").is_err());
        assert!(parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (7,), }").is_err());
        assert!(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (-7,), }").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn doubles_that_no_single_holds_are_refused_by_row_and_column() {
        let bytes: Vec<u8> = [1.0, f64::NAN, f64::INFINITY, 3.4e38, -1e300].map(f64::to_le_bytes).concat();
        let read = |count| numbers(&mut &bytes[..], Kind::F64, count, |at| (at / 3, at % 3));
        assert_eq!(read(4).unwrap()[3].to_bits(), 3.4e38f32.to_bits());
        let error = read(5).unwrap_err().to_string();
        assert_eq!(
            error,
            "row 1, column 1 is -1e300, which overflows single precision: leave that episode out"
        );
    }

    #[test]
    fn integers_keep_their_sign() {
        let read = |bytes: &[u8], kind| {
            numbers(&mut &bytes[..], kind, bytes.len() / kind.size(), |at| (at, 0)).unwrap()
        };
        assert_eq!(read(&[0xff, 0x01], Kind::Int(1, true)), [-1.0, 1.0]);
        assert_eq!(read(&[0xff, 0x01], Kind::Int(1, false)), [255.0, 1.0]);
        assert_eq!(read(&[0xfe, 0xff], Kind::Int(2, true)), [-2.0]);
        assert_eq!(read(&(-3i64).to_le_bytes(), Kind::Int(8, true)), [-3.0]);
    }
}
