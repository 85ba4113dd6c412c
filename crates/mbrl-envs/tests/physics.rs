//! Imagination and the world agree: the same dynamics, rewards and terminations.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{End, Key, Moves, Noise, NoiseBuf, NoiseSpec, RowBuf, Rows, RowsMut, Space};
use mbrl_envs::{ALL, Entry};

/// An action that is drawn from `key`: now and then, in a box, up to half as large again as allowed.
fn draw_action(space: &Space, key: Key, act: &mut [f32]) {
    let uniforms: Vec<f32> = (0..act.len() as u64).map(|i| key.at(i).uniform()).collect();
    space.from_uniforms(&uniforms, act);
    if matches!(space, Space::Box(_)) && key.at(99).uniform() < 0.1 {
        act.iter_mut().for_each(|a| *a *= 1.5);
    }
}

fn follow(entry: &Entry, steps: u64, mut each: impl FnMut(&[f32], &[f32], &[f32], mbrl_core::Step, Key)) {
    let mut env = entry.make();
    let spec = env.spec().clone();
    let key = Key::root(5).child(entry.name);
    let (mut obs, mut act) = (vec![0.0; spec.obs.dim()], vec![0.0; spec.act.dim()]);
    let mut next_obs = obs.clone();
    env.reset(key.child("reset"), &mut obs).unwrap();
    assert!(spec.obs.contains(&obs), "{}: {obs:?}", entry.name);
    for t in 0..steps {
        draw_action(&spec.act, key.child("act").at(t), &mut act);
        let world = key.child("world").at(t);
        let step = env.step(&act, world, &mut next_obs).unwrap();
        assert!(spec.obs.contains(&next_obs), "{}: {next_obs:?}", entry.name);
        each(&obs, &act, &next_obs, step, world);
        if step.end.is_end() {
            env.reset(key.child("reset").at(t), &mut next_obs).unwrap();
        }
        obs.copy_from_slice(&next_obs);
    }
}

#[test]
fn the_successors_of_physics_are_those_of_the_world() {
    for entry in ALL {
        let physics = entry.physics().unwrap();
        let discrete = matches!(entry.spec().obs, Space::Discrete { .. });
        let (mut noise, mut worst): (NoiseBuf, f32) = (NoiseBuf::default(), 0.0);
        follow(entry, 3000, |obs, act, next_obs, _, key| {
            noise.fill(physics.noise_spec(), 1, key);
            let mut imagined = vec![0.0; obs.len()];
            let (obs, act) = (Rows::single(obs), Rows::single(act));
            physics.successors(obs, act, noise.view(), RowsMut::single(&mut imagined)).unwrap();
            for (ours, theirs) in imagined.iter().zip(next_obs) {
                worst = worst.max((ours - theirs).abs() / theirs.abs().max(1.0));
            }
        });
        // An observation is the state rounded to f32, and a step multiplies what was rounded away by less than a
        // hundred.
        let tolerance = if discrete { 0.0 } else { 5e-6 };
        assert!(worst <= tolerance, "{}: {worst:e} apart", entry.name);
    }
}

#[test]
fn rewards_and_terminations_of_the_task_are_those_of_the_world_bit_for_bit() {
    for entry in ALL {
        let task = entry.task();
        let (rewards, terminations) = (task.reward.unwrap(), task.termination.unwrap());
        follow(entry, 3000, |obs, act, next_obs, step, _| {
            let moves =
                Moves { obs: Rows::single(obs), act: Rows::single(act), next_obs: Rows::single(next_obs) };
            let (mut reward, mut end) = ([0.0], [End::Truncated]);
            rewards.reward(moves, &mut reward).unwrap();
            terminations.end(moves, &mut end).unwrap();
            assert_eq!(reward[0].to_bits(), step.reward.to_bits(), "{}", entry.name);
            let terminated = step.end == End::Terminated;
            assert_eq!(end[0], if terminated { End::Terminated } else { End::Running }, "{}", entry.name);
        });
    }
}

