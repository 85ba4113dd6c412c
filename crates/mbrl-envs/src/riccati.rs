//! The exact optimum of the LQR: the Riccati recursion in two dimensions with one input.
//!
//! With k steps to go the optimal cost is xᵀPx + c, which is 0 with none to go. One step earlier, with S = R + γ BᵀPB,
//! K = γ BᵀPA / S, Σ = diag(σ²):
//!
//! P' = Q + γ Aᵀ P A − Kᵀ S K, c' = γ (c + tr PΣ), u = −K x.

use crate::lqr::{A, B, Q, R, SIGMA};
use mbrl_core::{Error, Result};

/// The optimal controller of an episode, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Riccati {
    /// What to do in each step, and what may be expected from there to the end.
    pub stages: Vec<Stage>,
}

/// The optimum of one step of an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// K of the optimal action u = −K x.
    pub gain: [f64; 2],
    /// P of the value −(xᵀPx + c).
    pub cost: [[f64; 2]; 2],
    /// c of the value −(xᵀPx + c): what the noise will cost.
    pub noise_cost: f64,
}

impl Stage {
    /// The optimal action in `x`.
    pub fn act(&self, x: [f64; 2]) -> f64 {
        -(self.gain[0] * x[0] + self.gain[1] * x[1])
    }

    /// The expected return from `x` on.
    pub fn value(&self, x: [f64; 2]) -> f64 {
        let p = &self.cost;
        -(p[0][0] * x[0] * x[0] + 2.0 * p[0][1] * x[0] * x[1] + p[1][1] * x[1] * x[1] + self.noise_cost)
    }

    /// The optimum one step earlier.
    fn earlier(&self, discount: f64) -> Stage {
        let p = &self.cost;
        // PA and PB.
        let pa: [[f64; 2]; 2] =
            std::array::from_fn(|i| std::array::from_fn(|j| p[i][0] * A[0][j] + p[i][1] * A[1][j]));
        let pb: [f64; 2] = std::array::from_fn(|i| p[i][0] * B[0] + p[i][1] * B[1]);
        let s = R + discount * (B[0] * pb[0] + B[1] * pb[1]);
        let gain: [f64; 2] = std::array::from_fn(|j| discount * (B[0] * pa[0][j] + B[1] * pa[1][j]) / s);
        let entry = |i: usize, j: usize| {
            let now = if i == j { Q[i] } else { 0.0 };
            now + discount * (A[0][i] * pa[0][j] + A[1][i] * pa[1][j]) - gain[i] * s * gain[j]
        };
        // One number for both, so that rounding cannot make the matrix lopsided.
        let off = entry(0, 1);
        let noise = p[0][0] * SIGMA[0] * SIGMA[0] + p[1][1] * SIGMA[1] * SIGMA[1];
        Stage {
            gain,
            cost: [[entry(0, 0), off], [off, entry(1, 1)]],
            noise_cost: discount * (self.noise_cost + noise),
        }
    }
}

/// After the last step.
const END: Stage = Stage { gain: [0.0; 2], cost: [[0.0; 2]; 2], noise_cost: 0.0 };

pub(crate) fn finite(steps: u32, discount: f64) -> Result<Riccati> {
    if !(0.0..=1.0).contains(&discount) || steps == 0 {
        return Err(Error::invalid(format_args!(
            "{steps} steps, discount {discount}: expected at least 1, and 0 to 1"
        )));
    }
    let earlier = |stage: &Stage| Some(stage.earlier(discount));
    let mut stages: Vec<Stage> =
        std::iter::successors(Some(END), earlier).skip(1).take(steps as usize).collect();
    stages.reverse();
    Ok(Riccati { stages })
}

pub(crate) fn stationary(discount: f64) -> Result<Stage> {
    if !(0.0..1.0).contains(&discount) {
        return Err(Error::invalid(format_args!("discount {discount}: expected at least 0 and below 1")));
    }
    let mut stage = END;
    // The cost matrix converges geometrically, and faster than the discount: this is far past standing still.
    for _ in 0..10_000 {
        stage = stage.earlier(discount);
    }
    // The constant converges only as fast as the discount: c = γ (c + tr PΣ), solved.
    let p = &stage.cost;
    let noise = p[0][0] * SIGMA[0] * SIGMA[0] + p[1][1] * SIGMA[1] * SIGMA[1];
    Ok(Stage { noise_cost: discount * noise / (1.0 - discount), ..stage })
}
