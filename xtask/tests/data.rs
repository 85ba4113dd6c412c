//! `data` as it is called, on files that h5py, minari, pyarrow and numpy wrote.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};
use std::path::Path;

/// A folder with the fixtures of the buffer beside whatever the test makes.
fn here(name: &str) -> Folder {
    let here = Folder::new(name);
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/mbrl-buffer/tests/data");
    std::fs::create_dir(here.path().join("data")).unwrap();
    for entry in std::fs::read_dir(data).unwrap() {
        copy(&entry.unwrap().path(), &here.path().join("data"));
    }
    here
}

fn copy(from: &Path, into: &Path) {
    let to = into.join(from.file_name().unwrap());
    if from.is_dir() {
        std::fs::create_dir(&to).unwrap();
        std::fs::read_dir(from).unwrap().for_each(|entry| copy(&entry.unwrap().path(), &to));
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// The one line that is said of a call which cannot be done.
fn refused(here: &Folder, args: &str) -> String {
    let output = here.call(args).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{args}: {said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{args}: {said}");
    assert!(output.stdout.is_empty(), "{args}");
    said
}

#[test]
fn a_sound_dataset_is_described() {
    let here = here("data-sound");
    let json = here.json("data check data/minari-arrow --json");
    assert_eq!(json["format"], "minari-arrow");
    assert_eq!((&json["rows"], &json["episodes"]), (&28.into(), &5.into()));
    assert_eq!((&json["terminated"], &json["truncated"]), (&3.into(), &2.into()));
    assert_eq!(json["about"]["env"], "Pendulum-v1");
    assert_eq!(
        (&json["lengths"]["min"], &json["lengths"]["median"], &json["lengths"]["max"]),
        (&1.0.into(), &6.0.into(), &9.0.into())
    );
    let score = |i: &str| {
        (json["returns"][i].as_f64().unwrap() + 1.5) / 9.75 * 100.0 - json["scores"][i].as_f64().unwrap()
    };
    assert!(["min", "mean", "median", "max"].into_iter().all(|i| score(i).abs() < 1e-9));
    assert_eq!(
        (json["observations"].as_array().unwrap().len(), json["actions"].as_array().unwrap().len()),
        (3, 2)
    );
    let used = json["actions"][0]["range_used"].as_f64().unwrap();
    assert!((used - (0.8898036 + 0.97803223) / 2.0).abs() < 1e-6, "{used}");
    assert_eq!(json["found"].as_array().unwrap().len(), 0);
    assert_eq!(json["mended"].as_array().unwrap().len(), 1);
    // The same for a person.
    let said = here.said("data check data/minari-arrow");
    for part in [
        "Minari, Arrow",
        "28 rows, 5 episodes: 3 terminated, 2 truncated",
        "action 1 ",
        "made by: SAC",
        "score ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let choices = here.json("data check data/minari-discrete-hdf5 --json");
    assert_eq!(choices["choices"].as_array().unwrap().len(), 3);
}

#[test]
fn what_looks_wrong_is_found() {
    let here = here("data-found");
    // The same dataset twice over: each episode is a copy of another one.
    let group = here.path().join("data/minari-arrow/data");
    for i in 0..5 {
        copy_as(&group.join(i.to_string()), &group.join((i + 5).to_string()));
    }
    let json = here.json("data check data/minari-arrow --json");
    assert_eq!(json["rows"], 56);
    assert_eq!(json["found"][0], "5 episodes are there more than once");
    assert_eq!(json["distinct"], 0.5);
    let mended = json["mended"].to_string();
    assert!(mended.contains("metadata.json says 5 episodes, and there are 10"), "{mended}");
    // Its spaces fit another environment, which is not its own.
    here.said("data collect random --env pendulum --rows 200 --out p.mbrl");
    let other = here.json("data check p.mbrl --env pendulum-spin --json");
    let says = "the file says that it was recorded in pendulum, and it was held against pendulum-spin";
    assert!(other["found"].as_array().unwrap().iter().any(|found| found == says), "{}", other["found"]);
    let own = here.json("data check p.mbrl --env pendulum --json");
    assert_eq!(own["found"].as_array().unwrap().len(), 0, "{}", own["found"]);
    let cut = here.json("data check data/hopper_v0.hdf5 --time-limit 5 --json");
    assert!(cut["mended"].to_string().contains("cut after 5 steps"));
}

fn copy_as(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn what_cannot_be_learnt_from_is_refused_in_one_line() {
    let here = here("data-refused");
    let data = |name: &str| here.path().join("data").join(name);
    let bytes = std::fs::read(data("d4rl-v2.hdf5")).unwrap();
    std::fs::write(data("short.hdf5"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(data("empty"), b"").unwrap();
    std::fs::write(data("text.txt"), b"not a dataset").unwrap();
    let metadata = data("minari-hdf5/data/metadata.json");
    let text = std::fs::read_to_string(&metadata).unwrap();
    std::fs::write(&metadata, text.replace("\\\"high\\\": [1.0, 1.0]", "\\\"high\\\": [0.1, 0.1]")).unwrap();
    for (args, says) in [
        ("bad-nan.hdf5", "bad-nan.hdf5: observations: row 4, column 1 is NaN"),
        ("bad-infinite.hdf5", "rewards: row 9, column 0 is inf"),
        ("bad-ragged.hdf5", "actions: there are 27 rows, and 28 of observations"),
        ("bad-keyless.hdf5", "actions: the file has no such key"),
        ("bad-strings.hdf5", "rewards: it holds string where numbers are expected"),
        ("bad-empty.hdf5", "observations: there is no row in it"),
        ("bad-width.hdf5", "next_observations are 2 numbers wide"),
        ("bad-object.npz", "rewards: it holds `|O`"),
        ("hopper_v0.hdf5", "such as --time-limit 1000"),
        ("minari-dict", "it is a Dict"),
        ("minari-hdf5", "actions: row "),
        ("minari-parquet", "the feature `parquet`"),
        ("short.hdf5", "short.hdf5: "),
        ("empty", "the file is empty"),
        ("text.txt", "no format of datasets"),
        ("absent.hdf5", "absent.hdf5: "),
        (
            "d4rl-v2.hdf5 --env pendulum",
            "d4rl-v2.hdf5: it does not fit pendulum: observations of 3 numbers and actions of 2",
        ),
        ("d4rl-v2.hdf5 --env pendulm", "did you mean `pendulum`"),
    ] {
        if cfg!(feature = "parquet") && args == "minari-parquet" {
            continue;
        }
        let said = refused(&here, &format!("data check data/{args}"));
        assert!(said.contains(says), "{args}: {said}");
    }
}

#[test]
fn what_is_converted_holds_the_same_and_nothing_is_written_over() {
    let here = here("data-convert");
    let from = here.json("data check data/minari-arrow --json");
    for to in ["a.hdf5", "b.npz", "c.mbrl", "made-v0"] {
        let said = here.said(&format!("data convert data/minari-arrow {to}"));
        assert_eq!(said, format!("{to}: 28 rows of 5 episodes\n"));
        let json = here.json(&format!("data check {to} --json"));
        for key in
            ["rows", "episodes", "terminated", "truncated", "lengths", "returns", "observations", "distinct"]
        {
            assert_eq!(json[key], from[key], "{to}: {key}");
        }
        let again = refused(&here, &format!("data convert data/d4rl-v2.hdf5 {to}"));
        assert!(again.contains("it is there already"), "{again}");
    }
    // What was known is kept where the format can.
    for to in ["c.mbrl", "made-v0"] {
        let about = &here.json(&format!("data check {to} --json"))["about"];
        for key in ["env", "made_by", "obs", "act", "reference"] {
            assert_eq!(about[key], from["about"][key], "{to}: {key}");
        }
    }
    let before = here.entries().len();
    assert!(refused(&here, "data convert data/minari-arrow d.txt").contains("no format that is written"));
    assert!(refused(&here, "data convert data/minari-arrow d").contains("a version at the end"));
    assert!(refused(&here, "data convert data/bad-nan.hdf5 d.npz").contains("NaN"));
    assert_eq!(here.entries().len(), before);
}
