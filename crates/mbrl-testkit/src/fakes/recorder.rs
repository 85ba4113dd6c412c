//! A recorder that remembers.

use mbrl_core::Recorder;

/// Remembers everything, in order.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecorder {
    /// What was recorded.
    pub recorded: Vec<Recorded>,
    env_steps: u64,
    open: Vec<&'static str>,
}

/// One thing that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// A number, and the step that it belongs to.
    Scalar {
        /// Steps in the real environment.
        env_steps: u64,
        /// Its name.
        name: String,
        /// The number.
        value: f64,
    },
    /// A span that began, with the spans around it, outermost first.
    Enter(Vec<&'static str>),
    /// A span that was left.
    Leave(&'static str),
}

impl MemoryRecorder {
    /// The numbers recorded under `name`, in order.
    pub fn values(&self, name: &str) -> Vec<f64> {
        let value = |recorded: &Recorded| match recorded {
            Recorded::Scalar { name: called, value, .. } if called == name => Some(*value),
            _ => None,
        };
        self.recorded.iter().filter_map(value).collect()
    }

    /// Whether every span that was entered has been left.
    pub fn is_balanced(&self) -> bool {
        self.open.is_empty()
    }
}

impl Recorder for MemoryRecorder {
    fn at(&mut self, env_steps: u64) {
        self.env_steps = env_steps;
    }

    fn scalar(&mut self, name: &str, value: f64) {
        self.recorded.push(Recorded::Scalar { env_steps: self.env_steps, name: name.to_owned(), value });
    }

    fn enter(&mut self, span: &'static str) {
        self.open.push(span);
        self.recorded.push(Recorded::Enter(self.open.clone()));
    }

    fn leave(&mut self) {
        let span = self.open.pop().expect("a span is left that was not entered");
        self.recorded.push(Recorded::Leave(span));
    }
}
