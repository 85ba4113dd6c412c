//! Algorithm 1 on tables: that it never falls, that its maxima are maxima, and what it can and cannot leave.

use super::ball::best_within;
use super::*;
use crate::arbitrary::{Case, cases};
use crate::mbpo::policy_shift;
use crate::psrl::Counts;
use mbrl_core::Key;
use mbrl_plan::{occupancy, policy_iteration};
use proptest::prelude::*;

fn slack(returns: Discounted) -> f64 {
    1e-9 * returns.widest_gap() + 1e-300
}

/// (1 − share) π_D + share π.
fn between(data_policy: &TabularPolicy, policy: &TabularPolicy, share: f64) -> TabularPolicy {
    let row = |state| {
        let pairs = data_policy.probabilities(state).iter().zip(policy.probabilities(state));
        pairs.map(|(d, p)| (1.0 - share) * d + share * p).collect::<Vec<_>>()
    };
    TabularPolicy::new(policy.actions(), (0..policy.states()).flat_map(row).collect()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_certified_is_true_and_the_most_that_is(case in cases(), share in 0.0f64..1.0) {
        let Case { worlds, policy, data_policy, gamma } = &case;
        let returns = worlds.discounted(*gamma).unwrap();
        let slack = slack(returns);
        let optimum = policy_iteration(worlds.model(), *gamma).unwrap().policy();
        for certificate in Certificate::ALL {
            let best = most_certified(worlds, data_policy, certificate, *gamma).unwrap();
            let bound = |policy: &TabularPolicy| certificate.bound(worlds, policy, data_policy, *gamma).unwrap();
            let earned = true_return(worlds, &best.policy, *gamma).unwrap();
            prop_assert!(best.bound <= earned + slack, "{certificate:?}: {} of {earned}", best.bound);
            prop_assert!((best.bound - bound(&best.policy)).abs() <= slack, "{certificate:?}");
            prop_assert!(best.missed <= 1e-3 * returns.widest_gap(), "{certificate:?}: {}", best.missed);
            for rival in [policy, data_policy, &optimum] {
                for rival in [rival, &between(data_policy, rival, share)] {
                    let rival = bound(rival);
                    prop_assert!(rival <= best.bound + best.missed + slack, "{certificate:?}: {rival}, {best:?}");
                }
            }
            // Who takes it whatever it promises loses no more than twice what is subtracted for π_D.
            let (before, stay) = (true_return(worlds, data_policy, *gamma).unwrap(), bound(data_policy));
            let subtracted = model_return(worlds, data_policy, *gamma).unwrap() - stay;
            prop_assert!(earned >= before - 2.0 * subtracted - slack, "{certificate:?}");
        }
    }

    #[test]
    fn nothing_leaves_the_data_policy_by_what_theorem_4_1_subtracts(case in cases()) {
        let Case { worlds, data_policy, gamma, .. } = &case;
        let best = most_certified(worlds, data_policy, Certificate::Published, *gamma).unwrap();
        prop_assert_eq!(&best.policy, data_policy);
        // By what its proof needs: not where the discount is a half or more.
        let best = most_certified(worlds, data_policy, Certificate::Drift, gamma.max(0.501)).unwrap();
        prop_assert_eq!(&best.policy, data_policy);
    }

    /// In each epoch the model is nearer to the world.
    #[test]
    fn returns_never_fall(case in cases()) {
        let Case { worlds, data_policy, gamma, .. } = &case;
        let (truth, model) = (worlds.truth(), worlds.model());
        for certificate in Certificate::ALL {
            let ran = algorithm_1(truth, data_policy, certificate, *gamma, 3, |epoch, _| {
                crate::psrl::mixed_mdp(model, truth, epoch as f64 / 2.0)
            });
            let mut least = f64::NEG_INFINITY;
            for epoch in ran.unwrap() {
                let after = true_return(worlds, epoch.next(), *gamma).unwrap();
                prop_assert!(epoch.true_return >= least, "{certificate:?}: {} after {least}", epoch.true_return);
                prop_assert!(!epoch.adopted || after > epoch.true_return, "{certificate:?}");
                prop_assert!(epoch.adopted || epoch.next() == &epoch.data_policy);
                prop_assert!(certificate != Certificate::Published || !epoch.adopted);
                least = epoch.true_return;
            }
        }
    }

    #[test]
    fn the_best_of_a_ball_is_in_it_and_is_the_best(case in cases(), eps in 0.0f64..=1.0) {
        let Case { worlds, policy, data_policy, gamma } = &case;
        let (model, slack) = (worlds.model(), slack(worlds.discounted(*gamma).unwrap()));
        let (best, earned) = best_within(model, data_policy, eps, *gamma).unwrap();
        prop_assert!(policy_shift(worlds, &best, data_policy).unwrap() <= eps + 1e-12);
        prop_assert!((model_return(worlds, &best, *gamma).unwrap() - earned).abs() <= slack);
        let plan = policy_iteration(model, *gamma).unwrap();
        for rival in [policy, &plan.policy()] {
            let rival = between(data_policy, rival, eps);
            prop_assert!(model_return(worlds, &rival, *gamma).unwrap() <= earned + slack);
        }
        let (all, most) = best_within(model, data_policy, 1.0, *gamma).unwrap();
        prop_assert!((most - plan.start_value(model)).abs() <= slack, "{all:?}");
        prop_assert_eq!(&best_within(model, data_policy, 0.0, *gamma).unwrap().0, data_policy);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    /// Every policy of two states and two actions, to a fiftieth.
    #[test]
    fn brute_force_finds_no_more(
        p in prop::collection::vec(0.0f64..1.0, 8),
        reward in prop::collection::vec(-1.0f64..1.0, 4),
        data in prop::collection::vec(0.0f64..1.0, 2),
        gamma in 0.0f64..0.5,
    ) {
        let rows = |p: &[f64]| p.iter().flat_map(|p| [1.0 - p, *p]).collect::<Vec<_>>();
        let rewards = reward.iter().flat_map(|r| [*r; 2]).collect();
        let truth = TabularMdp::new(2, rows(&p[..4]), rewards, vec![0.5; 2], vec![false; 2]).unwrap();
        let worlds = ModelledMdp::new(&truth, rows(&p[4..])).unwrap();
        let policy = |p: [f64; 2]| TabularPolicy::new(2, rows(&p)).unwrap();
        let data_policy = policy([data[0], data[1]]);
        let slope = worlds.discounted(gamma).unwrap().widest_gap() / (1.0 - gamma);
        for certificate in Certificate::ALL {
            let best = most_certified(&worlds, &data_policy, certificate, gamma).unwrap();
            let grid = (0..=50u32).flat_map(|i| (0..=50).map(move |j| [i, j].map(|i| f64::from(i) / 50.0)));
            let bounds = grid.map(|p| certificate.bound(&worlds, &policy(p), &data_policy, gamma).unwrap());
            let most = bounds.fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(most <= best.bound + best.missed + 1e-12, "{certificate:?}: {most}, {best:?}");
            // The nearest policy of the grid is at most 0.01 away, and moves η̂ and C by no more than this.
            prop_assert!(best.bound <= most + 0.01 * 3.0 * slope, "{certificate:?}: {most}, {best:?}");
        }
    }
}

/// One state, and two actions that earn 1 and −1.
fn bandit() -> TabularMdp {
    TabularMdp::new(2, vec![1.0; 2], vec![1.0, -1.0], vec![1.0], vec![false]).unwrap()
}

/// A perfect model of a bandit: ε gains 2 ε / (1 − γ), and costs 4 γ ε / (1 − γ)² by the drift, so that it pays for γ < ⅓.
#[test]
fn the_drift_leaves_where_the_discount_is_small() {
    let (truth, uniform) = (bandit(), TabularPolicy::new(2, vec![0.5; 2]).unwrap());
    for (gamma, leaves) in [(0.25f64, true), (0.33, true), (0.34, false), (0.4, false)] {
        let ran =
            algorithm_1(&truth, &uniform, Certificate::Drift, gamma, 2, |_, _| Ok(truth.clone())).unwrap();
        assert_eq!(ran[0].adopted, leaves, "{gamma}");
        let shift = if leaves { 0.5 } else { 0.0 };
        let bound = 2.0 * shift / (1.0 - gamma) - 4.0 * gamma * shift / (1.0 - gamma).powi(2);
        assert!((ran[0].best.bound - bound).abs() < 1e-12, "{:?}", ran[0]);
        // From the best there is nowhere to go.
        assert!(!ran[1].adopted && ran[1].best.policy == ran[1].data_policy);
        let earned = if leaves { 1.0 / (1.0 - gamma) } else { 0.0 };
        assert!((ran[1].true_return - earned).abs() < 1e-12);
    }
}

/// From a policy that always loses, who moves wins the first step for sure, under any discount.
#[test]
fn the_capped_drift_leaves_what_is_as_bad_as_can_be() {
    let (truth, worst) = (bandit(), TabularPolicy::deterministic(2, &[1]).unwrap());
    let epoch = |certificate| {
        algorithm_1(&truth, &worst, certificate, 0.99, 1, |_, _| Ok(truth.clone())).unwrap().remove(0)
    };
    let capped = epoch(Certificate::CappedDrift);
    assert!(capped.adopted && (capped.best.bound - (100.0 - 198.0)).abs() < 1e-9, "{capped:?}");
    assert!(!epoch(Certificate::Drift).adopted && !epoch(Certificate::Published).adopted);
    let every = epoch(Certificate::EveryMove);
    assert!(every.adopted && (every.best.bound - 100.0).abs() < 1e-9);
}

/// The world goes to what is bad for ever and the model to what is good, so that the first error is 1, and all others are 0:
/// their discounted mean is 1 − γ, of which too little would be subtracted.
#[test]
fn the_capped_drift_asks_for_the_largest_error() {
    let table = |first: [f64; 3]| {
        let moves = [first, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].concat();
        let rewards = [[0.0; 3], [-1.0; 3], [1.0; 3]].concat();
        TabularMdp::new(1, moves, rewards, vec![1.0, 0.0, 0.0], vec![false; 3]).unwrap()
    };
    let worlds = modelled(&table([0.0, 1.0, 0.0]), &table([0.0, 0.0, 1.0])).unwrap();
    let only = TabularPolicy::new(1, vec![1.0; 3]).unwrap();
    let gap = model_return(&worlds, &only, 0.9).unwrap() - true_return(&worlds, &only, 0.9).unwrap();
    let bound = Certificate::CappedDrift.bound(&worlds, &only, &only, 0.9).unwrap();
    assert!((gap - 18.0).abs() < 1e-9, "{gap}");
    // 2 γ / (1 − γ), as the states of all later steps may differ: 9 − 18, which is what is earned.
    assert!((bound + 9.0).abs() < 1e-9, "{bound}");
}

/// From the best policy of a perfect model there is nowhere to go, however long the horizon is; and what is no gain grows
/// with the horizon as the rounding of 1 − γ does.
#[test]
fn rounding_is_no_gain() {
    for (gamma, share) in [(0.99, 1e-10), (1.0 - 1e-6, 1e-8), (1.0 - 1e-8, 1e-6), (1.0 - 1e-9, 1e-5)] {
        let margin = super::rounding(crate::Discounted::new(gamma, 1.0).unwrap());
        assert!(margin >= share && margin < 2.0 * share, "{gamma}: {margin}");
    }
    for gamma in [0.0, 0.9, 1.0 - 1e-6, 1.0 - 1e-7, 1.0 - 1e-8, 1.0 - 1e-9] {
        for world in 0..20 {
            let (truth, _) = made_up(Key::root(5).child("worlds").at(world));
            let best = policy_iteration(&truth, gamma).unwrap().policy();
            for certificate in [Certificate::CappedDrift, Certificate::EveryMove] {
                let ran =
                    algorithm_1(&truth, &best, certificate, gamma, 1, |_, _| Ok(truth.clone())).unwrap();
                assert!(!ran[0].adopted, "{certificate:?} {gamma} {world}: {ran:?}");
            }
        }
    }
}

/// Without the condition it falls: what π_D does is better than the model knows, and the second best is known well.
#[test]
fn the_most_certified_may_earn_less_than_what_one_has() {
    // Action 0 earns 1 and action 1 earns 0.8, for ever; the model fears that action 0 may end it.
    let (stay, gone, fears) = ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5]);
    let rewards = [[1.0; 2], [0.8; 2], [0.0; 2], [0.0; 2]].concat();
    let table = |first: [f64; 2]| {
        let moves = [first, stay, gone, gone].concat();
        TabularMdp::new(2, moves, rewards.clone(), vec![1.0, 0.0], vec![false, true]).unwrap()
    };
    let (truth, model) = (table(stay), table(fears));
    let first = TabularPolicy::deterministic(2, &[0, 0]).unwrap();
    let ran = algorithm_1(&truth, &first, Certificate::EveryMove, 0.9, 1, |_, _| Ok(model.clone())).unwrap();
    let epoch = &ran[0];
    assert!((epoch.true_return - 10.0).abs() < 1e-12 && (epoch.best.bound - 8.0).abs() < 1e-12, "{epoch:?}");
    assert!(epoch.best.policy.probabilities(0) == [0.0, 1.0] && !epoch.adopted && epoch.next() == &first);
}

