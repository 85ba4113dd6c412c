//! Tabular MDPs as physics: points that are states make a grid exact.

use super::*;
use crate::{backward_induction, policy_iteration};
use mbrl_core::{Key, RowBuf, TabularMdp};

const STATES: usize = 12;
const ACTIONS: usize = 3;

/// Where an action leads: as good as random, and always the same.
fn successor(state: usize, action: usize) -> usize {
    (state * 7 + action * 5 + state * state * (action + 1)) % STATES
}

/// In quarters, so that sums are exact.
fn reward(state: usize, action: usize, next: usize) -> f32 {
    ((state * 5 + action * 3 + next * 11) % 17) as f32 / 4.0 - 2.0
}

fn mdp(terminal: Option<usize>) -> TabularMdp {
    let (mut transition, mut rewards) = (Vec::new(), Vec::new());
    for state in 0..STATES {
        for action in 0..ACTIONS {
            for next in 0..STATES {
                transition.push(f64::from(u8::from(next == successor(state, action))));
                rewards.push(f64::from(reward(state, action, next)));
            }
        }
    }
    let marks = (0..STATES).map(|state| Some(state) == terminal).collect();
    TabularMdp::new(ACTIONS, transition, rewards, vec![1.0 / STATES as f64; STATES], marks).unwrap()
}

/// The states as points on `axes`, in the order of the grid.
fn problem(axes: Vec<Axis>, terminal: Option<usize>) -> GridProblem {
    let widths: Vec<usize> = axes.iter().map(Axis::points).collect();
    let state = {
        let widths = widths.clone();
        move |obs: &[f32]| obs.iter().zip(&widths).fold(0, |state, (x, width)| state * width + *x as usize)
    };
    let of = state.clone();
    let physics = law(move |obs, act, next| {
        let mut rest = successor(of(obs), act[0] as usize);
        for (next, width) in next.iter_mut().zip(&widths).rev() {
            *next = (rest % width) as f32;
            rest /= width;
        }
    });
    let of = state.clone();
    let task = Task::unknown()
        .rewarding(move |obs, act, next| reward(of(obs), act[0] as usize, of(next)))
        .terminating(move |_, _, next| Some(state(next)) == terminal);
    let actions = ActionGrid::uniform(&Space::discrete(ACTIONS as u32).unwrap(), 0).unwrap();
    GridProblem::new(Grid::plain(axes).unwrap(), actions, physics, &task).unwrap()
}

fn axis(points: usize) -> Axis {
    Axis::clamped(0.0, (points - 1) as f64, points).unwrap()
}

#[test]
fn states_at_points_have_the_values_of_the_table() {
    for axes in [
        vec![axis(12)],
        vec![axis(3), axis(4)],
        vec![axis(2), axis(3), axis(2)],
        vec![Axis::periodic(0.0, 3.0, 3).unwrap(), axis(2), Axis::periodic(0.0, 2.0, 2).unwrap()],
    ] {
        for terminal in [None, Some(5)] {
            let (mdp, problem) = (mdp(terminal), problem(axes.clone(), terminal));
            let (exact, plan) = (backward_induction(&mdp, 9, 1.0).unwrap(), problem.finite(9, 1.0).unwrap());
            let (best, ever) = (policy_iteration(&mdp, 0.8).unwrap(), problem.discounted(0.8, 1e-7).unwrap());
            let mut lookahead = Lookahead::default();
            for state in (0..STATES).filter(|state| Some(*state) != terminal) {
                let mut rest = state;
                let mut obs = vec![0.0; axes.len()];
                for (x, axis) in obs.iter_mut().zip(&axes).rev() {
                    *x = (rest % axis.points()) as f32;
                    rest /= axis.points();
                }
                for t in 0..9 {
                    assert_eq!(plan.value(t, &obs).unwrap().to_bits(), exact.value(t, state).to_bits());
                    let mut act = [0.0];
                    let worth = plan.act(t, &obs, &mut act, &mut lookahead).unwrap();
                    assert_eq!(act[0] as usize, exact.action(t, state));
                    assert_eq!(worth.to_bits(), exact.value(t, state).to_bits());
                }
                assert!((ever.value(0, &obs).unwrap() - best.value(state)).abs() < 2e-6);
            }
        }
    }
}

#[test]
fn chance_is_averaged_over_the_same_draws_everywhere() {
    // One of the two neighbours of a ring, by a coin: staying put is not to be had. It earns what the next point says.
    let physics: Arc<dyn Physics> = Arc::new(Law {
        uniforms: 1,
        advance: |obs: &[f32], act: &[f32], uniforms: &[f32], next: &mut [f32]| {
            let step = if uniforms[0] < 0.5 { 1.0 } else { 5.0 };
            next[0] = (obs[0] + step + act[0]) % 6.0;
        },
    });
    let grid = Grid::plain(vec![Axis::periodic(0.0, 6.0, 6).unwrap()]).unwrap();
    let mut list = RowBuf::new(1);
    list.push(&[0.0]);
    list.push(&[2.0]);
    let (draws, key) = (64, Key::root(3));
    let mut noise = mbrl_core::NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 0, uniforms: 1 }, draws, key);
    let up = noise.view().uniforms.iter().filter(|u| u[0] < 0.5).count() as f64 / draws as f64;
    let task = earning(|_, _, next| next[0]);
    let actions = ActionGrid::list(list).unwrap();
    let problem = GridProblem::with_draws(grid, actions, physics, &task, draws, key).unwrap();
    let plan = problem.finite(4, 1.0).unwrap();
    let mut transition = vec![0.0; 6 * 2 * 6];
    let rewards: Vec<f64> = (0..transition.len()).map(|i| (i % 6) as f64).collect();
    for pair in 0..12 {
        let (state, moved) = (pair / 2, 2 * (pair % 2));
        transition[pair * 6 + (state + moved + 1) % 6] += up;
        transition[pair * 6 + (state + moved + 5) % 6] += 1.0 - up;
    }
    let mdp = TabularMdp::new(2, transition, rewards, vec![1.0 / 6.0; 6], vec![false; 6]).unwrap();
    let exact = backward_induction(&mdp, 4, 1.0).unwrap();
    let (mut act, mut lookahead) = ([0.0], Lookahead::default());
    for state in 0..6 {
        let obs = [state as f32];
        assert!((plan.value(0, &obs).unwrap() - exact.value(0, state)).abs() < 1e-5);
        let worth = plan.act(0, &obs, &mut act, &mut lookahead).unwrap();
        assert!((worth - exact.value(0, state)).abs() < 1e-5);
        assert_eq!(act[0] as usize / 2, exact.action(0, state));
    }
}
