//! Whatever the bytes of a dataset are: opening it ends, with a recording or with one line, and takes memory in proportion.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_buffer::Recording;
use mbrl_testkit::{CountingAlloc, allocations};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
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

/// A folder with copies of fixtures, removed when the test is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, fixtures: &[(&str, &str)]) -> Self {
        let folder = Folder(std::env::temp_dir().join(format!("mbrl-damaged-{name}-{}", std::process::id())));
        let _ = std::fs::remove_dir_all(&folder.0);
        std::fs::create_dir_all(&folder.0).unwrap();
        fixtures.iter().for_each(|(fixture, _)| copy(&data(fixture), &folder.0.join(fixture)));
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            copy(&path, &to.join(path.file_name().unwrap()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// Opens fixtures in which a file is damaged: themselves, or one in their folder.
fn damaged(name: &str, fixtures: &[(&'static str, &'static str)], most: usize) {
    let folder = Folder::new(name, fixtures);
    let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/damaged_datasets.txt");
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..ProptestConfig::default()
    });
    let damages = prop::collection::vec(damage(), 1..=most);
    let cases = (prop::sample::select(fixtures.to_vec()), damages);
    let done = runner.run(&cases, |((fixture, file), damages)| {
        let path = |root: &Path| [root, Path::new(fixture), Path::new(file)].iter().collect::<PathBuf>();
        let whole = path(&data("")).components().as_path().to_owned();
        let mut bytes = std::fs::read(&whole).unwrap();
        damages.iter().for_each(|damage| apply(&mut bytes, damage));
        let target = path(&folder.0).components().as_path().to_owned();
        std::fs::write(&target, bytes).unwrap();
        let (opened, made) = allocations(|| Recording::open(folder.0.join(fixture)));
        // The next case may damage another fixture.
        std::fs::copy(whole, target).unwrap();
        prop_assert!(made.bytes < MOST, "{} bytes were asked for", made.bytes);
        if let Err(error) = opened {
            let line = error.to_string();
            prop_assert!(line.lines().count() == 1 && line.contains(fixture), "{line:?}");
        }
        Ok(())
    });
    done.unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
#[cfg(feature = "hdf5")]
fn hdf5() {
    damaged("hdf5", &[("d4rl-v2.hdf5", ""), ("d4rl-replay.hdf5", ""), ("d4rl-jumps.hdf5", "")], 4);
}

#[test]
#[cfg(feature = "hdf5")]
fn minari_in_hdf5() {
    damaged("minari", &[("minari-discrete-hdf5", "data/main_data.hdf5")], 6);
}

#[test]
#[cfg(feature = "npz")]
fn npz() {
    damaged("npz", &[("plain.npz", ""), ("compressed.npz", ""), ("fortran.npz", "")], 3);
}

#[test]
fn minari_in_arrow() {
    let part = "data/0/part-0.arrow";
    damaged("arrow", &[("minari-arrow", part), ("minari-discrete-arrow", part)], 3);
}

#[test]
fn metadata_of_minari() {
    damaged("metadata", &[("minari-arrow", "data/metadata.json")], 3);
}

#[test]
#[cfg(feature = "parquet")]
fn minari_in_parquet() {
    damaged("parquet", &[("minari-parquet", "data/0/part-0.parquet")], 3);
}
