//! Imagining again allocates nothing, and what is made of a model keeps the contract of models.

use mbrl_core::{
    DynamicsModel, End, Error, Key, Mode, ModelInput, ModelOutput, NoiseSpec, Result, RowBuf, Scratch, Space,
    Spec, UniformPolicy,
};
use mbrl_plan::{
    Acting, Assignment, Diverged, Endpoints, Expectation, Returns, Rollout, Trace, Transitions, Workspace,
};
use mbrl_testkit::{CountingAlloc, allocations, check_model};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// A number that is pushed, with some noise, and is let go where it is far out.
struct Push;

impl DynamicsModel for Push {
    fn state_dim(&self) -> usize {
        1
    }
    fn act_dim(&self) -> usize {
        1
    }
    fn members(&self) -> usize {
        3
    }
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec { normals: 1, uniforms: 0 }
    }
    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, _: &mut Scratch) -> Result<()> {
        for i in 0..input.state.len() {
            let noise = if input.mode == Mode::Sample { input.noise.normals.row(i)[0] } else { 0.0 };
            let x = input.state.row(i)[0] + input.act.row(i)[0] + 0.1 * noise + f32::from(input.member[i]);
            if !x.is_finite() {
                return Err(Error::non_finite(format_args!("member {}, row {i}", input.member[i])));
            }
            out.next_state.row_mut(i)[0] = x;
            out.reward[i] = -x.abs();
            out.end[i] = if x.abs() > 4.0 { End::Terminated } else { End::Running };
        }
        Ok(())
    }
}

#[test]
fn imagining_again_allocates_nothing() {
    let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(1, 1.0).unwrap());
    let policy = UniformPolicy::new(&spec).unwrap();
    let sinks = (
        (Returns::new(0.9).unwrap(), Endpoints::new(0.9).unwrap()),
        (Trace::default(), Transitions::default()),
    );
    let mut workspace = Workspace::new(sinks);
    let (starts, plans) = (RowBuf::zeros(20, 1), RowBuf::zeros(40, 6));
    for assignment in [
        Assignment::Fixed { member: 1, policy: 0 },
        Assignment::TsInfinity(&[0, 2]),
        Assignment::Ts1(&[0, 1, 2]),
        Assignment::RandomEachStep(&[0, 1]),
    ] {
        for acting in [Acting::Plans(plans.view()), Acting::Policy { policy: &policy, mode: Mode::Sample }] {
            let rollout = Rollout {
                model: &Push,
                assignment,
                replicas: 30,
                horizon: 6,
                mode: Mode::Sample,
                diverged: Diverged::Drop,
            };
            let mut imagine =
                || rollout.run(starts.view(), acting, Key::root(0), &mut workspace).unwrap().steps;
            let once = imagine();
            let (again, allocated) = allocations(imagine);
            assert_eq!((again, allocated.count), (once, 0), "{assignment:?}, {acting:?}");
        }
    }
}

#[test]
fn an_expectation_is_a_model() {
    let (states, actions) = (RowBuf::zeros(8, 1), RowBuf::zeros(8, 1));
    check_model(&Expectation::new(&Push, &[0, 2]).unwrap(), states.view(), actions.view()).unwrap();
}
