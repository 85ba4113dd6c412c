//! Rewards and terminations that nobody told: learnt from environments of this workspace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{all, small};
use mbrl_core::{
    Belief, Dataset, DynamicsModel, End, Env, FitData, Key, Mode, ModelInput, ModelOutput, NoiseBuf,
    NoiseSpec, NullRecorder, Origin, RowBuf, Scratch, Spec, Task, Transition, TransitionBatch,
};
use mbrl_models::{BayesConfig, BayesianNetwork, Ensemble, EnsembleConfig, OneStep, Stop, Targets, one_step};
use mbrl_nn::AdamConfig;

/// Transitions of an environment under random actions, as a model meets them at the beginning.
fn played(name: &str, rows: usize, key: Key) -> (Spec, TransitionBatch) {
    let entry = mbrl_envs::ALL.iter().find(|entry| entry.name == name).unwrap();
    let (spec, mut env) = (entry.spec(), entry.make());
    let mbrl_core::Space::Box(space) = &spec.act else { panic!("{name} has no box of actions") };
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 0, uniforms: spec.act.dim() }, rows, key.child("policy"));
    let mut data = TransitionBatch::new(spec.dims());
    let (mut obs, mut next_obs) = (vec![0.0; spec.obs.dim()], vec![0.0; spec.obs.dim()]);
    env.reset(key.child("reset").at(0), &mut obs).unwrap();
    for (i, u) in noise.view().uniforms.iter().enumerate() {
        let bounds = space.low().iter().zip(space.high());
        let act: Vec<f32> = u.iter().zip(bounds).map(|(u, (low, high))| low + u * (high - low)).collect();
        let step = env.step(&act, key.child("world").at(i as u64), &mut next_obs).unwrap();
        let (reward, end, origin) = (step.reward, step.end, Origin::World);
        data.push(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward, end, origin });
        obs.copy_from_slice(&next_obs);
        if end != End::Running {
            env.reset(key.child("reset").at(i as u64 + 1), &mut obs).unwrap();
        }
    }
    (spec, data)
}

fn config() -> EnsembleConfig {
    EnsembleConfig {
        hidden: vec![64, 64],
        targets: Targets::Normalized,
        stop: Stop { improvement: 0.01, patience: 5, max_epochs: Some(60) },
        ..small()
    }
}

fn beliefs(spec: &Spec) -> Vec<(&'static str, Box<dyn Belief>)> {
    let bayes = BayesConfig {
        batch: 64,
        epochs: 60,
        adam: AdamConfig { lr: 3e-3, ..AdamConfig::default() },
        ..BayesConfig::default()
    };
    let task = Task::unknown();
    vec![
        ("ensemble", Box::new(Ensemble::new(spec, &task, config(), Key::root(0)).unwrap())),
        ("Bayesian network", Box::new(BayesianNetwork::new(spec, &task, bayes, Key::root(0)).unwrap())),
    ]
}

/// Of each column of the state, how much of what moved was foreseen: unlike R² this gives nothing to who repeats the state.
fn foreseen(found: &OneStep) -> Vec<f64> {
    found.standstill_mse.iter().zip(&found.average.mse).map(|(still, mse)| 1.0 - mse / still).collect()
}

#[test]
fn a_learnt_reward_is_foreseen() {
    let (spec, data) = played("pendulum", 4000, Key::root(1));
    let rows = all(&data);
    let (train, test) = rows.split_at(3000);
    for (name, mut belief) in beliefs(&spec) {
        belief.fit(FitData { data: &data, train, holdout: &[] }, Key::root(2), &mut NullRecorder).unwrap();
        let found = one_step(belief.spread().unwrap(), &data, test).unwrap();
        assert_eq!(found.average.r2.len(), spec.obs.dim() + 1);
        assert!(found.average.r2.iter().all(|r2| r2.unwrap() > 0.95), "{name}: R² {:?}", found.average.r2);
        assert!(foreseen(&found).iter().all(|share| *share > 0.95), "{name}: {:?}", foreseen(&found));
    }
}

/// How often each row ends under each member in turn, of 60 draws.
fn probability_of_end(model: &dyn DynamicsModel, data: &TransitionBatch) -> Vec<f64> {
    let rows = data.len();
    let mut ended = vec![0.0; rows];
    let (mut noise, mut next, mut reward) =
        (NoiseBuf::default(), RowBuf::zeros(rows, data.dims().obs), vec![0.0; rows]);
    let mut end = vec![End::Running; rows];
    for draw in 0..60 {
        let member: Vec<u16> = vec![(draw % model.members()) as u16; rows];
        noise.fill(model.noise_spec(), rows, Key::root(7).at(draw as u64));
        let (state, act) = (data.obs.view(), data.act.view());
        let input = ModelInput { state, act, member: &member, noise: noise.view(), mode: Mode::Sample };
        let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
        model.step(input, out, &mut Scratch::default()).unwrap();
        ended.iter_mut().zip(&end).for_each(|(sum, end)| *sum += f64::from(*end == End::Terminated) / 60.0);
    }
    ended
}

#[test]
fn a_learnt_termination_is_foreseen_and_calibrated() {
    let (spec, data) = played("cartpole", 6000, Key::root(1));
    let mut test = TransitionBatch::default();
    data.gather(&(4000..6000).collect::<Vec<_>>(), &mut test).unwrap();
    for (name, mut belief) in beliefs(&spec) {
        belief
            .fit(
                FitData { data: &data, train: &all(&data)[..4000], holdout: &[] },
                Key::root(2),
                &mut NullRecorder,
            )
            .unwrap();
        let p = probability_of_end(belief.model(), &test);
        let came = |row: usize| test.end[row] == End::Terminated;
        let mean = |of: &dyn Fn(usize) -> bool| {
            let rows: Vec<usize> = (0..p.len()).filter(|row| of(*row)).collect();
            rows.iter().map(|row| p[*row]).sum::<f64>() / rows.len() as f64
        };
        let count = (0..p.len()).filter(|row| came(*row)).count() as f64;
        let (ended, went_on, expected) = (mean(&came), mean(&|row| !came(row)), p.iter().sum::<f64>());
        assert!(count > 30.0, "too few ends to tell");
        assert!((expected / count - 1.0).abs() < 0.2, "{name}: {expected} ends expected and {count} came");
        assert!(
            ended > 0.6 && went_on < 0.02,
            "{name}: probability {ended} of rows that ended and {went_on} of the others"
        );
        // Rows of which it is not sure end about as often as it says.
        let unsure: Vec<usize> = (0..p.len()).filter(|row| (0.1..0.9).contains(&p[*row])).collect();
        let (said, was) = (
            unsure.iter().map(|row| p[*row]).sum::<f64>(),
            unsure.iter().filter(|row| came(**row)).count() as f64,
        );
        // Six deviations of a sum of coins.
        let margin = 6.0 * unsure.iter().map(|row| p[*row] * (1.0 - p[*row])).sum::<f64>().sqrt();
        assert!(
            (said - was).abs() <= margin + 3.0,
            "{name}: {was} of {} ended and {said} were expected",
            unsure.len()
        );
    }
}
