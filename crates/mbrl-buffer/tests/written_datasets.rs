//! What is written for others is read back as it was; that they read it themselves, `reference/datasets.py load` says.

#![cfg(all(feature = "hdf5", feature = "npz"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_buffer::{
    About, Dims, End, Origin, Recording, Reference, ReplayBuffer, Transition, TransitionBatch,
};
use mbrl_core::Space;
use std::path::PathBuf;

/// A folder of a test's own, removed when it is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mbrl-written-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Episodes of these lengths, whose ends alternate.
fn recorded(lengths: &[usize]) -> Recording {
    let mut rows = TransitionBatch::new(Dims { obs: 2, act: 1 });
    for (episode, &length) in lengths.iter().enumerate() {
        for t in 0..length {
            let x = episode as f32 + t as f32 / 7.0;
            let end = match t + 1 == length {
                true if episode % 2 == 0 => End::Terminated,
                true => End::Truncated,
                false => End::Running,
            };
            let next_obs = [episode as f32 + (t + 1) as f32 / 7.0, x];
            let obs = if t == 0 { [x, -1.0] } else { [x, episode as f32 + (t - 1) as f32 / 7.0] };
            rows.push(Transition {
                obs: &obs,
                act: &[(t % 3) as f32],
                next_obs: &next_obs,
                reward: x,
                end,
                origin: Origin::World,
            });
        }
    }
    let about = About {
        env: Some("cartpole-swingup".to_owned()),
        made_by: Some("sac, 3 of \"ours\"".to_owned()),
        obs: Some(Space::bounded(&[f32::NEG_INFINITY, -1.5], &[f32::INFINITY, 100.1]).unwrap()),
        act: Some(Space::discrete(3).unwrap()),
        reference: Some(Reference { min: -1.25, max: 1e3 / 3.0 }),
        ..About::named("recorded-v3")
    };
    Recording::new(rows, about).unwrap()
}

#[test]
fn every_format_keeps_the_rows_and_minari_all_that_is_known() {
    let folder = Folder::new("all");
    // More than a chunk has, and the shortest episodes.
    for recording in [
        recorded(&[1]),
        recorded(&[3, 1, 12, 1, 2, 2, 4, 1, 2, 5, 3, 2, 6]),
        recorded(&[4095, 2, 1, 700]),
        recorded(&[2, 3, 1].repeat(14)),
    ] {
        let path = |name: &str| folder.0.join(name);
        recording.save_d4rl(path("a.hdf5")).unwrap();
        recording.save_npz(path("b.npz")).unwrap();
        recording.save_minari(path("recorded-v3")).unwrap();
        recording.save_to(path("c.mbrl")).unwrap();
        for name in ["a.hdf5", "b.npz"] {
            let read = Recording::open(path(name)).unwrap();
            assert!(read.rows() == recording.rows() && read.notes().is_empty(), "{name}");
        }
        let made_by = Recording::open(path("a.hdf5")).unwrap().about().made_by.clone();
        assert_eq!(made_by, recording.about().made_by);
        assert!(Recording::open(path("recorded-v3")).unwrap() == recording);
        assert!(Recording::open(path("c.mbrl")).unwrap() == recording);
        assert_eq!(folder.names().len(), 4);
        std::fs::remove_dir_all(path("recorded-v3")).unwrap();
    }
}

#[test]
fn a_folder_that_is_there_is_not_touched_and_what_fails_leaves_nothing() {
    let folder = Folder::new("there");
    let there = folder.0.join("a-v0");
    std::fs::create_dir(&there).unwrap();
    let refused = |recording: &Recording, name: &str| {
        recording.save_minari(folder.0.join(name)).unwrap_err().to_string()
    };
    let recording = recorded(&[3, 1]);
    assert!(refused(&recording, "a-v0").contains("it is there already"));
    assert!(refused(&recording, "b").contains("a version at the end"));
    // The same rows with a gap: what was seen after the first one is not what the second one begins with.
    let mut rows = recording.rows().clone();
    rows.next_obs.row_mut(0)[0] = 77.0;
    let gap = Recording::new(rows, About::default()).unwrap();
    assert!(refused(&gap, "c-v0").contains("row 0 was followed by another observation"));
    // The flat formats keep it.
    gap.save_npz(folder.0.join("gap.npz")).unwrap();
    assert!(Recording::open(folder.0.join("gap.npz")).unwrap().rows() == gap.rows());
    let mut names = folder.names();
    names.sort();
    assert_eq!(names, ["a-v0", "gap.npz"]);
    assert!(std::fs::read_dir(&there).unwrap().next().is_none());
}

