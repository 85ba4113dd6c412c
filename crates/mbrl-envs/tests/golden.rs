//! Every golden row of the reference implementations: `golden/NOTES.md` says how they were made.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{Env, Key};
use mbrl_envs::{AcrobotSwingup, Cartpole, CartpoleSwingup, Chance, MountainCar, Observed, Pendulum, Sim};

/// A file of rows, and how far from it we may be.
struct Golden {
    text: &'static str,
    rows: usize,
    /// Rows that follow on the row before them.
    chained: usize,
    /// Largest |ours − theirs| / max(1, |theirs|) of a state after one step, and along a trajectory of up to 20. Zero is
    /// equal to the bit. What is not zero is a few times what was measured.
    state: f64,
    chain: f64,
}

/// One step of the reference.
struct Row {
    state: Vec<f64>,
    act: Vec<f32>,
    next_state: Vec<f64>,
    obs: Vec<f32>,
    reward: f64,
    terminated: bool,
}

fn parse(text: &str) -> Vec<Row> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            assert_eq!(cells.len(), header.len());
            let of = |name: &str| -> Vec<f64> {
                let named = |column: &str| column.strip_prefix(name).is_some_and(|i| i.parse::<u8>().is_ok());
                let columns = header.iter().zip(&cells);
                columns.filter(|(column, _)| named(column)).map(|(_, cell)| *cell).collect()
            };
            Row {
                state: of("state"),
                act: of("act").into_iter().map(|a| a as f32).collect(),
                next_state: of("next_state"),
                obs: of("obs").into_iter().map(|x| x as f32).collect(),
                reward: cells[cells.len() - 2],
                terminated: cells[cells.len() - 1] > 0.5,
            }
        })
        .collect()
}

fn distance(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let apart = |(a, b): (&f64, &f64)| match a.to_bits() == b.to_bits() {
        true => 0.0,
        // So that 0 and −0 are apart, too.
        false => (a - b).abs().max(f64::MIN_POSITIVE) / b.abs().max(1.0),
    };
    ours.iter().zip(theirs).map(apart).fold(0.0, f64::max)
}

impl Golden {
    /// Each row by itself, then each trajectory from its first state.
    fn check<S: Observed>(&self, system: S) {
        let rows = parse(self.text);
        assert_eq!(rows.len(), self.rows);
        let mut sim = Sim::new(system.clone());
        let key = Key::root(0);
        let mut first_obs = vec![0.0; sim.spec().obs.dim()];
        let mut obs = first_obs.clone();
        let mut worst: f64 = 0.0;
        for (i, row) in rows.iter().enumerate() {
            sim.set_state(&row.state, &mut first_obs).unwrap();
            let step = sim.step(&row.act, key, &mut obs).unwrap();
            let bits = |obs: &[f32]| obs.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&obs), bits(&row.obs), "row {i}: observed {obs:?} for {:?}", row.obs);
            let (ours, theirs) = (f64::from(step.reward), row.reward);
            assert!(
                (ours - theirs).abs() <= 1e-5 + 1e-6 * theirs.abs(),
                "row {i}: reward {ours} for {theirs}"
            );
            assert_eq!(step.end.is_end(), row.terminated, "row {i}");
            // A terminated episode has no state to ask for: the dynamics tell it.
            let nothing = Chance { normals: &[], uniforms: &[] };
            let state = S::State::try_from(row.state.as_slice()).ok().unwrap();
            let next = system.advance(&state, &row.act, nothing);
            worst = worst.max(distance(next.as_ref(), &row.next_state));
        }
        assert!(worst <= self.state, "a state is {worst:e} off");

        let (mut worst, mut chained): (f64, usize) = (0.0, 0);
        let mut before: Option<&Row> = None;
        for row in &rows {
            let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
            if before.is_some_and(|before| same(&before.next_state, &row.state) && !before.terminated) {
                chained += 1;
            } else {
                sim.set_state(&row.state, &mut obs).unwrap();
            }
            sim.step(&row.act, key, &mut obs).unwrap();
            if let Some(state) = sim.state() {
                worst = worst.max(distance(state, &row.next_state));
            }
            before = Some(row);
        }
        assert_eq!(chained, self.chained);
        assert!(worst <= self.chain, "a state is {worst:e} off along a trajectory");
    }
}

#[test]
fn pendulum() {
    let text = include_str!("../golden/pendulum.csv");
    Golden { text, rows: 216, chained: 133, state: 0.0, chain: 0.0 }.check(Pendulum);
}

#[test]
fn cartpole() {
    let text = include_str!("../golden/cartpole.csv");
    Golden { text, rows: 217, chained: 130, state: 0.0, chain: 0.0 }.check(Cartpole);
}

#[test]
fn cartpole_swingup() {
    let text = include_str!("../golden/cartpole-swingup.csv");
    Golden { text, rows: 200, chained: 133, state: 1e-15, chain: 1e-15 }.check(CartpoleSwingup::default());
}

#[test]
fn cartpole_swingup_sparse() {
    let text = include_str!("../golden/cartpole-swingup-sparse.csv");
    Golden { text, rows: 200, chained: 133, state: 1e-15, chain: 1e-15 }.check(CartpoleSwingup::sparse());
}

#[test]
fn cartpole_swingup_limit() {
    let text = include_str!("../golden/cartpole-swingup-limit.csv");
    Golden { text, rows: 72, chained: 22, state: 1e-15, chain: 1e-15 }.check(CartpoleSwingup::default());
}

#[test]
fn acrobot_swingup() {
    let text = include_str!("../golden/acrobot-swingup.csv");
    Golden { text, rows: 210, chained: 133, state: 5e-15, chain: 5e-15 }.check(AcrobotSwingup::default());
}

#[test]
fn mountain_car() {
    let text = include_str!("../golden/mountain-car.csv");
    Golden { text, rows: 268, chained: 133, state: 0.0, chain: 0.0 }.check(MountainCar);
}
