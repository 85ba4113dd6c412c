//! The cart-pole of DM Control's `cartpole` domain, tasks `swingup` and `swingup_sparse`.
//!
//! State (x, θ, v, ω), θ = 0 upright. M(θ) (v̇, ω̇) = b with m = 0.1, l = 0.5, I the inertia of a capsule:
//!
//! - m11 = 1.1, m12 = m l cos θ, m22 = I + m l²
//! - b1 = 10 u − 5e-4 v + m l sin θ ω², b2 = −2e-6 ω + m g l sin θ, u = clip(a, ±1)
//!
//! One Runge–Kutta step of 0.01 s. Beyond |x| = 1.8 a soft limit pushes inward, at each stage, with the force that
//! MuJoCo's constraint solver finds; with a single constraint it has a closed form (`limit`, below).
//!
//! The rewards are of the successor and the unclipped action a, with g(d) = 0.1^(d²):
//!
//! - `swingup`: (cos θ + 1)/2 · (1 + g(x/2))/2 · (4 + max(0, 1 − a²))/5 · (1 + g(ω/5))/2
//! - `swingup_sparse`: 1 where |x| ≤ 0.25 and cos θ ≥ 0.995
//!
//! Nothing terminates.

use crate::normal::normal;
use crate::sketch::cart_and_pole;
use crate::two_joints::{Mass, rk4};
use crate::{Chance, Observed, Sketch, System};
use mbrl_core::{ChaCha8Rng, Space, Spec};
use std::f64::consts::PI;

/// Swing a pole up on a cart and hold it: observed as (x, cos θ, sin θ, v, ω), pushed with ten times an action from
/// [−1, 1].
#[derive(Clone, Copy, Debug)]
pub struct CartpoleSwingup {
    goal: Goal,
    dt: f64,
    damping: [f64; 2],
}

/// What is rewarded.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Smooth,
    Sparse,
}

/// Pole mass times the distance of its centre from the hinge.
const POLE_MOMENT: f64 = 0.1 * 0.5;
/// About the hinge: the inertia of a capsule of radius 0.045 and cylinder length 1 about its centre, and m l².
const POLE_INERTIA: f64 = 0.009424592767295598 + 0.1 * 0.5 * 0.5;
const GRAVITY: f64 = 9.81;
const FORCE: f64 = 10.0;
const X_LIMIT: f64 = 1.8;

impl Default for CartpoleSwingup {
    fn default() -> Self {
        CartpoleSwingup { goal: Goal::Smooth, dt: 0.01, damping: [5e-4, 2e-6] }
    }
}

impl CartpoleSwingup {
    /// The same cart-pole, rewarded only where it is upright in the middle.
    pub fn sparse() -> Self {
        CartpoleSwingup { goal: Goal::Sparse, ..CartpoleSwingup::default() }
    }

    fn mass(cos: f64) -> Mass {
        Mass { m11: 1.1, m12: POLE_MOMENT * cos, m22: POLE_INERTIA }
    }

    fn acceleration(&self, force: f64, [x, theta]: [f64; 2], [v, omega]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = theta.sin_cos();
        let mass = Self::mass(cos);
        let b1 = force - self.damping[0] * v + POLE_MOMENT * sin * omega * omega;
        let b2 = POLE_MOMENT * GRAVITY * sin - self.damping[1] * omega;
        let free = mass.solve([b1, b2]);
        if x.abs() <= X_LIMIT { free } else { Self::limit(mass, x, v, free) }
    }

    /// The acceleration with the slider's soft limit, where x is beyond it.
    ///
    /// MuJoCo drives the depth d < 0 towards 0 like a damped spring (solref 0.08 and 1): a_ref = −B ḋ − K·imp·d. How
    /// much of that is enforced is the impedance, which rises from 0.9 to 0.95 within the first millimetre (solimp),
    /// and softens the constraint by R. The force is what is missing to a_ref, over A + R, and never pulls outward.
    #[cold]
    fn limit(mass: Mass, x: f64, v: f64, [a_x, a_theta]: [f64; 2]) -> [f64; 2] {
        const B: f64 = 2.0 / (0.95 * 0.08);
        const K: f64 = 1.0 / (0.95 * 0.95 * 0.08 * 0.08);
        // What MuJoCo compiles as the slider's inverse weight: m22 / det of the upright pole.
        const WEIGHT: f64 = 0.9733520544614127;
        let inward = -x.signum();
        let depth = X_LIMIT - x.abs();
        let s = (depth.abs() / 0.001).min(1.0);
        let rise = if s <= 0.5 { 2.0 * s * s } else { 1.0 - 2.0 * (1.0 - s) * (1.0 - s) };
        let impedance = 0.9 + 0.05 * rise;
        let wanted = -B * inward * v - K * impedance * depth;
        let softness = (1.0 - impedance) / impedance * WEIGHT;
        let det = mass.det();
        let force = ((wanted - inward * a_x) / (mass.m22 / det + softness)).max(0.0);
        [a_x + inward * force * mass.m22 / det, a_theta - inward * force * mass.m12 / det]
    }
}

