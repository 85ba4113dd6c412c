//! The posterior as a belief, and the model that it draws.

use super::*;
use mbrl_core::{
    Belief, Dims, DynamicsModel, FitData, Mode, ModelInput, ModelOutput, Noise, NoiseBuf, NullRecorder,
    RowBuf, Rows, Scratch, TransitionBatch,
};
use mbrl_envs::ALL;
use mbrl_testkit::check_model;

fn batch() -> TransitionBatch {
    let mut batch = TransitionBatch::new(Dims { obs: 1, act: 1 });
    for (s, a, reward, next) in DATA {
        let (obs, act, next_obs) = ([s as f32], [a as f32], [next as f32]);
        let (end, origin) = (End::Running, Origin::World);
        batch.push(Transition { obs: &obs, act: &act, next_obs: &next_obs, reward, end, origin });
    }
    batch
}

fn fit(posterior: &mut TabularPosterior, train: &[u32], holdout: &[u32]) -> Result<mbrl_core::Fit> {
    let data = batch();
    posterior.fit(FitData { data: &data, train, holdout }, Key::root(9), &mut NullRecorder)
}

#[test]
fn a_fit_is_the_rows_and_nothing_before_them() {
    let mut fitted = posterior(normal_gamma());
    see(&mut fitted, (2, 0, 3.0, 1)).unwrap();
    let all: Vec<u32> = (0..DATA.len() as u32).collect();
    let outcome = fit(&mut fitted, &all, &[]).unwrap();
    assert_eq!((outcome.holdout.len(), outcome.elites.as_slice()), (0, &[0][..]));
    assert_eq!(fitted.seen, after_data(normal_gamma()).seen);
    assert_eq!(fitted.drawn().mdp(), &fitted.draw(Key::root(9)).unwrap());
    // Held-out rows are judged by the posterior mean: row 3 is the only one of its move.
    let outcome = fit(&mut fitted, &[0, 1, 2], &[3, 2]).unwrap();
    let expected = 0.5 * (3.0f64.ln() + (4.5f64 / 1.5).ln());
    assert!(close(outcome.holdout[0], expected), "{outcome:?}");
}

#[test]
fn a_fit_that_fails_names_the_row_and_changes_nothing() {
    let mut fitted = posterior(beta(-0.75, 1.0, 1.0, 1.0));
    fit(&mut fitted, &[0, 1], &[]).unwrap();
    let before = (fitted.seen.clone(), fitted.model.clone());
    let error = fit(&mut fitted, &[0, 6], &[]).unwrap_err().to_string();
    assert!(error.starts_with("row 6: the reward -1 is outside [-0.75, 1]"), "{error}");
    assert_eq!(before, (fitted.seen, fitted.model));
}

#[test]
fn draws_of_a_move_do_not_depend_on_other_moves() {
    let (mut a, mut b) = (posterior(normal_gamma()), posterior(normal_gamma()));
    see(&mut a, (0, 0, 1.0, 1)).unwrap();
    (0..5).for_each(|_| see(&mut b, (0, 0, 1.0, 2)).unwrap());
    let (a, b) = (a.draw(Key::root(1)).unwrap(), b.draw(Key::root(1)).unwrap());
    assert_eq!(a.transition(1, 1), b.transition(1, 1));
    assert_eq!(a.reward(1, 1), b.reward(1, 1));
    assert_ne!(a.transition(0, 0), b.transition(0, 0));
    // Nothing is known of these two moves, and yet they are drawn each for itself.
    assert_ne!(a.transition(1, 1), a.transition(2, 1));
    assert_ne!(a.reward(1, 1), a.reward(2, 1));
}

#[test]
fn what_is_saved_comes_back_and_damage_is_refused() {
    for config in [normal_gamma(), beta(-1.0, 1.0, 0.5, 1.5)] {
        let mut saved = after_data(config.clone());
        saved.redraw(Key::root(2)).unwrap();
        see(&mut saved, (0, 0, 0.5, 0)).unwrap();
        let mut bytes = Vec::new();
        saved.save(&mut bytes).unwrap();
        bytes.extend(b"what follows");
        let mut loaded = posterior(config.clone());
        let from = &mut bytes.as_slice();
        loaded.load(from).unwrap();
        assert_eq!(*from, b"what follows");
        assert_eq!((&loaded.seen, &loaded.model), (&saved.seen, &saved.model));
        assert_eq!(loaded.draw(Key::root(3)).unwrap(), saved.draw(Key::root(3)).unwrap());
        let whole = bytes.len() - b"what follows".len();
        for at in 0..whole {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(loaded.load(&mut bad.as_slice()).is_err(), "byte {at}");
            assert!(loaded.load(&mut &bytes[..at]).unwrap_err().is_corrupt());
        }
        assert_eq!((&loaded.seen, &loaded.model), (&saved.seen, &saved.model));
        let other = TabularConfig { concentration: 0.25, ..config };
        let error = posterior(other).load(&mut bytes.as_slice()).unwrap_err();
        assert!(error.is_corrupt() && error.to_string().contains("another world or prior"), "{error}");
    }
}

