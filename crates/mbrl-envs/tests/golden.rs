//! Every golden row of the reference implementations: `golden/NOTES.md` says how they were made.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_core::{End, Env, Key, Step};
use mbrl_envs::{AcrobotSwingup, Cartpole, CartpoleSwingup, Chance, MountainCar, Observed, Pendulum, Sim};

/// What is promised is 1e-9. The reference and we call the sine and cosine of our platforms, whose last bits may differ; where
/// these tests were written they hold within 5e-15. So this bound leaves room for another library, and for no mistake.
const STATE: f64 = 1e-12;

/// A file of rows, and how far from it we may be.
struct Golden {
    text: &'static str,
    rows: usize,
    /// Rows that follow on the row before them.
    chained: usize,
    /// Rows from where no episode can be, which the system alone is asked for.
    outside: usize,
    /// Largest |ours − theirs| / max(1, |theirs|) of a state after one step, and along a trajectory of up to 20. Zero is equal
    /// to the bit, of what is observed as well.
    state: f64,
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
        let nothing = Chance { normals: &[], uniforms: &[] };
        let mut first_obs = vec![0.0; system.spec().obs.dim()];
        let mut obs = first_obs.clone();
        for (i, row) in rows.iter().enumerate() {
            let state = S::State::try_from(row.state.as_slice()).ok().unwrap();
            let next = system.advance(&state, &row.act, nothing);
            system.observe(&state, &mut first_obs);
            system.observe(&next, &mut obs);
            let reward = system.reward(&first_obs, &row.act, &obs);
            let end = if system.terminated(&obs) { End::Terminated } else { End::Running };
            self.check_row(i, row, next.as_ref(), &obs, Step { reward: reward as f32, end });
        }

        let mut sim = Sim::new(system);
        let (mut chained, mut outside) = (0, 0);
        let mut before: Option<&Row> = None;
        for (i, row) in rows.iter().enumerate() {
            let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
            if before.is_some_and(|before| same(&before.next_state, &row.state) && !before.terminated) {
                chained += 1;
            } else if sim.set_state(&row.state, &mut obs).is_err() {
                (outside, before) = (outside + 1, None);
                continue;
            }
            let step = sim.step(&row.act, Key::root(0), &mut obs).unwrap();
            // A terminated episode has no state to ask for.
            self.check_row(i, row, sim.state().unwrap_or(&row.next_state), &obs, step);
            before = Some(row);
        }
        assert_eq!((chained, outside), (self.chained, self.outside));
    }

    fn check_row(&self, i: usize, row: &Row, state: &[f64], obs: &[f32], step: Step) {
        let off = distance(state, &row.next_state);
        assert!(off <= self.state, "row {i}: the state is {off:e} off");
        let near = |(a, b): (&f32, &f32)| {
            let neighbours = (b.next_down()..=b.next_up()).contains(a);
            let bits = a.to_bits() == b.to_bits();
            // Near 0 neighbours are nearer than the state is promised to be.
            bits || self.state > 0.0 && (neighbours || f64::from((a - b).abs()) <= self.state)
        };
        assert!(obs.iter().zip(&row.obs).all(near), "row {i}: observed {obs:?} for {:?}", row.obs);
        let (ours, theirs) = (f64::from(step.reward), row.reward);
        assert!((ours - theirs).abs() <= 1e-5 + 1e-6 * theirs.abs(), "row {i}: reward {ours} for {theirs}");
        assert_eq!(step.end.is_end(), row.terminated, "row {i}");
    }
}

#[test]
fn pendulum() {
    let text = include_str!("../golden/pendulum.csv");
    Golden { text, rows: 216, chained: 133, outside: 0, state: STATE }.check(Pendulum);
}

#[test]
fn cartpole() {
    let text = include_str!("../golden/cartpole.csv");
    Golden { text, rows: 217, chained: 130, outside: 16, state: STATE }.check(Cartpole);
}

#[test]
fn cartpole_swingup() {
    let text = include_str!("../golden/cartpole-swingup.csv");
    Golden { text, rows: 200, chained: 133, outside: 0, state: STATE }.check(CartpoleSwingup::default());
}

#[test]
fn cartpole_swingup_sparse() {
    let text = include_str!("../golden/cartpole-swingup-sparse.csv");
    Golden { text, rows: 200, chained: 133, outside: 0, state: STATE }.check(CartpoleSwingup::sparse());
}

#[test]
fn cartpole_swingup_limit() {
    let text = include_str!("../golden/cartpole-swingup-limit.csv");
    Golden { text, rows: 72, chained: 22, outside: 0, state: STATE }.check(CartpoleSwingup::default());
}

#[test]
fn acrobot_swingup() {
    let text = include_str!("../golden/acrobot-swingup.csv");
    Golden { text, rows: 210, chained: 133, outside: 0, state: STATE }.check(AcrobotSwingup::default());
}

/// The reference rounds to `f32` at every turn, which leaves nothing of the last bit of a cosine: these have the same bits.
#[test]
fn mountain_car() {
    let text = include_str!("../golden/mountain-car.csv");
    Golden { text, rows: 268, chained: 133, outside: 0, state: 0.0 }.check(MountainCar);
}
