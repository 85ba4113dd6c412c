//! How far training is: a bar on a terminal, a line now and then elsewhere. All of it on stderr.

use crate::out;
use indicatif::{ProgressBar, ProgressStyle};
use mbrl_agents::{Callback, Event, Flow, Standing};
use mbrl_core::{Clock, Result};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

/// So long nothing is said where there is no terminal, but of evaluations.
const QUIET: Duration = Duration::from_secs(10);
/// Sooner no speed is thought to be a better one than that from the beginning on.
const SETTLED: Duration = Duration::from_secs(1);
/// A bar is moved at most so many times in a run.
const MOVES: u64 = 20_000;

/// How far training is, as a callback.
pub(super) struct Progress {
    clock: Arc<dyn Clock>,
    bar: Option<ProgressBar>,
    every: u64,
    // Where this sitting began.
    from: Mark,
    // The two instants at which its length had doubled last.
    marks: [Mark; 2],
    said: Duration,
    total: Option<f64>,
    evaluated: Option<f64>,
}

/// How far training was at an instant.
#[derive(Clone, Copy, Default)]
struct Mark {
    env_steps: u64,
    at: Duration,
}

impl Progress {
    pub(super) fn new(steps: u64, clock: Arc<dyn Clock>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            // Narrow, so that all of the line is seen on a terminal of 80 columns.
            let style = ProgressStyle::with_template("{bar:8} {pos}/{len}: {msg}");
            ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let now = clock.now();
        let every = (steps / MOVES).max(1);
        let from = Mark { env_steps: 0, at: now };
        Progress { clock, bar, every, from, marks: [from; 2], said: now, total: None, evaluated: None }
    }

    /// To speak by while training goes on, from another thread too.
    pub(super) fn voice(&self) -> Voice {
        Voice(self.bar.clone())
    }

    /// Speed, time left, last return, last evaluation.
    fn describe(&self, at: Standing) -> String {
        let mut said = Vec::new();
        if let Some(speed) = self.speed(at.env_steps) {
            // A slow one is said by the minute: 0 steps/s would say nothing.
            said.push(match speed {
                1.0.. => format!("{speed:.0} steps/s"),
                _ => format!("{:.1} steps/min", 60.0 * speed),
            });
            if at.steps > at.env_steps {
                said.push(format!("{} left", duration((at.steps - at.env_steps) as f64 / speed)));
            }
        }
        said.extend(self.total.map(|total| format!("return {total:.1}")));
        said.extend(self.evaluated.map(|evaluated| format!("eval {evaluated:.1}")));
        said.join(", ")
    }

    /// Steps a second over about the latter half of this sitting: what is done at random at first is quick, and says nothing
    /// about the rest.
    fn speed(&self, env_steps: u64) -> Option<f64> {
        let [since, _] = self.marks;
        let seconds = self.clock.now().saturating_sub(since.at).as_secs_f64();
        let steps = env_steps.saturating_sub(since.env_steps);
        (steps > 0 && seconds > 0.0).then(|| steps as f64 / seconds)
    }

    /// Lays the next mark where this sitting is twice as long as at the last one.
    fn mark(&mut self, env_steps: u64) {
        let [_, last] = self.marks;
        let now = self.clock.now();
        let age = |at: Duration| at.saturating_sub(self.from.at);
        if env_steps > last.env_steps && age(now) >= SETTLED.max(2 * age(last.at)) {
            self.marks = [last, Mark { env_steps, at: now }];
        }
    }

    fn show(&mut self, at: Standing, is_news: bool) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(at.env_steps);
                bar.set_message(self.describe(at));
            }
            None => {
                let now = self.clock.now();
                if is_news || now.saturating_sub(self.said) >= QUIET {
                    self.said = now;
                    let Standing { env_steps, steps, .. } = at;
                    out::progress(format_args!("step {env_steps} of {steps}: {}", self.describe(at)));
                }
            }
        }
    }
}

impl Callback for Progress {
    fn every(&self) -> Option<u64> {
        Some(self.every)
    }

    fn on(&mut self, event: Event<'_>, at: Standing) -> Result<Flow> {
        match event {
            Event::Started => {
                self.from = Mark { env_steps: at.env_steps, at: self.clock.now() };
                self.marks = [self.from; 2];
            }
            Event::EpisodeEnded { total, .. } => self.total = Some(total),
            Event::Evaluated(evaluation) => {
                self.evaluated = Some(evaluation.mean_return());
                self.show(at, true);
            }
            Event::Warned(warning) => self.voice().say(&format!("warning: {warning}")),
            Event::Stepped => {
                self.mark(at.env_steps);
                self.show(at, false);
            }
            Event::Evaluating { .. } => self.show(at, false),
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

/// Says a line above the bar.
pub(super) struct Voice(Option<ProgressBar>);

impl Voice {
    pub(super) fn say(&self, line: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| out::progress(line)),
            None => out::progress(line),
        }
    }
}

/// Leaves the terminal as it was.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Seconds as a person says them.
fn duration(seconds: f64) -> String {
    match seconds.round() as u64 {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::atomic::{AtomicU64, Ordering};

    /// Seconds that a test tells.
    #[derive(Default)]
    struct Told(AtomicU64);

    impl Clock for Told {
        fn now(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn speed_and_time_left_are_those_of_the_latter_half() {
        let clock = Arc::new(Told::default());
        let mut progress = Progress::new(2_000, clock.clone());
        let mut said = Vec::new();
        let at = |env_steps| Standing { env_steps, steps: 2_000, episodes: 0 };
        progress.on(Event::Started, at(0)).unwrap();
        said.push(progress.describe(at(0)));
        // A thousand steps in a second, and then two in a second; all the while something was earned.
        for second in 1..=100 {
            clock.0.store(second, Ordering::Relaxed);
            progress.on(Event::Stepped, at(1_000 + 2 * (second - 1))).unwrap();
            if [1, 4, 100].contains(&second) {
                said.push(progress.describe(at(1_000 + 2 * (second - 1))));
            }
        }
        (progress.total, progress.evaluated) = (Some(-1222.84), Some(-9.0));
        said.push(progress.describe(at(2_000)));
        assert_eq!(
            said,
            [
                "",
                "1000 steps/s, 1 s left",
                "2 steps/s, 8 min 17 s left",
                "2 steps/s, 6 min 41 s left",
                "14 steps/s, return -1222.8, eval -9.0"
            ]
        );
        // A sitting that goes on with a run counts only what it does itself.
        progress.on(Event::Started, at(1_000)).unwrap();
        clock.0.store(400, Ordering::Relaxed);
        progress.on(Event::Stepped, at(1_150)).unwrap();
        (progress.total, progress.evaluated) = (None, None);
        assert_eq!(progress.describe(at(1_150)), "30.0 steps/min, 28 min 20 s left");
    }

    #[test]
    fn durations_are_said_in_two_units() {
        let said = [0.4, 59.4, 61.0, 7_260.0].map(duration);
        assert_eq!(said, ["0 s", "59 s", "1 min 1 s", "2 h 1 min"]);
    }
}
