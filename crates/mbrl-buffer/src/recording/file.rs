//! Recordings in the project's own format: versioned, checksummed, and equal after loading.
//!
//! All numbers are little-endian:
//!
//! ```text
//! "mbrldata" version:u32 crc:u32
//! about:u32 bytes of JSON   obs:u32 act:u32 rows:u32 crc:u32
//! rows × obs:f32…   rows × act:f32…   rows × next_obs:f32…   rows × reward:f32   rows × end:u8   crc:u32
//! ```
//!
//! Each checksum is the CRC-32 of everything before it.

use super::{About, Recording};
use crate::bytes::{Reader, Writer};
use crate::write_aside;
use mbrl_core::{Context, End, Error, Origin, Result, RowBuf, TransitionBatch};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

pub(super) const MAGIC: [u8; 8] = *b"mbrldata";
const VERSION: u32 = 1;
const A_RECORDING: &str = "a recording";

impl Recording {
    /// Writes it in the project's own format.
    pub fn save(&self, mut out: impl Write) -> Result<()> {
        let mut writer = Writer::new(&mut out, A_RECORDING);
        writer.open(MAGIC, VERSION)?;
        let about = serde_json::to_vec(self.about()).map_err(Error::backend)?;
        let rows = self.rows();
        let word = |number: usize| {
            let word = u32::try_from(number);
            word.map(u32::to_le_bytes)
                .map_err(|_| Error::invalid(format_args!("{number} are too many to be written")))
        };
        writer.bytes(&word(about.len())?)?;
        writer.bytes(&about)?;
        for number in [rows.dims().obs, rows.dims().act, rows.len()] {
            writer.bytes(&word(number)?)?;
        }
        writer.seal()?;
        for numbers in [rows.obs.as_slice(), rows.act.as_slice(), rows.next_obs.as_slice(), &rows.reward] {
            writer.words(numbers)?;
        }
        let ends: Vec<u8> = rows.end.iter().map(|end| *end as u8).collect();
        writer.bytes(&ends)?;
        writer.seal()?;
        writer.finish()
    }

    /// Reads what [`save`](Recording::save) wrote: a recording equal to the one that was saved, but for its notes.
    pub fn load(mut from: impl Read) -> Result<Self> {
        let mut reader = Reader::new(&mut from, A_RECORDING);
        reader.open(MAGIC, VERSION)?;
        let about = reader.u32()? as usize;
        let about = reader.small(about)?;
        let [obs, act, rows] = [reader.u32()? as usize, reader.u32()? as usize, reader.u32()? as usize];
        reader.check("header")?;
        let about: About = serde_json::from_slice(&about)
            .map_err(|error| reader.damaged(format_args!("its header: {error}")))?;
        let mut table = |width: usize| -> Result<RowBuf> {
            let Some(numbers) = width.checked_mul(rows) else {
                return Err(Error::corrupt("its header contradicts itself"));
            };
            RowBuf::from_vec(reader.words(numbers)?, width)
        };
        let (obs, act, next_obs) = (table(obs)?, table(act)?, table(obs)?);
        let reward = table(1)?.as_slice().to_vec();
        let ends = reader.small(rows)?;
        reader.check("rows")?;
        reader.end()?;
        let end = ends
            .into_iter()
            .map(End::try_from)
            .collect::<Result<_>>()
            .map_err(|error| reader.damaged(error))?;
        Recording::new(
            TransitionBatch { obs, act, next_obs, reward, end, origin: vec![Origin::World; rows] },
            about,
        )
    }

    /// Writes it to a file in the project's own format: aside, and renamed into place once it is whole; see
    /// [`write_aside`].
    pub fn save_to(&self, path: impl AsRef<Path>) -> Result<()> {
        write_aside(path, |out| self.save(out))
    }

    /// Reads a file in the project's own format.
    pub(super) fn load_from(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io)?;
        Recording::load(std::io::BufReader::new(file)).context("the project's own format")
    }
}
