//! A grid is solved to the same bits whatever the number of threads.
#![cfg(feature = "rayon")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mbrl_core::{Noise, NoiseSpec, Physics, Result, Rows, RowsMut, Space, Task};
use mbrl_plan::{ActionGrid, Axis, Grid, GridPlan, GridProblem};
use std::sync::Arc;

/// A place and its speed.
struct Cart;

impl Physics for Cart {
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }

    fn successors(
        &self,
        obs: Rows<'_>,
        act: Rows<'_>,
        _: Noise<'_>,
        mut next_obs: RowsMut<'_>,
    ) -> Result<()> {
        for i in 0..obs.len() {
            let (at, speed) = (obs.row(i)[0], obs.row(i)[1]);
            next_obs.row_mut(i).copy_from_slice(&[at + 0.1 * speed, speed + 0.1 * act.row(i)[0]]);
        }
        Ok(())
    }
}

fn solved() -> [GridPlan; 2] {
    let axis = Axis::clamped(-1.0, 1.0, 47).unwrap();
    let actions = ActionGrid::uniform(&Space::symmetric(1, 1.0).unwrap(), 7).unwrap();
    let task =
        Task::unknown().rewarding(|obs, _, _| -obs[0].abs()).terminating(|_, _, next| next[0].abs() > 0.97);
    let grid = Grid::plain(vec![axis; 2]).unwrap();
    let problem = GridProblem::new(grid, actions, Arc::new(Cart), &task).unwrap();
    [problem.finite(20, 1.0).unwrap(), problem.discounted(0.9, 1e-4).unwrap()]
}

#[test]
fn threads_do_not_change_a_bit() {
    let values = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let plans = pool.install(solved);
        let at = |i: u16| [f32::from(i % 61) / 30.0 - 1.0, f32::from(i / 61) / 30.0 - 1.0];
        plans
            .each_ref()
            .map(|plan| (0..61 * 61).map(|i| plan.value(0, &at(i)).unwrap().to_bits()).collect::<Vec<_>>())
    });
    assert_eq!(values[0], values[1]);
    assert_eq!(values[0], values[2]);
}
