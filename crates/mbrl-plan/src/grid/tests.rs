//! Grids against worlds whose optimum is known.

mod lqr;
mod refusals;
mod tables;

use super::*;
use mbrl_core::{Noise, NoiseSpec, Physics, Result, Rows, RowsMut, Space, Task};
use std::f64::consts::PI;
use std::sync::Arc;

/// Physics written as a function of one row: (obs, act, uniforms, next obs).
struct Law<F> {
    uniforms: usize,
    advance: F,
}

impl<F: Fn(&[f32], &[f32], &[f32], &mut [f32]) + Send + Sync> Physics for Law<F> {
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 0, uniforms: self.uniforms }
    }

    fn successors(
        &self,
        obs: Rows<'_>,
        act: Rows<'_>,
        noise: Noise<'_>,
        mut next_obs: RowsMut<'_>,
    ) -> Result<()> {
        for i in 0..obs.len() {
            (self.advance)(obs.row(i), act.row(i), noise.uniforms.row(i), next_obs.row_mut(i));
        }
        Ok(())
    }
}

fn law(advance: impl Fn(&[f32], &[f32], &mut [f32]) + Send + Sync + 'static) -> Arc<dyn Physics> {
    Arc::new(Law {
        uniforms: 0,
        advance: move |obs: &[f32], act: &[f32], _: &[f32], next: &mut [f32]| advance(obs, act, next),
    })
}

/// A task without an end.
fn earning(reward: impl Fn(&[f32], &[f32], &[f32]) -> f32 + Send + Sync + 'static) -> Task {
    Task::unknown().rewarding(reward).terminating(|_, _, _| false)
}

fn one_column(space: f32, points: usize) -> ActionGrid {
    ActionGrid::uniform(&Space::symmetric(1, space).unwrap(), points).unwrap()
}

/// A wheel that is turned by at most a tenth of a turn a step, and wants to be at angle π: seen as (cos, sin).
fn wheel(points: usize) -> GridProblem {
    let physics = law(|obs, act, next| {
        let angle = f64::from(obs[1]).atan2(f64::from(obs[0])) + f64::from(act[0]);
        next.copy_from_slice(&[angle.cos() as f32, angle.sin() as f32]);
    });
    let grid = Grid::new(
        vec![Axis::periodic(-PI, PI, points).unwrap()],
        2,
        |at, obs| obs.copy_from_slice(&[at[0].cos() as f32, at[0].sin() as f32]),
        |obs, at| at[0] = f64::from(obs[1]).atan2(f64::from(obs[0])),
    );
    GridProblem::new(
        grid.unwrap(),
        one_column(0.2 * PI as f32, 3),
        physics,
        &earning(|obs, _, _| -1.0 - obs[0]),
    )
    .unwrap()
}

#[test]
fn a_periodic_axis_is_a_ring() {
    // Ten points: each action of a tenth of a turn leads from point to point, across the seam as anywhere.
    let plan = wheel(10).finite(12, 1.0).unwrap();
    let (mut act, mut lookahead) = ([0.0], Lookahead::default());
    for side in [-1.0, 1.0] {
        for k in 1..=4 {
            // k steps from the goal, which is the seam itself; turning away from 0 is the short way.
            let angle = side * (PI - 0.2 * PI * f64::from(k));
            let obs = [angle.cos() as f32, angle.sin() as f32];
            let cost: f64 = (1..=k).map(|j| 1.0 - (0.2 * PI * f64::from(j)).cos()).sum();
            let value = plan.value(0, &obs).unwrap();
            assert!((value + cost).abs() < 1e-4, "{k} {side}: {value} for {}", -cost);
            plan.act(0, &obs, &mut act, &mut lookahead).unwrap();
            assert!(f64::from(act[0]) * side > 0.1 * PI, "{k} {side}: {act:?}");
        }
    }
    // Around the goal, on either side of the seam, values are those between its neighbours.
    let at = |angle: f64| plan.value(0, &[angle.cos() as f32, angle.sin() as f32]).unwrap();
    assert!((at(PI + 0.1 * PI) - 0.5 * (at(PI) + at(PI + 0.2 * PI))).abs() < 1e-4);
    assert!((at(PI - 0.1 * PI) - at(PI + 0.1 * PI)).abs() < 1e-4);
}

#[test]
fn observations_off_the_grid_are_worth_what_its_edge_is() {
    let physics = law(|obs, act, next| next[0] = obs[0] + act[0]);
    let grid = Grid::plain(vec![Axis::clamped(-1.0, 1.0, 5).unwrap()]).unwrap();
    let problem =
        GridProblem::new(grid, one_column(0.5, 3), physics, &earning(|_, _, next| -next[0].abs())).unwrap();
    for plan in [problem.finite(3, 1.0).unwrap(), problem.discounted(0.5, 1e-6).unwrap()] {
        let edge = plan.value(0, &[1.0]).unwrap();
        for x in [1.5, 1e30, f32::MAX] {
            assert_eq!(plan.value(0, &[x]).unwrap().to_bits(), edge.to_bits());
            let mut act = [9.0];
            plan.act(0, &[x.min(1e30)], &mut act, &mut Lookahead::default()).unwrap();
            assert!((-0.5..=0.5).contains(&act[0]));
        }
    }
}

#[test]
fn a_plan_for_ever_is_one_for_a_long_time() {
    let problem = wheel(36);
    let (ever, long) = (problem.discounted(0.9, 1e-5).unwrap(), problem.finite(250, 0.9).unwrap());
    for k in 0..100 {
        let angle = 0.0628 * f64::from(k);
        let obs = [angle.cos() as f32, angle.sin() as f32];
        let (a, b) = (ever.value(usize::MAX, &obs).unwrap(), long.value(0, &obs).unwrap());
        assert!((a - b).abs() < 3e-5, "{angle}: {a} and {b}");
    }
    assert!(ever.act(usize::MAX, &[1.0, 0.0], &mut [0.0], &mut Lookahead::default()).is_ok());
    assert_eq!((ever.steps(), long.steps()), (None, Some(250)));
}

#[test]
fn looking_ahead_twice_gives_the_same_bits() {
    let plan = wheel(24).finite(5, 1.0).unwrap();
    let (mut act, mut lookahead) = ([0.0], Lookahead::default());
    let mut at =
        |obs: [f32; 2]| (plan.act(1, &obs, &mut act, &mut lookahead).unwrap().to_bits(), act[0].to_bits());
    let first = at([0.6, 0.8]);
    at([-0.6, 0.8]);
    assert_eq!(at([0.6, 0.8]), first);
}
