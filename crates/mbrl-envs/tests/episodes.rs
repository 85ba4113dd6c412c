//! Episodes: how they are begun, cut, written down and taken up again, and by which name they are made.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{End, Env, Key, Snapshot, Space};
use mbrl_envs::{
    ALL, Cartpole, MountainCar, Pendulum, PointMass, RiverSwim, Sim, System, Tabular, TimeLimit, make,
};

/// The bits of so many steps under drawn actions, starting episodes anew where they end.
fn follow(env: &mut dyn Env, steps: std::ops::Range<u64>) -> Vec<u32> {
    let spec = env.spec().clone();
    let (mut obs, mut act) = (vec![0.0; spec.obs.dim()], vec![0.0; spec.act.dim()]);
    let key = Key::root(3);
    let mut bits = Vec::new();
    for t in steps {
        let uniforms: Vec<f32> =
            (0..act.len() as u64).map(|i| key.child("act").at(t).at(i).uniform()).collect();
        spec.act.from_uniforms(&uniforms, &mut act);
        let step = env.step(&act, key.child("world").at(t), &mut obs).unwrap();
        bits.extend(obs.iter().map(|x| x.to_bits()));
        bits.extend([step.reward.to_bits(), step.end as u32]);
        if step.end.is_end() {
            env.reset(key.child("reset").at(t), &mut obs).unwrap();
        }
    }
    bits
}

#[test]
fn a_snapshot_goes_on_bit_for_bit_in_another_environment() {
    for entry in ALL {
        let mut env = entry.make();
        let mut obs = vec![0.0; env.spec().obs.dim()];
        env.reset(Key::root(1), &mut obs).unwrap();
        for start in [0, 1, 7] {
            follow(&mut env, 0..start);
            let snapshot = env.snapshot().unwrap();
            // Past the end of the episode, which is where the elapsed steps matter.
            let steps = u64::from(entry.spec().time_limit.unwrap()) + 20;
            let first = follow(&mut env, 100..100 + steps);
            let mut other = entry.make();
            other.restore(&snapshot).unwrap();
            assert_eq!(other.snapshot().unwrap(), snapshot);
            assert!(follow(&mut other, 100..100 + steps) == first, "{} from step {start}", entry.name);
        }
    }
}

#[test]
fn an_environment_between_episodes_has_a_snapshot_too() {
    for entry in ALL {
        let idle = entry.make().snapshot().unwrap();
        let mut env = entry.make();
        let mut obs = vec![0.0; env.spec().obs.dim()];
        env.reset(Key::root(1), &mut obs).unwrap();
        env.restore(&idle).unwrap();
        let act = vec![0.0; env.spec().act.dim()];
        assert!(env.step(&act, Key::root(0), &mut obs).unwrap_err().is_invalid(), "{}", entry.name);
    }
}

#[test]
fn garbage_is_no_snapshot_and_changes_nothing() {
    for entry in ALL {
        let mut env = entry.make();
        let mut obs = vec![0.0; env.spec().obs.dim()];
        env.reset(Key::root(1), &mut obs).unwrap();
        let before = env.snapshot().unwrap();
        let good = before.as_bytes();
        let (inner, word) = before.split().unwrap();
        let numbers = inner.as_bytes().len() / 8;
        let limit = u64::from(env.spec().time_limit.unwrap());
        let mut bad = vec![
            Snapshot::default(),
            Snapshot::from_bytes(good[..good.len() - 1].to_vec()),
            Snapshot::from_bytes(good[1..].to_vec()),
            Snapshot::from_bytes([good, &[0; 8]].concat()),
            Snapshot::from_bytes([&[0; 8], good].concat()),
            Snapshot::from_bytes(vec![7; 3]),
            Snapshot::from_f64s(&vec![f64::NAN; numbers]).with(word),
            Snapshot::from_f64s(&vec![f64::INFINITY; numbers]).with(word),
            Snapshot::from_bytes([inner.as_bytes(), &[1; 3]].concat()).with(word),
            inner.clone().with(limit),
            inner.clone().with(u64::from(u32::MAX) + 1),
        ];
        if matches!(env.spec().obs, Space::Discrete { .. }) {
            // The third is seen as 4, but is not.
            bad.extend([-1.0, 0.5, 4.0 - 1e-9, 1e9].map(|state| Snapshot::from_f64s(&[state]).with(word)));
        } else {
            // The last number of a state is a speed or a place, never an angle.
            let far = |at: usize| (0..numbers).map(|i| if i == at { 1e300 } else { 0.0 }).collect::<Vec<_>>();
            bad.push(Snapshot::from_f64s(&far(numbers - 1)).with(word));
        }
        if let Some(outside) = match entry.name {
            "pendulum" => Some(&[0.0, 8.1][..]),
            "mountain-car" => Some(&[0.7, 0.0][..]),
            "reacher" => Some(&[0.0, 0.0, 0.0, 0.0, 1.0, 0.0][..]),
            _ => None,
        } {
            bad.push(Snapshot::from_f64s(outside).with(word));
        }
        for snapshot in bad {
            assert!(env.restore(&snapshot).unwrap_err().is_corrupt(), "{}: {snapshot:?}", entry.name);
            assert_eq!(env.snapshot().unwrap(), before);
        }
    }
}

