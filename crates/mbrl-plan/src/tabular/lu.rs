//! Dense linear systems: LU decomposition with partial pivoting (Golub & Van Loan, Matrix Computations, 3.4).

use mbrl_core::{Error, Result};

/// A square matrix, decomposed: PA = LU.
pub(super) struct Lu {
    n: usize,
    /// U on and above the diagonal, L below it without its ones: `[n, n]`.
    factors: Vec<f64>,
    /// With which row each row was exchanged, in order.
    exchanged: Vec<usize>,
}

impl Lu {
    /// Decomposes `matrix`, `[n, n]`.
    pub(super) fn new(n: usize, mut matrix: Vec<f64>) -> Result<Lu> {
        assert_eq!(matrix.len(), n * n, "numbers of a square matrix");
        let mut exchanged = Vec::with_capacity(n);
        for k in 0..n {
            let larger = |a: &usize, b: &usize| matrix[a * n + k].abs().total_cmp(&matrix[b * n + k].abs());
            // Of equally large pivots the last is taken; going backwards makes that the first.
            let pivot = (k..n).rev().max_by(larger).unwrap_or(k);
            exchanged.push(pivot);
            let (upper, lower) = matrix.split_at_mut((k + 1) * n);
            let row = &mut upper[k * n..];
            if pivot > k {
                row.swap_with_slice(&mut lower[(pivot - k - 1) * n..][..n]);
            }
            let size = row[k].abs();
            if !(size > 0.0 && size.is_finite()) {
                return Err(Error::invalid(format_args!(
                    "a linear system of {n} equations has no one solution"
                )));
            }
            for other in lower.chunks_exact_mut(n) {
                let factor = other[k] / row[k];
                other[k] = factor;
                for (o, r) in other[k + 1..].iter_mut().zip(&row[k + 1..]) {
                    *o -= factor * r;
                }
            }
        }
        Ok(Lu { n, factors: matrix, exchanged })
    }

    /// Turns b into the x with Ax = b.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let n = self.n;
        for (k, &pivot) in self.exchanged.iter().enumerate() {
            b.swap(k, pivot);
        }
        for i in 0..n {
            b[i] -= dot(&self.row(i)[..i], &b[..i]);
        }
        for i in (0..n).rev() {
            b[i] = (b[i] - dot(&self.row(i)[i + 1..], &b[i + 1..])) / self.row(i)[i];
        }
    }

    /// Turns b into the x with Aᵀx = b.
    pub(super) fn solve_transposed(&self, b: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            b[i] /= self.row(i)[i];
            let x = b[i];
            b[i + 1..].iter_mut().zip(&self.row(i)[i + 1..]).for_each(|(b, u)| *b -= u * x);
        }
        for i in (0..n).rev() {
            let x = b[i];
            b[..i].iter_mut().zip(&self.row(i)[..i]).for_each(|(b, l)| *b -= l * x);
        }
        for (k, &pivot) in self.exchanged.iter().enumerate().rev() {
            b.swap(k, pivot);
        }
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.factors[i * self.n..(i + 1) * self.n]
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_zero_on_the_diagonal_is_no_obstacle() {
        // The rows of a permuted triangle: each pivot has to be fetched from below.
        let lu = Lu::new(3, vec![0.0, 0.0, 2.0, 0.0, 4.0, 1.0, 8.0, 1.0, 1.0]).unwrap();
        let mut b = [2.0, 9.0, 11.0];
        lu.solve(&mut b);
        assert_eq!(b.map(f64::to_bits), [1.0f64, 2.0, 1.0].map(f64::to_bits));
        let mut b = [8.0, 9.0, 5.0];
        lu.solve_transposed(&mut b);
        assert_eq!(b.map(f64::to_bits), [1.0f64, 2.0, 1.0].map(f64::to_bits));
    }

    #[test]
    fn singular_systems_are_refused() {
        for matrix in [[1.0, 2.0, 2.0, 4.0], [0.0; 4], [f64::NAN, 1.0, 1.0, 1.0]] {
            assert!(Lu::new(2, matrix.to_vec()).is_err_and(|e| e.is_invalid()), "{matrix:?}");
        }
    }

    proptest! {
        #[test]
        fn solutions_solve(matrix in prop::collection::vec(-1.0f64..1.0, 49), x in prop::collection::vec(-1.0f64..1.0, 7)) {
            let Ok(lu) = Lu::new(7, matrix.clone()) else { return Ok(()) };
            for transposed in [false, true] {
                let entry = |i: usize, j: usize| if transposed { matrix[7 * j + i] } else { matrix[7 * i + j] };
                let product = |x: &[f64]| -> Vec<f64> {
                    (0..7).map(|i| (0..7).map(|j| entry(i, j) * x[j]).sum()).collect()
                };
                let b = product(&x);
                let mut found = b.clone();
                if transposed { lu.solve_transposed(&mut found) } else { lu.solve(&mut found) }
                // Partial pivoting is backward stable for matrices of this size: the residual is small against |A| |x|.
                let size = found.iter().map(|x| x.abs()).sum::<f64>().max(1.0);
                for (again, b) in product(&found).iter().zip(&b) {
                    prop_assert!((again - b).abs() < 1e-13 * size, "{again} for {b}");
                }
            }
        }
    }
}
