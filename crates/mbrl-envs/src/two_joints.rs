//! Two joints or sliders and their integration: what the cart-pole, the acrobot and the reacher share.
//!
//! Positions q and velocities v move by q̇ = v, v̇ = a(q, v), where the acceleration solves M(q) a = b(q, v) for a
//! symmetric 2×2 mass matrix. One step is the classic fourth-order Runge–Kutta method with the force held.

/// One Runge–Kutta step of length `dt` of (q1, q2, v1, v2) under the acceleration `a(q, v)`.
///
/// Energy of a motion without losses drifts by O(dt⁴) over a fixed time.
#[inline]
pub(crate) fn rk4(
    dt: f64,
    &[q1, q2, v1, v2]: &[f64; 4],
    a: impl Fn([f64; 2], [f64; 2]) -> [f64; 2],
) -> [f64; 4] {
    let (q, va) = ([q1, q2], [v1, v2]);
    let along = |x: [f64; 2], h: f64, slope: [f64; 2]| [x[0] + h * slope[0], x[1] + h * slope[1]];
    let aa = a(q, va);
    let vb = along(va, dt / 2.0, aa);
    let ab = a(along(q, dt / 2.0, va), vb);
    let vc = along(va, dt / 2.0, ab);
    let ac = a(along(q, dt / 2.0, vb), vc);
    let vd = along(va, dt, ac);
    let ad = a(along(q, dt, vc), vd);
    let mean = |i: usize, a: [f64; 2], b: [f64; 2], c: [f64; 2], d: [f64; 2]| {
        dt / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i])
    };
    [
        q1 + mean(0, va, vb, vc, vd),
        q2 + mean(1, va, vb, vc, vd),
        v1 + mean(0, aa, ab, ac, ad),
        v2 + mean(1, aa, ab, ac, ad),
    ]
}

/// A symmetric mass matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mass {
    pub(crate) m11: f64,
    pub(crate) m12: f64,
    pub(crate) m22: f64,
}

impl Mass {
    pub(crate) fn det(self) -> f64 {
        self.m11 * self.m22 - self.m12 * self.m12
    }

    /// The acceleration that the force `b` causes.
    pub(crate) fn solve(self, [b1, b2]: [f64; 2]) -> [f64; 2] {
        let det = self.det();
        [(self.m22 * b1 - self.m12 * b2) / det, (self.m11 * b2 - self.m12 * b1) / det]
    }

    /// ½ vᵀ M v.
    #[cfg(test)]
    pub(crate) fn kinetic(self, v1: f64, v2: f64) -> f64 {
        0.5 * (self.m11 * v1 * v1 + 2.0 * self.m12 * v1 * v2 + self.m22 * v2 * v2)
    }
}

/// The largest drift of `energy` over `time` when `step` makes steps of `dt`: for the tests of conservation.
#[cfg(test)]
pub(crate) fn drift<const N: usize>(
    mut state: [f64; N],
    (time, dt): (f64, f64),
    step: impl Fn(&[f64; N]) -> [f64; N],
    energy: impl Fn(&[f64; N]) -> f64,
) -> f64 {
    let first = energy(&state);
    (0..(time / dt).round() as usize).fold(0.0, |worst: f64, _| {
        state = step(&state);
        worst.max((energy(&state) - first).abs())
    })
}
