//! The file for TensorBoard holds the numbers of `metrics.jsonl`, whatever befell the run, and TensorBoard reads them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{CrashAfter, Folder, config, marked, metrics};
use mbrl_agents::{Actor, Agent, CheckpointConfig, Line, Manifest, RunConfig, RunDir, Trainer};
use mbrl_core::{End, Env, Error, Key, Recorder, Result, Space, Spec, Step, Transition};
use mbrl_testkit::fakes::ManualClock;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a record says, read without a line of the code that wrote it.
#[derive(Clone, Debug, Default)]
struct Record {
    wall_time: f64,
    step: u64,
    version: Option<String>,
    scalars: Vec<(String, f32)>,
}

/// Bit by bit, as the polynomial is divided by, and masked.
fn masked_crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for bit in bytes.iter().flat_map(|byte| (0..8).map(move |i| u32::from(byte >> i & 1))) {
        let out = (crc ^ bit) & 1;
        crc = (crc >> 1) ^ (out * 0x82F6_3B78);
    }
    let crc = u64::from(!crc);
    ((((crc >> 15) | (crc << 17)) & 0xFFFF_FFFF) + 0xA282_EAD8) as u32
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (head, rest) = bytes.split_at(len);
    *bytes = rest;
    head
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = u64::from(take(bytes, 1)[0]);
        value |= (byte & 0x7F) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// A field of a message: its number, and what it holds.
