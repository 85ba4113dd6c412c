//! Where numbers about a run go, and where its time went.

/// Receives named numbers and spans of work.
///
/// Spans nest. The recorder owns the clock: what is recorded never depends on it.
///
/// ```
/// use mbrl_core::{NullRecorder, Recorder};
///
/// let recorder: &mut dyn Recorder = &mut NullRecorder;
/// let loss = recorder.span("model/train", |recorder| {
///     recorder.scalar("model/holdout_mse", 0.25);
///     0.5
/// });
/// assert_eq!(loss, 0.5);
/// ```
pub trait Recorder: Send {
    /// Says that what follows belongs to this many steps in the real environment.
    fn at(&mut self, env_steps: u64);

    /// Records a number under a name such as `eval/return`.
    fn scalar(&mut self, name: &str, value: f64);

    /// Work of this name begins.
    fn enter(&mut self, span: &'static str);

    /// The work that began last is done.
    fn leave(&mut self);
}

impl dyn Recorder + '_ {
    /// Does `work` within a span.
    pub fn span<T>(&mut self, name: &'static str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.enter(name);
        let done = work(self);
        self.leave();
        done
    }
}

/// Forgets everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullRecorder;

impl Recorder for NullRecorder {
    fn at(&mut self, _: u64) {}
    fn scalar(&mut self, _: &str, _: f64) {}
    fn enter(&mut self, _: &'static str) {}
    fn leave(&mut self) {}
}
