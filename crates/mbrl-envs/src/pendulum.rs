//! The pendulum swing-up of Gymnasium's `Pendulum-v1`: a torque too weak to lift the pendulum at once.
//!
//! State (θ, ω), θ = 0 upright. One step of semi-implicit Euler:
//! ω' = clip(ω + (3g/2l · sin θ + 3/ml² · u) dt, ±8), θ' = θ + ω' dt, with g = 10, m = l = 1, dt = 0.05, |u| ≤ 2.
//! The reward is −(θ² + 0.1 ω² + 0.001 u²) with θ in [−π, π), before the step.

use crate::{Chance, Form, Observed, Shape, Sketch, System};
use mbrl_core::{ChaCha8Rng, Space, Spec};
use rand::Rng;
use std::f64::consts::PI;

/// Swing a pendulum up and hold it there: observed as (cos θ, sin θ, ω), moved by a torque of at most 2.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pendulum;

const DT: f64 = 0.05;
pub(crate) const MAX_TORQUE: f64 = 2.0;
pub(crate) const MAX_SPEED: f64 = 8.0;

impl System for Pendulum {
    /// (θ, ω)
    type State = [f64; 2];

    fn spec(&self) -> Spec {
        Spec::new(
            Space::symmetric_each(&[1.0, 1.0, MAX_SPEED as f32]),
            Space::symmetric_each(&[MAX_TORQUE as f32]),
        )
    }

    fn horizon(&self) -> u32 {
        200
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 2] {
        [rng.random_range(-PI..PI), rng.random_range(-1.0..1.0)]
    }

    fn advance(&self, &[theta, omega]: &[f64; 2], act: &[f32], _: Chance<'_>) -> [f64; 2] {
        let torque = f64::from(act[0]).clamp(-MAX_TORQUE, MAX_TORQUE);
        let omega = (omega + (15.0 * theta.sin() + 3.0 * torque) * DT).clamp(-MAX_SPEED, MAX_SPEED);
        [theta + omega * DT, omega]
    }

    fn observe(&self, &[theta, omega]: &[f64; 2], obs: &mut [f32]) {
        let (sin, cos) = theta.sin_cos();
        obs.copy_from_slice(&[cos as f32, sin as f32, omega as f32]);
    }

    fn reward(&self, obs: &[f32], act: &[f32], _: &[f32]) -> f64 {
        let [theta, omega] = self.state(obs);
        let torque = f64::from(act[0]).clamp(-MAX_TORQUE, MAX_TORQUE);
        -(theta * theta + 0.1 * omega * omega + 0.001 * torque * torque)
    }

    /// θ is counted counterclockwise, as the reference draws it.
    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let (sin, cos) = self.state(obs)[0].sin_cos();
        let rod = Form::Rod { ends: [[0.0, 0.0], [-sin, cos]], radius: 0.08 };
        let pivot = Form::Disc { center: [0.0, 0.0], radius: 0.04 };
        Some(Sketch {
            view: [[-1.2, -1.2], [1.2, 1.2]],
            shapes: vec![Shape::body(rod), Shape::scenery(pivot)],
        })
    }
}

impl Observed for Pendulum {
    fn state(&self, obs: &[f32]) -> [f64; 2] {
        [f64::from(obs[1]).atan2(f64::from(obs[0])), f64::from(obs[2])]
    }
}
