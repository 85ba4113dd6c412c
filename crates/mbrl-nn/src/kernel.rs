//! The product of two matrices, in registers: the one file with unsafe code.
//!
//! The matrices of these networks are small (a layer of 200 by 200 is 160 kB) and stay in the second-level cache, so
//! nothing is packed: rows of the right operand are read as vectors where they lie, numbers of the left one are spread
//! over a vector each. A tile of 8 rows by 3 vectors is held in registers while the inner dimension runs by.
//!
//! Each element is its start plus its products added in the order of the inner dimension, whatever the tile it is in: the
//! bits do not depend on how rows are cut into batches, nor (given fused multiply-add) on the width of the vectors.
#![allow(unsafe_code)]

use pulp::{Simd, WithSimd};

/// The left operand `[m, k]`: element (i, p) is at `i · row + p · col`, so that a transposed matrix is one, too.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row: usize,
    pub(crate) col: usize,
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// Nothing.
    Zero,
    /// A row `[n]`, to each row.
    Bias(&'a [f32]),
    /// What the output holds.
    Output,
}

/// Sizes of a product: `[m, k] · [k, n]`.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
}

/// `c = start + a · b`, with `b` `[k, n]` and `c` `[m, n]` row-major without gaps.
///
/// # Panics
///
/// Where an operand is shorter than its shape says.
pub(crate) fn matmul(shape: Shape, a: Left<'_>, b: &[f32], start: Start<'_>, c: &mut [f32]) {
    matmul_on(pulp::Arch::new(), shape, a, b, start, c);
}

/// The same with an instruction set of one's choice.
#[inline(always)]
pub(crate) fn matmul_on(
    arch: pulp::Arch,
    shape: Shape,
    a: Left<'_>,
    b: &[f32],
    start: Start<'_>,
    c: &mut [f32],
) {
    let Shape { m, k, n } = shape;
    if m == 0 || n == 0 {
        return;
    }
    assert!(k == 0 || (m - 1) * a.row + (k - 1) * a.col < a.data.len(), "left operand");
    assert!(k * n <= b.len() && m * n <= c.len(), "right operand and output");
    let (first, copies) = match start {
        Start::Zero => (None, false),
        Start::Bias(bias) => {
            assert!(n <= bias.len(), "bias");
            (Some(bias.as_ptr()), false)
        }
        Start::Output => (Some(c.as_ptr()), true),
    };
    let left = Strided { at: a.data.as_ptr(), row: a.row, col: a.col };
    let product = Product {
        m,
        k,
        n,
        a: left,
        b: b.as_ptr(),
        c: c.as_mut_ptr(),
        start: first,
        start_row: if copies { n } else { 0 },
    };
    // SAFETY of what follows: the assertions above are the bounds that `Product` promises, and the borrows of `a`, `b`,
    // `c` and `start` outlive the call.
    run(arch, product);
}

fn run(arch: pulp::Arch, product: Product) {
    match arch {
        // Without vectors of its own, four lanes at a time become whatever the machine has.
        pulp::Arch::Scalar => Simd::vectorize(pulp::Scalar128b, product),
        #[allow(unreachable_patterns, reason = "there are architectures without others")]
        arch => arch.dispatch(product),
    }
}

struct Strided {
    at: *const f32,
    row: usize,
    col: usize,
}

/// A product whose pointers are good for its sizes: `a` for `[m, k]` at its strides, `b` for `[k, n]`, `c` for `[m, n]`, and
/// `start`, where there is one, for `[m, n]` at rows `start_row` apart.
struct Product {
    m: usize,
    k: usize,
    n: usize,
    a: Strided,
    b: *const f32,
    c: *mut f32,
    start: Option<*const f32>,
    start_row: usize,
}

impl WithSimd for Product {
    type Output = ();

    /// Columns in panels as wide as a tile, then narrower ones.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let mut j = 0;
        while S::REGISTER_COUNT >= 32 && j + 3 * lanes <= self.n {
            self.panel::<S, 3>(simd, j, lanes);
            j += 3 * lanes;
        }
        while j + 2 * lanes <= self.n {
            self.panel::<S, 2>(simd, j, lanes);
            j += 2 * lanes;
        }
        while j + lanes <= self.n {
            self.panel::<S, 1>(simd, j, lanes);
            j += lanes;
        }
        if j < self.n {
            self.panel::<S, 1>(simd, j, self.n - j);
        }
    }
}

