//! Being asked to stop.

use super::progress::Voice;
use crate::Outcome;
use mbrl_agents::StopFlag;
use mbrl_core::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How soon a person hears that the signal has come: a step may take much longer.
const HEARD: Duration = Duration::from_millis(50);

/// Which signal came last.
const INTERRUPTED: usize = 130;
const TERMINATED: usize = 143;

/// The first Ctrl-C asks for the end; whoever presses it again has waited enough. SIGTERM only ever asks, because some that
/// send it send it twice.
pub(super) struct Signals {
    stop: StopFlag,
    last: Arc<AtomicUsize>,
}

impl Signals {
    pub(super) fn listen() -> Result<Self> {
        let (stop, last) = (StopFlag::default(), Arc::new(AtomicUsize::new(INTERRUPTED)));
        let listen = || {
            flag::register_conditional_shutdown(SIGINT, 130, stop.0.clone())?;
            for (signal, number) in [(SIGINT, INTERRUPTED), (SIGTERM, TERMINATED)] {
                flag::register_usize(signal, last.clone(), number)?;
                flag::register(signal, stop.0.clone())?;
            }
            Ok::<(), std::io::Error>(())
        };
        listen().context("listening for Ctrl-C")?;
        Ok(Signals { stop, last })
    }

    /// The callback that interrupts training.
    pub(super) fn stop(&self) -> StopFlag {
        self.stop.clone()
    }

    /// Says what comes of the first signal, at once, for as long as what is returned lives.
    pub(super) fn watch(&self, voice: Voice) -> Sender<()> {
        let (alive, ended) = mpsc::channel();
        let stop = self.stop.0.clone();
        thread::spawn(move || {
            while ended.recv_timeout(HEARD) == Err(RecvTimeoutError::Timeout) {
                if stop.load(Ordering::Relaxed) {
                    voice.say("saving after this step; Ctrl-C again stops at once");
                    return;
                }
            }
        });
        alive
    }

    /// How a command ended that was interrupted. One that SIGTERM has ended leaves from here, with the code that a shell
    /// gives to it, because no other command has such an end.
    pub(super) fn outcome(&self) -> Outcome {
        match self.last.load(Ordering::Relaxed) {
            TERMINATED => std::process::exit(TERMINATED as i32),
            _ => Outcome::Interrupted,
        }
    }
}
