//! A double integrator with quadratic costs, whose optimum is a Riccati recursion.

use super::*;

const DT: f64 = 0.2;
const STEPS: usize = 12;

/// x' = x + v dt, v' = v + u dt.
fn advance(x: [f64; 2], u: f64) -> [f64; 2] {
    [x[0] + DT * x[1], x[1] + DT * u]
}

/// The cost of a step, before it.
fn cost(x: [f64; 2], u: f64) -> f64 {
    x[0] * x[0] + 0.1 * x[1] * x[1] + 0.1 * u * u
}

/// The cost to go xᵀPx of each step, P as (xx, xv, vv), and the gains of u = −Kx.
fn riccati() -> Vec<([f64; 3], [f64; 2])> {
    let (mut p, mut stages) = ([0.0; 3], Vec::new());
    for _ in 0..STEPS {
        let [a, b, c] = p;
        // BᵀPA with A = [[1, dt], [0, 1]] and B = [0, dt].
        let (s, cross) = (0.1 + DT * DT * c, [DT * b, DT * (DT * b + c)]);
        let gain = cross.map(|x| x / s);
        p = [
            1.0 + a - gain[0] * cross[0],
            DT * a + b - gain[0] * cross[1],
            0.1 + DT * DT * a + 2.0 * DT * b + c - gain[1] * cross[1],
        ];
        stages.push((p, gain));
    }
    stages.reverse();
    stages
}

fn solved(points: usize, actions: usize) -> GridPlan {
    let physics = law(|obs, act, next| {
        let at = advance([f64::from(obs[0]), f64::from(obs[1])], f64::from(act[0]));
        next.copy_from_slice(&[at[0] as f32, at[1] as f32]);
    });
    let task = earning(|obs, act, _| -cost([f64::from(obs[0]), f64::from(obs[1])], f64::from(act[0])) as f32);
    let axes = vec![Axis::clamped(-2.0, 2.0, points).unwrap(), Axis::clamped(-3.0, 3.0, points).unwrap()];
    let problem =
        GridProblem::new(Grid::plain(axes).unwrap(), one_column(4.0, actions), physics, &task).unwrap();
    problem.finite(STEPS, 1.0).unwrap()
}

const STARTS: [[f64; 2]; 5] = [[0.7, 0.3], [-0.45, 0.9], [0.31, -0.77], [-0.83, -0.2], [0.05, 0.55]];

fn optimal(stage: &([f64; 3], [f64; 2]), [x, v]: [f64; 2]) -> f64 {
    let [a, b, c] = stage.0;
    a * x * x + 2.0 * b * x * v + c * v * v
}

/// What an episode costs in the true world that acts on a plan.
fn executed(plan: &GridPlan, mut x: [f64; 2]) -> f64 {
    let (mut act, mut lookahead, mut sum) = ([0.0], Lookahead::default(), 0.0);
    for t in 0..STEPS {
        plan.act(t, &[x[0] as f32, x[1] as f32], &mut act, &mut lookahead).unwrap();
        let u = f64::from(act[0]);
        sum += cost(x, u);
        x = advance(x, u);
    }
    sum
}

#[test]
fn values_converge_to_riccati_with_the_square_of_the_spacing() {
    let stages = riccati();
    let errors = [(31, 33), (61, 65), (121, 129)].map(|(points, actions)| {
        let plan = solved(points, actions);
        let error = |t: usize, x: [f64; 2]| {
            (plan.value(t, &[x[0] as f32, x[1] as f32]).unwrap() + optimal(&stages[t], x)).abs()
        };
        // Points of each grid, so that the errors compared are not those of the last interpolation alone.
        let at = [[0.4, 0.4], [-0.8, 0.6], [0.0, 1.0], [-0.4, -0.2]];
        (at.iter().map(|x| error(0, *x)).sum::<f64>(), plan)
    });
    for pair in errors.windows(2) {
        let ratio = pair[0].0 / pair[1].0;
        assert!((3.3..4.7).contains(&ratio), "{} to {}: {ratio}", pair[0].0, pair[1].0);
    }
    // The optimal costs at these points sum to 9, and the error is that of twelve interpolations.
    assert!(errors[2].0 < 0.06, "{}", errors[2].0);
}

#[test]
fn acting_on_the_grid_is_nearly_optimal_in_the_true_world() {
    let stages = riccati();
    let regrets = [(31, 33), (121, 33)].map(|(points, actions)| {
        let plan = solved(points, actions);
        STARTS.map(|x| executed(&plan, x) / optimal(&stages[0], x) - 1.0)
    });
    for (coarse, fine) in regrets[0].into_iter().zip(regrets[1]) {
        // Nothing beats the optimum, but for the rounding of observations.
        assert!(coarse > -1e-6 && fine > -1e-6, "{regrets:?}");
        assert!(coarse < 0.05 && fine < 0.005 && fine < 0.2 * coarse, "{regrets:?}");
    }
}

#[test]
fn an_action_is_found_between_those_of_the_list() {
    // With one step to go the best of −(obs + act)² is −obs, which is not in the list; nor is it beyond its ends.
    let physics = law(|obs, act, next| next[0] = obs[0] + act[0]);
    let grid = Grid::plain(vec![Axis::clamped(-1.0, 1.0, 3).unwrap()]).unwrap();
    let task = earning(|_, _, next| -next[0] * next[0]);
    let problem = GridProblem::new(grid, one_column(1.0, 5), physics, &task).unwrap();
    let (plan, mut act) = (problem.finite(1, 1.0).unwrap(), [0.0]);
    for (x, best) in [(0.3, -0.3), (-0.777, 0.777), (0.01, -0.01), (1.7, -1.0), (-1.7, 1.0)] {
        let worth = plan.act(0, &[x], &mut act, &mut Lookahead::default()).unwrap();
        assert!((act[0] - best).abs() < 2e-4, "{x}: {act:?}");
        assert!((worth + f64::from(x + act[0]).powi(2)).abs() < 1e-6);
    }
}
