//! Whether an update is the one it should be.

use super::*;
use mbrl_core::{Dims, End, Mode, Noise, NoiseBuf, Origin, Policy, Rows, RowsMut, Scratch};
use mbrl_core::{Space, Spec, Transition, TransitionBatch};
use mbrl_nn::{Activation, AdamConfig};

const DIMS: Dims = Dims { obs: 3, act: 2 };

fn spec() -> Spec {
    Spec::new(Space::unbounded(3).unwrap(), Space::bounded(&[-2.0, 0.0], &[2.0, 1.0]).unwrap())
}

fn config() -> SacConfig {
    let adam = AdamConfig { lr: 1e-2, ..AdamConfig::default() };
    SacConfig {
        hidden: vec![8, 8],
        activation: Activation::Relu,
        critics: 3,
        actor: adam,
        critic: adam,
        temperature: Temperature::Learnt { initial: 0.5, target: TargetEntropy::Nats(-1.5), adam },
        batch: 5,
        tau: 0.05,
        ..SacConfig::default()
    }
}

fn learner(agents: usize) -> SacLearner {
    SacLearner::new(config(), &spec(), agents, Key::root(agents as u64)).unwrap()
}

/// Rows that a key makes up.
fn rows(key: Key, count: usize) -> TransitionBatch {
    let mut noise = NoiseBuf::default();
    noise.fill(mbrl_core::NoiseSpec { normals: 7, uniforms: 2 }, count, key);
    let (noise, mut batch) = (noise.view(), TransitionBatch::new(DIMS));
    for i in 0..count {
        let (normals, uniforms) = (noise.normals.row(i), noise.uniforms.row(i));
        batch.push(Transition {
            obs: &normals[..3],
            act: &[4.0 * uniforms[0] - 2.0, uniforms[1]],
            next_obs: &normals[3..6],
            reward: normals[6],
            end: if uniforms[0] < 0.2 { End::Terminated } else { End::Running },
            origin: Origin::World,
        });
    }
    batch
}

/// What every agent of a population learns from at one update; agents of one number see the same in any population.
fn batch(agents: std::ops::Range<usize>, update: u64) -> SacBatch {
    let learner = learner(1);
    let mut batch = SacBatch::default();
    batch.reshape(agents.len(), 5, DIMS);
    for (i, agent) in agents.enumerate() {
        let from = rows(Key::root(7).at(update).at(agent as u64), 5);
        batch.put(i, &from, Discount::Gamma(0.9), learner.space()).unwrap();
    }
    batch
}

#[test]
fn updates_are_those_of_pytorch() {
    // PyTorch 2.15: `reference/sac.py`.
    const REFERENCE: &[(&str, &[f32])] = &include!("../../reference/sac.in");
    let of = |name: &str| REFERENCE.iter().find(|(known, _)| *known == name).unwrap().1;
    let mut learner = learner(2);
    learner.policy_mut().theta.copy_from_slice(of("theta"));
    learner.critics.copy_from_slice(of("critics"));
    learner.targets.copy_from_slice(of("critics"));
    let space = learner.space().clone();
    for update in 0..3 {
        // [updates, agents, rows, width]
        let part = |name: &str, agent: usize| {
            let (numbers, of_agent) = (of(name), of(name).len() / 6);
            &numbers[(update * 2 + agent) * of_agent..][..of_agent]
        };
        let mut batch = SacBatch::default();
        batch.reshape(2, 5, DIMS);
        for agent in 0..2 {
            let mut from = TransitionBatch::new(DIMS);
            for i in 0..5 {
                from.push(Transition {
                    obs: &part("obs", agent)[3 * i..][..3],
                    act: &part("act", agent)[2 * i..][..2],
                    next_obs: &part("next_obs", agent)[3 * i..][..3],
                    reward: part("reward", agent)[i],
                    end: End::Running,
                    origin: Origin::World,
                });
            }
            batch.put(agent, &from, Discount::Each(part("discount", agent)), &space).unwrap();
        }
        let noise = |name: &str| [part(name, 0), part(name, 1)].concat();
        let losses = learner.update_by(&batch, &noise("next_noise"), &noise("action_noise")).unwrap();
        let expected = &of("losses")[3 * update..];
        for (got, expected) in [losses.critic, losses.value, losses.entropy].into_iter().zip(expected) {
            assert!((got - f64::from(*expected)).abs() < 2e-5, "update {update}: {got} for {expected}");
        }
    }
    for (name, got) in [
        ("final_theta", learner.policy().theta()),
        ("final_critics", &learner.critics),
        ("final_targets", &learner.targets),
        ("final_log_temperature", &learner.log_temperature),
    ] {
        assert_eq!(got.len(), of(name).len(), "{name}");
        for (i, (got, expected)) in got.iter().zip(of(name)).enumerate() {
            assert!((got - expected).abs() < 5e-5, "{name}[{i}]: {got} for {expected}");
        }
    }
}

