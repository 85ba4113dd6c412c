//! Several recorders as one.

use super::JsonlRecorder;
use mbrl_core::Recorder;

/// Hands on to the recorder of a run directory, where there is one, and to any others.
#[derive(Default)]
pub(crate) struct Fan {
    pub(crate) jsonl: Option<JsonlRecorder>,
    pub(crate) others: Vec<Box<dyn Recorder>>,
}

impl Fan {
    fn each(&mut self) -> impl Iterator<Item = &mut dyn Recorder> {
        let jsonl = self.jsonl.as_mut().map(|jsonl| jsonl as &mut dyn Recorder);
        jsonl.into_iter().chain(self.others.iter_mut().map(|other| &mut **other as &mut dyn Recorder))
    }
}

impl Recorder for Fan {
    fn at(&mut self, env_steps: u64) {
        self.each().for_each(|recorder| recorder.at(env_steps));
    }

    fn scalar(&mut self, name: &str, value: f64) {
        self.each().for_each(|recorder| recorder.scalar(name, value));
    }

    fn enter(&mut self, span: &'static str) {
        self.each().for_each(|recorder| recorder.enter(span));
    }

    fn leave(&mut self) {
        self.each().for_each(Recorder::leave);
    }
}
