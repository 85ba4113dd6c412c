//! One episode of planning in what is believed.

use super::{PlanningConfig, Propagation};
use crate::{Actor, SingleRow};
use mbrl_core::{DynamicsModel, Key, Mode, Recorder, Result, RowBuf, Rows, Scratch, Spec, UniformPolicy};
use mbrl_plan::{
    Assignment, Diverged, Effort, Expectation, Found, ModelScore, Mpc, MpcState, Returns, Rollout, Workspace,
};

/// Model-predictive control in a model that is handed in, or chance, where there is none yet.
#[derive(Debug)]
pub(super) struct Controller {
    mpc: Mpc,
    workspace: Workspace<Returns>,
    state: RowBuf,
    row: SingleRow,
    scratch: Scratch,
}

/// What an action took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thought {
    pub(super) found: Option<Found>,
    pub(super) effort: Effort,
}

/// What is planned in.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) model: &'a dyn DynamicsModel,
    /// The members to imagine with.
    pub(super) members: &'a [u16],
}

impl Controller {
    pub(super) fn new(config: &PlanningConfig, spec: &Spec) -> Result<Self> {
        let optimizer = config.planner.build(&spec.act, config.horizon)?;
        Ok(Controller {
            mpc: Mpc::new(optimizer, config.replan_every)?,
            workspace: Workspace::new(Returns::new(config.discount)?),
            state: RowBuf::default(),
            row: SingleRow::default(),
            scratch: Scratch::default(),
        })
    }

    pub(super) fn reset(&mut self) {
        self.mpc.reset();
    }

    pub(super) fn state(&self) -> MpcState {
        self.mpc.state()
    }

    pub(super) fn resume(&mut self, state: &MpcState) -> Result<()> {
        self.mpc.resume(state)
    }

    /// Acts at random.
    pub(super) fn wander(
        &mut self,
        policy: &UniformPolicy,
        obs: &[f32],
        key: Key,
        act: &mut [f32],
    ) -> Result<()> {
        self.row.act(policy, Mode::Sample, obs, key, act)
    }

    /// Acts by plan.
    pub(super) fn act(
        &mut self,
        config: &PlanningConfig,
        world: World<'_>,
        obs: &[f32],
        key: Key,
        act: &mut [f32],
    ) -> Result<Thought> {
        let World { model, members } = world;
        self.state.reshape(1, model.state_dim());
        model.encode(Rows::single(obs), self.state.view_mut(), &mut self.scratch)?;
        let one = Assignment::Fixed { member: 0, policy: 0 };
        let sampled = Rollout {
            model,
            assignment: one,
            replicas: config.particles,
            horizon: config.horizon,
            mode: Mode::Sample,
            diverged: Diverged::Drop,
        };
        let mean;
        let rollout = match config.propagation {
            Propagation::TsInfinity => Rollout { assignment: Assignment::TsInfinity(members), ..sampled },
            Propagation::Ts1 => Rollout { assignment: Assignment::Ts1(members), ..sampled },
            Propagation::Expectation => {
                mean = Expectation::new(model, members)?;
                Rollout { model: &mean, replicas: 1, mode: Mode::Mean, ..sampled }
            }
        };
        let mut score = ModelScore::new(rollout, self.state.row(0), &mut self.workspace);
        match self.mpc.act(&mut score, key, act) {
            Ok(found) => Ok(Thought { found, effort: score.effort() }),
            Err(error) => {
                self.mpc.skip();
                Err(error)
            }
        }
    }
}

/// Plans in what an agent believes, for an evaluation: with a controller of its own.
pub struct PlanningActor<'a> {
    pub(super) config: &'a PlanningConfig,
    pub(super) policy: &'a UniformPolicy,
    /// None, where nothing was learnt yet.
    pub(super) world: Option<World<'a>>,
    pub(super) controller: Controller,
    /// Searches without a plan of finite score.
    pub(super) failed: u64,
}

impl Actor for PlanningActor<'_> {
    fn begin(&mut self) -> Result<()> {
        self.controller.reset();
        Ok(())
    }

    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32]) -> Result<()> {
        match self.world {
            None => self.controller.wander(self.policy, obs, key, act),
            Some(world) => match self.controller.act(self.config, world, obs, key, act) {
                // As the agent does.
                Err(error) if error.is_non_finite() => {
                    self.failed += 1;
                    self.controller.wander(self.policy, obs, key, act)
                }
                done => done.map(drop),
            },
        }
    }

    fn record(&self, recorder: &mut dyn Recorder) {
        recorder.scalar("eval/plan_failed", self.failed as f64);
    }
}

impl std::fmt::Debug for PlanningActor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanningActor").field("config", self.config).finish_non_exhaustive()
    }
}
