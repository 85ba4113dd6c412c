//! What tests of whole runs, in `tests/tensorboard.rs`, do not reach.

use super::record::{crc32c, put};
use super::{Events, event};
use crate::store::Lengths;
use crate::{Manifest, RunConfig, RunDir};
use std::fs::File;

#[test]
fn the_checksum_is_castagnolis() {
    // RFC 3720, B.4.
    assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
    assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
    assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46DD_794E);
    assert_eq!(crc32c(b"123456789"), 0xE306_9283);
}

#[test]
fn a_line_without_a_time_has_that_of_the_line_before() {
    let folder = std::path::PathBuf::from(env!("OUT_DIR")).join(format!("mbrl-tb-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let run = RunDir::create(&folder, &RunConfig::default(), &Manifest::new(0)).unwrap();
    let time = |env_steps, wall_s| {
        format!("{{\"env_steps\":{env_steps},\"wall_s\":{wall_s},\"steps_per_s\":null,\"spans\":{{}}}}\n")
    };
    let metrics: String =
        [2, 4, 6, 8, 10].map(|step| format!("{{\"env_steps\":{step},\"a\":0.5}}\n")).concat();
    let timing = [time(1, 0.5), time(4, 1.0), "nonsense\n".to_owned(), time(7, 2.0), time(8, 2.5)].concat();
    let (metrics, more) = (format!("{metrics}nonsense\n"), "{\"env_steps\":12,\"a\":0.5}\n");
    // What was recorded later is not taken in.
    std::fs::write(run.metrics_path(), format!("{metrics}{more}")).unwrap();
    std::fs::write(run.timing_path(), &timing).unwrap();
    let lengths = Lengths { metrics: metrics.len() as u64, timing: timing.len() as u64 };
    std::fs::create_dir(run.events_folder()).unwrap();
    let path = run.events_folder().join("events.out.tfevents.0000000100.mbrl");
    // Whatever is there is made anew.
    std::fs::write(&path, vec![7; 10_000]).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    let mut events = Events::open(&run, &lock).unwrap();
    assert_eq!(events.len(), 10_000);
    events.rebuild(&run, lengths).unwrap();
    let mut expected = Vec::new();
    put(&mut expected, &event::version(100.0));
    for (wall_time, step) in [(100.0, 2), (101.0, 4), (101.0, 6), (102.5, 8), (102.5, 10)] {
        put(&mut expected, &event::scalars(wall_time, step, [("a", 0.5)].into_iter()));
    }
    assert!(std::fs::read(&path).unwrap() == expected);
    assert_eq!(events.len(), expected.len() as u64);
    // Appended in one go or in two, it is the same.
    events.rebuild(&run, lengths).unwrap();
    events.append(&mut more.as_bytes(), &mut time(12, 9.0).as_bytes()).unwrap();
    put(&mut expected, &event::scalars(109.0, 12, [("a", 0.5)].into_iter()));
    assert!(std::fs::read(&path).unwrap() == expected);
    std::fs::remove_dir_all(&folder).unwrap();
}
