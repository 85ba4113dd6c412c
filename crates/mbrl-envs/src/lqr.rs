//! A linear system with quadratic costs and Gaussian noise, whose optimum is known in closed form.
//!
//! State x = (position, velocity), x' = A x + B u + σ ∘ n with n standard normal and
//!
//! - A = [1, 0.1; 0, 1], B = [0.005; 0.1]: a unit mass pushed by the force u for 0.1 s
//! - σ = (0.005, 0.02), u = clip(a, ±8)
//!
//! The reward is −(xᵀQx + R u²) of the state before the step, Q = diag(1, 0.1), R = 0.1. Episodes start uniformly in
//! [−1, 1]² and have 50 steps; nothing terminates. The noise generator makes no number beyond 6.66, so an optimal
//! controller never meets the bound of its action, and what [`Lqr::riccati`] says is exact.

use crate::riccati::{self, Riccati, Stage};
use crate::{Chance, Form, Observed, Shape, Sketch, System};
use mbrl_core::{ChaCha8Rng, NoiseSpec, Result, Space, Spec};
use rand::Rng;

/// Bring a mass to rest at the origin: observed as (position, velocity), pushed by a force of at most 8.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lqr;

/// The matrices of the problem.
pub(crate) const A: [[f64; 2]; 2] = [[1.0, 0.1], [0.0, 1.0]];
pub(crate) const B: [f64; 2] = [0.005, 0.1];
pub(crate) const Q: [f64; 2] = [1.0, 0.1];
pub(crate) const R: f64 = 0.1;
/// Standard deviations of the noise.
pub(crate) const SIGMA: [f64; 2] = [0.005, 0.02];
const MAX_FORCE: f64 = 8.0;
/// Episodes start between its negative and it.
const START: f64 = 1.0;

impl Lqr {
    /// The optimal controller of an episode of `steps` steps, with its value.
    pub fn riccati(&self, steps: u32, discount: f64) -> Result<Riccati> {
        riccati::finite(steps, discount)
    }

    /// The optimal controller of an episode without end, the same at every step, with its value: where the recursion of
    /// [`riccati`](Lqr::riccati) stands still. The discount must be below 1.
    pub fn stationary(&self, discount: f64) -> Result<Stage> {
        riccati::stationary(discount)
    }

    /// The mean of a stage's value over the starts of episodes.
    pub fn expected_start_value(&self, stage: &Stage) -> f64 {
        // E x xᵀ of the uniform distribution is a third of the squared bound.
        -(stage.cost[0][0] + stage.cost[1][1]) * START * START / 3.0 - stage.noise_cost
    }
}

impl System for Lqr {
    /// (position, velocity)
    type State = [f64; 2];

    fn spec(&self) -> Spec {
        let far = f32::INFINITY;
        Spec::new(Space::symmetric_each(&[far, far]), Space::symmetric_each(&[MAX_FORCE as f32]))
    }

    fn horizon(&self) -> u32 {
        50
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 2] {
        std::array::from_fn(|_| rng.random_range(-START..START))
    }

    fn advance(&self, x: &[f64; 2], act: &[f32], chance: Chance<'_>) -> [f64; 2] {
        let u = f64::from(act[0]).clamp(-MAX_FORCE, MAX_FORCE);
        std::array::from_fn(|i| {
            A[i][0] * x[0] + A[i][1] * x[1] + B[i] * u + SIGMA[i] * f64::from(chance.normals[i])
        })
    }

    fn observe(&self, x: &[f64; 2], obs: &mut [f32]) {
        obs.copy_from_slice(&x.map(|x| x as f32));
    }

    fn reward(&self, obs: &[f32], act: &[f32], _: &[f32]) -> f64 {
        let x = self.state(obs);
        let u = f64::from(act[0]).clamp(-MAX_FORCE, MAX_FORCE);
        -(Q[0] * x[0] * x[0] + Q[1] * x[1] * x[1] + R * u * u)
    }

    /// A mass on a line that is brought to the mark in its middle.
    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let [x, _] = self.state(obs);
        Some(Sketch {
            view: [[-1.5, -0.2], [1.5, 0.4]],
            shapes: vec![
                Shape::scenery(Form::Line(vec![[-1.4, 0.0], [1.4, 0.0]])),
                Shape::goal(Form::rectangle([0.0, 0.0], 0.02, 0.15)),
                Shape::body(Form::rectangle([x, 0.1], 0.12, 0.1)),
            ],
        })
    }

    /// By the Riccati recursion; starts are uniform and noise is independent, so the mean is exact.
    fn optimal_return(&self) -> Option<f64> {
        let riccati = self.riccati(self.horizon(), 1.0).ok()?;
        Some(self.expected_start_value(&riccati.stages[0]))
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 2, uniforms: 0 }
    }
}

impl Observed for Lqr {
    fn state(&self, obs: &[f32]) -> [f64; 2] {
        [f64::from(obs[0]), f64::from(obs[1])]
    }
}
