//! What agents keep in a checkpoint besides beliefs and networks: what they remember, and their data.

use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Context, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};

/// More bytes than this are not what an agent remembers.
const MOST_BYTES: u64 = 1 << 28;

/// Writes what an agent remembers: its length, then JSON.
pub(crate) fn write(kept: &impl Serialize, out: &mut dyn Write) -> Result<()> {
    let json = serde_json::to_vec(kept).map_err(Error::backend)?;
    out.write_all(&(json.len() as u64).to_le_bytes()).context("writing what the agent remembers")?;
    out.write_all(&json).context("writing what the agent remembers")
}

/// Reads what [`write`] wrote.
pub(crate) fn read<T: DeserializeOwned>(from: &mut dyn Read) -> Result<T> {
    let mut len = [0; 8];
    from.read_exact(&mut len).context("reading what the agent remembers")?;
    let len = u64::from_le_bytes(len);
    if len > MOST_BYTES {
        return Err(Error::corrupt(format_args!("an agent that remembers {len} bytes")));
    }
    let mut json = vec![0; len as usize];
    from.read_exact(&mut json).context("reading what the agent remembers")?;
    serde_json::from_slice(&json)
        .map_err(|error| Error::corrupt(format_args!("what the agent remembers: {error}")))
}

/// Writes numbers as they are: how many, then each.
pub(crate) fn write_numbers(numbers: &[f32], out: &mut dyn Write) -> Result<()> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    out.write_all(&(numbers.len() as u64).to_le_bytes()).context("writing what the agent remembers")?;
    out.write_all(&bytes).context("writing what the agent remembers")
}

/// Reads what [`write_numbers`] wrote.
pub(crate) fn read_numbers(from: &mut dyn Read) -> Result<Vec<f32>> {
    let mut len = [0; 8];
    from.read_exact(&mut len).context("reading what the agent remembers")?;
    let len = u64::from_le_bytes(len);
    if len > MOST_BYTES / 4 {
        return Err(Error::corrupt(format_args!("an agent that remembers {len} numbers")));
    }
    let mut bytes = vec![0; 4 * len as usize];
    from.read_exact(&mut bytes).context("reading what the agent remembers")?;
    let (numbers, _) = bytes.as_chunks();
    Ok(numbers.iter().map(|x| f32::from_le_bytes(*x)).collect())
}

/// Refuses members that a model of so many does not have.
pub(crate) fn check_members(kept: &[u16], members: usize) -> Result<()> {
    match kept.iter().find(|&&member| usize::from(member) >= members) {
        None => Ok(()),
        Some(member) => Err(Error::corrupt(format_args!("a kept model member {member} of {members}"))),
    }
}

/// Reads a buffer that must be like `present`.
pub(crate) fn buffer(present: &ReplayBuffer, mut from: &mut dyn Read) -> Result<ReplayBuffer> {
    let buffer = ReplayBuffer::read_from(&mut from)?;
    if (buffer.dims(), buffer.capacity()) != (present.dims(), present.capacity()) {
        return Err(Error::corrupt(format_args!(
            "kept transitions of {:?} with room for {}: this agent has {:?} and {}",
            buffer.dims(),
            buffer.capacity(),
            present.dims(),
            present.capacity()
        )));
    }
    Ok(buffer)
}
