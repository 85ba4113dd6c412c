//! The agent: acts by plan, keeps what it sees, fits its belief again.

use super::actor::{Controller, Thought, World};
use super::keep::{Kept, Tally};
use super::{FitAt, PlanningActor, PlanningConfig};
use crate::{Actor, Agent, Mind, Setup, known};
use mbrl_buffer::ReplayBuffer;
use mbrl_core::{Belief, Context, FitData, Key, Recorder, Result, Spec, Transition, UniformPolicy};
use std::io::{Read, Write};

/// Plans in what it believes, and believes what it has seen.
///
/// Its metrics, at the end of an episode: `plan/score` (the best score of a search: what it hoped for), `plan/evaluations` and
/// `plan/transitions`, all in the mean over searches; `plan/non_finite` (candidates without a finite score), `plan/lost` (imagined
/// rows without a finite successor) and `plan/failed` (searches in which no candidate had a finite score: it then acted at
/// random; of an evaluation, `eval/plan_failed`). At a fit: what the model says of it, `model/…`.
pub struct PlanningAgent {
    config: PlanningConfig,
    spec: Spec,
    policy: UniformPolicy,
    belief: Box<dyn Belief>,
    buffer: ReplayBuffer,
    controller: Controller,
    kept: Kept,
    /// Whether the step observed last ended its episode.
    over: bool,
    rows: Vec<u32>,
}

impl PlanningAgent {
    /// An agent that has seen nothing.
    pub fn new(config: PlanningConfig, setup: &Setup, key: Key) -> Result<Self> {
        config.validate()?;
        let task = known::given(&setup.task, config.reward, config.termination, |part| {
            match config.model.is_oracle() {
                true => "and an oracle cannot learn it: learn an ensemble".to_owned(),
                false => format!("set {part} to `learnt`"),
            }
        })?;
        let belief = config.model.build(setup, &task, key.child("model")).context("model")?;
        // An oracle has one member and nothing to learn.
        let kept =
            Kept { members: if config.model.is_oracle() { vec![0] } else { vec![] }, ..Kept::default() };
        Ok(PlanningAgent {
            policy: UniformPolicy::new(&setup.spec)?,
            buffer: ReplayBuffer::new(setup.spec.dims(), config.capacity)?,
            controller: Controller::new(&config, &setup.spec).context("planner")?,
            spec: setup.spec.clone(),
            belief,
            kept,
            over: false,
            rows: Vec::new(),
            config,
        })
    }

    /// What it believes.
    pub fn belief(&self) -> &dyn Belief {
        &*self.belief
    }

    /// What it has seen.
    pub fn buffer(&self) -> &ReplayBuffer {
        &self.buffer
    }

    fn fit(&mut self, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        self.rows.clear();
        self.rows.extend(0..self.buffer.len() as u32);
        let data = FitData { data: &self.buffer, train: &self.rows, holdout: &[] };
        let fit = self.belief.fit(data, key.child("fit"), recorder).context("fitting the model")?;
        let all = || (0..self.belief.model().members() as u16).collect();
        self.kept.members = if fit.elites.is_empty() { all() } else { fit.elites };
        Ok(())
    }

    fn record(&mut self, recorder: &mut dyn Recorder) {
        let tally = std::mem::take(&mut self.kept.tally);
        if tally.plans + tally.failed == 0 {
            return;
        }
        recorder.scalar("plan/failed", tally.failed as f64);
        if tally.plans == 0 {
            return;
        }
        let mean = |sum: f64| sum / tally.plans as f64;
        recorder.scalar("plan/score", mean(tally.score));
        recorder.scalar("plan/evaluations", mean(tally.evaluations as f64));
        recorder.scalar("plan/transitions", mean(tally.transitions as f64));
        recorder.scalar("plan/non_finite", tally.non_finite as f64);
        recorder.scalar("plan/lost", tally.lost as f64);
    }
}

impl Agent for PlanningAgent {
    fn act(&mut self, obs: &[f32], key: Key, act: &mut [f32], recorder: &mut dyn Recorder) -> Result<()> {
        if self.kept.members.is_empty() {
            return self.controller.wander(&self.policy, obs, key, act);
        }
        let world = World { model: self.belief.model(), members: &self.kept.members };
        let (controller, config) = (&mut self.controller, &self.config);
        let thought = recorder.span("plan", |_| controller.act(config, world, obs, key, act));
        match thought {
            Ok(Thought { found: Some(found), effort }) => self.kept.tally.add(found, effort),
            Ok(Thought { found: None, .. }) => {}
            // In a model that is wild here no plan is worth anything; the world will tell better.
            Err(error) if error.is_non_finite() => {
                self.kept.tally.failed += 1;
                return controller.wander(&self.policy, obs, key, act);
            }
            Err(error) => return Err(error.wrap("planning")),
        }
        Ok(())
    }

    fn observe(&mut self, transition: Transition<'_>) -> Result<()> {
        self.buffer.push(transition)?;
        self.over = transition.end.is_end();
        if self.over {
            self.controller.reset();
        }
        Ok(())
    }

    fn learn(&mut self, env_steps: u64, key: Key, recorder: &mut dyn Recorder) -> Result<()> {
        let over = std::mem::take(&mut self.over);
        if over {
            self.record(recorder);
        }
        let due = match self.config.fit {
            FitAt::EpisodeEnd => over,
            FitAt::Steps(steps) => env_steps.is_multiple_of(steps),
        };
        if due && env_steps >= self.config.initial_steps && !self.config.model.is_oracle() {
            self.fit(key, recorder)?;
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.buffer.cut_episodes();
        self.controller.reset();
        self.kept.tally = Tally::default();
        Ok(())
    }

    fn actor(&self) -> Result<Box<dyn Actor + '_>> {
        let world = World { model: self.belief.model(), members: &self.kept.members };
        Ok(Box::new(PlanningActor {
            config: &self.config,
            policy: &self.policy,
            world: (!self.kept.members.is_empty()).then_some(world),
            controller: Controller::new(&self.config, &self.spec)?,
            failed: 0,
        }))
    }

    fn mind(&self) -> Option<Mind<'_>> {
        let members = &self.kept.members;
        (!members.is_empty()).then_some(Mind { belief: &*self.belief, members })
    }

    fn save(&self, mut out: &mut dyn Write) -> Result<()> {
        self.buffer.write_to(&mut out)?;
        self.belief.save(out)?;
        self.kept.save(self.controller.state(), out)
    }

    fn load(&mut self, from: &mut dyn Read) -> Result<()> {
        let buffer = crate::keep::buffer(&self.buffer, from)?;
        self.belief.load(from)?;
        let (kept, plan) = Kept::load(from)?;
        crate::keep::check_members(&kept.members, self.belief.model().members())?;
        self.controller.resume(&plan)?;
        (self.buffer, self.kept) = (buffer, kept);
        Ok(())
    }
}

impl std::fmt::Debug for PlanningAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanningAgent").field("config", &self.config).finish_non_exhaustive()
    }
}
