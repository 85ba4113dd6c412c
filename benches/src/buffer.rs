//! The replay buffer.

use crate::{Case, Pair, Share};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Dims, End, Key, Origin, RngCore, Transition, TransitionBatch};
use std::hint::black_box;

const DIMS: Dims = Dims { obs: 17, act: 6 };
const ROWS: usize = 1_000_000;
const BATCH: usize = 256;
/// Numbers in a record of everything that belongs to a row: two observations, an action, a reward, an end and an origin.
const RECORD: usize = 2 * DIMS.obs + DIMS.act + 3;

pub(crate) const GATHER: Case = Case {
    group: "buffer",
    name: "buffer/gather/o17a6/b256/n1e6",
    threads: 1,
    floor: "copying the same rows as contiguous records",
    share: Share::OfTime,
    target: 0.5,
    items: BATCH as u64,
    prepare: || Pair { work: gather(), floor: copy_records() },
};

pub(crate) const SAMPLE: Case = Case {
    group: "buffer",
    name: "buffer/sample/o17a6/b256/n1e6",
    threads: 1,
    floor: "copying as many rows as contiguous records",
    share: Share::OfTime,
    target: 0.4,
    items: BATCH as u64,
    prepare: || Pair { work: sample(), floor: copy_records() },
};

pub(crate) const PUSH: Case = Case {
    group: "buffer",
    name: "buffer/push/o17a6/b256",
    threads: 1,
    floor: "copying as many records one after another",
    share: Share::OfTime,
    target: 0.2,
    items: BATCH as u64,
    prepare: push,
};

fn transition<'a>(i: usize, obs: &'a mut [f32; DIMS.obs], act: &'a mut [f32; DIMS.act]) -> Transition<'a> {
    obs.fill(i as f32);
    act.fill(-(i as f32));
    let end = if i % 1000 == 999 { End::Truncated } else { End::Running };
    Transition { obs, act, next_obs: obs, reward: 1.0, end, origin: Origin::World }
}

fn full() -> ReplayBuffer {
    let mut buffer = ReplayBuffer::new(DIMS, ROWS).expect("room for a million rows");
    let (mut obs, mut act) = ([0.0; DIMS.obs], [0.0; DIMS.act]);
    for i in 0..ROWS {
        buffer.push(transition(i, &mut obs, &mut act)).expect("a row");
    }
    buffer
}

/// Fresh random rows for every call, so that nothing is found in a cache by luck.
fn random_rows() -> impl FnMut() -> [u32; BATCH] {
    let mut rng = Key::root(1).rng();
    let mut bytes = [0; 4 * BATCH];
    move || {
        rng.fill_bytes(&mut bytes);
        std::array::from_fn(|i| {
            let word =
                u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
            ((u64::from(word) * ROWS as u64) >> 32) as u32
        })
    }
}

fn gather() -> Box<dyn FnMut()> {
    let (buffer, mut rows, mut batch) = (full(), random_rows(), TransitionBatch::new(DIMS));
    Box::new(move || {
        buffer.gather(&rows(), &mut batch).expect("rows that exist");
        black_box(&mut batch);
    })
}

fn sample() -> Box<dyn FnMut()> {
    let (buffer, mut batch, mut t) = (full(), TransitionBatch::new(DIMS), 0);
    Box::new(move || {
        t += 1;
        buffer.sample(BATCH, Key::root(2).at(t), &mut batch).expect("a full buffer");
        black_box(&mut batch);
    })
}

fn copy_records() -> Box<dyn FnMut()> {
    let records: Vec<f32> = (0..ROWS * RECORD).map(|i| i as f32).collect();
    let (mut rows, mut out) = (random_rows(), vec![0.0; BATCH * RECORD]);
    Box::new(move || {
        for (out, row) in out.chunks_exact_mut(RECORD).zip(rows()) {
            let start = row as usize * RECORD;
            out.copy_from_slice(&records[start..start + RECORD]);
        }
        black_box(&mut out);
    })
}

fn push() -> Pair {
    let (mut buffer, mut i) = (full(), 0);
    let (mut obs, mut act) = ([0.0; DIMS.obs], [0.0; DIMS.act]);
    let work = move || {
        for _ in 0..BATCH {
            i += 1;
            buffer.push(transition(i, &mut obs, &mut act)).expect("a row");
        }
    };
    let (mut ring, mut at, record) = (vec![0.0f32; ROWS * RECORD], 0, [1.0; RECORD]);
    let floor = move || {
        for _ in 0..BATCH {
            ring[at..at + RECORD].copy_from_slice(black_box(&record));
            at = (at + RECORD) % (ROWS * RECORD);
        }
        black_box(&mut ring);
    };
    Pair { work: Box::new(work), floor: Box::new(floor) }
}
