//! Imagination, by models small enough to be followed by hand.

mod tabular;

use super::*;
use crate::{Endpoints, Expectation, Imagined, ModelScore, Returns, Score, Trace, Transitions};
use mbrl_core::{
    End, ModelInput, ModelOutput, NoiseSpec, Origin, RowBuf, Scratch, Space, Spec, UniformPolicy,
};
use std::ops::Range;
use std::sync::Mutex;

/// Walks by action, member and noise; ends beyond `wall`; has no successor where the action is `poison`.
struct Walk {
    members: usize,
    wall: f32,
    poison: f32,
    says_so: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Walk { members: 5, wall: f32::INFINITY, poison: f32::NAN, says_so: true }
    }
}

impl DynamicsModel for Walk {
    fn state_dim(&self) -> usize {
        2
    }
    fn act_dim(&self) -> usize {
        1
    }
    fn members(&self) -> usize {
        self.members
    }
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 1, uniforms: 0 }
    }
    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
        for i in 0..input.state.len() {
            let (state, act) = (input.state.row(i), input.act.row(i)[0]);
            if (act - self.poison).abs() < 1e-6 {
                if self.says_so {
                    return Err(Error::non_finite(format_args!("member {}, row {i}: boom", input.member[i])));
                }
                out.next_state.row_mut(i).fill(f32::NAN);
                (out.reward[i], out.end[i]) = (0.0, End::Running);
                continue;
            }
            let noise = if input.mode == Mode::Sample { input.noise.normals.row(i)[0] } else { 0.0 };
            let x = state[0] + act + 0.01 * noise;
            let next = [x, f32::from(input.member[i])];
            out.next_state.row_mut(i).copy_from_slice(&next);
            out.reward[i] = x + 100.0 * next[1];
            out.end[i] = if x.abs() > self.wall { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}

fn rollout(model: &dyn DynamicsModel, horizon: usize) -> Rollout<'_> {
    Rollout {
        model,
        assignment: Assignment::Fixed { member: 0, policy: 0 },
        replicas: 1,
        horizon,
        mode: Mode::Sample,
        diverged: Diverged::Refuse,
    }
}

fn policy() -> UniformPolicy {
    UniformPolicy::new(&Spec::new(Space::unbounded(2).unwrap(), Space::symmetric(1, 1.0).unwrap())).unwrap()
}

fn plans(len: usize, horizon: usize) -> RowBuf {
    let mut plans = RowBuf::zeros(len, horizon);
    for (i, x) in plans.as_mut_slice().iter_mut().enumerate() {
        *x = ((i * 7919) % 101) as f32 / 101.0 - 0.5;
    }
    plans
}

/// What was asked for: which member served each row at each step.
#[derive(Clone, Default)]
struct Members {
    first: usize,
    /// `[rows][t]`
    of: Vec<Vec<(u16, u16)>>,
}

impl Sink for Members {
    fn begin(&mut self, rows: Range<usize>, _: Rows<'_>, _: usize) {
        (self.first, self.of) = (rows.start, vec![Vec::new(); rows.len()]);
    }
    fn take(&mut self, moves: Imagined<'_>) -> Result<()> {
        for (i, &row) in moves.rows.iter().enumerate() {
            self.of[row as usize - self.first].push((moves.member[i], moves.policy[i]));
        }
        Ok(())
    }
}

fn members(assignment: Assignment<'_>, plans_: usize, replicas: usize) -> Vec<Vec<(u16, u16)>> {
    let model = Walk::default();
    let rollout = Rollout { assignment, replicas, ..rollout(&model, 6) };
    let mut workspace = Workspace::new(Members::default());
    let table = plans(plans_, 6);
    rollout.run(Rows::single(&[0.0; 2]), Acting::Plans(table.view()), Key::root(3), &mut workspace).unwrap();
    workspace.sinks().flat_map(|sink| sink.of.clone()).collect()
}