#[test]
fn the_rows_of_a_batch_do_not_see_each_other() {
    const ROWS: usize = 100;
    for entry in ALL {
        let (physics, spec) = (entry.physics().unwrap(), entry.spec());
        let (mut obs_rows, mut act_rows) = (RowBuf::new(spec.obs.dim()), RowBuf::new(spec.act.dim()));
        follow(entry, ROWS as u64, |obs, act, _, _, _| {
            obs_rows.push(obs);
            act_rows.push(act);
        });
        let (mut noise, mut next) = (NoiseBuf::default(), RowBuf::zeros(ROWS, spec.obs.dim()));
        noise.fill(physics.noise_spec(), ROWS, Key::root(6));
        let (obs, act, noise) = (obs_rows.view(), act_rows.view(), noise.view());
        physics.successors(obs, act, noise, next.view_mut()).unwrap();
        let mut single = vec![0.0; spec.obs.dim()];
        for i in 0..ROWS {
            let one = i..i + 1;
            let (obs, act, noise) = (obs.slice(one.clone()), act.slice(one.clone()), noise.slice(one));
            physics.successors(obs, act, noise, RowsMut::single(&mut single)).unwrap();
            let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(next.row(i)), bits(&single), "{}: row {i}", entry.name);
        }
    }
}

