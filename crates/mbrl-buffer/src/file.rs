//! Replay buffers as bytes: versioned, checksummed, and equal after loading.
//!
//! All numbers are little-endian. A replay buffer is
//!
//! ```text
//! "mbrlring" version:u32 obs:u32 act:u32 lanes:u32 capacity:u32 rows:u32 cut:u32 crc:u32
//! rows × (obs:f32… act:f32… next_obs:f32… reward:f32 tag:u32 origin:u32), oldest first   crc:u32
//! ```
//!
//! and a prioritised one puts its own part before:
//!
//! ```text
//! "mbrlprio" version:u32 alpha:f64 beta:f64 epsilon:f64 max_priority:f64 next_id:u64 rows:u32 crc:u32
//! rows × weight:f64, oldest first   crc:u32
//! ```
//!
//! Each checksum is the CRC-32 of everything before it. A tag is 4 · (rows of the episode so far) + end.

use crate::bytes::{Reader, Writer};
use crate::record::Layout;
use crate::{PrioritizedBuffer, PrioritizedConfig, ReplayBuffer, SumTree, write_aside};
use mbrl_core::{Context, Dims, Error, Result};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

const RING: [u8; 8] = *b"mbrlring";
const PRIORITIES: [u8; 8] = *b"mbrlprio";
const VERSION: u32 = 1;

impl ReplayBuffer {
    /// Writes the buffer.
    pub fn save(&self, out: impl Write) -> Result<()> {
        let mut out = BufWriter::new(out);
        let mut writer = Writer::new(&mut out, "a replay buffer");
        self.write(&mut writer)?;
        writer.finish()
    }

    /// Reads what [`save`](ReplayBuffer::save) wrote: a buffer equal to the one that was saved.
    ///
    /// Every damage is an error: bytes that changed, are missing or were added.
    pub fn load(from: impl Read) -> Result<Self> {
        let mut from = BufReader::new(from);
        let mut reader = Reader::new(&mut from, "a replay buffer");
        let buffer = ReplayBuffer::read(&mut reader)?;
        reader.end()?;
        Ok(buffer)
    }

    /// Writes the buffer to a file: aside, and renamed into place once it is whole; see [`write_aside`].
    pub fn save_to(&self, path: impl AsRef<Path>) -> Result<()> {
        write_aside(path, |out| self.save(out))
    }

    /// Reads the buffer from a file.
    pub fn load_from(path: impl AsRef<Path>) -> Result<Self> {
        load_from(path.as_ref(), ReplayBuffer::load)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        writer.bytes(&RING)?;
        writer.u32(VERSION)?;
        let Dims { obs, act } = self.dims();
        // Each is known to fit: the width of a record and the capacity do.
        for number in [obs, act, self.lanes, self.capacity, self.len, self.cut] {
            writer.u32(number as u32)?;
        }
        writer.seal()?;
        let (newer, older) = self.data.split_at(self.head * self.layout.width());
        writer.words(older)?;
        writer.words(newer)?;
        writer.seal()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.open(RING, VERSION)?;
        let mut header = [0; 6];
        for number in &mut header {
            *number = reader.u32()? as usize;
        }
        reader.check("header")?;
        let [obs, act, lanes, capacity, len, cut] = header;
        let dims = Dims { obs, act };
        let words = Layout::checked_width(dims).and_then(|width| width.checked_mul(len));
        let possible =
            lanes > 0 && capacity > 0 && capacity.is_multiple_of(lanes) && len <= capacity && cut <= lanes;
        let Some(words) = words.filter(|_| possible) else {
            return Err(reader.damaged("its header contradicts itself"));
        };
        let data = reader.words(words)?;
        reader.check("rows")?;
        let mut buffer =
            ReplayBuffer { layout: Layout { dims }, lanes, capacity: len, len, head: 0, cut, data };
        if let Some(row) = (0..len).find(|&row| !buffer.is_sound(row)) {
            return Err(reader.damaged(format_args!("row {row} is not one that a replay buffer holds")));
        }
        buffer.resize(capacity)?;
        Ok(buffer)
    }

    /// Whether a row that was read is one that could have been pushed after those before it.
    fn is_sound(&self, row: usize) -> bool {
        let (numbers, tag) = (&self.record(row)[..self.layout.tag()], self.tag(row));
        let run = row.checked_sub(self.lanes).map(|before| self.tag(before).next_run());
        // After a cut an episode begins although the last one did not end.
        let follows = run.is_none_or(|run| tag.run() == run || tag.run() == 1);
        numbers.iter().all(|x| x.is_finite()) && tag.is_sound() && follows
    }
}

impl PrioritizedBuffer {
    /// Writes the buffer with its priorities.
    pub fn save(&self, out: impl Write) -> Result<()> {
        let mut out = BufWriter::new(out);
        let mut writer = Writer::new(&mut out, "a prioritised replay buffer");
        writer.bytes(&PRIORITIES)?;
        writer.u32(VERSION)?;
        let PrioritizedConfig { alpha, beta, epsilon } = self.config;
        for number in [alpha, beta, epsilon, self.max_priority] {
            writer.f64(number)?;
        }
        writer.u64(self.next_id)?;
        writer.u32(self.rows.len() as u32)?;
        writer.seal()?;
        for i in 0..self.rows.len() {
            writer.f64(self.weight(i))?;
        }
        writer.seal()?;
        self.rows.write(&mut writer)?;
        writer.finish()
    }

    /// Reads what [`save`](PrioritizedBuffer::save) wrote: a buffer equal to the one that was saved, ids included.
    pub fn load(from: impl Read) -> Result<Self> {
        let mut from = BufReader::new(from);
        let mut reader = Reader::new(&mut from, "a prioritised replay buffer");
        reader.open(PRIORITIES, VERSION)?;
        let config = PrioritizedConfig { alpha: reader.f64()?, beta: reader.f64()?, epsilon: reader.f64()? };
        let (max_priority, next_id, len) = (reader.f64()?, reader.u64()?, reader.u32()? as usize);
        reader.check("header")?;
        let mut weights = Vec::new();
        for _ in 0..len {
            weights.push(reader.f64()?);
        }
        reader.check("priorities")?;
        let rows = ReplayBuffer::read(&mut reader)?;
        reader.end()?;
        let consistent = rows.len() == len && (len as u64..u64::MAX / 2).contains(&next_id);
        if !consistent || !max_priority.is_finite() || max_priority <= 0.0 {
            return Err(reader.damaged("its rows and its priorities contradict each other"));
        }
        let buffer = PrioritizedBuffer { rows, config, tree: SumTree::new(1)?, next_id, max_priority };
        buffer.weighted(|i| weights[i]).map_err(|error| reader.damaged(error))
    }

    /// Writes the buffer to a file: aside, and renamed into place once it is whole; see [`write_aside`].
    pub fn save_to(&self, path: impl AsRef<Path>) -> Result<()> {
        write_aside(path, |out| self.save(out))
    }

    /// Reads the buffer from a file.
    pub fn load_from(path: impl AsRef<Path>) -> Result<Self> {
        load_from(path.as_ref(), PrioritizedBuffer::load)
    }
}

fn load_from<T>(path: &Path, load: impl FnOnce(File) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(Error::io);
    file.and_then(load).with_context(|| format!("reading {}", path.display()))
}