#[test]
fn particles_of_ts_infinity_stay_with_their_member_and_are_shared_out_equally() {
    let elites = [4, 0, 2];
    let served = members(Assignment::TsInfinity(&elites), 200, 12);
    assert_eq!(served.len(), 2400);
    for (row, members) in served.iter().enumerate() {
        let expected = elites[row / 200 / 4];
        assert!(members.iter().all(|&(member, _)| member == expected), "row {row}: {members:?}");
    }
}

#[test]
fn particles_of_ts1_are_dealt_out_equally_at_every_step_anew() {
    let elites = [4, 0, 2];
    let served = members(Assignment::Ts1(&elites), 200, 12);
    let mut dealt = std::collections::BTreeSet::new();
    let at = |row: usize, t: usize| served[row][t].0;
    for t in 0..6 {
        for plan in [0, 17, 199] {
            let of_plan: Vec<u16> = (0..12).map(|g| at(g * 200 + plan, t)).collect();
            for elite in elites {
                assert_eq!(of_plan.iter().filter(|&&m| m == elite).count(), 4, "step {t}, plan {plan}");
            }
            dealt.insert(of_plan);
        }
    }
    assert_eq!(dealt.len(), 6, "each step has a permutation of its own, which the plans share");
}

#[test]
fn where_members_do_not_go_into_the_particles_nobody_is_always_favoured() {
    // Two particles for three members: over many steps each serves as often as the others.
    let model = Walk::default();
    let horizon = 3000;
    let rollout =
        Rollout { assignment: Assignment::Ts1(&[0, 1, 2]), replicas: 2, ..rollout(&model, horizon) };
    let mut workspace = Workspace::new(Members::default());
    let table = plans(1, horizon);
    let start = Rows::single(&[0.0; 2]);
    rollout.run(start, Acting::Plans(table.view()), Key::root(3), &mut workspace).unwrap();
    let mut counts = [0u32; 3];
    let served: Vec<_> = workspace.sinks().flat_map(|sink| sink.of.clone()).collect();
    served.iter().flatten().for_each(|&(member, _)| counts[usize::from(member)] += 1);
    // Each count is a sum of 3000 independent draws of 0 or 1 with mean 2/3: by Hoeffding's inequality it is more than
    // 160 off with probability below 2·exp(−2·160²/3000) = 8e-8.
    assert!(counts.iter().all(|&n| n.abs_diff(2000) < 160), "{counts:?}");
}

#[test]
fn every_row_draws_its_own_member_at_every_step() {
    let elites = [1, 3];
    let served = members(Assignment::RandomEachStep(&elites), 4000, 1);
    let of_three = served.iter().flatten().filter(|&&(member, _)| member == 3).count();
    assert!(served.iter().flatten().all(|(member, _)| elites.contains(member)));
    // 24,000 fair coins: Hoeffding bounds a distance of 450 by 2·exp(−2·450²/24000) = 9.5e-8.
    assert!(of_three.abs_diff(12_000) < 450, "{of_three}");
    assert!(served.iter().any(|row| row[0] != row[1]));
}

#[test]
fn a_grid_pairs_every_policy_with_its_own_world() {
    let grid = Assignment::Grid { members: &[0, 4], policies: 3 };
    for (row, served) in members(grid, 100, 6).iter().enumerate() {
        let pair = (row / 100) as u16;
        assert!(served.iter().all(|&(member, policy)| (member, policy) == ([0, 4][row / 300], pair)));
    }
}

fn returns(model: &dyn DynamicsModel, assignment: Assignment<'_>, acting: Acting<'_>) -> Vec<u64> {
    let rollout = Rollout { assignment, replicas: 4, ..rollout(model, 5) };
    let mut workspace = Workspace::new(Returns::new(0.9).unwrap());
    let start = [0.1, 0.0, 0.7, 0.0];
    rollout.run(Rows::new(&start, 2).unwrap(), acting, Key::root(1), &mut workspace).unwrap();
    workspace.sinks().flat_map(|sink| sink.sums()).map(|sum| sum.to_bits()).collect()
}

