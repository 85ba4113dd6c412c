//! The acrobot of DM Control's `acrobot` domain, task `swingup`: two arms, driven at the elbow alone.
//!
//! State (q1, q2, ω1, ω2): q1 the upper arm's angle from upright, q2 the elbow. Both arms have mass 1, length 1 and
//! their centre at 0.5. M(q2) (ω̇1, ω̇2) = b with k = ½ sin q2, u = clip(a, ±1):
//!
//! - m11 = I1 + I2 + 1.5 + cos q2, m12 = I2 + 0.25 + ½ cos q2, m22 = I2 + 0.25
//! - b1 = k (2 ω1 ω2 + ω2²) + g (1.5 sin q1 + ½ sin(q1 + q2)) − 0.05 ω1
//! - b2 = −k ω1² + ½ g sin(q1 + q2) − 0.05 ω2 + 2 u
//!
//! One Runge–Kutta step of 0.01 s. The reward is 1 where the tip of the successor is within 0.2 of the point right
//! above, two arms up, and 0.1^(d²) at d beyond that. Nothing terminates.

use crate::two_joints::{Mass, rk4};
use crate::{Chance, Form, Observed, Shape, Sketch, System};
use mbrl_core::{ChaCha8Rng, Space, Spec};
use rand::Rng;
use std::f64::consts::{LN_10, PI};

/// Swing two arms up and hold them, driven at the elbow: observed as the sines, then the cosines, of the two arms'
/// angles from upright, then (ω1, ω2).
#[derive(Clone, Copy, Debug)]
pub struct AcrobotSwingup {
    dt: f64,
    damping: f64,
}

/// Capsules of cylinder length 1, of radius 0.05 and 0.049, about their centres.
const UPPER_INERTIA: f64 = 0.0955703125;
const LOWER_INERTIA: f64 = 0.09530365719649561;
const GRAVITY: f64 = 9.81;
const TORQUE: f64 = 2.0;
const TARGET_RADIUS: f64 = 0.2;

impl Default for AcrobotSwingup {
    fn default() -> Self {
        AcrobotSwingup { dt: 0.01, damping: 0.05 }
    }
}

impl AcrobotSwingup {
    fn mass(cos: f64) -> Mass {
        Mass {
            m11: UPPER_INERTIA + LOWER_INERTIA + 1.5 + cos,
            m12: LOWER_INERTIA + 0.25 + 0.5 * cos,
            m22: LOWER_INERTIA + 0.25,
        }
    }

    fn acceleration(&self, torque: f64, [q1, q2]: [f64; 2], [w1, w2]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = q2.sin_cos();
        let k = 0.5 * sin;
        let (upper, lower) = (q1.sin(), (q1 + q2).sin());
        let b1 = k * (2.0 * w1 * w2 + w2 * w2) + GRAVITY * (1.5 * upper + 0.5 * lower) - self.damping * w1;
        let b2 = -k * w1 * w1 + GRAVITY * 0.5 * lower - self.damping * w2 + torque;
        Self::mass(cos).solve([b1, b2])
    }
}

impl System for AcrobotSwingup {
    /// (q1, q2, ω1, ω2)
    type State = [f64; 4];

    fn spec(&self) -> Spec {
        let far = f32::INFINITY;
        Spec::new(Space::symmetric_each(&[1.0, 1.0, 1.0, 1.0, far, far]), Space::symmetric_each(&[1.0]))
    }

    fn horizon(&self) -> u32 {
        1000
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 4] {
        [rng.random_range(-PI..PI), rng.random_range(-PI..PI), 0.0, 0.0]
    }

    fn advance(&self, state: &[f64; 4], act: &[f32], _: Chance<'_>) -> [f64; 4] {
        let torque = TORQUE * f64::from(act[0]).clamp(-1.0, 1.0);
        rk4(self.dt, state, |q, w| self.acceleration(torque, q, w))
    }

    fn observe(&self, &[q1, q2, w1, w2]: &[f64; 4], obs: &mut [f32]) {
        let (upper, lower) = (q1.sin_cos(), (q1 + q2).sin_cos());
        obs.copy_from_slice(&[upper.0, lower.0, upper.1, lower.1, w1, w2].map(|x| x as f32));
    }

    fn reward(&self, _: &[f32], _: &[f32], next_obs: &[f32]) -> f64 {
        let [sin1, sin2, cos1, cos2] = std::array::from_fn(|i| f64::from(next_obs[i]));
        let beyond = (sin1 + sin2).hypot(2.0 - cos1 - cos2) - TARGET_RADIUS;
        if beyond <= 0.0 { 1.0 } else { (beyond * beyond * -LN_10).exp() }
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let [q1, q2, ..] = self.state(obs);
        let (upper, lower) = (q1.sin_cos(), (q1 + q2).sin_cos());
        let elbow = [upper.0, upper.1];
        let tip = [elbow[0] + lower.0, elbow[1] + lower.1];
        Some(Sketch {
            view: [[-2.25, -2.25], [2.25, 2.25]],
            shapes: vec![
                Shape::goal(Form::Disc { center: [0.0, 2.0], radius: TARGET_RADIUS }),
                Shape::body(Form::Rod { ends: [[0.0, 0.0], elbow], radius: 0.05 }),
                Shape::body(Form::Rod { ends: [elbow, tip], radius: 0.049 }),
                Shape::scenery(Form::Disc { center: [0.0, 0.0], radius: 0.04 }),
            ],
        })
    }
}

impl Observed for AcrobotSwingup {
    fn state(&self, obs: &[f32]) -> [f64; 4] {
        let [sin1, sin2, cos1, cos2, w1, w2] = std::array::from_fn(|i| f64::from(obs[i]));
        let q1 = sin1.atan2(cos1);
        [q1, sin2.atan2(cos2) - q1, w1, w2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::two_joints::drift;

    #[test]
    fn without_losses_energy_drifts_with_the_fourth_power_of_the_step() {
        let energy = |&[q1, q2, w1, w2]: &[f64; 4]| {
            let height = 1.5 * q1.cos() + 0.5 * (q1 + q2).cos();
            AcrobotSwingup::mass(q2.cos()).kinetic(w1, w2) + GRAVITY * height
        };
        let worst = |dt: f64| {
            let system = AcrobotSwingup { dt, damping: 0.0 };
            let nothing = Chance { normals: &[], uniforms: &[] };
            let step = |state: &[f64; 4]| system.advance(state, &[0.0], nothing);
            drift([2.0, 0.7, 0.5, -1.0], (2.0, dt), step, energy)
        };
        let (coarse, fine) = (worst(0.01), worst(0.005));
        assert!(fine < 1e-5 && fine * 12.0 < coarse, "{coarse} at 0.01, {fine} at 0.005");
    }
}
