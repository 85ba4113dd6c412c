//! Small worlds to learn, and how to ask what was learnt.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(dead_code, reason = "each test of this folder uses a part")]

use mbrl_core::{
    Belief, Dims, DynamicsModel, End, FitData, Key, Mode, ModelInput, ModelOutput, MomentsMut, NoiseBuf,
    NoiseSpec, NullRecorder, Origin, RowBuf, Scratch, Space, Spec, Spread, Task, Transition, TransitionBatch,
};
use mbrl_models::{EnsembleConfig, Holdout, Likelihood, Stop};

/// A spec of unbounded observations and actions.
pub(crate) fn spec(dims: Dims) -> Spec {
    Spec::new(Space::unbounded(dims.obs).unwrap(), Space::unbounded(dims.act).unwrap())
}

/// A task of which reward and termination are known, and nothing is to be had.
pub(crate) fn known() -> Task {
    Task::unknown().rewarding(|_, _, _| 0.0).terminating(|_, _, _| false)
}

/// The mean of the change at `x` in the noisy line.
pub(crate) fn noisy_mean(x: f64) -> f64 {
    (3.0 * x).sin()
}

/// The deviation of the change at `x` in the noisy line.
pub(crate) fn noisy_std(x: f64) -> f64 {
    0.05 + 0.1 * (x + 1.0)
}

/// A noisy line: x from [−1, 1], an action that does nothing, and a change of mean sin 3x and a deviation that grows
/// from 0.05 to 0.25.
pub(crate) fn noisy_line(rows: usize, key: Key) -> TransitionBatch {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 1, uniforms: 2 }, rows, key);
    let noise = noise.view();
    let mut data = TransitionBatch::new(Dims { obs: 1, act: 1 });
    for i in 0..rows {
        let x = 2.0 * f64::from(noise.uniforms.row(i)[0]) - 1.0;
        let change = noisy_mean(x) + noisy_std(x) * f64::from(noise.normals.row(i)[0]);
        let (obs, act, next_obs) =
            ([x as f32], [2.0 * noise.uniforms.row(i)[1] - 1.0], [(x + change) as f32]);
        let (end, origin) = (End::Running, Origin::World);
        data.push(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward: 0.0, end, origin });
    }
    data
}

/// A linear world without noise: two observations, one action, a reward, and an end where the first passes 1.
pub(crate) fn linear_world(rows: usize, key: Key) -> TransitionBatch {
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 0, uniforms: 3 }, rows, key);
    let mut data = TransitionBatch::new(Dims { obs: 2, act: 1 });
    for u in noise.view().uniforms.iter() {
        let (a, b, c) = (2.0 * u[0] - 1.0, 2.0 * u[1] - 1.0, 2.0 * u[2] - 1.0);
        let next_obs = [a + 0.5 * b, b + 0.5 * c - 0.25 * a];
        let end = if next_obs[0] > 1.0 { End::Terminated } else { End::Running };
        let (obs, act, origin) = ([a, b], [c], Origin::World);
        data.push(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward: a - c, end, origin });
    }
    data
}

/// A small ensemble that learns in a moment.
pub(crate) fn small() -> EnsembleConfig {
    EnsembleConfig {
        members: 3,
        elites: 2,
        hidden: vec![16, 16],
        decay: vec![1e-5],
        batch: 32,
        holdout: Holdout { share: 0.2, cap: 5000 },
        stop: Stop { improvement: 0.01, patience: 5, max_epochs: Some(6) },
        ..EnsembleConfig::default()
    }
}

/// The same without variances.
pub(crate) fn deterministic() -> EnsembleConfig {
    EnsembleConfig { likelihood: Likelihood::Deterministic, ..small() }
}

/// All rows of a dataset.
pub(crate) fn all(data: &TransitionBatch) -> Vec<u32> {
    (0..data.len() as u32).collect()
}

/// Fits to all rows.
pub(crate) fn fit(
    belief: &mut dyn Belief,
    data: &TransitionBatch,
    key: Key,
) -> mbrl_core::Result<mbrl_core::Fit> {
    belief.fit(FitData { data, train: &all(data), holdout: &[] }, key, &mut NullRecorder)
}

/// Means and variances, `[members, rows, moment]`.
pub(crate) fn moments(model: &dyn Spread, state: &RowBuf, act: &RowBuf) -> (Vec<f32>, Vec<f32>) {
    let rows = state.len();
    let len = model.members() * rows * model.moment_dim();
    let (mut mean, mut variance) = (vec![0.0; len], vec![0.0; len]);
    let out = MomentsMut::new(&mut mean, &mut variance, rows, model.moment_dim());
    model.moments(state.view(), act.view(), out, &mut Scratch::default()).unwrap();
    (mean, variance)
}

/// Successors, rewards and ends of rows that are served by members in turn, as bits.
pub(crate) fn imagined(
    model: &dyn DynamicsModel,
    data: &TransitionBatch,
    key: Key,
) -> (Vec<u32>, Vec<u32>, Vec<End>) {
    let rows = data.len();
    let member: Vec<u16> = (0..rows).map(|i| (i % model.members()) as u16).collect();
    let mut noise = NoiseBuf::default();
    noise.fill(model.noise_spec(), rows, key);
    let mut next = RowBuf::zeros(rows, model.state_dim());
    let (mut reward, mut end) = (vec![0.0; rows], vec![End::Running; rows]);
    let (state, act) = (data.obs.view(), data.act.view());
    let input = ModelInput { state, act, member: &member, noise: noise.view(), mode: Mode::Sample };
    let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
    model.step(input, out, &mut Scratch::default()).unwrap();
    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect();
    (bits(next.view().as_slice()), bits(&reward), end)
}

/// Everything that a belief holds, as bytes.
pub(crate) fn saved(belief: &dyn Belief) -> Vec<u8> {
    let mut bytes = Vec::new();
    belief.save(&mut bytes).unwrap();
    bytes
}
