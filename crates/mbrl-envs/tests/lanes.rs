//! Lanes are single environments, side by side.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{End, Env, Key, LaneSteps, Result, RowBuf, Snapshot, Spec, Step, VecEnv};
use mbrl_envs::{ALL, Cartpole, Lanes, Sim, TimeLimit, make};

/// More than two chunks, so that the parallel version has something to do.
const LANES: usize = 150;

fn actions(spec: &Spec, key: Key) -> RowBuf {
    let mut act = RowBuf::zeros(LANES, spec.act.dim());
    for lane in 0..LANES {
        let key = key.at(lane as u64);
        let uniforms: Vec<f32> = (0..spec.act.dim() as u64).map(|i| key.at(i).uniform()).collect();
        spec.act.from_uniforms(&uniforms, act.row_mut(lane));
    }
    act
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// With and without the feature `rayon` lanes must give what this plain loop gives: the same bits.
#[test]
fn lanes_are_single_environments_bit_for_bit() {
    for entry in ALL {
        let mut lanes = Lanes::new(LANES, || Ok(entry.make())).unwrap();
        let spec = lanes.spec().clone();
        let mut out = LaneSteps::new(LANES, spec.obs.dim());
        let mut singles: Vec<_> = (0..LANES).map(|_| entry.make()).collect();
        let mut acting_on = RowBuf::zeros(LANES, spec.obs.dim());
        let mut successor = vec![0.0; spec.obs.dim()];
        let root = Key::root(7);
        lanes.reset(root, &mut out).unwrap();
        for (lane, env) in singles.iter_mut().enumerate() {
            env.reset(root.at(lane as u64), acting_on.row_mut(lane)).unwrap();
        }
        assert_eq!(bits(out.obs.as_slice()), bits(acting_on.as_slice()), "{}", entry.name);
        let mut ended = 0;
        for t in 0..60 {
            let act = actions(&spec, root.child("act").at(t));
            let key = root.child("world").at(t);
            lanes.step(act.view(), key, &mut out).unwrap();
            for (lane, env) in singles.iter_mut().enumerate() {
                let key = key.at(lane as u64);
                let step = env.step(act.row(lane), key, &mut successor).unwrap();
                assert_eq!(bits(out.next_obs.row(lane)), bits(&successor), "{} {t} {lane}", entry.name);
                assert_eq!(out.reward[lane].to_bits(), step.reward.to_bits());
                assert_eq!(out.end[lane], step.end);
                if step.end.is_end() {
                    ended += 1;
                    env.reset(key.child("reset"), &mut successor).unwrap();
                }
                assert_eq!(bits(out.obs.row(lane)), bits(&successor), "{} {t} {lane}", entry.name);
            }
        }
        assert!(ended > 0 || spec.time_limit.unwrap() > 60, "{}", entry.name);
    }
}

#[test]
fn after_an_end_there_are_the_true_successor_and_the_next_start() {
    let mut lanes = Lanes::new(3, || TimeLimit::new(Sim::new(Cartpole), 2)).unwrap();
    let mut out = LaneSteps::new(3, 4);
    lanes.reset(Key::root(0), &mut out).unwrap();
    let act = RowBuf::zeros(3, 1);
    lanes.step(act.view(), Key::root(1), &mut out).unwrap();
    assert_eq!(out.end, [End::Running; 3]);
    assert_eq!(out.obs, out.next_obs);
    lanes.step(act.view(), Key::root(2), &mut out).unwrap();
    assert_eq!(out.end, [End::Truncated; 3]);
    for lane in 0..3 {
        assert_ne!(out.obs.row(lane), out.next_obs.row(lane));
        assert!(out.obs.row(lane).iter().all(|x| x.abs() <= 0.05), "no start: {:?}", out.obs.row(lane));
    }
}

#[test]
fn a_bad_action_names_its_lane_and_moves_none() {
    let mut lanes = Lanes::new(LANES, || make("cartpole")).unwrap();
    let spec = lanes.spec().clone();
    let mut out = LaneSteps::new(LANES, 4);
    lanes.reset(Key::root(0), &mut out).unwrap();
    let snapshots =
        |lanes: &Lanes<Box<dyn Env>>| lanes.envs().iter().map(|env| env.snapshot()).collect::<Vec<_>>();
    let (before, shown) = (snapshots(&lanes), out.clone());
    let mut act = actions(&spec, Key::root(1));
    act.row_mut(77)[0] = f32::NAN;
    act.row_mut(120)[0] = f32::INFINITY;
    let error = lanes.step(act.view(), Key::root(2), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "lane 77: action[0] is NaN: give finite numbers");
    assert_eq!(snapshots(&lanes), before);
    assert_eq!(out, shown);
    let few = RowBuf::zeros(LANES - 1, 1);
    assert!(lanes.step(few.view(), Key::root(2), &mut out).unwrap_err().is_invalid());
    let wide = RowBuf::zeros(LANES, 2);
    assert!(lanes.step(wide.view(), Key::root(2), &mut out).unwrap_err().to_string().starts_with("lane 0:"));
    assert_eq!(snapshots(&lanes), before);
}

#[test]
fn room_of_another_shape_is_refused() {
    let mut lanes = Lanes::new(2, || make("cartpole")).unwrap();
    for (rows, dim) in [(1, 4), (3, 4), (2, 3)] {
        assert!(lanes.reset(Key::root(0), &mut LaneSteps::new(rows, dim)).unwrap_err().is_invalid());
    }
    let ragged = LaneSteps { next_obs: RowBuf::zeros(1, 4), ..LaneSteps::new(2, 4) };
    assert!(lanes.reset(Key::root(0), &mut ragged.clone()).unwrap_err().is_invalid());
    let ragged = LaneSteps { end: vec![], ..LaneSteps::new(2, 4) };
    assert!(lanes.reset(Key::root(0), &mut ragged.clone()).unwrap_err().is_invalid());
}

#[test]
fn lanes_that_cannot_be_are_refused() {
    assert!(Lanes::new(0, || make("pendulum")).unwrap_err().is_invalid());
    let mut names = ["pendulum", "cartpole"].into_iter();
    let error = Lanes::new(2, || make(names.next().unwrap())).unwrap_err();
    assert!(error.to_string().contains("lane 1"), "{error}");
}

/// Steps the lanes under drawn actions, and returns all that they wrote.
fn follow<E: Env>(lanes: &mut Lanes<E>, steps: std::ops::Range<u64>) -> Vec<LaneSteps> {
    let spec = lanes.spec().clone();
    let mut out = LaneSteps::new(LANES, spec.obs.dim());
    let key = Key::root(13);
    steps
        .map(|t| {
            lanes
                .step(actions(&spec, key.child("act").at(t)).view(), key.child("world").at(t), &mut out)
                .unwrap();
            out.clone()
        })
        .collect()
}

#[test]
fn a_snapshot_of_all_lanes_goes_on_bit_for_bit_in_others() {
    for entry in ALL {
        let lanes = || Lanes::new(LANES, || Ok(entry.make())).unwrap();
        let (mut first, mut other) = (lanes(), lanes());
        assert_eq!(first.snapshot(), other.snapshot());
        let mut out = LaneSteps::new(LANES, first.spec().obs.dim());
        first.reset(Key::root(12), &mut out).unwrap();
        follow(&mut first, 0..17);
        let snapshot = first.snapshot().unwrap();
        // Past the end of every episode, so that lanes start anew on the way.
        let steps = u64::from(entry.spec().time_limit.unwrap()) + 5;
        let gone = follow(&mut first, 17..17 + steps);
        assert!(gone.iter().flat_map(|out| &out.end).filter(|end| end.is_end()).count() >= LANES);
        for lanes in [&mut other, &mut first] {
            lanes.restore(&snapshot).unwrap();
            assert_eq!(lanes.snapshot().unwrap(), snapshot, "{}", entry.name);
            for (a, b) in follow(lanes, 17..17 + steps).iter().zip(&gone) {
                assert_eq!(bits(a.obs.as_slice()), bits(b.obs.as_slice()), "{}", entry.name);
                assert_eq!(bits(a.next_obs.as_slice()), bits(b.next_obs.as_slice()), "{}", entry.name);
                assert_eq!((bits(&a.reward), &a.end), (bits(&b.reward), &b.end), "{}", entry.name);
            }
        }
    }
}

#[test]
fn a_snapshot_that_is_foreign_or_damaged_changes_no_lane() {
    let mut lanes = Lanes::new(3, || make("pendulum")).unwrap();
    let mut out = LaneSteps::new(3, 3);
    lanes.reset(Key::root(0), &mut out).unwrap();
    let other = lanes.snapshot().unwrap();
    lanes.step(RowBuf::zeros(3, 1).view(), Key::root(1), &mut out).unwrap();
    let before = lanes.snapshot().unwrap();
    let good = other.as_bytes();
    let damaged = |at: usize, with: &[u8]| {
        let mut bytes = good.to_vec();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    // A lane is its length, two numbers and the steps done: four words.
    let lane = |i: usize| 8 + 32 * i;
    let two = Lanes::new(2, || make("pendulum")).unwrap().snapshot().unwrap();
    let idle = Lanes::new(3, || make("cartpole")).unwrap().snapshot().unwrap();
    let mut cartpoles = Lanes::new(3, || make("cartpole")).unwrap();
    cartpoles.reset(Key::root(0), &mut LaneSteps::new(3, 4)).unwrap();
    let mut bad = vec![
        Vec::new(),
        vec![3; 8],
        [good, &[0]].concat(),
        [good, &[0; 8]].concat(),
        two.as_bytes().to_vec(),
        cartpoles.snapshot().unwrap().as_bytes().to_vec(),
        make("pendulum").unwrap().snapshot().unwrap().as_bytes().to_vec(),
        damaged(0, &2u64.to_le_bytes()),
        damaged(0, &u64::MAX.to_le_bytes()),
        damaged(lane(1), &u64::MAX.to_le_bytes()),
        damaged(lane(1), &23u64.to_le_bytes()),
        // The lanes before these are sound, and have to go back.
        damaged(lane(1) + 8, &f64::NAN.to_le_bytes()),
        damaged(lane(2) + 16, &9.0f64.to_le_bytes()),
        damaged(lane(2) + 24, &200u64.to_le_bytes()),
    ];
    bad.extend((0..good.len()).map(|len| good[..len].to_vec()));
    for bytes in bad {
        let error = lanes.restore(&Snapshot::from_bytes(bytes.clone())).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
        assert_eq!(lanes.snapshot().unwrap(), before, "{error}");
    }
    let last = Snapshot::from_bytes(damaged(lane(2) + 16, &9.0f64.to_le_bytes()));
    assert!(lanes.restore(&last).unwrap_err().to_string().starts_with("lane 2: "));
    // Between episodes every environment of this crate is the same: nothing.
    lanes.restore(&idle).unwrap();
    lanes.restore(&other).unwrap();
    assert_eq!(lanes.snapshot().unwrap(), other);
}

/// A world that cannot tell its state, in some lanes.
struct Secretive(Sim<Cartpole>, bool);

impl Env for Secretive {
    fn spec(&self) -> &Spec {
        self.0.spec()
    }

    fn reset(&mut self, key: Key, obs: &mut [f32]) -> Result<()> {
        self.0.reset(key, obs)
    }

    fn step(&mut self, act: &[f32], key: Key, obs: &mut [f32]) -> Result<Step> {
        self.0.step(act, key, obs)
    }

    fn snapshot(&self) -> Option<Snapshot> {
        if self.1 { None } else { self.0.snapshot() }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.0.restore(snapshot)
    }
}

#[test]
fn where_one_lane_has_no_snapshot_there_is_none() {
    let mut secretive = [false, false, true].into_iter();
    let mut lanes = Lanes::new(3, || Ok(Secretive(Sim::new(Cartpole), secretive.next().unwrap()))).unwrap();
    assert!(lanes.snapshot().is_none());
    let open = Lanes::new(3, || Ok(Sim::new(Cartpole))).unwrap().snapshot().unwrap();
    assert!(lanes.restore(&open).unwrap_err().is_unsupported());
}
