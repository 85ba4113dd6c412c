//! The ring against a `VecDeque`: whatever is done to both, they hold the same rows, windows and returns.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{DIMS, numbers, serial_of, with_row};
use mbrl_buffer::{End, Key, ReplayBuffer, TransitionBatch, WindowBatch};
use mbrl_buffer::{NStepBatch, PrioritizedBatch, PrioritizedBuffer, PrioritizedConfig};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::collections::VecDeque;

/// A row as the model sees it: which it is, how it ended, and which row it continues.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    serial: u32,
    end: End,
    before: Option<u32>,
}

/// The obvious way to do it.
struct Model {
    rows: VecDeque<Row>,
    capacity: usize,
    /// The last row of each lane, where the next one continues it.
    running: Vec<Option<u32>>,
    unordered: bool,
    pushed: u32,
}

impl Model {
    fn new(capacity: usize, lanes: usize, unordered: bool) -> Self {
        Model { rows: VecDeque::new(), capacity, running: vec![None; lanes], unordered, pushed: 0 }
    }

    fn push(&mut self, end: End) -> u32 {
        let serial = self.pushed;
        let lane = serial as usize % self.running.len();
        let before = self.running[lane];
        self.running[lane] = (end == End::Running && !self.unordered).then_some(serial);
        self.rows.push_back(Row { serial, end, before });
        self.pushed += 1;
        self.shrink_to(self.capacity);
        serial
    }

    fn shrink_to(&mut self, capacity: usize) {
        self.capacity = capacity;
        while self.rows.len() > capacity {
            self.rows.pop_front();
        }
    }

    fn find(&self, serial: u32) -> Option<&Row> {
        self.rows.iter().find(|row| row.serial == serial)
    }

    /// The row that continues this one.
    fn after(&self, serial: u32) -> Option<&Row> {
        self.rows.iter().find(|row| row.before == Some(serial))
    }

