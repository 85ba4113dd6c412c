//! States that imagination reaches with its last step alone.

use super::stats::quantile;
use crate::Normalizer;
use mbrl_core::{End, Error, Key, Result, Rows};
use serde::{Deserialize, Serialize};

/// How many of the states in which rollouts of a length are cut lie where no rollout has been before its last step.
///
/// Values are bootstrapped from such states and never learnt in them, so that what a critic says there is not corrected:
/// with a truncated horizon that ruins offline learning even in a perfect model (Sims et al., 2024). Lu et al. (2022) find
/// that the length of rollouts matters as much as the penalty.
///
/// A rollout *knows* the states that it acts in: all but the one that it stops in. It is *cut* in that one, where it took
/// all of `length` steps and nothing ended. A state is *far* where the nearest state that another rollout knows is further
/// than that of 99 in 100 known states, by the 2-norm of numbers that are divided by their deviation over known states.
/// Another rollout's, as each state lies close to those before and after it, and the last one has none after it. Were
/// states the same with the last step as before it, 1 in 100 would be far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeOfReach {
    /// How many steps rollouts take before they are cut.
    pub length: usize,
    /// How many states in which one was cut have been looked at.
    pub cut: usize,
    /// With how many known ones they were compared.
    pub known: usize,
    /// Past this distance from every known state of other rollouts a state is far.
    pub threshold: f64,
    /// The share of those that are far.
    pub share: f64,
    /// The share that would be far by chance.
    pub by_chance: f64,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EdgeSpec {
    /// How many steps rollouts take; longer ones are looked at up to there.
    pub length: usize,
    /// The share of known states that are not far from others: 0.99.
    pub quantile: f64,
    /// So many known states are drawn, and so many in which rollouts were cut, as the time grows with their product: 2000.
    pub most: usize,
}

/// An imagined rollout.
#[derive(Clone, Copy, Debug)]
pub struct Reached<'a> {
    /// Its states from the first to the last.
    pub states: Rows<'a>,
    /// Whether the last one ended its episode.
    pub end: End,
}

impl EdgeSpec {
    /// Rollouts of a length, and the rest as it usually is.
    pub fn of_length(length: usize) -> Self {
        EdgeSpec { length, quantile: 0.99, most: 2000 }
    }
}