#[test]
fn an_agent_of_a_population_learns_what_it_would_alone() {
    let mut pair = learner(2);
    let mut alone: Vec<SacLearner> = (0..2).map(|_| learner(1)).collect();
    for (agent, one) in alone.iter_mut().enumerate() {
        let part = |all: &[f32]| all[agent * (all.len() / 2)..][..all.len() / 2].to_vec();
        one.policy_mut().theta = part(pair.policy().theta());
        (one.critics, one.targets) = (part(&pair.critics), part(&pair.targets));
    }
    let noise = |update: u64, role: &str, agent: u64| {
        let mut noise = NoiseBuf::default();
        noise.fill(
            mbrl_core::NoiseSpec { normals: 2, uniforms: 0 },
            5,
            Key::root(3).child(role).at(update).at(agent),
        );
        noise.view().normals.as_slice().to_vec()
    };
    for update in 0..4 {
        let both = |role| [noise(update, role, 0), noise(update, role, 1)].concat();
        pair.update_by(&batch(0..2, update), &both("next"), &both("action")).unwrap();
        for (agent, one) in alone.iter_mut().enumerate() {
            let own = |role| noise(update, role, agent as u64);
            one.update_by(&batch(agent..agent + 1, update), &own("next"), &own("action")).unwrap();
        }
    }
    let together = |part: fn(&SacLearner) -> &[f32]| -> Vec<u32> {
        alone.iter().flat_map(|one| part(one).iter().map(|x| x.to_bits())).collect()
    };
    let bits = |numbers: &[f32]| -> Vec<u32> { numbers.iter().map(|x| x.to_bits()).collect() };
    assert_eq!(bits(pair.policy().theta()), together(|one| one.policy().theta()));
    assert_eq!(bits(&pair.critics), together(|one| &one.critics));
    assert_eq!(bits(&pair.targets), together(|one| &one.targets));
    assert_eq!(bits(&pair.log_temperature), together(|one| &one.log_temperature));
}

#[test]
fn a_population_that_is_loaded_goes_on_as_the_one_that_was_saved() {
    let (mut saved, mut bytes) = (learner(2), Vec::new());
    saved.update(&batch(0..2, 0), Key::root(5)).unwrap();
    saved.save(&mut bytes).unwrap();
    // Others' bytes follow.
    bytes.extend([1, 2, 3]);
    let mut loaded = SacLearner::new(config(), &spec(), 2, Key::root(99)).unwrap();
    let mut rest = &bytes[..];
    loaded.load(&mut rest).unwrap();
    assert_eq!(rest, [1, 2, 3]);
    for learner in [&mut saved, &mut loaded] {
        learner.update(&batch(0..2, 1), Key::root(6)).unwrap();
    }
    let state = |learner: &SacLearner| {
        let mut bytes = Vec::new();
        learner.save(&mut bytes).unwrap();
        bytes
    };
    assert_eq!(state(&saved), state(&loaded));
    // One of another shape is refused, and so is a part of it.
    let wide = SacConfig { hidden: vec![8, 9], ..config() };
    let mut other = SacLearner::new(wide, &spec(), 2, Key::root(0)).unwrap();
    assert!(other.load(&mut &bytes[..]).unwrap_err().to_string().contains("expected"));
    let half = &bytes[..bytes.len() / 2];
    let before = state(&loaded);
    assert!(loaded.load(&mut &half[..]).is_err());
    assert_eq!(state(&loaded), before);
}

#[test]
fn a_fixed_temperature_stays_and_targets_follow_when_it_is_said() {
    let config = SacConfig { temperature: Temperature::Fixed(0.2), follow_every: 2, ..config() };
    let mut learner = SacLearner::new(config, &spec(), 1, Key::root(0)).unwrap();
    let targets = learner.targets.clone();
    let losses = learner.update(&batch(0..1, 0), Key::root(1)).unwrap();
    assert!((losses.temperature - 0.2).abs() < 1e-6);
    assert_eq!(learner.targets, targets);
    learner.update(&batch(0..1, 1), Key::root(2)).unwrap();
    assert_ne!(learner.targets, targets);
    assert!((learner.log_temperature[0].exp() - 0.2).abs() < 1e-6);
}

