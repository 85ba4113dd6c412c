//! Checked bytes: numbers in little-endian order, with a CRC-32 of everything so far wherever it is asked for.

use crc32fast::Hasher;
use mbrl_core::{Context, Error, Result};
use std::io::{ErrorKind, Read, Write};

/// Bytes that are read or written at once.
const CHUNK: usize = 1 << 16;

pub(crate) struct Writer<'a> {
    out: &'a mut dyn Write,
    crc: Hasher,
    what: &'static str,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, what: &'static str) -> Self {
        Writer { out, crc: Hasher::new(), what }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc.update(bytes);
        self.out.write_all(bytes).with_context(|| format!("writing {}", self.what))
    }

    /// The magic bytes and the version that every file begins with, and their checksum.
    ///
    /// This much is the same in every version to come, so that a damaged version is not taken for another one.
    pub(crate) fn open(&mut self, magic: [u8; 8], version: u32) -> Result<()> {
        self.bytes(&magic)?;
        self.bytes(&version.to_le_bytes())?;
        self.seal()
    }

    /// Words in large pieces, so that a writer without a buffer will do.
    pub(crate) fn words(&mut self, words: &[f32]) -> Result<()> {
        self.pieces(words.len(), |i| words[i].to_bits().to_le_bytes())
    }

    /// `n` numbers in large pieces.
    pub(crate) fn doubles(&mut self, n: usize, number: impl Fn(usize) -> f64) -> Result<()> {
        self.pieces(n, |i| number(i).to_bits().to_le_bytes())
    }

    #[inline(always)]
    fn pieces<const N: usize>(&mut self, n: usize, item: impl Fn(usize) -> [u8; N]) -> Result<()> {
        let mut chunk = [0; CHUNK];
        for at in (0..n).step_by(CHUNK / N) {
            let now = (n - at).min(CHUNK / N);
            for (bytes, i) in chunk.as_chunks_mut().0.iter_mut().zip(at..at + now) {
                *bytes = item(i);
            }
            self.bytes(&chunk[..now * N])?;
        }
        Ok(())
    }

    /// The checksum of everything so far.
    pub(crate) fn seal(&mut self) -> Result<()> {
        let crc = self.crc.clone().finalize();
        self.bytes(&crc.to_le_bytes())
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.out.flush().with_context(|| format!("writing {}", self.what))
    }
}

pub(crate) struct Reader<'a> {
    from: &'a mut dyn Read,
    crc: Hasher,
    at: u64,
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(from: &'a mut dyn Read, what: &'static str) -> Self {
        Reader { from, crc: Hasher::new(), at: 0, what }
    }

    /// Fills `bytes`; that the file ends before is damage.
    fn bytes(&mut self, bytes: &mut [u8]) -> Result<()> {
        let found = self.some_bytes(bytes)?;
        if found < bytes.len() {
            return Err(self.damaged(format_args!("it ends after {} bytes", self.at)));
        }
        Ok(())
    }

    /// Fills `bytes` as far as there are any.
    fn some_bytes(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let mut found = 0;
        while found < bytes.len() {
            match self.from.read(&mut bytes[found..]) {
                Ok(0) => break,
                Ok(n) => found += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(|| format!("reading {}", self.what)),
            }
        }
        self.crc.update(&bytes[..found]);
        self.at += found as u64;
        Ok(found)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.u64()?))
    }

    /// `n` words.
    pub(crate) fn words(&mut self, n: usize) -> Result<Vec<f32>> {
        self.pieces(n, |word| f32::from_bits(u32::from_le_bytes(word)))
    }

    /// `n` numbers.
    pub(crate) fn doubles(&mut self, n: usize) -> Result<Vec<f64>> {
        self.pieces(n, |number| f64::from_bits(u64::from_le_bytes(number)))
    }

    /// `n` small numbers.
    pub(crate) fn small(&mut self, n: usize) -> Result<Vec<u8>> {
        self.pieces(n, |[byte]| byte)
    }

    /// `n` items. Memory is asked for as they arrive, so that a header cannot ask for more than the file has.
    #[inline(always)]
    fn pieces<T, const N: usize>(&mut self, n: usize, item: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
        let (mut items, mut chunk) = (Vec::new(), [0; CHUNK]);
        while items.len() < n {
            let now = (n - items.len()).min(CHUNK / N);
            let bytes = &mut chunk[..now * N];
            self.bytes(bytes)?;
            // Twice as much each time, but no more than there will be.
            let room = items.len().max(now).min(n - items.len());
            if items.capacity() < items.len() + now && items.try_reserve_exact(room).is_err() {
                return Err(Error::invalid(format_args!("no memory for the {n} numbers of {}", self.what)));
            }
            items.extend(bytes.as_chunks().0.iter().map(|bytes| item(*bytes)));
        }
        Ok(items)
    }

    /// What every file begins with; see [`Writer::open`].
    pub(crate) fn open(&mut self, magic: [u8; 8], version: u32) -> Result<()> {
        let mut found = [0; 8];
        self.bytes(&mut found)?;
        if found != magic {
            return Err(Error::corrupt(format_args!(
                "this is no file of {}: it begins with \"{}\"{}",
                self.what,
                found.escape_ascii(),
                match &found {
                    b"mbrlring" => ", as a ReplayBuffer's does: load it as one",
                    b"mbrlprio" => ", as a PrioritizedBuffer's does: load it as one",
                    b"mbrldata" => ", as a Recording's does: load it as one",
                    _ => ": name another file",
                }
            )));
        }
        let found = self.u32()?;
        self.check("opening")?;
        if found != version {
            return Err(Error::version(format_args!(
                "the file of {} has format version {found} and this build reads {version}: use the build that wrote it",
                self.what
            )));
        }
        Ok(())
    }

    /// Compares the checksum of everything so far with the one that stands here.
    pub(crate) fn check(&mut self, part: &str) -> Result<()> {
        let expected = self.crc.clone().finalize();
        if self.u32()? != expected {
            return Err(self.damaged(format_args!("the checksum of its {part} is wrong")));
        }
        Ok(())
    }

    /// Nothing may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.some_bytes(&mut [0])? > 0 {
            return Err(self.damaged(format_args!("something follows its last byte, {}", self.at - 1)));
        }
        Ok(())
    }

    #[cold]
    pub(crate) fn damaged(&self, how: impl std::fmt::Display) -> Error {
        Error::corrupt(format_args!(
            "the file of {} is damaged: {how}; take a copy or collect it again",
            self.what
        ))
    }
}