/// Measures the share of states at the edge of reach. Equal keys draw the same states.
pub fn edge_of_reach(rollouts: &[Reached<'_>], spec: EdgeSpec, key: Key) -> Result<EdgeOfReach> {
    let EdgeSpec { length, quantile: share, most } = spec;
    if length == 0 || most == 0 || !(0.0..1.0).contains(&share) {
        return Err(Error::invalid(format_args!(
            "{most} states at a length of {length} and a quantile of {share}: give at least one of each, and a share below 1"
        )));
    }
    let dim = rollouts.first().map_or(0, |rollout| rollout.states.dim());
    let (mut known, mut cut) = (Vec::new(), Vec::new());
    for (i, Reached { states, end }) in rollouts.iter().enumerate() {
        if states.dim() != dim || dim == 0 {
            return Err(Error::invalid(format_args!(
                "rollout {i} has states of {} numbers and rollout 0 of {dim}: give rollouts of one model",
                states.dim()
            )));
        }
        if let Some((row, column)) = states.find_non_finite() {
            return Err(Error::non_finite(format_args!("column {column} of state {row} of rollout {i}")));
        }
        let steps = states.len().saturating_sub(1);
        known.extend((0..steps.min(length)).map(|t| (i, states.row(t))));
        if steps > length || (steps == length && !end.is_end()) {
            cut.push((i, states.row(length)));
        }
    }
    if cut.is_empty() {
        return Err(Error::invalid(format_args!(
            "none of {} rollouts is cut after {length} steps: imagine shorter ones, or more of them",
            rollouts.len()
        )));
    }
    let all: Vec<f32> = known.iter().flat_map(|(_, state)| state.iter().copied()).collect();
    let scale = Normalizer::of(&all, dim);
    let known = drawn(&known, most, key.child("known"), &scale);
    let cut = drawn(&cut, most, key.child("cut"), &scale);
    if known.iter().all(|state| state.rollout == known[0].rollout) {
        return Err(Error::invalid("one rollout has no other to be compared with: imagine more of them"));
    }
    let mut usual: Vec<f64> = known.iter().map(|state| state.nearest(&known)).collect();
    usual.sort_unstable_by(f64::total_cmp);
    let threshold = quantile(&usual, share);
    let far = cut.iter().filter(|state| state.nearest(&known) > threshold).count();
    Ok(EdgeOfReach {
        length,
        cut: cut.len(),
        known: known.len(),
        threshold,
        share: far as f64 / cut.len() as f64,
        by_chance: 1.0 - share,
    })
}

/// A state in coordinates that are comparable.
struct Placed {
    rollout: usize,
    at: Vec<f64>,
}

impl Placed {
    /// The distance to the nearest of these that is of another rollout.
    fn nearest(&self, others: &[Placed]) -> f64 {
        let squares =
            |other: &Placed| self.at.iter().zip(&other.at).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let others = others.iter().filter(|other| other.rollout != self.rollout);
        others.map(squares).fold(f64::INFINITY, f64::min).sqrt()
    }
}

/// At most so many of the states, drawn without replacement, in their order.
fn drawn(states: &[(usize, &[f32])], most: usize, key: Key, scale: &Normalizer) -> Vec<Placed> {
    let mut chosen: Vec<usize> = (0..states.len()).collect();
    if states.len() > most {
        let keys = key.below();
        for i in 0..most {
            let left = states.len() - i;
            let step = (f64::from(keys.at(i as u64).uniform()) * left as f64) as usize;
            chosen.swap(i, i + step.min(left - 1));
        }
        chosen.truncate(most);
        chosen.sort_unstable();
    }
    let place = |&i: &usize| {
        let (rollout, state) = states[i];
        let at = state.iter().zip(&scale.deviation).map(|(x, deviation)| f64::from(*x) / deviation);
        Placed { rollout, at: at.collect() }
    };
    chosen.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rollouts on a lattice of ten points, one begun at each; `jump` says which leave it with their last step.
    fn walks(count: usize, length: usize, jump: impl Fn(usize) -> bool) -> Vec<Vec<f32>> {
        let walk = |i: usize| {
            let at = |t: usize| ((i + t) % 10) as f32 + if t == length && jump(i) { 50.0 } else { 0.0 };
            (0..=length).flat_map(|t| [at(t), 1.0]).collect()
        };
        (0..count).map(walk).collect()
    }

    fn reached(walks: &[Vec<f32>]) -> Vec<Reached<'_>> {
        let states = walks.iter().map(|walk| Rows::new(walk, 2).unwrap());
        states.map(|states| Reached { states, end: End::Running }).collect()
    }

    fn share(rollouts: &[Reached<'_>], length: usize) -> f64 {
        edge_of_reach(rollouts, EdgeSpec::of_length(length), Key::root(0)).unwrap().share
    }

    fn is(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn what_only_the_last_step_reaches_is_at_the_edge() {
        assert!(is(share(&reached(&walks(60, 5, |_| true)), 5), 1.0));
        assert!(is(share(&reached(&walks(60, 5, |i| i % 3 == 0)), 5), 1.0 / 3.0));
        assert!(is(share(&reached(&walks(60, 5, |_| false)), 5), 0.0));
        // In a chain that always goes on, each length has an edge of its own, wherever it is cut.
        let chains: Vec<Vec<f32>> =
            (0..40).map(|i| (0..=6).flat_map(|t| [10.0 * t as f32, (i % 5) as f32]).collect()).collect();
        for length in 1..=6 {
            assert!(is(share(&reached(&chains), length), 1.0), "{length}");
        }
        // The same rollouts, but begun everywhere on the chain: they go where others have been.
        let begun = |i: usize| (0..=3).flat_map(|t| [10.0 * ((i % 7 + t) % 7) as f32, 0.0]).collect();
        assert!(is(share(&reached(&(0..70).map(begun).collect::<Vec<_>>()), 3), 0.0));
    }

    #[test]
    fn states_of_no_edge_are_far_once_in_a_hundred() {
        // Independent states: known and last ones are exchangeable. By the draw of 2000 known ones, of which twenty lie past the
        // threshold, 0.01 may be 0.016 at six deviations; that 24 of 400 then lie past it has a chance below 1e-7.
        let keys = Key::root(5).below();
        let states: Vec<f32> = (0..400 * 11 * 2).map(|i| keys.at(i).uniform()).collect();
        let rollouts: Vec<Reached<'_>> = states
            .chunks(22)
            .map(|states| Reached { states: Rows::new(states, 2).unwrap(), end: End::Running })
            .collect();
        let found = edge_of_reach(&rollouts, EdgeSpec::of_length(10), Key::root(0)).unwrap();
        assert_eq!((found.cut, found.known), (400, 2000));
        assert!(found.share < 0.06 && is(found.by_chance, 0.01), "{found:?}");
        // The same key draws the same, another others.
        let again = |key| edge_of_reach(&rollouts, EdgeSpec::of_length(10), key).unwrap();
        assert_eq!(again(Key::root(0)), found);
        assert!(again(Key::root(1)) != found);
    }

    #[test]
    fn units_do_not_matter_and_a_path_does_not_know_its_own_end() {
        let keys = Key::root(6).below();
        let mut states: Vec<f32> = (0..100 * 4 * 2).map(|i| keys.at(i).uniform()).collect();
        let of = |states: &[f32]| {
            let rollouts: Vec<Reached<'_>> = states
                .chunks(8)
                .map(|states| Reached { states: Rows::new(states, 2).unwrap(), end: End::Running })
                .collect();
            edge_of_reach(&rollouts, EdgeSpec { quantile: 0.5, ..EdgeSpec::of_length(3) }, Key::root(0))
                .unwrap()
        };
        let found = of(&states);
        states.iter_mut().step_by(2).for_each(|x| *x *= 4096.0);
        assert!(is(of(&states).share, found.share) && is(of(&states).threshold, found.threshold));
        // One that goes somewhere else and stands still there is far, however close it is to itself.
        let mut away = walks(60, 5, |_| false);
        away[7] = (0..=5).flat_map(|t| [if t < 3 { 7.0 } else { 90.0 }, 1.0]).collect();
        assert!(is(share(&reached(&away), 5), 1.0 / 60.0));
    }

    #[test]
    fn rollouts_that_ended_are_not_cut_and_longer_ones_are_looked_at_up_to_there() {
        let walks = walks(40, 5, |i| i < 20);
        let mut rollouts = reached(&walks);
        for rollout in &mut rollouts[..10] {
            rollout.end = End::Terminated;
        }
        let found = edge_of_reach(&rollouts, EdgeSpec::of_length(5), Key::root(0)).unwrap();
        assert_eq!((found.cut, found.known), (30, 200));
        assert!(is(found.share, 1.0 / 3.0));
        assert!(is(share(&rollouts, 4), 0.0));
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let walks = walks(6, 3, |_| false);
        let rollouts = reached(&walks);
        let refused = |rollouts: &[Reached<'_>], spec| {
            edge_of_reach(rollouts, spec, Key::root(0)).unwrap_err().to_string()
        };
        let usual = EdgeSpec::of_length(3);
        assert!(refused(&rollouts, EdgeSpec::of_length(4)).contains("none of 6 rollouts is cut after 4"));
        assert!(refused(&rollouts, EdgeSpec::of_length(0)).contains("a length of 0"));
        assert!(refused(&rollouts, EdgeSpec { quantile: 1.0, ..usual }).contains("a quantile of 1"));
        assert!(refused(&rollouts[..1], usual).contains("one rollout"));
        assert!(refused(&[], usual).contains("none of 0"));
        let other = [0.0; 12];
        let other = Reached { states: Rows::new(&other, 3).unwrap(), end: End::Running };
        assert!(refused(&[rollouts[0], other], usual).contains("rollout 1 has states of 3"));
        let bad = [0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let bad = Reached { states: Rows::new(&bad, 2).unwrap(), end: End::Running };
        assert!(refused(&[rollouts[0], bad], usual).contains("column 1 of state 0 of rollout 1"));
    }
}
