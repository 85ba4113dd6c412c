//! `check_env`, `check_task` and `check_physics` find every fault that they say they look for.

use mbrl_core::{
    End, Env, Key, Noise, NoiseSpec, Physics, Result, Rows, RowsMut, Snapshot, Space, Spec, Step, Task,
};
use mbrl_testkit::fakes::Corridor;
use mbrl_testkit::{check_env, check_physics, check_task};
use std::cell::Cell;

/// What is wrong with an environment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    StepBeforeReset,
    StepAfterEnd,
    ObservationOutside,
    RewardNaN,
    OwnRandomness,
    NaNAccepted,
    LengthUnchecked,
    ChangedByRefusal,
    ForeignSnapshot,
    ForgetfulSnapshot,
    SnapshotForgetsEnd,
    LateLimit,
    UnwrittenObservation,
    SnapshotWithoutRestore,
}

/// A corridor that is always walked for at most 20 steps, with a fault.
struct Faulty {
    inner: Corridor,
    spec: Spec,
    elapsed: u32,
    fault: Fault,
}

thread_local! {
    static GLOBAL: Cell<u32> = const { Cell::new(0) };
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        let inner = Corridor::new(5);
        let spec = Spec { time_limit: Some(20), ..inner.spec().clone() };
        Faulty { inner, spec, elapsed: 0, fault }
    }

    fn running(&self) -> bool {
        let state = self.inner.snapshot().expect("a corridor has snapshots");
        state.to_f64s::<1>().expect("a corridor is one number")[0] >= 0.0 && self.elapsed < 20
    }
}

impl Env for Faulty {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        self.elapsed = 0;
        self.inner.reset(key, obs)?;
        if self.fault == Fault::OwnRandomness {
            obs[0] = GLOBAL.get() as f32 / 10_000.0;
            GLOBAL.set(GLOBAL.get() + 1);
        }
        Ok(())
    }

    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
        let asleep = !self.running();
        let forgives = match self.fault {
            Fault::StepBeforeReset => self.elapsed == 0,
            Fault::StepAfterEnd => self.elapsed > 0,
            _ => false,
        };
        if asleep && forgives {
            return Ok(Step { reward: 0.0, end: End::Running });
        }
        if asleep {
            return Err(mbrl_core::Error::invalid("reset first"));
        }
        if self.fault == Fault::ChangedByRefusal && act.iter().any(|a| !a.is_finite()) {
            self.inner.step(&[0.25], key, obs)?;
        }
        let mut act = act.to_vec();
        if self.fault == Fault::NaNAccepted && act.iter().any(|a| a.is_nan()) {
            act[0] = 0.0;
        }
        if self.fault == Fault::LengthUnchecked {
            act.resize(1, 0.0);
        }
        let mut step = self.inner.step(&act, key, obs)?;
        self.elapsed += 1;
        let limit = if self.fault == Fault::LateLimit { 21 } else { 20 };
        if step.end == End::Running && self.elapsed == limit {
            step.end = End::Truncated;
        }
        match self.fault {
            Fault::ObservationOutside => obs[0] -= 7.0,
            Fault::UnwrittenObservation => obs[0] = f32::NAN,
            Fault::RewardNaN => step.reward = f32::NAN,
            Fault::LateLimit if self.elapsed == 20 => self.elapsed = 19,
            _ => {}
        }
        Ok(step)
    }

    fn snapshot(&self) -> Option<Snapshot> {
        let elapsed = if self.fault == Fault::ForgetfulSnapshot { 0 } else { self.elapsed };
        Some(self.inner.snapshot()?.with(u64::from(elapsed)))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        if self.fault == Fault::SnapshotWithoutRestore {
            return Err(mbrl_core::Error::unsupported("not written yet"));
        }
        if self.fault == Fault::ForeignSnapshot && snapshot.as_bytes().len() == 4096 {
            return Ok(());
        }
        let (inner, elapsed) = snapshot.split()?;
        self.inner.restore(&inner)?;
        self.elapsed = elapsed as u32;
        if self.fault == Fault::SnapshotForgetsEnd && !self.running() {
            self.reset(Key::root(0), &mut [0.0])?;
        }
        Ok(())
    }
}

#[test]
fn every_fault_is_found_and_named() {
    check_env(|| Ok(Faulty::new(Fault::None))).unwrap();
    for (fault, says) in [
        (Fault::StepBeforeReset, "before the first reset was accepted"),
        (Fault::StepAfterEnd, "after the end of the episode was accepted"),
        (Fault::ObservationOutside, "outside the spec's"),
        (Fault::RewardNaN, "the reward is NaN"),
        (Fault::OwnRandomness, "draw all randomness from the key"),
        (Fault::NaNAccepted, "an action with a NaN was accepted"),
        (Fault::LengthUnchecked, "too short was accepted"),
        (Fault::ChangedByRefusal, "a refused action changed the environment"),
        (Fault::ForeignSnapshot, "foreign bytes were accepted"),
        (Fault::ForgetfulSnapshot, "after a restored snapshot differs"),
        (Fault::SnapshotForgetsEnd, "the snapshot must say that it ended"),
        (Fault::LateLimit, "under a time limit of 20"),
        (Fault::UnwrittenObservation, "write every number"),
        (Fault::SnapshotWithoutRestore, "or let `snapshot` return None"),
    ] {
        let error = check_env(|| Ok(Faulty::new(fault))).expect_err(&format!("{fault:?} was not found"));
        assert!(error.to_string().contains(says), "{fault:?}: {error}");
    }
}

