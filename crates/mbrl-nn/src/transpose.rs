//! A matrix turned on its side, a square of eight by eight in registers at a time.

/// Numbers on the side of a square.
const SIDE: usize = 8;

type Square = [[f32; SIDE]; SIDE];

/// Writes `a` `[rows, columns]` as `[columns, rows]`.
pub(crate) fn transpose(a: &[f32], rows: usize, columns: usize, out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        // Left to itself the compiler moves numbers one by one, four times slower.
        struct Turn<'a>(pulp::x86::V3, &'a [f32], usize, usize, &'a mut [f32]);
        impl pulp::NullaryFnOnce for Turn<'_> {
            type Output = ();
            #[inline(always)]
            fn call(self) {
                squares(self.1, self.2, self.3, self.4, |square| avx(self.0, square));
            }
        }
        return simd.vectorize(Turn(simd, a, rows, columns, out));
    }
    squares(a, rows, columns, out, plain);
}

#[inline(always)]
fn squares(a: &[f32], rows: usize, columns: usize, out: &mut [f32], turn: impl Fn(Square) -> Square) {
    let (whole_rows, whole_columns) = (rows - rows % SIDE, columns - columns % SIDE);
    for i in (0..whole_rows).step_by(SIDE) {
        for j in (0..whole_columns).step_by(SIDE) {
            let mut square = [[0.0; SIDE]; SIDE];
            for (r, row) in square.iter_mut().enumerate() {
                row.copy_from_slice(&a[(i + r) * columns + j..][..SIDE]);
            }
            for (c, column) in turn(square).iter().enumerate() {
                out[(j + c) * rows + i..][..SIDE].copy_from_slice(column);
            }
        }
    }
    for i in 0..rows {
        let from = if i < whole_rows { whole_columns } else { 0 };
        for j in from..columns {
            out[j * rows + i] = a[i * columns + j];
        }
    }
}

fn plain(square: Square) -> Square {
    std::array::from_fn(|c| std::array::from_fn(|r| square[r][c]))
}

/// Pairs of rows are interleaved, then pairs of pairs, then halves are exchanged.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx(simd: pulp::x86::V3, square: Square) -> Square {
    // Written out: a closure within `map` would not be compiled for the instruction set, and be called instead.
    let avx = simd.avx;
    let [a, b, c, d, e, f, g, h]: [[f32; SIDE]; SIDE] = square;
    let (upper, lower) = (
        quads(avx, pulp::cast(a), pulp::cast(b), pulp::cast(c), pulp::cast(d)),
        quads(avx, pulp::cast(e), pulp::cast(f), pulp::cast(g), pulp::cast(h)),
    );
    [
        pulp::cast(avx._mm256_permute2f128_ps::<0x20>(upper.0, lower.0)),
        pulp::cast(avx._mm256_permute2f128_ps::<0x20>(upper.1, lower.1)),
        pulp::cast(avx._mm256_permute2f128_ps::<0x20>(upper.2, lower.2)),
        pulp::cast(avx._mm256_permute2f128_ps::<0x20>(upper.3, lower.3)),
        pulp::cast(avx._mm256_permute2f128_ps::<0x31>(upper.0, lower.0)),
        pulp::cast(avx._mm256_permute2f128_ps::<0x31>(upper.1, lower.1)),
        pulp::cast(avx._mm256_permute2f128_ps::<0x31>(upper.2, lower.2)),
        pulp::cast(avx._mm256_permute2f128_ps::<0x31>(upper.3, lower.3)),
    ]
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256;

/// Four rows as four columns in each half.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn quads(
    avx: pulp::core_arch::x86::Avx,
    a: __m256,
    b: __m256,
    c: __m256,
    d: __m256,
) -> (__m256, __m256, __m256, __m256) {
    let (ab, ab_high) = (avx._mm256_unpacklo_ps(a, b), avx._mm256_unpackhi_ps(a, b));
    let (cd, cd_high) = (avx._mm256_unpacklo_ps(c, d), avx._mm256_unpackhi_ps(c, d));
    (
        avx._mm256_shuffle_ps::<0x44>(ab, cd),
        avx._mm256_shuffle_ps::<0xee>(ab, cd),
        avx._mm256_shuffle_ps::<0x44>(ab_high, cd_high),
        avx._mm256_shuffle_ps::<0xee>(ab_high, cd_high),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        for (rows, columns) in [(1, 1), (3, 5), (8, 8), (8, 16), (17, 70), (70, 17), (24, 9)] {
            let a: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let (mut out, mut slow) = (vec![0.0; a.len()], vec![0.0; a.len()]);
            transpose(&a, rows, columns, &mut out);
            squares(&a, rows, columns, &mut slow, plain);
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let exact = a[i * columns + j].to_bits();
                assert_eq!([out[j * rows + i].to_bits(), slow[j * rows + i].to_bits()], [exact; 2]);
            }
        }
    }
}