    /// The first rows of all windows.
    fn windows(&self, len: usize) -> Vec<u32> {
        let begins_one = |row: &&Row| {
            let mut at = Some(**row);
            for _ in 1..len {
                at = at.and_then(|row| self.after(row.serial)).copied();
            }
            at.is_some()
        };
        self.rows.iter().filter(begins_one).map(|row| row.serial).collect()
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(End),
    Extend(Vec<End>),
    Resize(usize),
    Clear,
    Cut,
    SaveAndLoad,
    Clone,
    Sample(usize, u64),
    SampleDistinct(u64),
    Windows(usize, u64),
    NSteps(usize, u64),
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![6 => Just(End::Running), 1 => Just(End::Terminated), 1 => Just(End::Truncated)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => end().prop_map(Op::Push),
        4 => prop::collection::vec(end(), 0..12).prop_map(Op::Extend),
        3 => (1..9usize).prop_map(Op::Resize),
        1 => Just(Op::Clear),
        1 => Just(Op::Cut),
        2 => Just(Op::SaveAndLoad),
        1 => Just(Op::Clone),
        2 => (0..9usize, any::<u64>()).prop_map(|(n, seed)| Op::Sample(n, seed)),
        2 => any::<u64>().prop_map(Op::SampleDistinct),
        4 => (1..6usize, any::<u64>()).prop_map(|(len, seed)| Op::Windows(len, seed)),
        4 => (1..6usize, any::<u64>()).prop_map(|(steps, seed)| Op::NSteps(steps, seed)),
    ]
}

/// Does everything to both and compares them after each step. Without lanes, rows continue nothing.
fn run(capacity: usize, lanes: usize, ops: Vec<Op>) {
    let (unordered, lanes) = (lanes == 0, lanes.max(1));
    let mut buffer = match unordered {
        true => ReplayBuffer::unordered(DIMS, capacity).unwrap(),
        false => ReplayBuffer::with_lanes(DIMS, capacity * lanes, lanes).unwrap(),
    };
    let mut model = Model::new(capacity * lanes, lanes, unordered);
    let mut batch = TransitionBatch::default();
    for op in ops {
        match op {
            Op::Push(end) => {
                let serial = model.push(end);
                common::push(&mut buffer, serial, end);
            }
            Op::Extend(ends) => {
                batch.reshape(0, DIMS);
                for end in ends {
                    let serial = model.push(end);
                    with_row(serial, end, |row| batch.push(row));
                }
                buffer.extend(&batch).unwrap();
            }
            Op::Resize(capacity) => {
                buffer.resize(capacity * lanes).unwrap();
                model.shrink_to(capacity * lanes);
            }
            Op::Clear => {
                buffer.clear();
                model.rows.clear();
                model.running.fill(None);
            }
            Op::Cut => {
                buffer.cut_episodes();
                model.running.fill(None);
            }
            Op::SaveAndLoad => {
                let mut file = Vec::new();
                buffer.save(&mut file).unwrap();
                let loaded = ReplayBuffer::load(&file[..]).unwrap();
                assert_eq!(loaded, buffer);
                buffer = loaded;
            }
            Op::Clone => buffer = buffer.clone(),
            Op::Sample(n, seed) => {
                let sampled = buffer.sample(n, Key::root(seed), &mut batch);
                assert_eq!(sampled.is_ok(), !model.rows.is_empty());
                if sampled.is_ok() {
                    assert_eq!(batch.len(), n);
                    assert!(batch.iter().all(|row| model.find(serial_of(row)).is_some()));
                }
            }
            Op::SampleDistinct(seed) => {
                let n = seed as usize % (buffer.len() + 2);
                let sampled = buffer.sample_distinct(n, Key::root(seed), &mut batch);
                assert_eq!(sampled.is_ok(), n <= model.rows.len());
                if sampled.is_ok() {
                    let mut serials: Vec<u32> = batch.iter().map(serial_of).collect();
                    serials.sort_unstable();
                    serials.dedup();
                    assert_eq!(serials.len(), n);
                    assert!(serials.iter().all(|&serial| model.find(serial).is_some()));
                }
            }
            Op::Windows(len, seed) => check_windows(&buffer, &model, len, seed),
            Op::NSteps(steps, seed) => check_returns(&buffer, &model, steps, seed),
        }
        assert_eq!((buffer.len(), buffer.capacity()), (model.rows.len(), model.capacity));
        assert_eq!(buffer.is_unordered(), unordered);
        for (i, (row, expected)) in buffer.iter().zip(&model.rows).enumerate() {
            assert_eq!((serial_of(row), row.end), (expected.serial, expected.end));
            let before = expected.before.and_then(|serial| model.find(serial));
            assert_eq!(buffer.starts_episode(i), before.is_none());
            assert!(before.is_none_or(|before| before.serial == serial_of(buffer.get(i - lanes))));
        }
    }
}

fn check_windows(buffer: &ReplayBuffer, model: &Model, len: usize, seed: u64) {
    let possible = model.windows(len);
    let mut batch = WindowBatch::default();
    let sampled = buffer.sample_windows(7, len, Key::root(seed), &mut batch);
    assert_eq!(sampled.is_ok(), !possible.is_empty(), "{sampled:?}");
    if sampled.is_err() {
        return;
    }
    assert_eq!((batch.windows(), batch.rows.len()), (7, 7 * len));
    for w in 0..7 {
        let serials: Vec<u32> = batch.window(w).map(|i| serial_of(batch.rows.get(i))).collect();
        assert!(possible.contains(&serials[0]));
        assert_eq!(serial_of(buffer.get(batch.first[w] as usize)), serials[0]);
        assert!(serials.windows(2).all(|pair| model.after(pair[0]).unwrap().serial == pair[1]));
    }
    // The same windows by the numbers of their first rows, and no other.
    let mut gathered = WindowBatch::default();
    buffer.gather_windows(&batch.first, len, &mut gathered).unwrap();
    assert_eq!(gathered, batch);
    for (i, row) in (0..).zip(buffer.iter()) {
        let found = buffer.gather_windows(&[i], len, &mut gathered);
        assert_eq!(found.is_ok(), possible.contains(&serial_of(row)), "{found:?}");
    }
}

fn check_returns(buffer: &ReplayBuffer, model: &Model, steps: usize, seed: u64) {
    const GAMMA: f32 = 0.5;
    let mut batch = NStepBatch::default();
    let sampled = buffer.sample_n_step(7, steps, GAMMA, Key::root(seed), &mut batch);
    assert_eq!(sampled.is_ok(), !model.rows.is_empty());
    if sampled.is_err() {
        return;
    }
    for (row, discount) in batch.rows.iter().zip(&batch.discount) {
        let mut last = *model.find(row.obs[0] as u32).unwrap();
        let (mut sum, mut factor) = (last.serial as f32, GAMMA);
        for _ in 1..steps {
            let Some(next) = model.after(last.serial) else { break };
            last = *next;
            sum += factor * last.serial as f32;
            factor *= GAMMA;
        }
        assert!((row.reward - sum).abs() <= 1e-5 * sum, "{row:?}: {sum}");
        assert_eq!((row.next_obs, row.end), (&numbers(last.serial).next_obs[..], last.end));
        let expected = if last.end == End::Terminated { 0.0 } else { factor };
        assert_eq!(discount.to_bits(), expected.to_bits());
    }
    // The same returns by the numbers of their first rows.
    let oldest = model.rows[0].serial;
    let first: Vec<u32> = batch.rows.iter().map(|row| row.obs[0] as u32 - oldest).collect();
    let mut gathered = NStepBatch::default();
    buffer.gather_n_step(&first, steps, GAMMA, &mut gathered).unwrap();
    assert_eq!(gathered, batch);
}

/// Priorities against a list of them, and the rows against a buffer without any.
fn run_prioritized(lanes: usize, ops: Vec<(u8, u64)>) {
    let config = PrioritizedConfig { alpha: 1.0, epsilon: 0.0, ..PrioritizedConfig::default() };
    let mut rows = ReplayBuffer::with_lanes(DIMS, 5 * lanes, lanes).unwrap();
    let mut buffer = PrioritizedBuffer::new(rows.clone(), config).unwrap();
    // (id, priority), oldest first.
    let (mut model, mut capacity, mut largest) = (VecDeque::new(), 5 * lanes, 1.0f64);
    let (mut pushed, mut batch) = (0u32, PrioritizedBatch::default());
    for (op, seed) in ops {
        match op {
            0..=4 => {
                let end = if seed % 5 == 4 { End::Terminated } else { End::Running };
                with_row(pushed, end, |row| buffer.push(row)).unwrap();
                with_row(pushed, end, |row| rows.push(row)).unwrap();
                model.push_back((u64::from(pushed), largest));
                pushed += 1;
            }
            5 => {
                capacity = (1 + seed as usize % 9) * lanes;
                buffer.resize(capacity).unwrap();
                rows.resize(capacity).unwrap();
            }
            6 => {
                let mut file = Vec::new();
                buffer.save(&mut file).unwrap();
                let loaded = PrioritizedBuffer::load(&file[..]).unwrap();
                assert_eq!(loaded, buffer);
                buffer = loaded;
            }
            7 => {
                buffer.cut_episodes();
                rows.cut_episodes();
            }
            8 => {
                buffer.clear();
                rows.clear();
                model.clear();
            }
            // Also ids of rows that are gone.
            _ if pushed > 0 => {
                let (id, priority) = (seed % u64::from(pushed), (seed % 1000) as f32 / 100.0);
                buffer.update(&[id], &[priority]).unwrap();
                if let Some(row) = model.iter_mut().find(|row| row.0 == id) {
                    row.1 = f64::from(priority);
                    largest = largest.max(row.1);
                }
            }
            _ => {}
        }
        while model.len() > capacity {
            model.pop_front();
        }
        assert_eq!(buffer.rows(), &rows);
        assert_eq!(buffer.rows().len(), model.len());
        for (i, (id, priority)) in model.iter().enumerate() {
            assert_eq!(u64::from(serial_of(buffer.rows().get(i))), *id);
            assert_eq!(buffer.weight(i).to_bits(), priority.to_bits());
        }
        let sampled = buffer.sample(4, 1.0, Key::root(seed), &mut batch);
        assert_eq!(sampled.is_ok(), model.iter().any(|row| row.1 > 0.0));
        if sampled.is_ok() {
            for ((row, id), index) in batch.rows.iter().zip(&batch.ids).zip(&batch.indices) {
                assert_eq!(u64::from(serial_of(row)), *id);
                assert_eq!(row, rows.get(*index as usize));
                assert!(model.iter().any(|row| row.0 == *id && row.1 > 0.0));
            }
            let (mut returns, mut by_row) = (NStepBatch::default(), NStepBatch::default());
            buffer.rows().gather_n_step(&batch.indices, 3, 0.5, &mut returns).unwrap();
            rows.gather_n_step(&batch.indices, 3, 0.5, &mut by_row).unwrap();
            assert_eq!((&returns.rows.obs, &returns), (&batch.rows.obs, &by_row));
        }
    }
}

fn config(file: &'static str) -> ProptestConfig {
    ProptestConfig {
        cases: 1000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/ring.txt")))]

    #[test]
    fn the_ring_is_a_queue(capacity in 1..9usize, lanes in 0..4usize, ops in prop::collection::vec(op(), 0..60)) {
        run(capacity, lanes, ops);
    }
}

proptest! {
    #![proptest_config(config(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/prioritized.txt")))]

    #[test]
    fn priorities_stay_with_their_rows(
        lanes in 1..4usize,
        ops in prop::collection::vec((0..12u8, any::<u64>()), 0..60),
    ) {
        run_prioritized(lanes, ops);
    }
}

/// Cases that a mistake is likely to break, whatever proptest draws.
#[test]
fn picked_by_hand() {
    use End::{Running, Terminated, Truncated};
    let pushes = |ends: &[End]| ends.iter().copied().map(Op::Push).collect::<Vec<_>>();
    // A window may not begin before the oldest row, though the episode did.
    run(3, 1, [pushes(&[Running; 7]), vec![Op::Windows(3, 0), Op::Windows(4, 0)]].concat());
    // Returns stop at an end, at a cut and at the newest row.
    let ended = pushes(&[Running, Running, Truncated, Running, Terminated, Running]);
    run(6, 1, [ended, (0..9).map(|seed| Op::NSteps(4, seed)).collect()].concat());
    let cut = [pushes(&[Running; 3]), vec![Op::Cut], pushes(&[Running; 3]), vec![Op::Windows(4, 0)]].concat();
    run(
        6,
        1,
        [cut.clone(), vec![Op::Windows(3, 0), Op::SaveAndLoad, Op::Windows(3, 0), Op::NSteps(4, 0)]].concat(),
    );
    run(6, 1, [cut, vec![Op::Cut, Op::SaveAndLoad, Op::Push(Running), Op::Windows(3, 0)]].concat());
    // Shrinking a buffer that has wrapped, pushing on, growing, wrapping again.
    let wrapped = pushes(&[Running, Running, Terminated, Running, Running, Truncated, Running]);
    run(4, 1, [wrapped.clone(), vec![Op::Resize(2), Op::Windows(2, 1)], wrapped.clone()].concat());
    run(4, 1, [wrapped.clone(), vec![Op::Resize(8)], wrapped.clone(), wrapped.clone()].concat());
    // Lanes: a half-finished step, then a change of capacity and a cut.
    let ops = [wrapped.clone(), vec![Op::Resize(2), Op::Cut, Op::SaveAndLoad], wrapped.clone()].concat();
    for len in 1..4 {
        run(3, 2, [ops.clone(), vec![Op::Windows(len, 2), Op::NSteps(len, 3)]].concat());
    }
    // Rows that continue nothing, through everything that could forget it.
    let one = vec![Op::Windows(1, 0), Op::Windows(2, 0), Op::NSteps(3, 0), Op::NSteps(3, 1)];
    for between in [Op::Resize(8), Op::Resize(2), Op::SaveAndLoad, Op::Clone, Op::Cut, Op::Clear] {
        let ops = [wrapped.clone(), vec![between], wrapped.clone(), one.clone()].concat();
        run(4, 0, [vec![Op::Extend(vec![Running; 3])], one.clone(), ops].concat());
    }
    // One row, one lane a row.
    run(1, 1, [wrapped.clone(), vec![Op::Windows(1, 0), Op::Windows(2, 0), Op::NSteps(3, 0)]].concat());
    run(1, 3, [wrapped, vec![Op::Windows(1, 0), Op::Windows(2, 0), Op::NSteps(3, 0)]].concat());
}

/// News of a row that was overwritten, and of rows whose places move as the capacity changes.
#[test]
fn picked_by_hand_with_priorities() {
    let (push, resize, save, cut, clear, update) = (0, 5, 6, 7, 8, 9);
    let pushes = |n| vec![(push, 0); n];
    for lanes in [1, 2, 3] {
        let run_prioritized = |ops: Vec<Vec<(u8, u64)>>| run_prioritized(lanes, ops.concat());
        // Row 1 is gone when its priority, 7.01, arrives; row 6 is in its place.
        run_prioritized(vec![pushes(7), vec![(update, 6), (update, 701)]]);
        run_prioritized(vec![
            pushes(8),
            vec![(update, 7), (update, 14), (resize, 6), (update, 15)],
            pushes(3),
        ]);
        run_prioritized(vec![pushes(8), vec![(update, 7), (resize, 2), (save, 0), (resize, 7)], pushes(9)]);
        // News of rows that were cleared away, and cuts in the middle of a step of the lanes.
        run_prioritized(vec![pushes(8), vec![(update, 7), (clear, 0), (update, 7)], pushes(9)]);
        run_prioritized(vec![pushes(7), vec![(cut, 0), (save, 0)], pushes(4), vec![(cut, 1)], pushes(20)]);
    }
}
