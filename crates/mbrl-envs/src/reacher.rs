//! A planar arm of two links that reaches for a target. An environment of this project's own.
//!
//! State (q1, q2, ω1, ω2, target x, target y); the arm moves in a horizontal plane, so there is no gravity. Both links
//! are uniform rods of mass m = 1 and length l = 0.5, the elbow angle q2 is relative to the first link, and
//! M(q) q̈ + c(q, q̇) = τ − d q̇ with the torques τ = 0.5 clip(a, ±1), the viscous damping d = 0.1 and
//!
//! - m11 = (5/3 + cos q2) m l², m12 = (1/3 + ½ cos q2) m l², m22 = ⅓ m l²
//! - c1 = −½ m l² sin q2 (2 ω1 ω2 + ω2²), c2 = ½ m l² sin q2 ω1²
//!
//! One Runge–Kutta step of 0.02 s. The target is uniform in the annulus of radii 0.2 and 0.9, all of which the tip can
//! reach, and stays for the episode of 100 steps; the arm starts at rest in any position. The reward is
//! −distance − 0.01 |clip(a, ±1)|², of the successor's tip: from −1.92 to 0. Nothing terminates.

use crate::two_joints::{Mass, rk4};
use crate::{Chance, Form, Observed, Shape, Sketch, System};
use mbrl_core::{ChaCha8Rng, Space, Spec};
use rand::Rng;
use std::f64::consts::PI;

/// Reach a target with an arm of two links: observed as (cos q1, cos q2, sin q1, sin q2, ω1, ω2, target x, target y),
/// moved by a torque at each joint.
#[derive(Clone, Copy, Debug)]
pub struct Reacher {
    dt: f64,
    damping: f64,
}

const LENGTH: f64 = 0.5;
/// m l².
const INERTIA: f64 = 1.0 * LENGTH * LENGTH;
const TORQUE: f64 = 0.5;
const NEAREST: f64 = 0.2;
const FARTHEST: f64 = 0.9;
const TORQUE_COST: f64 = 0.01;

impl Default for Reacher {
    fn default() -> Self {
        Reacher { dt: 0.02, damping: 0.1 }
    }
}

impl Reacher {
    fn mass(cos: f64) -> Mass {
        Mass { m11: (5.0 / 3.0 + cos) * INERTIA, m12: (1.0 / 3.0 + 0.5 * cos) * INERTIA, m22: INERTIA / 3.0 }
    }

    fn acceleration(&self, torque: [f64; 2], q2: f64, [w1, w2]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = q2.sin_cos();
        let k = 0.5 * INERTIA * sin;
        let b1 = torque[0] - self.damping * w1 + k * (2.0 * w1 * w2 + w2 * w2);
        let b2 = torque[1] - self.damping * w2 - k * w1 * w1;
        Self::mass(cos).solve([b1, b2])
    }
}

impl System for Reacher {
    /// (q1, q2, ω1, ω2, target x, target y)
    type State = [f64; 6];

    fn spec(&self) -> Spec {
        let (far, target) = (f32::INFINITY, FARTHEST as f32);
        Spec::new(
            Space::symmetric_each(&[1.0, 1.0, 1.0, 1.0, far, far, target, target]),
            Space::symmetric_each(&[1.0, 1.0]),
        )
    }

    fn horizon(&self) -> u32 {
        100
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 6] {
        let [q1, q2, direction] = std::array::from_fn(|_| rng.random_range(-PI..PI));
        // Uniform over the area: the square of the radius is uniform.
        let distance = rng.random_range(NEAREST * NEAREST..FARTHEST * FARTHEST).sqrt();
        [q1, q2, 0.0, 0.0, distance * direction.cos(), distance * direction.sin()]
    }

    fn advance(&self, &[q1, q2, w1, w2, x, y]: &[f64; 6], act: &[f32], _: Chance<'_>) -> [f64; 6] {
        let torque = std::array::from_fn(|i| TORQUE * f64::from(act[i]).clamp(-1.0, 1.0));
        let [q1, q2, w1, w2] = rk4(self.dt, &[q1, q2, w1, w2], |q, w| self.acceleration(torque, q[1], w));
        [q1, q2, w1, w2, x, y]
    }

    fn observe(&self, &[q1, q2, w1, w2, x, y]: &[f64; 6], obs: &mut [f32]) {
        let (first, elbow) = (q1.sin_cos(), q2.sin_cos());
        obs.copy_from_slice(&[first.1, elbow.1, first.0, elbow.0, w1, w2, x, y].map(|x| x as f32));
    }

    fn reward(&self, _: &[f32], act: &[f32], next_obs: &[f32]) -> f64 {
        let [cos1, cos2, sin1, sin2, _, _, x, y] = std::array::from_fn(|i| f64::from(next_obs[i]));
        let tip_x = LENGTH * (cos1 + cos1 * cos2 - sin1 * sin2);
        let tip_y = LENGTH * (sin1 + sin1 * cos2 + cos1 * sin2);
        let effort: f64 = act.iter().map(|a| f64::from(*a).clamp(-1.0, 1.0).powi(2)).sum();
        -(tip_x - x).hypot(tip_y - y) - TORQUE_COST * effort
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let [q1, q2, _, _, x, y] = self.state(obs);
        let along = |[x, y]: [f64; 2], angle: f64| [x + LENGTH * angle.cos(), y + LENGTH * angle.sin()];
        let elbow = along([0.0, 0.0], q1);
        let tip = along(elbow, q1 + q2);
        Some(Sketch {
            view: [[-1.1, -1.1], [1.1, 1.1]],
            shapes: vec![
                Shape::goal(Form::Disc { center: [x, y], radius: 0.07 }),
                Shape::body(Form::Rod { ends: [[0.0, 0.0], elbow], radius: 0.04 }),
                Shape::body(Form::Rod { ends: [elbow, tip], radius: 0.03 }),
                Shape::scenery(Form::Disc { center: [0.0, 0.0], radius: 0.03 }),
            ],
        })
    }
}

