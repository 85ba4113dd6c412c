//! Lines stand in the files whole and once, or not at all.

use super::{Journal, Lengths, Lines};
use crate::{JsonlRecorder, Manifest, RunConfig, RunDir};
use mbrl_core::Recorder;
use mbrl_testkit::fakes::ManualClock;
use std::path::PathBuf;
use std::sync::Arc;

/// A folder of a test's own, removed when it is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::path::PathBuf::from(env!("OUT_DIR"))
            .join(format!("mbrl-journal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Folder(folder)
    }

    fn run(&self) -> RunDir {
        RunDir::create(&self.0, &RunConfig::default(), &Manifest::new(0)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn one_line() -> JsonlRecorder {
    let mut recorder = JsonlRecorder::new(Arc::new(ManualClock::default()));
    recorder.at(3);
    recorder.scalar("a", 1.0);
    recorder.end_line();
    recorder
}

#[cfg(target_os = "linux")]
#[test]
fn lines_that_not_all_files_have_room_for_are_in_none() {
    let folder = Folder::new("room");
    let run = folder.run();
    let mut journal = Journal::open(&run).unwrap();
    let mut recorder = one_line();
    let lines = recorder.metrics().to_vec();
    let full = || Lines::open("/dev/full".into()).unwrap();
    let check = |journal: &mut Journal, recorder: &mut JsonlRecorder| {
        let error = journal.append(recorder).unwrap_err();
        assert!(error.is_io() && error.to_string().contains("/dev/full"), "{error}");
        assert_eq!(std::fs::read(run.metrics_path()).unwrap(), b"");
        assert_eq!(std::fs::read(run.timing_path()).unwrap(), b"");
        assert_eq!(journal.lengths(), Lengths::default());
    };
    let room = std::mem::replace(&mut journal.timing, full());
    check(&mut journal, &mut recorder);
    journal.timing = room;
    let room = std::mem::replace(journal.events.lines(), full());
    check(&mut journal, &mut recorder);
    *journal.events.lines() = room;
    // When there is room again, each is written once.
    journal.append(&mut recorder).unwrap();
    assert_eq!(std::fs::read(run.metrics_path()).unwrap(), lines);
    assert_eq!((run.metrics().unwrap().len(), run.timing().unwrap().len()), (1, 1));
}

#[test]
fn times_go_on_after_the_last_line_that_is_whole() {
    let folder = Folder::new("whole");
    let run = folder.run();
    let line = r#"{"env_steps":1,"wall_s":0.5,"steps_per_s":null,"spans":{}}"#.to_owned() + "\n";
    let long = "x".repeat(9000);
    for (there, kept, whole) in [
        (line.clone(), line.len(), line.len()),
        (line.clone(), 1_000_000, line.len()),
        (line.clone(), line.len() - 1, 0),
        (format!("{line}{{\"env_steps\":2,"), line.len() + 9, line.len()),
        (format!("{line}{long}"), line.len() + 9000, line.len()),
        (format!("{long}\n{line}"), 9000, 0),
        (String::new(), 7, 0),
    ] {
        std::fs::write(run.timing_path(), &there).unwrap();
        let mut journal = Journal::open(&run).unwrap();
        let lengths = Lengths { metrics: 0, timing: kept as u64 };
        journal.rewind(lengths).unwrap();
        assert_eq!(journal.lengths().timing, whole as u64, "{there:.80}, {kept}");
        journal.append(&mut one_line()).unwrap();
        let lines = run.timing().unwrap();
        assert_eq!(lines.last().unwrap().env_steps, 3, "{there:.80}, {kept}");
        assert!(std::fs::read_to_string(run.timing_path()).unwrap().starts_with(&there[..whole]));
        std::fs::remove_file(run.metrics_path()).unwrap();
    }
}

#[test]
fn a_bad_line_of_times_is_skipped_and_one_of_metrics_is_not() {
    let folder = Folder::new("bad");
    let run = folder.run();
    let line = r#"{"env_steps":1,"wall_s":0.5,"steps_per_s":null,"spans":{}}"#;
    let text =
        [line.as_bytes(), b"\n{\"env_st", line.as_bytes(), b"\n\xff\0\n\n", line.as_bytes(), b"\n{"].concat();
    std::fs::write(run.timing_path(), text).unwrap();
    assert_eq!(run.timing().unwrap().len(), 2);
    std::fs::write(run.metrics_path(), "{\"env_steps\":1,\"a\":2.0}\n{\"env_st\n{\"env_steps\":3}\n")
        .unwrap();
    let error = run.metrics().unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("metrics.jsonl: line 2"), "{error}");
}
