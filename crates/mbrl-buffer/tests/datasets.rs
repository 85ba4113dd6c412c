//! Dataset files that h5py, minari, pyarrow and numpy wrote hold here what they hold there; see `reference/datasets.py`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_buffer::{Error, Format, ReadOptions, Recording, Reference};
use mbrl_core::Space;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// What the script says is in the files.
fn expected() -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(data("expected.json")).unwrap()).unwrap()
}

fn is_read(name: &str) -> bool {
    let format = Format::of(data(name)).unwrap();
    let needs = [
        (cfg!(feature = "hdf5"), [Format::D4rl, Format::MinariHdf5].as_slice()),
        (cfg!(feature = "npz"), &[Format::Npz]),
        (cfg!(feature = "parquet"), &[Format::MinariParquet]),
    ];
    needs.iter().all(|(is_on, formats)| *is_on || !formats.contains(&format))
}

/// A sum that tells a permutation, added up in the order of the script.
fn sum(numbers: &[f32]) -> f64 {
    numbers.iter().enumerate().fold(0.0, |sum, (i, x)| sum + (i % 7 + 1) as f64 * f64::from(*x))
}

#[test]
fn what_others_wrote_is_read_to_the_bit() {
    let mut read = 0;
    for (name, facts) in expected().as_object().unwrap() {
        if !is_read(name) {
            let error = Recording::open(data(name)).unwrap_err();
            assert!(error.is_unsupported() && error.to_string().contains("the feature `"), "{error}");
            continue;
        }
        let time_limit = facts["time_limit"].as_u64().map(|limit| limit as usize);
        let recording = Recording::open_with(data(name), &ReadOptions { time_limit }).unwrap();
        let rows = recording.rows();
        assert_eq!(
            (rows.len(), rows.obs.dim(), rows.act.dim()),
            (number(facts, "rows"), number(facts, "obs"), number(facts, "act")),
            "{name}"
        );
        let ends: String = rows.end.iter().map(|end| (*end as u8).to_string()).collect();
        assert_eq!(ends, facts["ends"].as_str().unwrap(), "{name}");
        let parts = [rows.obs.as_slice(), rows.act.as_slice(), rows.next_obs.as_slice(), &rows.reward];
        for (part, expected) in parts.into_iter().zip(facts["sums"].as_array().unwrap()) {
            assert_eq!(sum(part).to_bits(), expected.as_f64().unwrap().to_bits(), "{name}");
        }
        read += 1;
    }
    assert!(read >= 2);
}

fn number(facts: &serde_json::Value, key: &str) -> usize {
    facts[key].as_u64().unwrap() as usize
}

#[test]
fn what_minari_knows_is_known() {
    let arrow = Recording::open(data("minari-arrow")).unwrap();
    let about = arrow.about();
    assert_eq!(about.name.as_deref(), Some("test/arrow-v0"));
    assert_eq!(about.env.as_deref(), Some("Pendulum-v1"));
    assert_eq!(about.made_by.as_deref(), Some("SAC, A. Nobody"));
    assert_eq!(about.obs, Some(Space::unbounded(3).unwrap()));
    assert_eq!(about.act, Some(Space::symmetric(2, 1.0).unwrap()));
    assert_eq!(about.reference, Some(Reference { min: -1.5, max: 8.25 }));
    assert_eq!(arrow.notes(), ["episodes that break off without an end, and were cut there: 1"]);
    let choices = Recording::open(data("minari-discrete-arrow")).unwrap();
    assert_eq!(choices.about().act, Some(Space::discrete(3).unwrap()));
    assert_eq!(choices.about().obs, Some(Space::unbounded(3).unwrap()));
    // The folder that holds the metadata may be named too.
    assert_eq!(Recording::open(data("minari-arrow/data")).unwrap(), arrow);
    let refused = Recording::open(data("minari-dict")).unwrap_err().to_string();
    assert!(refused.contains("metadata.json: observation_space: it is a Dict"), "{refused}");
}

#[test]
#[cfg(feature = "hdf5")]
fn what_is_left_out_is_said() {
    let replay = Recording::open(data("d4rl-replay.hdf5")).unwrap();
    assert_eq!(
        replay.notes(),
        [
            "next_observations are not in the file: rows that end an episode have no known successor and were left out, 5, \
             of which 3 terminated; the rewards of these rows sum to 2.1814713, and returns and scores are without them"
        ]
    );
    let jumps = Recording::open(data("d4rl-jumps.hdf5")).unwrap();
    assert!(jumps.notes()[0].contains("cut where the next row goes on elsewhere"), "{:?}", jumps.notes());
    let whole = Recording::open(data("d4rl-v2.hdf5")).unwrap();
    assert_eq!(whole.notes(), ["the last episode breaks off at row 27, and was cut there"]);
    assert_eq!(whole.about().made_by.as_deref(), Some("SAC"));
    assert_eq!(whole.about().name.as_deref(), Some("d4rl-v2"));
    assert!(jumps.rows() == whole.rows());
    // The file of Minari by itself is the dataset.
    let main = Recording::open(data("minari-hdf5/data/main_data.hdf5")).unwrap();
    assert_eq!(main, Recording::open(data("minari-hdf5")).unwrap());
}

