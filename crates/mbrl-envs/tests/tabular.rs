//! Finite worlds: their tables are those of the sources, and what they do is what their tables say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{End, Key, Moves, NoiseBuf, RowBuf, Rows, TabularMdp};
use mbrl_envs::{ALL, Chain, Cliff, DeepSea, Finite, RiverSwim};

/// Draws per move of a table.
const DRAWS: usize = 20_000;

/// Pearson's χ² of each move of each table. By Laurent & Massart's bound, χ² with k degrees of freedom exceeds k +
/// 2√(kx) + 2x with probability below e^−x; with x = 19 that is 6e-9, and below 1e-6 for all hundred-odd moves
/// together. Keys are fixed.
#[test]
fn successors_have_the_frequencies_of_the_tables() {
    let mut tested = 0;
    for entry in ALL {
        let Some(mdp) = entry.mdp() else { continue };
        let physics = entry.physics().unwrap();
        let (mut noise, mut next) = (NoiseBuf::default(), RowBuf::zeros(DRAWS, 1));
        let (mut obs, mut act) = (RowBuf::zeros(DRAWS, 1), RowBuf::zeros(DRAWS, 1));
        for state in 0..mdp.states() {
            for action in 0..mdp.actions() {
                obs.as_mut_slice().fill(state as f32);
                act.as_mut_slice().fill(action as f32);
                let key = Key::root(11).child(entry.name).at(state as u64).at(action as u64);
                noise.fill(physics.noise_spec(), DRAWS, key);
                physics.successors(obs.view(), act.view(), noise.view(), next.view_mut()).unwrap();
                let mut counts = vec![0.0; mdp.states()];
                next.as_slice().iter().for_each(|s| counts[*s as usize] += 1.0);
                let (mut chi2, mut possible) = (0.0, 0.0);
                for (count, p) in counts.iter().zip(mdp.transition(state, action)) {
                    let expected = p * DRAWS as f64;
                    if expected > 0.0 {
                        chi2 += (count - expected) * (count - expected) / expected;
                        possible += 1.0;
                    } else {
                        assert!(*count < 0.5, "{}: {state}, {action} did the impossible", entry.name);
                    }
                }
                let freedom: f64 = possible - 1.0;
                let limit = freedom + 2.0 * (freedom * 19.0).sqrt() + 2.0 * 19.0;
                assert!(chi2 < limit, "{}: {state}, {action}: χ² = {chi2}", entry.name);
                tested += 1;
            }
        }
    }
    assert_eq!(tested, 12 + 10 + 202 + 192 + 40);
}

#[test]
fn rewards_and_ends_are_those_of_the_tables() {
    for entry in ALL {
        let Some(mdp) = entry.mdp() else { continue };
        let task = entry.task();
        let (rewards, terminations) = (task.reward.unwrap(), task.termination.unwrap());
        for (s, a) in (0..mdp.states()).flat_map(|s| (0..mdp.actions()).map(move |a| (s, a))) {
            for next in 0..mdp.states() {
                let (obs, act, next_obs) = ([s as f32], [a as f32], [next as f32]);
                let moves = Moves {
                    obs: Rows::single(&obs),
                    act: Rows::single(&act),
                    next_obs: Rows::single(&next_obs),
                };
                let (mut reward, mut end) = ([0.0], [End::Truncated]);
                rewards.reward(moves, &mut reward).unwrap();
                terminations.end(moves, &mut end).unwrap();
                let expected = mdp.reward(s, a)[next] as f32;
                assert_eq!(reward[0].to_bits(), expected.to_bits(), "{}: {s}, {a}, {next}", entry.name);
                let expected = if mdp.is_terminal(next) { End::Terminated } else { End::Running };
                assert_eq!(end[0], expected, "{}: {next}", entry.name);
            }
        }
    }
}

