//! The oracle is the environment: for each of the table.

use super::*;
use mbrl_core::Policy;
use mbrl_core::{End, Env, NoiseBuf, NullRecorder, RowBuf, Space, TransitionBatch, UniformPolicy};
use mbrl_envs::{ALL, find};
use mbrl_testkit::check_model;

fn oracle(name: &str) -> Oracle {
    let entry = find(name).unwrap();
    Oracle::new(&entry.spec(), &entry.task(), entry.physics().unwrap()).unwrap()
}

/// Observations and actions met on the way of the random policy, with what came of each.
fn walk(env: &mut dyn Env, steps: u64) -> TransitionBatch {
    let spec = env.spec().clone();
    let policy = UniformPolicy::new(&spec).unwrap();
    let (mut noise, mut act) = (NoiseBuf::default(), RowBuf::zeros(1, spec.act.dim()));
    let (mut obs, mut next_obs) = (vec![0.0; spec.obs.dim()], vec![0.0; spec.obs.dim()]);
    let mut batch = TransitionBatch::new(spec.dims());
    env.reset(Key::root(1).child("reset"), &mut obs).unwrap();
    for t in 0..steps {
        noise.fill(policy.noise_spec(), 1, Key::root(1).child("policy").at(t));
        let scratch = &mut Scratch::default();
        policy.act(Rows::single(&obs), &[0], noise.view(), Mode::Sample, act.view_mut(), scratch).unwrap();
        let step = env.step(act.row(0), Key::root(1).child("world").at(t), &mut next_obs).unwrap();
        batch.push(mbrl_core::Transition {
            obs: &obs,
            act: act.row(0),
            next_obs: &next_obs,
            reward: step.reward,
            end: step.end,
            origin: mbrl_core::Origin::World,
        });
        obs.copy_from_slice(&next_obs);
        if step.end.is_end() {
            env.reset(Key::root(1).child("reset").at(t), &mut obs).unwrap();
        }
    }
    batch
}

#[derive(Debug)]
struct Answer {
    next_state: RowBuf,
    reward: Vec<f32>,
    end: Vec<End>,
}

fn ask(model: &Oracle, state: Rows<'_>, act: Rows<'_>, noise: Noise<'_>, mode: Mode) -> Result<Answer> {
    let rows = state.len();
    let mut answer = Answer {
        next_state: RowBuf::zeros(rows, state.dim()),
        reward: vec![0.0; rows],
        end: vec![End::Running; rows],
    };
    let out = ModelOutput {
        next_state: answer.next_state.view_mut(),
        reward: &mut answer.reward,
        end: &mut answer.end,
    };
    let input = ModelInput { state, act, member: &vec![0; rows], noise, mode };
    model.step(input, out, &mut Scratch::default())?;
    Ok(answer)
}

#[test]
fn every_environment_with_physics_is_a_model() {
    for entry in ALL.iter().filter(|entry| entry.physics().is_some()) {
        let met = walk(&mut *entry.make(), 64);
        let model = oracle(entry.name);
        check_model(&model, met.obs.view(), met.act.view())
            .unwrap_or_else(|error| panic!("{}: {error}", entry.name));
    }
}

#[test]
fn the_oracle_is_the_environment() {
    for entry in ALL.iter().filter(|entry| entry.physics().is_some()) {
        let met = walk(&mut *entry.make(), 120);
        let model = oracle(entry.name);
        for (t, row) in met.iter().enumerate() {
            let mut noise = NoiseBuf::default();
            noise.fill(model.noise_spec(), 1, Key::root(1).child("world").at(t as u64));
            let answer =
                ask(&model, Rows::single(row.obs), Rows::single(row.act), noise.view(), Mode::Sample)
                    .unwrap();
            // The environment's state is f64 and the oracle starts from an f32 observation of it.
            for (a, b) in answer.next_state.row(0).iter().zip(row.next_obs) {
                assert!((a - b).abs() < 1e-4 * b.abs().max(1.0), "{} step {t}: {a} for {b}", entry.name);
            }
            let (a, b) = (answer.reward[0], row.reward);
            assert!((a - b).abs() < 1e-3 * b.abs().max(1.0), "{} step {t}: {a} for {b}", entry.name);
            assert_eq!(answer.end[0] == End::Terminated, row.end == End::Terminated, "{}", entry.name);
        }
    }
}