/// Whole bodies with a right checksum and wrong numbers.
#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    let saved = after_data(normal_gamma());
    let mut bytes = Vec::new();
    saved.save(&mut bytes).unwrap();
    let format = crate::stored::Format { tag: *b"mbrltabp", version: 1, what: "test" };
    let n = (bytes.len() - 28) / 8;
    let numbers = format.read(&mut bytes.as_slice(), n).unwrap();
    // Identity: states, actions, concentration, five of the reward, three starts, three marks.
    for (at, bad) in [(14, -1.0), (14, 0.5), (14, f64::NAN), (15, 9.0), (33, f64::INFINITY), (n - 4, 0.9)] {
        let mut numbers = numbers.clone();
        numbers[at] = bad;
        let mut bytes = Vec::new();
        format.write(&mut bytes, &numbers).unwrap();
        let error = posterior(normal_gamma()).load(&mut bytes.as_slice()).unwrap_err();
        assert!(error.is_corrupt(), "{at}: {error}");
    }
}

#[test]
fn a_drawn_world_is_a_model() {
    let mut posterior = after_data(normal_gamma());
    let (state, act) = (RowBuf::zeros(12, 1), RowBuf::zeros(12, 1));
    let (mut state, mut act) = (state, act);
    (0..12).for_each(|i| state.row_mut(i)[0] = (i % 3) as f32);
    (0..12).for_each(|i| act.row_mut(i)[0] = (i % 2) as f32);
    for seed in 0..20 {
        posterior.redraw(Key::root(seed)).unwrap();
        check_model(posterior.model(), state.view(), act.view()).unwrap();
    }
}

fn step(model: &TabularModel, state: f32, act: f32, noise: Noise<'_>, mode: Mode) -> Result<(f32, f32, End)> {
    let (mut next, mut reward, mut end) = ([0.0], [0.0], [End::Running]);
    let (state, act) = ([state], [act]);
    let input =
        ModelInput { state: Rows::single(&state), act: Rows::single(&act), member: &[0], noise, mode };
    let out =
        ModelOutput { next_state: mbrl_core::RowsMut::single(&mut next), reward: &mut reward, end: &mut end };
    model.step(input, out, &mut Scratch::default())?;
    Ok((next[0], reward[0], end[0]))
}

#[test]
fn tables_step_as_their_environment_does() {
    let mut compared = 0;
    for entry in ALL {
        let Some(mdp) = entry.mdp() else { continue };
        let model = TabularModel::new(mdp).unwrap();
        let (mut env, key) = (entry.make(), Key::root(8));
        let (mut obs, mut next) = ([0.0], [0.0]);
        env.reset(key, &mut obs).unwrap();
        let mut noise = NoiseBuf::default();
        for t in 0..200 {
            let act = (key.child("policy").at(t).bits() % model.mdp().actions() as u64) as f32;
            noise.fill(model.noise_spec(), 1, key.at(t));
            let (to, reward, end) = step(&model, obs[0], act, noise.view(), Mode::Sample).unwrap();
            let real = env.step(&[act], key.at(t), &mut next).unwrap();
            assert_eq!((to.to_bits(), reward.to_bits()), (next[0].to_bits(), real.reward.to_bits()));
            assert_eq!(end == End::Terminated, real.end == End::Terminated, "{}", entry.name);
            obs = next;
            if real.end.is_end() {
                env.reset(key.child("reset").at(t), &mut obs).unwrap();
            }
            compared += 1;
        }
    }
    assert!(compared >= 1000);
}

#[test]
fn the_mean_is_the_likeliest_and_indices_are_checked() {
    let transition = vec![0.2, 0.4, 0.4, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    let mdp = TabularMdp::new(1, transition, vec![0.5; 9], vec![1.0, 0.0, 0.0], vec![false, true, false]);
    let model = TabularModel::new(mdp.unwrap()).unwrap();
    let (next, reward, end) = step(&model, 0.0, 0.0, Noise::none(1), Mode::Mean).unwrap();
    assert_eq!((next as usize, (2.0 * reward) as usize, end), (1, 1, End::Terminated));
    // An impossible successor is not drawn even by a uniform number of 0 that its cumulative probability equals.
    let zero = [0.0];
    let zero = Noise { normals: Rows::blank(1), uniforms: Rows::single(&zero) };
    let (next, ..) = step(&model, 1.0, 0.0, zero, Mode::Sample).unwrap();
    assert_eq!(next as usize, 1);
    let error = step(&model, 0.5, 0.0, Noise::none(1), Mode::Mean).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("member 0, row 0: state is 0.5"), "{error}");
    let error = step(&model, 0.0, 1.0, Noise::none(1), Mode::Mean).unwrap_err();
    assert!(error.to_string().contains("action is 1: expected a whole number below 1"), "{error}");
    let error = step(&model, 0.0, 0.0, Noise::none(1), Mode::Sample).unwrap_err();
    assert!(error.to_string().contains("noise"), "{error}");
}
