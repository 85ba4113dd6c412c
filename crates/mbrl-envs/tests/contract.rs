//! Every environment keeps the contract of its traits, and steps without allocating.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{Env, Key, NoiseSpec, Space};
use mbrl_envs::{ALL, Cartpole, Garnet, Lqr, Sim, Tabular, TimeLimit};
use mbrl_testkit::{CountingAlloc, allocations, check_env, check_physics, check_task};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

#[test]
fn every_environment_keeps_the_contract() {
    for entry in ALL {
        check_env(|| Ok(entry.make())).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
    }
}

#[test]
fn every_task_and_every_physics_agrees_with_its_world() {
    for entry in ALL {
        let physics = entry.physics().unwrap();
        check_task(&mut entry.make(), &entry.task()).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        if physics.noise_spec() == NoiseSpec::default() {
            let exact = matches!(entry.spec().obs, Space::Discrete { .. });
            let tolerance = if exact { 0.0 } else { 5e-6 };
            check_physics(&mut entry.make(), &*physics, tolerance)
                .unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        }
    }
}

/// Steps `env` so often, with resets where episodes end.
fn run(env: &mut dyn Env, obs: &mut [f32], act: &[f32], steps: u64) {
    let key = Key::root(0);
    for t in 0..steps {
        if env.step(act, key.at(t), obs).unwrap().end.is_end() {
            env.reset(key.child("reset").at(t), obs).unwrap();
        }
    }
}

#[test]
fn environments_allocate_nothing_after_the_first_step() {
    let bare: [Box<dyn Env>; 4] = [
        Box::new(Sim::new(Cartpole)),
        Box::new(Sim::new(Lqr)),
        Box::new(Sim::new(Tabular::of(&Garnet::default()).unwrap())),
        Box::new(TimeLimit::new(TimeLimit::new(Sim::new(Lqr), 9).unwrap(), 7).unwrap()),
    ];
    for mut env in bare.into_iter().chain(ALL.iter().map(|entry| entry.make())) {
        let mut obs = vec![0.0; env.spec().obs.dim()];
        let act = vec![0.0; env.spec().act.dim()];
        env.reset(Key::root(0), &mut obs).unwrap();
        run(&mut *env, &mut obs, &act, 1);
        let ((), made) = allocations(|| run(&mut *env, &mut obs, &act, 1200));
        assert_eq!(made.count, 0, "{:?}", env.spec());
    }
}

/// Rayon's queues are its own.
#[cfg(not(feature = "rayon"))]
#[test]
fn lanes_allocate_nothing_after_the_first_step() {
    use mbrl_core::{LaneSteps, RowBuf, VecEnv};
    for entry in ALL {
        let mut lanes = mbrl_envs::Lanes::new(70, || Ok(entry.make())).unwrap();
        let mut out = LaneSteps::new(70, lanes.spec().obs.dim());
        let act = RowBuf::zeros(70, lanes.spec().act.dim());
        let key = Key::root(0);
        lanes.reset(key, &mut out).unwrap();
        lanes.step(act.view(), key, &mut out).unwrap();
        let ((), made) = allocations(|| {
            for t in 0..250 {
                lanes.step(act.view(), key.at(t), &mut out).unwrap();
            }
        });
        assert_eq!(made.count, 0, "{}", entry.name);
    }
}
