//! The frozen network against the arithmetic that it stands for.

use super::*;
use mbrl_core::{Key, ModelOutput, NoiseBuf, RowBuf};
use mbrl_nn::{Activation, Init};
use proptest::prelude::*;

const DIMS: Dims = Dims { obs: 3, act: 2 };
const MEMBERS: usize = 4;

/// A network with weights of no meaning, normalisers that do something, a learnt reward, and learnt ends.
fn model(head: fn(usize) -> Head) -> NetworkModel {
    let learnt = Learnt { dims: DIMS, reward: true };
    let width = learnt.target();
    let head = head(width);
    let outputs = if matches!(head, Head::Gaussian { .. }) { 2 * width } else { width };
    let net = Mlp::new(learnt.input(), &[24, 24], outputs, Activation::Silu).unwrap();
    let wide = 2 * DIMS.obs + DIMS.act;
    let ends = Mlp::new(wide, &[8], 1, Activation::Silu).unwrap();
    let normalizer = |columns: usize| Normalizer {
        mean: (0..columns).map(|i| 0.1 * i as f64 - 0.2).collect(),
        deviation: (0..columns).map(|i| 0.5 + 0.25 * i as f64).collect(),
    };
    let init = |net: &Mlp, seed| Init::UniformFanIn.parameters(net, MEMBERS, Key::root(seed));
    NetworkModel {
        theta: init(&net, 0),
        ends: Some(Ends { theta: init(&ends, 1), net: ends, input: normalizer(wide) }),
        net,
        head,
        input: normalizer(learnt.input()),
        target: normalizer(width),
        learnt,
        rewards: Rewards::Drawn,
        task: Task::unknown(),
    }
}

fn gaussian(width: usize) -> Head {
    Head::Gaussian { bounds: GaussianHead { dim: width }.bounds() }
}

fn deterministic(_: usize) -> Head {
    Head::Deterministic
}

fn known(_: usize) -> Head {
    Head::Known { deviation: 0.3 }
}

/// States, actions and noise of so many rows.
fn asked(model: &NetworkModel, rows: usize) -> (RowBuf, RowBuf, NoiseBuf) {
    let (mut state, mut act, mut noise) = (NoiseBuf::default(), NoiseBuf::default(), NoiseBuf::default());
    state.fill(NoiseSpec { normals: DIMS.obs, uniforms: 0 }, rows, Key::root(5));
    act.fill(NoiseSpec { normals: DIMS.act, uniforms: 0 }, rows, Key::root(6));
    noise.fill(model.noise_spec(), rows, Key::root(7));
    let table = |from: Rows<'_>| {
        let mut table = RowBuf::new(from.dim());
        from.iter().for_each(|row| table.push(row));
        table
    };
    (table(state.view().normals), table(act.view().normals), noise)
}

/// Successors, rewards and ends.
fn step(model: &NetworkModel, rows: usize, member: &[u16], mode: Mode) -> (RowBuf, Vec<f32>, Vec<End>) {
    let (state, act, noise) = asked(model, rows);
    let mut next_state = RowBuf::zeros(rows, DIMS.obs);
    let (mut reward, mut end) = (vec![f32::NAN; rows], vec![End::Truncated; rows]);
    let input = ModelInput { state: state.view(), act: act.view(), member, noise: noise.view(), mode };
    let out = ModelOutput { next_state: next_state.view_mut(), reward: &mut reward, end: &mut end };
    model.step(input, out, &mut Scratch::default()).unwrap();
    (next_state, reward, end)
}

#[test]
fn a_step_is_the_moments_and_the_noise() {
    const ROWS: usize = 150;
    let member: Vec<u16> = (0..ROWS).map(|i| (i * i % MEMBERS) as u16).collect();
    for head in [gaussian, deterministic, known] {
        let model = model(head);
        let (state, act, noise) = asked(&model, ROWS);
        let (dim, len) = (model.moment_dim(), MEMBERS * ROWS * model.moment_dim());
        let (mut mean, mut variance) = (vec![0.0; len], vec![0.0; len]);
        let out = MomentsMut::new(&mut mean, &mut variance, ROWS, dim);
        model.moments(state.view(), act.view(), out, &mut Scratch::default()).unwrap();
        let moments = MomentsMut::new(&mut mean, &mut variance, ROWS, dim);
        let noise = noise.view();
        for mode in [Mode::Sample, Mode::Mean] {
            let (next, reward, _) = step(&model, ROWS, &member, mode);
            for (row, &who) in member.iter().enumerate() {
                let who = usize::from(who);
                let (mean, variance) = (moments.view().mean(who, row), moments.view().variance(who, row));
                let drawn = |i: usize| match (mode, &model.head) {
                    (Mode::Mean, _) | (_, Head::Deterministic) => mean[i],
                    _ => mean[i] + variance[i].sqrt() * noise.normals.row(row)[i],
                };
                for (i, next) in next.row(row).iter().enumerate() {
                    assert!((next - drawn(i)).abs() < 1e-5, "row {row}, column {i}: {next} and {}", drawn(i));
                }
                assert!((reward[row] - drawn(DIMS.obs)).abs() < 1e-5);
            }
        }
    }
}

