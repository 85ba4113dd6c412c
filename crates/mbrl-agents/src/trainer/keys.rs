//! Where each piece of a run's randomness grows.

use mbrl_core::{Below, Key};

/// The numbered keys of each role. What belongs to a step is numbered by it, counted from 1; what belongs to an episode by
/// how many were over before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    pub(super) reset: Below,
    pub(super) world: Below,
    pub(super) policy: Below,
    pub(super) learn: Below,
    /// The same at every evaluation, so that these differ by what was learnt alone.
    pub(super) eval: Key,
}

impl Keys {
    pub(super) fn new(root: Key) -> Self {
        Keys {
            reset: root.child("reset").below(),
            world: root.child("world").below(),
            policy: root.child("policy").below(),
            learn: root.child("learn").below(),
            eval: root.child("eval"),
        }
    }
}
