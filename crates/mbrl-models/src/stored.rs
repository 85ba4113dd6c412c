//! What a belief writes: a tag, a version, lists of numbers, and a checksum of all that.

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

/// A piece of what is stored, to be written or to be filled. Who reads knows how long each is, so that no file can ask for
/// more memory.
pub(crate) enum Part<'a> {
    /// A size by its name: reader and writer must agree.
    Shape(&'static str, u64),
    Count(&'a mut u64),
    Floats(&'static str, &'a mut [f32]),
    Doubles(&'static str, &'a mut [f64]),
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
        let (count, mut sum) = self.read_head(from)?;
        if count != expected as u64 {
            return Err(self.other("numbers", count, expected as u64));
        }
        let (mut numbers, mut bytes) = (Vec::with_capacity(expected), [0; 8]);
        for _ in 0..expected {
            self.fill(from, &mut bytes)?;
            sum = checksum(sum, &bytes);
            numbers.push(f64::from_bits(u64::from_le_bytes(bytes)));
        }
        self.read_checksum(from, sum)?;
        Ok(numbers)
    }

    /// Writes parts, bit by bit.
    pub(crate) fn write_parts(&self, out: &mut dyn Write, parts: &[Part<'_>]) -> Result<()> {
        let mut bytes = Vec::new();
        bytes.extend(self.tag);
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((parts.len() as u64).to_le_bytes());
        for part in parts {
            bytes.extend(part.head().to_le_bytes());
            match part {
                Part::Shape(..) | Part::Count(_) => {}
                Part::Floats(_, floats) => {
                    bytes.reserve(4 * floats.len());
                    floats.iter().for_each(|x| bytes.extend(x.to_bits().to_le_bytes()));
                }
                Part::Doubles(_, doubles) => {
                    doubles.iter().for_each(|x| bytes.extend(x.to_bits().to_le_bytes()))
                }
            }
        }
        bytes.extend(checksum(CHECKSUM_OF_NOTHING, &bytes).to_le_bytes());
        out.write_all(&bytes).with_context(|| format!("writing {}", self.what))
    }

    /// Fills parts with what was written. Numbers that are not finite are refused; where this fails, parts are half filled.
    pub(crate) fn read_parts(&self, from: &mut dyn Read, parts: &mut [Part<'_>]) -> Result<()> {
        /// Bytes read at a time.
        const CHUNK: usize = 4096;
        let (count, mut sum) = self.read_head(from)?;
        let (expected, mut bytes) = (parts.len() as u64, [0; CHUNK]);
        for part in parts {
            // Sizes come first: by them it is said best what differs.
            if count != expected && !matches!(part, Part::Shape(..)) {
                return Err(self.other("parts", count, expected));
            }
            let mut head = [0; 8];
            self.fill(from, &mut head)?;
            sum = checksum(sum, &head);
            let found = u64::from_le_bytes(head);
            match part {
                Part::Count(count) => **count = found,
                part if found != part.head() => return Err(self.other(part.name(), found, part.head())),
                Part::Shape(..) => {}
                Part::Floats(_, floats) => {
                    for floats in floats.chunks_mut(CHUNK / 4) {
                        let bytes = &mut bytes[..4 * floats.len()];
                        self.fill(from, bytes)?;
                        sum = checksum(sum, bytes);
                        for (x, bytes) in floats.iter_mut().zip(bytes.as_chunks().0) {
                            *x = f32::from_le_bytes(*bytes);
                        }
                    }
                }
                Part::Doubles(_, doubles) => {
                    for doubles in doubles.chunks_mut(CHUNK / 8) {
                        let bytes = &mut bytes[..8 * doubles.len()];
                        self.fill(from, bytes)?;
                        sum = checksum(sum, bytes);
                        for (x, bytes) in doubles.iter_mut().zip(bytes.as_chunks().0) {
                            *x = f64::from_le_bytes(*bytes);
                        }
                    }
                }
            }
            if !part.is_finite() {
                return Err(self.damaged(format_args!("one of its {} is not finite", part.name())));
            }
        }
        self.read_checksum(from, sum)
    }

    /// How many there are of whatever is stored, and the checksum so far.
    fn read_head(&self, from: &mut dyn Read) -> Result<(u64, u64)> {
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
        Ok((u64::from_le_bytes(count.try_into().unwrap_or_default()), checksum(CHECKSUM_OF_NOTHING, &head)))
    }

    fn read_checksum(&self, from: &mut dyn Read, sum: u64) -> Result<()> {
        let mut bytes = [0; 8];
        self.fill(from, &mut bytes)?;
        if u64::from_le_bytes(bytes) != sum {
            return Err(self.damaged("its checksum is wrong"));
        }
        Ok(())
    }

    /// An error about something of another shape.
    #[cold]
    fn other(&self, name: &str, found: u64, expected: u64) -> Error {
        Error::corrupt(format_args!(
            "the {} holds {found} {name} and this one {expected}: load it where spaces and configuration are those it was saved with",
            self.what
        ))
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

impl Part<'_> {
    /// What is written first: the size or the count itself, or how long the list is.
    fn head(&self) -> u64 {
        match self {
            Part::Shape(_, size) => *size,
            Part::Count(count) => **count,
            Part::Floats(_, floats) => floats.len() as u64,
            Part::Doubles(_, doubles) => doubles.len() as u64,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Part::Count(_) => "steps",
            Part::Shape(name, _) | Part::Floats(name, _) | Part::Doubles(name, _) => name,
        }
    }

    fn is_finite(&self) -> bool {
        match self {
            Part::Shape(..) | Part::Count(_) => true,
            Part::Floats(_, floats) => floats.iter().all(|x| x.is_finite()),
            Part::Doubles(_, doubles) => doubles.iter().all(|x| x.is_finite()),
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

    #[test]
    fn parts_come_back_to_the_bit_and_no_damage_is_accepted() {
        let (mut floats, mut doubles, mut count) = (vec![0.1f32; 1500], vec![-0.0, 1e-300], 7);
        floats[1499] = f32::MIN_POSITIVE / 8.0;
        let mut bytes = Vec::new();
        let saved = [
            Part::Shape("members", 3),
            Part::Floats("parameters", &mut floats),
            Part::Doubles("means", &mut doubles),
            Part::Count(&mut count),
        ];
        FORMAT.write_parts(&mut bytes, &saved).unwrap();
        bytes.extend(*b"rest");
        let read = |from: &mut &[u8], members| {
            let (mut floats, mut doubles, mut count) = (vec![0.0f32; 1500], vec![0.0; 2], 0);
            let mut parts = [
                Part::Shape("members", members),
                Part::Floats("parameters", &mut floats),
                Part::Doubles("means", &mut doubles),
                Part::Count(&mut count),
            ];
            FORMAT.read_parts(from, &mut parts).map(|()| (floats, doubles, count))
        };
        let from = &mut bytes.as_slice();
        let back = read(from, 3).unwrap();
        assert!(back.0.iter().zip(&floats).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(back.1.iter().zip(&doubles).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!((back.2, *from), (7, b"rest".as_slice()));
        assert!(
            read(&mut bytes.as_slice(), 4)
                .unwrap_err()
                .to_string()
                .contains("holds 3 members and this one 4")
        );
        bytes.truncate(bytes.len() - 4);
        for at in (0..bytes.len()).filter(|at| *at < 60 || at % 97 == 0 || *at + 60 > bytes.len()) {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            let error = read(&mut bad.as_slice(), 3).unwrap_err();
            assert!(error.is_corrupt() || (8..12).contains(&at) && error.is_version(), "byte {at}: {error}");
            assert!(read(&mut &bytes[..at], 3).unwrap_err().is_corrupt());
        }
        floats[3] = f32::NAN;
        let mut bytes = Vec::new();
        FORMAT.write_parts(&mut bytes, &[Part::Floats("parameters", &mut floats)]).unwrap();
        let mut into = vec![0.0; 1500];
        let error = FORMAT
            .read_parts(&mut bytes.as_slice(), &mut [Part::Floats("parameters", &mut into)])
            .unwrap_err();
        assert!(error.is_corrupt() && error.to_string().contains("parameters is not finite"), "{error}");
    }
}
