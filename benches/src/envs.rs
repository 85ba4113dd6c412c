//! Environments and noise.

use crate::{Case, Pair, Share};
use mbrl_core::{Env, Key, LaneSteps, NoiseBuf, NoiseSpec, RowBuf, VecEnv};
use mbrl_envs::{Chance, Lanes, Pendulum, Sim, System, TimeLimit};
use std::hint::black_box;

/// Steps in one call.
const STEPS: u64 = 4096;
/// Episodes side by side.
const LANES: usize = 1024;
/// Steps of every lane in one call: a pool is entered once for all of them, as whoever trains is in it already.
const TIMES: u64 = 16;

pub(crate) const PENDULUM: Case = Case {
    group: "envs",
    name: "env/pendulum/steps4096",
    threads: 1,
    floor: "the bare equations: advance, observe, reward",
    share: Share::OfTime,
    target: 0.5,
    items: STEPS,
    prepare: pendulum,
};

pub(crate) const LANES_1: Case = Case {
    group: "envs",
    name: "lanes/pendulum/l1024/t16",
    threads: 1,
    floor: "the same steps in single environments",
    share: Share::OfTime,
    target: 0.7,
    items: TIMES * LANES as u64,
    prepare: || Pair { work: lanes(1), floor: single_environments() },
};

pub(crate) const LANES_2: Case = Case {
    group: "envs",
    name: "lanes/pendulum/l1024/t16",
    threads: 2,
    floor: "the same on one thread",
    share: Share::OfTime,
    target: 1.7,
    items: TIMES * LANES as u64,
    prepare: || Pair { work: lanes(2), floor: lanes(1) },
};

pub(crate) const NORMALS: Case = Case {
    group: "envs",
    name: "noise/normals/n65536",
    threads: 1,
    floor: "as many uniform numbers",
    share: Share::OfTime,
    target: 0.4,
    items: 1 << 16,
    prepare: || Pair { work: noise(1, 0), floor: noise(0, 1) },
};

fn pendulum() -> Pair {
    let mut env = TimeLimit::new(Sim::new(Pendulum), u32::MAX).expect("a limit");
    let mut obs = [0.0; 3];
    env.reset(Key::root(0), &mut obs).expect("a reset");
    let mut t = 0;
    let work = move || {
        for _ in 0..STEPS {
            let torque = torque(t);
            t += 1;
            black_box(env.step(&[torque], Key::root(0), &mut obs).expect("a step"));
        }
    };
    let (mut state, mut obs, mut next_obs, mut t) = ([1.0, 0.0], [0.0; 3], [0.0; 3], 0);
    let floor = move || {
        for _ in 0..STEPS {
            let act = [torque(t)];
            t += 1;
            state = Pendulum.advance(&state, &act, Chance { normals: &[], uniforms: &[] });
            Pendulum.observe(&state, &mut next_obs);
            black_box(Pendulum.reward(&obs, &act, &next_obs));
            obs = next_obs;
        }
    };
    Pair { work: Box::new(work), floor: Box::new(floor) }
}

/// A torque that keeps the pendulum moving.
fn torque(t: u64) -> f32 {
    (t % 17) as f32 * 0.25 - 2.0
}

fn actions() -> RowBuf {
    let mut act = RowBuf::new(1);
    (0..LANES).for_each(|lane| act.push(&[torque(lane as u64)]));
    act
}

fn lanes(threads: usize) -> Box<dyn FnMut()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut lanes = Lanes::new(LANES, || TimeLimit::new(Sim::new(Pendulum), 200)).expect("lanes");
    let mut steps = LaneSteps::new(LANES, 3);
    lanes.reset(Key::root(0), &mut steps).expect("a reset");
    let act = actions();
    let mut t = 0;
    Box::new(move || {
        pool.install(|| {
            for _ in 0..TIMES {
                t += 1;
                lanes.step(act.view(), Key::root(0).at(t), &mut steps).expect("a step");
            }
        });
    })
}

fn single_environments() -> Box<dyn FnMut()> {
    let make = |_| TimeLimit::new(Sim::new(Pendulum), 200).expect("a limit");
    let mut envs: Vec<_> = (0..LANES).map(make).collect();
    let mut obs = RowBuf::zeros(LANES, 3);
    for (i, env) in envs.iter_mut().enumerate() {
        env.reset(Key::root(i as u64), obs.row_mut(i)).expect("a reset");
    }
    let act = actions();
    Box::new(move || {
        for _ in 0..TIMES {
            for (i, env) in envs.iter_mut().enumerate() {
                let step = env.step(act.row(i), Key::root(0), obs.row_mut(i)).expect("a step");
                if step.end.is_end() {
                    env.reset(Key::root(i as u64), obs.row_mut(i)).expect("a reset");
                }
            }
        }
    })
}

fn noise(normals: usize, uniforms: usize) -> Box<dyn FnMut()> {
    let mut noise = NoiseBuf::default();
    let mut t = 0;
    Box::new(move || {
        t += 1;
        noise.fill(NoiseSpec { normals, uniforms }, 1 << 16, Key::root(0).at(t));
        black_box(noise.view());
    })
}