#[cfg(feature = "rayon")]
#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let model = Walk { wall: 0.8, ..Walk::default() };
    let (table, policy) = (plans(700, 5), policy());
    for assignment in [
        Assignment::TsInfinity(&[1, 2, 3]),
        Assignment::Ts1(&[1, 2, 3]),
        Assignment::RandomEachStep(&[1, 2, 3]),
    ] {
        for acting in [Acting::Plans(table.view()), Acting::Policy { policy: &policy, mode: Mode::Sample }] {
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| returns(&model, assignment, acting))
            };
            let one = on(1);
            assert!(one.len() > 4);
            assert_eq!(one, on(2));
            assert_eq!(one, on(5));
        }
    }
}

#[test]
fn chance_plays_differently_for_every_replica_and_step() {
    let table = plans(2, 5);
    let sums = returns(&Walk::default(), Assignment::TsInfinity(&[1]), Acting::Plans(table.view()));
    let distinct: std::collections::BTreeSet<_> = sums.iter().collect();
    assert_eq!(distinct.len(), 8);
}

#[test]
fn sums_trace_and_transitions_tell_one_story() {
    let model = Walk { wall: 0.6, ..Walk::default() };
    let rollout = Rollout { replicas: 300, ..rollout(&model, 7) };
    let ((returns, ends), (trace, steps)) = (
        (Returns::new(0.5).unwrap(), Endpoints::new(0.5).unwrap()),
        (Trace::default(), Transitions::default()),
    );
    let mut workspace = Workspace::new(((returns, ends), (trace, steps)));
    let (policy, starts) = (policy(), Rows::new(&[0.0, 0.0, 0.5, 0.0], 2).unwrap());
    let acting = Acting::Policy { policy: &policy, mode: Mode::Sample };
    let effort = rollout.run(starts, acting, Key::root(5), &mut workspace).unwrap();
    let (mut row, mut taken, mut ended) = (0, 0, 0);
    for ((returns, ends), (trace, transitions)) in workspace.sinks() {
        for i in 0..trace.len() {
            let rewards = trace.rewards(i).iter().enumerate();
            let sum: f64 = rewards.map(|(t, r)| 0.5f64.powi(t as i32) * f64::from(*r)).sum();
            assert!((returns.sums()[i] - sum).abs() < 1e-12);
            assert_eq!(ends.returns()[i].to_bits(), returns.sums()[i].to_bits());
            let (states, n) = (trace.states(i), trace.steps(i));
            assert_eq!(states.row(0), starts.row(row % 2));
            assert_eq!(states.row(n), ends.last().row(i));
            assert_eq!((ends.steps()[i] as usize, ends.end()[i]), (n, trace.end(i)));
            assert!(n == 7 || trace.end(i) == End::Terminated, "row {row} stopped for no reason");
            for t in 0..n {
                let moved = states.row(t + 1)[0] - states.row(t)[0] - trace.actions(i).row(t)[0];
                assert!(moved.abs() < 0.07);
                assert_eq!(states.row(t + 1)[0].abs() > 0.6, trace.end(i).is_end() && t + 1 == n);
            }
            ended += usize::from(trace.end(i).is_end());
            row += 1;
        }
        taken += transitions.batch().len() as u64;
        for step in transitions.batch().iter() {
            assert_eq!(step.origin, Origin::Model { member: 0, policy: 0 });
        }
    }
    assert_eq!((row, taken), (600, effort.steps));
    assert!(ended > 100 && effort.steps < 600 * 7);
}

