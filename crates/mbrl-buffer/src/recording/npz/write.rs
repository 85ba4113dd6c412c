//! Writing npz: what `numpy.savez_compressed` writes of a table in D4RL's layout.

use crate::recording::Recording;
use crate::write_aside;
use mbrl_core::{End, Error, Result, RowBuf};
use std::io::Write;
use std::path::Path;
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter};

impl Recording {
    /// Writes it as arrays of numpy under the names of D4RL, compressed: aside, and renamed into place once it is whole.
    ///
    /// The rows are all that is kept; spaces and names are not.
    pub fn save_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        write_aside(path, |out| write(self, out))
    }
}

fn write(recording: &Recording, out: &mut dyn Write) -> Result<()> {
    let rows = recording.rows();
    let mut archive = ZipWriter::new_stream(out);
    for (key, table) in
        [("observations", &rows.obs), ("actions", &rows.act), ("next_observations", &rows.next_obs)]
    {
        floats(&mut archive, key, table.as_slice(), &shape(table))?;
    }
    floats(&mut archive, "rewards", &rows.reward, &format!("({},)", rows.len()))?;
    for (key, which) in [("terminals", End::Terminated), ("timeouts", End::Truncated)] {
        let flags: Vec<u8> = rows.end.iter().map(|end| u8::from(*end == which)).collect();
        begin(&mut archive, key, "|b1", &format!("({},)", rows.len()), flags.len())?;
        archive.write_all(&flags).map_err(Error::io)?;
    }
    archive.finish().map_err(broken)?;
    Ok(())
}

fn shape(table: &RowBuf) -> String {
    format!("({}, {})", table.len(), table.dim())
}

type Archive<'a> = ZipWriter<StreamWriter<&'a mut dyn Write>>;

fn floats(archive: &mut Archive<'_>, key: &str, numbers: &[f32], shape: &str) -> Result<()> {
    begin(archive, key, "<f4", shape, 4 * numbers.len())?;
    let mut bytes = Vec::with_capacity(1 << 16);
    for chunk in numbers.chunks(1 << 14) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|x| x.to_le_bytes()));
        archive.write_all(&bytes).map_err(Error::io)?;
    }
    Ok(())
}

/// Begins an array: its header is padded so that the numbers begin at a multiple of 64 bytes.
fn begin(archive: &mut Archive<'_>, key: &str, kind: &str, shape: &str, bytes: usize) -> Result<()> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', padded - 1 - header.len()));
    header.push('\n');
    let options = SimpleFileOptions::default().large_file(bytes as u64 >= u64::from(u32::MAX) / 2);
    archive.start_file(format!("{key}.npy"), options).map_err(broken)?;
    // It is far shorter than the 65,535 bytes that two bytes can say.
    let length = (header.len() as u16).to_le_bytes();
    let parts: [&[u8]; 3] = [b"\x93NUMPY\x01\x00", &length, header.as_bytes()];
    parts.iter().try_for_each(|part| archive.write_all(part)).map_err(Error::io)
}

#[cold]
fn broken(error: ZipError) -> Error {
    match error {
        ZipError::Io(error) => Error::io(error),
        error => Error::backend(error),
    }
}
