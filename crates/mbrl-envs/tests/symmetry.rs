//! What is mirrored before a step is mirrored after it, and earns the same.

use mbrl_envs::{
    AcrobotSwingup, Cartpole, CartpoleSwingup, Chance, Lqr, MountainCar, Pendulum, PointMass, Reacher, System,
};
use proptest::prelude::*;

/// Does a move and its mirror image, and compares: the states within `tolerance`, and the rewards.
fn mirrored<S: System<State = [f64; N]>, const N: usize>(
    system: &S,
    (state, act, normals): ([f64; N], &[f32], &[f32]),
    reflect: impl Fn([f64; N]) -> [f64; N],
    tolerance: f64,
) {
    let flip = |numbers: &[f32]| numbers.iter().map(|x| -x).collect::<Vec<_>>();
    let (image, act_image, normals_image) = (reflect(state), flip(act), flip(normals));
    let next = system.advance(&state, act, Chance { normals, uniforms: &[] });
    let next_image = system.advance(&image, &act_image, Chance { normals: &normals_image, uniforms: &[] });
    for (a, b) in reflect(next).iter().zip(&next_image) {
        assert!((a - b).abs() <= tolerance, "{state:?} to {next:?}, {image:?} to {next_image:?}");
    }
    let seen = |state: &[f64; N]| {
        let mut obs = vec![0.0; system.spec().obs.dim()];
        system.observe(state, &mut obs);
        obs
    };
    let reward = system.reward(&seen(&state), act, &seen(&next));
    let reward_image = system.reward(&seen(&image), &act_image, &seen(&next_image));
    assert!((reward - reward_image).abs() <= 1e-6_f64.max(tolerance), "{reward} and {reward_image}");
}

fn negate<const N: usize>(state: [f64; N]) -> [f64; N] {
    state.map(|x| -x)
}

proptest! {
    #[test]
    fn pendulum(state in [-10.0..10.0, -8.0..8.0f64], a in -3.0..3.0f32) {
        mirrored(&Pendulum, (state, &[a], &[]), negate, 0.0);
    }

    #[test]
    fn cartpole(state in [-2.4..2.4, -3.0..3.0, -0.3..0.3, -3.0..3.0f64], a in -1.5..1.5f32) {
        mirrored(&Cartpole, (state, &[a], &[]), negate, 0.0);
    }

    #[test]
    fn cartpole_swingup(state in [-1.9..1.9, -7.0..7.0, -4.0..4.0, -9.0..9.0f64], a in -1.5..1.5f32) {
        mirrored(&CartpoleSwingup::default(), (state, &[a], &[]), negate, 0.0);
        mirrored(&CartpoleSwingup::sparse(), (state, &[a], &[]), negate, 0.0);
    }

    #[test]
    fn acrobot_swingup(state in [-7.0..7.0, -7.0..7.0, -9.0..9.0, -9.0..9.0f64], a in -1.5..1.5f32) {
        mirrored(&AcrobotSwingup::default(), (state, &[a], &[]), negate, 0.0);
    }

    /// The valley is mirrored at its bottom, x = −π/6, as far as no wall and no flag is near; `f32` does not know π.
    #[test]
    fn mountain_car(x in -1.0..-0.05f32, v in -0.05..0.05f32, a in -1.5..1.5f32) {
        let reflect = |[x, v]: [f64; 2]| [-std::f64::consts::FRAC_PI_3 - x, -v];
        mirrored(&MountainCar, ([x.into(), v.into()], &[a], &[]), reflect, 1e-6);
    }

    #[test]
    fn reacher(
        state in [-7.0..7.0, -7.0..7.0, -5.0..5.0, -5.0..5.0, -0.6..0.6, -0.6..0.6f64],
        a in [-1.5..1.5f32, -1.5..1.5f32],
    ) {
        let reflect = |[q1, q2, w1, w2, x, y]: [f64; 6]| [-q1, -q2, -w1, -w2, x, -y];
        mirrored(&Reacher::default(), (state, &a, &[]), reflect, 0.0);
    }

    #[test]
    fn point_mass(state in [-2.0..2.0, -2.0..2.0, -2.0..2.0, -2.0..2.0f64], a in [-1.5..1.5f32, -1.5..1.5f32]) {
        mirrored(&PointMass, (state, &a, &[]), negate, 0.0);
    }

    #[test]
    fn lqr(state in [-2.0..2.0, -2.0..2.0f64], a in -10.0..10.0f32, n in [-5.0..5.0f32, -5.0..5.0f32]) {
        mirrored(&Lqr, (state, &[a], &n), negate, 0.0);
    }
}
