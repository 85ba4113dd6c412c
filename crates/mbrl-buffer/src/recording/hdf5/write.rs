//! Writing HDF5: a table in D4RL's layout, and the file of a Minari dataset.

use crate::recording::Recording;
use crate::recording::episodes::KEYS;
use crate::write_aside;
use hdf5_pure::{AttrValue, Datatype, EnumTypeBuilder, FileBuilder, make_i8_type};
use mbrl_core::{End, Error, Result, Space, TransitionBatch};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

impl Recording {
    /// Writes it as one table in the layout of D4RL's version 2, compressed: aside, and renamed into place once it is whole.
    ///
    /// The rows are kept, and who acted; spaces and names are not.
    pub fn save_d4rl(&self, path: impl AsRef<Path>) -> Result<()> {
        write_aside(path, |out| write_table(self, out))
    }
}

/// Rows of a chunk: some hundred kilobytes, of which a reader holds one at a time.
const CHUNK: usize = 1 << 12;

fn write_table(recording: &Recording, out: &mut dyn Write) -> Result<()> {
    let rows = recording.rows();
    let (count, chunk) = (rows.len() as u64, rows.len().min(CHUNK) as u64);
    let mut file = FileBuilder::new();
    for (key, table) in
        [("observations", &rows.obs), ("actions", &rows.act), ("next_observations", &rows.next_obs)]
    {
        let width = table.dim() as u64;
        let array = file.create_dataset(key).with_f32_data(table.as_slice());
        array.with_shape(&[count, width]).with_chunks(&[chunk, width]).with_deflate(4);
    }
    file.create_dataset("rewards").with_f32_data(&rows.reward).with_chunks(&[chunk]).with_deflate(4);
    for (key, which) in [("terminals", End::Terminated), ("timeouts", End::Truncated)] {
        let flags: Vec<u8> = rows.end.iter().map(|end| u8::from(*end == which)).collect();
        file.create_dataset(key).with_enum_u8_data(truth()?, &flags).with_chunks(&[chunk]).with_deflate(4);
    }
    if let Some(made_by) = recording.about().made_by.as_deref().filter(|made_by| !made_by.is_empty()) {
        let mut metadata = file.create_group("metadata");
        let text = metadata.create_dataset("algorithm").with_strings(&[made_by]);
        text.map_err(|error| broken(error.into()))?.with_shape(&[]);
        file.add_group(metadata.finish());
    }
    file.finish_to(out).map_err(broken)
}

/// Writes the episodes of a Minari dataset, each of which has a group with one observation more than steps.
pub(in crate::recording) fn write_episodes(
    rows: &TransitionBatch,
    episodes: &[Range<usize>],
    (obs, act): (&Space, &Space),
    out: &mut dyn Write,
) -> Result<()> {
    let mut file = FileBuilder::new();
    for (i, episode) in episodes.iter().enumerate() {
        let mut group = file.create_group(&format!("episode_{i}"));
        group.set_attr("id", AttrValue::I64(i as i64));
        group.set_attr("total_steps", AttrValue::I64(episode.len() as i64));
        let width = rows.obs.dim();
        let mut seen = rows.obs.as_slice()[episode.start * width..episode.end * width].to_vec();
        seen.extend_from_slice(rows.next_obs.row(episode.end - 1));
        let done = &rows.act.as_slice()[episode.start * rows.act.dim()..episode.end * rows.act.dim()];
        for (key, numbers, space) in [(KEYS[0], seen.as_slice(), obs), (KEYS[1], done, act)] {
            let array = group.create_dataset(key);
            match space {
                Space::Discrete { .. } => {
                    array.with_i64_data(&numbers.iter().map(|x| *x as i64).collect::<Vec<_>>());
                }
                Space::Box(_) => {
                    let width = space.dim();
                    array.with_f32_data(numbers).with_shape(&[(numbers.len() / width) as u64, width as u64]);
                }
            }
        }
        group.create_dataset(KEYS[2]).with_f32_data(&rows.reward[episode.clone()]);
        for (key, which) in [(KEYS[3], End::Terminated), (KEYS[4], End::Truncated)] {
            let flags: Vec<u8> =
                rows.end[episode.clone()].iter().map(|end| u8::from(*end == which)).collect();
            group.create_dataset(key).with_enum_u8_data(truth()?, &flags);
        }
        file.add_group(group.finish());
    }
    file.finish_to(out).map_err(broken)
}

/// True or false as h5py has it.
fn truth() -> Result<Datatype> {
    let built = EnumTypeBuilder::with_base(make_i8_type()).value("FALSE", 0).value("TRUE", 1).build();
    built.map_err(|error| broken(error.into()))
}

#[cold]
fn broken(error: hdf5_pure::Error) -> Error {
    match error {
        hdf5_pure::Error::Io(error) => Error::io(error),
        error => Error::backend(error),
    }
}
