//! The cart-pole of Gymnasium's `CartPole-v1` with a continuous action: mbrl-lib's `cartpole_continuous`.
//!
//! State (x, v, θ, ω), θ = 0 upright. With the force F = 10 clip(a, ±1), cart mass 1, pole mass 0.1, M = 1.1, half length
//! 0.5, p = 0.05:
//!
//! - t = (F + p ω² sin θ) / M
//! - ω̇ = (9.8 sin θ − cos θ · t) / (0.5 (4/3 − 0.1 cos² θ / M)), v̇ = t − p ω̇ cos θ / M
//!
//! and one step of explicit Euler with dt = 0.02. The reward is 1 a step, that which falls included. The episode
//! terminates where |x| > 2.4 or |θ| > 12°.

use crate::sketch::cart_and_pole;
use crate::{Chance, Observed, Sketch, System};
use mbrl_core::{ChaCha8Rng, Space, Spec};
use rand::Rng;
use std::f64::consts::PI;

/// Balance a pole on a cart: observed as (x, v, θ, ω), pushed with ten times an action from [−1, 1].
#[derive(Clone, Copy, Debug, Default)]
pub struct Cartpole;

const DT: f64 = 0.02;
const FORCE: f64 = 10.0;
const GRAVITY: f64 = 9.8;
const POLE_MASS: f64 = 0.1;
const TOTAL_MASS: f64 = 1.1;
const HALF_LENGTH: f64 = 0.5;
const POLE_MOMENT: f64 = POLE_MASS * HALF_LENGTH;
const X_LIMIT: f64 = 2.4;
const ANGLE_LIMIT: f64 = 12.0 * 2.0 * PI / 360.0;

impl System for Cartpole {
    /// (x, v, θ, ω)
    type State = [f64; 4];

    fn spec(&self) -> Spec {
        // As in Gymnasium: within the limits no motion is fast enough to leave twice the limits in the step that falls.
        Spec::new(
            Space::symmetric_each(&[
                2.0 * X_LIMIT as f32,
                f32::INFINITY,
                2.0 * ANGLE_LIMIT as f32,
                f32::INFINITY,
            ]),
            Space::symmetric_each(&[1.0]),
        )
    }

    fn horizon(&self) -> u32 {
        200
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 4] {
        std::array::from_fn(|_| rng.random_range(-0.05..0.05))
    }

    fn advance(&self, &[x, v, theta, omega]: &[f64; 4], act: &[f32], _: Chance<'_>) -> [f64; 4] {
        let force = FORCE * f64::from(act[0]).clamp(-1.0, 1.0);
        let (sin, cos) = theta.sin_cos();
        let t = (force + POLE_MOMENT * (omega * omega) * sin) / TOTAL_MASS;
        let alpha =
            (GRAVITY * sin - cos * t) / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS));
        let acceleration = t - POLE_MOMENT * alpha * cos / TOTAL_MASS;
        [x + DT * v, v + DT * acceleration, theta + DT * omega, omega + DT * alpha]
    }

    fn observe(&self, state: &[f64; 4], obs: &mut [f32]) {
        obs.copy_from_slice(&state.map(|x| x as f32));
    }

    fn reward(&self, _: &[f32], _: &[f32], _: &[f32]) -> f64 {
        1.0
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let [x, _, theta, _] = self.state(obs);
        Some(Sketch { view: [[-2.7, -0.3], [2.7, 1.2]], shapes: cart_and_pole(x, theta, X_LIMIT, 0.05) })
    }

    /// A reward of 1 a step to the horizon: a linear controller gets it all (tested), and nobody gets more.
    fn optimal_return(&self) -> Option<f64> {
        Some(f64::from(self.horizon()))
    }

    fn terminated(&self, next_obs: &[f32]) -> bool {
        f64::from(next_obs[0]).abs() > X_LIMIT || f64::from(next_obs[2]).abs() > ANGLE_LIMIT
    }
}

impl Observed for Cartpole {
    fn state(&self, obs: &[f32]) -> [f64; 4] {
        std::array::from_fn(|i| f64::from(obs[i]))
    }
}