fn field<'a>(message: &mut &'a [u8]) -> Option<(u64, &'a [u8], u64)> {
    if message.is_empty() {
        return None;
    }
    let key = varint(message);
    let (bytes, number): (&[u8], u64) = match key & 7 {
        0 => (&[], varint(message)),
        1 => (take(message, 8), 0),
        2 => {
            let len = varint(message) as usize;
            (take(message, len), 0)
        }
        5 => (take(message, 4), 0),
        other => panic!("wire type {other}"),
    };
    Some((key >> 3, bytes, number))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn parse(mut event: &[u8]) -> Record {
    let mut record = Record::default();
    while let Some((number, bytes, int)) = field(&mut event) {
        match number {
            1 => record.wall_time = f64::from_le_bytes(bytes.try_into().unwrap()),
            2 => record.step = int,
            3 => record.version = Some(text(bytes)),
            5 => {
                let mut summary = bytes;
                while let Some((1, mut value, _)) = field(&mut summary) {
                    let (Some((1, tag, _)), Some((2, number, _)), None) =
                        (field(&mut value), field(&mut value), field(&mut value))
                    else {
                        panic!("a value is not a tag and a number");
                    };
                    record.scalars.push((text(tag), f32::from_le_bytes(number.try_into().unwrap())));
                }
            }
            other => panic!("field {other}"),
        }
    }
    record
}

/// The one file of a run.
fn file(run: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(run.join("tb")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// The records of a file, each with both of its checksums.
fn records(path: &Path) -> Vec<Record> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let len = take(&mut rest, 8);
        let crc = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        assert_eq!(crc(take(&mut rest, 4)), masked_crc32c(len));
        let data = take(&mut rest, u64::from_le_bytes(len.try_into().unwrap()) as usize);
        assert_eq!(crc(take(&mut rest, 4)), masked_crc32c(data));
        records.push(parse(data));
    }
    records
}

/// The numbers of a line, as they should stand in a file: names, and the bits of what is not NaN.
fn bits(scalars: impl Iterator<Item = (String, f32)>) -> Vec<(String, Option<u32>)> {
    scalars.map(|(name, value)| (name, (!value.is_nan()).then(|| value.to_bits()))).collect()
}

/// Every line of `metrics.jsonl` is there once, with all of its numbers, in order, and nothing else.
fn check(run: &Path) {
    let records = records(&file(run));
    let (first, events) = records.split_first().unwrap();
    assert_eq!(first.version.as_deref(), Some("brain.Event:2"));
    let named: u64 =
        file(run).file_name().unwrap().to_str().unwrap().split('.').nth(3).unwrap().parse().unwrap();
    assert_eq!(first.wall_time.to_bits(), (named as f64).to_bits());
    let run = RunDir::open(run).unwrap();
    let (lines, times) = (run.metrics().unwrap(), run.timing().unwrap());
    assert!(lines.len() > 3 && lines.len() == events.len() && lines.len() == times.len());
    for ((line, event), time) in lines.iter().zip(events).zip(times) {
        let number = |value: &Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        let expected = line.scalars.iter().map(|(name, value)| (name.clone(), number(value)));
        assert_eq!((event.step, &event.version), (line.env_steps, &None));
        assert_eq!(bits(event.scalars.iter().cloned()), bits(expected), "at {}", line.env_steps);
        assert_eq!(
            event.wall_time.to_bits(),
            (named as f64 + time.wall_s).to_bits(),
            "at {}",
            line.env_steps
        );
    }
}

#[test]
fn killed_at_any_instant_it_ends_with_every_number_once() {
    let folder = Folder::new("tb-killed");
    let whole = folder.at("whole");
    marked(&config(), &whole).run().unwrap();
    check(&whole);
    // It says when it began, by the clock that dates files.
    let made = std::fs::metadata(whole.join("config.json")).unwrap().modified().unwrap();
    let made = made.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let began = records(&file(&whole))[0].wall_time;
    assert!((began - made).abs() < 60.0, "{began} and {made}");
    // What a process that is killed may leave at the end of the file, and whoever looks
    // into it: nothing, half a record, records cut off, records again, no file.
    let spoil: [fn(&Path); 6] = [
        |_| (),
        |file| append(file, &std::fs::read(file).unwrap()[..30]),
        |file| shorten(file, 9),
        |file| append(file, &std::fs::read(file).unwrap()),
        |file| shorten(file, u64::MAX),
        |file| std::fs::remove_file(file).unwrap(),
    ];
    for (i, spoil) in spoil.into_iter().enumerate() {
        let run = folder.at(&format!("run-{i}"));
        // Before there is a checkpoint, between two, right at one, and just before the end.
        for kill in [19, 35, 77, 100, 129] {
            marked(&config(), &run).watch(CrashAfter(kill)).run().unwrap_err();
            spoil(&file(&run));
        }
        let mut last = marked(&config(), &run);
        last.run().unwrap();
        check(&run);
        assert!(metrics(&run) == metrics(&whole), "{i}");
        // Run again, and gone on with for longer, it goes on in the same file.
        last.run().unwrap();
        check(&run);
        drop(last);
        marked(&RunConfig { steps: 180, ..config() }, &run).run().unwrap();
        check(&run);
        assert!(RunDir::open(&run).unwrap().metrics().unwrap().last().unwrap().env_steps == 180);
    }
}

fn append(path: &Path, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn shorten(path: &Path, by: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len().saturating_sub(by)).unwrap();
}

#[test]
fn a_run_that_has_none_yet_is_gone_on_with_and_has_one_then() {
    let folder = Folder::new("tb-none");
    let run = folder.at("run");
    marked(&config(), &run).watch(CrashAfter(77)).run().unwrap_err();
    std::fs::remove_dir_all(run.join("tb")).unwrap();
    marked(&config(), &run).run().unwrap();
    check(&run);
    // It is what is left of a run, and not the beginning of one.
    let left = folder.at("left");
    std::fs::create_dir_all(left.join("tb")).unwrap();
    let error = RunDir::create(&left, &config(), &Manifest::new(0)).unwrap_err();
    assert!(error.to_string().contains("left of a run without config.json"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_as_it_is_of_the_other_files() {
    let folder = Folder::new("tb-full");
    let run = folder.at("run");
    RunDir::create(&run, &config(), &Manifest::new(0)).unwrap();
    std::fs::create_dir(run.join("tb")).unwrap();
    let path = run.join("tb/events.out.tfevents.0000000009.mbrl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let error = marked(&config(), &run).run().unwrap_err();
    assert!(error.is_io() && error.to_string().starts_with("writing "), "{error}");
    assert!(
        error.to_string().contains("events.out.tfevents") && !error.to_string().contains('\n'),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    marked(&config(), &run).run().unwrap();
    check(&run);
}

/// Records what it is told to, and lets half a second pass at every step.
struct Script(Arc<ManualClock>, Vec<(u64, &'static str, f64)>);

impl Agent for Script {
    fn act(&mut self, _: &[f32], _: Key, act: &mut [f32], _: &mut dyn Recorder) -> Result<()> {
        act.fill(0.0);
        Ok(())
    }

    fn observe(&mut self, _: Transition<'_>) -> Result<()> {
        Ok(())
    }

    fn learn(&mut self, env_steps: u64, _: Key, recorder: &mut dyn Recorder) -> Result<()> {
        self.0.advance(Duration::from_millis(500));
        let due = self.1.iter().filter(|(step, ..)| *step == env_steps);
        due.for_each(|(_, name, value)| recorder.scalar(name, *value));
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        Err(Error::unsupported("nothing to evaluate"))
    }

    fn save(&self, _: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    fn load(&mut self, _: &mut dyn Read) -> Result<()> {
        Ok(())
    }
}

/// A world of 6000 steps an episode, and a quarter of a reward each.
struct Count(Spec, u32);

impl Env for Count {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn reset(&mut self, _: Key, obs: &mut [f32]) -> Result<()> {
        self.1 = 0;
        obs.fill(0.0);
        Ok(())
    }

    fn step(&mut self, _: &[f32], _: Key, obs: &mut [f32]) -> Result<Step> {
        self.1 += 1;
        obs.fill(0.0);
        Ok(Step { reward: 0.25, end: if self.1 == 6000 { End::Terminated } else { End::Running } })
    }
}

/// A run whose file, as TensorBoard reads it, is committed: the same everywhere, since there is nothing to round in it.
fn write_reference(folder: &Path) -> Vec<Line> {
    const LONG: &str = "model/a name of more than a hundred and twenty-seven bytes, so that its length takes two of \
                        them, as do those of the value and of the summary";
    let script = vec![
        (1, "loss", 1.0 / 3.0),
        (1, "small", 1e-40),
        (127, "loss", -0.0),
        (127, "small", 1e-300),
        (128, "loss", f64::NAN),
        (128, "größe/σ²", 16_777_217.0),
        (16_383, "loss", 0.1),
        (16_384, "loss", -1e300),
        (16_384, LONG, f64::from(f32::MAX)),
        (20_000, "loss", 1e-3),
    ];
    let clock = Arc::new(ManualClock::default());
    let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
    let config = RunConfig { steps: 20_000, checkpoint: CheckpointConfig { every: 15_000 }, ..config() };
    let run = RunDir::create(folder, &config, &Manifest::new(0)).unwrap();
    // The name says when a run began.
    std::fs::create_dir(folder.join("tb")).unwrap();
    std::fs::write(folder.join("tb").join(NAME), "").unwrap();
    let agent = Box::new(Script(clock.clone(), script));
    let trainer = Trainer::new(config.training(), Box::new(Count(spec, 0)), agent).unwrap();
    trainer.keep_in(run.clone(), clock).run().unwrap();
    run.metrics().unwrap()
}

const NAME: &str = "events.out.tfevents.1700000000.mbrl";

/// By tag: what TensorBoard read at which step and time.
type ReadBack = &'static [(&'static str, &'static [(u64, f64, f32)])];

#[test]
fn tensorboard_reads_what_is_written() {
    const READ: ReadBack = include!("../reference/tensorboard.in");
    let folder = Folder::new("tb-reference");
    let run = folder.at("run");
    let lines = write_reference(&run);
    check(&run);
    let (written, committed) =
        (file(&run), Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(NAME));
    if std::fs::read(&written).unwrap() != std::fs::read(&committed).unwrap_or_default() {
        let aside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(NAME);
        std::fs::copy(&written, &aside).unwrap();
        panic!(
            "{} is not what is written today, which is {}: if it should be, copy it there and run \
             reference/tensorboard.py",
            committed.display(),
            aside.display()
        );
    }
    let mut events = 0;
    for (tag, read) in READ {
        let with_tag = |line: &Line| Some((line.env_steps, *line.scalars.get(*tag)?));
        let recorded: Vec<(u64, Option<f64>)> = lines.iter().filter_map(with_tag).collect();
        assert_eq!(recorded.len(), read.len(), "{tag}");
        for ((step, value), (read_step, read_time, read_value)) in recorded.into_iter().zip(*read) {
            assert_eq!(step, *read_step, "{tag}");
            assert_eq!(value.is_none(), read_value.is_nan(), "{tag} at {step}");
            let expected = value.map_or(read_value.to_bits(), |value| (value as f32).to_bits());
            assert_eq!(read_value.to_bits(), expected, "{tag} at {step}");
            // A line is complete when the step after it is about to be done; all times are halves.
            let time = 1_700_000_000.0 + 0.5 * step as f64;
            assert!((read_time - time).abs() < 1e-9, "{tag} at {step}: {read_time}");
            events += 1;
        }
    }
    assert_eq!(events, lines.iter().map(|line| line.scalars.len()).sum::<usize>());
    assert!(events >= 19);
}
