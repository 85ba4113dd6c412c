//! What is measured of models whose faults are known.

use super::found::{Measured, edges};
use super::imagine::{Acts, Dreams};
use super::points::{Judged, Truth};
use super::returns::Returns;
use super::subject::{Kind, Mind, Model};
use super::*;
use mbrl_core::{
    Belief, DynamicsModel, End, Fit, FitData, ModelInput, ModelOutput, MomentsMut, NoiseSpec, Origin,
    Recorder, RowBuf, Rows, Scratch, Spread, Transition, TransitionBatch,
};
use mbrl_models::{Oracle, Uncertainty};
use std::io::{Read, Write};

/// The pendulum, but kinder by `bias` a step. Two members foretell each number off by (shift ± apart) · |a|, with a variance of
/// 0.01: the model errs by shift · |a| and knows where.
struct Fake {
    world: Oracle,
    bias: f32,
    shift: f32,
    apart: f32,
    /// Where more is done than this, members are further apart than single precision can say.
    bursts: f32,
}

impl DynamicsModel for Fake {
    fn state_dim(&self) -> usize {
        3
    }

    fn act_dim(&self) -> usize {
        1
    }

    fn members(&self) -> usize {
        2
    }

    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }

    fn step(&self, input: ModelInput<'_>, out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        let ModelOutput { next_state, reward, end } = out;
        let (member, own) =
            (vec![0; input.state.len()], ModelOutput { next_state, reward: &mut *reward, end });
        self.world.step(ModelInput { member: &member, ..input }, own, scratch)?;
        reward.iter_mut().for_each(|reward| *reward += self.bias);
        Ok(())
    }
}

impl Spread for Fake {
    fn moment_dim(&self) -> usize {
        3
    }

    fn moments(
        &self,
        state: Rows<'_>,
        act: Rows<'_>,
        mut out: MomentsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        for ((mean, variance), side) in out.members_mut().zip([-1.0, 1.0]) {
            self.world.moments(state, act, MomentsMut::new(mean, variance, state.len(), 3), scratch)?;
            for (mean, act) in mean.chunks_exact_mut(3).zip(act.iter()) {
                let off = match act[0].abs() {
                    size if size > self.bursts => side * f32::MAX,
                    size => (self.shift + side * self.apart) * size,
                };
                mean.iter_mut().for_each(|mean| *mean += off);
            }
            variance.fill(0.01);
        }
        Ok(())
    }
}

impl Belief for Fake {
    fn fit(&mut self, _: FitData<'_>, _: Key, _: &mut dyn Recorder) -> Result<Fit> {
        Ok(Fit::default())
    }

    fn redraw(&mut self, _: Key) -> Result<()> {
        Ok(())
    }

    fn model(&self) -> &dyn DynamicsModel {
        self
    }

    fn spread(&self) -> Option<&dyn Spread> {
        Some(self)
    }

