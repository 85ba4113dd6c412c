//! Curves of what runs recorded: of one run as they are, of several in the mean.

use super::group::{Group, Run};
use crate::plot::Point;
use mbrl_agents::{ci95, mean};
use std::collections::{BTreeMap, BTreeSet};

/// A curve of more points than this is drawn from as many means.
const MOST_POINTS: usize = 240;
/// Into so many stretches of steps numbers are put where several runs recorded at steps of their own.
const STRETCHES: u64 = 60;

/// The curve of a number by name: over several runs the mean and Student's 95 % interval over those that have it.
pub(super) fn curve(runs: &[Run], name: &str) -> Vec<Point> {
    of_runs(runs.iter().map(|run| run.scalars(name)).collect())
}

/// The curve of numbers by steps, of one list for each run.
pub(super) fn of_runs(runs: Vec<Vec<(u64, f64)>>) -> Vec<Point> {
    let runs: Vec<Vec<(u64, f64)>> = runs.into_iter().filter(|run| !run.is_empty()).collect();
    let steps: BTreeSet<u64> = runs.iter().flatten().map(|(at, _)| *at).collect();
    let Some(last) = steps.last() else { return Vec::new() };
    let share_steps = runs
        .windows(2)
        .all(|pair| pair[0].len() == pair[1].len() && pair[0].iter().zip(&pair[1]).all(|(a, b)| a.0 == b.0));
    let width = match (share_steps, steps.len() > MOST_POINTS) {
        (true, false) => 1,
        (true, true) => (last + 1).div_ceil(MOST_POINTS as u64),
        (false, _) => (last + 1).div_ceil(STRETCHES),
    };
    // By stretch: the sum of steps and how many there are, and what each run has.
    let mut stretches = BTreeMap::<u64, Vec<Vec<(u64, f64)>>>::new();
    for (i, run) in runs.iter().enumerate() {
        for &(at, value) in run {
            stretches.entry(at / width).or_insert_with(|| vec![Vec::new(); runs.len()])[i].push((at, value));
        }
    }
    let point = |stretch: &Vec<Vec<(u64, f64)>>| {
        let steps: Vec<f64> = stretch.iter().flatten().map(|(at, _)| *at as f64).collect();
        let of_run = |run: &Vec<(u64, f64)>| mean(&run.iter().map(|(_, value)| *value).collect::<Vec<_>>());
        let values: Vec<f64> = stretch.iter().filter(|run| !run.is_empty()).map(of_run).collect();
        interval(mean(&steps), mean(&values), ci95(&values))
    };
    stretches.values().map(point).collect()
}

/// A point with its interval, or with none.
pub(super) fn interval(x: f64, y: f64, ci95: Option<[f64; 2]>) -> Point {
    let [low, high] = ci95.unwrap_or([y; 2]);
    Point { x, y, low, high }
}

/// Mean returns of evaluations: over several runs with the interval over runs, of one run over its episodes.
pub(super) fn evaluations(group: &Group) -> Vec<Point> {
    match group.runs.as_slice() {
        [run] => run
            .evaluations
            .iter()
            .map(|at| {
                let ci95 = episode_interval(run, at.env_steps, at.mean_return);
                interval(at.env_steps as f64, at.mean_return, ci95)
            })
            .collect(),
        _ => {
            let point =
                |at: super::group::OverAt| interval(at.env_steps as f64, at.over.mean_return, at.over.ci95);
            group.evaluations().into_iter().map(point).collect()
        }
    }
}

/// Student's interval of an evaluation's mean over its episodes; `None` of one episode.
pub(super) fn episode_interval(run: &Run, env_steps: u64, mean: f64) -> Option<[f64; 2]> {
    let std = run.scalars("eval/return_std").into_iter().find(|(at, _)| *at == env_steps)?.1;
    let episodes = usize::try_from(run.config.eval.episodes).ok()?;
    student(mean, std, episodes)
}

/// Student's interval of a mean of `n` numbers that is all that is known of them, with their deviation: that of any numbers
/// with this mean and deviation, such as the mean itself and two at either side of it.
fn student(mean: f64, std: f64, n: usize) -> Option<[f64; 2]> {
    if n < 2 {
        return None;
    }
    let aside = std * ((n - 1) as f64 / 2.0).sqrt();
    let mut numbers = vec![mean; n];
    (numbers[0], numbers[1]) = (mean - aside, mean + aside);
    ci95(&numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_needs_no_more_than_mean_and_deviation() {
        let numbers = [1.0, 4.0, 2.5, -3.0, 7.0];
        let std = mbrl_agents::sample_std(&numbers).unwrap();
        let (found, exact) = (student(mean(&numbers), std, 5).unwrap(), ci95(&numbers).unwrap());
        assert!(found.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} {exact:?}");
        assert_eq!(student(1.0, 0.0, 1), None);
    }

    #[test]
    fn runs_that_share_their_steps_are_taken_together_step_by_step() {
        let found = of_runs(vec![vec![(0, 1.0), (10, 2.0)], vec![(0, 3.0), (10, 4.0)]]);
        let seen: Vec<(f64, f64)> = found.iter().map(|point| (point.x, point.y)).collect();
        assert_eq!(format!("{seen:?}"), "[(0.0, 2.0), (10.0, 3.0)]");
        assert!(found[0].low < 2.0 && found[0].high > 2.0);
        // Of one run there is no interval.
        let one = of_runs(vec![vec![(0, 1.0)], vec![]]);
        assert!(one.len() == 1 && (one[0].high - one[0].low).abs() < 1e-12);
        assert!(of_runs(vec![vec![], vec![]]).is_empty());
    }

    #[test]
    fn long_curves_are_shortened_and_ascend() {
        let long: Vec<(u64, f64)> = (0..10_000).map(|at| (at, at as f64)).collect();
        let other: Vec<(u64, f64)> = (0..900).map(|at| (at * 11 + 3, 1.0)).collect();
        for runs in [vec![long.clone()], vec![long, other]] {
            let found = of_runs(runs);
            assert!(found.len() <= MOST_POINTS && found.len() >= 50, "{}", found.len());
            assert!(found.windows(2).all(|pair| pair[0].x < pair[1].x));
        }
    }
}
