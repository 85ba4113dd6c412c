//! Passes over rows that are not matrix products: sums and dot products.
//!
//! Sums run over sixteen lanes in a fixed order, whatever vectors the machine has.

use crate::vectorized::vectorized;

const LANES: usize = 16;

/// Σ aᵢ·bᵢ.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    fold(lanes) + rest
}

/// Σ aᵢ.
#[inline(always)]
pub(crate) fn sum(a: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let a = a.chunks_exact(LANES);
    let rest: f32 = a.remainder().iter().sum();
    for a in a {
        for i in 0..LANES {
            lanes[i] += a[i];
        }
    }
    fold(lanes) + rest
}

#[inline(always)]
fn fold(lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    let mut lanes = lanes;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Brings numbers into the cache in the order in which they lie, which is faster than as a product meets them: in strips of
/// a few numbers a row.
pub(crate) fn fetch(x: &[f32]) {
    std::hint::black_box(x.iter().step_by(LANES).sum::<f32>());
}

const WIDE: usize = 4 * LANES;

vectorized! {
    /// Writes the dot product of each row of `x` `[rows, w]` with `w`, plus `bias`.
    pub(crate) fn dots(x: &[f32], w: &[f32], bias: f32, y: &mut [f32]) -> () {
        for (x, y) in x.chunks_exact(w.len()).zip(y) {
            *y = bias + dot(x, w);
        }
    }

    /// Writes the sum of each column of `x` `[rows, width]`.
    pub(crate) fn column_sums(x: &[f32], width: usize, sums: &mut [f32]) -> () {
        let mut from = 0;
        for sums in sums.chunks_mut(WIDE) {
            let mut lanes = [0.0; WIDE];
            for row in x.chunks_exact(width) {
                let row = &row[from..from + sums.len()];
                if let Some(row) = row.first_chunk::<WIDE>() {
                    for i in 0..WIDE {
                        lanes[i] += row[i];
                    }
                } else {
                    for (sum, x) in lanes.iter_mut().zip(row) {
                        *sum += x;
                    }
                }
            }
            sums.copy_from_slice(&lanes[..sums.len()]);
            from += sums.len();
        }
    }

    /// a ← a·b, number by number.
    pub(crate) fn multiply(a: &mut [f32], b: &[f32]) -> () {
        a.iter_mut().zip(b).for_each(|(a, b)| *a *= b);
    }

    /// a ← a + b, number by number.
    pub(crate) fn add(a: &mut [f32], b: &[f32]) -> () {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_over_odd_sizes_are_exact_on_whole_numbers() {
        for (rows, columns) in [(1, 1), (3, 5), (8, 16), (17, 70), (70, 17), (9, 130)] {
            let a: Vec<f32> = (0..rows * columns).map(|i| (i * 7 % 13) as f32 - 6.0).collect();
            let mut sums = vec![0.0; columns];
            column_sums(&a, columns, &mut sums);
            for j in 0..columns {
                let column: Vec<f32> = (0..rows).map(|i| a[i * columns + j]).collect();
                assert_eq!(sums[j].to_bits(), sum(&column).to_bits());
            }
            let w: Vec<f32> = (0..columns).map(|j| (j % 5) as f32).collect();
            let mut y = vec![0.0; rows];
            dots(&a, &w, 2.0, &mut y);
            for (row, y) in a.chunks(columns).zip(y) {
                let exact = 2.0 + row.iter().zip(&w).map(|(a, b)| a * b).sum::<f32>();
                assert_eq!(y.to_bits(), exact.to_bits());
            }
        }
    }
}
