//! What a grid refuses, and with which words.

use super::*;
use mbrl_core::{Error, Key, RowBuf};

fn line() -> Grid {
    Grid::plain(vec![Axis::clamped(-1.0, 1.0, 5).unwrap()]).unwrap()
}

fn still() -> Arc<dyn Physics> {
    law(|obs, _, next| next[0] = obs[0])
}

fn says<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_chart_that_does_not_lead_back_is_refused() {
    let axes = || vec![Axis::clamped(-1.0, 1.0, 5).unwrap()];
    let error = says(Grid::new(
        axes(),
        1,
        |at, obs| obs[0] = at[0] as f32,
        |obs, at| at[0] = f64::from(obs[0]).abs(),
    ));
    assert!(error.contains("the point [-1.0] is observed as [-1.0], which is located at [1.0]"), "{error}");
    let error = says(Grid::new(axes(), 1, |_, obs| obs[0] = f32::NAN, |obs, at| at[0] = f64::from(obs[0])));
    assert!(error.contains("let the two functions of the grid undo each other"), "{error}");
    assert!(says(Grid::plain(Vec::new())).contains("a grid of 0 axes: expected 1 to 4"));
    let wide = vec![Axis::clamped(0.0, 1.0, usize::MAX / 2).unwrap(); 3];
    assert!(says(Grid::plain(wide)).contains("give the axes fewer"));
}

#[test]
fn a_world_that_is_not_known_or_has_chance_is_refused() {
    let build =
        |physics: Arc<dyn Physics>, task: &Task| GridProblem::new(line(), one_column(1.0, 3), physics, task);
    let known = earning(|_, _, _| 0.0);
    let error = says(build(still(), &Task { reward: None, ..known.clone() }));
    assert_eq!(error, "the task does not know its reward: say it with `Task::rewarding`");
    let error = says(build(still(), &Task { termination: None, ..known.clone() }));
    assert_eq!(error, "the task does not know its termination: say it with `Task::terminating`");
    let chance: Arc<dyn Physics> = Arc::new(Law {
        uniforms: 1,
        advance: |_: &[f32], _: &[f32], _: &[f32], next: &mut [f32]| next[0] = 0.0,
    });
    let error = says(build(Arc::clone(&chance), &known));
    assert!(error.contains("say over how many draws to average, with `GridProblem::with_draws`"), "{error}");
    let none = GridProblem::with_draws(line(), one_column(1.0, 3), chance, &known, 0, Key::root(0));
    assert!(says(none).contains("give at least 1"));
}

#[test]
fn numbers_that_are_none_are_named_with_their_place() {
    let build = |physics, task: &Task| says(GridProblem::new(line(), one_column(1.0, 3), physics, task));
    let error = build(
        law(|_, act, next| next[0] = if act[0] > 0.5 { f32::NAN } else { 0.0 }),
        &earning(|_, _, _| 0.0),
    );
    assert_eq!(error, "from [-1.0] by [1.0], the physics leads to NaN in column 0");
    let error = build(still(), &earning(|obs, _, _| if obs[0] > 0.75 { f32::INFINITY } else { 0.0 }));
    assert_eq!(error, "from [1.0] by [-1.0], the reward is inf");
    let problem =
        GridProblem::new(line(), one_column(1.0, 3), still(), &earning(|_, _, _| f32::MAX)).unwrap();
    assert!(says(problem.finite(2, 1.0)).contains("overflow"));
}

#[test]
fn questions_that_have_no_answer_are_refused() {
    let problem = GridProblem::new(line(), one_column(1.0, 3), still(), &earning(|_, _, _| 1.0)).unwrap();
    assert!(says(problem.finite(usize::MAX, 1.0)).contains("a plan holds at most"));
    assert!(says(problem.finite(3, 1.5)).contains("discount is 1.5: expected 0 to 1"));
    assert!(says(problem.discounted(1.0, 0.1)).contains("plan to a horizon with `GridProblem::finite`"));
    assert!(says(problem.discounted(0.5, 0.0)).contains("expected a positive number"));
    let plan = problem.finite(3, 1.0).unwrap();
    let mut lookahead = Lookahead::default();
    let mut act = |t, obs: &[f32], room: usize| plan.act(t, obs, &mut vec![0.0; room], &mut lookahead);
    assert!(act(2, &[0.0], 1).is_ok());
    assert!(says(act(3, &[0.0], 1)).contains("step 3 of a plan for 3 steps"));
    assert!(says(act(0, &[0.0], 2)).contains("room for 2 numbers of an action that has 1"));
    assert!(says(act(0, &[0.0, 0.0], 1)).contains("an observation of 2 numbers on a grid of 1"));
    assert!(says(plan.value(4, &[0.0])).contains("step 4 of a plan for 3 steps"));
    assert!(plan.value(3, &[0.0]).unwrap().abs() < 1e-300);
    let nan = plan.value(0, &[f32::NAN]).unwrap_err();
    assert!(nan.is_non_finite() && nan.to_string() == "obs[0] is NaN: give finite numbers");
}

#[test]
fn tables_too_large_to_hold_are_refused() {
    let grid = Grid::plain(vec![Axis::clamped(0.0, 1.0, 1 << 12).unwrap(); 1]).unwrap();
    let problem = GridProblem::new(grid, one_column(1.0, 1 << 17), still(), &earning(|_, _, _| 0.0));
    assert!(says(problem).contains("so use fewer"));
}

#[test]
fn an_error_of_the_physics_is_handed_on() {
    struct Broken;
    impl Physics for Broken {
        fn noise_spec(&self) -> NoiseSpec {
            NoiseSpec::default()
        }
        fn successors(&self, _: Rows<'_>, _: Rows<'_>, _: Noise<'_>, _: RowsMut<'_>) -> Result<()> {
            Err(Error::unsupported("no physics today"))
        }
    }
    let actions = ActionGrid::list(RowBuf::zeros(1, 1)).unwrap();
    let error = says(GridProblem::new(line(), actions, Arc::new(Broken), &earning(|_, _, _| 0.0)));
    assert_eq!(error, "physics of the grid: no physics today");
}
