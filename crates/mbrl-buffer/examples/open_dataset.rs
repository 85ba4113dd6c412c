//! How long opening a dataset takes, and how much memory at the most.
//!
//! ```text
//! cargo run --release -p mbrl-buffer --features hdf5,npz --example open_dataset -- FILE
//! ```
//!
//! The large files, and how long h5py takes for them: `reference/datasets.py`.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and prints")]

use mbrl_buffer::{Error, Recording, Result};
use std::time::Instant;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).ok_or_else(|| Error::invalid("name a dataset"))?;
    let begun = Instant::now();
    let recording = Recording::open(path)?;
    let seconds = begun.elapsed().as_secs_f64();
    let (rows, dims) = (recording.rows().len(), recording.rows().dims());
    // Two observations, an action and a reward in single precision, the end, and where it came from.
    let bytes = rows * (4 * (2 * dims.obs + dims.act + 1) + 1 + size_of::<mbrl_core::Origin>());
    println!(
        "{rows} rows of {} episodes in {seconds:.3} s, {:.0} MB",
        recording.episodes().count(),
        bytes as f64 / 1e6
    );
    if let Some(peak) = peak() {
        println!("{peak:.0} MB of memory at the most, {:.2} times the rows", peak * 1e6 / bytes as f64);
    }
    Ok(())
}

/// Megabytes that this process held at the most, where the system says so.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0 / 1e6)
}
