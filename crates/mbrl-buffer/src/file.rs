//! Replay buffers as bytes: versioned, checksummed, and equal after loading.
//!
//! All numbers are little-endian. A replay buffer is
//!
//! ```text
//! "mbrlring" version:u32 crc:u32
//! obs:u32 act:u32 lanes:u32 capacity:u32 rows:u32 cut:u32 crc:u32
//! rows × (obs:f32… act:f32… next_obs:f32… reward:f32 tag:u32 origin:u32), oldest first   crc:u32
//! ```
//!
//! and a prioritised one puts its own part before:
//!
//! ```text
//! "mbrlprio" version:u32 crc:u32
//! alpha:f64 beta:f64 epsilon:f64 max_priority:f64 next_id:u64 rows:u32 crc:u32
//! rows × weight:f64, oldest first   crc:u32
//! ```
//!
//! Each checksum is the CRC-32 of everything before it. A tag is 4 · (rows of the episode so far) + end. Lanes are 0
//! where rows continue nothing.

use crate::bytes::{Reader, Writer};
use crate::record::Layout;
use crate::{PrioritizedBuffer, PrioritizedConfig, ReplayBuffer, SumTree, write_aside};
use mbrl_core::{Context, Dims, Result};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

pub(crate) const RING: [u8; 8] = *b"mbrlring";
const PRIORITIES: [u8; 8] = *b"mbrlprio";
const VERSION: u32 = 1;

const A_BUFFER: &str = "a replay buffer";
const A_PRIORITISED_BUFFER: &str = "a prioritised replay buffer";

/// The largest sum of a priority and an ε that [`PrioritizedBuffer::update`] takes.
const MAX_PRIORITY: f64 = 2.0 * f32::MAX as f64;

impl ReplayBuffer {
    /// Writes the buffer.
    pub fn save(&self, mut out: impl Write) -> Result<()> {
        self.write_to(&mut out)
    }

    /// Reads what [`save`](ReplayBuffer::save) wrote: a buffer equal to the one that was saved.
    ///
    /// Every damage is an error: bytes that changed, are missing or were added.
    pub fn load(mut from: impl Read) -> Result<Self> {
        let mut reader = Reader::new(&mut from, A_BUFFER);
        let buffer = ReplayBuffer::read(&mut reader)?;
        reader.end()?;
        Ok(buffer)
    }

    /// Writes the buffer to a stream that goes on: to be read by [`read_from`](ReplayBuffer::read_from).
    ///
    /// ```
    /// use mbrl_buffer::{Dims, ReplayBuffer};
    ///
    /// let dims = Dims { obs: 3, act: 1 };
    /// let (real, imagined) = (ReplayBuffer::new(dims, 10)?, ReplayBuffer::unordered(dims, 20)?);
    /// let mut checkpoint = Vec::new();
    /// real.write_to(&mut checkpoint)?;
    /// imagined.write_to(&mut checkpoint)?;
    /// let mut from = &checkpoint[..];
    /// assert_eq!(ReplayBuffer::read_from(&mut from)?, real);
    /// assert_eq!(ReplayBuffer::read_from(&mut from)?, imagined);
    /// # Ok::<(), mbrl_buffer::Error>(())
    /// ```
    pub fn write_to(&self, out: &mut impl Write) -> Result<()> {
        let mut writer = Writer::new(out, A_BUFFER);
        self.write(&mut writer)?;
        writer.finish()
    }

    /// Reads what [`write_to`](ReplayBuffer::write_to) wrote, and not a byte more: the stream may go on.
    pub fn read_from(from: &mut impl Read) -> Result<Self> {
        ReplayBuffer::read(&mut Reader::new(from, A_BUFFER))
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
        writer.open(RING, VERSION)?;
        let Dims { obs, act } = self.dims();
        let lanes = if self.unordered { 0 } else { self.lanes };
        // Each is known to fit: the width of a record and the capacity do.
        let header = [obs, act, lanes, self.capacity, self.len, self.cut];
        writer.bytes(header.map(|number| (number as u32).to_le_bytes()).as_flattened())?;
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
        let possible = capacity > 0 && len <= capacity && cut <= lanes;
        let (unordered, lanes) = (lanes == 0, lanes.max(1));
        let possible = possible && capacity.is_multiple_of(lanes);
        let Some(words) = words.filter(|_| possible) else {
            return Err(reader.damaged("its header contradicts itself"));
        };
        let data = reader.words(words)?;
        reader.check("rows")?;
        let layout = Layout { dims };
        let mut buffer = ReplayBuffer { layout, unordered, lanes, capacity: len, len, head: 0, cut, data };
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
        let follows = tag.run() == 1 || (!self.unordered && run.is_none_or(|run| tag.run() == run));
        numbers.iter().all(|x| x.is_finite()) && tag.is_sound() && follows
    }
}

impl PrioritizedBuffer {
    /// Writes the buffer with its priorities.
    pub fn save(&self, mut out: impl Write) -> Result<()> {
        self.write_to(&mut out)
    }

    /// Reads what [`save`](PrioritizedBuffer::save) wrote: a buffer equal to the one that was saved, ids included.
    pub fn load(mut from: impl Read) -> Result<Self> {
        let mut reader = Reader::new(&mut from, A_PRIORITISED_BUFFER);
        let buffer = PrioritizedBuffer::read(&mut reader)?;
        reader.end()?;
        Ok(buffer)
    }

    /// Writes the buffer to a stream that goes on: to be read by [`read_from`](PrioritizedBuffer::read_from).
    pub fn write_to(&self, out: &mut impl Write) -> Result<()> {
        let mut writer = Writer::new(out, A_PRIORITISED_BUFFER);
        self.write(&mut writer)?;
        writer.finish()
    }

    /// Reads what [`write_to`](PrioritizedBuffer::write_to) wrote, and not a byte more: the stream may go on.
    pub fn read_from(from: &mut impl Read) -> Result<Self> {
        PrioritizedBuffer::read(&mut Reader::new(from, A_PRIORITISED_BUFFER))
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        writer.open(PRIORITIES, VERSION)?;
        let PrioritizedConfig { alpha, beta, epsilon } = self.config;
        let numbers = [alpha, beta, epsilon, self.max_priority].map(|number| number.to_bits().to_le_bytes());
        let (next_id, rows) = (self.next_id.to_le_bytes(), (self.rows.len() as u32).to_le_bytes());
        writer.bytes(&[numbers.as_flattened(), &next_id, &rows].concat())?;
        writer.seal()?;
        writer.doubles(self.rows.len(), |i| self.weight(i))?;
        writer.seal()?;
        self.rows.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.open(PRIORITIES, VERSION)?;
        let config = PrioritizedConfig { alpha: reader.f64()?, beta: reader.f64()?, epsilon: reader.f64()? };
        let (max_priority, next_id, len) = (reader.f64()?, reader.u64()?, reader.u32()? as usize);
        reader.check("header")?;
        let weights = reader.doubles(len)?;
        reader.check("priorities")?;
        let rows = ReplayBuffer::read(reader)?;
        let consistent = rows.len() == len && (len as u64..u64::MAX / 2).contains(&next_id);
        // What begins at one, only rises, and only to what an update takes.
        if !consistent || !(1.0..=MAX_PRIORITY).contains(&max_priority) {
            return Err(reader.damaged("its rows and its priorities contradict each other"));
        }
        config.validate().map_err(|error| reader.damaged(error))?;
        let tree = SumTree::new(rows.capacity())?;
        let buffer = PrioritizedBuffer { rows, config, tree, next_id, max_priority };
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
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    load(file).with_context(|| path.display())
}
