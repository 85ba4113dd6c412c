//! Numbers about a run as lines of JSON.

mod fan;
mod spans;

use mbrl_core::{Clock, Recorder};
use serde::ser::{Serialize, SerializeMap, Serializer};
use spans::Spans;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use fan::Fan;

/// Turns what is recorded into the lines of `metrics.jsonl` and `timing.jsonl`, in memory: whoever holds it takes them to
/// where they belong, so that recording itself cannot fail.
///
/// A line of metrics holds `env_steps` and then all numbers recorded at this many steps, in the order of their names; of a
/// name that is recorded twice the last number counts. Numbers are written in the shortest form that reads back to the same
/// bits, and what is not finite as null, which is all that JSON has for it. There is no clock in it.
///
/// To each line of metrics belongs one of timing, with the seconds spent in spans since the line before: `a > b` is the
/// span `b` within `a`, and is contained in the seconds of `a`.
pub struct JsonlRecorder {
    env_steps: u64,
    pending: BTreeMap<String, f64>,
    metrics: Vec<u8>,
    timing: Vec<u8>,
    clock: Arc<dyn Clock>,
    began: Duration,
    // Time of earlier sittings of the same run.
    before: Duration,
    last: (u64, Duration),
    spans: Spans,
}

/// What a recorder holds at a checkpoint, beside the lines that are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pending {
    pub(crate) env_steps: u64,
    pub(crate) scalars: Vec<(String, f64)>,
    pub(crate) wall: Duration,
}

impl JsonlRecorder {
    /// A recorder of a run that begins now.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        JsonlRecorder {
            env_steps: 0,
            pending: BTreeMap::new(),
            metrics: Vec::new(),
            timing: Vec::new(),
            began: clock.now(),
            clock,
            before: Duration::ZERO,
            last: (0, Duration::ZERO),
            spans: Spans::default(),
        }
    }

    /// The lines of metrics that are complete.
    pub fn metrics(&self) -> &[u8] {
        &self.metrics
    }

    /// The lines of timing that are complete.
    pub fn timing(&self) -> &[u8] {
        &self.timing
    }

    /// Forgets the complete lines, which have been taken elsewhere.
    pub fn clear(&mut self) {
        self.metrics.clear();
        self.timing.clear();
    }

    /// Completes the line of the current step, if there is anything in it.
    pub fn end_line(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        write_line(&mut self.metrics, &MetricsLine { env_steps: self.env_steps, scalars: &self.pending });
        self.pending.clear();
        let (steps, wall) = (self.env_steps, self.wall());
        let (last_steps, last_wall) = std::mem::replace(&mut self.last, (steps, wall));
        let (steps, seconds) =
            (steps.saturating_sub(last_steps), (wall.saturating_sub(last_wall)).as_secs_f64());
        let steps_per_s = (seconds > 0.0).then(|| (steps as f64 / seconds * 10.0).round() / 10.0);
        let spans = self.spans.take(self.clock.now());
        let env_steps = self.env_steps;
        write_line(&mut self.timing, &TimingLine { env_steps, wall_s: rounded(wall), steps_per_s, spans });
    }

    pub(crate) fn pending(&self) -> Pending {
        Pending {
            env_steps: self.env_steps,
            scalars: self.pending.iter().map(|(name, value)| (name.clone(), *value)).collect(),
            wall: self.wall(),
        }
    }

    /// Goes on where another recorder was, or this one; lines that are complete are of what came after, and are forgotten.
    pub(crate) fn resume(&mut self, from: Pending) {
        self.clear();
        self.env_steps = from.env_steps;
        self.pending = from.scalars.into_iter().collect();
        (self.before, self.began) = (from.wall, self.clock.now());
        self.last = (from.env_steps, from.wall);
    }

    /// Time spent on the run, in earlier sittings too.
    fn wall(&self) -> Duration {
        self.before + self.clock.now().saturating_sub(self.began)
    }
}

impl Recorder for JsonlRecorder {
    fn at(&mut self, env_steps: u64) {
        if env_steps != self.env_steps {
            self.end_line();
            self.env_steps = env_steps;
        }
    }

