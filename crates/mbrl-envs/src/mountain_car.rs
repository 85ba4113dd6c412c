//! The mountain car of Gymnasium's `MountainCarContinuous-v0`: an engine too weak for the slope.
//!
//! State (x, v). v' = clip(v + 0.0015 u − 0.0025 cos 3x, ±0.07), x' = clip(x + v', −1.2, 0.6), u = clip(a, ±1); at the
//! left wall an outward speed is lost. Terminates where x ≥ 0.45 and v ≥ 0. The reward is −0.1 a², of the unclipped
//! action, and 100 more in the step that terminates.
//!
//! The reference computes in `f32`, but for the cosine, and so does this file, in its order: states are equal to the
//! bit. It holds the state in `f64` only from a reset to the end of the first step, and computes that step in `f64`; a
//! state that `f32` cannot hold is therefore a start.

use crate::{Chance, Form, Observed, Shape, Sketch, System};
use mbrl_core::{ChaCha8Rng, Space, Spec};
use rand::Rng;

/// Drive out of a valley: observed as (x, v), accelerated by an action from [−1, 1].
#[derive(Clone, Copy, Debug, Default)]
pub struct MountainCar;

const POWER: f64 = 0.0015;
const GRAVITY: f64 = 0.0025;
const MAX_SPEED: f64 = 0.07;
const LEFT: f64 = -1.2;
const RIGHT: f64 = 0.6;
const GOAL: f32 = 0.45;

/// The ground as the reference draws it, whose slope is what gravity pulls by: both are multiples of cos 3x.
fn height(x: f64) -> f64 {
    0.45 * (3.0 * x).sin() + 0.55
}

/// What an action within its bounds adds to the speed: an `f32` there, even in the first step.
fn gain(act: f32, pull: f64) -> f32 {
    act * POWER as f32 - pull as f32
}

/// What an action that is clipped adds: a Python number there, so the difference is one of `f64`.
fn clipped_gain(act: f32, pull: f64) -> f64 {
    POWER.copysign(f64::from(act)) - pull
}

/// The step of a state that is still held in `f64`: limits are met in `f64`, and rounded with the rest at the end.
fn first_step(x: f64, v: f64, act: f32) -> [f64; 2] {
    let pull = GRAVITY * (3.0 * x).cos();
    let gain = if act.abs() <= 1.0 { f64::from(gain(act, pull)) } else { clipped_gain(act, pull) };
    let speed = (v + gain).clamp(-MAX_SPEED, MAX_SPEED);
    let place = (x + speed).clamp(LEFT, RIGHT);
    let hit = place <= LEFT && speed < 0.0;
    [place, if hit { 0.0 } else { speed }].map(|number| f64::from(number as f32))
}

impl System for MountainCar {
    /// (x, v), which `f32` holds exactly after the first step.
    type State = [f64; 2];

    fn spec(&self) -> Spec {
        let [left, right, fastest] = [LEFT, RIGHT, MAX_SPEED].map(|bound| bound as f32);
        let obs = Space::bounded(&[left, -fastest], &[right, fastest]).expect("bounds are in order");
        Spec::new(obs, Space::symmetric_each(&[1.0]))
    }

    fn horizon(&self) -> u32 {
        999
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 2] {
        [rng.random_range(-0.6..-0.4), 0.0]
    }

    fn advance(&self, &[x, v]: &[f64; 2], act: &[f32], _: Chance<'_>) -> [f64; 2] {
        let is_f32 = |number: f64| f64::from(number as f32).to_bits() == number.to_bits();
        if !(is_f32(x) && is_f32(v)) {
            return first_step(x, v, act[0]);
        }
        let pull = GRAVITY * f64::from(3.0 * x as f32).cos();
        let gain = if act[0].abs() <= 1.0 { gain(act[0], pull) } else { clipped_gain(act[0], pull) as f32 };
        let speed = (v as f32 + gain).clamp(-MAX_SPEED as f32, MAX_SPEED as f32);
        let place = (x as f32 + speed).clamp(LEFT as f32, RIGHT as f32);
        let hit = place <= LEFT as f32 && speed < 0.0;
        [f64::from(place), if hit { 0.0 } else { f64::from(speed) }]
    }

    fn observe(&self, state: &[f64; 2], obs: &mut [f32]) {
        obs.copy_from_slice(&state.map(|x| x as f32));
    }

    fn reward(&self, _: &[f32], act: &[f32], next_obs: &[f32]) -> f64 {
        let a = f64::from(act[0]);
        let prize = if self.terminated(next_obs) { 100.0 } else { 0.0 };
        prize - 0.1 * a * a
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        let [x, _] = self.state(obs);
        let (radius, goal) = (0.06, f64::from(GOAL));
        let ground = (0..=60).map(|i| LEFT + (RIGHT - LEFT) * f64::from(i) / 60.0);
        // The car rolls on the ground, so that its middle is above it along the normal.
        let slope = 1.35 * (3.0 * x).cos();
        let up = radius / slope.hypot(1.0);
        let [foot, top] = [height(goal), height(goal) + 0.25];
        Some(Sketch {
            view: [[LEFT - 0.06, 0.04], [RIGHT + 0.06, 1.3]],
            shapes: vec![
                Shape::scenery(Form::Line(ground.map(|x| [x, height(x)]).collect())),
                Shape::scenery(Form::Line(vec![[goal, foot], [goal, top]])),
                Shape::goal(Form::Polygon(vec![[goal, top], [goal + 0.12, top - 0.05], [goal, top - 0.1]])),
                Shape::body(Form::Disc { center: [x - slope * up, height(x) + up], radius }),
            ],
        })
    }

    fn terminated(&self, next_obs: &[f32]) -> bool {
        next_obs[0] >= GOAL && next_obs[1] >= 0.0
    }
}

impl Observed for MountainCar {
    fn state(&self, obs: &[f32]) -> [f64; 2] {
        [f64::from(obs[0]), f64::from(obs[1])]
    }
}