/// Which bits a rollout gives for rows that do not diverge must not depend on those that do.
#[test]
fn rows_that_diverge_are_named_or_dropped_and_counted() {
    for says_so in [true, false] {
        let poisoned = Walk { poison: 9.0, says_so, ..Walk::default() };
        let sound = Walk::default();
        let mut table = plans(1000, 4);
        for (row, t) in [(3, 2), (4, 0), (700, 3)] {
            table.row_mut(row)[t] = 9.0;
        }
        let run = |model: &dyn DynamicsModel, diverged| {
            let rollout = Rollout { diverged, ..rollout(model, 4) };
            let mut workspace = Workspace::new(Returns::new(1.0).unwrap());
            let start = Rows::single(&[0.0; 2]);
            let effort = rollout.run(start, Acting::Plans(table.view()), Key::root(0), &mut workspace)?;
            let sums: Vec<f64> = workspace.sinks().flat_map(|sink| sink.sums().to_vec()).collect();
            Ok::<_, Error>((effort, sums))
        };
        let error = run(&poisoned, Diverged::Refuse).unwrap_err();
        assert!(error.is_non_finite());
        let says = "imagined step 0, row 4: member 0";
        assert!(error.to_string().starts_with(says), "{error}");
        assert_eq!(error.to_string().ends_with("boom"), says_so);
        let (effort, sums) = run(&poisoned, Diverged::Drop).unwrap();
        assert_eq!(effort.lost, 3);
        // The step in which a row is lost was imagined too.
        assert_eq!(effort.steps, 4000 - 1 - 3);
        let (_, others) = run(&sound, Diverged::Refuse).unwrap();
        for (row, (sum, other)) in sums.iter().zip(&others).enumerate() {
            match row {
                3 | 4 | 700 => assert!(sum.is_nan()),
                // Noise belongs to the place in the chunk, so after a loss the rows behind it draw other noise.
                0..3 => assert_eq!(sum.to_bits(), other.to_bits(), "row {row}"),
                _ => assert!((sum - other).abs() < 1.0, "row {row}: {sum} for {other}"),
            }
        }
    }
}

#[test]
fn a_row_lost_at_once_has_been_where_it_began_and_nowhere_else() {
    let model = Walk { poison: 9.0, ..Walk::default() };
    let rollout = Rollout { diverged: Diverged::Drop, ..rollout(&model, 2) };
    let mut workspace = Workspace::new((Trace::default(), Endpoints::new(1.0).unwrap()));
    for (start, act) in [([5.0, 1.0], 0.0), ([-1.0, 2.0], 9.0)] {
        let plan = [act; 2];
        let acting = Acting::Plans(Rows::single(&plan));
        rollout.run(Rows::single(&start), acting, Key::root(0), &mut workspace).unwrap();
    }
    let (trace, ends) = workspace.sinks().next().unwrap();
    assert_eq!((trace.steps(0), trace.states(0).as_slice()), (0, [-1.0, 2.0].as_slice()));
    assert_eq!((ends.steps()[0], ends.last().row(0)), (0, [-1.0, 2.0].as_slice()));
    assert!(ends.returns()[0].is_nan());
}

#[test]
fn rows_that_go_on_keep_their_member_when_others_have_ended() {
    let model = Walk { wall: 0.5, ..Walk::default() };
    let (elites, table) = ([3, 1], plans(50, 8));
    let rollout = Rollout { assignment: Assignment::TsInfinity(&elites), replicas: 4, ..rollout(&model, 8) };
    let mut workspace = Workspace::new(Trace::default());
    let acting = Acting::Plans(table.view());
    rollout.run(Rows::single(&[0.0; 2]), acting, Key::root(2), &mut workspace).unwrap();
    let mut steps = std::collections::BTreeSet::new();
    for row in 0..200 {
        let trace = workspace.sinks().next().unwrap();
        steps.insert(trace.steps(row));
        for t in 0..trace.steps(row) {
            // The model writes down who carried the row on.
            let member = trace.states(row).row(t + 1)[1];
            assert_eq!(member.to_bits(), f32::from(elites[row / 100]).to_bits(), "row {row}, step {t}");
            assert_eq!(trace.actions(row).row(t), &table.row(row % 50)[t..=t]);
        }
    }
    assert!(steps.len() > 4, "rows end at different times: {steps:?}");
}

