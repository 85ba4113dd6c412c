//! The pendulum without a slope to climb: it hangs still at first, and nothing is earned but upright.
//!
//! Moves and observations are those of [`Pendulum`]. An episode starts at θ = π, ω = 0, each off by less than a tenth. The
//! reward is 1 where cos θ' ≥ 0.95, within 18 degrees of upright after the step, and otherwise nothing; no torque costs
//! anything. A task for exploration: torque at random hardly ever lifts it so far.

use crate::{Chance, Observed, Pendulum, Sketch, System};
use mbrl_core::{ChaCha8Rng, Spec};
use rand::Rng;
use std::f64::consts::PI;

/// Swing a hanging pendulum up and hold it, rewarded only upright: observed and moved as [`Pendulum`] is.
#[derive(Clone, Copy, Debug, Default)]
pub struct PendulumSparse;

/// The cosine from which on it counts as upright.
const UPRIGHT: f32 = 0.95;

impl System for PendulumSparse {
    /// (θ, ω)
    type State = [f64; 2];

    fn spec(&self) -> Spec {
        Pendulum.spec()
    }

    fn horizon(&self) -> u32 {
        Pendulum.horizon()
    }

    fn start(&self, rng: &mut ChaCha8Rng) -> [f64; 2] {
        [PI + rng.random_range(-0.1..0.1), rng.random_range(-0.1..0.1)]
    }

    fn advance(&self, state: &[f64; 2], act: &[f32], chance: Chance<'_>) -> [f64; 2] {
        Pendulum.advance(state, act, chance)
    }

    fn observe(&self, state: &[f64; 2], obs: &mut [f32]) {
        Pendulum.observe(state, obs);
    }

    fn reward(&self, _: &[f32], _: &[f32], next_obs: &[f32]) -> f64 {
        f64::from(u8::from(next_obs[0] >= UPRIGHT))
    }

    fn sketch(&self, obs: &[f32]) -> Option<Sketch> {
        Pendulum.sketch(obs)
    }
}

impl Observed for PendulumSparse {
    fn state(&self, obs: &[f32]) -> [f64; 2] {
        Pendulum.state(obs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_pays_within_eighteen_degrees_of_upright_whatever_the_speed() {
        let paid = |degrees: f64, omega: f64| {
            let mut obs = [0.0; 3];
            PendulumSparse.observe(&[degrees.to_radians(), omega], &mut obs);
            PendulumSparse.reward(&[-1.0, 0.0, 0.0], &[2.0], &obs) > 0.5
        };
        assert!(paid(0.0, 0.0) && paid(18.0, -8.0) && paid(-18.0, 3.0));
        assert!(!paid(18.5, 0.0) && !paid(-18.5, 0.0) && !paid(180.0, 0.0));
    }
}