fn corridor_task(gain: f32, end: f32) -> Task {
    Task::unknown()
        .rewarding(move |obs, _, next_obs| gain * (next_obs[0] - obs[0]))
        .terminating(move |_, _, next_obs| next_obs[0] >= end)
}

#[test]
fn a_task_that_says_otherwise_is_found() {
    check_task(&mut Corridor::new(3), &corridor_task(1.0, 3.0)).unwrap();
    check_task(&mut Corridor::new(3), &Task::unknown()).unwrap();
    let error = check_task(&mut Corridor::new(3), &corridor_task(1.5, 3.0)).unwrap_err();
    assert!(error.to_string().contains("let the environment use the task's reward"), "{error}");
    let error = check_task(&mut Corridor::new(3), &corridor_task(1.0, 2.0)).unwrap_err();
    assert!(error.to_string().contains("says Terminated"), "{error}");
}

struct Walk(f32);

impl Physics for Walk {
    fn noise_spec(&self) -> NoiseSpec {
        NoiseSpec::default()
    }

    fn successors(
        &self,
        obs: Rows<'_>,
        act: Rows<'_>,
        _: Noise<'_>,
        mut next_obs: RowsMut<'_>,
    ) -> Result<()> {
        for i in 0..obs.len() {
            next_obs.row_mut(i)[0] = (obs.row(i)[0] + self.0 * act.row(i)[0]).clamp(0.0, 3.0);
        }
        Ok(())
    }
}

#[test]
fn physics_that_leads_elsewhere_is_found() {
    check_physics(&mut Corridor::new(3), &Walk(1.0), 1e-6).unwrap();
    for wrong in [1.001, f32::NAN] {
        let error = check_physics(&mut Corridor::new(3), &Walk(wrong), 1e-6).unwrap_err();
        assert!(error.to_string().contains("let both use the same dynamics"), "{error}");
    }
}

/// Walks down a corridor and never refuses a step; `outside` says whether what it then does leaves its own space.
struct Careless {
    spec: Spec,
    place: f32,
    outside: bool,
}

impl Careless {
    fn new(outside: bool) -> Self {
        let obs = Space::bounded(&[1.0], &[7.0]).expect("bounds in order");
        Careless {
            spec: Spec::new(obs, Space::symmetric(1, 1.0).expect("bounds in order")),
            place: 4.0,
            outside,
        }
    }
}

impl Env for Careless {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn reset(&mut self, _: Key, obs: &mut [f32]) -> Result<()> {
        self.place = 7.0;
        obs[0] = self.place;
        Ok(())
    }

    fn step(&mut self, act: &[f32], _: Key, obs: &mut [f32]) -> Result<Step> {
        self.spec.check_action(act)?;
        self.place -= 1.0;
        obs[0] = if self.outside { self.place } else { self.place.max(1.0) };
        Ok(Step { reward: 0.0, end: if self.place <= 1.0 { End::Terminated } else { End::Running } })
    }
}

/// A complaint of the check's own about the observation is no refusal by the environment.
#[test]
fn an_environment_that_never_refuses_a_step_is_found_wherever_it_goes() {
    for outside in [false, true] {
        let error = check_env(|| Ok(Careless::new(outside))).unwrap_err();
        assert!(error.to_string().contains("was accepted: refuse it"), "{error}");
    }
}

/// Two choices, of which it checks only that there is one finite number.
struct AnyChoice {
    spec: Spec,
    running: bool,
}

impl Env for AnyChoice {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn reset(&mut self, _: Key, obs: &mut [f32]) -> Result<()> {
        self.running = true;
        obs[0] = 0.0;
        Ok(())
    }

    fn step(&mut self, act: &[f32], _: Key, obs: &mut [f32]) -> Result<Step> {
        if !self.running || act.len() != 1 || !act[0].is_finite() {
            return Err(mbrl_core::Error::invalid("one finite number, after a reset"));
        }
        obs[0] = 0.0;
        Ok(Step { reward: 0.0, end: End::Running })
    }
}

#[test]
fn numbers_that_are_no_choice_must_be_refused() {
    let spec = Spec::new(Space::unbounded(1).unwrap(), Space::discrete(2).unwrap());
    let error = check_env(|| Ok(AnyChoice { spec: spec.clone(), running: false })).unwrap_err();
    assert!(error.to_string().contains("an action of 2 among 2 choices was accepted"), "{error}");
}
