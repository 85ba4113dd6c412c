//! Singular values of small matrices, each to its own precision.

/// A matrix A as W Vᵀ, where the columns of W are orthogonal and V is a rotation: the lengths of the columns are the
/// singular values.
///
/// Hestenes' one-sided Jacobi method: columns are turned in pairs until all are orthogonal. Unlike the eigenvalues of A Aᵀ,
/// small singular values are not lost beside large ones.
pub(super) struct Svd {
    /// The columns of W, one after the other.
    pub(super) w: Vec<Vec<f64>>,
    /// The columns of V.
    pub(super) v: Vec<Vec<f64>>,
}

impl Svd {
    /// Of the square matrix that has these columns, which must be finite.
    pub(super) fn new(columns: Vec<Vec<f64>>) -> Self {
        let n = columns.len();
        let unit = |i: usize| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect();
        let mut svd = Svd { w: columns, v: (0..n).map(unit).collect() };
        // Convergence is quadratic after the first few sweeps; of the matrices one meets, none needs ten.
        for _ in 0..60 {
            if !svd.sweep() {
                break;
            }
        }
        svd
    }

    /// Turns each pair of columns once, and says whether any had to be.
    fn sweep(&mut self) -> bool {
        let n = self.w.len();
        let mut turned = false;
        for i in 0..n {
            for j in i + 1..n {
                let dot = product(&self.w[i], &self.w[j]);
                let (a, b) = (product(&self.w[i], &self.w[i]), product(&self.w[j], &self.w[j]));
                if dot.abs() <= ORTHOGONAL * a.sqrt() * b.sqrt() {
                    continue;
                }
                turned = true;
                let zeta = (b - a) / (2.0 * dot);
                let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cosine = tangent.hypot(1.0).recip();
                for columns in [&mut self.w, &mut self.v] {
                    let (left, right) = columns.split_at_mut(j);
                    for (x, y) in left[i].iter_mut().zip(&mut right[0]) {
                        (*x, *y) = (cosine * (*x - tangent * *y), cosine * (*y + tangent * *x));
                    }
                }
            }
        }
        turned
    }
}

/// The cosine of the angle up to which columns count as orthogonal.
const ORTHOGONAL: f64 = 1e-15;

pub(super) fn product(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}
