//! `check_model` and `check_policy` find every fault that they say they look for.

use mbrl_core::{
    DynamicsModel, End, Mode, ModelInput, ModelOutput, Noise, NoiseSpec, Policy, Result, RowBuf, Rows,
    RowsMut, Scratch, Space, Spec, UniformPolicy,
};
use mbrl_testkit::fakes::Drift;
use mbrl_testkit::{CountingAlloc, check_model, check_policy};
use std::sync::atomic::{AtomicU32, Ordering};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Memory,
    SeesNeighbours,
    SeesBatchSize,
    NoisyMean,
    UnwrittenReward,
    Truncates,
    AnyMember,
    SilentNaN,
    WrongKind,
    Allocates,
    NamelessNaN,
    MemberlessNaN,
}

struct Faulty {
    inner: Drift,
    calls: AtomicU32,
    fault: Fault,
}

impl DynamicsModel for Faulty {
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
        self.inner.noise_spec()
    }

    fn step(&self, input: ModelInput<'_>, mut out: ModelOutput<'_>, scratch: &mut Scratch) -> Result<()> {
        let rows = input.state.len();
        let mode = if self.fault == Fault::NoisyMean { Mode::Sample } else { input.mode };
        let (any, clean): (Vec<u16>, Vec<f32>);
        let mut input = ModelInput { mode, ..input };
        if self.fault == Fault::AnyMember {
            any = input.member.iter().map(|m| m % 3).collect();
            input.member = &any;
        }
        if self.fault == Fault::SilentNaN {
            clean = input.state.as_slice().iter().map(|x| if x.is_nan() { 0.0 } else { *x }).collect();
            input.state = Rows::new(&clean, 1)?;
        }
        let state = input.state;
        if self.fault == Fault::WrongKind && state.find_non_finite().is_some() {
            return Err(mbrl_core::Error::invalid("a NaN"));
        }
        if self.fault == Fault::NamelessNaN && state.find_non_finite().is_some() {
            return Err(mbrl_core::Error::non_finite("a NaN of a member"));
        }
        if self.fault == Fault::MemberlessNaN && state.find_non_finite().is_some() {
            return Err(mbrl_core::Error::non_finite("a NaN in row 1"));
        }
        let output = ModelOutput { next_state: out.next_state.reborrow(), reward: out.reward, end: out.end };
        self.inner.step(input, output, scratch)?;
        if self.fault == Fault::Allocates {
            std::hint::black_box(vec![0.0f32; rows]);
        }
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::Memory => out.next_state.row_mut(0)[0] += calls as f32,
            Fault::SeesNeighbours => out.reward[rows - 1] += state.row(0)[0] - state.row(rows - 1)[0],
            Fault::SeesBatchSize => out.reward.iter_mut().for_each(|r| *r += rows as f32),
            Fault::UnwrittenReward => out.reward[1] = f32::NAN,
            Fault::Truncates => out.end[1] = End::Truncated,
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn every_fault_of_a_model_is_found_and_named() {
    let (state, act) = ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0.5; 6]);
    let check = |fault| {
        let model = Faulty { inner: Drift { members: 3, sigma: 0.1 }, calls: AtomicU32::new(0), fault };
        check_model(&model, Rows::new(&state, 1)?, Rows::new(&act, 1)?)
    };
    check(Fault::None).unwrap();
    for (fault, says) in [
        (Fault::Memory, "the same call gave other bits"),
        (Fault::SeesNeighbours, "a row must not see its neighbours"),
        (Fault::SeesBatchSize, "a row must not see how many there are"),
        (Fault::NoisyMean, "the mean depends on the noise"),
        (Fault::UnwrittenReward, "the reward of row 1 is not finite"),
        (Fault::Truncates, "row 1 is truncated"),
        (Fault::AnyMember, "member 3 of as many was accepted"),
        (Fault::SilentNaN, "a NaN in row 1 was accepted"),
        (Fault::WrongKind, "with an error of another kind"),
        (Fault::Allocates, "a second call allocated"),
        (Fault::NamelessNaN, "does not name its row 1"),
        (Fault::MemberlessNaN, "does not name its member"),
    ] {
        let error = check(fault).expect_err(&format!("{fault:?} was not found"));
        assert!(error.to_string().contains(says), "{fault:?}: {error}");
    }
}

/// What a policy does wrong, given its observations, noise and actions.
type Spoil = fn(Rows<'_>, Noise<'_>, Mode, &mut RowsMut<'_>);

struct Spoilt {
    inner: UniformPolicy,
    spoil: Spoil,
    anybody: bool,
}

impl Policy for Spoilt {
    fn spec(&self) -> &Spec {
        self.inner.spec()
    }

    fn noise_spec(&self) -> NoiseSpec {
        self.inner.noise_spec()
    }

    fn act(
        &self,
        obs: Rows<'_>,
        who: &[u16],
        noise: Noise<'_>,
        mode: Mode,
        mut act: RowsMut<'_>,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let first = if self.anybody { vec![0; who.len()] } else { Vec::new() };
        let who = if self.anybody { &first } else { who };
        self.inner.act(obs, who, noise, mode, act.reborrow(), scratch)?;
        (self.spoil)(obs, noise, mode, &mut act);
        Ok(())
    }
}

#[test]
fn every_fault_of_a_policy_is_found_and_named() {
    let spec = Spec::new(Space::unbounded(1).unwrap(), Space::symmetric(2, 1.0).unwrap());
    let mut obs = RowBuf::new(1);
    (0..5).for_each(|i| obs.push(&[i as f32]));
    let check = |anybody, spoil: Spoil| {
        let inner = UniformPolicy::new(&spec).unwrap();
        check_policy(&Spoilt { inner, spoil, anybody }, obs.view())
    };
    static CALLS: AtomicU32 = AtomicU32::new(0);
    check(false, |_, _, _, _| {}).unwrap();
    let faults: [(Spoil, &str); 4] = [
        (|_, _, _, act| act.row_mut(0)[1] = 1.5, "the action of row 0"),
        (
            |_, _, _, act| act.row_mut(0)[0] = CALLS.fetch_add(1, Ordering::Relaxed) as f32 / 1000.0,
            "the same call gave other bits",
        ),
        (|obs, _, _, act| act.row_mut(0)[0] = 1.0 / obs.len() as f32, "a row must not see its neighbours"),
        (
            |_, noise, mode, act| {
                if mode == Mode::Mean {
                    act.row_mut(0)[0] = noise.uniforms.row(0)[0];
                }
            },
            "the mean depends on the noise",
        ),
    ];
    for (spoil, says) in faults {
        let error = check(false, spoil).expect_err(says);
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = check(true, |_, _, _, _| {}).unwrap_err();
    assert!(error.to_string().contains("member 1 of as many was accepted"), "{error}");
}
