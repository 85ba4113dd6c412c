//! How often what is drawn is drawn. Keys are fixed; under a fresh key each check would raise a false alarm with
//! probability 1e-7, and all of them together with less than 1e-6 a test.

mod common;

use common::{DIMS, assert_frequencies, filled, push, serial_of, with_row};
use mbrl_buffer::{
    Bootstrap, End, Key, Mixture, NStepBatch, PrioritizedBatch, PrioritizedBuffer, PrioritizedConfig,
    ReplayBuffer, Split, SumTree, TransitionBatch, WindowBatch,
};

const KEY: u64 = 2024;

fn count(counts: &mut [u64], serials: impl Iterator<Item = u32>, oldest: u32) {
    serials.for_each(|serial| counts[(serial - oldest) as usize] += 1);
}

#[test]
fn uniform_rows_are_uniform_after_wrapping_too() {
    // 37 rows of 60 that were pushed: the ring begins in its middle.
    let buffer = filled(37, 60, 9, End::Terminated);
    let (mut counts, mut batch) = ([0; 37], TransitionBatch::default());
    for round in 0..400 {
        buffer.sample(1000, Key::root(KEY).at(round), &mut batch).unwrap();
        count(&mut counts, batch.iter().map(serial_of), 23);
    }
    assert_frequencies("uniform", &counts, &[1.0 / 37.0; 37], 400_000);
}

#[test]
fn neighbours_in_a_batch_are_independent() {
    let buffer = filled(6, 6, 9, End::Terminated);
    let (mut counts, mut batch) = ([0; 36], TransitionBatch::default());
    for round in 0..100_000 {
        buffer.sample(2, Key::root(KEY).at(round), &mut batch).unwrap();
        counts[(serial_of(batch.get(0)) * 6 + serial_of(batch.get(1))) as usize] += 1;
    }
    assert_frequencies("pairs", &counts, &[1.0 / 36.0; 36], 100_000);
}

/// Every ordered choice of 2 from 3, and of 2 from 12: one is drawn by going through all rows, the other by
/// drawing again what came twice.
#[test]
fn distinct_rows_are_every_choice_alike() {
    const ROUNDS: u64 = 200_000;
    for len in [3, 12u32] {
        let buffer = filled(len as usize, len, 9, End::Terminated);
        let (mut ordered, mut batch) = (vec![0; (len * len) as usize], TransitionBatch::default());
        for round in 0..ROUNDS {
            buffer.sample_distinct(2, Key::root(KEY).at(round), &mut batch).unwrap();
            let (a, b) = (serial_of(batch.get(0)), serial_of(batch.get(1)));
            ordered[(a * len + b) as usize] += 1;
        }
        let pairs = f64::from(len * (len - 1));
        let p: Vec<f64> =
            (0..len * len).map(|i| if i / len == i % len { 0.0 } else { 1.0 / pairs }).collect();
        assert_frequencies("ordered pairs", &ordered, &p, ROUNDS);
    }
    // More than a block, by either way: each row is as likely to be in as any other.
    for (n, len) in [(300usize, 1000u32), (700, 1000)] {
        let buffer = filled(len as usize, len, 9, End::Terminated);
        let (mut counts, mut batch) = (vec![0; len as usize], TransitionBatch::default());
        for round in 0..2000 {
            buffer.sample_distinct(n, Key::root(KEY).at(round), &mut batch).unwrap();
            count(&mut counts, batch.iter().map(serial_of), 0);
        }
        assert_frequencies("inclusion", &counts, &vec![n as f64 / f64::from(len); len as usize], 2000);
    }
}

