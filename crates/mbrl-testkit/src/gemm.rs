//! A product of matrices by the `gemm` crate: what the engine is held against.
#![allow(unsafe_code)]

/// c = a·b, for squares of `side` numbers a side, row by row, on so many threads of the pool that it is called in.
///
/// # Panics
///
/// Where one of them is not that large.
pub fn multiply_squares(side: usize, a: &[f32], b: &[f32], c: &mut [f32], threads: usize) {
    assert!([a.len(), b.len(), c.len()] == [side * side; 3], "three squares");
    let parallelism = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
    let (column, row) = (1, side as isize);
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    // SAFETY: all three hold `side` rows of `side` numbers at these strides, and `c` is borrowed alone.
    unsafe {
        gemm::gemm(
            side,
            side,
            side,
            c,
            column,
            row,
            false,
            a,
            column,
            row,
            b,
            column,
            row,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yardstick_multiplies() {
        let (a, b, mut c) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0; 4]);
        multiply_squares(2, &a, &b, &mut c, 1);
        assert_eq!(c.map(f32::to_bits), [19.0f32, 22.0, 43.0, 50.0].map(f32::to_bits));
    }
}
