//! What a belief writes: a tag, a version, a list of numbers, and a checksum of all that.

use mbrl_core::{Context, Error, Result};
use std::io::{ErrorKind, Read, Write};

/// What a belief is stored as.
pub(crate) struct Format {
    /// Eight bytes that no other belief begins with.
    pub(crate) tag: [u8; 8],
    /// Which layout of the numbers this is.
    pub(crate) version: u32,
    /// What it is, for errors.
    pub(crate) what: &'static str,
}

/// Tag, version and count.
const HEAD: usize = 8 + 4 + 8;

impl Format {
    /// Writes the numbers, bit by bit.
    pub(crate) fn write(&self, out: &mut dyn Write, numbers: &[f64]) -> Result<()> {
        let mut bytes = Vec::with_capacity(HEAD + 8 * numbers.len() + 8);
        bytes.extend(self.tag);
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((numbers.len() as u64).to_le_bytes());
        for number in numbers {
            bytes.extend(number.to_bits().to_le_bytes());
        }
        bytes.extend(checksum(CHECKSUM_OF_NOTHING, &bytes).to_le_bytes());
        out.write_all(&bytes).with_context(|| format!("writing {}", self.what))
    }

    /// Reads as many numbers as there must be: who reads knows its shape, so that no file can ask for more memory.
    pub(crate) fn read(&self, from: &mut dyn Read, expected: usize) -> Result<Vec<f64>> {
        let mut head = [0; HEAD];
        self.fill(from, &mut head)?;
        let (tag, rest) = head.split_at(8);
        let (version, count) = rest.split_at(4);
        if tag != self.tag {
            return Err(Error::corrupt(format_args!(
                "this is no {}: it begins with \"{}\" and not \"{}\"",
                self.what,
                tag.escape_ascii(),
                self.tag.escape_ascii()
            )));
        }
        let version = u32::from_le_bytes(version.try_into().unwrap_or_default());
        if version != self.version {
            return Err(Error::version(format_args!(
                "the {} has format version {version} and this build reads {}: use the build that wrote it",
                self.what, self.version
            )));
        }
        let count = u64::from_le_bytes(count.try_into().unwrap_or_default());
        if count != expected as u64 {
            return Err(Error::corrupt(format_args!(
                "the {} holds {count} numbers and this one {expected}: load it where spaces and configuration are those it was saved with",
                self.what
            )));
        }
        let (mut numbers, mut bytes) = (Vec::with_capacity(expected), [0; 8]);
        let mut sum = checksum(CHECKSUM_OF_NOTHING, &head);
        for _ in 0..expected {
            self.fill(from, &mut bytes)?;
            sum = checksum(sum, &bytes);
            numbers.push(f64::from_bits(u64::from_le_bytes(bytes)));
        }
        self.fill(from, &mut bytes)?;
        if u64::from_le_bytes(bytes) != sum {
            return Err(self.damaged("its checksum is wrong"));
        }
        Ok(numbers)
    }

    /// An error about bytes that are whole and yet cannot be meant.
    #[cold]
    pub(crate) fn damaged(&self, how: impl std::fmt::Display) -> Error {
        Error::corrupt(format_args!("the {} is damaged: {how}; take an older checkpoint", self.what))
    }

    fn fill(&self, from: &mut dyn Read, bytes: &mut [u8]) -> Result<()> {
        match from.read_exact(bytes) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.damaged("it ends too early")),
            read => read.with_context(|| format!("reading {}", self.what)),
        }
    }
}

const CHECKSUM_OF_NOTHING: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: each step is one-to-one in the state, so a single wrong byte is always noticed.
fn checksum(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { tag: *b"mbrltest", version: 1, what: "saved test" };

    #[test]
    fn numbers_come_back_to_the_bit_and_what_follows_is_left() {
        let numbers = [1.5, -0.0, f64::MIN_POSITIVE / 8.0, f64::MAX, 0.1];
        let mut bytes = Vec::new();
        FORMAT.write(&mut bytes, &numbers).unwrap();
        FORMAT.write(&mut bytes, &[]).unwrap();
        let from = &mut bytes.as_slice();
        let back = FORMAT.read(from, numbers.len()).unwrap();
        assert!(back.iter().zip(numbers).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(FORMAT.read(from, 0).unwrap().is_empty() && from.is_empty());
    }

    #[test]
    fn no_damaged_byte_and_no_cut_is_accepted() {
        let mut bytes = Vec::new();
        FORMAT.write(&mut bytes, &[1.0, 2.0]).unwrap();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            let error = FORMAT.read(&mut bad.as_slice(), 2).unwrap_err();
            assert!(error.is_corrupt() || (8..12).contains(&at) && error.is_version(), "byte {at}: {error}");
            assert!(FORMAT.read(&mut &bytes[..at], 2).unwrap_err().is_corrupt());
        }
        assert!(FORMAT.read(&mut bytes.as_slice(), 3).unwrap_err().to_string().contains("holds 2 numbers"));
    }
}