/// Models that are fitted to what was seen, for many worlds that a key makes up.
#[test]
fn returns_never_fall_with_models_that_were_fitted() {
    let mut risen = 0;
    for run in 0..40 {
        let key = Key::root(4).child("worlds").at(run);
        let (truth, first) = made_up(key);
        for certificate in Certificate::ALL {
            let mut seen = Counts::of(&truth);
            let ran = algorithm_1(&truth, &first, certificate, 0.9, 4, |epoch, policy| {
                collect(&truth, policy, 0.9, 3_000, key.child("data").at(epoch), &mut seen)?;
                seen.empirical(&truth)
            });
            let returns: Vec<f64> = ran.unwrap().iter().map(|epoch| epoch.true_return).collect();
            assert!(returns.windows(2).all(|pair| pair[0] <= pair[1]), "{certificate:?}: {returns:?}");
            let has_risen = returns[3] > returns[0];
            assert!(certificate == Certificate::EveryMove || !has_risen, "{certificate:?}: {returns:?}");
            risen += u32::from(has_risen);
        }
    }
    assert!(risen > 5, "{risen}");
}

/// Four states, two actions, and a policy that does each action somewhere.
fn made_up(key: Key) -> (TabularMdp, TabularPolicy) {
    let mut noise = mbrl_core::NoiseBuf::default();
    noise.fill(mbrl_core::NoiseSpec { normals: 0, uniforms: 1 }, 32 + 8 + 8, key);
    let u: Vec<f64> = noise.view().uniforms.as_slice().iter().map(|u| f64::from(*u)).collect();
    let rewards = u[32..40].iter().flat_map(|u| [2.0 * u - 1.0; 4]).collect();
    let moves = crate::arbitrary::normalized(&u[..32], 4);
    let truth = TabularMdp::new(2, moves, rewards, vec![0.25; 4], vec![false; 4]).unwrap();
    (truth, TabularPolicy::new(2, crate::arbitrary::normalized(&u[40..], 2)).unwrap())
}

