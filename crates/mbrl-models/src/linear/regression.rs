//! Bayesian linear regression of several outputs on shared inputs, in square-root form.
//!
//! With prior precision Λ₀ and data (X, Y) the posterior precision is Λ = Λ₀ + XᵀX and its mean M = Λ⁻¹XᵀY. What is kept
//! is not Λ but its Cholesky factor R (Λ = RᵀR), with z = R M and the residual sums of squares: each row is rotated into
//! [R z] by plane rotations (Gentleman 1974, algorithm AS 75), and what is left of it is its contribution to the residuals.
//! Neither squares the condition of X, and no difference of large squares is taken, as YᵀY − MᵀΛM would.

/// Precision, mean and residuals, after any number of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Regression {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// [R z], `[inputs, inputs + outputs]`: below the diagonal of R are zeros.
    pub(super) root: Vec<f64>,
    /// The least of ‖y − Xw‖² + wᵀΛ₀w, `[outputs]`.
    pub(super) residual: Vec<f64>,
    /// The number of rows.
    pub(super) rows: u64,
}

impl Regression {
    /// No data: Λ₀ = `precision` I, around 0.
    pub(super) fn new(inputs: usize, outputs: usize, precision: f64) -> Self {
        let width = inputs + outputs;
        let mut root = vec![0.0; inputs * width];
        (0..inputs).for_each(|i| root[i * width + i] = precision.sqrt());
        Regression { inputs, outputs, root, residual: vec![0.0; outputs], rows: 0 }
    }

    /// Takes a row into account, `[inputs + outputs]`, and uses it up.
    pub(super) fn add(&mut self, row: &mut [f64]) {
        let width = self.inputs + self.outputs;
        for (i, kept) in self.root.chunks_exact_mut(width).enumerate() {
            let (pivot, number) = (kept[i], row[i]);
            let length = pivot.hypot(number);
            let (cos, sin) = (pivot / length, number / length);
            for (kept, new) in kept[i..].iter_mut().zip(&mut row[i..]) {
                (*kept, *new) = (cos * *kept + sin * *new, cos * *new - sin * *kept);
            }
        }
        for (sum, left) in self.residual.iter_mut().zip(&row[self.inputs..]) {
            *sum += left * left;
        }
        self.rows += 1;
    }

    /// M, `[outputs, inputs]`.
    pub(super) fn mean(&self) -> Vec<f64> {
        let width = self.inputs + self.outputs;
        let mut mean = vec![0.0; self.outputs * self.inputs];
        for (output, weights) in mean.chunks_exact_mut(self.inputs).enumerate() {
            let column = self.root.iter().skip(self.inputs + output).step_by(width);
            weights.iter_mut().zip(column).for_each(|(w, z)| *w = *z);
            self.solve(weights);
        }
        mean
    }

    /// Λ, `[inputs, inputs]`.
    pub(super) fn precision(&self) -> Vec<f64> {
        let (inputs, width) = (self.inputs, self.inputs + self.outputs);
        let mut precision = vec![0.0; inputs * inputs];
        for row in self.root.chunks_exact(width) {
            for (i, out) in precision.chunks_exact_mut(inputs).enumerate() {
                out.iter_mut().zip(row).for_each(|(out, x)| *out += row[i] * x);
            }
        }
        precision
    }

    /// Replaces v by R⁻¹v: of standard normal numbers, a draw with covariance Λ⁻¹.
    pub(super) fn solve(&self, v: &mut [f64]) {
        let width = self.inputs + self.outputs;
        for i in (0..self.inputs).rev() {
            let row = &self.root[i * width..][..self.inputs];
            let known: f64 = row[i + 1..].iter().zip(&v[i + 1..]).map(|(r, x)| r * x).sum();
            v[i] = (v[i] - known) / row[i];
        }
    }

    /// xᵀΛ⁻¹x, by replacing x with R⁻ᵀx.
    pub(super) fn leverage(&self, x: &mut [f64]) -> f64 {
        let width = self.inputs + self.outputs;
        for i in 0..self.inputs {
            let row = &self.root[i * width..][..self.inputs];
            x[i] /= row[i];
            let (known, rest) = x.split_at_mut(i + 1);
            rest.iter_mut().zip(&row[i + 1..]).for_each(|(x, r)| *x -= r * known[i]);
        }
        x.iter().map(|x| x * x).sum()
    }

    /// ln det Λ.
    pub(super) fn ln_det(&self) -> f64 {
        let width = self.inputs + self.outputs;
        2.0 * (0..self.inputs).map(|i| self.root[i * width + i].ln()).sum::<f64>()
    }
}