/// Windows of three in episodes of five and two, after wrapping: found by trying, and found by looking at all.
#[test]
fn windows_are_uniform_over_all_there_are() {
    let mut buffer = ReplayBuffer::new(DIMS, 40).unwrap();
    for serial in 0..63 {
        push(&mut buffer, serial, if [4, 6].contains(&(serial % 7)) { End::Truncated } else { End::Running });
    }
    // Serials 23 to 62; windows begin at 0, 1 and 2 of the seven.
    let p: Vec<f64> = (23..63u32).map(|s| if s % 7 <= 2 && s <= 60 { 1.0 } else { 0.0 }).collect();
    let all: f64 = p.iter().sum();
    let p: Vec<f64> = p.iter().map(|p| p / all).collect();
    let (mut counts, mut batch) = ([0; 40], WindowBatch::default());
    for round in 0..200 {
        buffer.sample_windows(1000, 3, Key::root(KEY).at(round), &mut batch).unwrap();
        let first = (0..1000).map(|w| serial_of(batch.rows.get(3 * w)));
        count(&mut counts, first, 23);
    }
    assert_frequencies("windows", &counts, &p, 200_000);

    // Three windows among 6,000 rows: trying gives up before it has them all.
    let mut buffer = ReplayBuffer::new(DIMS, 6000).unwrap();
    for serial in 0..6000 {
        let inside = [1000, 1001, 3000, 3001, 3002].contains(&serial);
        push(&mut buffer, serial, if inside { End::Running } else { End::Terminated });
    }
    let (mut counts, rounds) = ([0; 3], 3000);
    let mut order = [0; 9];
    for round in 0..rounds {
        buffer.sample_windows(2, 3, Key::root(KEY).at(round), &mut batch).unwrap();
        let cells = [0, 1].map(|w| [1000, 3000, 3001].iter().position(|&s| s == batch.first[w]).unwrap());
        cells.iter().for_each(|&cell| counts[cell] += 1);
        order[cells[0] * 3 + cells[1]] += 1;
    }
    assert_frequencies("rare windows", &counts, &[1.0 / 3.0; 3], 2 * rounds);
    assert_frequencies("pairs of rare windows", &order, &[1.0 / 9.0; 9], rounds);
}

#[test]
fn returns_begin_at_every_row_alike() {
    let buffer = filled(20, 30, 4, End::Terminated);
    let (mut counts, mut batch) = ([0; 20], NStepBatch::default());
    for round in 0..200 {
        buffer.sample_n_step(1000, 3, 0.9, Key::root(KEY).at(round), &mut batch).unwrap();
        count(&mut counts, batch.rows.iter().map(|row| row.obs[0] as u32), 10);
    }
    assert_frequencies("first steps", &counts, &[1.0 / 20.0; 20], 200_000);
}

#[test]
fn weights_are_shares() {
    let weights = [0.0, 1.0, 3.0, 0.5, 0.0, 2.0, 10.0, 1e-9, 0.5, 0.0, 4.0];
    let mut tree = SumTree::new(weights.len()).unwrap();
    for (i, weight) in weights.into_iter().enumerate() {
        tree.set(i, weight).unwrap();
    }
    let p = weights.map(|weight| weight / weights.iter().sum::<f64>());
    let (mut counts, mut stratified, mut indices) = ([0; 11], [0; 11], [0; 1000]);
    for round in 0..300 {
        tree.sample(Key::root(KEY).at(round), &mut indices).unwrap();
        count(&mut counts, indices.iter().copied(), 0);
        // A stratified draw has less variance than an independent one, so that the same bound holds all the more.
        tree.sample_stratified(Key::root(KEY).at(round), &mut indices).unwrap();
        count(&mut stratified, indices.iter().copied(), 0);
    }
    assert_frequencies("weighted", &counts, &p, 300_000);
    assert_frequencies("stratified", &stratified, &p, 300_000);
}

#[test]
fn priorities_are_probabilities_and_weights_undo_them() {
    let config = PrioritizedConfig { alpha: 0.5, beta: 0.4, epsilon: 0.0 };
    let mut buffer = PrioritizedBuffer::new(ReplayBuffer::new(DIMS, 8).unwrap(), config).unwrap();
    for serial in 0..12 {
        with_row(serial, End::Running, |row| buffer.push(row)).unwrap();
    }
    let priorities = [1.0, 4.0, 9.0, 16.0, 0.25, 1.0, 0.0, 25.0f32];
    buffer.update(&[4, 5, 6, 7, 8, 9, 10, 11], &priorities).unwrap();
    let root = priorities.map(|p| f64::from(p).sqrt());
    let p = root.map(|r| r / root.iter().sum::<f64>());
    let (mut counts, mut batch) = ([0; 8], PrioritizedBatch::default());
    for round in 0..100_000 {
        // One at a time: draws of one stratified batch are not independent.
        buffer.sample(1, 1.0, Key::root(KEY).at(round), &mut batch).unwrap();
        count(&mut counts, batch.rows.iter().map(serial_of), 4);
    }
    assert_frequencies("prioritised", &counts, &p, 100_000);

    buffer.sample(1000, 0.7, Key::root(KEY), &mut batch).unwrap();
    let by_hand = |row: usize| (8.0 * p[row]).powf(-0.7);
    let largest = (0..8).filter(|&row| p[row] > 0.0).map(by_hand).fold(0.0, f64::max);
    for (id, weight) in batch.ids.iter().zip(&batch.weights) {
        let expected = by_hand(*id as usize - 4) / largest;
        assert!((f64::from(*weight) - expected).abs() < 1e-6, "row {id}: {weight}, expected {expected}");
    }
}

