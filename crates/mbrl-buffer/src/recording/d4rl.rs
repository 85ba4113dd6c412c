//! What is known of D4RL's locomotion tasks, whose files do not say it.

use super::{About, Reference};
use mbrl_core::Space;
use std::path::Path;

/// A task of D4RL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    name: &'static str,
    obs: usize,
    act: usize,
    pub(super) time_limit: usize,
    reference: Reference,
}

/// The tasks on Gym's locomotion. Reference returns are those of `d4rl.infos`.
const TASKS: &[Task] = &[
    task("halfcheetah", 17, 6, -280.178953, 12135.0),
    task("walker2d", 17, 6, 1.629008, 4592.3),
    task("hopper", 11, 3, -20.272305, 3234.3),
    task("ant", 111, 8, -325.6, 3879.7),
];

const fn task(name: &'static str, obs: usize, act: usize, min: f64, max: f64) -> Task {
    Task { name, obs, act, time_limit: 1000, reference: Reference { min, max } }
}

impl Task {
    /// The task of a file that is named after one, `hopper_medium-v2.hdf5` say, and is as wide as it.
    pub(super) fn named_by(path: &Path, obs: usize, act: usize) -> Option<Task> {
        let name = path.file_stem()?.to_str()?.to_ascii_lowercase();
        // One is called `walker_mixed.hdf5`.
        let first =
            name.split(['_', '-']).next().map(|first| if first == "walker" { "walker2d" } else { first });
        TASKS.iter().find(|task| Some(task.name) == first && (task.obs, task.act) == (obs, act)).copied()
    }

    /// Says what is known.
    pub(super) fn describe(self, about: &mut About) {
        about.env = Some(self.name.to_owned());
        about.reference = Some(self.reference);
        // Gym bounds the actions of all four by one.
        about.act = Space::symmetric(self.act, 1.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_of_a_task_are_within_one() {
        for task in TASKS {
            let mut about = About::default();
            task.describe(&mut about);
            assert_eq!(about.act, Some(Space::symmetric(task.act, 1.0).unwrap()));
        }
    }

    #[test]
    fn a_task_is_known_by_name_and_widths() {
        let found = |name: &str, obs, act| Task::named_by(Path::new(name), obs, act).map(|task| task.name);
        assert_eq!(found("data/hopper_medium-v2.hdf5", 11, 3), Some("hopper"));
        assert_eq!(found("walker_mixed.hdf5", 17, 6), Some("walker2d"));
        assert_eq!(found("halfcheetah.hdf5", 17, 6), Some("halfcheetah"));
        assert_eq!(found("hopper_medium.hdf5", 3, 1), None);
        assert_eq!(found("bullet-hopper_medium.hdf5", 11, 3), None);
    }
}
