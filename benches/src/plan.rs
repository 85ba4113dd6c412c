//! Planning at the setting of mbrl-lib's cartpole: against the floor of its FLOPs, and against the model alone.

use crate::nn::{GEMM, SQUARE_FLOPS, gemm, pool};
use crate::{Case, Pair, Share};
use mbrl_core::{Belief, End, Key, Mode, ModelInput, ModelOutput, NoiseBuf, RowBuf, Scratch, Spec, Task};
use mbrl_models::{Ensemble, EnsembleConfig};
use mbrl_plan::{Assignment, CHUNK, Diverged, ModelScore, PlannerConfig, Returns, Rollout, Workspace};

const POPULATION: usize = 350;
const PARTICLES: usize = 20;
const HORIZON: usize = 15;
const ITERATIONS: usize = 5;
const MEMBERS: [u16; 7] = [0, 1, 2, 3, 4, 5, 6];

/// Steps imagined for one action.
const STEPS: usize = POPULATION * PARTICLES * HORIZON * ITERATIONS;
/// A network of 5 inputs, four layers of 200 and 8 outputs: mean and log-variance of four numbers.
const FLOPS: f64 = (2 * STEPS * (5 * 200 + 3 * 200 * 200 + 200 * 8)) as f64;

const NAME: &str = "cem/350x20x15x5/7x5-200x4-8";

const fn action(threads: usize, target: f64, prepare: fn() -> Pair) -> Case {
    let share = Share::OfRate { work: FLOPS, floor: SQUARE_FLOPS };
    Case { group: "plan", name: NAME, threads, floor: GEMM, share, target, items: STEPS as u64, prepare }
}

pub(crate) const ACTION_1: Case = action(1, 0.75, || Pair { work: planning(1), floor: gemm(1) });
pub(crate) const ACTION_2: Case = action(2, 0.7, || Pair { work: planning(2), floor: gemm(2) });

pub(crate) const OVERHEAD: Case = Case {
    name: "cem/350x20x15x5/7x5-200x4-8/model-share",
    floor: "the model alone, asked for as many rows in such chunks",
    share: Share::OfTime,
    ..action(1, 0.95, || Pair { work: planning(1), floor: asking() })
};

/// The ensemble, and a task like the cart's but that no row ends, so that every row is imagined to the horizon.
fn ensemble() -> (Spec, Ensemble) {
    let entry = mbrl_envs::find("cartpole").expect("an environment");
    let (spec, task) = (entry.spec(), entry.task());
    let task = Task { termination: None, ..task }.terminating(|_, _, _| false);
    let ensemble = Ensemble::new(&spec, &task, EnsembleConfig::default(), Key::root(0)).expect("an ensemble");
    (spec, ensemble)
}

/// One action by CEM with particles.
fn planning(threads: usize) -> Box<dyn FnMut()> {
    let (spec, ensemble) = ensemble();
    let config = PlannerConfig::preset("cem", "mbrl-lib").expect("a preset");
    let mut optimizer = config.build(&spec.act, HORIZON).expect("an optimizer");
    let mut workspace = Workspace::new(Returns::new(1.0).expect("a discount"));
    let (pool, mut plan, mut turn) = (pool(threads), RowBuf::zeros(HORIZON, 1), 0);
    Box::new(move || {
        pool.install(|| {
            turn += 1;
            let rollout = Rollout {
                model: ensemble.model(),
                assignment: Assignment::TsInfinity(&MEMBERS),
                replicas: PARTICLES,
                horizon: HORIZON,
                mode: Mode::Sample,
                diverged: Diverged::Refuse,
            };
            let mut score = ModelScore::new(rollout, &[0.01, 0.0, 0.02, 0.0], &mut workspace);
            let found =
                optimizer.optimize(&mut score, Key::root(0).at(turn), plan.view_mut()).expect("a plan");
            assert_eq!(found.evaluations, POPULATION * ITERATIONS);
            assert_eq!(score.effort().steps, STEPS as u64);
        });
    })
}

/// As many rows as one action takes, through the model in chunks of the same size and with as many members to a chunk.
fn asking() -> Box<dyn FnMut()> {
    let (_, ensemble) = ensemble();
    let (rows, pool) = (POPULATION * PARTICLES, pool(1));
    let member: Vec<u16> = (0..rows).map(|row| (row / POPULATION * 7 / PARTICLES) as u16).collect();
    let (state, act) = (RowBuf::zeros(rows, 4), RowBuf::zeros(rows, 1));
    let mut noise = NoiseBuf::default();
    noise.fill(ensemble.model().noise_spec(), rows, Key::root(0));
    let (mut next, mut reward, mut end) = (RowBuf::zeros(rows, 4), vec![0.0; rows], vec![End::Running; rows]);
    let mut scratch = Scratch::default();
    Box::new(move || {
        pool.install(|| {
            for _ in 0..HORIZON * ITERATIONS {
                for from in (0..rows).step_by(CHUNK) {
                    let chunk = from..(from + CHUNK).min(rows);
                    let input = ModelInput {
                        state: state.view().slice(chunk.clone()),
                        act: act.view().slice(chunk.clone()),
                        member: &member[chunk.clone()],
                        noise: noise.view().slice(chunk.clone()),
                        mode: Mode::Sample,
                    };
                    let mut next = next.view_mut();
                    let out = ModelOutput {
                        next_state: next.slice_mut(chunk.clone()),
                        reward: &mut reward[chunk.clone()],
                        end: &mut end[chunk],
                    };
                    ensemble.model().step(input, out, &mut scratch).expect("successors");
                }
            }
        });
    })
}