/// In double precision from the parameters: what normalisers, heads and units come to.
#[test]
fn moments_are_those_of_the_formulas() {
    let model = model(gaussian);
    let (state, act, _) = asked(&model, 5);
    let dim = model.moment_dim();
    let (mut mean, mut variance) = (vec![0.0; MEMBERS * 5 * dim], vec![0.0; MEMBERS * 5 * dim]);
    let out = MomentsMut::new(&mut mean, &mut variance, 5, dim);
    model.moments(state.view(), act.view(), out, &mut Scratch::default()).unwrap();
    for member in 0..MEMBERS {
        let theta = &model.theta[member * model.net.params()..][..model.net.params()];
        for row in 0..5 {
            let raw = state.row(row).iter().chain(act.row(row)).map(|x| f64::from(*x));
            let mut x: Vec<f64> = raw
                .zip(model.input.mean.iter().zip(&model.input.deviation))
                .map(|(x, (m, s))| (x - m) / s)
                .collect();
            let layers = model.net.layers();
            for (i, layer) in layers.iter().enumerate() {
                let unit = |j: usize| {
                    let weights = theta[layer.weight.clone()].iter().skip(j).step_by(layer.output);
                    let z = f64::from(theta[layer.bias.clone()][j])
                        + weights.zip(&x).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
                    if i + 1 < layers.len() { z / (1.0 + (-z).exp()) } else { z }
                };
                x = (0..layer.output).map(unit).collect();
            }
            let softplus = |x: f64| x.exp().ln_1p();
            for i in 0..dim {
                let lv = 0.5 - softplus(0.5 - x[dim + i]);
                let lv = -10.0 + softplus(lv + 10.0);
                let scale = model.target.deviation[i];
                let base = if i < DIMS.obs { f64::from(state.row(row)[i]) } else { 0.0 };
                let expected = (base + x[i] * scale + model.target.mean[i], lv.exp() * scale * scale);
                let at = (member * 5 + row) * dim + i;
                assert!((f64::from(mean[at]) - expected.0).abs() < 1e-5, "{} and {}", mean[at], expected.0);
                assert!((f64::from(variance[at]) / expected.1 - 1.0).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn mixed_members_give_the_bits_of_each_alone() {
    // More rows than a block has, and members with many rows, with one and with none.
    const ROWS: usize = 333;
    for head in [gaussian, deterministic, known] {
        let model = model(head);
        let member: Vec<u16> = (0..ROWS).map(|i| if i == 100 { 1 } else { 3 * (i % 2) as u16 }).collect();
        let (next, reward, end) = step(&model, ROWS, &member, Mode::Sample);
        for alone in [0, 1, 3] {
            let (own_next, own_reward, own_end) = step(&model, ROWS, &[alone; ROWS], Mode::Sample);
            for row in (0..ROWS).filter(|row| member[*row] == alone) {
                let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(next.row(row)), bits(own_next.row(row)), "member {alone}, row {row}");
                assert_eq!((reward[row].to_bits(), end[row]), (own_reward[row].to_bits(), own_end[row]));
            }
        }
        assert!(end.contains(&End::Terminated) && end.contains(&End::Running));
    }
}

/// The share of rows that end is the mean probability: of 20,000 rows within six deviations of a binomial (2e-9).
#[test]
fn rows_end_as_often_as_the_odds_say() {
    const ROWS: usize = 20_000;
    let mut model = model(deterministic);
    let ends = model.ends.as_mut().unwrap();
    // All weights zero but the last bias: the log-odds are the same everywhere.
    ends.theta.fill(0.0);
    let params = ends.net.params();
    let bias = ends.net.layers()[1].bias.start;
    for (member, log_odds) in [-3.0, -0.5, 0.25, 200.0].into_iter().enumerate() {
        ends.theta[member * params + bias] = log_odds;
    }
    let model = model;
    for (member, log_odds) in [-3.0f64, -0.5, 0.25, 200.0].into_iter().enumerate() {
        let p = 1.0 / (1.0 + (-log_odds).exp());
        let (_, _, end) = step(&model, ROWS, &[member as u16; ROWS], Mode::Sample);
        let share = end.iter().filter(|end| **end == End::Terminated).count() as f64 / ROWS as f64;
        let margin = 6.0 * (p * (1.0 - p) / ROWS as f64).sqrt() + 1e-9;
        assert!((share - p).abs() <= margin, "{share} of {p}");
        let (_, _, end) = step(&model, 10, &[member as u16; 10], Mode::Mean);
        assert!(end.iter().all(|end| (*end == End::Terminated) == (p > 0.5)));
    }
}

#[test]
fn what_is_not_finite_is_named_by_member_and_row() {
    let mut model = model(gaussian);
    let (state, act, noise) = asked(&model, 6);
    let member = [0, 1, 2, 3, 0, 1];
    let ask = |model: &NetworkModel| {
        let mut next_state = RowBuf::zeros(6, DIMS.obs);
        let (mut reward, mut end) = ([0.0; 6], [End::Running; 6]);
        let (state, act, noise) = (state.view(), act.view(), noise.view());
        let input = ModelInput { state, act, member: &member, noise, mode: Mode::Sample };
        let out = ModelOutput { next_state: next_state.view_mut(), reward: &mut reward, end: &mut end };
        model.step(input, out, &mut Scratch::default()).unwrap_err()
    };
    let sound = model.clone();
    let params = model.net.params();
    model.theta[2 * params..3 * params].fill(3e38);
    let error = ask(&model);
    assert!(error.is_non_finite() && error.to_string().contains("member 2, row 2: successor"), "{error}");
    let mut model = sound;
    let ends = model.ends.as_mut().unwrap();
    let params = ends.net.params();
    ends.theta[3 * params..].fill(f32::NAN);
    let error = ask(&model);
    assert!(error.is_non_finite() && error.to_string().contains("member 3, row 3: the log-odds"), "{error}");
}

proptest! {
    #[test]
    fn rows_are_grouped_by_member_in_their_order(member in proptest::collection::vec(0u16..6, 0..60)) {
        let (mut order, mut first) = (vec![u32::MAX; member.len()], vec![u32::MAX; 7]);
        group(&member, &mut order, &mut first);
        // A stable sort by member is the same thing, slower.
        let mut sorted: Vec<u32> = (0..member.len() as u32).collect();
        sorted.sort_by_key(|row| member[*row as usize]);
        prop_assert_eq!(&order, &sorted);
        for (who, bounds) in first.windows(2).enumerate() {
            let own = &order[bounds[0] as usize..bounds[1] as usize];
            prop_assert!(own.iter().all(|row| usize::from(member[*row as usize]) == who));
        }
        prop_assert_eq!((first[0], first[6] as usize), (0, member.len()));
    }
}

/// MOPO as printed takes the mean of the reward and draws the successor.
#[test]
fn a_reward_may_be_its_mean_while_the_successor_is_drawn() {
    let drawn = model(gaussian);
    let mean = NetworkModel { rewards: Rewards::Mean, ..drawn.clone() };
    let (state, act, noise) = asked(&drawn, 40);
    let member: Vec<u16> = (0..40).map(|row| row % MEMBERS as u16).collect();
    let step = |model: &NetworkModel, mode| {
        let (mut next, mut reward, mut end) =
            (RowBuf::zeros(40, DIMS.obs), vec![0.0; 40], vec![End::Running; 40]);
        let input =
            ModelInput { state: state.view(), act: act.view(), member: &member, noise: noise.view(), mode };
        let out = ModelOutput { next_state: next.view_mut(), reward: &mut reward, end: &mut end };
        model.step(input, out, &mut Scratch::default()).unwrap();
        (next, end, reward)
    };
    let (a, b, middle) = (step(&drawn, Mode::Sample), step(&mean, Mode::Sample), step(&drawn, Mode::Mean));
    assert!(a.0 == b.0 && a.1 == b.1 && a.2 != b.2);
    assert_eq!(b.2, middle.2);
}