impl Product {
    /// The columns from `j` on: `VECTORS` vectors, of the last of which `valid` lanes.
    #[inline(always)]
    fn panel<S: Simd, const VECTORS: usize>(&self, simd: S, j: usize, valid: usize) {
        let mut i = 0;
        while S::REGISTER_COUNT >= 32 && i + 8 <= self.m {
            self.tile::<S, 8, VECTORS>(simd, i, j, valid);
            i += 8;
        }
        while S::REGISTER_COUNT < 32 && i + 6 <= self.m {
            self.tile::<S, 6, VECTORS>(simd, i, j, valid);
            i += 6;
        }
        while i + 4 <= self.m {
            self.tile::<S, 4, VECTORS>(simd, i, j, valid);
            i += 4;
        }
        if i + 2 <= self.m {
            self.tile::<S, 2, VECTORS>(simd, i, j, valid);
            i += 2;
        }
        if i < self.m {
            self.tile::<S, 1, VECTORS>(simd, i, j, valid);
        }
    }

    /// Rows `i..i + ROWS` of the columns from `j` on.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        i: usize,
        j: usize,
        valid: usize,
    ) {
        if VECTORS > 1 || valid == S::F32_LANES {
            self.columns::<S, ROWS, VECTORS>(simd, i, j, WholeVectors);
        } else {
            self.columns::<S, ROWS, VECTORS>(simd, i, j, simd.mask_between_m32s(0, valid as u32));
        }
    }

    #[inline(always)]
    fn columns<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        i: usize,
        j: usize,
        access: impl Access<S>,
    ) {
        // SAFETY: the caller keeps `i + ROWS ≤ m`, and the lanes that `access` touches of `VECTORS` vectors from column `j`
        // on within `n`, so every address below is within what the fields of `Product` promise.
        unsafe {
            let mut sum = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            if let Some(start) = self.start {
                for r in 0..ROWS {
                    for v in 0..VECTORS {
                        let from = start.add((i + r) * self.start_row + j + v * S::F32_LANES);
                        sum[r][v] = access.load(simd, from);
                    }
                }
            }
            let mut a = self.a.at.add(i * self.a.row);
            let mut b = self.b.add(j);
            for _ in 0..self.k {
                let mut right = [simd.splat_f32s(0.0); VECTORS];
                for v in 0..VECTORS {
                    right[v] = access.load(simd, b.add(v * S::F32_LANES));
                }
                for r in 0..ROWS {
                    let left = simd.splat_f32s(*a.add(r * self.a.row));
                    for v in 0..VECTORS {
                        sum[r][v] = simd.mul_add_e_f32s(left, right[v], sum[r][v]);
                    }
                }
                // Beyond the end after the last round, and not read there.
                a = a.wrapping_add(self.a.col);
                b = b.wrapping_add(self.n);
            }
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    let to = self.c.add((i + r) * self.n + j + v * S::F32_LANES);
                    access.store(simd, to, sum[r][v]);
                }
            }
        }
    }
}

/// Which lanes of a vector in memory are touched.
trait Access<S: Simd>: Copy {
    /// # Safety
    ///
    /// `from` is good for reading the lanes that this touches; the others read as zero.
    unsafe fn load(self, simd: S, from: *const f32) -> S::f32s;

    /// # Safety
    ///
    /// `to` is good for writing the lanes that this touches.
    unsafe fn store(self, simd: S, to: *mut f32, values: S::f32s);
}

#[derive(Clone, Copy)]
struct WholeVectors;

impl<S: Simd> Access<S> for WholeVectors {
    #[inline(always)]
    unsafe fn load(self, _: S, from: *const f32) -> S::f32s {
        // SAFETY: as the caller promises; a vector of floats has no invalid bits and no alignment is assumed.
        unsafe { from.cast::<S::f32s>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, _: S, to: *mut f32, values: S::f32s) {
        // SAFETY: as above.
        unsafe { to.cast::<S::f32s>().write_unaligned(values) }
    }
}

/// The first lanes only.
impl<S: Simd> Access<S> for pulp::MemMask<S::m32s> {
    #[inline(always)]
    unsafe fn load(self, simd: S, from: *const f32) -> S::f32s {
        // SAFETY: as the caller promises of the lanes that are set.
        unsafe { simd.mask_load_ptr_f32s(self, from) }
    }

    #[inline(always)]
    unsafe fn store(self, simd: S, to: *mut f32, values: S::f32s) {
        // SAFETY: as above.
        unsafe { simd.mask_store_ptr_f32s(self, to, values) }
    }
}
