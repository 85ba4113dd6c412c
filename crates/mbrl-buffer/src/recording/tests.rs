//! What holds of every recording.

use super::*;
use mbrl_core::{Origin, Transition};

/// Two episodes of two numbers and one, of `lengths` steps; the last one breaks off.
fn rows(lengths: [usize; 2]) -> TransitionBatch {
    let mut rows = TransitionBatch::new(Dims { obs: 2, act: 1 });
    for (episode, length) in lengths.into_iter().enumerate() {
        for t in 0..length {
            let x = (10 * episode + t) as f32;
            let end = if episode == 0 && t + 1 == length { End::Terminated } else { End::Running };
            rows.push(Transition {
                obs: &[x, -x],
                act: &[0.25],
                next_obs: &[x + 1.0, -x - 1.0],
                reward: x,
                end,
                origin: Origin::World,
            });
        }
    }
    rows
}

fn bounded() -> About {
    About { act: Some(Space::symmetric(1, 1.0).unwrap()), ..About::named("test") }
}

#[test]
fn episodes_are_told_apart_and_summed() {
    let recording = Recording::new(rows([3, 2]), bounded()).unwrap();
    assert_eq!(recording.episodes().collect::<Vec<_>>(), [0..3, 3..5]);
    assert_eq!(recording.returns(), [3.0, 21.0]);
    assert_eq!(recording.rows().end[4], End::Truncated);
    let replay = recording.to_replay().unwrap();
    assert_eq!((replay.len(), replay.starts_episode(3), replay.starts_episode(4)), (5, true, false));
}

#[test]
fn what_cannot_be_learnt_from_is_refused_by_key_and_row() {
    let refused = |change: fn(&mut TransitionBatch)| {
        let mut rows = rows([3, 2]);
        change(&mut rows);
        Recording::new(rows, bounded()).unwrap_err().to_string()
    };
    for (error, says) in [
        (refused(|rows| rows.clear()), "there is no transition in it"),
        (refused(|rows| rows.obs.row_mut(2)[1] = f32::NAN), "observations: row 2, column 1 is NaN"),
        (
            refused(|rows| rows.next_obs.row_mut(4)[0] = f32::INFINITY),
            "next_observations: row 4, column 0 is inf",
        ),
        (refused(|rows| rows.reward[1] = f32::NEG_INFINITY), "rewards: row 1, column 0 is -inf"),
        (refused(|rows| rows.act.row_mut(3)[0] = 1.5), "actions: row 3 is [1.5], which is not in"),
    ] {
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn an_action_that_rounding_carried_over_its_bound_is_put_on_it() {
    let mut over = rows([3, 2]);
    over.act.row_mut(1)[0] = 1.0 + 1e-6;
    let recording = Recording::new(over, bounded()).unwrap();
    assert_eq!(recording.rows().act.row(1)[0].to_bits(), 1f32.to_bits());
    assert_eq!(recording.notes().len(), 1);
}

#[test]
fn a_world_of_other_spaces_is_refused() {
    let recording = Recording::new(rows([3, 2]), About::default()).unwrap();
    let spec = |obs, bound| Spec::new(Space::unbounded(obs).unwrap(), Space::symmetric(1, bound).unwrap());
    assert!(recording.check_fits(&spec(2, 1.0)).is_ok());
    let error = recording.check_fits(&spec(3, 1.0)).unwrap_err().to_string();
    assert!(error.contains("the environment has 3 and 1"), "{error}");
    let error = recording.check_fits(&spec(2, 0.1)).unwrap_err().to_string();
    assert!(error.contains("actions: row 0 is [0.25]"), "{error}");
}

#[test]
fn a_file_of_our_own_is_read_as_it_was_written_and_damage_is_found() {
    let reference = Some(Reference { min: -1.0, max: 3.0 });
    let recording = Recording::new(rows([3, 2]), About { reference, ..bounded() }).unwrap();
    let mut bytes = Vec::new();
    recording.save(&mut bytes).unwrap();
    assert_eq!(Recording::load(&bytes[..]).unwrap(), recording);
    for i in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[i] ^= 0x10;
        assert!(Recording::load(&damaged[..]).is_err(), "byte {i}");
        assert!(Recording::load(&bytes[..i]).is_err(), "{i} bytes");
    }
    bytes.push(0);
    assert!(Recording::load(&bytes[..]).is_err());
}