impl Observed for Reacher {
    fn state(&self, obs: &[f32]) -> [f64; 6] {
        let [cos1, cos2, sin1, sin2, w1, w2, x, y] = std::array::from_fn(|i| f64::from(obs[i]));
        [sin1.atan2(cos1), sin2.atan2(cos2), w1, w2, x, y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::two_joints::drift;

    const NOTHING: Chance<'_> = Chance { normals: &[], uniforms: &[] };

    /// What two rods of mass 1 and length ½ have: ½ m |v|² of their centres, and ½ (m l²/12) ω² about them.
    fn energy(&[q1, q2, w1, w2, ..]: &[f64; 6]) -> f64 {
        let (mass, length) = (1.0, 0.5);
        // The velocity of a point at distance r on a rod at angle q that turns with w, relative to the rod's begin.
        let turning = |q: f64, w: f64, r: f64| [-r * w * q.sin(), r * w * q.cos()];
        let first = turning(q1, w1, length / 2.0);
        let (elbow, beyond) = (turning(q1, w1, length), turning(q1 + q2, w1 + w2, length / 2.0));
        let second = [elbow[0] + beyond[0], elbow[1] + beyond[1]];
        let rod = |[x, y]: [f64; 2], w: f64| {
            0.5 * mass * (x * x + y * y) + 0.5 * (mass * length * length / 12.0) * w * w
        };
        rod(first, w1) + rod(second, w1 + w2)
    }

    #[test]
    fn without_losses_energy_drifts_with_the_fourth_power_of_the_step() {
        let worst = |dt: f64| {
            let system = Reacher { dt, damping: 0.0 };
            let step = |state: &[f64; 6]| system.advance(state, &[0.0; 2], NOTHING);
            drift([0.3, 0.7, 2.0, -3.0, 0.5, 0.0], (2.0, dt), step, energy)
        };
        let (coarse, fine) = (worst(0.02), worst(0.01));
        assert!(fine < 1e-6 && fine * 12.0 < coarse, "{coarse} at 0.02, {fine} at 0.01");
    }

    /// dE/dt = τ·ω − 0.1 |ω|², where the first torque is 0.5 and the second, clipped, −0.5: as a central difference, whose
    /// error is of the square of its step.
    #[test]
    fn energy_changes_by_the_work_of_the_torques_and_the_loss_to_damping() {
        let dt = 1e-4;
        let system = Reacher { dt, ..Reacher::default() };
        let step = |state: &[f64; 6]| system.advance(state, &[1.0, -1.7], NOTHING);
        for start in [[0.3, 0.7, 2.0, -3.0], [-1.0, 2.5, 0.0, 1.0], [2.0, -0.4, -1.5, -0.5]] {
            let [q1, q2, w1, w2] = start;
            let before = [q1, q2, w1, w2, 0.5, 0.0];
            let now = step(&before);
            let after = step(&now);
            let change = (energy(&after) - energy(&before)) / (2.0 * dt);
            let (w1, w2) = (now[2], now[3]);
            let power = 0.5 * w1 - 0.5 * w2 - 0.1 * (w1 * w1 + w2 * w2);
            assert!((change - power).abs() < 1e-6, "{change} for {power}");
        }
    }

    #[test]
    fn a_step_is_two_hundredths_of_a_second() {
        let fine = Reacher { dt: 1e-4, ..Reacher::default() };
        let start = [0.3, 0.7, 2.0, -3.0, 0.5, -0.1];
        let act = [0.4, -0.9];
        let exact = (0..200).fold(start, |state, _| fine.advance(&state, &act, NOTHING));
        let ours = Reacher::default().advance(&start, &act, NOTHING);
        assert!(ours.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-6), "{ours:?} for {exact:?}");
        assert_eq!(ours[4..], start[4..]);
    }

    #[test]
    fn without_torque_at_the_shoulder_its_angular_momentum_is_conserved() {
        // Nothing turns the arm as a whole: m11 ω1 + m12 ω2 stays, whatever the elbow does.
        let system = Reacher { damping: 0.0, ..Reacher::default() };
        let momentum = |&[_, q2, w1, w2, ..]: &[f64; 6]| {
            let mass = Reacher::mass(q2.cos());
            mass.m11 * w1 + mass.m12 * w2
        };
        let step = |state: &[f64; 6]| system.advance(state, &[0.0, 0.7], NOTHING);
        let worst = drift([0.3, 0.7, 2.0, -3.0, 0.5, 0.0], (2.0, system.dt), step, momentum);
        assert!(worst < 1e-5, "{worst}");
    }

    #[test]
    fn the_reward_is_the_distance_of_the_tip_from_the_target() {
        let system = Reacher::default();
        let (q1, q2): (f64, f64) = (0.4, -1.1);
        let tip = [LENGTH * (q1.cos() + (q1 + q2).cos()), LENGTH * (q1.sin() + (q1 + q2).sin())];
        let earned = |by: f64, act: &[f32]| {
            let mut obs = [0.0; 8];
            system.observe(&[q1, q2, 0.0, 0.0, tip[0] + by, tip[1]], &mut obs);
            system.reward(&obs, act, &obs)
        };
        assert!(earned(0.0, &[0.0, 0.0]).abs() < 1e-6);
        assert!((earned(0.25, &[0.0, 0.0]) + 0.25).abs() < 1e-6);
        assert!((earned(0.25, &[0.5, -3.0]) + 0.25 + 0.01 * 1.25).abs() < 1e-6);
    }
}
