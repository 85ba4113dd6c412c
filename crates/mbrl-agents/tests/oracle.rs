//! Planning in the true world comes near the optimum, where that is known: what an agent falls short of beyond this is the
//! fault of what it has learnt. All keys are fixed, so that every number here is the same in every run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_agents::{Actor, Agent, ModelConfig, PlanningAgent, PlanningConfig, Setup, evaluate, mean};
use mbrl_core::{End, Env, Key, Mode, NullRecorder, Origin, Result, Transition};
use mbrl_envs::{Lqr, Pendulum, Riccati, Sim, find};
use mbrl_models::Oracle;
use mbrl_plan::{
    ActionGrid, Assignment, Axis, CemConfig, Diverged, Grid, GridProblem, Lookahead, ModelScore, Mpc,
    PlannerConfig, Returns, Rollout, Sampling, Workspace,
};
use std::f64::consts::PI;
use std::sync::LazyLock;

/// Model-predictive control in the true world of an environment, as if chance did what it does in the mean.
struct Planner {
    oracle: Oracle,
    mpc: Mpc,
    horizon: usize,
    workspace: Workspace<Returns>,
}

impl Planner {
    fn new(env: &str, planner: PlannerConfig, horizon: usize) -> Self {
        let entry = find(env).unwrap();
        let (spec, physics) = (entry.spec(), entry.physics().unwrap());
        Planner {
            oracle: Oracle::new(&spec, &entry.task(), physics).unwrap(),
            mpc: Mpc::closed_loop(planner.build(&spec.act, horizon).unwrap()),
            horizon,
            workspace: Workspace::new(Returns::new(1.0).unwrap()),
        }
    }
}

impl Actor for Planner {
    fn begin(&mut self) -> Result<()> {
        self.mpc.reset();
        Ok(())
    }

    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32]) -> Result<()> {
        let rollout = Rollout {
            model: &self.oracle,
            assignment: Assignment::Fixed { member: 0, policy: 0 },
            replicas: 1,
            horizon: self.horizon,
            mode: Mode::Mean,
            diverged: Diverged::Refuse,
        };
        let mut score = ModelScore::new(rollout, obs, &mut self.workspace);
        self.mpc.act(&mut score, key, act).map(drop)
    }
}

/// The optimal controller of the linear world: u = −K x, with the K of each step.
struct Optimal {
    riccati: Riccati,
    t: usize,
}

impl Actor for Optimal {
    fn begin(&mut self) -> Result<()> {
        self.t = 0;
        Ok(())
    }

    fn act(&mut self, obs: &[f32], _: Key, act: &mut [f32]) -> Result<()> {
        let stage = &self.riccati.stages[self.t];
        act[0] = stage.act([f64::from(obs[0]), f64::from(obs[1])]) as f32;
        self.t += 1;
        Ok(())
    }
}

/// Noise changes what a linear world with quadratic costs costs, and not what is best to do in it, so planning by the mean
/// is enough. Both controllers meet the same 20 starts and the same luck, so that neither decides the ratio of their costs.
///
/// The bounds of the force are far from what is best, so a search begins wide: ten rounds settle where the five of the
/// presets leave 3 % of noise in what is done.
#[test]
fn planning_in_a_linear_world_costs_at_most_two_percent_more_than_its_riccati_optimum() {
    let (episodes, key) = (20, Key::root(0).child("lqr"));
    let mut env = find("lqr").unwrap().make();
    let mut cost = |actor: &mut dyn Actor| -evaluate(actor, &mut *env, episodes, key).unwrap().mean_return();
    let optimum = cost(&mut Optimal { riccati: Lqr.riccati(50, 1.0).unwrap(), t: 0 });
    let cem = CemConfig { population: 200, elites: 20, iterations: 10, epsilon: 0.0, ..CemConfig::default() };
    let ratio = cost(&mut Planner::new("lqr", PlannerConfig::Cem(cem), 15)) / optimum;
    // It is 1.003; and the optimum is not beaten by more than luck allows.
    assert!((0.99..=1.02).contains(&ratio), "{ratio}");
}

/// The steps of an episode of the pendulum.
const STEPS: usize = 200;
/// How many of them are planned ahead: 1.25 s, the 25 steps of PETS.
const HORIZON: usize = 25;
/// How much less than the yardstick planning may earn in the mean. (It earns between ½ and 1 more: what a grid earns is below
/// the optimum, too.)
const SHORTFALL: f64 = 5.0;

/// Where episodes begin: five angles, the first of which hangs, by four speeds.
const STARTS: [[f64; 2]; 20] = {
    let (angles, speeds) = ([-PI, -0.6 * PI, -0.2 * PI, 0.2 * PI, 0.6 * PI], [-3.0, -1.0, 1.0, 3.0]);
    let (mut starts, mut i) = ([[0.0; 2]; 20], 0);
    while i < 20 {
        starts[i] = [angles[i / 4], speeds[i % 4]];
        i += 1;
    }
    starts
};

