//! How far training is: a bar on a terminal, a line now and then elsewhere. All of it on stderr.

use crate::out;
use indicatif::{ProgressBar, ProgressStyle};
use mbrl_agents::{Callback, Event, Flow, Standing};
use mbrl_core::{Clock, Result};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

/// So long nothing is said where there is no terminal, but of evaluations.
const QUIET: Duration = Duration::from_secs(10);
/// A bar is moved at most so many times in a run.
const MOVES: u64 = 20_000;

/// How far training is, as a callback.
pub(super) struct Progress {
    clock: Arc<dyn Clock>,
    bar: Option<ProgressBar>,
    every: u64,
    // Where this sitting began.
    from: (u64, Duration),
    said: Duration,
    total: Option<f64>,
    evaluated: Option<f64>,
}

impl Progress {
    pub(super) fn new(steps: u64, clock: Arc<dyn Clock>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} steps {msg}");
            ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let now = clock.now();
        let every = (steps / MOVES).max(1);
        Progress { clock, bar, every, from: (0, now), said: now, total: None, evaluated: None }
    }

    /// To speak by while training goes on, from another thread too.
    pub(super) fn voice(&self) -> Voice {
        Voice(self.bar.clone())
    }

    /// Speed, last return, last evaluation, time left.
    fn describe(&self, at: Standing) -> String {
        let (from, since) = self.from;
        let seconds = self.clock.now().saturating_sub(since).as_secs_f64();
        let speed = (at.env_steps - from.min(at.env_steps)) as f64 / seconds.max(1e-9);
        let mut text = String::new();
        // Writing to a string does not fail.
        if at.env_steps > from {
            let _ = write!(text, "{speed:.0}/s");
        }
        if let Some(total) = self.total {
            let _ = write!(text, ", return {total:.1}");
        }
        if let Some(evaluated) = self.evaluated {
            let _ = write!(text, ", evaluated {evaluated:.1}");
        }
        if at.env_steps > from && at.steps > at.env_steps {
            let left = (at.steps - at.env_steps) as f64 / speed;
            let _ = write!(text, ", {} left", duration(left));
        }
        text.trim_start_matches(", ").to_owned()
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
            Event::Started => self.from = (at.env_steps, self.clock.now()),
            Event::EpisodeEnded { total, .. } => self.total = Some(total),
            Event::Evaluated(evaluation) => {
                self.evaluated = Some(evaluation.mean_return());
                self.show(at, true);
            }
            Event::Warned(warning) => self.voice().say(&format!("warning: {warning}")),
            Event::Stepped | Event::Evaluating { .. } => self.show(at, false),
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

    #[test]
    fn durations_are_said_in_two_units() {
        let said = [0.4, 59.4, 61.0, 7_260.0].map(duration);
        assert_eq!(said, ["0 s", "59 s", "1 min 1 s", "2 h 1 min"]);
    }
}
