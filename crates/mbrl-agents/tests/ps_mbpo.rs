//! Posterior sampling with learnt models: what it comes down to at its ends, and who plays.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, Records, metrics, saved, setup, trainer};
use mbrl_agents::{Agent, PsMbpoAgent, PsMbpoConfig, RunConfig, SingleRow, find};
use mbrl_core::{End, Key, Mode, NullRecorder, Origin, Recorder, Transition};

/// A run of 140 steps in which everything happens.
fn quick(algo: &str, env: &str, set: &[&str]) -> RunConfig {
    let mut config = RunConfig::new(algo, Some("fast")).unwrap();
    config.make_quick().unwrap();
    (config.env, config.steps) = (env.to_owned(), 140);
    (config.eval.every, config.eval.episodes) = (70, 2);
    config.set_all(set).unwrap();
    config
}

/// The lines of a run, and the numbers of the networks that it acts by.
fn learnt(folder: &Folder, name: &str, config: &RunConfig) -> (String, Vec<u32>) {
    let mut trainer = trainer(config, &folder.at(name)).unwrap();
    trainer.run().unwrap();
    let bits = trainer.agent().network().unwrap().theta().iter().map(|x| x.to_bits()).collect();
    (String::from_utf8(metrics(&folder.at(name))).unwrap(), bits)
}

#[test]
fn one_model_with_one_policy_is_mbpo() {
    for (env, share) in [("pendulum", "0.05"), ("cartpole", "0.5")] {
        let folder = Folder::new(&format!("one-{env}"));
        let share = format!("agent.real_share={share}");
        let one = ["agent.model.members=1", "agent.model.elites=1", &share, "agent.rollouts.starts=32"];
        let mbpo = quick("mbpo", env, &[&one[..], &["agent.model_every=30"]].concat());
        let (mut lines, theta) = learnt(&folder, "mbpo", &mbpo);
        // What MBPO says of theorems besides changes nothing that is learnt.
        lines = without(&lines, "theory/");
        for algo in ["ps-mbpo", "ops-mbpo"] {
            let grid = ["agent.policies=1", "agent.fit={\"steps\":30}", "agent.rollout_every=30"];
            let ps = quick(algo, env, &[&one[..], &grid[..]].concat());
            let (own, own_theta) = learnt(&folder, algo, &ps);
            assert!(theta == own_theta, "{algo} in {env}");
            assert_eq!(lines, without(&own, "policy/"), "{algo} in {env}");
            assert!(lines.contains("rollout/return") && (env == "pendulum" || lines.contains("sac/value")));
        }
    }
}

/// Lines of metrics without those of a prefix, each as a sorted list of the others.
fn without(lines: &str, prefix: &str) -> String {
    let mut kept = String::new();
    for line in lines.lines() {
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let left = line.iter().filter(|(name, _)| !name.starts_with(prefix));
        kept.extend(left.map(|(name, value)| format!("{name} {value}, ")).chain(["\n".to_owned()]));
    }
    kept
}

