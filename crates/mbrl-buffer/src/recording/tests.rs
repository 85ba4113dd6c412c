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
fn rounding_is_small_also_beside_a_bound_that_is_infinite() {
    let with = |low: f32, high: f32, x: f32| {
        let mut rows = rows([3, 2]);
        rows.act.as_mut_slice().fill(low.max(-1e30).midpoint(high.min(1e30)));
        rows.act.row_mut(1)[0] = x;
        let act = Some(Space::bounded(&[low], &[high]).unwrap());
        Recording::new(rows, About { act, ..About::default() })
            .map(|recording| recording.rows().act.row(1)[0])
            .map_err(|error| error.to_string())
    };
    for (low, high, x) in
        [(0.0, f32::INFINITY, -0.98), (f32::NEG_INFINITY, 2.0, 2.98), (1000.0, f32::INFINITY, 999.98)]
    {
        let error = with(low, high, x).unwrap_err();
        assert!(error.starts_with(&format!("actions: row 1 is [{x}]")), "{error}");
    }
    for (low, high, x, bound) in [
        (0.0, f32::INFINITY, -5e-6, 0.0f32),
        (f32::NEG_INFINITY, 2.0, 2.00001, 2.0),
        (1000.0, f32::INFINITY, 999.995, 1000.0),
    ] {
        assert_eq!(with(low, high, x).unwrap().to_bits(), bound.to_bits());
    }
    assert_eq!(with(f32::NEG_INFINITY, f32::INFINITY, -1e38).unwrap().to_bits(), (-1e38f32).to_bits());
}

#[test]
fn columns_that_do_not_fit_one_another_are_refused() {
    let refused = |change: fn(&mut TransitionBatch)| {
        let mut rows = rows([3, 2]);
        change(&mut rows);
        Recording::new(rows, bounded()).unwrap_err().to_string()
    };
    for (error, says) in [
        (refused(|rows| rows.act.resize(4)), "actions: there are 4 rows, and 5 of observations"),
        (refused(|rows| rows.next_obs.resize(6)), "next_observations: there are 6 rows, and 5 of"),
        (refused(|rows| rows.reward.truncate(4)), "rewards: there are 4 rows, and 5 of"),
        (refused(|rows| rows.end.truncate(4)), "ends: there are 4 rows, and 5 of"),
        (refused(|rows| rows.origin.clear()), "origins: there are 0 rows, and 5 of"),
        (
            refused(|rows| rows.next_obs = RowBuf::zeros(5, 3)),
            "next_observations are 3 numbers wide, and observations 2",
        ),
    ] {
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn observations_that_are_none_of_the_choices_are_refused_and_those_outside_a_box_are_not() {
    let made = |change: fn(&mut TransitionBatch)| {
        let mut choices = rows([3, 2]);
        choices.obs = RowBuf::from_vec(vec![0.0, 1.0, 1.0, 0.0, 2.0], 1).unwrap();
        choices.next_obs = choices.obs.clone();
        change(&mut choices);
        let obs = Some(Space::discrete(3).unwrap());
        Recording::new(choices, About { obs, ..About::default() })
    };
    assert!(made(|_| ()).is_ok());
    let error = made(|rows| rows.obs.row_mut(2)[0] = 3.0).unwrap_err().to_string();
    assert!(error.starts_with("observations: row 2 is [3.0], which is none of 3 choices"), "{error}");
    let error = made(|rows| rows.next_obs.row_mut(4)[0] = 0.5).unwrap_err().to_string();
    assert!(error.starts_with("next_observations: row 4 is [0.5]"), "{error}");
    let obs = Some(Space::symmetric(2, 0.5).unwrap());
    assert!(Recording::new(rows([3, 2]), About { obs, ..About::default() }).is_ok());
}

#[test]
fn choices_are_not_learnt_from_as_vectors_nor_the_other_way_round() {
    let about = |act| About { act: Some(act), ..About::default() };
    let one_of = |n| Space::discrete(n).unwrap();
    let mut choices = rows([3, 2]);
    choices.act.as_mut_slice().fill(1.0);
    let check = |recorded: Space, act: Space| {
        let recording = Recording::new(choices.clone(), about(recorded)).unwrap();
        recording.check_fits(&Spec::new(Space::unbounded(2).unwrap(), act)).map_err(|error| error.to_string())
    };
    let vectors = || Space::symmetric(1, 1.0).unwrap();
    assert!(check(one_of(3), one_of(3)).is_ok() && check(vectors(), vectors()).is_ok());
    for (recorded, act, says) in [
        (one_of(3), vectors(), "one of 3 choices, and those of the environment are vectors"),
        (vectors(), one_of(3), "vectors, and those of the environment are one of 3 choices"),
        (one_of(3), one_of(4), "one of 3 choices, and those of the environment are one of 4 choices"),
    ] {
        let error = check(recorded, act).unwrap_err();
        assert!(error.starts_with(&format!("actions are recorded as {says}")), "{error}");
    }
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
