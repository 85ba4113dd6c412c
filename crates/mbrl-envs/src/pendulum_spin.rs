//! The pendulum with another wish: to turn as fast as it can, counterclockwise.
//!
//! Moves, starts and observations are those of [`Pendulum`]. The reward is ω'/8 − 0.001 u², by the speed after the step. As
//! in the tasks that MOPO was tried on outside of its data (Yu et al. 2020, halfcheetah-jump), the moves of one task can be
//! learnt from for another: who swings up and holds turns now and then, and never on purpose.

use crate::pendulum::{MAX_SPEED, MAX_TORQUE};
use crate::{Chance, Observed, Pendulum, Sketch, System};
use mbrl_core::{ChaCha8Rng, Spec};

/// Turn a pendulum as fast as it can, counterclockwise: observed and moved as [`Pendulum`] is.
#[derive(Clone, Copy, Debug, Default)]
pub struct PendulumSpin;

impl System for PendulumSpin {
    /// (θ, ω)
    type State = [f64; 2];

    fn spec(&self) -> Spec {
        Pendulum.spec()
    }

    fn horizon(&self) -> u32 {
        Pendulum.horizon()
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 2] {
        Pendulum.start(rng)
    }

    fn advance(&self, state: &[f64; 2], act: &[f32], chance: Chance<'_>) -> [f64; 2] {
        Pendulum.advance(state, act, chance)
    }

    fn observe(&self, state: &[f64; 2], obs: &mut [f32]) {
        Pendulum.observe(state, obs);
    }

    fn reward(&self, _: &[f32], act: &[f32], next_obs: &[f32]) -> f64 {
        let torque = f64::from(act[0]).clamp(-MAX_TORQUE, MAX_TORQUE);
        f64::from(next_obs[2]) / MAX_SPEED - 0.001 * torque * torque
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        Pendulum.sketch(obs)
    }
}

impl Observed for PendulumSpin {
    fn state(&self, obs: &[f32]) -> [f64; 2] {
        Pendulum.state(obs)
    }
}