#[test]
fn a_time_limit_cuts_at_the_limit_and_not_before() {
    let mut bare = Sim::new(Pendulum);
    let mut limited = TimeLimit::new(Sim::new(Pendulum), 5).unwrap();
    assert_eq!(limited.spec().time_limit, Some(5));
    let (mut obs, mut limited_obs) = ([0.0; 3], [0.0; 3]);
    for episode in 0..3 {
        bare.reset(Key::root(episode), &mut obs).unwrap();
        limited.reset(Key::root(episode), &mut limited_obs).unwrap();
        for t in 0..5 {
            let step = bare.step(&[0.3], Key::root(0), &mut obs).unwrap();
            let cut = limited.step(&[0.3], Key::root(0), &mut limited_obs).unwrap();
            assert_eq!(cut.reward.to_bits(), step.reward.to_bits());
            assert_eq!(limited_obs.map(f32::to_bits), obs.map(f32::to_bits));
            assert_eq!(cut.end, if t == 4 { End::Truncated } else { End::Running });
        }
        assert!(limited.step(&[0.3], Key::root(0), &mut limited_obs).unwrap_err().is_invalid());
    }
    assert!(TimeLimit::new(Sim::new(Pendulum), 0).unwrap_err().is_invalid());
}

#[test]
fn of_two_time_limits_the_smaller_holds_and_is_what_the_spec_says() {
    for (inner, outer) in [(3, 5), (5, 3), (4, 4)] {
        let twice = || TimeLimit::new(TimeLimit::new(Sim::new(Pendulum), inner)?, outer);
        let mut env = twice().unwrap();
        let limit = inner.min(outer);
        assert_eq!(env.spec().time_limit, Some(limit));
        let mut obs = [0.0; 3];
        for episode in 0..2 {
            env.reset(Key::root(episode), &mut obs).unwrap();
            for t in 1..=limit {
                let step = env.step(&[0.0], Key::root(0), &mut obs).unwrap();
                assert_eq!(step.end, if t == limit { End::Truncated } else { End::Running });
            }
        }
        mbrl_testkit::check_env(twice).unwrap();
    }
    assert!(TimeLimit::new(make("pendulum").unwrap(), 0).is_err_and(|error| error.is_invalid()));
}

#[test]
fn an_episode_that_terminates_in_its_last_step_is_terminated() {
    let mut env = TimeLimit::new(Sim::new(Cartpole), 1).unwrap();
    let mut obs = [0.0; 4];
    env.reset(Key::root(0), &mut obs).unwrap();
    env.inner_mut().set_state(&[2.39, 3.0, 0.0, 0.0], &mut obs).unwrap();
    assert_eq!(env.step(&[0.0], Key::root(0), &mut obs).unwrap().end, End::Terminated);
    assert!(env.step(&[0.0], Key::root(0), &mut obs).unwrap_err().is_invalid());
}

#[test]
fn after_its_end_a_bare_episode_goes_no_further() {
    let (mut env, mut obs) = (Sim::new(Cartpole), [0.0; 4]);
    env.set_state(&[2.39, 3.0, 0.0, 0.0], &mut obs).unwrap();
    assert_eq!(env.step(&[0.0], Key::root(0), &mut obs).unwrap().end, End::Terminated);
    assert!(env.state().is_none());
    assert!(env.step(&[0.0], Key::root(0), &mut obs).unwrap_err().is_invalid());
    env.reset(Key::root(0), &mut obs).unwrap();
    assert_eq!(env.step(&[0.0], Key::root(0), &mut obs).unwrap().end, End::Running);
}

#[test]
fn a_step_that_was_refused_does_not_count() {
    let mut env = TimeLimit::new(Sim::new(Pendulum), 2).unwrap();
    let mut obs = [0.0; 3];
    assert!(env.step(&[0.0], Key::root(0), &mut obs).unwrap_err().is_invalid());
    env.reset(Key::root(0), &mut obs).unwrap();
    for bad in [&[f32::NAN][..], &[], &[0.0, 0.0]] {
        assert!(env.step(bad, Key::root(0), &mut obs).is_err());
    }
    assert!(env.step(&[0.0], Key::root(0), &mut [0.0; 2]).unwrap_err().is_invalid());
    assert!(env.inner_mut().reset(Key::root(0), &mut [0.0; 4]).unwrap_err().is_invalid());
    assert_eq!(env.step(&[0.0], Key::root(0), &mut obs).unwrap().end, End::Running);
    assert_eq!(env.step(&[0.0], Key::root(0), &mut obs).unwrap().end, End::Truncated);
}