#[test]
fn a_policy_by_itself_acts_as_it_did() {
    let (learner, mut bytes) = (learner(2), Vec::new());
    learner.policy().save(&mut bytes).unwrap();
    let loaded = SacPolicy::load(&mut &bytes[..]).unwrap();
    assert_eq!(&loaded, learner.policy());
    bytes[60] ^= 1;
    assert!(SacPolicy::load(&mut &bytes[..]).is_err());
}

#[test]
fn members_act_by_their_own_parameters() {
    let learner = learner(3);
    let policy = learner.policy();
    let obs = [0.3, -0.2, 0.9].repeat(4);
    let (mut mixed, mut one) = ([0.0; 8], [0.0; 2]);
    let (obs, scratch) = (Rows::new(&obs, 3).unwrap(), &mut Scratch::default());
    let who = [2, 0, 0, 1];
    policy.act(obs, &who, Noise::none(4), Mode::Mean, RowsMut::new(&mut mixed, 2).unwrap(), scratch).unwrap();
    for (i, member) in who.iter().enumerate() {
        let single = Rows::single(obs.row(0));
        policy
            .act(single, &[*member], Noise::none(1), Mode::Mean, RowsMut::single(&mut one), scratch)
            .unwrap();
        assert_eq!(one.map(f32::to_bits), [mixed[2 * i], mixed[2 * i + 1]].map(f32::to_bits), "row {i}");
    }
    assert_ne!(mixed[0].to_bits(), mixed[2].to_bits());
    let error = policy
        .act(Rows::single(obs.row(0)), &[3], Noise::none(1), Mode::Mean, RowsMut::single(&mut one), scratch)
        .unwrap_err();
    assert_eq!(error.to_string(), "policy member 3 of 3");
}

#[test]
fn rewards_that_cannot_be_learnt_are_named() {
    let mut learner = learner(1);
    let mut from = rows(Key::root(0), 5);
    from.reward[3] = f32::NAN;
    let mut batch = SacBatch::default();
    batch.reshape(1, 5, DIMS);
    batch.put(0, &from, Discount::Gamma(0.9), learner.space()).unwrap();
    let before = learner.critics.clone();
    let error = learner.update(&batch, Key::root(0)).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().starts_with("agent 0, row 3:"), "{error}");
    assert_eq!(learner.critics, before);
    assert!(learner.update(&SacBatch::default(), Key::root(0)).unwrap_err().is_invalid());
    let few = rows(Key::root(0), 4);
    assert!(batch.put(0, &few, Discount::Gamma(0.9), learner.space()).unwrap_err().is_invalid());
    let discount = Discount::Each(&[0.9; 4]);
    assert!(batch.put(0, &rows(Key::root(0), 5), discount, learner.space()).unwrap_err().is_invalid());
}

/// One state, one number to choose: the reward is −(a − 0.5)², so that the best policy is known.
#[test]
fn it_finds_the_best_action_where_there_is_but_one_state() {
    let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
    let adam = AdamConfig { lr: 3e-3, ..AdamConfig::default() };
    let config = SacConfig {
        hidden: vec![32],
        actor: adam,
        critic: adam,
        temperature: Temperature::Fixed(1e-3),
        ..SacConfig::default()
    };
    let mut learner = SacLearner::new(config, &spec, 1, Key::root(0)).unwrap();
    let dims = Dims { obs: 1, act: 1 };
    let mut batch = SacBatch::default();
    batch.reshape(1, 64, dims);
    for update in 0..1_500_u64 {
        let mut from = TransitionBatch::new(dims);
        for i in 0..64 {
            let act = [(i as f32 + 0.5) / 32.0 - 1.0];
            let reward = -(act[0] - 0.5) * (act[0] - 0.5);
            let (obs, end) = (&[1.0][..], End::Terminated);
            from.push(Transition { obs, act: &act, next_obs: obs, reward, end, origin: Origin::World });
        }
        batch.put(0, &from, Discount::Gamma(0.99), learner.space()).unwrap();
        learner.update(&batch, Key::root(1).at(update)).unwrap();
    }
    let mut act = [0.0];
    learner
        .policy()
        .act(
            Rows::single(&[1.0]),
            &[0],
            Noise::none(1),
            Mode::Mean,
            RowsMut::single(&mut act),
            &mut Scratch::default(),
        )
        .unwrap();
    assert!((act[0] - 0.5).abs() < 0.05, "{}", act[0]);
}
