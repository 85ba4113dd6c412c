//! Rows cut into blocks of a fixed size, so that the bits do not depend on the number of threads.

use rayon::prelude::*;

/// Rows of one block: with 200 wide layers, a block and the weights that it meets stay in the second-level cache.
pub(crate) const ROWS: usize = 64;

/// Work below this many multiplications is not worth waking another thread for.
const WORTH: usize = 1 << 20;

/// Calls `work` with the number of each block and its part of `out`, `len` numbers; `products` is the cost of all.
pub(crate) fn each_block(
    out: &mut [f32],
    len: usize,
    products: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    if worth(products) && out.len() > len {
        out.par_chunks_mut(len).enumerate().for_each(|(i, out)| work(i, out));
    } else {
        out.chunks_mut(len).enumerate().for_each(|(i, out)| work(i, out));
    }
}

/// The same for two outputs.
pub(crate) fn each_block_of_two(
    (a, a_len): (&mut [f32], usize),
    (b, b_len): (&mut [f32], usize),
    products: usize,
    work: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    if worth(products) && a.len() > a_len {
        a.par_chunks_mut(a_len)
            .zip(b.par_chunks_mut(b_len))
            .enumerate()
            .for_each(|(i, (a, b))| work(i, a, b));
    } else {
        a.chunks_mut(a_len).zip(b.chunks_mut(b_len)).enumerate().for_each(|(i, (a, b))| work(i, a, b));
    }
}

/// Calls `work` with each member and each of its blocks, and the part of `out` that is theirs: members are `member` numbers
/// long, and blocks of them `block`. `products` is the cost of all.
pub(crate) fn each_member_block(
    out: &mut [f32],
    (member, block): (usize, usize),
    products: usize,
    work: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    if worth(products) {
        out.par_chunks_mut(member).enumerate().for_each(|(i, out)| {
            out.par_chunks_mut(block).enumerate().for_each(|(j, out)| work(i, j, out));
        });
    } else {
        for (i, out) in out.chunks_mut(member).enumerate() {
            out.chunks_mut(block).enumerate().for_each(|(j, out)| work(i, j, out));
        }
    }
}

/// The same for two outputs of equal length.
pub(crate) fn each_member_block_of_two(
    (a, b): (&mut [f32], &mut [f32]),
    (member, block): (usize, usize),
    products: usize,
    work: impl Fn(usize, usize, &mut [f32], &mut [f32]) + Sync,
) {
    if worth(products) {
        a.par_chunks_mut(member).zip(b.par_chunks_mut(member)).enumerate().for_each(|(i, (a, b))| {
            let blocks = a.par_chunks_mut(block).zip(b.par_chunks_mut(block));
            blocks.enumerate().for_each(|(j, (a, b))| work(i, j, a, b));
        });
    } else {
        for (i, (a, b)) in a.chunks_mut(member).zip(b.chunks_mut(member)).enumerate() {
            let blocks = a.chunks_mut(block).zip(b.chunks_mut(block));
            blocks.enumerate().for_each(|(j, (a, b))| work(i, j, a, b));
        }
    }
}

/// Whether so much work is worth sharing.
pub(crate) fn worth(products: usize) -> bool {
    products >= WORTH && rayon::current_num_threads() > 1
}