#[test]
fn riverswim_is_that_of_the_paper() {
    let mdp = RiverSwim.mdp().unwrap();
    assert_eq!((mdp.states(), mdp.actions()), (6, 2));
    assert_eq!(mdp.start(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(mdp.transition(0, 0), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(mdp.transition(3, 0), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(mdp.transition(0, 1), [0.4, 0.6, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(mdp.transition(2, 1), [0.0, 0.05, 0.6, 0.35, 0.0, 0.0]);
    assert_eq!(mdp.transition(5, 1), [0.0, 0.0, 0.0, 0.0, 0.4, 0.6]);
    for (s, earned) in
        [[0.005, 0.0], [0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2], [0.0, 1.0]].into_iter().enumerate()
    {
        for (a, earned) in earned.into_iter().enumerate() {
            assert!((mdp.mean_reward(s, a) - earned).abs() < 1e-15, "state {s}, action {a}");
        }
    }
    assert!((0..6).all(|s| !mdp.is_terminal(s)));
}

/// The best return of an episode: dynamic programming backwards from its end.
fn best_return(mdp: &TabularMdp, horizon: u32) -> f64 {
    let mut value = vec![0.0; mdp.states()];
    for _ in 0..horizon {
        let of = |s: usize, a: usize| -> f64 {
            let ahead = mdp.transition(s, a).iter().zip(&value).enumerate();
            let ahead = ahead.map(|(next, (p, v))| if mdp.is_terminal(next) { 0.0 } else { p * v });
            mdp.mean_reward(s, a) + ahead.sum::<f64>()
        };
        let best = |s: usize| (0..mdp.actions()).map(|a| of(s, a)).fold(f64::NEG_INFINITY, f64::max);
        value = (0..mdp.states()).map(best).collect();
    }
    mdp.start().iter().zip(&value).map(|(p, v)| p * v).sum()
}

/// Always walking on, the agent is in the last state when it did not slip for four steps: 0.8⁴ of the time. That earns
/// 0.8⁵ · 10 + 0.2 · 2 = 3.6768 a step, the optimum that the literature gives.
#[test]
fn chain_earns_what_the_literature_says() {
    let mdp = Chain.mdp().unwrap();
    let gain = (best_return(&mdp, 2000) - best_return(&mdp, 1000)) / 1000.0;
    assert!((gain - 3.6768).abs() < 1e-9, "{gain}");
    assert_eq!(mdp.transition(4, 0), [1.0 - 0.8, 0.0, 0.0, 0.0, 0.8]);
    assert_eq!(mdp.reward(4, 1), [2.0, 0.0, 0.0, 0.0, 10.0]);
    assert_eq!(mdp.reward(2, 1), [2.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn the_sea_has_one_treasure_and_the_cliff_a_path() {
    for size in [1, 2, 5, 10] {
        let sea = DeepSea::new(size, Key::root(4)).unwrap();
        let best = best_return(&sea.mdp().unwrap(), sea.horizon());
        assert!((best - 0.99).abs() < 1e-12, "{size}: {best}");
        // One step less is too few to reach it.
        assert!(size == 1 || best_return(&sea.mdp().unwrap(), size - 1) <= 0.0);
    }
    assert!(DeepSea::new(0, Key::root(4)).is_err() && DeepSea::new(65, Key::root(4)).is_err());
    let best = best_return(&Cliff.mdp().unwrap(), 100);
    assert!((best + 13.0).abs() < 1e-12, "{best}");
}

#[test]
fn the_sea_follows_the_actions_that_mean_right() {
    let sea = DeepSea::new(6, Key::root(8)).unwrap();
    let mdp = sea.mdp().unwrap();
    let meanings: Vec<usize> = (0..36).map(|cell| sea.right(cell / 6, cell % 6)).collect();
    assert!(meanings.contains(&0) && meanings.contains(&1));
    // State 8 is (1, 2): right leads to (2, 3), left to (2, 1).
    let right = sea.right(1, 2);
    assert_eq!(mdp.transition(8, right).iter().position(|p| *p > 0.5), Some(15));
    assert_eq!(mdp.transition(8, 1 - right).iter().position(|p| *p > 0.5), Some(13));
    assert!((mdp.mean_reward(8, right) + 0.01 / 6.0).abs() < 1e-15);
    assert!(mdp.is_terminal(36) && (0..36).all(|s| !mdp.is_terminal(s)));
}

#[test]
fn the_cliff_is_that_of_the_book() {
    let mdp = Cliff.mdp().unwrap();
    let leads = |s: usize, a: usize| {
        let next = mdp.transition(s, a).iter().position(|p| *p > 0.5).unwrap();
        (next, mdp.reward(s, a)[next] as i32)
    };
    assert_eq!([0, 1, 2, 3].map(|a| leads(36, a)), [(24, -1), (36, -100), (36, -1), (36, -1)]);
    assert_eq!([0, 1, 2, 3].map(|a| leads(25, a)), [(13, -1), (26, -1), (36, -100), (24, -1)]);
    assert_eq!([0, 1, 2, 3].map(|a| leads(35, a)), [(23, -1), (35, -1), (47, -1), (34, -1)]);
    assert_eq!(leads(0, 0), (0, -1));
    // The cliff is ten cells wide.
    assert!((1..=10).all(|column| leads(24 + column, 2) == (36, -100)));
    assert!(mdp.is_terminal(47) && (0..47).all(|s| !mdp.is_terminal(s)));
}
