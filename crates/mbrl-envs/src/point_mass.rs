//! A point in the plane that is pushed to the origin: two double integrators. An environment of this project's own.
//!
//! State (x, y, v, w), acceleration u = clip(a, ±1) in each direction, held for dt = 0.1:
//! x' = x + v dt + ½ u dt², v' = v + u dt, and y likewise; the motion is exact. The reward is
//! −(x² + y² + 0.1 (v² + w²) + 0.01 |u|²) of the state before the step. Episodes start at rest, uniformly in [−1, 1]²,
//! and have 50 steps; nothing terminates.

use crate::{Chance, Form, Observed, Shape, Sketch, System};
use mbrl_core::{ChaCha8Rng, Space, Spec};
use rand::Rng;

/// Push a point to the origin and stop it there: observed as (x, y, v, w), accelerated by at most 1 in each direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct PointMass;

const DT: f64 = 0.1;

fn acceleration(act: &[f32]) -> [f64; 2] {
    std::array::from_fn(|i| f64::from(act[i]).clamp(-1.0, 1.0))
}

impl System for PointMass {
    /// (x, y, v, w)
    type State = [f64; 4];

    fn spec(&self) -> Spec {
        Spec::new(Space::symmetric_each(&[f32::INFINITY; 4]), Space::symmetric_each(&[1.0; 2]))
    }

    fn horizon(&self) -> u32 {
        50
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 4] {
        [rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0), 0.0, 0.0]
    }

    fn advance(&self, &[x, y, v, w]: &[f64; 4], act: &[f32], _: Chance<'_>) -> [f64; 4] {
        let [a, b] = acceleration(act);
        let half = 0.5 * DT * DT;
        [x + v * DT + a * half, y + w * DT + b * half, v + a * DT, w + b * DT]
    }

    fn observe(&self, state: &[f64; 4], obs: &mut [f32]) {
        obs.copy_from_slice(&state.map(|x| x as f32));
    }

    fn reward(&self, obs: &[f32], act: &[f32], _: &[f32]) -> f64 {
        let [x, y, v, w] = self.state(obs);
        let [a, b] = acceleration(act);
        -(x * x + y * y + 0.1 * (v * v + w * w) + 0.01 * (a * a + b * b))
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let [x, y, ..] = self.state(obs);
        Some(Sketch {
            view: [[-1.15, -1.15], [1.15, 1.15]],
            shapes: vec![
                Shape::goal(Form::Disc { center: [0.0, 0.0], radius: 0.14 }),
                Shape::body(Form::Disc { center: [x, y], radius: 0.08 }),
            ],
        })
    }
}

impl Observed for PointMass {
    fn state(&self, obs: &[f32]) -> [f64; 4] {
        std::array::from_fn(|i| f64::from(obs[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_a_constant_push_it_falls_like_a_stone() {
        let mut state = [1.0, -1.0, 0.0, 0.5];
        for _ in 0..20 {
            // The second push is clipped to 1.
            state = PointMass.advance(&state, &[-0.5, 7.0], Chance { normals: &[], uniforms: &[] });
        }
        let exact = [1.0 - 0.25 * 4.0, -1.0 + 0.5 * 2.0 + 0.5 * 4.0, -0.5 * 2.0, 0.5 + 2.0];
        for (ours, exact) in state.iter().zip(exact) {
            assert!((ours - exact).abs() < 1e-12, "{state:?}");
        }
    }

    #[test]
    fn a_step_and_its_reward_are_those_worked_by_hand() {
        let state = [1.0, -2.0, 0.5, -1.0];
        let next = PointMass.advance(&state, &[0.5, -3.0], Chance { normals: &[], uniforms: &[] });
        // x + 0.1 v + 0.005 u and v + 0.1 u, with u = (0.5, −1).
        let exact = [1.0525, -2.105, 0.55, -1.1];
        assert!(next.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-15), "{next:?}");
        let (mut obs, mut next_obs) = ([0.0; 4], [0.0; 4]);
        PointMass.observe(&state, &mut obs);
        PointMass.observe(&next, &mut next_obs);
        // −(1 + 4 + 0.1 (0.25 + 1) + 0.01 (0.25 + 1)), of the state before.
        let reward = PointMass.reward(&obs, &[0.5, -3.0], &next_obs);
        assert!((reward + 5.1375).abs() < 1e-12, "{reward}");
    }
}