#[test]
fn what_the_task_does_not_know_is_named() {
    let entry = find("pendulum").unwrap();
    let Task { reward, termination } = entry.task();
    let make = |task: Task| Oracle::new(&entry.spec(), &task, entry.physics().unwrap());
    let error = make(Task { reward: None, termination }).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("its reward"), "{error}");
    let error = make(Task { reward, termination: None }).unwrap_err();
    assert!(error.to_string().contains("its termination"), "{error}");
}

#[test]
fn the_mean_of_an_additive_noise_is_its_successor_without() {
    let model = oracle("lqr");
    let (state, act) = ([1.0, -0.5], [2.0]);
    let answer = ask(&model, Rows::single(&state), Rows::single(&act), Noise::none(1), Mode::Mean).unwrap();
    // A x + B u of crates/mbrl-envs/src/lqr.rs: (1 − 0.05 + 0.01, −0.5 + 0.2).
    for (a, b) in answer.next_state.row(0).iter().zip([0.96, -0.3]) {
        assert!((a - b).abs() < 1e-6, "{a} for {b}");
    }
}

/// From state 1 of riverswim, swimming right: left 0.05, stays 0.6, right 0.35.
#[test]
fn the_mean_of_a_choice_is_its_median() {
    let answer =
        ask(&oracle("riverswim"), Rows::single(&[1.0]), Rows::single(&[1.0]), Noise::none(1), Mode::Mean);
    assert_eq!(answer.unwrap().next_state.row(0)[0] as usize, 1);
}

#[test]
fn moments_are_certain_or_refused() {
    let (model, scratch) = (oracle("pendulum"), &mut Scratch::default());
    let met = walk(&mut *find("pendulum").unwrap().make(), 8);
    let (mut mean, mut variance) = ([9.0; 24], [9.0; 24]);
    let out = MomentsMut::new(&mut mean, &mut variance, 8, 3);
    model.spread().unwrap().moments(met.obs.view(), met.act.view(), out, scratch).unwrap();
    let answer = ask(&model, met.obs.view(), met.act.view(), Noise::none(8), Mode::Sample).unwrap();
    assert!(answer.next_state.as_slice().iter().zip(mean).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert!(variance.iter().all(|v| v.to_bits() == 0));
    let model = oracle("lqr");
    let out = MomentsMut::new(&mut mean[..2], &mut variance[..2], 1, 2);
    let error = model.moments(Rows::single(&[0.0; 2]), Rows::single(&[0.0]), out, scratch).unwrap_err();
    assert!(error.is_unsupported() && model.spread().is_none(), "{error}");
}

/// Doubles a number until it is none.
struct Doubling;

impl Physics for Doubling {
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }

    fn successors(&self, obs: Rows<'_>, _: Rows<'_>, _: Noise<'_>, mut next_obs: RowsMut<'_>) -> Result<()> {
        (0..obs.len()).for_each(|i| next_obs.row_mut(i)[0] = 2.0 * obs.row(i)[0]);
        Ok(())
    }
}

#[test]
fn a_successor_or_a_reward_that_is_not_finite_is_an_error_by_member_and_row() {
    let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
    let task = Task::unknown().rewarding(|_, _, next| next[0].ln()).terminating(|_, _, _| false);
    let model = Oracle::new(&spec, &task, Arc::new(Doubling)).unwrap();
    let says = |state: &[f32]| {
        let act = RowBuf::zeros(state.len(), 1);
        let rows = Rows::new(state, 1).unwrap();
        let error = ask(&model, rows, act.view(), Noise::none(state.len()), Mode::Sample).unwrap_err();
        assert!(error.is_non_finite());
        error.to_string()
    };
    assert_eq!(says(&[1.0, 1.0, f32::MAX]), "member 0, row 2: successor[0] is inf");
    assert_eq!(says(&[1.0, -1.0]), "member 0, row 1: the reward is NaN");
}

#[test]
fn a_belief_that_learns_nothing_saves_nothing() {
    let mut belief = oracle("pendulum");
    let data = TransitionBatch::new(belief.dims);
    let data = FitData { data: &data, train: &[], holdout: &[] };
    let fit = belief.fit(data, Key::root(0), &mut NullRecorder).unwrap();
    assert_eq!((fit.epochs, fit.elites), (0, vec![0]));
    belief.redraw(Key::root(0)).unwrap();
    let mut bytes = Vec::new();
    belief.save(&mut bytes).unwrap();
    belief.load(&mut bytes.as_slice()).unwrap();
    assert!(belief.load(&mut &b"something else, longer"[..]).unwrap_err().is_corrupt());
    assert_eq!(belief.model().members(), 1);
}
