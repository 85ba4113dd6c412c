//! What holds of every algorithm, in settings that make it quick.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{CrashAfter, Folder, metrics, saved, setup, trainer};
use mbrl_agents::{ALL, Algorithm, CheckpointConfig, EvalConfig, QUICK_STEPS, RunConfig, Trainer, leaves};
use mbrl_core::Key;
use std::io::Write;

/// A run of an algorithm long enough for all of it to happen.
fn quick(algorithm: &Algorithm, env: &str) -> RunConfig {
    let mut config = RunConfig::new(algorithm.name, None).unwrap();
    config.make_quick().unwrap();
    env.clone_into(&mut config.env);
    config.steps = QUICK_STEPS + 20;
    config.eval = EvalConfig { every: 50, episodes: 2, target: None };
    config.checkpoint = CheckpointConfig { every: 30 };
    config
}

/// A few environments that an algorithm serves: continuous and discrete, with ends of both kinds.
fn some_envs(algorithm: &Algorithm) -> Vec<&'static str> {
    let served = |name: &&str| algorithm.check_spaces(&setup(name).spec).is_ok();
    ["cartpole", "pendulum", "riverswim", "deepsea"].into_iter().filter(served).take(2).collect()
}

/// Writes what a process that was killed may have left behind the last checkpoint.
fn litter(folder: &std::path::Path) {
    for file in ["metrics.jsonl", "timing.jsonl"] {
        let mut file = std::fs::OpenOptions::new().append(true).open(folder.join(file)).unwrap();
        file.write_all(b"{\"env_steps\":8,\"eval/return\":1.0}\n{\"env_st").unwrap();
    }
}