#[test]
fn states_that_are_none_are_refused() {
    let mut obs = [0.0; 3];
    let mut env = Sim::new(Pendulum);
    assert!(env.set_state(&[0.0], &mut obs).unwrap_err().is_invalid());
    assert!(env.set_state(&[0.0, f64::NAN], &mut obs).unwrap_err().is_non_finite());
    assert!(env.set_state(&[0.0, 0.0], &mut obs[..2]).unwrap_err().is_invalid());
    assert!(env.state().is_none());
    let mut river = Sim::new(Tabular::of(&RiverSwim).unwrap());
    for state in [-1.0, 6.0, 0.5, 4.0 - 1e-9] {
        assert!(river.set_state(&[state], &mut obs[..1]).unwrap_err().is_invalid());
    }
    river.set_state(&[5.0], &mut obs[..1]).unwrap();
    assert_eq!(obs[0].to_bits(), 5.0f32.to_bits());
}

#[test]
fn states_that_are_observed_outside_the_space_are_refused_and_change_nothing() {
    fn refused<S: System>(system: S, state: &[f64], says: &str) {
        let mut env = Sim::new(system);
        let mut obs = vec![0.0; env.spec().obs.dim()];
        env.reset(Key::root(1), &mut obs).unwrap();
        let (before, shown) = (env.snapshot().unwrap(), obs.clone());
        let error = env.set_state(state, &mut obs).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(env.restore(&Snapshot::from_f64s(state)).unwrap_err().is_corrupt(), "{state:?}");
        assert_eq!((env.snapshot().unwrap(), obs), (before, shown));
    }
    refused(Pendulum, &[0.0, 1e5], "outside the space");
    refused(Pendulum, &[0.0, -1e300], "observation[2] is -inf");
    refused(MountainCar, &[-1.3, 0.0], "outside the space");
    refused(MountainCar, &[0.0, 0.0701], "outside the space");
    refused(PointMass, &[0.0, 0.0, 1e300, 0.0], "observation[2] is inf");
    refused(Cartpole, &[4.9, 0.0, 0.0, 0.0], "outside the space");
    // At the bound, or rounded to it, is inside.
    let (mut env, mut obs) = (Sim::new(MountainCar), [0.0; 2]);
    env.set_state(&[-1.2, 0.07], &mut obs).unwrap();
    env.set_state(&[f64::from(0.6f32), f64::from(-0.07f32)], &mut obs).unwrap();
}

/// What the reward is a function of must come back with the state.
#[test]
fn after_a_refused_state_the_next_reward_is_as_if_it_had_not_been_tried() {
    let [mut calm, mut disturbed] = [Sim::new(Pendulum), Sim::new(Pendulum)];
    let mut obs = [0.0; 3];
    calm.reset(Key::root(1), &mut obs).unwrap();
    disturbed.reset(Key::root(1), &mut obs).unwrap();
    assert!(disturbed.set_state(&[1.0, 9.0], &mut obs).is_err());
    assert!(disturbed.restore(&Snapshot::from_f64s(&[1.0, 9.0])).is_err());
    let [a, b] = [calm, disturbed].map(|mut env| env.step(&[0.1], Key::root(0), &mut obs).unwrap());
    assert_eq!(a, b);
}

/// The rules of a first step, in which the reference has not yet rounded its state to `f32`: `golden/NOTES.md`.
#[test]
fn mountain_car_starts_in_double_precision() {
    let mut env = Sim::new(MountainCar);
    let mut obs = [0.0; 2];
    let mut others = 0;
    for i in 0..500 {
        env.reset(Key::root(2).at(i), &mut obs).unwrap();
        let x = env.state().unwrap()[0];
        let a = 2.2 * Key::root(3).at(i).uniform() - 1.1;
        let pull = 0.0025 * (3.0 * x).cos();
        let gain = if a.abs() <= 1.0 {
            f64::from(a * 0.0015f32 - pull as f32)
        } else {
            0.0015 * f64::from(a.signum()) - pull
        };
        let (place, speed) = ((x + gain) as f32, gain as f32);
        let mut seen = [0.0; 2];
        env.step(&[a], Key::root(0), &mut seen).unwrap();
        assert_eq!(seen.map(f32::to_bits), [place, speed].map(f32::to_bits));
        // From the rounded state the ordinary rules give other bits, mostly.
        env.set_state(&[f64::from(x as f32), 0.0], &mut obs).unwrap();
        env.step(&[a], Key::root(0), &mut obs).unwrap();
        others += usize::from(obs.map(f32::to_bits) != seen.map(f32::to_bits));
    }
    assert!(others > 300, "{others} of 500");
}