#[test]
fn every_step_draws_anew() {
    let (model, policy, still) = (Walk::default(), policy(), RowBuf::zeros(1, 20));
    for acting in [Acting::Plans(still.view()), Acting::Policy { policy: &policy, mode: Mode::Sample }] {
        let mut workspace = Workspace::new(Trace::default());
        rollout(&model, 20).run(Rows::single(&[0.0; 2]), acting, Key::root(6), &mut workspace).unwrap();
        let trace = workspace.sinks().next().unwrap();
        let moved = |t: usize| {
            let (states, act) = (trace.states(0), trace.actions(0).row(t)[0]);
            // To the rounding of the sums: a thousandth of the noise's deviation.
            (((states.row(t + 1)[0] - states.row(t)[0] - act) * 1e5).round() as i32, act.to_bits())
        };
        let distinct: std::collections::BTreeSet<i32> = (0..20).map(|t| moved(t).0).collect();
        assert!(distinct.len() > 17, "{distinct:?}");
        let acts: std::collections::BTreeSet<u32> = (0..20).map(|t| moved(t).1).collect();
        assert_eq!(acts.len(), if matches!(acting, Acting::Plans(_)) { 1 } else { 20 });
    }
}

#[test]
fn a_score_is_the_mean_over_particles() {
    let model = Walk::default();
    let rollout = Rollout { assignment: Assignment::TsInfinity(&[0, 1]), replicas: 2, ..rollout(&model, 3) };
    let mut workspace = Workspace::new(Returns::new(1.0).unwrap());
    let mut score = ModelScore::new(rollout, &[0.0; 2], &mut workspace);
    let (table, mut scores) = (plans(50, 3), [0.0; 50]);
    score.score(table.view(), Key::root(0), &mut scores).unwrap();
    for (plan, score) in table.view().iter().zip(scores) {
        let mean = 3.0 * plan[0] + 2.0 * plan[1] + plan[2] + 3.0 * 50.0;
        assert!((score - f64::from(mean)).abs() < 0.3, "{score} for {mean}");
    }
    assert_eq!(score.effort(), Effort { steps: 300, lost: 0 });
    assert!(score.score(table.view(), Key::root(0), &mut [0.0; 3]).unwrap_err().is_invalid());
}

#[test]
fn expectation_is_the_mean_of_the_members_and_a_vote_on_the_end() {
    struct Vote;
    impl DynamicsModel for Vote {
        fn state_dim(&self) -> usize {
            1
        }
        fn act_dim(&self) -> usize {
            1
        }
        fn members(&self) -> usize {
            4
        }
        fn noise_spec(&self) -> NoiseSpec {
            NoiseSpec { normals: 1, uniforms: 0 }
        }
        fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
            assert_eq!(input.mode, Mode::Mean);
            for i in 0..input.state.len() {
                let member = f32::from(input.member[i]);
                out.next_state.row_mut(i)[0] = input.state.row(i)[0] + member;
                out.reward[i] = 10.0 * member;
                let ends = input.state.row(i)[0] + member > 2.5;
                out.end[i] = if ends { End::Terminated } else { End::Running };
            }
            Ok(())
        }
    }
    let model = Expectation::new(&Vote, &[1, 2, 3]).unwrap();
    let rollout = rollout(&model, 5);
    let mut workspace = Workspace::new(Trace::default());
    let (starts, table) = (RowBuf::zeros(300, 1), plans(300, 5));
    rollout.run(starts.view(), Acting::Plans(table.view()), Key::root(0), &mut workspace).unwrap();
    for sink in workspace.sinks() {
        for row in 0..sink.len() {
            // From 0 only member 3 says it is over; from 2 all but one of three would: 1 + 2, 2 + 2 and 3 + 2 > 2.5.
            assert_eq!(sink.states(row).as_slice(), [0.0, 2.0, 4.0]);
            assert_eq!((sink.rewards(row), sink.end(row)), ([20.0, 20.0].as_slice(), End::Terminated));
        }
    }
    assert!(Expectation::new(&Vote, &[]).unwrap_err().is_invalid());
    assert!(Expectation::new(&Vote, &[4]).unwrap_err().to_string().contains("member 4 of 4"));
}

