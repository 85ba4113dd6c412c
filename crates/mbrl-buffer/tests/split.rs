//! Splits: every row once, episodes whole, and as near to the fraction as whole episodes come.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{DIMS, filled, push};
use mbrl_buffer::{End, Key, ReplayBuffer, Split};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// A buffer of episodes of these lengths; the last one is still running.
fn of_lengths(lengths: &[u32]) -> (ReplayBuffer, Vec<u32>) {
    let total: u32 = lengths.iter().sum();
    let mut buffer = ReplayBuffer::new(DIMS, total as usize).unwrap();
    let mut episode_of = Vec::new();
    for (episode, &len) in lengths.iter().enumerate() {
        for step in 0..len {
            let last = step + 1 == len && episode + 1 < lengths.len();
            push(&mut buffer, episode_of.len() as u32, if last { End::Truncated } else { End::Running });
            episode_of.push(episode as u32);
        }
    }
    (buffer, episode_of)
}

fn assert_partition(split: &Split, len: usize) {
    let mut all = [&split.train[..], &split.holdout].concat();
    all.sort_unstable();
    assert_eq!(all, (0..len as u32).collect::<Vec<_>>());
    assert!(split.train.is_sorted() && split.holdout.is_sorted() && !split.train.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/split.txt"),
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn episodes_stay_whole(
        lengths in prop::collection::vec(1..30u32, 2..20),
        fraction in 0.01..0.99f64,
        cap in prop::option::of(0..60usize),
        seed: u64,
    ) {
        let (buffer, episode_of) = of_lengths(&lengths);
        let limit = cap.unwrap_or(usize::MAX);
        let split = Split::by_episode(&buffer, fraction, cap, Key::root(seed));
        let shortest = *lengths.iter().min().unwrap() as usize;
        prop_assert_eq!(split.is_ok(), shortest <= limit);
        if let Ok(split) = split {
            assert_partition(&split, buffer.len());
            prop_assert!(!split.holdout.is_empty() && split.holdout.len() <= limit);
            let episode = |row: &u32| episode_of[*row as usize];
            let held_out: Vec<bool> = (0..lengths.len()).map(|e| split.holdout.iter().any(|r| episode(r) == e as u32)).collect();
            prop_assert!(split.train.iter().all(|row| !held_out[episode(row) as usize]));
            // No episode more would bring it nearer.
            let target = (fraction * buffer.len() as f64).round() as usize;
            let left = held_out.iter().filter(|held_out| !**held_out).count();
            for (len, _) in lengths.iter().zip(&held_out).filter(|(_, held_out)| !**held_out) {
                let more = split.holdout.len() + *len as usize;
                let nearer = more.abs_diff(target) < split.holdout.len().abs_diff(target);
                prop_assert!(!nearer || more > limit || left == 1);
            }
        }
    }

    #[test]
    fn rows_are_split_at_the_fraction(len in 1..200u32, fraction in 0.0..0.999f64, cap in 0..100usize, seed: u64) {
        let split = Split::by_row(&filled(200, len, 9, End::Running), fraction, Some(cap), Key::root(seed)).unwrap();
        assert_partition(&split, len as usize);
        prop_assert_eq!(split.holdout.len(), cap.min((fraction * f64::from(len)) as usize));
    }
}

#[test]
fn episodes_of_lanes_and_of_a_wrapped_buffer_are_found() {
    // Two lanes; the episodes of lane 0 have 4 steps, those of lane 1 never end.
    let mut buffer = ReplayBuffer::with_lanes(DIMS, 16, 2).unwrap();
    for serial in 0..20 {
        push(&mut buffer, serial, if serial % 8 == 6 { End::Terminated } else { End::Running });
    }
    // Steps 2 to 9 of each lane: 2 of an episode whose beginning is gone, 4, 2; and 8 of the other lane.
    let wholes: [&[u32]; 4] = [&[0, 2], &[4, 6, 8, 10], &[12, 14], &[1, 3, 5, 7, 9, 11, 13, 15]];
    let mut seen = [false; 4];
    for seed in 0..100 {
        let split = Split::by_episode(&buffer, 0.5, None, Key::root(seed)).unwrap();
        assert!(split.holdout.len().abs_diff(8) <= 2);
        for (whole, seen) in wholes.iter().zip(&mut seen) {
            let held_out = whole.iter().filter(|row| split.holdout.contains(row)).count();
            assert!(held_out == 0 || held_out == whole.len());
            *seen |= held_out > 0;
        }
    }
    assert_eq!(seen, [true; 4]);
}

#[test]
fn a_cut_parts_episodes_and_rows_that_continue_nothing_are_parted_each() {
    // Two lanes: four steps, a cut in the middle of a step, and four more.
    let mut buffer = ReplayBuffer::with_lanes(DIMS, 16, 2).unwrap();
    for serial in 0..16 {
        push(&mut buffer, serial, End::Running);
        if serial == 6 {
            buffer.cut_episodes();
        }
    }
    let wholes: [&[u32]; 4] = [&[0, 2, 4, 6], &[1, 3, 5], &[7, 9, 11, 13, 15], &[8, 10, 12, 14]];
    let mut seen = [false; 4];
    for seed in 0..100 {
        let split = Split::by_episode(&buffer, 0.25, None, Key::root(seed)).unwrap();
        let which = wholes.iter().position(|whole| split.holdout == *whole).unwrap();
        seen[which] = true;
    }
    assert_eq!(seen, [true; 4]);

    let mut buffer = ReplayBuffer::unordered(DIMS, 16).unwrap();
    (0..20).for_each(|serial| push(&mut buffer, serial, End::Running));
    let mut seen = [false; 16];
    for seed in 0..200 {
        let split = Split::by_episode(&buffer, 0.1, None, Key::root(seed)).unwrap();
        assert_partition(&split, 16);
        assert_eq!(split.holdout.len(), 2);
        split.holdout.iter().for_each(|&row| seen[row as usize] = true);
    }
    assert_eq!(seen, [true; 16]);
}

#[test]
fn what_cannot_be_split_is_refused() {
    let split = |lengths: &[u32], fraction, cap| {
        Split::by_episode(&of_lengths(lengths).0, fraction, cap, Key::root(0))
    };
    assert!(split(&[9], 0.2, None).unwrap_err().to_string().contains("holds one episode"));
    assert_eq!(split(&[9], 0.0, None).unwrap().train.len(), 9);
    assert!(
        split(&[9, 8], 0.2, Some(7)).unwrap_err().to_string().contains("the shortest episode has 8 rows")
    );
    // The fraction is nearer to nothing than to either, and still one is held out: the shorter.
    assert_eq!(split(&[9, 8], 0.01, Some(8)).unwrap().holdout.len(), 8);
    // However large the fraction, something is left to learn from.
    assert_eq!(split(&[1, 1, 1], 0.99, None).unwrap().train.len(), 1);
    for fraction in [1.0, -0.1, f64::NAN, f64::INFINITY] {
        assert!(split(&[3, 3], fraction, None).unwrap_err().is_invalid());
        assert!(Split::by_row(&of_lengths(&[3]).0, fraction, None, Key::root(0)).unwrap_err().is_invalid());
    }
}
