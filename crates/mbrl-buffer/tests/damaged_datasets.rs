//! Whatever the bytes of a dataset are: opening it ends, with a recording or with one line, and takes memory in proportion.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_buffer::Recording;
use mbrl_testkit::{CountingAlloc, allocations};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// The most that opening one of the fixtures, of a hundred kilobytes at the most, may ask for in all. Compressed numbers may
/// well be a thousand times as many.
const MOST: u64 = 256 << 20;

/// What is done to the bytes of a file, at a place that is a fraction of its length.
#[derive(Clone, Debug)]
enum Damage {
    Flip(f64, u8),
    Fill(f64, usize, u8),
    Word(f64, u64, usize),
    Cut(f64),
    Repeat(f64, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Formats keep what matters at the beginning or at the end.
    let at = prop_oneof![0.0..1.0f64, 0.0..0.1f64, 0.9..1.0f64];
    let word = prop_oneof![
        Just(u64::MAX),
        Just(0),
        Just(1 << 31),
        Just(u64::from(u32::MAX)),
        Just(1 << 40),
        Just(i64::MAX as u64),
        0..70000u64
    ];
    prop_oneof![
        3 => (at.clone(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        1 => (at.clone(), 1..200usize, prop_oneof![Just(0u8), Just(0xff)]).prop_map(|(at, n, x)| Damage::Fill(at, n, x)),
        3 => (at.clone(), word, 1..=8usize).prop_map(|(at, word, n)| Damage::Word(at, word, n)),
        1 => at.clone().prop_map(Damage::Cut),
        1 => (at, 1..100usize).prop_map(|(at, n)| Damage::Repeat(at, n)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let place = |at: &f64| ((at * bytes.len() as f64) as usize).min(bytes.len().saturating_sub(1));
    match damage {
        _ if bytes.is_empty() => {}
        Damage::Flip(at, bits) => {
            let at = place(at);
            bytes[at] ^= bits;
        }
        Damage::Fill(at, n, with) => {
            let at = place(at);
            let end = (at + n).min(bytes.len());
            bytes[at..end].fill(*with);
        }
        Damage::Word(at, word, n) => {
            let at = place(at);
            let end = (at + n).min(bytes.len());
            bytes[at..end].copy_from_slice(&word.to_le_bytes()[..end - at]);
        }
        Damage::Cut(at) => bytes.truncate(place(at)),
        Damage::Repeat(at, n) => {
            let at = place(at);
            let again = bytes[at..(at + n).min(bytes.len())].to_vec();
            bytes.splice(at..at, again);
        }
    }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Opens a damaged copy of a fixture, in which `file` is damaged: itself, or a file in its folder.
fn open(fixture: &str, file: &str, damages: &[Damage]) -> std::result::Result<(), TestCaseError> {
    let folder = std::env::temp_dir().join(format!(
        "mbrl-damaged-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let path = folder.join(fixture);
    if data(fixture).is_dir() {
        copy(&data(fixture), &path);
    } else {
        std::fs::create_dir_all(&folder).unwrap();
    }
    let target = if file.is_empty() { path.clone() } else { path.join(file) };
    let mut bytes = std::fs::read(data(fixture).join(file).components().as_path()).unwrap();
    damages.iter().for_each(|damage| apply(&mut bytes, damage));
    std::fs::write(&target, bytes).unwrap();
    let (opened, made) = allocations(|| Recording::open(&path));
    std::fs::remove_dir_all(&folder).unwrap();
    prop_assert!(made.bytes < MOST, "{} bytes were asked for", made.bytes);
    if let Err(error) = opened {
        let line = error.to_string();
        prop_assert!(line.lines().count() == 1 && line.contains(fixture), "{line:?}");
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

fn few(most: usize) -> impl Strategy<Value = Vec<Damage>> {
    prop::collection::vec(damage(), 1..=most)
}

proptest! {
    #[test]
    #[cfg(feature = "hdf5")]
    fn hdf5(
        fixture in prop::sample::select(vec!["d4rl-v2.hdf5", "d4rl-replay.hdf5", "d4rl-jumps.hdf5"]),
        damages in few(4),
    ) {
        open(fixture, "", &damages)?;
    }

    #[test]
    #[cfg(feature = "hdf5")]
    fn minari_in_hdf5(damages in few(6)) {
        open("minari-discrete-hdf5", "data/main_data.hdf5", &damages)?;
    }

    #[test]
    #[cfg(feature = "npz")]
    fn npz(
        fixture in prop::sample::select(vec!["plain.npz", "compressed.npz", "fortran.npz"]),
        damages in few(3),
    ) {
        open(fixture, "", &damages)?;
    }

    #[test]
    fn minari_in_arrow(damages in few(3), fixture in prop::sample::select(vec!["minari-arrow", "minari-discrete-arrow"])) {
        open(fixture, "data/0/part-0.arrow", &damages)?;
    }

    #[test]
    fn metadata_of_minari(damages in few(3)) {
        open("minari-arrow", "data/metadata.json", &damages)?;
    }

    #[test]
    #[cfg(feature = "parquet")]
    fn minari_in_parquet(damages in few(3)) {
        open("minari-parquet", "data/0/part-0.parquet", &damages)?;
    }
}