    fn save(&self, _: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    fn load(&mut self, _: &mut dyn Read) -> Result<()> {
        Ok(())
    }
}

const LENGTH: usize = 10;

fn args() -> Args {
    Args {
        path: PathBuf::from("nowhere"),
        env: None,
        reading: Reading::default(),
        preset: None,
        epochs: None,
        episodes: None,
        rollouts: 40,
        length: Some(LENGTH as u32),
        seed: 0,
        json: false,
        out: None,
    }
}

/// A model of the pendulum that is off by so much, and 12 episodes of 25 random actions in the true one, as single precision
/// has them.
fn subject(bias: f32, shift: f32, apart: f32) -> Subject {
    bursting(bias, shift, apart, f32::INFINITY)
}

/// The same, whose doubt is no number where more is done than `bursts`.
fn bursting(bias: f32, shift: f32, apart: f32, bursts: f32) -> Subject {
    let entry = mbrl_envs::find("pendulum").unwrap();
    let world = Oracle::new(&entry.spec(), &entry.task(), entry.physics().unwrap()).unwrap();
    let keys = Key::root(11);
    let uniform = |label: &str, i: usize| keys.child(label).at(i as u64).uniform();
    let (mut starts, mut plans) = (RowBuf::new(3), RowBuf::new(25));
    for i in 0..12 {
        let angle = 6.0 * uniform("angle", i);
        starts.push(&[angle.cos(), angle.sin(), 4.0 * uniform("speed", i) - 2.0]);
        plans.push(&(0..25).map(|t| 4.0 * uniform("act", 25 * i + t) - 2.0).collect::<Vec<_>>());
    }
    let truth = Model { spread: &world, members: &[0] };
    let played = Dreams::of(truth, starts.view(), Acts::Recorded(plans.view()), (25, 1), keys).unwrap();
    let mut held = TransitionBatch::new(entry.spec().dims());
    for dream in played.each() {
        for t in 0..25 {
            held.push(Transition {
                obs: dream.states.row(t),
                act: dream.acts.row(t),
                next_obs: dream.states.row(t + 1),
                reward: dream.rewards[t],
                end: if t == 24 { End::Truncated } else { End::Running },
                origin: Origin::World,
            });
        }
    }
    Subject {
        kind: Kind::Data { preset: "fake".to_owned(), fitted: 0, epochs: 0 },
        path: "nowhere/fake".to_owned(),
        spec: entry.spec(),
        env: Some("pendulum".to_owned()),
        oracle: Ok(world.clone()),
        held,
        notes: Vec::new(),
        mind: Mind::Fitted(Box::new(Fake { world, bias, shift, apart, bursts }), vec![0, 1]),
    }
}

fn returns(found: &Found) -> &Returns {
    match &found.returns {
        Measured::Done(returns) => returns,
        Measured::Failed { error } => panic!("{error}"),
    }
}

fn truths(found: &Found) -> Vec<&Truth> {
    assert!(found.points.iter().all(|points| matches!(points.judged, Judged::Found(_))));
    found.truths().map(|(_, truth)| truth).collect()
}

fn is(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-5 * b.abs().max(1e-3)
}

#[test]
fn a_model_that_is_the_world_needs_no_penalty_and_leaves_no_gap() {
    let found = Found::of(&subject(0.0, 0.0, 0.25), &args(), Key::root(1)).unwrap();
    let returns = returns(&found);
    assert_eq!((returns.of, returns.steps, returns.starts, returns.lost), ("windows", LENGTH, 24, 0));
    for gap in [&returns.undiscounted, &returns.discounted] {
        // Eight equal numbers may have another mean by the last digit.
        assert!(gap.gap.abs() < 1e-12 && (gap.imagined - gap.real).abs() < 1e-12, "{}", gap.gap);
    }
    for weight in &returns.weights {
        let [lambda, low, high, most] =
            [weight.lambda, weight.low, weight.high, weight.most].map(Option::unwrap);
        assert_eq!([lambda, low, high, most].map(f64::to_bits), [0; 4], "{:?}", weight.spec);
        assert!(weight.met > 0.01, "{:?}", weight.spec);
    }
}

#[test]
fn a_model_that_is_too_kind_has_the_weights_of_arithmetic() {
    let subject = subject(0.5, 0.0, 0.25);
    let found = Found::of(&subject, &args(), Key::root(1)).unwrap();
    let returns = returns(&found);
    assert!(is(returns.undiscounted.gap, 0.5 * LENGTH as f64), "{}", returns.undiscounted.gap);
    // Windows begin at rows 0 and 10 of each episode. Over them γᵗ and γᵗ|a| are added up.
    let gamma = f64::from(subject.spec.discount);
    let windows = (0..12).flat_map(|episode| [25 * episode, 25 * episode + LENGTH]);
    let (mut worth, mut moved) = (0.0, 0.0);
    for (first, t) in windows.flat_map(|first| (0..LENGTH).map(move |t| (first, t))) {
        let worth_of = gamma.powi(t as i32);
        worth += worth_of;
        moved += worth_of * f64::from(subject.held.act.row(first + t)[0].abs());
    }
    assert!(is(returns.discounted.gap, 0.5 * worth / 24.0));
    // Three columns, of which each member is 0.25 |a| to one side, so that they are half of |a| apart.
    let of_column = [0.5 * 3f64.sqrt(), 0.25 * 3f64.sqrt(), 0.25];
    let (pair, deviation, std) = (of_column[0] * moved, of_column[1] * moved, of_column[2] * moved);
    for (measure, met) in [
        (Uncertainty::MaxPairwiseDistance, pair),
        (Uncertainty::MaxDeviation, deviation),
        (Uncertainty::EnsembleStd, std),
        (Uncertainty::MaxStdNorm, 0.03f64.sqrt() * worth),
        (Uncertainty::MaxCovarianceNorm, 3e-4f64.sqrt() * worth),
    ] {
        let weight = returns.weights.iter().find(|weight| weight.spec.measure == measure).unwrap();
        assert!(is(weight.met, met / 24.0), "{measure}: {} for {}", weight.met, met / 24.0);
        assert!(is(weight.lambda.unwrap(), 0.5 * worth / met), "{measure}: {:?}", weight.lambda);
        assert!(weight.low < weight.lambda.map(|x| x * 1.000_001) && weight.most >= weight.lambda);
    }
    // What is the same at every step has no spread: the interval is a point.
    let constant = &returns.weights[3];
    assert!(is(constant.low.unwrap(), constant.high.unwrap()), "{:?} {:?}", constant.low, constant.high);
}

#[test]
fn doubt_that_is_where_the_errors_are_has_a_rank_of_one_at_every_set_of_moves() {
    let subject = subject(0.0, 0.1, 0.25);
    let found = Found::of(&subject, &args(), Key::root(1)).unwrap();
    assert_eq!(
        found.points.iter().map(|points| points.name).collect::<Vec<_>>(),
        ["held-out", "imagined", "random"]
    );
    let sizes: Vec<usize> = truths(&found).iter().map(|truth| truth.rows).collect();
    // 24 windows of ten steps, without the first step of each.
    assert_eq!(sizes, [300, 24 * 9, 300]);
    for truth in truths(&found) {
        for rank in &truth.ranks {
            let expected =
                !matches!(rank.spec.measure, Uncertainty::MaxStdNorm | Uncertainty::MaxCovarianceNorm);
            assert_eq!(rank.correlation.is_some_and(|found| found.rho > 0.999), expected, "{rank:?}");
        }
    }
    let sizes = subject.held.act.as_slice().iter().map(|a| f64::from(a.abs()));
    let mean = sizes.sum::<f64>() / 300.0;
    assert!(is(truths(&found)[0].mean_error, 0.1 * 3f64.sqrt() * mean), "{}", truths(&found)[0].mean_error);
    // Of actions up to 2, a tenth is above 1.8 and the mean is 1; 0.2 is more than six deviations of a mean of 30.
    let most = truths(&found)[2].of_most_doubt(1).unwrap();
    assert!((most - 1.9).abs() < 0.2, "{most}");
}

#[test]
fn without_the_world_two_sets_are_absent_and_the_page_says_why() {
    let subject = Subject { oracle: Err("nobody knows it".to_owned()), ..subject(0.5, 0.1, 0.25) };
    let found = Found::of(&subject, &args(), Key::root(1)).unwrap();
    assert_eq!(found.truths().map(|(points, _)| points.name).collect::<Vec<_>>(), ["held-out"]);
    assert_eq!(text::ranks(&found).0, ["measure", ">held-out"]);
    let page = page::write(&found);
    for said in
        ["as nobody knows it", "\u{201c}imagined\u{201d} is absent: nobody knows it", "a penalty is needed"]
    {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn an_interval_that_has_no_end_is_infinite_on_the_page_and_null_in_the_document() {
    // Members that agree: measures that compare them see no doubt, and no weight of nothing is enough.
    let found = Found::of(&subject(0.5, 0.0, 0.0), &args(), Key::root(1)).unwrap();
    let document = serde_json::to_value(&found).unwrap();
    let pairs = &document["returns"]["weights"][1];
    assert!(pairs["lambda"].is_null() && pairs["most"].is_null(), "{pairs}");
    assert!(page::write(&found).contains("<td>\u{221e}</td>"));
}

#[test]
fn a_model_that_overlooks_how_episodes_end_earns_what_the_world_does_not_pay() {
    // Of each 25 steps two windows of ten are whole, and five steps remain. A step pays 20 more than the pendulum, which
    // is at least 3, in both worlds.
    let kinder = |end: End| {
        let mut subject = subject(20.0, 0.0, 0.25);
        subject.held.reward.iter_mut().for_each(|reward| *reward += 20.0);
        subject.held.end.iter_mut().filter(|old| old.is_end()).for_each(|old| *old = end);
        Found::of(&subject, &args(), Key::root(1)).unwrap()
    };
    let found = kinder(End::Truncated);
    assert!(returns(&found).starts == 24 && returns(&found).undiscounted.gap.abs() < 1e-9);
    let found = kinder(End::Terminated);
    let returns = returns(&found);
    assert_eq!(returns.starts, 36);
    let gap = returns.undiscounted.gap;
    assert!(gap > 12.0 * 5.0 * 3.0 / 36.0 && gap < 12.0 * 5.0 * 20.0 / 36.0, "{gap}");
    assert!(returns.weights.iter().all(|weight| weight.lambda.is_some_and(|lambda| lambda > 0.0)));
}

#[test]
fn where_all_long_rollouts_terminate_the_edge_of_shorter_ones_is_known() {
    let entry = mbrl_envs::find("cartpole").unwrap();
    let world = Oracle::new(&entry.spec(), &entry.task(), entry.physics().unwrap()).unwrap();
    let (mut starts, mut plans) = (RowBuf::new(4), RowBuf::new(40));
    for i in 0..20 {
        starts.push(&[0.0, 0.0, 0.002 * i as f32, 0.0]);
        plans.push(&[1.0; 40]);
    }
    // Whoever always pushes to one side falls within a dozen steps.
    let truth = Model { spread: &world, members: &[0] };
    let dreams =
        Dreams::of(truth, starts.view(), Acts::Recorded(plans.view()), (40, 1), Key::root(1)).unwrap();
    assert!(dreams.first().all(|dream| dream.end == End::Terminated && dream.rewards.len() < 16));
    let found = edges(&dreams, 40, Key::root(2)).unwrap();
    assert_eq!(found.iter().map(|edge| edge.length).take(2).collect::<Vec<_>>(), [4, 8]);
    assert!(found.last().unwrap().length < 16);
    // Of none that is cut there is still an error.
    let mut late = RowBuf::new(4);
    late.push(&[0.0, 0.0, 0.2094, 2.0]);
    late.push(&[0.0, 0.0, 0.2093, 2.0]);
    let dreams =
        Dreams::of(truth, late.view(), Acts::Recorded(plans.view().slice(0..2)), (40, 1), Key::root(1));
    assert!(edges(&dreams.unwrap(), 40, Key::root(2)).is_err());
}

#[test]
fn a_rollout_of_more_doubt_than_there_are_numbers_for_is_lost_alone() {
    let subject = bursting(0.5, 0.0, 0.25, 1.9);
    let found = Found::of(&subject, &args(), Key::root(1)).unwrap();
    let windows = (0..12).flat_map(|episode| [25 * episode, 25 * episode + LENGTH]);
    let is_calm = |first: &usize| (0..LENGTH).all(|t| subject.held.act.row(first + t)[0].abs() <= 1.9);
    let calm = windows.filter(is_calm).count();
    assert!((2..24).contains(&calm), "{calm}");
    let returns = returns(&found);
    assert_eq!((returns.starts, returns.lost), (calm, 8 * (24 - calm)));
    assert!(is(returns.undiscounted.gap, 0.5 * LENGTH as f64));
    assert!(text::lost(returns).contains("rollouts are not counted"));
    assert!(page::write(&found).contains(&text::lost(returns)));
}

#[test]
fn windows_of_one_episode_are_not_taken_for_independent() {
    // Every other episode pays 1 less a step: 24 windows, but 12 gaps.
    let mut subject = subject(0.5, 0.0, 0.25);
    for episode in (0..12).step_by(2) {
        subject.held.reward[25 * episode..25 * (episode + 1)].iter_mut().for_each(|reward| *reward -= 1.0);
    }
    let gaps: Vec<f64> = (0..12).map(|episode| if episode % 2 == 0 { 15.0 } else { 5.0 }).collect();
    let of_episodes = mbrl_agents::ci95(&gaps).unwrap();
    let found = Found::of(&subject, &args(), Key::root(1)).unwrap();
    let all = returns(&found);
    assert_eq!((all.starts, all.episodes), (24, 12));
    let interval = all.undiscounted.ci95.unwrap();
    assert!(interval.iter().zip(of_episodes).all(|(end, expected)| is(*end, expected)), "{interval:?}");
    // Of one episode nothing is known but the estimate.
    subject.held.end.iter_mut().for_each(|end| *end = End::Running);
    subject.held.end[299] = End::Truncated;
    let found = Found::of(&subject, &args(), Key::root(1)).unwrap();
    let one = returns(&found);
    assert_eq!((one.starts, one.episodes, one.undiscounted.ci95), (24, 1, None));
    for (weight, before) in one.weights.iter().zip(&all.weights) {
        assert!(weight.low.is_some_and(|low| low <= 0.0) && weight.high.is_none());
        assert!(is(weight.lambda.unwrap(), before.lambda.unwrap()));
    }
}
