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
    let holds = |rows: usize, columns: usize, len: usize| {
        rows.checked_mul(columns).is_some_and(|needed| needed <= len)
    };
    let last = |count: usize, step: usize| (count - 1).checked_mul(step);
    let left = || last(m, a.row)?.checked_add(last(k, a.col)?);
    assert!(k == 0 || left().is_some_and(|last| last < a.data.len()), "left operand");
    assert!(holds(k, n, b.len()) && holds(m, n, c.len()), "right operand and output");
    let c = c.as_mut_ptr();
    let (start, start_row) = match start {
        Start::Zero => (None, 0),
        Start::Bias(bias) => {
            assert!(n <= bias.len(), "bias");
            (Some(bias.as_ptr()), 0)
        }
        Start::Output => (Some(c.cast_const()), n),
    };
    let left = Strided { at: a.data.as_ptr(), row: a.row, col: a.col };
    // The assertions are what `Product` promises; the borrows outlive the call.
    run(arch, Product { m, k, n, a: left, b: b.as_ptr(), c, start, start_row });
}

fn run(arch: pulp::Arch, product: Product) {
    match arch {
        // Four lanes at a time are what every machine has; a fused multiply-add is not, and would be a call each.
        pulp::Arch::Scalar => Simd::vectorize(pulp::Scalar128b, Panels::<false>(product)),
        #[allow(unreachable_patterns, reason = "there are architectures without others")]
        arch => arch.dispatch(Panels::<true>(product)),
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

/// A product to be computed in vectors, with a fused multiply-add or without.
struct Panels<const FUSED: bool>(Product);

impl<const FUSED: bool> WithSimd for Panels<FUSED> {
    type Output = ();

    /// Columns in panels as wide as a tile, then narrower ones.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Panels(product) = self;
        let (n, lanes) = (product.n, S::F32_LANES);
        let mut j = 0;
        // SAFETY: each panel begins at `j` and ends at or before `n`.
        unsafe {
            while S::REGISTER_COUNT >= 32 && j + 3 * lanes <= n {
                product.panel::<S, FUSED, 3>(simd, j, lanes);
                j += 3 * lanes;
            }
            while j + 2 * lanes <= n {
                product.panel::<S, FUSED, 2>(simd, j, lanes);
                j += 2 * lanes;
            }
            while j + lanes <= n {
                product.panel::<S, FUSED, 1>(simd, j, lanes);
                j += lanes;
            }
            if j < n {
                product.panel::<S, FUSED, 1>(simd, j, n - j);
            }
        }
    }
}

impl Product {
    /// The columns from `j` on: `VECTORS` vectors, of the last of which `valid` lanes.
    ///
    /// # Safety
    ///
    /// These columns are below `n`; only a single vector may have fewer valid lanes than it has.
    #[inline(always)]
    unsafe fn panel<S: Simd, const FUSED: bool, const VECTORS: usize>(
        &self,
        simd: S,
        j: usize,
        valid: usize,
    ) {
        let mut i = 0;
        // SAFETY: the columns as the caller promises; each tile's rows end at or before `m`.
        unsafe {
            while S::REGISTER_COUNT >= 32 && i + 8 <= self.m {
                self.tile::<S, FUSED, 8, VECTORS>(simd, i, j, valid);
                i += 8;
            }
            while S::REGISTER_COUNT < 32 && i + 6 <= self.m {
                self.tile::<S, FUSED, 6, VECTORS>(simd, i, j, valid);
                i += 6;
            }
            while i + 4 <= self.m {
                self.tile::<S, FUSED, 4, VECTORS>(simd, i, j, valid);
                i += 4;
            }
            if i + 2 <= self.m {
                self.tile::<S, FUSED, 2, VECTORS>(simd, i, j, valid);
                i += 2;
            }
            if i < self.m {
                self.tile::<S, FUSED, 1, VECTORS>(simd, i, j, valid);
            }
        }
    }

    /// Rows `i..i + ROWS` of the columns from `j` on.
    ///
    /// # Safety
    ///
    /// As of [`panel`](Product::panel), and `i + ROWS ≤ m`.
    #[inline(always)]
    unsafe fn tile<S: Simd, const FUSED: bool, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        i: usize,
        j: usize,
        valid: usize,
    ) {
        // SAFETY: as the caller promises; of a vector that is not whole the mask touches the valid lanes alone.
        unsafe {
            if VECTORS > 1 || valid == S::F32_LANES {
                self.columns::<S, FUSED, ROWS, VECTORS>(simd, i, j, WholeVectors);
            } else {
                let mask = simd.mask_between_m32s(0, valid as u32);
                self.columns::<S, FUSED, ROWS, VECTORS>(simd, i, j, mask);
            }
        }
    }

    /// # Safety
    ///
    /// `i + ROWS ≤ m`, and the lanes that `access` touches of `VECTORS` vectors from column `j` on are below `n`.
    #[inline(always)]
    unsafe fn columns<S: Simd, const FUSED: bool, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        i: usize,
        j: usize,
        access: impl Access<S>,
    ) {
        // SAFETY: with the caller's promise every address below is within what the fields of `Product` promise.
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
            // Where the inner dimension is empty these point nowhere, as they do after the last round, and nothing is read.
            let mut a = self.a.at.wrapping_add(i * self.a.row);
            let mut b = self.b.wrapping_add(j);
            for _ in 0..self.k {
                let mut right = [simd.splat_f32s(0.0); VECTORS];
                for v in 0..VECTORS {
                    right[v] = access.load(simd, b.add(v * S::F32_LANES));
                }
                for r in 0..ROWS {
                    let left = simd.splat_f32s(*a.add(r * self.a.row));
                    for v in 0..VECTORS {
                        sum[r][v] = if FUSED {
                            simd.mul_add_e_f32s(left, right[v], sum[r][v])
                        } else {
                            simd.add_f32s(simd.mul_f32s(left, right[v]), sum[r][v])
                        };
                    }
                }
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
