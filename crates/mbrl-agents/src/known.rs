//! Which parts of a task are given, and which are to be learnt.

use mbrl_core::{Error, Result, Task};
use serde::{Deserialize, Serialize};

/// Where a part of the task is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The task says it.
    #[default]
    Given,
    /// It is learnt.
    Learnt,
}

/// The parts of `task` that are to be taken from it. Where it does not say one of them, `mend` is what to do about it.
pub(crate) fn given(
    task: &Task,
    reward: Known,
    termination: Known,
    mend: impl Fn(&str) -> String,
) -> Result<Task> {
    let taken = Task {
        reward: task.reward.clone().filter(|_| reward == Known::Given),
        termination: task.termination.clone().filter(|_| termination == Known::Given),
    };
    for (part, how, is_missing) in [
        ("reward", reward, taken.reward.is_none()),
        ("termination", termination, taken.termination.is_none()),
    ] {
        if how == Known::Given && is_missing {
            return Err(Error::invalid(format_args!("the task does not say its {part}: {}", mend(part))));
        }
    }
    Ok(taken)
}
