//! How a file of parameters is laid out around its numbers.
//!
//! It is written by hand, since `safetensors` orders metadata by a hash that differs from run to run.

use super::damaged;
use mbrl_core::Result;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::ops::Range;

/// Where safetensors keeps its notes, which no vector may be called.
pub(super) const NOTES: &str = "__metadata__";
/// The note that says which format this is.
pub(super) const FORMAT: &str = "format";
pub(super) const VERSION: &str = "mbrl-nn 1";
/// The note that holds the checksum of everything else.
pub(super) const CHECKSUM: &str = "checksum";

/// FNV-1a over words of four bytes: each step is one-to-one in the state, so that a single wrong word is always noticed.
///
/// It is taken of what the bytes mean, vectors and notes in the order of their names.
#[derive(Clone, Debug)]
pub(super) struct Checksum(u64);

impl Checksum {
    pub(super) fn of(notes: &BTreeMap<String, String>) -> Self {
        let mut sum = Checksum(0xcbf2_9ce4_8422_2325);
        for (name, text) in notes {
            sum.text(name);
            sum.text(text);
        }
        sum
    }

    pub(super) fn vector(&mut self, name: &str, shape: &[usize], words: impl Iterator<Item = [u8; 4]>) {
        self.text(name);
        self.number(shape.len());
        shape.iter().for_each(|size| self.number(*size));
        words.for_each(|word| self.word(u32::from_le_bytes(word)));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        text.bytes().for_each(|byte| self.word(byte.into()));
    }

    fn number(&mut self, number: usize) {
        let number = number as u64;
        self.word(number as u32);
        self.word((number >> 32) as u32);
    }

    fn word(&mut self, word: u32) {
        self.0 = (self.0 ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3);
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The header of a safetensors file: its length, then JSON that is filled up with blanks to a multiple of eight.
#[derive(Debug, Default)]
pub(super) struct Header {
    vectors: String,
}

impl Header {
    pub(super) fn vector(&mut self, name: &str, shape: &[usize], bytes: Range<usize>) {
        let Range { start, end } = bytes;
        let name = Quoted(name);
        // Writing to a string cannot fail.
        let _ = write!(
            self.vectors,
            r#",{name}:{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        );
    }

    pub(super) fn finish(self, notes: &BTreeMap<String, String>) -> Vec<u8> {
        let notes: Vec<String> =
            notes.iter().map(|(name, text)| format!("{}:{}", Quoted(name), Quoted(text))).collect();
        let mut json = format!("{{{}:{{{}}}{}}}", Quoted(NOTES), notes.join(","), self.vectors);
        json.extend(std::iter::repeat_n(' ', json.len().next_multiple_of(8) - json.len()));
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.into_bytes());
        bytes
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\0'..='\x1f' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Bytes of the longest header that is written or read.
pub(super) const LONGEST: u64 = 1 << 24;

/// Refuses headers that the parser should not see: longer than any of ours, or with numbers whose sums overflow.
pub(super) fn check_header(bytes: &[u8]) -> Result<()> {
    const DIGITS: usize = 15;
    let Some((len, rest)) = bytes.split_first_chunk() else {
        return Err(damaged(&format_args!("there are {} bytes of them", bytes.len())));
    };
    let len = u64::from_le_bytes(*len);
    if len > LONGEST || len > rest.len() as u64 {
        return Err(damaged(&format_args!("a header of {len} bytes, where {} follow", rest.len())));
    }
    let (mut quoted, mut escaped, mut digits) = (false, false, 0);
    for byte in &rest[..len as usize] {
        digits = if byte.is_ascii_digit() && !quoted { digits + 1 } else { 0 };
        if digits > DIGITS {
            return Err(damaged(&format_args!("a number of more than {DIGITS} digits")));
        }
        quoted ^= *byte == b'"' && !escaped;
        escaped = quoted && *byte == b'\\' && !escaped;
    }
    Ok(())
}