/// First steps of gymnasium 1.4.0 from states that were set.
#[test]
fn mountain_car_meets_its_limits_before_it_moves() {
    for (state, a, reference) in [
        ([-0.5, 0.07], 1.0, [0xbedc28f6, 0x3d8f5c29]),
        ([-0.5, -0.07], -1.0, [0xbf11eb85, 0xbd8f5c29]),
        ([-0.5, 0.0699], 1.5, [0xbedc28f6, 0x3d8f5c29]),
        ([-1.19, -0.0699], -1.0, [0xbf99999a, 0]),
        ([0.59, 0.0699], 1.0, [0x3f19999a, 0x3d8f5c29]),
        // The limits are 0.07 and −1.2 in `f64`: rounded to `f32` they would give other bits, and a hit.
        ([-0.764126159, 0.0699], 1.0, [0xbf31b241, 0x3d8f5c29]),
        ([-1.19, -0.010774061319028805], -1.0, [0xbf99999a, 0xbc23d700]),
        ([-1.19, -0.010774081319028683], -1.0, [0xbf99999a, 0]),
        // What a clipped action adds is not rounded to `f32` before it moves the car.
        ([-0.5410342343014357, 0.0], 1.5, [0xbf0a165a, 0x3ad5bd6d]),
    ] {
        let (mut env, mut obs) = (Sim::new(MountainCar), [0.0; 2]);
        env.set_state(&state, &mut obs).unwrap();
        env.step(&[a], Key::root(0), &mut obs).unwrap();
        assert_eq!(obs.map(f32::to_bits), reference, "{state:?}, {a}: {obs:?}");
    }
}

#[test]
fn a_name_that_is_none_is_answered_with_the_nearest() {
    let says = |name: &str| make(name).err().unwrap().to_string();
    assert_eq!(says("pendulm"), "no environment is called `pendulm`: did you mean `pendulum`?");
    assert!(says("cartpole-swing-up").ends_with("did you mean `cartpole-swingup`?"));
    assert!(says("RiverSwin").ends_with("did you mean `riverswim`?"));
    let names: Vec<_> = ALL.iter().map(|entry| entry.name).collect();
    let all = names.join(", ");
    assert_eq!(says("spaceship"), format!("no environment is called `spaceship`: there are {all}"));
    for (name, prefix) in
        [("gym:Pendulum-v1", "gym:"), ("mujoco:halfcheetah", "mujoco:"), ("dmc:reacher", "dmc:")]
    {
        let mend = format!("this build has no `{prefix}` environments, only {all}");
        assert_eq!(says(name), format!("no environment is called `{name}`: {mend}"));
    }
    for (i, name) in names.iter().enumerate() {
        assert!(!names[..i].contains(name), "{name} twice");
        assert_eq!(mbrl_envs::find(name).unwrap().name, *name);
    }
}

#[test]
fn every_entry_says_what_it_is() {
    for entry in ALL {
        let spec = entry.spec();
        assert!(spec.time_limit.is_some() && spec.validate().is_ok(), "{}", entry.name);
        assert!(!entry.summary.is_empty() && !entry.source.is_empty(), "{}", entry.name);
        let discrete = matches!(spec.obs, Space::Discrete { .. });
        assert_eq!(entry.mdp().is_some(), discrete, "{}", entry.name);
        assert!(entry.physics().is_some() && entry.task().reward.is_some(), "{}", entry.name);
    }
}

/// The table of the README, which is where a reader looks numbers up.
#[test]
fn the_readme_lists_every_environment_as_it_is() {
    let readme = include_str!("../README.md");
    let rows =
        readme.lines().filter(|line| line.starts_with("| `")).filter(|line| line.matches('|').count() == 6);
    let listed: Vec<Vec<&str>> =
        rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`')).collect()).collect();
    assert_eq!(listed.len(), ALL.len());
    for (row, entry) in listed.iter().zip(ALL) {
        let spec = entry.spec();
        let shape = match (&spec.obs, spec.act.choices()) {
            (Space::Discrete { n }, Some(choices)) => format!("{n} states, {choices} choices"),
            (obs, _) => format!("{}, {}", obs.dim(), spec.act.dim()),
        };
        assert_eq!((row[1], row[3], row[4]), (entry.name, &*shape, &*spec.time_limit.unwrap().to_string()));
    }
}
