//! Once memory has grown to its size, nothing that is done every step asks for more; and a buffer takes what it says.

mod common;

use common::{DIMS, filled, with_row};
use mbrl_buffer::{
    Bootstrap, Dims, End, Key, Mixture, NStepBatch, PrioritizedBatch, PrioritizedBuffer, PrioritizedConfig,
    ReplayBuffer, TransitionBatch, WindowBatch,
};
use mbrl_testkit::{CountingAlloc, allocations};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

#[test]
fn memory_is_rows_times_bytes_a_row() {
    for (capacity, dims) in [(100_000, Dims { obs: 17, act: 6 }), (1000, DIMS)] {
        let (buffer, made) = allocations(|| ReplayBuffer::new(dims, capacity).unwrap());
        let expected = (capacity * buffer.bytes_per_row()) as f64;
        assert!((made.bytes as f64 / expected - 1.0).abs() < 0.01, "{made:?}, expected {expected}");
        assert_eq!(buffer.bytes_per_row(), 4 * (2 * dims.obs + dims.act + 3));
    }
}

#[test]
fn filling_and_wrapping_allocate_nothing() {
    let mut buffer = ReplayBuffer::new(DIMS, 1000).unwrap();
    let mut batch = TransitionBatch::new(DIMS);
    (0..300).for_each(|serial| with_row(serial, End::Running, |row| batch.push(row)));
    let (_, made) = allocations(|| {
        for serial in 0..2500 {
            with_row(serial, End::Running, |row| buffer.push(row)).unwrap();
        }
        (0..9).for_each(|_| buffer.extend(&batch).unwrap());
        buffer.clear();
        buffer.extend(&batch).unwrap();
    });
    assert_eq!(made.count, 0);
    // Also a copy, and one that was loaded, and one that was resized.
    let mut file = Vec::new();
    buffer.save(&mut file).unwrap();
    let mut resized = ReplayBuffer::new(DIMS, 10).unwrap();
    resized.resize(700).unwrap();
    for mut buffer in [buffer.clone(), ReplayBuffer::load(&file[..]).unwrap(), resized] {
        let (_, made) = allocations(|| (0..9).for_each(|_| buffer.extend(&batch).unwrap()));
        assert_eq!(made.count, 0);
    }
}

#[test]
fn sampling_again_allocates_nothing() {
    let buffer = filled(5000, 7000, 50, End::Truncated);
    // Windows of 50 are rare enough here that all rows must be looked at.
    let mut rare = ReplayBuffer::new(DIMS, 5000).unwrap();
    for serial in 0..5000 {
        common::push(&mut rare, serial, if serial < 50 { End::Running } else { End::Terminated });
    }
    let mut prioritized = PrioritizedBuffer::new(buffer.clone(), PrioritizedConfig::default()).unwrap();
    let mixture = Mixture::new(&[0.05, 0.95]).unwrap();
    let rows: Vec<u32> = (0..4000).collect();
    let mut bootstrap = Bootstrap::new(&rows, 3, Key::root(0)).unwrap();
    let (mut batch, mut windows, mut returns) =
        (TransitionBatch::default(), WindowBatch::default(), NStepBatch::default());
    let mut priorities = PrioritizedBatch::default();
    let first: Vec<u32> = (0..60).step_by(50).collect();
    let mut step = |key: Key| {
        buffer.sample(1000, key, &mut batch).unwrap();
        buffer.sample_distinct(1000, key, &mut batch).unwrap();
        buffer.sample_distinct(4000, key, &mut batch).unwrap();
        buffer.gather(&rows, &mut batch).unwrap();
        buffer.copy_rows(10..4000, &mut batch).unwrap();
        mixture.sample(&[&buffer, &rare], 256, key, &mut batch).unwrap();
        buffer.sample_windows(64, 20, key, &mut windows).unwrap();
        rare.sample_windows(64, 50, key, &mut windows).unwrap();
        buffer.sample_n_step(256, 5, 0.99, key, &mut returns).unwrap();
        prioritized.sample(256, 0.4, key, &mut priorities).unwrap();
        prioritized.rows().gather_n_step(&priorities.indices, 5, 0.99, &mut returns).unwrap();
        buffer.gather_windows(&first, 20, &mut windows).unwrap();
        prioritized.update(&priorities.ids, &priorities.weights).unwrap();
        with_row(1, End::Running, |row| prioritized.push(row)).unwrap();
        bootstrap.shuffle(key);
        bootstrap.minibatches(300).for_each(|minibatch| minibatch.gather(&buffer, &mut batch).unwrap());
    };
    step(Key::root(0));
    let (_, made) = allocations(|| (1..5).for_each(|seed| step(Key::root(seed))));
    assert_eq!(made.count, 0);
}
