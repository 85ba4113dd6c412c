//! The posterior is the closed form: counts, SciPy's numbers, the batch formula, and any order of the data.

mod belief;
mod distorted;
pub(crate) mod reference;
mod statistics;

use super::*;
use mbrl_core::{End, Origin, Space};
use proptest::prelude::*;
use reference::DATA;

pub(super) fn spec(states: usize, actions: usize) -> Spec {
    Spec::new(Space::discrete(states as u32).unwrap(), Space::discrete(actions as u32).unwrap())
}

pub(super) fn beta(low: f64, high: f64, a: f64, b: f64) -> TabularConfig {
    TabularConfig { concentration: 0.5, reward: RewardBelief::Beta { low, high, a, b } }
}

pub(super) fn normal_gamma() -> TabularConfig {
    let reward = RewardBelief::NormalGamma { mean: 0.25, count: 2.0, shape: 1.5, rate: 0.75 };
    TabularConfig { concentration: 0.5, reward }
}

/// A posterior over three states, none terminal, and two actions.
pub(super) fn posterior(config: TabularConfig) -> TabularPosterior {
    TabularPosterior::new(&spec(3, 2), vec![1.0, 0.0, 0.0], vec![false; 3], config).unwrap()
}

pub(super) fn see(
    posterior: &mut TabularPosterior,
    (state, action, reward, next): (usize, usize, f32, usize),
) -> Result<()> {
    posterior.observe(Transition {
        obs: &[state as f32],
        act: &[action as f32],
        next_obs: &[next as f32],
        reward,
        end: End::Running,
        origin: Origin::World,
    })
}