#[test]
fn mixtures_draw_uniformly_from_each_source_and_independently() {
    let (real, imagined) = (filled(4, 4, 9, End::Terminated), filled(4, 4, 9, End::Truncated));
    let mixture = Mixture::new(&[0.25, 0.75]).unwrap();
    let (mut counts, mut batch) = ([0; 16], TransitionBatch::default());
    for round in 0..60_000 {
        mixture.sample(&[&real, &imagined], 4, Key::root(KEY).at(round), &mut batch).unwrap();
        counts[(serial_of(batch.get(0)) * 4 + serial_of(batch.get(1))) as usize] += 1;
    }
    assert_frequencies("real and imagined", &counts, &[1.0 / 16.0; 16], 60_000);
}

/// Whoever draws under a key's children, as callers do, draws something else than what is drawn inside under the key.
#[test]
fn what_is_drawn_inside_is_not_what_a_caller_draws_below_the_same_key() {
    let source = filled(1000, 1000, 9, End::Terminated);
    let (mixture, key) = (Mixture::new(&[0.5, 0.5]).unwrap(), Key::root(KEY));
    let (mut mixed, mut alone) = (TransitionBatch::default(), TransitionBatch::default());
    mixture.sample(&[&source, &source], 40, key, &mut mixed).unwrap();
    let rows: Vec<u32> = (0..1000).collect();
    let bootstrap = Bootstrap::new(&rows, 2, key).unwrap();
    for i in 0..2 {
        source.sample(20, key.at(i as u64), &mut alone).unwrap();
        let alone: Vec<u32> = alone.iter().map(serial_of).collect();
        let inside: Vec<u32> = (20 * i..20 * i + 20).map(|row| serial_of(mixed.get(row))).collect();
        // By chance alike in one place of a thousand.
        let alike = |other: &[u32]| alone.iter().zip(other).filter(|(a, b)| a == b).count();
        assert!(alike(&inside) < 5 && alike(bootstrap.member(i)) < 5);
    }
}

#[test]
fn a_part_of_a_prioritised_batch_is_a_sample_too() {
    let rows = filled(50, 50, 9, End::Terminated);
    let buffer = PrioritizedBuffer::new(rows, PrioritizedConfig::default()).unwrap();
    let (mut counts, mut batch) = ([0; 50], PrioritizedBatch::default());
    for round in 0..20_000 {
        buffer.sample(10, 0.5, Key::root(KEY).at(round), &mut batch).unwrap();
        count(&mut counts, batch.indices[..1].iter().copied(), 0);
    }
    assert_frequencies("the first of a batch", &counts, &[0.02; 50], 20_000);
}

#[test]
fn a_bootstrap_draws_each_row_alike_and_members_apart() {
    let rows: Vec<u32> = (5..10).collect();
    let (mut counts, mut pairs) = ([0; 5], [0; 25]);
    for round in 0..40_000 {
        let mut bootstrap = Bootstrap::new(&rows, 2, Key::root(KEY).at(round)).unwrap();
        count(&mut counts, bootstrap.member(1)[3..4].iter().copied(), 5);
        bootstrap.shuffle(Key::root(KEY).at(round).child("epoch"));
        pairs[((bootstrap.member(0)[0] - 5) * 5 + bootstrap.member(1)[0] - 5) as usize] += 1;
    }
    assert_frequencies("bootstrap", &counts, &[0.2; 5], 40_000);
    assert_frequencies("two members", &pairs, &[0.04; 25], 40_000);
}

#[test]
fn every_row_and_every_episode_is_held_out_alike() {
    let buffer = filled(30, 30, 5, End::Terminated);
    let (mut by_row, mut by_episode) = ([0; 30], [0; 30]);
    for round in 0..20_000 {
        let key = Key::root(KEY).at(round);
        count(&mut by_row, Split::by_row(&buffer, 0.2, None, key).unwrap().holdout.into_iter(), 0);
        count(
            &mut by_episode,
            Split::by_episode(&buffer, 1.0 / 3.0, None, key).unwrap().holdout.into_iter(),
            0,
        );
    }
    assert_frequencies("rows held out", &by_row, &[0.2; 30], 20_000);
    assert_frequencies("episodes held out", &by_episode, &[1.0 / 3.0; 30], 20_000);
}
