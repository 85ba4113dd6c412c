//! A checkpoint as bytes.
//!
//! ```text
//! "mbrlckpt" version:u32
//! len:u64 state, JSON
//! len:u64 snapshot of the environment; 2^64 − 1 and nothing where it has none
//! the agent's own bytes, up to
//! crc:u32
//! ```
//!
//! All numbers are little-endian. The checksum is the CRC-32 of everything before it, in every version, so that a checkpoint
//! of another version is told from one that is damaged. The agent comes last because how long it is shows only when it is
//! written.

use crate::Agent;
use crate::trainer::Saved;
use mbrl_core::{Context, Error, Result, Snapshot};
use std::io::{self, Read, Write};

const MAGIC: [u8; 8] = *b"mbrlckpt";
const VERSION: u32 = 2;
/// The length of a snapshot that is not there.
const NO_SNAPSHOT: u64 = u64::MAX;
const CRC: u64 = size_of::<u32>() as u64;

/// Writes a checkpoint.
pub(crate) fn write(
    out: &mut dyn Write,
    state: &Saved,
    snapshot: Option<&Snapshot>,
    agent: &dyn Agent,
) -> Result<()> {
    let state = serde_json::to_vec(state).map_err(Error::backend)?;
    let mut out = Summing { out, crc: crc32fast::Hasher::new() };
    let mut put = |bytes: &[u8]| out.write_all(bytes).context("writing a checkpoint");
    put(&MAGIC)?;
    put(&VERSION.to_le_bytes())?;
    put(&(state.len() as u64).to_le_bytes())?;
    put(&state)?;
    match snapshot {
        Some(snapshot) => {
            put(&(snapshot.as_bytes().len() as u64).to_le_bytes())?;
            put(snapshot.as_bytes())?;
        }
        None => put(&NO_SNAPSHOT.to_le_bytes())?,
    }
    agent.save(&mut out).context("saving the agent")?;
    let crc = out.crc.clone().finalize();
    out.write_all(&crc.to_le_bytes()).context("writing a checkpoint")
}

/// Refuses bytes that are not a whole checkpoint of this version, in one pass over all `len` of them.
pub(crate) fn verify(mut from: &mut dyn Read, len: u64) -> Result<()> {
    let damaged = |how: &str| Err(Error::corrupt(format_args!("the checkpoint is damaged: {how}")));
    let mut head = [0; 12];
    if len < head.len() as u64 + CRC {
        return damaged("it is too short");
    }
    let reading = "reading a checkpoint";
    from.read_exact(&mut head).context(reading)?;
    let mut summing = Summing { out: &mut io::sink(), crc: crc32fast::Hasher::new() };
    summing.write_all(&head).context(reading)?;
    let body = len - CRC - head.len() as u64;
    if io::copy(&mut Read::take(&mut from, body), &mut summing).context(reading)? != body {
        return damaged("it became shorter while it was read");
    }
    let mut crc = [0; CRC as usize];
    from.read_exact(&mut crc).context(reading)?;
    if head[..8] != MAGIC {
        return damaged("it does not begin as one");
    }
    if u32::from_le_bytes(crc) != summing.crc.finalize() {
        return damaged("its checksum does not fit");
    }
    let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    if version != VERSION {
        return Err(Error::version(format_args!(
            "the checkpoint is of version {version}, and this build reads {VERSION}: use the build that wrote it"
        )));
    }
    Ok(())
}

/// What stands in a checkpoint before the agent.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) state: Saved,
    pub(crate) snapshot: Option<Snapshot>,
}

/// Refuses to go on from a state that is not the run's.
pub(crate) type Check<'a> = &'a dyn Fn(&Saved) -> Result<()>;

/// Reads a checkpoint of `len` bytes that has been [verified](verify), and hands the agent its part. `check` is asked before,
/// because an agent of another configuration could only say that the bytes make no sense.
pub(crate) fn read(from: &mut dyn Read, len: u64, agent: &mut dyn Agent, check: Check<'_>) -> Result<Head> {
    let mut from = from.take(len.saturating_sub(CRC));
    let mut head = [0; 12];
    from.read_exact(&mut head).context("reading a checkpoint")?;
    let state = section(&mut from)?.ok_or_else(|| Error::corrupt("the checkpoint has no state"))?;
    let state: Saved = serde_json::from_slice(&state)
        .map_err(|error| Error::corrupt(format_args!("the state in the checkpoint: {error}")))?;
    check(&state)?;
    let snapshot = section(&mut from)?.map(Snapshot::from_bytes);
    agent.load(&mut from).context("loading the agent")?;
    if from.limit() > 0 {
        return Err(Error::corrupt(format_args!(
            "loading the agent: {} bytes of the checkpoint are left over: it was written by another agent",
            from.limit()
        )));
    }
    Ok(Head { state, snapshot })
}

fn section(from: &mut impl Read) -> Result<Option<Vec<u8>>> {
    let mut len = [0; 8];
    from.read_exact(&mut len).context("reading a checkpoint")?;
    let len = u64::from_le_bytes(len);
    if len == NO_SNAPSHOT {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    from.take(len).read_to_end(&mut bytes).context("reading a checkpoint")?;
    if bytes.len() as u64 != len {
        return Err(Error::corrupt("the checkpoint is damaged: a part of it is missing"));
    }
    Ok(Some(bytes))
}

/// Writes on, and keeps the checksum of what went through.
struct Summing<'a> {
    out: &'a mut dyn Write,
    crc: crc32fast::Hasher,
}

impl Write for Summing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests;