fn after_data(config: TabularConfig) -> TabularPosterior {
    let mut posterior = posterior(config);
    DATA.into_iter().for_each(|row| see(&mut posterior, row).unwrap());
    posterior
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

#[test]
fn counts_are_exact_and_marginal_likelihoods_are_scipys() {
    let gaussian = after_data(normal_gamma());
    assert_eq!(gaussian.counts(0, 0), [0, 2, 1]);
    assert_eq!(gaussian.counts(1, 1), [0, 0, 0]);
    assert!(gaussian.concentration(1, 0).eq([1.5, 0.5, 3.5]));
    let (found, expected) = (gaussian.transition_log_marginal_likelihood(), reference::TRANSITIONS);
    assert!(close(found, expected), "{found} for {expected}");
    let (found, expected) = (gaussian.reward_log_marginal_likelihood(), reference::NORMAL_GAMMA);
    assert!(close(found, expected), "{found} for {expected}");
    let RewardBelief::NormalGamma { mean, count, shape, rate } = gaussian.reward(1, 0) else { panic!() };
    for (found, expected) in [mean, count, shape, rate].into_iter().zip(reference::POSTERIOR) {
        assert!(close(found, expected), "{found} for {expected}");
    }
    let (found, expected) =
        (after_data(beta(-1.0, 1.0, 0.5, 1.5)).reward_log_marginal_likelihood(), reference::BETA);
    assert!(close(found, expected), "{found} for {expected}");
}

#[test]
fn a_beta_posterior_counts_fractions_of_successes() {
    let mut posterior = posterior(beta(-1.0, 3.0, 0.5, 1.5));
    for reward in [-1.0, 3.0, 0.0, 2.0] {
        see(&mut posterior, (1, 1, reward, 0)).unwrap();
    }
    // 0 + 1 + ¼ + ¾ successes of four.
    assert_eq!(posterior.reward(1, 1), RewardBelief::Beta { low: -1.0, high: 3.0, a: 2.5, b: 3.5 });
    assert!(close(posterior.mean().unwrap().mean_reward(1, 1), -1.0 + 4.0 * 2.5 / 6.0));
}

#[test]
fn large_rewards_with_small_noise_lose_no_digits() {
    let mut posterior = posterior(normal_gamma());
    // Around 2^20, where the squares of `f32` rewards have 2^40 times the size of their deviations.
    let base = 1_048_576.0;
    (0..1000).for_each(|i| see(&mut posterior, (0, 0, base + (i % 2) as f32, 0)).unwrap());
    let RewardBelief::NormalGamma { rate, .. } = posterior.reward(0, 0) else { panic!() };
    let apart = f64::from(base) + 0.5 - 0.25;
    let expected = 0.75 + 0.5 * (250.0 + 2.0 * 1000.0 / 1002.0 * apart * apart);
    assert!((rate - expected).abs() < 1e-13 * expected, "{rate} for {expected}");
    assert!((posterior.seen.earned[0].squares - 250.0).abs() < 1e-6);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let says = |result: Result<()>| result.unwrap_err().to_string();
    let mut of_beta = posterior(beta(0.0, 0.1, 1.0, 1.0));
    // 0.1 rounded to `f32` is above 0.1.
    see(&mut of_beta, (0, 0, 0.1, 1)).unwrap();
    let error = see(&mut of_beta, (0, 0, 0.2, 1)).unwrap_err();
    assert!(
        error.is_invalid() && error.to_string().contains("the reward 0.2 is outside [0, 0.1]"),
        "{error}"
    );
    assert!(see(&mut of_beta, (0, 0, f32::NAN, 1)).unwrap_err().is_non_finite());
    assert!(says(see(&mut of_beta, (3, 0, 0.0, 1))).contains("observation is 3"));
    assert!(says(see(&mut of_beta, (0, 2, 0.0, 1))).contains("action is 2"));
    assert!(says(see(&mut of_beta, (0, 0, 0.0, 7))).contains("successor is 7"));
    assert_eq!(of_beta.counts(0, 0), [0, 1, 0]);

    let terminal = vec![false, false, true];
    let mut ends = TabularPosterior::new(&spec(3, 2), vec![1.0, 0.0, 0.0], terminal, normal_gamma()).unwrap();
    assert!(says(see(&mut ends, (2, 0, 0.0, 0))).contains("out of state 2"));
    assert!(says(see(&mut ends, (0, 0, 0.0, 2))).contains("went on in state 2"));
    let ended = Transition {
        obs: &[0.0],
        act: &[0.0],
        next_obs: &[1.0],
        reward: 0.0,
        end: End::Terminated,
        origin: Origin::World,
    };
    assert!(says(ends.observe(ended)).contains("terminated in state 1"));
    ends.observe(Transition { next_obs: &[2.0], ..ended }).unwrap();
}

#[test]
fn impossible_priors_are_refused() {
    let refused = |config: TabularConfig, part: &str| {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(TabularConfig { concentration: 0.0, ..TabularConfig::default() }, "concentration is 0");
    refused(beta(1.0, 1.0, 1.0, 1.0), "from 1 to 1");
    refused(beta(0.0, f64::INFINITY, 1.0, 1.0), "give finite bounds");
    refused(beta(0.0, 1.0, -1.0, 1.0), "a is -1");
    let reward = RewardBelief::NormalGamma { mean: f64::NAN, count: 1.0, shape: 1.0, rate: 1.0 };
    refused(TabularConfig { reward, ..TabularConfig::default() }, "mean is NaN");
    let config = TabularConfig::default();
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<TabularConfig>(&json).unwrap(), config);
    assert_eq!(serde_json::from_str::<TabularConfig>("{}").unwrap(), config);
    assert!(serde_json::from_str::<TabularConfig>(&json.replace("shape", "shap")).is_err());

    let new = |spec: &Spec, start: &[f64], terminal: &[bool]| {
        TabularPosterior::new(spec, start.to_vec(), terminal.to_vec(), config.clone())
            .unwrap_err()
            .to_string()
    };
    let boxes = Spec::new(Space::unbounded(1).unwrap(), Space::discrete(2).unwrap());
    assert!(new(&boxes, &[1.0], &[false]).contains("discrete"));
    assert!(new(&spec(2, 1), &[1.0], &[false; 2]).contains("1 start probabilities for 2 states"));
    assert!(new(&spec(2, 1), &[0.5, 0.6], &[false; 2]).contains("start distribution"));
    let huge = 1 << 24;
    assert!(new(&spec(huge, 1), &vec![0.0; huge], &vec![false; huge]).contains("use fewer"));
}

#[test]
fn a_terminal_state_is_not_left() {
    let terminal = vec![false, true, false];
    let posterior =
        TabularPosterior::new(&spec(3, 2), vec![1.0, 0.0, 0.0], terminal, normal_gamma()).unwrap();
    for mdp in [posterior.mean().unwrap(), posterior.draw(Key::root(0)).unwrap()] {
        assert!(mdp.transition(1, 0).iter().eq(&[0.0, 1.0, 0.0]) && mdp.mean_reward(1, 1).abs() <= 0.0);
        assert!(mdp.is_terminal(1) && !mdp.is_terminal(0));
    }
}

/// Moving any of these numbers changes every run of a seed: it is a "Value-changing" entry of the changelog.
#[test]
fn value_stability() {
    let of = |config: TabularConfig| {
        let mdp = after_data(config).draw(Key::root(7).child("model")).unwrap();
        [mdp.transition(0, 0)[1], mdp.transition(2, 1)[0], mdp.reward(0, 0)[0], mdp.reward(2, 1)[2]]
    };
    for (found, expected) in [
        (
            of(normal_gamma()),
            [0.7709774644440834, 0.10419404942086284, 0.20197547699862106, 0.24167468734393485],
        ),
        (
            of(beta(-1.0, 1.0, 0.5, 1.5)),
            [0.7709774644440834, 0.10419404942086284, 0.5938576648473808, 0.6180047891234546],
        ),
    ] {
        for (a, b) in found.into_iter().zip(expected) {
            assert!(close(a, b), "{found:?} for {expected:?}");
        }
    }
}

fn rows() -> impl Strategy<Value = Vec<(usize, usize, f32, usize)>> {
    prop::collection::vec((0..3usize, 0..2usize, -1.0f32..1.0, 0..3usize), 0..60)
}

proptest! {
    #[test]
    fn the_order_of_data_does_not_matter(
        (straight, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        for config in [normal_gamma(), beta(-1.0, 1.0, 0.5, 1.5)] {
            let of = |rows: &[(usize, usize, f32, usize)]| {
                let mut posterior = posterior(config.clone());
                rows.iter().for_each(|row| see(&mut posterior, *row).unwrap());
                posterior
            };
            let (a, b) = (of(&straight), of(&shuffled));
            prop_assert_eq!(&a.seen.successors, &b.seen.successors);
            for (s, act) in (0..3).flat_map(|s| [(s, 0), (s, 1)]) {
                for (x, y) in a.reward(s, act).numbers().into_iter().zip(b.reward(s, act).numbers()) {
                    prop_assert!(close(x, y), "{} {}", x, y);
                }
            }
        }
    }

    /// Murphy 2007, "Conjugate Bayesian analysis of the Gaussian distribution", equations 85 to 89, over all rewards at once.
    #[test]
    fn one_by_one_is_the_batch_formula(rewards in prop::collection::vec(-5.0f32..5.0, 1..50)) {
        let mut posterior = posterior(normal_gamma());
        rewards.iter().for_each(|r| see(&mut posterior, (0, 1, *r, 2)).unwrap());
        let RewardBelief::NormalGamma { mean, count, shape, rate } = posterior.reward(0, 1) else { panic!() };
        let n = rewards.len() as f64;
        let average = rewards.iter().map(|r| f64::from(*r)).sum::<f64>() / n;
        let squares: f64 = rewards.iter().map(|r| (f64::from(*r) - average).powi(2)).sum();
        prop_assert!(close(mean, (2.0 * 0.25 + n * average) / (2.0 + n)));
        prop_assert!(close(count, 2.0 + n) && close(shape, 1.5 + n / 2.0));
        let expected = 0.75 + squares / 2.0 + 2.0 * n * (average - 0.25).powi(2) / (2.0 * (2.0 + n));
        prop_assert!(close(rate, expected), "{} {}", rate, expected);
    }

    #[test]
    fn every_draw_is_a_world(rows in rows(), seed: u64, concentration in 1e-100f64..1e3) {
        let mut posterior = posterior(TabularConfig { concentration, ..normal_gamma() });
        rows.into_iter().for_each(|row| see(&mut posterior, row).unwrap());
        // The constructor of the tables checks sums, signs and finiteness.
        posterior.draw(Key::root(seed)).unwrap();
        let tiny = TabularConfig { concentration: 1e-12, ..beta(0.0, 1.0, 1e-12, 1e-12) };
        super::tests::posterior(tiny).draw(Key::root(seed)).unwrap();
    }

    /// The chain rule: what one more row adds to the marginal likelihood is its predictive probability.
    #[test]
    fn marginal_likelihoods_are_chains_of_predictions(rows in rows(), row in (0..3usize, 0..2usize, 0..3usize)) {
        let mut posterior = posterior(normal_gamma());
        rows.into_iter().for_each(|row| see(&mut posterior, row).unwrap());
        let before = posterior.transition_log_marginal_likelihood();
        let predicted = posterior.mean().unwrap().transition(row.0, row.1)[row.2].ln();
        see(&mut posterior, (row.0, row.1, 0.0, row.2)).unwrap();
        let gained = posterior.transition_log_marginal_likelihood() - before;
        prop_assert!((gained - predicted).abs() < 1e-11, "{} {}", gained, predicted);
    }
}