#[test]
fn what_cannot_be_imagined_is_refused_by_name() {
    let (model, table) = (Walk::default(), plans(4, 3));
    let good = rollout(&model, 3);
    let mut workspace = Workspace::new(Returns::new(1.0).unwrap());
    let mut says = |rollout: Rollout<'_>, starts: &[f32], dim, plans: Rows<'_>| {
        let starts = Rows::new(starts, dim).unwrap();
        let error = rollout.run(starts, Acting::Plans(plans), Key::root(0), &mut workspace).unwrap_err();
        assert!(error.is_invalid(), "{error}");
        error.to_string()
    };
    let (start, plans) = ([0.0; 2], table.view());
    for (rollout, starts, dim, plans, expected) in [
        (Rollout { horizon: 0, ..good }, &start[..], 2, plans, "horizon 0"),
        (Rollout { replicas: 0, ..good }, &start, 2, plans, "0 replicas"),
        (
            Rollout { replicas: 1 << 40, ..good },
            &start,
            2,
            plans,
            "4 plans or starts in 1099511627776 replicas",
        ),
        (good, &[], 2, plans, "0 starts of 2 numbers"),
        (good, &[0.0], 1, plans, "1 starts of 1 numbers"),
        (good, &start, 2, Rows::blank(0), "0 plans of 0 numbers"),
        (
            Rollout { horizon: 4, ..good },
            &start,
            2,
            plans,
            "4 plans of 3 numbers: give at least one, of 4 steps",
        ),
        (good, &[0.0; 6], 2, plans, "4 plans for 3 starts"),
        (Rollout { assignment: Assignment::Ts1(&[]), ..good }, &start, 2, plans, "no member"),
        (Rollout { assignment: Assignment::Ts1(&[5]), ..good }, &start, 2, plans, "model member 5 of 5"),
        (
            Rollout { assignment: Assignment::Grid { members: &[0, 1], policies: 2 }, ..good },
            &start,
            2,
            plans,
            "1 replicas for a grid of 2 models with 2 policies each: give 4",
        ),
    ] {
        let error = says(rollout, starts, dim, plans);
        assert!(error.contains(expected), "{error}");
    }
    let policy = policy();
    let acting = Acting::Policy { policy: &policy, mode: Mode::Sample };
    let two = Rollout { assignment: Assignment::Fixed { member: 0, policy: 1 }, ..good };
    let error = two.run(Rows::single(&start), acting, Key::root(0), &mut workspace).unwrap_err();
    assert!(error.to_string().contains("policy member 1 of 1"), "{error}");
    assert!(Returns::new(1.1).unwrap_err().is_invalid());
}

#[test]
fn an_error_of_a_sink_ends_the_rollout() {
    #[derive(Clone)]
    struct Full(std::sync::Arc<Mutex<usize>>);
    impl Sink for Full {
        fn begin(&mut self, _: Range<usize>, _: Rows<'_>, _: usize) {}
        fn take(&mut self, _: Imagined<'_>) -> Result<()> {
            *self.0.lock().unwrap() += 1;
            Err(Error::invalid("no more room"))
        }
    }
    let (model, count) = (Walk::default(), std::sync::Arc::new(Mutex::new(0)));
    let mut workspace = Workspace::new(Full(count.clone()));
    let table = plans(4, 3);
    let acting = Acting::Plans(table.view());
    let error =
        rollout(&model, 3).run(Rows::single(&[0.0; 2]), acting, Key::root(0), &mut workspace).unwrap_err();
    assert_eq!((error.to_string().as_str(), *count.lock().unwrap()), ("no more room", 1));
}