/// 1 at 0, 0.1 at 1.
fn gauss(d: f64) -> f64 {
    (d * d * -std::f64::consts::LN_10).exp()
}

impl System for CartpoleSwingup {
    /// (x, θ, v, ω)
    type State = [f64; 4];

    fn spec(&self) -> Spec {
        // The limit is soft: it bounds no position.
        let far = f32::INFINITY;
        Spec::new(Space::symmetric_each(&[far, 1.0, 1.0, far, far]), Space::symmetric_each(&[1.0]))
    }

    fn horizon(&self) -> u32 {
        1000
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 4] {
        let [x, theta, v, omega] = std::array::from_fn(|_| 0.01 * normal(rng));
        [x, PI + theta, v, omega]
    }

    fn advance(&self, state: &[f64; 4], act: &[f32], _: Chance<'_>) -> [f64; 4] {
        let force = FORCE * f64::from(act[0]).clamp(-1.0, 1.0);
        rk4(self.dt, state, |q, v| self.acceleration(force, q, v))
    }

    fn observe(&self, &[x, theta, v, omega]: &[f64; 4], obs: &mut [f32]) {
        let (sin, cos) = theta.sin_cos();
        obs.copy_from_slice(&[x, cos, sin, v, omega].map(|x| x as f32));
    }

    fn reward(&self, _: &[f32], act: &[f32], next_obs: &[f32]) -> f64 {
        let [x, cos, _, _, omega] = std::array::from_fn(|i| f64::from(next_obs[i]));
        let a = f64::from(act[0]);
        match self.goal {
            Goal::Smooth => {
                let upright = (cos + 1.0) / 2.0;
                let centred = (1.0 + gauss(x / 2.0)) / 2.0;
                let effortless = (4.0 + (1.0 - a * a).max(0.0)) / 5.0;
                let slow = (1.0 + gauss(omega / 5.0)) / 2.0;
                upright * centred * effortless * slow
            }
            Goal::Sparse => f64::from(x.abs() <= 0.25 && cos >= 0.995),
        }
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let [x, theta, ..] = self.state(obs);
        Some(Sketch { view: [[-2.95, -1.15], [2.95, 1.15]], shapes: cart_and_pole(x, theta, X_LIMIT, 0.045) })
    }
}

impl Observed for CartpoleSwingup {
    fn state(&self, obs: &[f32]) -> [f64; 4] {
        let [x, cos, sin, v, omega] = std::array::from_fn(|i| f64::from(obs[i]));
        [x, sin.atan2(cos), v, omega]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::two_joints::drift;

    #[test]
    fn without_losses_energy_drifts_with_the_fourth_power_of_the_step() {
        let energy = |&[_, theta, v, omega]: &[f64; 4]| {
            CartpoleSwingup::mass(theta.cos()).kinetic(v, omega) + POLE_MOMENT * GRAVITY * theta.cos()
        };
        let worst = |dt: f64| {
            let system = CartpoleSwingup { dt, damping: [0.0; 2], ..CartpoleSwingup::default() };
            let nothing = Chance { normals: &[], uniforms: &[] };
            let step = |state: &[f64; 4]| system.advance(state, &[0.0], nothing);
            // Three seconds, in which the cart stays far from its limit.
            drift([0.0, 0.5, 0.1, 1.0], (3.0, dt), step, energy)
        };
        let (coarse, fine) = (worst(0.02), worst(0.01));
        assert!(fine < 1e-6 && fine * 12.0 < coarse, "{coarse} at 0.02, {fine} at 0.01");
    }

    #[test]
    fn the_limit_holds_the_cart_against_the_full_force() {
        let system = CartpoleSwingup::default();
        let mut state = [1.7, PI, 0.5, 0.0];
        let mut furthest: f64 = 0.0;
        for _ in 0..2000 {
            state = system.advance(&state, &[1.0], Chance { normals: &[], uniforms: &[] });
            furthest = furthest.max(state[0]);
        }
        assert!(furthest > X_LIMIT && furthest < 1.9, "{furthest}");
    }
}