    fn scalar(&mut self, name: &str, value: f64) {
        match self.pending.get_mut(name) {
            Some(pending) => *pending = value,
            None => {
                self.pending.insert(name.to_owned(), value);
            }
        }
    }

    fn enter(&mut self, span: &'static str) {
        self.spans.enter(span, self.clock.now());
    }

    fn leave(&mut self) {
        self.spans.leave(self.clock.now());
    }
}

impl fmt::Debug for JsonlRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonlRecorder")
            .field("env_steps", &self.env_steps)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

struct MetricsLine<'a> {
    env_steps: u64,
    scalars: &'a BTreeMap<String, f64>,
}

impl Serialize for MetricsLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.scalars.len()))?;
        map.serialize_entry("env_steps", &self.env_steps)?;
        for (name, value) in self.scalars {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct TimingLine {
    env_steps: u64,
    wall_s: f64,
    steps_per_s: Option<f64>,
    spans: BTreeMap<String, f64>,
}

/// Seconds, to the microsecond.
fn rounded(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

fn write_line(out: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *out, line).expect("numbers under names can be written to memory");
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbrl_testkit::fakes::ManualClock;

    #[test]
    fn a_line_a_step_sorted_by_name_and_exact() {
        let mut recorder = JsonlRecorder::new(Arc::new(ManualClock::default()));
        recorder.at(0);
        recorder.scalar("eval/return", 0.1 + 0.2);
        recorder.at(7);
        recorder.at(9);
        recorder.scalar("b", f64::NAN);
        recorder.scalar("a", 1.0);
        recorder.scalar("b", -0.0);
        recorder.scalar("c", f64::INFINITY);
        recorder.at(9);
        recorder.scalar("a\"", 1e-300);
        let whole = "{\"env_steps\":0,\"eval/return\":0.30000000000000004}\n";
        assert_eq!(std::str::from_utf8(recorder.metrics()).unwrap(), whole);
        recorder.end_line();
        recorder.end_line();
        let more = "{\"env_steps\":9,\"a\":1.0,\"a\\\"\":1e-300,\"b\":-0.0,\"c\":null}\n";
        assert_eq!(std::str::from_utf8(recorder.metrics()).unwrap(), format!("{whole}{more}"));
    }

    #[test]
    fn time_is_told_by_span_since_the_last_line() {
        let clock = Arc::new(ManualClock::default());
        let mut recorder = JsonlRecorder::new(clock.clone());
        let spend = |seconds| clock.advance(Duration::from_secs(seconds));
        recorder.at(10);
        recorder.enter("learn");
        recorder.enter("model/train");
        spend(3);
        recorder.leave();
        spend(1);
        recorder.leave();
        spend(1);
        recorder.scalar("loss", 1.0);
        recorder.enter("eval");
        spend(5);
        recorder.at(20);
        spend(2);
        recorder.leave();
        recorder.scalar("loss", 1.0);
        recorder.at(21);
        let lines: Vec<serde_json::Value> = serde_json::Deserializer::from_slice(recorder.timing())
            .into_iter()
            .collect::<Result<_, _>>()
            .unwrap();
        let first = serde_json::json!({ "env_steps": 10, "wall_s": 10.0, "steps_per_s": 1.0,
            "spans": { "learn": 4.0, "learn > model/train": 3.0, "eval": 5.0 } });
        // A span that is open when a line ends is shared between the lines.
        let second = serde_json::json!({ "env_steps": 20, "wall_s": 12.0, "steps_per_s": 5.0, "spans": { "eval": 2.0 } });
        assert_eq!(lines, [first, second]);
    }

    #[test]
    fn what_is_pending_goes_on_elsewhere() {
        let clock = Arc::new(ManualClock::default());
        let mut first = JsonlRecorder::new(clock.clone());
        first.at(3);
        first.scalar("a", 1.0);
        clock.advance(Duration::from_secs(4));
        let mut second = JsonlRecorder::new(Arc::new(ManualClock::default()));
        second.resume(first.pending());
        for recorder in [&mut first, &mut second] {
            recorder.at(3);
            recorder.scalar("b", 2.0);
            recorder.end_line();
        }
        assert_eq!(first.metrics(), second.metrics());
        assert_eq!(second.wall(), Duration::from_secs(4));
    }
}