#[test]
fn optimism_at_a_temperature_without_end_is_no_optimism() {
    let folder = Folder::new("tau");
    let set = ["agent.model.members=2", "agent.policies=2"];
    let ps = learnt(&folder, "ps", &quick("ps-mbpo", "cartpole", &set));
    for score in ["sum", "mean", "normalized"] {
        let optimistic =
            |tau: &str| format!(r#"agent.sampling={{"optimistic":{{"tau":{tau},"score":"{score}"}}}}"#);
        let with = |tau| {
            let sampling = optimistic(tau);
            let ops = quick("ops-mbpo", "cartpole", &[&set[..], &[sampling.as_str()]].concat());
            learnt(&folder, &format!("{score}-{tau}"), &ops)
        };
        let (lines, theta) = with("1e300");
        assert!(theta == ps.1, "{score}");
        assert_eq!(without(&lines, "policy/weight/"), without(&ps.0, "policy/weight/"), "{score}");
        // One episode tells nothing of what is measured by others.
        assert!(score != "sum" || with("1e-300").0 != lines);
    }
}

/// An agent of 2 models with 3 policies each in a world that pays a policy by its number.
struct Played {
    agent: PsMbpoAgent,
    records: Records,
    steps: u64,
    acts: Vec<f32>,
}

/// What is observed at a step.
fn observed(step: u64) -> [f32; 3] {
    [(step as f32).cos(), (step as f32).sin(), 0.0]
}

impl Played {
    fn new(set: &[&str]) -> Self {
        let mut config = quick("ops-mbpo", "pendulum", &["agent.policies=3"]);
        config.set_all(set).unwrap();
        let config: PsMbpoConfig = serde_json::from_value(config.agent).unwrap();
        let agent = PsMbpoAgent::new(config, &setup("pendulum"), Key::root(0)).unwrap();
        Played { agent, records: Records::default(), steps: 0, acts: Vec::new() }
    }

    /// An episode of 10 steps that pays so much in each; says which policy played it, if one is said to have.
    fn episode(&mut self, reward: f32) -> Option<u16> {
        let before = self.records.of("policy/played").len();
        for t in 0..10 {
            self.steps += 1;
            let (key, mut act) = (Key::root(9).at(self.steps), [0.0]);
            let obs = observed(self.steps);
            self.agent.act(&obs, key.child("policy"), &mut act, &mut NullRecorder).unwrap();
            self.acts.push(act[0]);
            let end = if t == 9 { End::Truncated } else { End::Running };
            let seen =
                Transition { obs: &obs, act: &act, next_obs: &obs, reward, end, origin: Origin::World };
            self.agent.observe(seen).unwrap();
            self.records.at(self.steps);
            self.agent.learn(self.steps, key.child("learn"), &mut self.records).unwrap();
        }
        self.records.of("policy/played").get(before).map(|(_, played)| *played as u16)
    }
}

#[test]
fn who_has_earned_most_plays_where_tau_is_small_and_random_episodes_are_nobodys() {
    let mut played = Played::new(&[r#"agent.sampling={"optimistic":{"tau":0.001,"score":"sum"}}"#]);
    // The first twenty steps are at random.
    assert_eq!([played.episode(5.0), played.episode(5.0)], [None, None]);
    assert!(played.agent.weights().iter().all(|weight| (weight - 1.0 / 6.0).abs() < 1e-12));
    let first = played.episode(1.0).unwrap();
    for _ in 0..5 {
        assert_eq!(played.episode(1.0), Some(first));
    }
    // It loses all of it and more, so that the others are ahead now, and then whoever earns something again.
    assert_eq!(played.episode(-10.0), Some(first));
    assert!(played.agent.weights()[usize::from(first)] < 1e-12);
    let second = played.episode(1.0).unwrap();
    assert!(second != first && played.episode(1.0) == Some(second));
    let network = played.agent.network().unwrap();
    let theta = played.agent.learner().policy().theta();
    let params = network.theta().len();
    assert_eq!(network.theta(), &theta[usize::from(second) * params..][..params]);
}

#[test]
fn an_episode_that_was_lost_is_not_counted_and_the_next_one_is() {
    let mut played = Played::new(&[r#"agent.sampling={"optimistic":{"tau":1.0,"score":"sum"}}"#]);
    played.episode(1.0);
    played.episode(1.0);
    let (obs, mut act) = ([1.0, 0.0, 0.0], [0.0]);
    played.agent.act(&obs, Key::root(1), &mut act, &mut NullRecorder).unwrap();
    let seen = Transition {
        obs: &obs,
        act: &act,
        next_obs: &obs,
        reward: 99.0,
        end: End::Running,
        origin: Origin::World,
    };
    played.agent.observe(seen).unwrap();
    played.agent.learn(21, Key::root(2), &mut NullRecorder).unwrap();
    played.agent.cut().unwrap();
    assert!(played.agent.weights().iter().all(|weight| (weight - 1.0 / 6.0).abs() < 1e-12));
    played.steps += 1;
    let player = played.episode(0.1).unwrap();
    let of_one = 1_f64.exp() / (1_f64.exp() + 5.0);
    assert!((played.agent.weights()[usize::from(player)] - of_one).abs() < 1e-6);
}

#[test]
fn every_policy_imagines_in_its_own_model_and_learns_from_that() {
    let mut played = Played::new(&[]);
    for _ in 0..5 {
        played.episode(1.0);
    }
    assert_eq!(played.agent.imagined().len(), 6);
    for (i, imagined) in played.agent.imagined().iter().enumerate() {
        let (member, policy) = ((i / 3) as u16, i as u16);
        assert!(!imagined.is_empty());
        assert!(imagined.iter().all(|row| row.origin == Origin::Model { member, policy }), "{i}");
    }
    // From the same states, in which they do different things.
    let starts = |i: usize| {
        let rows = played.agent.imagined()[i].iter().take(16);
        rows.map(|row| (row.obs.to_vec(), row.act.to_vec())).collect::<Vec<_>>()
    };
    for (a, b) in starts(0).into_iter().zip(starts(4)) {
        assert!(a.0 == b.0 && a.1 != b.1);
    }
    let theta = played.agent.learner().policy().theta();
    let params = theta.len() / 6;
    assert!((1..6).all(|i| theta[..params] != theta[i * params..][..params]));
}

#[test]
fn who_is_drawn_acts_for_the_whole_episode() {
    // Nothing is learnt, so that what each policy would have done can be asked afterwards.
    let mut played = Played::new(&["agent.sampling=uniform", "agent.updates_per_step=0"]);
    let mut players = std::collections::BTreeSet::new();
    for episode in 0..8 {
        let player = played.episode(1.0);
        let (first, acts) = (played.steps - 9, &played.acts[played.acts.len() - 10..]);
        let Some(player) = player else {
            assert!(episode < 2);
            continue;
        };
        for (t, act) in (first..).zip(acts) {
            assert_eq!(
                act.to_bits(),
                answers(&played, t)[usize::from(player)],
                "episode {episode}, step {t}"
            );
        }
        players.insert(player);
    }
    assert!(players.len() > 2, "{players:?}");
}

/// What each policy would have done at a step.
fn answers(played: &Played, step: u64) -> Vec<u32> {
    let (mut row, policy) = (SingleRow::default(), played.agent.learner().policy());
    let answer = |member| {
        let (mut act, key) = ([0.0], Key::root(9).at(step).child("policy"));
        row.act_as(policy, member, Mode::Sample, &observed(step), key, &mut act).unwrap();
        act[0].to_bits()
    };
    (0..6).map(answer).collect()
}

#[test]
fn where_every_step_draws_many_play_an_episode_and_none_is_credited() {
    let set = ["agent.sampling=uniform", "agent.draw=step", "agent.updates_per_step=0"];
    let mut played = Played::new(&set);
    for _ in 0..4 {
        assert_eq!(played.episode(1.0), None);
    }
    let last = played.steps - 9..=played.steps;
    let acts = &played.acts[played.acts.len() - 10..];
    let who = last.zip(acts).map(|(step, act)| {
        answers(&played, step).iter().position(|answer| *answer == act.to_bits()).unwrap()
    });
    // That one of six is drawn ten times in a row is a chance of 1e-7.
    assert!(who.collect::<std::collections::BTreeSet<_>>().len() > 1);
    assert!(played.agent.weights().iter().all(|weight| (weight - 1.0 / 6.0).abs() < 1e-12));
}

#[test]
fn models_are_fitted_before_each_episode() {
    let mut played = Played::new(&["agent.rollout_every=7"]);
    for _ in 0..6 {
        played.episode(0.0);
    }
    let at = |name: &str| played.records.of(name).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    // After the 20 steps at random, and whenever one of the four episodes since then was over.
    assert_eq!(at("model/holdout_mse"), [20, 30, 40, 50, 60]);
    assert_eq!(at("rollout/return"), [20, 30, 40, 50, 60]);
    // At no other steps, so that how much is kept does not depend on how long episodes are.
    assert_eq!(at("rollout/rows"), [20, 27, 34, 41, 48, 55]);
}

#[test]
fn where_nothing_ends_a_thousand_steps_are_an_episode() {
    let mut setup = setup("pendulum");
    setup.spec.time_limit = None;
    let config = quick("ps-mbpo", "pendulum", &["agent.updates_per_step=0", "agent.rollouts.starts=1"]);
    let config: PsMbpoConfig = serde_json::from_value(config.agent).unwrap();
    let mut agent = PsMbpoAgent::new(config, &setup, Key::root(0)).unwrap();
    let mut records = Records::default();
    for step in 1..=2_100 {
        let (obs, mut act, key) = (observed(step), [0.0], Key::root(9).at(step));
        agent.act(&obs, key.child("policy"), &mut act, &mut NullRecorder).unwrap();
        let (act, next_obs) = (&act[..], &obs[..]);
        let seen =
            Transition { obs: &obs, act, next_obs, reward: 1.0, end: End::Running, origin: Origin::World };
        agent.observe(seen).unwrap();
        records.at(step);
        agent.learn(step, key.child("learn"), &mut records).unwrap();
    }
    let at = |name: &str| records.of(name).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    assert_eq!(at("model/holdout_mse"), [20, 1_000, 2_000]);
    assert_eq!(at("policy/played"), [1_000, 2_000]);
}

#[test]
fn where_none_is_drawn_the_first_one_plays() {
    let players = |draw: &str| {
        let draw = format!("agent.draw={draw}");
        let mut played = Played::new(&["agent.sampling=uniform", &draw]);
        (0..32).filter_map(|_| played.episode(1.0)).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(players("never"), [0].into());
    // All six have played in thirty episodes, but for a chance of 6·(5/6)^30 = 0.025 that the fixed keys do not meet.
    assert_eq!(players("episode").len(), 6);
}

#[test]
fn a_checkpoint_of_another_population_is_refused() {
    let bytes = saved(&Played::new(&[]).agent);
    let error = Played::new(&["agent.policies=2"]).agent.load(&mut bytes.as_slice()).unwrap_err();
    assert!(error.to_string().contains("actor"), "{error}");
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    for (set, says) in [
        ("agent.policies=0", "policies is 0: give at least 1"),
        ("agent.model.members=0", "model: members is 0"),
        ("agent.real_share=1.5", "real_share is 1.5: expected 0 to 1"),
        ("agent.real_share=-0.1", "real_share is -0.1: expected 0 to 1"),
        (
            r#"agent.sampling={"optimistic":{"tau":0.0,"score":"sum"}}"#,
            "sampling: tau is 0: give a finite number above 0",
        ),
        (r#"agent.sampling={"optimistic":{"tau":-1.0,"score":"sum"}}"#, "sampling: tau is -1"),
        ("agent.draw=step", "an optimistic distribution is of whole episodes"),
        ("agent.fit={\"steps\":0}", "fit is every 0 steps"),
        ("agent.rollout_every=0", "rollout_every is 0"),
        ("agent.policies=30000", "3 models with 30000 policies each: give fewer than 65,535"),
    ] {
        let mut config = RunConfig::new("ops-mbpo", None).unwrap();
        let error = config.set(set).and_then(|()| config.build(&setup("pendulum")).map(drop)).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{set}: {error}");
    }
}

#[test]
fn the_memory_that_it_comes_to_need_is_known_before() {
    let bytes = |set: &[&str]| {
        let mut config = RunConfig::new("ps-mbpo", None).unwrap();
        config.set_all(set).unwrap();
        find("ps-mbpo").unwrap().bytes(&config.agent, &setup("pendulum").spec).unwrap()
    };
    let row =
        mbrl_buffer::ReplayBuffer::new(setup("pendulum").spec.dims(), 1).unwrap().bytes_per_row() as u64;
    // 500 starts of at most 4 steps, kept for 1,000 steps of which each fiftieth imagines, and once more while it does, by 6
    // policies; and the world's.
    let transitions = (6 * 500 * 4 * 21 + 1_000_000) * row;
    let of = |layers: &[u64]| layers.windows(2).map(|pair| pair[0] * pair[1] + pair[1]).sum::<u64>();
    let (actor, critic, model) = (of(&[3, 64, 64, 2]), of(&[4, 64, 64, 1]), of(&[4, 64, 64, 64, 8]));
    let [policies, models] = [2 * 128 * 128, 2 * 128 * 192];
    let numbers = 6 * (4 * actor + policies + 2 * (5 * critic + policies)) + 3 * (4 * model + models);
    assert_eq!(bytes(&[]), transitions + 4 * numbers);
    assert!(bytes(&["agent.policies=1000", "agent.rollouts.retain=1000000"]) > 1 << 40);
}