#[test]
fn rows_that_are_none_are_refused_by_number() {
    let river = mbrl_envs::find("riverswim").unwrap().physics().unwrap();
    let mut noise = NoiseBuf::default();
    noise.fill(river.noise_spec(), 2, Key::root(0));
    let mut next = [0.0; 2];
    for (obs, act, says) in [
        ([0.0, 6.0], [1.0, 1.0], "row 1: observation is 6"),
        ([0.0, 0.5], [1.0, 1.0], "row 1: observation is 0.5"),
        ([0.0, 1.0], [2.0, 1.0], "row 0: action is 2"),
        ([f32::NAN, 1.0], [1.0, 1.0], "row 0: observation is NaN"),
    ] {
        let (obs, act) = (Rows::new(&obs, 1).unwrap(), Rows::new(&act, 1).unwrap());
        let error =
            river.successors(obs, act, noise.view(), RowsMut::new(&mut next, 1).unwrap()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let (obs, act) = (Rows::single(&[0.0]), Rows::single(&[0.0]));
    let error = river.successors(obs, act, Noise::none(1), RowsMut::single(&mut next[..1])).unwrap_err();
    assert!(error.is_invalid(), "{error}");
}

/// A batched edge, called with these tables for so many answers.
type Edge = fn(&Entry, Moves<'_>, usize) -> mbrl_core::Result<()>;

const EDGES: [(&str, Edge); 3] = [
    ("reward", |entry, moves, answers| entry.task().reward.unwrap().reward(moves, &mut vec![0.0; answers])),
    ("end", |entry, moves, answers| {
        entry.task().termination.unwrap().end(moves, &mut vec![End::Running; answers])
    }),
    ("successors", |entry, Moves { obs, act, next_obs }, answers| {
        let physics = entry.physics().unwrap();
        let (mut noise, mut out) = (NoiseBuf::default(), RowBuf::zeros(answers, next_obs.dim()));
        noise.fill(physics.noise_spec(), obs.len(), Key::root(0));
        physics.successors(obs, act, noise.view(), out.view_mut())
    }),
];

#[test]
fn tables_of_another_shape_are_refused_and_not_answered() {
    for entry in ALL {
        let (wide, thin) = (entry.spec().obs.dim(), entry.spec().act.dim());
        let table = |(rows, dim): (usize, usize)| RowBuf::zeros(rows, dim);
        for (name, edge) in EDGES {
            let try_with = |obs, act, next_obs, answers| {
                let (obs, act, next_obs) = (table(obs), table(act), table(next_obs));
                edge(entry, Moves { obs: obs.view(), act: act.view(), next_obs: next_obs.view() }, answers)
            };
            for rows in [0, 1, 3] {
                try_with((rows, wide), (rows, thin), (rows, wide), rows)
                    .unwrap_or_else(|error| panic!("{} {name} {rows}: {error}", entry.name));
            }
            for (case, outcome) in [
                ("few observations", try_with((2, wide), (3, thin), (3, wide), 3)),
                ("few actions", try_with((3, wide), (2, thin), (3, wide), 3)),
                ("few answers", try_with((3, wide), (3, thin), (3, wide), 2)),
                ("many answers", try_with((3, wide), (3, thin), (3, wide), 4)),
                ("narrow observations", try_with((3, wide - 1), (3, thin), (3, wide), 3)),
                ("wide observations", try_with((3, wide + 1), (3, thin), (3, wide), 3)),
                ("narrow actions", try_with((3, wide), (3, thin - 1), (3, wide), 3)),
                ("wide actions", try_with((3, wide), (3, thin + 1), (3, wide), 3)),
                ("narrow successors", try_with((3, wide), (3, thin), (3, wide - 1), 3)),
                ("wide successors", try_with((3, wide), (3, thin), (3, wide + 1), 3)),
            ] {
                assert!(outcome.is_err_and(|e| e.is_invalid()), "{} {name} {case}", entry.name);
            }
            // Where successors are written and not read there is no table of them to be too short.
            let few = try_with((3, wide), (3, thin), (2, wide), 3);
            assert!(name == "successors" || few.is_err_and(|e| e.is_invalid()), "{} {name}", entry.name);
        }
    }
}

#[test]
fn noise_of_another_shape_is_refused() {
    for entry in ALL {
        let (physics, spec) = (entry.physics().unwrap(), entry.spec());
        let (obs, act) = (RowBuf::zeros(3, spec.obs.dim()), RowBuf::zeros(3, spec.act.dim()));
        let mut next = RowBuf::zeros(3, spec.obs.dim());
        let mut noise = NoiseBuf::default();
        let wanted = physics.noise_spec();
        let more = NoiseSpec { normals: wanted.normals + 1, ..wanted };
        for (rows, spec) in [(2, wanted), (4, wanted), (3, more)] {
            noise.fill(spec, rows, Key::root(0));
            let error =
                physics.successors(obs.view(), act.view(), noise.view(), next.view_mut()).unwrap_err();
            assert!(error.is_invalid(), "{}: {error}", entry.name);
        }
    }
}

/// Also where the reward does not look at the number, as that of the cart-pole looks at none.
#[test]
fn numbers_that_are_none_earn_nothing_and_end_nothing() {
    for entry in ALL {
        let spec = entry.spec();
        let sound = || {
            let (wide, thin) = (spec.obs.dim(), spec.act.dim());
            [RowBuf::zeros(2, wide), RowBuf::zeros(2, thin), RowBuf::zeros(2, wide)]
        };
        for (table, name) in ["observation", "action", "successor"].into_iter().enumerate() {
            for bad in [f32::NAN, f32::INFINITY] {
                let mut tables = sound();
                let last = tables[table].dim() - 1;
                tables[table].row_mut(1)[last] = bad;
                let moves =
                    Moves { obs: tables[0].view(), act: tables[1].view(), next_obs: tables[2].view() };
                let says = format!("row 1: {name}[{last}] is {bad}");
                let error = EDGES[0].1(entry, moves, 2).unwrap_err();
                assert!(error.is_non_finite() && error.to_string() == says, "{}: {error}", entry.name);
                if name == "successor" {
                    let error = EDGES[1].1(entry, moves, 2).unwrap_err();
                    assert!(error.is_non_finite() && error.to_string() == says, "{}: {error}", entry.name);
                }
            }
        }
    }
}

#[test]
fn a_move_that_no_table_holds_is_an_error() {
    let river = mbrl_envs::find("riverswim").unwrap();
    let (obs, act, next_obs) = ([0.0, 0.0], [0.0, 0.0], [0.0, 0.25]);
    let rows = |data| Rows::new(data, 1).unwrap();
    let moves = Moves { obs: rows(&obs), act: rows(&act), next_obs: rows(&next_obs) };
    let error = EDGES[0].1(river, moves, 2).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().starts_with("row 1: the reward is NaN"), "{error}");
    let error = EDGES[1].1(river, moves, 2).unwrap_err();
    assert!(error.is_invalid() && error.to_string().starts_with("row 1: successor is 0.25"), "{error}");
}

#[test]
fn a_reward_or_a_successor_beyond_all_numbers_is_an_error_that_names_its_row() {
    let point = mbrl_envs::find("point-mass").unwrap();
    let far = [0.0, 0.0, 0.0, 0.0, 0.0, 3.4e38, 0.0, 3.4e38];
    let (obs, act) = (Rows::new(&far, 4).unwrap(), Rows::new(&[0.0; 4], 2).unwrap());
    let moves = Moves { obs, act, next_obs: obs };
    let error = EDGES[0].1(point, moves, 2).unwrap_err();
    assert!(error.is_non_finite() && error.to_string().starts_with("row 1: the reward is -inf"), "{error}");
    let error = EDGES[2].1(point, moves, 2).unwrap_err();
    assert!(error.is_non_finite() && error.to_string() == "row 1: successor[1] is inf", "{error}");
}

#[test]
fn a_motion_that_leaves_all_numbers_is_an_error_that_changes_nothing() {
    use mbrl_core::Env;
    let mut env = mbrl_envs::Sim::new(mbrl_envs::PointMass);
    let mut obs = [0.0; 4];
    env.set_state(&[3.4e38, 0.0, 3.4e38, 0.0], &mut obs).unwrap();
    let before = env.snapshot();
    let error = env.step(&[0.0, 0.0], Key::root(0), &mut obs).unwrap_err();
    assert!(error.is_non_finite(), "{error}");
    assert_eq!(env.snapshot(), before);
}