/// Keys are fixed. What is allowed are seven deviations of a count, each of which has a false-alarm rate below 1e-11 for rows
/// that are independent; rows of one episode are not, which the factor 4 (twice the deviation) allows for.
#[test]
fn moves_are_collected_where_the_discounted_return_looks() {
    let (truth, policy) = made_up(Key::root(9));
    let ends = TabularMdp::new(
        2,
        (0..8).flat_map(|i| truth.transition(i / 2, i % 2).to_vec()).collect(),
        vec![0.5; 32],
        vec![0.25; 4],
        vec![false, false, true, false],
    )
    .unwrap();
    let (gamma, moves) = (0.7, 200_000);
    for mdp in [&truth, &ends] {
        let mut seen = Counts::of(mdp);
        collect(mdp, &policy, gamma, moves, Key::root(1).child("data"), &mut seen).unwrap();
        let visits = occupancy(mdp, &policy, gamma).unwrap();
        let live: f64 = visits.states().iter().sum();
        let mut total = 0;
        for state in 0..4 {
            for action in 0..2 {
                let counts = seen.visits(state, action);
                total += counts.iter().sum::<u64>();
                let share = visits.pairs(state)[action] / live;
                for (next, p) in mdp.transition(state, action).iter().enumerate() {
                    let expected = share * p;
                    let deviation = 2.0 * (expected * (1.0 - expected) / moves as f64).sqrt();
                    let found = counts[next] as f64 / moves as f64;
                    assert!((found - expected).abs() <= 7.0 * deviation, "{state} {action} {next}: {found}");
                }
            }
        }
        assert_eq!(total, moves);
    }
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    let (truth, policy) = (bandit(), TabularPolicy::new(2, vec![0.5; 2]).unwrap());
    let two = TabularMdp::new(1, vec![0.5; 4], vec![0.0; 4], vec![0.5; 2], vec![false; 2]).unwrap();
    let ended = TabularMdp::new(2, vec![1.0; 2], vec![0.0; 2], vec![1.0], vec![true]).unwrap();
    let run = |gamma, model: &TabularMdp, first: &TabularPolicy| {
        algorithm_1(&truth, first, Certificate::Drift, gamma, 1, |_, _| Ok(model.clone())).map(drop)
    };
    let gather =
        |mdp: &TabularMdp, gamma| collect(mdp, &policy, gamma, 5, Key::root(0), &mut Counts::of(mdp));
    let other = TabularPolicy::uniform(&two);
    for (refused, says) in [
        (
            run(0.9, &two, &policy),
            "the model has [2, 1] states and actions, the world [1, 2]: fit one of these",
        ),
        (run(1.0, &truth, &policy), "gamma is 1: expected at least 0 and below 1"),
        (run(0.9, &truth, &other), "the policy is for [2, 1] states and actions, the MDP has [1, 2]"),
        (gather(&two, 0.9), "the policy is for [1, 2] states and actions, the MDP has [2, 1]"),
        (gather(&ended, 0.9), "every episode is over before it begins"),
        (gather(&truth, f64::NAN), "gamma is NaN"),
        (
            algorithm_1(&truth, &policy, Certificate::Drift, 0.9, 1, |_, _| Err(Error::invalid("no data")))
                .map(drop),
            "the model of epoch 0: no data",
        ),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
