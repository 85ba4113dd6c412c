//! What is drawn is planned for, the two ends of λ are what they should be, and the chain samples what can be listed.

use super::learner::PsrlLearner;
use super::*;
use crate::tabular::{EpisodePolicy, Frame};
use crate::{Known, Play, RewardLaw, RunConfig, regret};
use mbrl_bounds::psrl::{Counts, Move, Policies, softmax_policies};
use mbrl_core::{End, Origin, Space, Spec, TabularMdp, Task, Transition};
use mbrl_models::{RewardBelief, TabularPosterior};

/// A world of so many states and actions that never ends, in episodes of `horizon` steps.
fn setup(states: u32, actions: u32, horizon: u32) -> Setup {
    let spec = Spec::new(Space::discrete(states).unwrap(), Space::discrete(actions).unwrap());
    let task = Task::unknown().terminating(|_, _, _| false);
    Setup { task, ..Setup::new(Spec { time_limit: Some(horizon), ..spec }) }
}

fn river() -> (Setup, TabularMdp) {
    let entry = mbrl_envs::find("riverswim").unwrap();
    (Setup { task: entry.task(), ..Setup::new(entry.spec()) }, entry.mdp().unwrap())
}

fn seen((state, action, reward, next): (usize, usize, f32, usize), see: &mut dyn FnMut(Transition<'_>)) {
    see(Transition {
        obs: &[state as f32],
        act: &[action as f32],
        next_obs: &[next as f32],
        reward,
        end: End::Running,
        origin: Origin::World,
    });
}

/// The learner after moves through two states, of which every one was made but the last is rare.
const MOVES: [(usize, usize, f32, usize); 9] = [
    (0, 0, 0.25, 0),
    (0, 1, 0.0, 1),
    (1, 0, 0.0, 0),
    (0, 1, 0.0, 0),
    (0, 1, 0.5, 1),
    (1, 1, 1.0, 1),
    (1, 1, 0.0, 0),
    (0, 0, 0.25, 1),
    (1, 0, 1.0, 0),
];

fn taught(config: PsrlConfig, setup: &Setup) -> PsrlLearner {
    let mut learner = PsrlLearner::new(config, setup, Key::root(5)).unwrap();
    learner.begin(0).unwrap();
    MOVES.into_iter().for_each(|row| seen(row, &mut |seen| learner.observe(seen).unwrap()));
    learner
}

/// So many that a posterior which is off by a hundredth shows in one of them at least.
const PLANS: u64 = 2048;

fn plans(learner: &mut dyn TabularLearner) -> Vec<EpisodePolicy> {
    (0..PLANS).map(|i| learner.plan(Key::root(9).at(i)).unwrap()).collect()
}

#[test]
fn the_world_drawn_is_planned_for_as_by_hand() {
    let (setup, config) = (setup(2, 2, 2), PsrlConfig::default());
    let mut learner = taught(config, &setup);
    let mut belief =
        TabularPosterior::new(&setup.spec, vec![0.5; 2], vec![false; 2], config.prior.of(2)).unwrap();
    MOVES.into_iter().for_each(|row| seen(row, &mut |seen| belief.observe(seen).unwrap()));
    let mut met = std::collections::BTreeSet::new();
    for i in 0..64 {
        let key = Key::root(2).at(i);
        let (plan, world) = (learner.plan(key).unwrap(), belief.draw(key.child("model")).unwrap());
        let last = |s: usize| [0, 1].map(|a| world.mean_reward(s, a));
        let best = |worths: [f64; 2]| usize::from(worths[1] > worths[0]);
        let value = [0, 1].map(|s| last(s)[0].max(last(s)[1]));
        for state in 0..2 {
            let first = [0, 1].map(|action| {
                let p = world.transition(state, action);
                last(state)[action] + p[0] * value[0] + p[1] * value[1]
            });
            assert_eq!(
                (plan.action(1, state), plan.action(0, state)),
                (best(last(state)), best(first)),
                "{i}"
            );
        }
        met.insert([0, 1].map(|state| plan.action(0, state)));
    }
    // What is drawn is not always the same.
    assert!(met.len() > 1);
}

#[test]
fn lambda_zero_is_posterior_sampling_to_the_bit() {
    let setup = setup(2, 2, 5);
    let plain = plans(&mut taught(PsrlConfig::default(), &setup));
    for construction in [Flexible::Mixture, Flexible::Data] {
        let config = PsrlConfig { construction, temperature: 7.0, enumerate: 0, ..PsrlConfig::default() };
        assert_eq!(plans(&mut taught(config, &setup)), plain);
        let mixed = PsrlConfig { lambda: 0.01, ..config };
        assert_ne!(plans(&mut taught(mixed, &setup)), plain, "{construction:?}");
    }
}

#[test]
fn lambda_one_of_the_data_is_what_is_best_in_the_data() {
    let setup = setup(2, 2, 5);
    let config = PsrlConfig { lambda: 1.0, construction: Flexible::Data, ..PsrlConfig::default() };
    let plans = plans(&mut taught(config, &setup));
    let mut counts = Counts::of(&world(2, 2));
    for (state, action, reward, next) in MOVES {
        counts.observe(&Move { state, action, reward: Some(f64::from(reward)), next }).unwrap();
    }
    // Every move was made, so that nothing is left to the world drawn.
    let empirical = counts.empirical(&world(2, 2)).unwrap();
    let best = Frame::new(&setup, Known::Given).unwrap().solve(&empirical).unwrap();
    assert!(plans.iter().all(|plan| *plan == best));
}

/// Any world of this shape.
fn world(states: usize, actions: usize) -> TabularMdp {
    let row = 1.0 / states as f64;
    let (cells, start) = (states * actions * states, vec![row; states]);
    TabularMdp::new(actions, vec![row; cells], vec![0.0; cells], start, vec![false; states]).unwrap()
}

/// Pearson's χ² of counts against their probabilities. By Laurent & Massart's bound, χ² with k degrees of freedom exceeds
/// k + 2√(kx) + 2x with probability below e^−x; with x = 17 that is 4e-8.
fn agree(counts: &[f64], probabilities: &[f64]) -> bool {
    let (all, freedom) = (counts.iter().sum::<f64>(), counts.len() as f64 - 1.0);
    let terms = counts.iter().zip(probabilities).map(|(count, p)| (count - all * p).powi(2) / (all * p));
    terms.sum::<f64>() < freedom + 2.0 * (freedom * 17.0).sqrt() + 34.0
}

#[test]
fn the_chain_samples_what_can_be_listed() {
    const DRAWS: u64 = 20_000;
    let garnet = mbrl_envs::Garnet::draw(3, 2, 2, 6, Key::root(4)).unwrap();
    let mdp = mbrl_envs::Finite::mdp(&garnet).unwrap();
    let policies = Policies::deterministic(3, 2).unwrap();
    let exact = softmax_policies(&policies, &mdp, 6, 0.5).unwrap();
    assert!(exact.iter().all(|p| *p * DRAWS as f64 > 20.0), "{exact:?}");
    let mut counts = vec![0.0; 8];
    for i in 0..DRAWS {
        let chosen = gibbs_policy(&mdp, 6, 0.5, 30, Key::root(6).at(i)).unwrap();
        counts[chosen.iter().fold(0, |number, action| 2 * number + *action as usize)] += 1.0;
    }
    assert!(agree(&counts, &exact), "{counts:?} {exact:?}");
    // It would be seen if the chain were at another temperature.
    let other = softmax_policies(&policies, &mdp, 6, 0.45).unwrap();
    assert!(!agree(&counts, &other), "{counts:?} {other:?}");
}

#[test]
fn the_mixture_plays_the_listed_policies_as_often_as_they_weigh() {
    const DRAWS: u64 = 20_000;
    let setup = setup(2, 2, 4);
    let config = PsrlConfig { lambda: 1.0, temperature: 0.5, ..PsrlConfig::default() };
    let mut learner = taught(config, &setup);
    let mut counts = Counts::of(&world(2, 2));
    for (state, action, reward, next) in MOVES {
        counts.observe(&Move { state, action, reward: Some(f64::from(reward)), next }).unwrap();
    }
    let in_first = TabularMdp::new(2, vec![0.5; 8], vec![0.0; 8], vec![1.0, 0.0], vec![false; 2]).unwrap();
    let empirical = counts.empirical(&in_first).unwrap();
    let exact = softmax_policies(&Policies::deterministic(2, 2).unwrap(), &empirical, 4, 0.5).unwrap();
    let mut met = vec![0.0; 4];
    for i in 0..DRAWS {
        let plan = learner.plan(Key::root(8).at(i)).unwrap();
        met[2 * plan.action(0, 0) + plan.action(3, 1)] += 1.0;
    }
    assert!(agree(&met, &exact), "{met:?} {exact:?}");
}

#[test]
fn approximations_that_approximate_nothing_are_exact_to_the_bit() {
    let setup = setup(2, 2, 5);
    let plan = |posterior| plans(&mut taught(PsrlConfig { posterior, ..PsrlConfig::default() }, &setup));
    let exact = plan(Posterior::Exact);
    assert_eq!(plan(Posterior::Tempered { power: 1.0 }), exact);
    assert_eq!(plan(Posterior::Wrong { stays: 0.0 }), exact);
    assert_ne!(plan(Posterior::Tempered { power: 1.01 }), exact);
    assert_ne!(plan(Posterior::Wrong { stays: 0.01 }), exact);
    for other in [
        Posterior::Tempered { power: 9.0 },
        Posterior::Wrong { stays: 9.0 },
        Posterior::Bootstrap { members: 3 },
        Posterior::Mean,
    ] {
        assert_ne!(plan(other), exact, "{other:?}");
    }
    // Certainty equivalence has nothing to draw, and an ensemble no more than its members.
    let distinct = |mut plans: Vec<EpisodePolicy>| {
        plans.sort_by_key(|plan| format!("{plan:?}"));
        plans.dedup();
        plans.len()
    };
    assert_eq!(distinct(plan(Posterior::Mean)), 1);
    assert!((1..=3).contains(&distinct(plan(Posterior::Bootstrap { members: 3 }))));
}

#[test]
fn ends_that_are_learnt_serve_as_well_as_ends_that_are_given() {
    let entry = mbrl_envs::find("cliff").unwrap();
    let setup = Setup { task: entry.task(), ..Setup::new(entry.spec()) };
    let mdp = entry.mdp().unwrap();
    let last = |termination| {
        let config = PsrlConfig { termination, ..PsrlConfig::default() };
        // A task that is not there cannot be looked at.
        let setup = match termination {
            Known::Given => setup.clone(),
            Known::Learnt => Setup::new(setup.spec.clone()),
        };
        let mut learner = config.learner(&setup, Key::root(0)).unwrap();
        let play = Play { episodes: 150, horizon: 100, rewards: RewardLaw::Given };
        let lost = regret(learner.as_mut(), &mdp, play, Key::root(1)).unwrap();
        // What it thinks best walks to the goal in the 13 steps that there must be.
        let best = learner.best().unwrap().value(&mdp, 100).unwrap();
        (lost[100..].iter().sum::<f64>() / 50.0, best)
    };
    for termination in [Known::Given, Known::Learnt] {
        let (lost, best) = last(termination);
        assert!(best > -13.5 && lost < 10.0, "{termination:?}: {lost} {best}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_in_one_line() {
    let plain = PsrlConfig::default();
    let believing = |posterior| PsrlConfig { posterior, ..plain };
    for (config, says) in [
        (
            PsrlConfig { lambda: 1.5, ..plain },
            "lambda is 1.5: give 0, the best policy of the world drawn, to 1",
        ),
        (PsrlConfig { lambda: f64::NAN, ..plain }, "lambda is NaN: give 0"),
        (PsrlConfig { temperature: 0.0, ..plain }, "temperature is 0: give a positive number"),
        (PsrlConfig { sweeps: 0, ..plain }, "sweeps is 0: give at least 1"),
        (PsrlConfig { enumerate: 1 << 20, ..plain }, "enumerate is 1048576: give at most 65536"),
        (believing(Posterior::Tempered { power: -1.0 }), "posterior: power is -1: expected a number from 0"),
        (believing(Posterior::Wrong { stays: f64::INFINITY }), "posterior: stays is inf"),
        (believing(Posterior::Bootstrap { members: 0 }), "posterior: 0 members: give 1 to 4096"),
    ] {
        let (setup, _) = river();
        let error = config.learner(&setup, Key::root(0)).err().unwrap().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
    }
    let mut run = RunConfig::new("psrl", None).unwrap();
    let error = run.set("agent.lambda=-0.1").unwrap_err().to_string();
    assert!(error.contains("lambda is -0.1: give 0") && !error.contains('\n'), "{error}");
    // Rewards that a beta prior leaves out.
    let reward = RewardBelief::Beta { low: 0.0, high: 0.5, a: 1.0, b: 1.0 };
    let prior = PsrlPrior { reward, ..PsrlPrior::default() };
    let mut learner = PsrlLearner::new(PsrlConfig { prior, ..plain }, &setup(2, 2, 5), Key::root(0)).unwrap();
    let mut refused = None;
    seen((0, 0, 1.0, 1), &mut |seen| refused = learner.observe(seen).err());
    let error = refused.unwrap().to_string();
    assert!(error.contains("the reward 1 is outside [0, 0.5]: widen the bounds"), "{error}");
    assert!(learner.begin(2).unwrap_err().to_string().contains("a start in state 2 of 2"));
}
