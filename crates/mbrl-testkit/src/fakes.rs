//! Small implementors whose every number can be worked out by hand.

mod clock;
mod corridor;
mod drift;
mod recorder;

pub use clock::ManualClock;
pub use corridor::Corridor;
pub use drift::Drift;
pub use recorder::{MemoryRecorder, Recorded};
