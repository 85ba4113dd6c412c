//! What decided how rows lie in memory: gathering random rows out of a million, from interleaved records (the replay
//! buffer), from arrays, and as plain copies of records, which is as fast as it can be.
//!
//! `cargo run --release -p mbrl-buffer --example layout`

#![expect(clippy::disallowed_methods, reason = "an example is its own clock")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use mbrl_buffer::{Dims, End, Key, NStepBatch, Origin, ReplayBuffer, Result, Transition, TransitionBatch};
use std::hint::black_box;
use std::time::Instant;

const ROWS: usize = 1_000_000;
const BATCH: usize = 256;
const ROUNDS: usize = 4_000;
const DIMS: Dims = Dims { obs: 17, act: 6 };

/// The other layout: one array a field.
struct Arrays {
    obs: Vec<f32>,
    act: Vec<f32>,
    next_obs: Vec<f32>,
    reward: Vec<f32>,
    end: Vec<End>,
    origin: Vec<Origin>,
}

impl Arrays {
    fn gather(&self, indices: &[u32], batch: &mut TransitionBatch) {
        batch.reshape(indices.len(), DIMS);
        // Looking at the cache lines first, as the replay buffer does, makes this one slower: it has twice as many.
        for (k, &i) in indices.iter().enumerate() {
            let i = i as usize;
            batch.obs.row_mut(k).copy_from_slice(&self.obs[i * DIMS.obs..][..DIMS.obs]);
            batch.act.row_mut(k).copy_from_slice(&self.act[i * DIMS.act..][..DIMS.act]);
            batch.next_obs.row_mut(k).copy_from_slice(&self.next_obs[i * DIMS.obs..][..DIMS.obs]);
            batch.reward[k] = self.reward[i];
            batch.end[k] = self.end[i];
            batch.origin[k] = self.origin[i];
        }
    }
}

fn main() -> Result<()> {
    let mut buffer = ReplayBuffer::new(DIMS, ROWS)?;
    let mut arrays = Arrays {
        obs: vec![0.0; ROWS * DIMS.obs],
        act: vec![0.0; ROWS * DIMS.act],
        next_obs: vec![0.0; ROWS * DIMS.obs],
        reward: vec![0.0; ROWS],
        end: vec![End::Running; ROWS],
        origin: vec![Origin::World; ROWS],
    };
    let width = buffer.bytes_per_row() / size_of::<f32>();
    let mut records = vec![0.0f32; ROWS * width];
    for i in 0..ROWS {
        let x = i as f32;
        let (obs, act, next_obs) = ([x; DIMS.obs], [0.5; DIMS.act], [x + 1.0; DIMS.obs]);
        let end = if i % 1000 == 999 { End::Truncated } else { End::Running };
        let origin = Origin::World;
        buffer.push(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward: x, end, origin })?;
        arrays.obs[i * DIMS.obs..][..DIMS.obs].fill(x);
        arrays.act[i * DIMS.act..][..DIMS.act].fill(0.5);
        arrays.next_obs[i * DIMS.obs..][..DIMS.obs].fill(x + 1.0);
        (arrays.reward[i], arrays.end[i]) = (x, end);
        records[i * width..][..width].fill(x);
    }

    let (mut batch, mut copies) = (TransitionBatch::new(DIMS), vec![0.0f32; BATCH * width]);
    let mut returns = NStepBatch::new(DIMS);
    let mut times = [const { Vec::new() }; 5];
    // In turn, so that a busy neighbour disturbs all alike; each layout meets every set of indices with its own caches.
    for round in 0..ROUNDS {
        let key = Key::root(round as u64);
        let indices: Vec<u32> = (0..BATCH as u64).map(|i| (key.at(i).bits() % ROWS as u64) as u32).collect();
        let start = Instant::now();
        for (to, &i) in copies.chunks_exact_mut(width).zip(black_box(&indices)) {
            to.copy_from_slice(&records[i as usize * width..][..width]);
        }
        black_box(&copies);
        times[0].push(start.elapsed().as_nanos());

        let start = Instant::now();
        buffer.gather(black_box(&indices), &mut batch)?;
        black_box(&batch);
        times[1].push(start.elapsed().as_nanos());

        let start = Instant::now();
        arrays.gather(black_box(&indices), &mut batch);
        black_box(&batch);
        times[2].push(start.elapsed().as_nanos());

        let start = Instant::now();
        buffer.sample(BATCH, black_box(key), &mut batch)?;
        black_box(&batch);
        times[3].push(start.elapsed().as_nanos());

        let start = Instant::now();
        buffer.sample_n_step(BATCH, 3, 0.99, black_box(key), &mut returns)?;
        black_box(&returns);
        times[4].push(start.elapsed().as_nanos());
    }

    println!("{BATCH} random rows of {ROWS}, obs {}, act {}: median of {ROUNDS}", DIMS.obs, DIMS.act);
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2] as f64
    });
    let names =
        ["copies of records", "gather, records", "gather, arrays", "sample, records", "3 steps, records"];
    for (name, median) in names.into_iter().zip(medians) {
        let (row, share) = (median / BATCH as f64, medians[0] / median);
        println!("{name:18} {row:6.1} ns a row, {share:.2} of the speed of copying");
    }
    Ok(())
}
