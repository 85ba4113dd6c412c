//! The values of every environment under fixed keys. Moving any of them changes every result ever recorded: it is a
//! "Value-changing" entry of the changelog.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::Key;
use mbrl_envs::{ALL, Entry};

/// The checksum (FNV-1a) of the bits of what is observed and earned in 50 steps under drawn actions.
fn checksum(entry: &Entry) -> u64 {
    let mut env = entry.make();
    let spec = env.spec().clone();
    let key = Key::root(0).child(entry.name);
    let (mut obs, mut act) = (vec![0.0; spec.obs.dim()], vec![0.0; spec.act.dim()]);
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |number: f32| {
        for byte in number.to_le_bytes() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    env.reset(key.child("reset"), &mut obs).unwrap();
    obs.iter().for_each(|x| add(*x));
    for t in 0..50 {
        let uniforms: Vec<f32> =
            (0..act.len() as u64).map(|i| key.child("act").at(t).at(i).uniform()).collect();
        spec.act.from_uniforms(&uniforms, &mut act);
        let step = env.step(&act, key.child("world").at(t), &mut obs).unwrap();
        obs.iter().for_each(|x| add(*x));
        add(step.reward);
        if step.end.is_end() {
            env.reset(key.child("reset").at(t), &mut obs).unwrap();
            obs.iter().for_each(|x| add(*x));
        }
    }
    sum
}

#[test]
fn value_stability() {
    let values: Vec<(&str, u64)> = ALL.iter().map(|entry| (entry.name, checksum(entry))).collect();
    let expected = [
        ("pendulum", 0x58425d2e15058a54),
        ("pendulum-sparse", 0xa6b701655a60b3aa),
        ("pendulum-spin", 0x4588bd7604ae96e4),
        ("cartpole", 0x7d2ee9d7cc4dcdc6),
        ("cartpole-swingup", 0xaded1b6504bcdd5c),
        ("cartpole-swingup-sparse", 0x31a1e1de10dbe35e),
        ("acrobot-swingup", 0xf3ff4947658de153),
        ("mountain-car", 0x5fe589873ce24410),
        ("reacher", 0x250339a18920d17e),
        ("point-mass", 0x1aacfb564b9a3823),
        ("lqr", 0x67daf2ee577cc89a),
        ("riverswim", 0xb7577e02c928e4cc),
        ("chain", 0xe19d3dff81327f55),
        ("deepsea", 0x1d33c5807143ba1c),
        ("cliff", 0xdaca9e558b1224c3),
        ("garnet", 0xbe8a176555dadf45),
    ];
    assert_eq!(values, expected);
}