#[test]
#[cfg(feature = "hdf5")]
fn where_episodes_were_cut_is_asked_for_and_not_guessed() {
    let unknown = Recording::open(data("hopper_v0.hdf5")).unwrap_err().to_string();
    assert!(unknown.contains("give the time limit of its environment"), "{unknown}");
    let none =
        Recording::open_with(data("hopper_v0.hdf5"), &ReadOptions { time_limit: Some(0) }).unwrap_err();
    assert!(none.to_string().contains("a time limit of 0 steps"), "{none}");
    let limited = Recording::open_with(data("hopper_v0.hdf5"), &ReadOptions { time_limit: Some(5) }).unwrap();
    assert!(limited.rows().end.iter().all(|end| *end != mbrl_buffer::End::Terminated));
    assert!(limited.notes()[0].contains("cut after 5 steps"), "{:?}", limited.notes());
}

#[test]
#[cfg(feature = "hdf5")]
fn what_cannot_be_learnt_from_is_refused_by_file_key_and_row() {
    for (name, says) in [
        ("nan", "observations: row 4, column 1 is NaN"),
        ("infinite", "rewards: row 9, column 0 is inf"),
        ("overflow", "rewards: row 9, column 0 is -1e300, which overflows single precision"),
        ("ragged", "actions: there are 27 rows, and 28 of observations"),
        ("width", "next_observations are 2 numbers wide, and observations 3"),
        ("keyless", "actions: the file has no such key"),
        ("strings", "rewards: it holds string where numbers are expected"),
        ("flags", "terminals: row 6 is 0.5, which is neither 0 nor 1"),
        ("empty", "observations: there is no row in it"),
    ] {
        let error = Recording::open(data(&format!("bad-{name}.hdf5"))).unwrap_err().to_string();
        assert!(error.contains(&format!("bad-{name}.hdf5: {says}")), "{error}");
    }
    let error = refused_copy("d4rl-v2.hdf5", "short.hdf5", |bytes| bytes.truncate(bytes.len() / 2));
    assert!(error.is_corrupt() && error.to_string().contains("copy it again"), "{error}");
}

#[test]
#[cfg(feature = "hdf5")]
fn episodes_that_are_one_under_many_names_are_refused() {
    let error = Recording::open(data("minari-links")).unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("so that some are one array"), "{error}");
}

#[test]
#[cfg(feature = "npz")]
fn arrays_that_are_no_numbers_are_refused() {
    for (name, says) in [
        ("bad-object.npz", "rewards: it holds `|O` where numbers are expected"),
        ("bad-endian.npz", "rewards: its numbers are big-endian, `>f4`"),
    ] {
        let error = Recording::open(data(name)).unwrap_err().to_string();
        assert!(error.contains(&format!("{name}: {says}")), "{error}");
    }
    let error = refused_copy("plain.npz", "short.npz", |bytes| bytes.truncate(bytes.len() / 2));
    assert!(error.is_corrupt(), "{error}");
    let error = refused_copy("plain.npz", "flipped.npz", |bytes| bytes[400] ^= 1);
    assert!(error.is_corrupt(), "{error}");
}

/// What is said of a changed copy of a file.
fn refused_copy(name: &str, to: &str, change: impl FnOnce(&mut Vec<u8>)) -> Error {
    let folder = std::env::temp_dir().join(format!("mbrl-datasets-{}-{to}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut bytes = std::fs::read(data(name)).unwrap();
    change(&mut bytes);
    std::fs::write(folder.join(to), bytes).unwrap();
    let error = Recording::open(folder.join(to)).unwrap_err();
    std::fs::remove_dir_all(folder).unwrap();
    error
}

#[test]
fn what_is_no_dataset_is_refused() {
    let folder = std::env::temp_dir().join(format!("mbrl-no-dataset-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let error = Recording::open(&folder).unwrap_err().to_string();
    assert!(error.contains("no dataset of Minari"), "{error}");
    let error = refused_copy("expected.json", "text", |_| {});
    assert!(error.is_unsupported() && error.to_string().contains("no format of datasets"), "{error}");
    let error = refused_copy("expected.json", "empty", Vec::clear);
    assert!(error.to_string().contains("the file is empty"), "{error}");
    assert!(Recording::open(folder.join("absent")).unwrap_err().is_io());
    std::fs::remove_dir_all(folder).unwrap();
}
