//! The fakes do what they say.

use mbrl_core::{Clock, Recorder};
use mbrl_testkit::fakes::{ManualClock, MemoryRecorder, Recorded};
use std::time::Duration;

#[test]
fn a_manual_clock_moves_when_it_is_moved() {
    let clock = ManualClock::default();
    assert_eq!(clock.now(), Duration::ZERO);
    clock.advance(Duration::from_millis(3));
    assert_eq!(clock.now(), Duration::from_millis(3));
}

#[test]
fn a_memory_recorder_remembers_numbers_and_nested_spans() {
    let mut memory = MemoryRecorder::default();
    let recorder: &mut dyn Recorder = &mut memory;
    recorder.at(10);
    recorder.span("learn", |recorder| {
        recorder.span("model", |recorder| recorder.scalar("model/loss", 0.5));
        recorder.at(20);
        recorder.scalar("model/loss", 0.25);
    });
    assert_eq!(memory.values("model/loss"), [0.5, 0.25]);
    assert!(memory.is_balanced());
    assert_eq!(memory.recorded[1], Recorded::Enter(vec!["learn", "model"]));
    assert_eq!(memory.recorded[2], Recorded::Scalar { env_steps: 10, name: "model/loss".into(), value: 0.5 });
    assert_eq!(memory.recorded.last(), Some(&Recorded::Leave("learn")));
}