#[test]
fn successors_that_cross_an_end_are_left_out_with_their_rows() {
    let folder = Folder::new("crossing");
    let mut rows = recorded(&[3, 1, 4, 2]).rows().clone();
    // What `qlearning_dataset` does to a termination, here the ends at rows 2 and 7.
    for row in [2, 7] {
        let first = rows.obs.row(row + 1).to_vec();
        rows.next_obs.row_mut(row).copy_from_slice(&first);
    }
    Recording::new(rows.clone(), About::default()).unwrap().save_npz(folder.0.join("crossing.npz")).unwrap();
    let read = Recording::open(folder.0.join("crossing.npz")).unwrap();
    let mut kept = TransitionBatch::new(rows.dims());
    for row in (0..10).filter(|row| ![2, 7].contains(row)) {
        let end = if [1, 6].contains(&row) { End::Truncated } else { rows.end[row] };
        kept.push(Transition { end, ..rows.get(row) });
    }
    assert!(*read.rows() == kept);
    let earned = rows.reward[2] + rows.reward[7];
    assert_eq!(
        read.notes(),
        [format!(
            "next_observations of rows that end an episode are what the next one begins with, which is no successor, and \
             those rows were left out, 2, of which 2 terminated; the rewards of these rows sum to {earned}, and returns and \
             scores are without them"
        )]
    );
}

#[test]
fn actions_that_a_task_of_d4rl_does_not_have_are_refused() {
    let folder = Folder::new("bounds");
    let mut rows = TransitionBatch::new(Dims { obs: 11, act: 3 });
    for act in [0.5, -150.0] {
        rows.push(Transition {
            obs: &[0.0; 11],
            act: &[act; 3],
            next_obs: &[1.0; 11],
            reward: 1.0,
            end: End::Truncated,
            origin: Origin::World,
        });
    }
    let path = folder.0.join("hopper_medium-v2.npz");
    Recording::new(rows, About::default()).unwrap().save_npz(&path).unwrap();
    let error = Recording::open(&path).unwrap_err().to_string();
    assert!(error.contains("actions: row 1 is [-150.0, -150.0, -150.0], which is not in"), "{error}");
}

#[test]
fn a_replay_buffer_is_read_lane_after_lane() {
    let folder = Folder::new("replay");
    let mut buffer = ReplayBuffer::with_lanes(Dims { obs: 1, act: 1 }, 6, 2).unwrap();
    // Lane 0 terminates at its second row; lane 1 never ends.
    for t in 0..3 {
        for lane in 0..2 {
            let end = if (t, lane) == (1, 0) { End::Terminated } else { End::Running };
            let x = (10 * lane + t) as f32;
            let row = Transition {
                obs: &[x],
                act: &[0.0],
                next_obs: &[x + 1.0],
                reward: x,
                end,
                origin: Origin::World,
            };
            buffer.push(row).unwrap();
        }
    }
    buffer.save_to(folder.0.join("replay.mbrl")).unwrap();
    let recording = Recording::open(folder.0.join("replay.mbrl")).unwrap();
    assert_eq!(recording.rows().reward, [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
    assert_eq!(recording.episodes().collect::<Vec<_>>(), [0..2, 2..3, 3..6]);
    assert_eq!(recording.rows().end[1], End::Terminated);
    assert_eq!(recording.notes(), ["episodes that break off without an end, and were cut there: 2"]);
}
