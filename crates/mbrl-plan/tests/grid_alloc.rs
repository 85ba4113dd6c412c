//! Acting on a grid allocates nothing once its lookahead has grown.

use mbrl_core::{Noise, NoiseSpec, Physics, Result, Rows, RowsMut, Space, Task};
use mbrl_plan::{ActionGrid, Axis, Grid, GridProblem, Lookahead};
use mbrl_testkit::{CountingAlloc, allocations};
use std::sync::Arc;

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// A damped place that is pushed.
struct Pushed;

impl Physics for Pushed {
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 1, uniforms: 0 }
    }

    fn successors(
        &self,
        obs: Rows<'_>,
        act: Rows<'_>,
        noise: Noise<'_>,
        mut next_obs: RowsMut<'_>,
    ) -> Result<()> {
        for i in 0..obs.len() {
            next_obs.row_mut(i)[0] = 0.9 * obs.row(i)[0] + act.row(i)[0] + 0.1 * noise.normals.row(i)[0];
        }
        Ok(())
    }
}

#[test]
fn the_second_look_ahead_allocates_nothing() {
    let grid = Grid::plain(vec![Axis::clamped(-2.0, 2.0, 21).unwrap()]).unwrap();
    let actions = ActionGrid::uniform(&Space::symmetric(1, 0.5).unwrap(), 9).unwrap();
    let task =
        Task::unknown().rewarding(|obs, _, _| -obs[0] * obs[0]).terminating(|_, _, next| next[0] > 1.9);
    let key = mbrl_core::Key::root(1);
    let problem = GridProblem::with_draws(grid, actions, Arc::new(Pushed), &task, 5, key).unwrap();
    let plan = problem.finite(6, 1.0).unwrap();
    let (mut act, mut lookahead) = ([0.0], Lookahead::default());
    plan.act(0, &[0.3], &mut act, &mut lookahead).unwrap();
    for t in 0..6 {
        let (worth, made) = allocations(|| plan.act(t, &[-0.7], &mut act, &mut lookahead));
        assert!(worth.unwrap() <= 0.0);
        assert_eq!(made.count, 0, "step {t}");
        let (value, made) = allocations(|| plan.value(t, &[1.3]));
        assert!(value.unwrap() <= 0.0 && made.count == 0);
    }
}
