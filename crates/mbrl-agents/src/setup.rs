//! What an algorithm is given.

use mbrl_core::{Dataset, Physics, Spec, Task};
use std::fmt;
use std::sync::Arc;

/// All that an algorithm is told of the world that it is to act in. It never sees the environment itself.
#[derive(Clone)]
pub struct Setup {
    /// What is known before the first step.
    pub spec: Spec,
    /// The reward and termination that are known.
    pub task: Task,
    /// The exact dynamics, for planners that are to be given them.
    pub oracle: Option<Arc<dyn Physics>>,
    /// Transitions collected before, for algorithms that learn from these.
    pub data: Option<Arc<dyn Dataset + Send + Sync>>,
}

impl Setup {
    /// A world of which the spec alone is known.
    pub fn new(spec: Spec) -> Self {
        Setup { spec, task: Task::unknown(), oracle: None, data: None }
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("spec", &self.spec)
            .field("task", &self.task)
            .field("oracle", &self.oracle.is_some())
            .field("data", &self.data.as_ref().map(|data| data.len()))
            .finish()
    }
}