#[test]
fn it_runs_in_every_environment_that_it_serves() {
    for algorithm in ALL {
        for entry in mbrl_envs::ALL {
            let mut config = quick(algorithm, entry.name);
            config.eval.episodes = 1;
            config.eval.every = config.steps;
            let agent = config.build(&setup(entry.name));
            let Ok(agent) = agent else {
                assert!(algorithm.check_spaces(&entry.spec()).is_err(), "{}: {:?}", entry.name, agent.err());
                continue;
            };
            let trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
            let summary = trainer.evaluate_in(entry.make()).unwrap().run();
            let summary =
                summary.unwrap_or_else(|error| panic!("{} in {}: {error}", algorithm.name, entry.name));
            assert_eq!(summary.env_steps, config.steps);
            assert!(summary.last.unwrap().mean_return().is_finite());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_on_one_thread_and_on_two() {
    for algorithm in ALL {
        for env in some_envs(algorithm) {
            let folder = Folder::new(&format!("bits-{}-{env}", algorithm.name));
            let run = |name: &str, threads, seed| {
                let config = RunConfig { seed, ..quick(algorithm, env) };
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let agent = pool.install(|| {
                    let mut trainer = trainer(&config, &folder.at(name)).unwrap();
                    trainer.run().unwrap();
                    saved(trainer.agent())
                });
                (metrics(&folder.at(name)), agent)
            };
            let one = run("one", 1, 3);
            assert!(one == run("two", 2, 3), "{} in {env}", algorithm.name);
            assert!(one.0 != run("other", 2, 4).0, "{} in {env}", algorithm.name);
        }
    }
}

#[test]
fn killed_and_resumed_it_ends_as_if_it_had_not_been() {
    for algorithm in ALL {
        for (i, env) in some_envs(algorithm).into_iter().enumerate() {
            let folder = Folder::new(&format!("resume-{}-{env}", algorithm.name));
            let config = quick(algorithm, env);
            let mut whole = trainer(&config, &folder.at("whole")).unwrap();
            whole.run().unwrap();
            let killed = folder.at("killed");
            // Before the first checkpoint, right at one, and at some steps between.
            let mut kills = vec![7, 60];
            kills.extend((0..2).map(|k| 61 + Key::root(i as u64).child("kill").at(k).bits() % 58));
            kills.sort_unstable();
            for kill in kills {
                let crashed = trainer(&config, &killed).unwrap().watch(CrashAfter(kill)).run();
                assert_eq!(crashed.unwrap_err().to_string(), "a crash");
                litter(&killed);
            }
            let mut last = trainer(&config, &killed).unwrap();
            let summary = last.run().unwrap();
            assert!(summary.exact_resume);
            let (a, b) = (metrics(&folder.at("whole")), metrics(&killed));
            assert_eq!(
                String::from_utf8(a).unwrap(),
                String::from_utf8(b).unwrap(),
                "{} in {env}",
                algorithm.name
            );
            assert!(saved(whole.agent()) == saved(last.agent()), "{} in {env}", algorithm.name);
        }
    }
}

#[test]
fn evaluations_leave_no_trace() {
    for algorithm in ALL {
        let env = some_envs(algorithm)[0];
        let train = |is_evaluated: bool| {
            let (config, entry) = (quick(algorithm, env), mbrl_envs::find(env).unwrap());
            let agent = config.build(&setup(env)).unwrap();
            let mut trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
            if is_evaluated {
                trainer = trainer.evaluate_in(entry.make()).unwrap();
            }
            trainer.run().unwrap();
            saved(trainer.agent())
        };
        assert!(train(true) == train(false), "{}", algorithm.name);
    }
}

#[test]
fn what_is_saved_is_loaded() {
    for algorithm in ALL {
        let env = some_envs(algorithm)[0];
        let (config, entry) = (quick(algorithm, env), mbrl_envs::find(env).unwrap());
        let agent = config.build(&setup(env)).unwrap();
        let mut trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
        trainer.run().unwrap();
        let bytes = saved(trainer.agent());
        let mut copy = config.build(&setup(env)).unwrap();
        let mut rest = bytes.as_slice();
        copy.load(&mut rest).unwrap();
        assert!(rest.is_empty() && saved(copy.as_ref()) == bytes, "{}", algorithm.name);
        // What is cut short is an error, not a panic, and never taken for whole.
        for len in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            if len < bytes.len() {
                let mut fresh = config.build(&setup(env)).unwrap();
                assert!(
                    fresh.load(&mut &bytes[..len]).is_err(),
                    "{}: {len} of {}",
                    algorithm.name,
                    bytes.len()
                );
            }
        }
    }
}

#[test]
fn every_preset_round_trips_and_can_be_made_quick() {
    for algorithm in ALL {
        assert!(
            !algorithm.presets.is_empty() && !algorithm.summary.is_empty() && !algorithm.source.is_empty()
        );
        for preset in algorithm.presets {
            let whole = algorithm.config(preset.name).unwrap();
            assert_eq!(algorithm.complete(&whole).unwrap(), whole, "{} {}", algorithm.name, preset.name);
            let mut config = RunConfig::new(algorithm.name, Some(preset.name)).unwrap();
            let round_trip = |config: &RunConfig| {
                let text = serde_json::to_string_pretty(config).unwrap();
                assert_eq!(
                    &RunConfig::from_json(&text).unwrap(),
                    config,
                    "{} {}",
                    algorithm.name,
                    preset.name
                );
            };
            round_trip(&config);
            // Each setting can be named, and set to what it is.
            let before = config.clone();
            for (path, value) in leaves(&serde_json::to_value(&before).unwrap()) {
                if !["algo", "preset", "data"].contains(&path.as_str()) {
                    config.set(&format!("{path}={value}")).unwrap();
                }
            }
            assert_eq!(config, before);
            assert!(config.set("agent={\"no_such_field\":1}").unwrap_err().is_invalid());
            assert!(config.set("agent.no_such_field=1").unwrap_err().to_string().contains("no such setting"));
            config.make_quick().unwrap();
            round_trip(&config);
        }
    }
}