/// The return of an episode from each of these starts. `act` is told which start and step it is and what is observed, and
/// `seen` what came of the action.
fn returns<A>(
    starts: impl IntoIterator<Item = usize>,
    actor: &mut A,
    act: impl Fn(&mut A, (usize, usize), &[f32], &mut [f32]),
    seen: impl Fn(&mut A, usize, Transition<'_>),
) -> Vec<f64> {
    let mut env = Sim::new(Pendulum);
    let (mut obs, mut next_obs, mut action) = ([0.0; 3], [0.0; 3], [0.0]);
    let mut episode = |start: usize| {
        env.set_state(&STARTS[start], &mut obs).unwrap();
        let mut sum = 0.0;
        for t in 0..STEPS {
            act(actor, (start, t), &obs, &mut action);
            let reward = env.step(&action, Key::root(0), &mut next_obs).unwrap().reward;
            let end = if t + 1 == STEPS { End::Truncated } else { End::Running };
            let origin = Origin::World;
            seen(actor, t, Transition { obs: &obs, act: &action, next_obs: &next_obs, reward, end, origin });
            (obs, sum) = (next_obs, sum + f64::from(reward));
        }
        sum
    };
    starts.into_iter().map(&mut episode).collect()
}

/// What the optimum of a grid earns from each start, acted out in the true world.
///
/// The mean is −124.4; with twice the points in both directions it is −124.1, and with half of them −124.7: a finer grid
/// moves the yardstick by less than 1 %.
static YARDSTICK: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let entry = find("pendulum").unwrap();
    let grid = Grid::new(
        vec![Axis::periodic(-PI, PI, 400).unwrap(), Axis::clamped(-8.0, 8.0, 201).unwrap()],
        3,
        |at, obs| obs.copy_from_slice(&[at[0].cos() as f32, at[0].sin() as f32, at[1] as f32]),
        |obs, at| at.copy_from_slice(&[f64::from(obs[1]).atan2(f64::from(obs[0])), f64::from(obs[2])]),
    );
    let actions = ActionGrid::uniform(&entry.spec().act, 21).unwrap();
    let problem = GridProblem::new(grid.unwrap(), actions, entry.physics().unwrap(), &entry.task()).unwrap();
    let plan = problem.finite(STEPS, 1.0).unwrap();
    let act = |lookahead: &mut Lookahead, (_, t): (usize, usize), obs: &[f32], act: &mut [f32]| {
        plan.act(t, obs, act, lookahead).unwrap();
    };
    returns(0..20, &mut Lookahead::default(), act, |_, _, _| ())
});

/// Refuses returns that are in the mean too far below the yardstick of their starts.
fn check(name: &str, starts: &[usize], returns: &[f64]) {
    let best: Vec<f64> = starts.iter().map(|start| YARDSTICK[*start]).collect();
    let shortfall = mean(&best) - mean(returns);
    assert!(shortfall <= SHORTFALL, "{name}: {shortfall} below the grid: {returns:.0?} for {best:.0?}");
}

/// Key of everything that is drawn at this step of the episode from this start.
fn key_of((start, t): (usize, usize)) -> Key {
    Key::root(0).child("pendulum").at(start as u64).below().at(t as u64)
}

fn planned(planner: PlannerConfig, starts: &[usize]) -> Vec<f64> {
    let mut planner = Planner::new("pendulum", planner, HORIZON);
    let act = |planner: &mut Planner, at: (usize, usize), obs: &[f32], act: &mut [f32]| {
        if at.1 == 0 {
            planner.begin().unwrap();
        }
        planner.act(obs, key_of(at), act).unwrap();
    };
    returns(starts.iter().copied(), &mut planner, act, |_, _, _| ())
}

#[test]
fn icem_swings_a_pendulum_up_as_well_as_a_grid() {
    let starts: Vec<usize> = (0..20).collect();
    check("icem fast", &starts, &planned(PlannerConfig::preset("icem", "fast").unwrap(), &starts));
}

/// From all starts with a quarter of the population of handful-of-trials, so that it takes seconds, drawn wider: a search
/// of the published width that draws so few plans does not find the swing from where the pendulum hangs. From a start at
/// each angle as published.
#[test]
fn cem_swings_a_pendulum_up_as_well_as_a_grid() {
    let all: Vec<usize> = (0..20).collect();
    let sampling = Sampling::Clipped;
    let small = CemConfig { population: 100, elites: 10, sampling, ..CemConfig::default() };
    check("a quarter of cem", &all, &planned(PlannerConfig::Cem(small), &all));
    let some = [2, 6, 10, 14, 18];
    let published = PlannerConfig::preset("cem", "handful-of-trials").unwrap();
    check("cem handful-of-trials", &some, &planned(published, &some));
}

/// An agent that is given the world instead of learning it has nothing left to be worse by.
#[test]
fn an_agent_with_the_world_for_its_model_swings_a_pendulum_up_as_well_as_a_grid() {
    let entry = find("pendulum").unwrap();
    let setup = Setup { spec: entry.spec(), task: entry.task(), oracle: entry.physics(), data: None };
    let config = PlanningConfig {
        planner: PlannerConfig::preset("icem", "fast").unwrap(),
        horizon: HORIZON,
        particles: 1,
        model: ModelConfig::Oracle,
        initial_steps: 0,
        ..PlanningConfig::default()
    };
    let mut agent = PlanningAgent::new(config, &setup, Key::root(0)).unwrap();
    let starts: Vec<usize> = (0..20).collect();
    let act = |agent: &mut PlanningAgent, at: (usize, usize), obs: &[f32], act: &mut [f32]| {
        agent.act(obs, key_of(at), act, &mut NullRecorder).unwrap();
    };
    // One episode from each start, one after the other, as in a run.
    let seen = |agent: &mut PlanningAgent, t: usize, transition: Transition<'_>| {
        agent.observe(transition).unwrap();
        agent.learn(t as u64 + 1, Key::root(0), &mut NullRecorder).unwrap();
    };
    let earned = returns(starts.iter().copied(), &mut agent, act, seen);
    check("the agent", &starts, &earned);
    assert_eq!(agent.buffer().len(), 20 * STEPS);
}
